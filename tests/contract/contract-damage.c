/* SPDX-License-Identifier: Apache-2.0
 *
 * contract-damage.c: breaking stored bytes behind the store's back.
 *
 * Two ways, tried in turn, and neither asks which backend it is: a file below the test's
 * directory whose name is the digest; and the buffer that was put, where the store keeps
 * it by reference (that it does is seen by a range, which nothing verifies). */
#include "contract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

Victim
contract_put_victim (Contract *contract, guint64 seed, gsize size)
{
  Victim victim = { .good = contract_bytes (seed, size) };

  victim.kept = g_memdup2 (g_bytes_get_data (victim.good, NULL), size);
  g_ptr_array_add (contract->buffers, victim.kept);
  g_autoptr (GBytes) lent = g_bytes_new_static (victim.kept, size);
  victim.digest = contract_put (contract, lent, NULL);
  return victim;
}

void
contract_victim_clear (Victim *victim)
{
  g_clear_pointer (&victim->good, g_bytes_unref);
}

/* Where the blob's file may be: the layouts that are known. */
static char *
damage_find_file (Contract *contract, const CaskDigest *digest)
{
  char text[CASK_DIGEST_TEXT_SIZE];
  static const char *const before[] = { "", "blobs" };

  cask_digest_write (digest, text);
  g_auto (GStrv) halves = g_strsplit (text, ":", 2);
  g_autofree char *shard = g_strndup (halves[1], 2);
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      g_autofree char *top =
          g_build_filename (contract->directory, before[i], halves[0], NULL);
      g_autofree char *flat = g_build_filename (top, halves[1], NULL);
      g_autofree char *sharded = g_build_filename (top, shard, halves[1] + 2, NULL);
      if (g_file_test (flat, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&flat);
      if (g_file_test (sharded, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&sharded);
    }
  return NULL;
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

static gboolean
damage_file (const char *path, gsize size, Damage damage)
{
  if (chmod (path, 0644) != 0)
    return FALSE;
  int fd = open (path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  gboolean done = FALSE;
  if (damage == DAMAGE_FLIP)
    done = damage_flip (fd, (off_t) size / 2);
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
damage_buffer (Contract *contract, const Victim *victim)
{
  gsize middle = g_bytes_get_size (victim->good) / 2;

  victim->kept[middle] ^= 0x10;
  g_autoptr (GBytes) seen =
      cask_store_get_range (contract->store, &victim->digest, middle, 1, NULL, NULL);
  if (seen != NULL &&
      *(const guint8 *) g_bytes_get_data (seen, NULL) == victim->kept[middle])
    return TRUE;
  victim->kept[middle] ^= 0x10;
  return FALSE;
}

gboolean
contract_is_in_file (Contract *contract, const Victim *victim)
{
  g_autofree char *path =
      contract->directory != NULL ? damage_find_file (contract, &victim->digest) : NULL;
  return path != NULL;
}

gboolean
contract_damage (Contract *contract, const Victim *victim, Damage damage)
{
  g_autofree char *path =
      contract->directory != NULL ? damage_find_file (contract, &victim->digest) : NULL;
  if (path != NULL)
    return damage_file (path, g_bytes_get_size (victim->good), damage);
  return damage == DAMAGE_FLIP && damage_buffer (contract, victim);
}
