/* SPDX-License-Identifier: Apache-2.0
 *
 * node-spool.c: gathers an upload for a backend that takes whole blobs only: in memory up
 * to 1 MiB, then in a file that has no name.
 *
 * Invariants: at most 1 MiB of it is anonymous memory, whatever its size, and at most 64
 * MiB of all spools of the process, for there may be a thousand. `size` bytes are in
 * `memory`, in `whole` or in the file, never in two of them at rest. A file is handed out
 * as a mapping, which is safe here and nowhere else: it has no name, so no other process
 * can truncate it and kill its reader.
 *
 * Locks: `lock` guards what a reader beside the writer looks at: `memory`, `whole`, `fd`
 * and `size`. Only the writer changes them, so it reads them without. No I/O under it.
 *
 * Failure modes: a power cut or a kill leaves nothing, for the kernel frees a file
 * without a name; where such files do not exist, one may be left empty under its first
 * name, between its making and its unlinking. A filesystem that finds out late that it
 * has no room (NFS, quotas) drops pages that it had taken: the seal asks for that, or
 * other bytes would be stored than were hashed. After a failed write nothing is sealed. A
 * disk that can not read back what it took kills the reader of the mapping (SIGBUS), as
 * it does for every mapped file. */
#include "node-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPOOL_MEMORY_LIMIT (1024 * 1024)
#define SPOOL_MEMORY_LIMIT_ALL (64 * 1024 * 1024)
/* How much is written between two looks at the cancellable. */
#define SPOOL_PIECE (1024 * 1024)

struct _CaskSpool
{
  char *directory;
  GError *damage; /* the writer's: what spoiled this upload */

  GMutex lock;
  GByteArray *memory; /* NULL once there is a file, or a whole */
  GBytes *whole;      /* NULL until sealed */
  int fd;             /* -1 until there is a file */
  guint64 size;

  gsize n_held; /* the writer's: bytes in memory, counted in spool_n_held */
};

typedef struct
{
  void *address;
  gsize size;
} SpoolMapping;

/* ---- Memory ---- */

static _Atomic guint64 spool_n_held; /* by all spools, in `memory` and `whole` */

static gboolean
spool_memory_take (CaskSpool *spool, gsize count)
{
  if (spool->fd >= 0 || count > SPOOL_MEMORY_LIMIT - spool->size)
    return FALSE;
  guint64 before = atomic_fetch_add_explicit (&spool_n_held, count, memory_order_relaxed);
  if (before + count > SPOOL_MEMORY_LIMIT_ALL)
    {
      atomic_fetch_sub_explicit (&spool_n_held, count, memory_order_relaxed);
      return FALSE;
    }
  spool->n_held += count;
  return TRUE;
}

static void
spool_memory_give_back (CaskSpool *spool)
{
  atomic_fetch_sub_explicit (&spool_n_held, spool->n_held, memory_order_relaxed);
  spool->n_held = 0;
}

/* ---- Errors ---- */

static CaskError
spool_error_code (int code)
{
  switch (code)
    {
    case ENOSPC:
    case EDQUOT:
      return CASK_ERROR_NO_SPACE;
    case EFBIG:
      return CASK_ERROR_TOO_LARGE;
    case EACCES:
    case EPERM:
    case EROFS: /* not READ_ONLY, which would be said of the store */
      return CASK_ERROR_PERMISSION;
    case EMFILE:
    case ENFILE:
      return CASK_ERROR_BUSY;
    default:
      return CASK_ERROR_IO;
    }
}

/* The directory as a config string would have it, so on one line whatever is in it. */
static gboolean
spool_fail (const char *directory, int code, GError **error)
{
  g_autofree char *place = cask_config_escape (directory);

  g_set_error (error, CASK_ERROR, (int) spool_error_code (code),
               "upload: %s: %s; the option 'spool' can name another directory", place,
               g_strerror (code));
  return FALSE;
}

/* ---- The file ---- */

static int
spool_open_directory (const char *directory, GError **error)
{
  static const char must[] =
      "the option 'spool' has to be the absolute path of a directory";
  int fd;

  if (directory == NULL || !g_path_is_absolute (directory))
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, "upload: %s", must);
      return -1;
    }
  do
    fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  if (fd >= 0)
    return fd;

  int code = errno;
  if (code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENAMETOOLONG)
    {
      g_autofree char *place = cask_config_escape (directory);
      g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG, "upload: %s: %s; %s",
                   place, g_strerror (code), must);
    }
  else
    spool_fail (directory, code, error);
  return -1;
}

