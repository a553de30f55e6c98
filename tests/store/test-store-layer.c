/* SPDX-License-Identifier: Apache-2.0
 *
 * test-store-layer.c: what a layer withdraws stays withdrawn, whichever slot the layer
 * above it calls. */
#include <cask/cask.h>
#include <cask/cask-plugin.h>

#include "test-support.h"

struct _CaskBackend
{
  const CaskChild *child;
};

static CaskBackend *
layer_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  (void) cancellable, (void) error;
  self->child = args->children[0];
  return self;
}

static void
layer_close (CaskBackend *self)
{
  g_free (self);
}

/* Nothing but reading: every slot is the child's, and WRITE is not announced. */
static guint64
reader_capabilities (CaskBackend *self)
{
  return self->child->capabilities & ~(guint64) CASK_CAPABILITY_WRITE;
}

/* A layer that puts by its child's batches. */
static gboolean
grouper_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
             gboolean *created, GCancellable *cancellable, GError **error)
{
  CaskItem item = { .digest = digest, .bytes = bytes };

  if (!CASK_CALL (self->child, put_many, &item, 1, flags, cancellable, error))
    return FALSE;
  *created = item.outcome != 0;
  if (item.error != NULL)
    g_propagate_error (error, item.error);
  return item.error == NULL;
}

static gboolean
grouper_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
                CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  CaskItem item = { .digest = digest };

  if (!CASK_CALL (self->child, remove_many, &item, 1, unused_since_usec, cancellable,
                  error))
    return FALSE;
  *outcome = (CaskRemoved) item.outcome;
  if (item.error != NULL)
    g_propagate_error (error, item.error);
  return item.error == NULL;
}

static guint64
grouper_capabilities (CaskBackend *self)
{
  (void) self;
  return CASK_CAPABILITY_WRITE;
}

static const CaskBackendOps reader_ops = {
  .size = sizeof (CaskBackendOps),
  .open = layer_open,
  .close = layer_close,
  .capabilities = reader_capabilities,
};

static const CaskBackendOps grouper_ops = {
  .size = sizeof (CaskBackendOps),
  .open = layer_open,
  .close = layer_close,
  .put = grouper_put,
  .remove = grouper_remove,
  .capabilities = grouper_capabilities,
};

#define LAYER(name_, ops_)                                                               \
  {                                                                                      \
    .magic = CASK_PLUGIN_MAGIC, .size = sizeof (CaskPlugin),                             \
    .abi_major = CASK_PLUGIN_ABI_MAJOR, .abi_minor = CASK_PLUGIN_ABI_MINOR,              \
    .option_size = sizeof (CaskOptionSpec), .kind = CASK_PLUGIN_LAYER,                   \
    .min_children = 1, .max_children = 1, .needs = CASK_NEEDS_DELEGATION, .name = name_, \
    .version = "1", .ops = ops_,                                                         \
  }

static const CaskPlugin reader = LAYER ("reader", &reader_ops);
static const CaskPlugin grouper = LAYER ("grouper", &grouper_ops);

static void
test_withdrawn_write (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskStore) plain = cask_store_open ("memory:layers", NULL, &error);
  TEST_NO_ERROR (error);
  g_autoptr (CaskStore) store =
      cask_store_open ("grouper(reader(memory:layers))", NULL, &error);
  TEST_NO_ERROR (error);
  g_autoptr (CaskStore) open = cask_store_open ("grouper(memory:layers)", NULL, &error);
  TEST_NO_ERROR (error);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("withdrawn", 9);
  CaskDigest digest;
  gboolean present = TRUE;

  if (plain == NULL || store == NULL || open == NULL)
    return;
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_FALSE (
      cask_store_put (store, &digest, bytes, CASK_PUT_NONE, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "can not be written");
  CU_ASSERT_TRUE (cask_store_contains (plain, &digest, &present, NULL, &error));
  CU_ASSERT_FALSE (present);

  /* Without the reader the same way works: it was not the batch that was refused. */
  CU_ASSERT_TRUE (
      cask_store_put (open, &digest, bytes, CASK_PUT_NONE, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (cask_store_delete (store, &digest, NULL, NULL, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED, "can not be written");
  CU_ASSERT_TRUE (cask_store_contains (plain, &digest, &present, NULL, &error));
  CU_ASSERT_TRUE (present);
}

static int
register_layers (void)
{
  return !cask_register_plugin (&reader, NULL) || !cask_register_plugin (&grouper, NULL);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "C86 a layer that withdraws WRITE is not passed by batches", test_withdrawn_write },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "layers", register_layers, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
