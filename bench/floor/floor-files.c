/* SPDX-License-Identifier: Apache-2.0
 *
 * floor-files.c: blobs as files by bare system calls and Nettle, and nothing else.
 *
 * The same tree as Cask's (256 shards, whole digests as names, a blob is there whole or
 * not at all), by the fewest calls that give that: descriptors of all shards are kept
 * open, names are formatted by hand, nothing is verified that was not written just now,
 * and no time is kept. A put hashes, looks whether the name is there, writes a file
 * without a name, and links it. */
#include "floor.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
floor_fail (const char *call, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", call,
               g_strerror (errno));
  return FALSE;
}

gpointer
floor_open (const char *directory, GError **error)
{
  Floor *floor = g_new0 (Floor, 1);
  floor->root = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (guint i = 0; i < FLOOR_SHARDS; i++)
    {
      char name[3];
      g_snprintf (name, sizeof name, "%02x", i);
      mkdirat (floor->root, name, 0700);
      floor->shards[i] = openat (floor->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (floor->shards[i] >= 0)
        continue;
      floor_fail ("openat", error);
      return NULL;
    }
  return floor;
}

gpointer
floor_open_durable (const char *directory, GError **error)
{
  Floor *floor = floor_open (directory, error);
  if (floor)
    floor->is_durable = TRUE;
  return floor;
}

void
floor_close (gpointer place)
{
  Floor *floor = place;
  for (guint i = 0; i < FLOOR_SHARDS; i++)
    close (floor->shards[i]);
  close (floor->root);
  g_free (floor);
}

static int
floor_shard (const Floor *floor, const CaskDigest *digest)
{
  return floor->shards[digest->bytes[0]];
}

/* ---- Put ---- */

static gboolean
floor_write (int fd, GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  while (size > 0)
    {
      gssize written = write (fd, data, size);
      if (written < 0)
        return floor_fail ("write", error);
      data += written;
      size -= (gsize) written;
    }
  return TRUE;
}

static gboolean
floor_publish (const Floor *floor, int shard, int fd, const char *name, GError **error)
{
  char self[32];
  g_snprintf (self, sizeof self, "/proc/self/fd/%d", fd);
  if (floor->is_durable && fsync (fd) != 0)
    return floor_fail ("fsync", error);
  if (linkat (AT_FDCWD, self, shard, name, AT_SYMLINK_FOLLOW) != 0 && errno != EEXIST)
    return floor_fail ("linkat", error);
  return !floor->is_durable || fsync (shard) == 0 || floor_fail ("fsync", error);
}

static gboolean
floor_put_one (const Floor *floor, GBytes *bytes, GError **error)
{
  CaskDigest digest;
  char name[65];
  struct stat st;
  bench_hash (bytes, &digest);
  bench_hex (&digest, name);
  int shard = floor_shard (floor, &digest);
  if (fstatat (shard, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;
  int fd = openat (shard, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return floor_fail ("openat", error);
  gboolean done =
      floor_write (fd, bytes, error) && floor_publish (floor, shard, fd, name, error);
  close (fd);
  return done;
}

gboolean
floor_put (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    if (!floor_put_one (place, blobs[i].bytes, error))
      return FALSE;
  return TRUE;
}

/* ---- Get ---- */

static gboolean
floor_check_length (gssize length, guint64 expected, GError **error)
{
  if (length >= 0 && (guint64) length == expected)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               "%" G_GSSIZE_FORMAT " bytes where there should be %" G_GUINT64_FORMAT,
               length, expected);
  return FALSE;
}

static GBytes *
floor_read (int fd, gsize offset, gsize length, GError **error)
{
  char *data = g_malloc (length + 1);
  gsize done = 0;
  gssize n = 1;
  while (done < length && n > 0)
    {
      n = pread (fd, data + done, length - done, (off_t) (offset + done));
      done += n > 0 ? (gsize) n : 0;
    }
  if (floor_check_length ((gssize) done, length, error))
    return g_bytes_new_take (data, length);
  g_free (data);
  return NULL;
}

static GBytes *
floor_get_one (const Floor *floor, const BenchBlob *blob, gboolean whole, GError **error)
{
  char name[65];
  struct stat st;
  bench_hex (&blob->digest, name);
  int fd = openat (floor_shard (floor, &blob->digest), name,
                   O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat (fd, &st) != 0)
    {
      floor_fail ("openat", error);
      return NULL;
    }
  gsize size = (gsize) st.st_size;
  gsize offset = whole ? 0 : size / 2;
  gsize length = whole ? size : MIN (BENCH_RANGE, size - offset);
  GBytes *bytes = floor_read (fd, offset, length, error);
  close (fd);
  return bytes;
}

static gboolean
floor_get_all (gpointer place, const BenchBlob *blobs, guint n_blobs, gboolean whole,
               GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      g_autoptr (GBytes) bytes = floor_get_one (place, &blobs[i], whole, error);
      if (!bytes)
        return FALSE;
    }
  return TRUE;
}

gboolean
floor_get (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return floor_get_all (place, blobs, n_blobs, TRUE, error);
}

gboolean
floor_get_range (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return floor_get_all (place, blobs, n_blobs, FALSE, error);
}

gboolean
floor_get_hashed (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      CaskDigest digest;
      g_autoptr (GBytes) bytes = floor_get_one (place, &blobs[i], TRUE, error);
      if (!bytes)
        return FALSE;
      bench_hash (bytes, &digest);
      if (!floor_check_length (memcmp (&digest, &blobs[i].digest, sizeof digest), 0,
                               error))
        return FALSE;
    }
  return TRUE;
}

/* ---- Contains, delete ---- */

static gboolean
floor_expect (gpointer place, const BenchBlob *blobs, guint n_blobs, gboolean present,
              GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      char name[65];
      struct stat st;
      bench_hex (&blobs[i].digest, name);
      gboolean found = fstatat (floor_shard (place, &blobs[i].digest), name, &st,
                                AT_SYMLINK_NOFOLLOW) == 0;
      if (found != present)
        return floor_check_length (found, (guint64) present, error);
    }
  return TRUE;
}

gboolean
floor_contains (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return floor_expect (place, blobs, n_blobs, TRUE, error);
}

gboolean
floor_contains_absent (gpointer place, const BenchBlob *blobs, guint n_blobs,
                       GError **error)
{
  return floor_expect (place, blobs, n_blobs, FALSE, error);
}

gboolean
floor_delete (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  for (guint i = 0; i < n_blobs; i++)
    {
      char name[65];
      bench_hex (&blobs[i].digest, name);
      if (unlinkat (floor_shard (place, &blobs[i].digest), name, 0) != 0)
        return floor_fail ("unlinkat", error);
    }
  return TRUE;
}