/* Where the filesystem has no files without a name: mode 0600 and a name that nobody can
 * guess, for as long as it has one. */
static int
spool_open_named (const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, ".cask-spool-XXXXXX", NULL);
  int fd = mkostemp (path, O_CLOEXEC);

  if (fd >= 0 && unlink (path) == 0)
    return fd;
  spool_fail (directory, errno, error);
  if (fd >= 0)
    close (fd);
  return -1;
}

static int
spool_open_file (const char *directory, GError **error)
{
  int place = spool_open_directory (directory, error);
  if (place < 0)
    return -1;

  int fd;
  do /* O_EXCL: nobody can give it a name later on */
    fd = openat (place, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  while (fd < 0 && errno == EINTR);
  int code = errno;
  close (place);
  if (fd >= 0)
    return fd;
  if (code == EOPNOTSUPP || code == EISDIR || code == EINVAL)
    return spool_open_named (directory, error);
  spool_fail (directory, code, error);
  return -1;
}

static gboolean
spool_write_file (const CaskSpool *spool, int fd, const guint8 *data, gsize count,
                  guint64 offset, GCancellable *cancellable, GError **error)
{
  while (count > 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      gssize n = pwrite (fd, data, MIN (count, SPOOL_PIECE), (off_t) offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return spool_fail (spool->directory, n < 0 ? errno : EIO, error);
      data += n;
      count -= (gsize) n;
      offset += (guint64) n;
    }
  return TRUE;
}

/* From memory to a file. */
static gboolean
spool_spill (CaskSpool *spool, GCancellable *cancellable, GError **error)
{
  int fd = spool_open_file (spool->directory, error);
  if (fd < 0)
    return FALSE;
  if (!spool_write_file (spool, fd, spool->memory->data, spool->memory->len, 0,
                         cancellable, error))
    {
      close (fd);
      return FALSE;
    }

  g_mutex_lock (&spool->lock);
  GByteArray *memory = g_steal_pointer (&spool->memory);
  spool->fd = fd;
  g_mutex_unlock (&spool->lock);
  g_byte_array_unref (memory);
  spool_memory_give_back (spool);
  return TRUE;
}

/* Whether the filesystem still has all that it took. Starts no writing: the file is not
 * to last, and most of it may never reach a disk. */
static gboolean
spool_check_kept (const CaskSpool *spool, GError **error)
{
  if (sync_file_range (spool->fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) == 0)
    return TRUE;
  if (errno != EIO && errno != ENOSPC && errno != EDQUOT)
    return TRUE; /* it can not say */
  return spool_fail (spool->directory, errno, error);
}

static void
spool_mapping_free (gpointer data)
{
  SpoolMapping *mapping = data;

  munmap (mapping->address, mapping->size);
  g_free (mapping);
}

static GBytes *
spool_map (const CaskSpool *spool, GError **error)
{
  gsize size = (gsize) spool->size;
  void *address = mmap (NULL, size, PROT_READ, MAP_PRIVATE, spool->fd, 0);

  if (address == MAP_FAILED)
    {
      spool_fail (spool->directory, errno, error);
      return NULL;
    }
  SpoolMapping *mapping = g_new (SpoolMapping, 1);
  *mapping = (SpoolMapping){ address, size };
  return g_bytes_new_with_free_func (address, size, spool_mapping_free, mapping);
}

/* ---- The spool ---- */

CaskSpool *
cask_spool_new (const char *directory, guint64 expected_size, GError **error)
{
  int place = spool_open_directory (directory, error);
  if (place < 0)
    return NULL;
  close (place);
  if (expected_size != CASK_UNKNOWN && expected_size > G_MAXSSIZE)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_TOO_LARGE,
                   "upload: %" G_GUINT64_FORMAT " bytes are more than a blob can have",
                   expected_size);
      return NULL;
    }

  CaskSpool *spool = g_new0 (CaskSpool, 1);
  spool->directory = g_strdup (directory);
  spool->memory = g_byte_array_new ();
  spool->fd = -1;
  g_mutex_init (&spool->lock);
  return spool;
}

void
cask_spool_free (CaskSpool *spool)
{
  if (spool->fd >= 0)
    close (spool->fd);
  g_clear_pointer (&spool->memory, g_byte_array_unref);
  g_clear_pointer (&spool->whole, g_bytes_unref);
  spool_memory_give_back (spool);
  g_clear_error (&spool->damage);
  g_mutex_clear (&spool->lock);
  g_free (spool->directory);
  g_free (spool);
}

