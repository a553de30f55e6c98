/* SPDX-License-Identifier: Apache-2.0
 *
 * model.c: the model's store, its table, and how the two are compared. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "test-support.h"

#define MODEL_ROOT "store"

/* The stores that are tried; %s is a directory that is not there yet. */
static const struct
{
  char letter;
  gboolean is_persistent;
  const char *config;
} model_kinds[] = {
  { 'm', FALSE, "memory:" },
  { 'n', TRUE, "fs:%s?durability=none" },
  { 'f', TRUE, "fs:%s?durability=full" },
  { 'd', TRUE, "fs:%s?durability=data&layout=oci" },
  { 'b', TRUE, "fs:%s?durability=batch&layout=oci" },
  { 'v', TRUE, "fs:%s?durability=none&layout=oci&verify=always" },
  { 'k', FALSE, "minimal" },       /* seven slots: the core does the rest */
  { 'l', FALSE, "layer(memory:)" } /* a layer that delegates everything */
};

/* Sizes at the edges of blocks, pages, and the pieces of readers and uploads. */
static const gsize model_sizes[MODEL_NAMES / 2] = { 0,    1,     64,    129,
                                                    4096, 20000, 65537, 262145 };

/* ---- The input ---- */

void
model_begin (Model *model, const char *operation, const guint8 *limits,
             const guint8 *draws)
{
  model->operation = operation;
  model->has_failed = FALSE;
  model->limits = limits;
  model->draws = draws;
}

guint
model_draw (Model *model, guint limit)
{
  FUZZ_CHECK (*model->limits == limit && *model->draws < limit);
  model->limits++;
  return *model->draws++;
}

/* ---- The table ---- */

GBytes *
model_content (Model *model, guint name)
{
  return model->contents[name % (MODEL_NAMES / 2)];
}

GBytes *
model_stored (Model *model, const CaskDigest *digest)
{
  return g_hash_table_lookup (model->blobs, digest);
}

/* The copy that is there now will not be any more. */
static void
model_disturb_readers (Model *model, const CaskDigest *digest)
{
  if (model->capabilities & CASK_CAPABILITY_READS_OUTLIVE_REMOVE)
    return;
  for (guint i = 0; i < MODEL_SLOTS; i++)
    if (model->readers[i].stream != NULL &&
        cask_digest_equal (&model->readers[i].digest, digest))
      model->readers[i].may_be_gone = TRUE;
}

void
model_store (Model *model, const CaskDigest *digest, GBytes *bytes, gboolean replaces)
{
  if (replaces)
    model_disturb_readers (model, digest);
  g_hash_table_replace (model->blobs, cask_digest_copy (digest), g_bytes_ref (bytes));
}

void
model_forget (Model *model, const CaskDigest *digest)
{
  model_disturb_readers (model, digest);
  g_hash_table_remove (model->blobs, digest);
}

/* ---- Comparing ---- */

G_NORETURN static void
model_fail (Model *model, const char *came, const char *due)
{
  fuzz_fail (__FILE__, __LINE__, "%s: %s: %s is due, came %s", model->config,
             model->operation, due, came);
}

static const char *
model_say_due (int due)
{
  static char text[32];
  switch (due)
    {
    case MODEL_SUCCESS:
      return "success";
    case MODEL_CANCELLED:
      return "CANCELLED";
    case MODEL_ENDED:
      return "a closed stream";
    case MODEL_MISUSED:
      return "INVALID_ARGUMENT";
    default:
      g_snprintf (text, sizeof text, "CASK_ERROR %d", due);
      return text;
    }
}

static gboolean
model_is_due (const GError *error, int due)
{
  switch (due)
    {
    case MODEL_SUCCESS:
      return FALSE;
    case MODEL_CANCELLED:
      return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    case MODEL_ENDED:
      return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
    case MODEL_MISUSED:
      return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    default:
      return g_error_matches (error, CASK_ERROR, due);
    }
}

void
model_expect (Model *model, gboolean success, const GError *error, int due)
{
  if (g_getenv ("FUZZ_TRACE") != NULL)
    fprintf (stderr, "%s: %s\n", model->operation, error ? error->message : "success");
  if (success != (error == NULL))
    model_fail (model, success ? "success and an error" : "neither", "one of them");
  if (success && due != MODEL_SUCCESS)
    model_fail (model, "success", model_say_due (due));
  model->has_failed |= !success;
  if (success)
    return;
  if (!model_is_due (error, due))
    model_fail (model, error->message, model_say_due (due));
  FUZZ_CHECK (fuzz_is_one_line (error->message));
}

void
model_expect_number (Model *model, const char *what, guint64 came, guint64 due)
{
  if (came == due)
    return;
  g_autofree char *a = g_strdup_printf ("%s %" G_GUINT64_FORMAT, what, came);
  g_autofree char *b = g_strdup_printf ("%s %" G_GUINT64_FORMAT, what, due);
  model_fail (model, a, b);
}

