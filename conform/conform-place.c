/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-place.c: directories that are new for each case, and random numbers that can
 * come again.
 *
 * Invariants: all directories of a run lie below one, so that a run that ends early is
 * cleaned up after as a whole. What is removed is what the run has made, by the process
 * that has made it.
 *
 * Locks: place_lock guards place_root. The rest belongs to the thread of the run. */
#include "conform-place.h"

#include "conform-check.h"

#include <cask/cask-config.h>
#include <errno.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static GMutex place_lock;
static char *place_root; /* (nullable) */
static pid_t place_owner;
static const ConformSettings *place_settings;
static const char *place_template; /* (nullable) instead of the settings' */
static GPtrArray *place_directories;
static guint place_n_made;

const char *
conform_template (void)
{
  return place_template != NULL ? place_template : place_settings->template;
}

void
conform_set_template (const char *template)
{
  place_template = template;
}

const char *
conform_helper (void)
{
  return place_settings->helper;
}

gboolean
conform_is_long (void)
{
  return place_settings->length == CASK_CONFORM_LONG;
}

GRand *
conform_rand_new (const char *what)
{
  guint32 seeds[] = { place_settings->seed, g_str_hash (what) };
  return g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
}

/* ---- %d ---- */

/* Returns: (nullable): where the next place begins */
static const char *
place_find (const char *config)
{
  for (const char *at = strstr (config, "%d"); at != NULL; at = strstr (at + 2, "%d"))
    if (!g_ascii_isxdigit (at[2]))
      return at;
  return NULL;
}

gboolean
conform_has_place (const char *config)
{
  return place_find (config) != NULL;
}

char *
conform_fill_place (const char *config, const char *directory)
{
  g_autofree char *escaped = cask_config_escape (directory);
  g_autoptr (GString) filled = g_string_new (NULL);
  const char *at;

  for (; (at = place_find (config)) != NULL; config = at + 2)
    {
      g_string_append_len (filled, config, at - config);
      g_string_append (filled, escaped);
    }
  g_string_append (filled, config);
  return g_string_free (g_steal_pointer (&filled), FALSE);
}

/* ---- Directories ---- */

static int
remove_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void) status;
  (void) place;
  if (type == FTW_DP || type == FTW_DNR)
    return rmdir (path);
  return unlink (path);
}

static int
open_up_entry (const char *path, const struct stat *status, int type, struct FTW *place)
{
  (void) place;
  if (type == FTW_D || type == FTW_DNR)
    (void) !chmod (path, status->st_mode | S_IRWXU);
  return 0;
}

void
conform_remove_tree (const char *path)
{
  nftw (path, open_up_entry, 16, FTW_PHYS);
  nftw (path, remove_entry, 16, FTW_PHYS | FTW_DEPTH);
}

const char *
conform_directory (void)
{
  char *path = g_strdup_printf ("%s/%u", place_root, ++place_n_made);

  g_ptr_array_add (place_directories, path);
  if (g_mkdir (path, 0700) != 0)
    conform_note ("mkdir %s: %s", path, g_strerror (errno));
  return path;
}

gboolean
conform_place_begin (const ConformSettings *settings, GError **error)
{
  char *root = g_dir_make_tmp ("cask-conform-XXXXXX", error);

  if (root == NULL)
    return FALSE;
  g_mutex_lock (&place_lock);
  place_root = root;
  place_owner = getpid ();
  g_mutex_unlock (&place_lock);
  place_settings = settings;
  place_directories = g_ptr_array_new_with_free_func (g_free);
  place_n_made = 0;
  return TRUE;
}

void
conform_place_end_case (void)
{
  for (guint i = 0; i < place_directories->len; i++)
    conform_remove_tree (place_directories->pdata[i]);
  g_ptr_array_set_size (place_directories, 0);
}

/* The root stays known: a case that still runs may make a path of it. */
gboolean
conform_place_abandon (void)
{
  g_mutex_lock (&place_lock);
  gboolean is_ours = place_root != NULL && place_owner == getpid ();
  place_owner = 0;
  g_mutex_unlock (&place_lock);
  if (is_ours)
    conform_remove_tree (place_root);
  return is_ours;
}

void
conform_place_end (void)
{
  if (!conform_place_abandon ())
    return;
  g_clear_pointer (&place_root, g_free);
  g_clear_pointer (&place_directories, g_ptr_array_unref);
  place_settings = NULL;
}