/* Remembers a failure for good, and reports it. Takes failure. */
static gboolean
spool_spoil (CaskSpool *spool, GError *failure, GError **error)
{
  spool->damage = g_error_copy (failure);
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
spool_check_whole (const CaskSpool *spool, GError **error)
{
  if (spool->damage == NULL)
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_IO, "this upload failed before: %s",
               spool->damage->message);
  return FALSE;
}

static gboolean
spool_take (CaskSpool *spool, GBytes *chunk, GCancellable *cancellable, GError **error)
{
  gsize count;
  const guint8 *data = g_bytes_get_data (chunk, &count);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (count > G_MAXSSIZE - spool->size)
    return spool_fail (spool->directory, EFBIG, error);

  gboolean fits = spool_memory_take (spool, count);
  if (!fits && spool->fd < 0 && !spool_spill (spool, cancellable, error))
    return FALSE;
  if (!fits &&
      !spool_write_file (spool, spool->fd, data, count, spool->size, cancellable, error))
    return FALSE;

  g_mutex_lock (&spool->lock);
  if (fits)
    g_byte_array_append (spool->memory, data, (guint) count);
  spool->size += count;
  g_mutex_unlock (&spool->lock);
  return TRUE;
}

gboolean
cask_spool_write (CaskSpool *spool, GBytes *chunk, GCancellable *cancellable,
                  GError **error)
{
  GError *failure = NULL;

  if (!spool_check_whole (spool, error))
    return FALSE;
  if (spool->whole != NULL)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_CLOSED,
                   "upload: nothing can be written once a commit was tried");
      return FALSE;
    }
  if (spool_take (spool, chunk, cancellable, &failure))
    return TRUE;
  return spool_spoil (spool, failure, error);
}

/* A backend that keeps it shall not keep what the array has in reserve. */
static GBytes *
spool_seal_memory (CaskSpool *spool)
{
  gsize size;
  g_autoptr (GByteArray) memory = g_steal_pointer (&spool->memory);
  guint8 *data = g_byte_array_steal (memory, &size);

  return g_bytes_new_take (g_realloc (data, size), size);
}

GBytes *
cask_spool_seal (CaskSpool *spool, gboolean *is_plain, GError **error)
{
  GError *failure = NULL;
  GBytes *whole = NULL;

  if (!spool_check_whole (spool, error))
    return NULL;
  *is_plain = spool->fd < 0;
  if (spool->fd >= 0 && !spool_check_kept (spool, &failure))
    {
      /* The kernel says so once, so it has to be remembered here. */
      spool_spoil (spool, failure, error);
      return NULL;
    }
  if (spool->whole != NULL)
    return g_bytes_ref (spool->whole);
  if (spool->fd >= 0 && (whole = spool_map (spool, error)) == NULL)
    return NULL;

  g_mutex_lock (&spool->lock);
  spool->whole = whole != NULL ? whole : spool_seal_memory (spool);
  g_mutex_unlock (&spool->lock);
  return g_bytes_ref (spool->whole);
}

static gboolean
spool_read_file (const CaskSpool *spool, int fd, guint64 offset, guint8 *buffer,
                 gsize count, GError **error)
{
  while (count > 0)
    {
      gssize n = pread (fd, buffer, count, (off_t) offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return spool_fail (spool->directory, n < 0 ? errno : EIO, error);
      buffer += n;
      count -= (gsize) n;
      offset += (guint64) n;
    }
  return TRUE;
}

gboolean
cask_spool_read (CaskSpool *spool, guint64 offset, void *buffer, gsize count,
                 gsize *n_read, GError **error)
{
  g_mutex_lock (&spool->lock);
  gsize n = offset < spool->size ? (gsize) MIN (count, spool->size - offset) : 0;
  int fd = spool->fd;
  if (n > 0 && fd < 0)
    {
      const guint8 *data = spool->memory != NULL ? spool->memory->data
                                                 : g_bytes_get_data (spool->whole, NULL);
      memcpy (buffer, data + offset, n);
    }
  g_mutex_unlock (&spool->lock);

  /* The file is only ever written beyond the size that was read here. */
  if (n > 0 && fd >= 0 && !spool_read_file (spool, fd, offset, buffer, n, error))
    return FALSE;
  *n_read = n;
  return TRUE;
}
