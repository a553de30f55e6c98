/* SPDX-License-Identifier: Apache-2.0
 *
 * floor-list.c: all blobs in order: shards by number, each read by getdents64, its names
 * parsed and sorted, and each asked for its size and time, which a list of Cask has too.
 * The names alone spare a system call for each blob: another answer, shown beside it. */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FLOOR_DIRENTS (32u << 10)

/* As the kernel writes it. */
typedef struct
{
  guint64 inode;
  gint64 offset;
  guint16 length;
  guint8 type;
  char name[];
} FloorDirent;

typedef struct
{
  CaskDigest digest;
  guint64 size;
  gint64 mtime_usec;
} FloorListed;

static gboolean
floor_parse (const char *name, CaskDigest *digest)
{
  memset (digest, 0, sizeof *digest);
  digest->algorithm = CASK_ALGORITHM_SHA256;
  for (guint i = 0; i < 32; i++)
    {
      int high = g_ascii_xdigit_value (name[2 * i]);
      int low = high < 0 ? -1 : g_ascii_xdigit_value (name[2 * i + 1]);
      if (low < 0)
        return FALSE;
      digest->bytes[i] = (guint8) (high << 4 | low);
    }
  return name[64] == '\0';
}

static void
floor_take_names (const char *entries, gsize size, GArray *listed)
{
  for (gsize place = 0; place < size;)
    {
      const FloorDirent *entry = (const FloorDirent *) (entries + place);
      FloorListed blob = { .size = CASK_UNKNOWN };
      if (floor_parse (entry->name, &blob.digest))
        g_array_append_val (listed, blob);
      place += entry->length;
    }
}

static int
floor_compare (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (CaskDigest));
}

static void
floor_look (int shard, GArray *listed)
{
  for (guint i = 0; i < listed->len; i++)
    {
      FloorListed *blob = &g_array_index (listed, FloorListed, i);
      char name[65];
      struct stat st;
      bench_hex (&blob->digest, name);
      if (fstatat (shard, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      blob->size = (guint64) st.st_size;
      blob->mtime_usec = st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
    }
}

static gboolean
floor_list_shard (int shard, GArray *listed, GError **error)
{
  _Alignas(FloorDirent) char entries[FLOOR_DIRENTS];
  long n = 0;
  g_array_set_size (listed, 0);
  int fd = openat (shard, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd >= 0 && (n = syscall (SYS_getdents64, fd, entries, sizeof entries)) > 0)
    floor_take_names (entries, (gsize) n, listed);
  if (fd < 0 || n < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "getdents64: %s",
                 g_strerror (errno));
  if (fd >= 0)
    close (fd);
  g_array_sort (listed, floor_compare);
  return fd >= 0 && n == 0;
}

static gboolean
floor_list_all (const Floor *floor, gboolean looks, const BenchBlob *blobs, guint n_blobs,
                GError **error)
{
  g_autoptr (GArray) listed = g_array_new (FALSE, FALSE, sizeof (FloorListed));
  guint found = 0, right = 0;
  for (guint i = 0; i < FLOOR_SHARDS; i++)
    {
      if (!floor_list_shard (floor->shards[i], listed, error))
        return FALSE;
      if (looks)
        floor_look (floor->shards[i], listed);
      for (guint j = 0; j < listed->len; j++, found++)
        {
          const FloorListed *blob = &g_array_index (listed, FloorListed, j);
          right += found < n_blobs && (!looks || blob->size != CASK_UNKNOWN) &&
                   floor_compare (&blob->digest, &blobs[found].digest) == 0;
        }
    }
  if (found == n_blobs && right == n_blobs)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u names, %u of %u right", found,
               right, n_blobs);
  return FALSE;
}

gboolean
floor_list (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return floor_list_all (place, TRUE, blobs, n_blobs, error);
}

gboolean
floor_list_names (gpointer place, const BenchBlob *blobs, guint n_blobs, GError **error)
{
  return floor_list_all (place, FALSE, blobs, n_blobs, error);
}
