/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-damage.c: breaking stored bytes behind the store's back.
 *
 * Two ways, tried in turn, and neither asks which backend it is: a file below the test's
 * directory whose name is the digest; and the buffer that was put, where the store keeps
 * it by reference (that it does is seen by a range, which nothing verifies). */
#include "conform-case.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

Victim
conform_put_victim (Conform *conform, guint64 seed, gsize size)
{
  Victim victim = { .good = conform_bytes (seed, size) };

  victim.kept = g_memdup2 (g_bytes_get_data (victim.good, NULL), size);
  g_ptr_array_add (conform->buffers, victim.kept);
  g_autoptr (GBytes) lent = g_bytes_new_static (victim.kept, size);
  victim.digest = conform_put (conform, lent, NULL);
  return victim;
}

void
conform_victim_clear (Victim *victim)
{
  g_clear_pointer (&victim->good, g_bytes_unref);
}

/* In the layouts that are known. */
char *
conform_find_file (Conform *conform, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];
  static const char *const before[] = { "", "blobs" };

  if (conform->directory == NULL)
    return NULL;
  cask_digest_write (digest, text);
  g_auto (GStrv) halves = g_strsplit (text, ":", 2);
  g_autofree char *shard = g_strndup (halves[1], 2);
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      g_autofree char *top =
          g_build_filename (conform->directory, before[i], halves[0], NULL);
      g_autofree char *flat = g_build_filename (top, halves[1], NULL);
      g_autofree char *sharded = g_build_filename (top, shard, halves[1] + 2, NULL);
      if (g_file_test (flat, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&flat);
      if (g_file_test (sharded, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&sharded);
    }
  return NULL;
}

/* Returns: FALSE where the damage is not a flipped bit */
static gboolean
damage_where (Damage damage, gsize size, gsize *where)
{
  *where = damage == DAMAGE_FLIP_FIRST  ? 0
           : damage == DAMAGE_FLIP_LAST ? size - 1
                                        : size / 2;
  return damage <= DAMAGE_FLIP_LAST;
}

static gboolean
damage_flip (int fd, off_t where)
{
  guint8 byte;

  if (pread (fd, &byte, 1, where) != 1)
    return FALSE;
  byte ^= 0x10;
  return pwrite (fd, &byte, 1, where) == 1;
}

/* Returns: FALSE where whoever runs this may open everything */
static gboolean
damage_forbid (const char *path)
{
  if (chmod (path, 0) != 0)
    return FALSE;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return TRUE;
  close (fd);
  return FALSE;
}

static gboolean
damage_file (const char *path, gsize size, Damage damage)
{
  if (damage == DAMAGE_DIRECTORY)
    return unlink (path) == 0 && mkdir (path, 0755) == 0;
  if (damage == DAMAGE_FORBID)
    return damage_forbid (path);
  if (chmod (path, 0644) != 0)
    return FALSE;
  int fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  gboolean done = FALSE;
  gsize where;
  if (damage_where (damage, size, &where))
    done = damage_flip (fd, (off_t) where);
  else if (damage == DAMAGE_TRUNCATE)
    done = ftruncate (fd, (off_t) size - 1) == 0;
  else if (damage == DAMAGE_GROW)
    done = ftruncate (fd, (off_t) size + 1) == 0;
  else
    done = ftruncate (fd, 0) == 0;
  close (fd);
  return done;
}

/* Flips a bit of the lent buffer. Returns: whether the store's bytes changed with it */
static gboolean
damage_buffer (Conform *conform, const Victim *victim, gsize where)
{
  victim->kept[where] ^= 0x10;
  g_autoptr (GBytes) seen =
      cask_store_get_range (conform->store, &victim->digest, where, 1, NULL, NULL);
  if (seen != NULL &&
      *(const guint8 *) g_bytes_get_data (seen, NULL) == victim->kept[where])
    return TRUE;
  victim->kept[where] ^= 0x10;
  return FALSE;
}

gboolean
conform_is_in_file (Conform *conform, const Victim *victim)
{
  g_autofree char *path = conform_find_file (conform, &victim->digest);
  return path != NULL;
}

/* Of several children another may have a good copy, and a layer give that. */
static gboolean
damage_is_hidden (Conform *conform, const Victim *victim)
{
  CaskBlobInfo info;
  gsize size = g_bytes_get_size (victim->good);

  if (strchr (conform_template (), ',') == NULL)
    return FALSE;
  g_autoptr (GBytes) seen =
      cask_store_get_range (conform->store, &victim->digest, 0, size, NULL, NULL);
  return seen != NULL && g_bytes_equal (seen, victim->good) &&
         cask_store_stat (conform->store, &victim->digest, &info, NULL, NULL) &&
         info.size == size;
}

gboolean
conform_damage (Conform *conform, const Victim *victim, Damage damage)
{
  g_autofree char *path = conform_find_file (conform, &victim->digest);
  gsize size = g_bytes_get_size (victim->good), where;
  if (path != NULL)
    return damage_file (path, size, damage) && !damage_is_hidden (conform, victim);
  return damage_where (damage, size, &where) && damage_buffer (conform, victim, where);
}
