/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.h: the body of every plugin in the zoo: a correct backend in memory, in which one
 * thing is wrong at a time.
 *
 * ZOO_FAULT chooses what an otherwise whole backend does wrong while it runs. It compiles
 * as C++ too, hence the casts. Each plugin counts its constructor's runs in the
 * environment variable that is its name, so that a test can tell whether a line of it has
 * run. */
#pragma once

#include <cask/cask-plugin.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ZOO_NO_FAULT 0
#define ZOO_GET_WRONG 1     /* L42: flips a bit */
#define ZOO_GET_SHORT 2     /* L42: one byte too few */
#define ZOO_GET_LONG 3      /* L42: one byte too many */
#define ZOO_OPEN_SILENT 4   /* L39: NULL and no error */
#define ZOO_OPEN_BOTH 5     /* L40: a backend and an error */
#define ZOO_OPEN_NULL 6     /* L40: NULL and an error that speaks of success */
#define ZOO_FOREIGN_ERROR 7 /* L43: get fails with an error of GLib's */
#define ZOO_CANCELLED_LIE 8 /* L43: get says cancelled, and nobody has */
#define ZOO_LIST_UNSORTED 9 /* the last of a page comes first */
#define ZOO_CRASH 10        /* L41: the constructor aborts */

/* clang's address sanitizer pads what it watches, and a note has no room for padding. */
#ifdef __clang__
#define ZOO_NOTE                                                                         \
  __attribute__ ((used, section (".note.cask"), aligned (4), no_sanitize ("address")))
#else
#define ZOO_NOTE __attribute__ ((used, section (".note.cask"), aligned (4)))
#endif

#ifndef ZOO_FAULT
#define ZOO_FAULT ZOO_NO_FAULT
#endif

typedef struct
{
  GBytes *bytes;
  CaskBlobInfo info;
} ZooBlob;

struct _CaskBackend
{
  GMutex lock; /* guards all below */
  GTree *blobs;
  guint64 versions;
  guint64 largest_group;
};

/* Where ZOO_GATE names a FIFO, the plugin is being loaded until its writer closes it. */
static void
zoo_pass_gate (void)
{
  const char *gate = getenv ("ZOO_GATE");
  int fd = gate != NULL ? open (gate, O_RDONLY | O_CLOEXEC) : -1;
  char byte;

  while (fd >= 0 && read (fd, &byte, 1) > 0)
    continue;
  if (fd >= 0)
    close (fd);
}

__attribute__ ((constructor)) static void
zoo_construct (void)
{
  const char *runs = getenv (ZOO_NAME);
  char text[] = { (char) (runs != NULL ? runs[0] + 1 : '1'), '\0' };

  setenv (ZOO_NAME, text, 1);
  zoo_pass_gate ();
  if (ZOO_FAULT == ZOO_CRASH)
    abort ();
}

static gint
zoo_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  (void) data;
  return cask_digest_compare (a, b);
}

static void
zoo_blob_free (gpointer data)
{
  ZooBlob *blob = (ZooBlob *) data;
  g_bytes_unref (blob->bytes);
  g_free (blob);
}

static CaskBackend *
zoo_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  (void) args;
  (void) cancellable;
  if (ZOO_FAULT == ZOO_OPEN_SILENT)
    return NULL;
  if (ZOO_FAULT == ZOO_OPEN_BOTH || ZOO_FAULT == ZOO_OPEN_NULL)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_IO, "open: Success");
  if (ZOO_FAULT == ZOO_OPEN_NULL)
    return NULL;

  CaskBackend *self = g_new0 (CaskBackend, 1);
  g_mutex_init (&self->lock);
  self->blobs = g_tree_new_full (zoo_compare, NULL, NULL, zoo_blob_free);
  return self;
}