void
model_expect_bytes (Model *model, GBytes *came, GBytes *due)
{
  if (came == NULL || !g_bytes_equal (came, due))
    model_fail (model, "other bytes", "what was stored");
}

/* ---- Open and close ---- */

/* Made once: hashing them takes longer than most sequences. */
static void
model_fill (Model *model)
{
  static Model filled;
  gboolean is_filled = filled.contents[0] != NULL;

  for (guint i = 0; i < MODEL_NAMES / 2 && !is_filled; i++)
    {
      guint8 *data = g_malloc (model_sizes[i] + 1);
      for (gsize k = 0; k < model_sizes[i]; k++)
        data[k] = (guint8) (k * 31 + k / 251 + i);
      filled.contents[i] = g_bytes_new_take (data, model_sizes[i]);
      cask_digest_of_bytes (filled.contents[i], CASK_ALGORITHM_SHA256,
                            &filled.digests[i]);
      cask_digest_of_bytes (filled.contents[i], CASK_ALGORITHM_SHA512,
                            &filled.digests[i + MODEL_NAMES / 2]);
    }
  memcpy (model->contents, filled.contents, sizeof filled.contents);
  memcpy (model->digests, filled.digests, sizeof filled.digests);
}

static void
model_open_store (Model *model)
{
  g_autoptr (GError) error = NULL;
  model->operation = "open";
  model->store = cask_store_open (model->config, NULL, &error);
  model_expect (model, model->store != NULL, error, MODEL_SUCCESS);
  model->capabilities = cask_store_get_capabilities (model->store);
}

static void
model_close_store (Model *model)
{
  g_autoptr (GError) error = NULL;
  gboolean closed = cask_store_close (model->store, NULL, &error);
  model->operation = "close";
  model_expect (model, closed, error, MODEL_SUCCESS);
  model_uploads_closed (model, !model->is_persistent);
  g_clear_object (&model->store);
  if (!model->is_persistent)
    g_hash_table_remove_all (model->blobs);
}

static void
model_set_config (Model *model, guint kind)
{
  guint at = 0;
  for (guint i = 0; i < G_N_ELEMENTS (model_kinds); i++)
    if (model_kinds[i].letter == (char) kind)
      at = i;
  g_autofree char *root = g_build_filename (fuzz_directory (), MODEL_ROOT, NULL);
  g_autofree char *place = cask_config_escape (root);
  const char *config = model_kinds[at].config, *hole = strstr (config, "%s");
  model->is_persistent = model_kinds[at].is_persistent;
  model->config = hole == NULL ? g_strdup (config)
                               : g_strdup_printf ("%.*s%s%s", (int) (hole - config),
                                                  config, place, hole + 2);
  if (hole == NULL)
    return;
  test_remove_tree (root);
  model->root = g_steal_pointer (&root);
}

/* The plugins of this build, wherever the program is started. */
static void
model_find_plugins (void)
{
  static gboolean is_done;
  if (is_done)
    return;
  cask_add_plugin_dir (FUZZ_PLUGINS);
  cask_add_plugin_dir (FUZZ_ZOO);
  is_done = TRUE;
}

void
model_open (Model *model, guint kind)
{
  model_find_plugins ();
  *model = (Model){ .operation = "open" };
  model->blobs = g_hash_table_new_full (cask_digest_hash, cask_digest_equal,
                                        (GDestroyNotify) cask_digest_free,
                                        (GDestroyNotify) g_bytes_unref);
  model_fill (model);
  model_set_config (model, kind);
  model_open_store (model);
}

void
model_reopen (Model *model)
{
  for (guint i = 0; i < MODEL_SLOTS; i++)
    model->may_linger |= model->readers[i].stream != NULL;
  model_close_store (model);
  model_open_store (model);
}

/* Nothing that was not published may be left once nobody works in the store. */
static void
model_check_residue (Model *model)
{
  if (!model->is_persistent || model->may_linger)
    return;
  g_autofree char *path = g_build_filename (model->root, ".tmp", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *left = directory != NULL ? g_dir_read_name (directory) : NULL;
  model->operation = "close";
  if (left != NULL)
    model_fail (model, left, "an empty .tmp");
}

void
model_close (Model *model)
{
  model_compare_all (model);
  model_readers_end (model);
  model_close_store (model);
  model_check_residue (model);
  if (model->is_persistent)
    {
      model_open_store (model);
      model_compare_all (model);
      model_close_store (model);
    }
  model_uploads_closed (model, TRUE);
  g_hash_table_unref (model->blobs);
  g_free (model->config);
  g_free (model->root);
}
