/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-layer.c: C88: the quick cases once more, with a layer before the backend that
 * leaves all to it: children are called behind other checks, and with flags, that a root
 * never sees.
 *
 * The layer is a plugin of the kit's own, which is registered in this process and in a
 * second one. A case that fails here alone is about what a child is asked, not about what
 * a host sees. */
#include "conform-case.h"

#include <cask/cask-plugins.h>

#define LAYER_NAME "conform-layer"

struct _CaskBackend
{
  guint64 nothing;
};

static CaskBackend *
layer_open (G_GNUC_UNUSED const CaskOpenArgs *args,
            G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  return g_new0 (CaskBackend, 1);
}

static void
layer_close (CaskBackend *self)
{
  g_free (self);
}

static const CaskBackendOps layer_ops = { .size = sizeof (CaskBackendOps),
                                          .open = layer_open,
                                          .close = layer_close };

static const CaskPlugin layer_plugin = { .magic = CASK_PLUGIN_MAGIC,
                                         .size = sizeof (CaskPlugin),
                                         .abi_major = CASK_PLUGIN_ABI_MAJOR,
                                         .abi_minor = CASK_PLUGIN_ABI_MINOR,
                                         .option_size = sizeof (CaskOptionSpec),
                                         .kind = CASK_PLUGIN_LAYER,
                                         .min_children = 1,
                                         .max_children = 1,
                                         .capabilities = G_MAXUINT64,
                                         .needs = CASK_NEEDS_DELEGATION,
                                         .name = LAYER_NAME,
                                         .version = "1.0",
                                         .summary = "Leaves all to what it stands before",
                                         .ops = &layer_ops };

/* What has failed once is not tried again: the config then does not open, aloud. */
gboolean
conform_layer_register (GError **error)
{
  static gsize is_registered = 0;

  if (!g_once_init_enter (&is_registered))
    return TRUE;
  gboolean done = cask_register_plugin (&layer_plugin, error);
  g_once_init_leave (&is_registered, 1);
  return done;
}

/* Returns: FALSE, skipped, where it has options that only a root takes, or failed */
static gboolean
layer_opens (void)
{
  g_autoptr (GError) error = NULL;
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);
  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);

  if (g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG))
    conform_skip ("a layer can not stand before it: it has an option of the root's");
  else
    CONFORM_NO_ERROR (error);
  return store != NULL && CONFORM_TRUE (cask_store_close (store, NULL, NULL));
}

static void
layer_run (const ConformSuite *suite, const ConformCase *item)
{
  guint before = conform_record_count_failed ();

  item->run ();
  CONFORM_EQUAL (conform_wrong_callbacks (), 0);
  conform_place_end_case ();
  if (conform_record_count_failed () > before)
    conform_note ("that was, behind a layer: %s: %s", suite->name, item->sentence);
}

/* Thousands of blobs, behind a layer, tell of it what dozens do: only a long run has the
 * time for them. */
static gboolean
layer_is_due (const ConformSuite *suite, const ConformCase *item)
{
  gboolean is_large = suite->cases == conform_batch_crowd_tests ||
                      strstr (item->sentence, "limits 0 and above") != NULL ||
                      strstr (item->sentence, "a batch of 1,000 blobs") != NULL;

  return !conform_case_is_slow (suite, item) && (conform_is_long () || !is_large);
}

/* What does not apply behind the layer does not apply without it, which was said. */
static void
test_behind_layer (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *layered = g_strconcat (LAYER_NAME "(", conform_template (), ")", NULL);

  CONFORM_TRUE (conform_layer_register (&error));
  CONFORM_NO_ERROR (error);
  conform_set_template (layered);
  if (layer_opens ())
    {
      for (const ConformSuite *suite = conform_suites; suite->name != NULL; suite++)
        for (const ConformCase *item = suite->cases; item->sentence != NULL; item++)
          if (layer_is_due (suite, item))
            layer_run (suite, item);
      conform_record_forget_skip ();
    }
  conform_set_template (NULL);
}

const ConformCase conform_layer_tests[] = {
  { "C88 behind a layer that leaves all to it a backend passes the quick cases",
    test_behind_layer },
  CONFORM_CASES_END
};
