/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-fixture.c: stores of the memory backend for its tests. */
#include "memory-fixture.h"

#include <time.h>

static const CaskHost fixture_host = { .size = sizeof (CaskHost) };

/* Found by name, so that the order of the plugin's options is its own affair. */
static void
fixture_set_option (CaskOptionValue *values, const char *name, gboolean is_set,
                    guint64 number)
{
  for (guint i = 0; i < cask_plugin.n_options; i++)
    if (strcmp (cask_plugin.options[i].name, name) == 0)
      values[i] = (CaskOptionValue){ .is_set = is_set, .number = number };
}

CaskBackend *
memory_fixture_open (const MemoryOpen *open, GError **error)
{
  CaskOptionValue values[8] = { 0 };
  g_assert (cask_plugin.n_options <= G_N_ELEMENTS (values));
  fixture_set_option (values, "max-bytes", open->max_bytes != 0, open->max_bytes);
  fixture_set_option (values, "evict", open->evict_lru, open->evict_lru ? 1 : 0);
  fixture_set_option (values, "freshen", TRUE, open->freshen_usec);
  fixture_set_option (values, "max-uploads", open->max_uploads != 0,
                      open->max_uploads != 0 ? open->max_uploads : 10000);
  fixture_set_option (values, "max-upload-bytes", open->max_upload_bytes != 0,
                      open->max_upload_bytes);
  CaskOpenArgs args = { .size = sizeof (CaskOpenArgs),
                        .host = &fixture_host,
                        .location = open->name != NULL ? open->name : "",
                        .values = values,
                        .encoding = open->encoding };
  return cask_plugin.ops->open (&args, NULL, error);
}

CaskBackend *
memory_fixture_new (void)
{
  return memory_fixture_open (&(MemoryOpen){ 0 }, NULL);
}

void
memory_fixture_close (CaskBackend *self)
{
  cask_plugin.ops->close (self);
}

/* memory_fixture_digest: as evenly spread as real ones, because it is one. */
void
memory_fixture_digest (guint64 number, CaskAlgorithm algorithm, CaskDigest *digest)
{
  gboolean is_long = algorithm == CASK_ALGORITHM_SHA512;
  g_autoptr (GChecksum) sum =
      g_checksum_new (is_long ? G_CHECKSUM_SHA512 : G_CHECKSUM_SHA256);
  g_checksum_update (sum, (const guchar *) &number, sizeof number);
  *digest = (CaskDigest){ .algorithm = (guint8) algorithm };
  gsize length = sizeof digest->bytes;
  g_checksum_get_digest (sum, digest->bytes, &length);
}

/* memory_fixture_put: stores size bytes, all the low byte of number. */
gboolean
memory_fixture_put (CaskBackend *self, guint64 number, gsize size, gboolean *created,
                    GError **error)
{
  CaskDigest digest;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  g_autofree guint8 *data = g_malloc (size + 1);
  memset (data, (int) (number & 0xff), size + 1);
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  gboolean ignored;
  return cask_plugin.ops->put (self, &digest, bytes, 0,
                               created != NULL ? created : &ignored, NULL, error);
}

gboolean
memory_fixture_has (CaskBackend *self, guint64 number)
{
  CaskDigest digest;
  CaskBlobInfo info;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  return cask_plugin.ops->stat (self, &digest, 0, &info, NULL, NULL);
}

void
memory_fixture_read (CaskBackend *self, guint64 number, guint32 flags)
{
  CaskDigest digest;
  CaskBlobInfo info;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  g_autoptr (GBytes) bytes =
      cask_plugin.ops->get (self, &digest, 0, CASK_TO_END, flags, &info, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (bytes);
}

CaskRemoved
memory_fixture_remove (CaskBackend *self, guint64 number)
{
  CaskDigest digest;
  CaskRemoved outcome = CASK_REMOVED_MAYBE;
  memory_fixture_digest (number, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (
      cask_plugin.ops->remove (self, &digest, CASK_ALWAYS, &outcome, NULL, NULL));
  return outcome;
}

guint64
memory_fixture_used (CaskBackend *self)
{
  CaskUsage usage = { 0 };
  CU_ASSERT_TRUE (cask_plugin.ops->usage (self, &usage, NULL, NULL));
  return usage.bytes;
}

/* memory_fixture_tick: returns once both clocks that the backend reads have moved on. */
void
memory_fixture_tick (void)
{
  struct timespec first, now;
  gint64 real = g_get_real_time ();
  clock_gettime (CLOCK_MONOTONIC, &first);
  do
    clock_gettime (CLOCK_MONOTONIC, &now);
  while ((now.tv_sec == first.tv_sec && now.tv_nsec == first.tv_nsec) ||
         g_get_real_time () == real);
}

/* memory_fixture_failed: whether that is the error, and its message has the word; clears
 * it. */
gboolean
memory_fixture_failed (GError **error, int code, const char *word)
{
  gboolean is_it = g_error_matches (*error, CASK_ERROR, code) &&
                   strstr ((*error)->message, word) != NULL;
  g_clear_error (error);
  return is_it;
}

void
memory_fixture_add (const char *suite, const MemoryTest *tests, gsize n_tests)
{
  CU_pSuite added = CU_add_suite (suite, NULL, NULL);
  g_assert (added != NULL);
  for (gsize i = 0; i < n_tests; i++)
    if (CU_add_test (added, tests[i].name, tests[i].run) == NULL)
      g_error ("%s: %s", tests[i].name, CU_get_error_msg ());
}