static void
zoo_close (CaskBackend *self)
{
  g_tree_destroy (self->blobs);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static ZooBlob *
zoo_lookup (CaskBackend *self, const CaskDigest *digest, GError **error)
{
  ZooBlob *blob = (ZooBlob *) g_tree_lookup (self->blobs, digest);

  if (blob == NULL)
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return blob;
}

static gboolean
zoo_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
         gboolean *created, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  ZooBlob *old = (ZooBlob *) g_tree_lookup (self->blobs, digest);
  *created = old == NULL;
  if (old != NULL && (flags & CASK_PUT_REPLACE) == 0 &&
      old->info.size == g_bytes_get_size (bytes))
    {
      old->info.mtime_usec = g_get_real_time ();
      g_mutex_unlock (&self->lock);
      return TRUE;
    }

  ZooBlob *blob = g_new0 (ZooBlob, 1);
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  blob->bytes = g_bytes_new (data, size);
  blob->info.digest = *digest;
  blob->info.size = size;
  blob->info.mtime_usec = g_get_real_time ();
  blob->info.version = ++self->versions;
  g_tree_replace (self->blobs, &blob->info.digest, blob);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static GBytes *
zoo_spoil (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  guint8 *copy = (guint8 *) g_malloc0 (size + 1);

  memcpy (copy, data, size);
  if (ZOO_FAULT == ZOO_GET_WRONG)
    copy[size / 2] ^= 1;
  if (ZOO_FAULT == ZOO_GET_SHORT && size > 0)
    size--;
  if (ZOO_FAULT == ZOO_GET_LONG)
    size++;
  g_bytes_unref (bytes);
  return g_bytes_new_take (copy, size);
}

static GBytes *
zoo_get (CaskBackend *self, const CaskDigest *digest, guint64 offset, guint64 length,
         guint32 flags, CaskBlobInfo *info, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  GBytes *bytes = NULL;

  if (ZOO_FAULT == ZOO_FOREIGN_ERROR)
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NXIO, "the shelf is gone");
  if (ZOO_FAULT == ZOO_CANCELLED_LIE)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "no longer wanted");
  if (ZOO_FAULT == ZOO_FOREIGN_ERROR || ZOO_FAULT == ZOO_CANCELLED_LIE)
    return NULL;

  g_mutex_lock (&self->lock);
  ZooBlob *blob = zoo_lookup (self, digest, error);
  if (blob != NULL && !cask_range_clamp (blob->info.size, offset, &length))
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_RANGE, "past the end");
  else if (blob != NULL)
    {
      bytes = g_bytes_new_from_bytes (blob->bytes, (gsize) offset, (gsize) length);
      *info = blob->info;
    }
  g_mutex_unlock (&self->lock);
  if (bytes == NULL || ZOO_FAULT == ZOO_NO_FAULT)
    return bytes;
  return zoo_spoil (bytes);
}

static gboolean
zoo_stat (CaskBackend *self, const CaskDigest *digest, guint32 flags, CaskBlobInfo *info,
          GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  g_mutex_lock (&self->lock);
  ZooBlob *blob = zoo_lookup (self, digest, error);
  if (blob != NULL && (flags & CASK_STAT_FRESHEN) != 0)
    blob->info.mtime_usec = g_get_real_time ();
  if (blob != NULL)
    *info = blob->info;
  g_mutex_unlock (&self->lock);
  return blob != NULL;
}

static gboolean
zoo_remove (CaskBackend *self, const CaskDigest *digest, gint64 unused_since_usec,
            CaskRemoved *outcome, GCancellable *cancellable, GError **error)
{
  (void) cancellable;
  (void) error;
  g_mutex_lock (&self->lock);
  ZooBlob *blob = (ZooBlob *) g_tree_lookup (self->blobs, digest);
  if (blob == NULL)
    *outcome = CASK_REMOVED_ABSENT;
  else if (blob->info.mtime_usec >= unused_since_usec)
    *outcome = CASK_REMOVED_KEPT;
  else
    {
      *outcome = CASK_REMOVED_DONE;
      g_tree_remove (self->blobs, digest);
    }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
zoo_list (CaskBackend *self, const CaskDigest *after, guint32 flags, CaskBlobInfo *infos,
          guint32 *n_infos, gboolean *more, GCancellable *cancellable, GError **error)
{
  (void) flags;
  (void) cancellable;
  (void) error;
  guint32 room = *n_infos, n = 0;

  g_mutex_lock (&self->lock);
  GTreeNode *node = after != NULL ? g_tree_upper_bound (self->blobs, after)
                                  : g_tree_node_first (self->blobs);
  for (; node != NULL && n < room; node = g_tree_node_next (node))
    infos[n++] = ((ZooBlob *) g_tree_node_value (node))->info;
  g_mutex_unlock (&self->lock);

  if (ZOO_FAULT == ZOO_LIST_UNSORTED && n > 1)
    {
      CaskBlobInfo first = infos[0];
      infos[0] = infos[n - 1];
      infos[n - 1] = first;
    }
  *n_infos = n;
  *more = node != NULL;
  return TRUE;
}
