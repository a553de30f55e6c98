/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-store.c: a fresh store for each test, or a sentence that says why there is
 * none.
 *
 * Only two things skip a test: a capability that the store does not announce, and a place
 * that cannot be opened twice or reached from outside. Anything else that is missing
 * fails. */
#include "conform-case.h"

static const Calls *current_calls = &conform_sync_calls;

void
conform_use_calls (const Calls *calls)
{
  current_calls = calls;
}

char *
conform_make_config (const char **directory)
{
  const char *template = conform_template ();

  *directory = NULL;
  if (!conform_has_place (template))
    return g_strdup (template);
  *directory = conform_directory ();
  return conform_fill_place (template, *directory);
}

char *
conform_add_option (const char *config, const char *option, guint node)
{
  gboolean has_options = FALSE, in_node = TRUE;
  guint ends = 0;

  for (const char *at = config;; at++)
    {
      gboolean ends_here = *at == '\0' || strchr ("(),", *at) != NULL;
      if (ends_here && in_node && ends++ == node)
        {
          const char *end = at; /* of the node, before white space */
          while (end > config && strchr (" \t\n", end[-1]) != NULL)
            end--;
          return g_strdup_printf ("%.*s%c%s%s", (int) (end - config), config,
                                  has_options ? '&' : '?', option, end);
        }
      if (*at == '\0')
        return NULL;
      if (ends_here)
        has_options = FALSE;
      /* What follows a node's own children is the end of it once more. */
      in_node = *at == '(' || *at == ',' || (in_node && !ends_here);
      has_options = has_options || *at == '?';
    }
}

static const char *
capability_name (guint capability)
{
  static const char *const names[] = { "WRITE",         "DURABLE",
                                       "SHARED",        "IMMUTABLE",
                                       "EXACT_CREATED", "FRESHENS",
                                       "REMOVE_UNUSED", "READS_OUTLIVE_REMOVE",
                                       "RESUME",        "QUARANTINE" };
  guint bit = (guint) g_bit_nth_lsf (capability, -1);
  return bit < G_N_ELEMENTS (names) ? names[bit] : "an unknown capability";
}

/* Opens with the option at every node that takes it: of a cache, its children. */
static CaskStore *
conform_open_option (char **config, const char *option, GError **error)
{
  g_autofree char *taken = NULL;

  for (guint node = 0;; node++)
    {
      g_autoptr (GError) failure = NULL;
      g_autofree char *with =
          conform_add_option (taken != NULL ? taken : *config, option, node);
      if (with == NULL)
        break;
      g_autoptr (CaskStore) store = current_calls->open (with, NULL, &failure);
      if (g_error_matches (failure, CASK_ERROR, CASK_ERROR_INVALID_CONFIG))
        continue;
      if (store != NULL)
        current_calls->close (store, NULL, NULL);
      g_free (taken);
      taken = g_steal_pointer (&with);
    }
  if (taken == NULL)
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, option);
      return NULL;
    }
  g_free (*config);
  *config = g_steal_pointer (&taken);
  return current_calls->open (*config, NULL, error);
}

gboolean
conform_takes_option (const char *option)
{
  g_autoptr (GError) error = NULL;
  const char *directory;
  g_autofree char *config = conform_make_config (&directory);
  g_autoptr (CaskStore) store = conform_open_option (&config, option, &error);

  return store != NULL && current_calls->close (store, NULL, NULL);
}

static gboolean
conform_fits (Conform *conform, guint needs)
{
  guint missing = needs & ~(guint) conform->capabilities;

  if (missing == 0)
    return TRUE;
  conform_skip ("it does not announce %s", capability_name (missing));
  return FALSE;
}

Conform *
conform_open_with (guint needs, const char *option)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Conform) conform = g_new0 (Conform, 1);

  conform->calls = current_calls;
  conform->buffers = g_ptr_array_new_with_free_func (g_free);
  conform->config = conform_make_config (&conform->directory);
  conform->store = option == NULL
                       ? current_calls->open (conform->config, NULL, &error)
                       : conform_open_option (&conform->config, option, &error);
  if (option != NULL && g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG))
    {
      conform_skip ("no part of it takes the option %s", option);
      return NULL;
    }
  CONFORM_NO_ERROR (error);
  if (conform->store == NULL)
    return NULL;
  conform->capabilities = cask_store_get_capabilities (conform->store);
  return conform_fits (conform, needs) ? g_steal_pointer (&conform) : NULL;
}

Conform *
conform_open (guint needs)
{
  return conform_open_with (needs, NULL);
}

void
conform_close (Conform *conform)
{
  g_autoptr (GError) error = NULL;

  if (conform->store != NULL)
    {
      CONFORM_TRUE (conform->calls->close (conform->store, NULL, &error));
      CONFORM_NO_ERROR (error);
      g_object_unref (conform->store);
    }
  CONFORM_EQUAL (conform_wrong_callbacks (), 0);
  if (conform->directory != NULL)
    conform_remove_tree (conform->directory);
  g_ptr_array_unref (conform->buffers);
  g_free (conform->config);
  g_free (conform);
}

gboolean
conform_is_exclusive (const Conform *conform, const GError *error)
{
  return !(conform->capabilities & CASK_CAPABILITY_SHARED) &&
         g_error_matches (error, CASK_ERROR, CASK_ERROR_BUSY);
}

CaskStore *
conform_open_again (Conform *conform)
{
  g_autoptr (GError) error = NULL;

  if (conform->directory == NULL)
    {
      conform_skip ("a place without %%d is private to its store");
      return NULL;
    }
  CaskStore *store = conform->calls->open (conform->config, NULL, &error);
  if (conform_is_exclusive (conform, error))
    conform_skip ("one store at a time has its place open");
  else
    CONFORM_NO_ERROR (error);
  return store;
}
