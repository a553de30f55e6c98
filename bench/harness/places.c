/* SPDX-License-Identifier: Apache-2.0
 *
 * places.c: where the entrants of a field keep their blobs. */
#include "contest-private.h"

#include <glib/gstdio.h>

static void
places_free (gpointer data)
{
  ContestPlace *place = data;
  if (place->store)
    place->entrant->close (place->store);
  g_free (place->directory);
  g_free (place);
}

/* Entrants' names are words and spaces; a directory is numbered. ext4 chooses by its name
 * where on the disk it begins (main_spread()): at random, not where the last run was. */
static void
places_add (Contest *contest, const BenchEntrant *entrant)
{
  GError *error = NULL;
  ContestPlace *place = g_new0 (ContestPlace, 1);
  place->entrant = entrant;
  place->repeat = 1;
  place->directory =
      g_strdup_printf ("%s/%s-%u-%u-%08x", contest->run->directory, contest->field,
                       contest->needs, contest->places->len, g_random_int ());
  g_ptr_array_add (contest->places, place);
  if (g_mkdir (place->directory, 0700) != 0)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: can not be made",
                 place->directory);
  else
    place->store = entrant->open (place->directory, &error);
  if (!place->store)
    contest_fail (contest, place, error);
}

static gboolean
places_takes_part (const Contest *contest, const BenchEntrant *entrant)
{
  if (contest->needs == BENCH_LIST)
    return entrant->calls[BENCH_LIST] != NULL;
  return !entrant->is_lister;
}

static void
places_add_all (Contest *contest, const BenchEntrant *const *entrants)
{
  for (; *entrants; entrants++)
    if (places_takes_part (contest, *entrants))
      places_add (contest, *entrants);
}

gboolean
contest_open (Contest *contest, BenchField field, GError **error)
{
  contest->places = g_ptr_array_new_with_free_func (places_free);
  places_add_all (contest, floor_entrants[field]);
  places_add_all (contest, cask_entrants[field]);
  places_add_all (contest, glib_entrants[field]);
  places_add_all (contest, peer_entrants[field]);
  const ContestPlace *first =
      contest->places->len > 0 ? g_ptr_array_index (contest->places, 0) : NULL;
  if (!first || !first->is_out)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: the floor can not be opened",
               contest->field);
  g_clear_pointer (&contest->places, g_ptr_array_unref);
  return FALSE;
}

void
contest_close (Contest *contest)
{
  g_clear_pointer (&contest->places, g_ptr_array_unref);
}
