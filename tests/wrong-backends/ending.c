/* SPDX-License-Identifier: Apache-2.0
 *
 * ending.c: the backend `ending`: it has no blobs, and its first put brings the process
 * to an end, or to a stop, in the way that its option says. */
#include <cask/cask-plugin.h>

#include <stdlib.h>
#include <unistd.h>

typedef enum
{
  ENDING_EXIT,
  ENDING_CRASH,
  ENDING_MESSAGE,
  ENDING_OVERFLOW,
  ENDING_HANG
} Ending;

struct _CaskBackend
{
  Ending how;
};

static const CaskOptionSpec ending_options[] = {
  { .name = "how",
    .help = "how it ends",
    .choices = "exit|crash|message|overflow|hang",
    .fallback = "exit",
    .type = CASK_OPTION_CHOICE },
};

static CaskBackend *
ending_open (const CaskOpenArgs *args, G_GNUC_UNUSED GCancellable *cancellable,
             G_GNUC_UNUSED GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);

  self->how = (Ending) args->values[0].number;
  return self;
}

static void
ending_close (CaskBackend *self)
{
  g_free (self);
}

/* Goes down until the stack is full. The depth keeps the compiler from making it a loop.
 */
static guint
ending_overflow (volatile guint *above, guint depth)
{
  volatile guint here[512] = { *above };

  return depth == G_MAXUINT ? here[0]
                            : ending_overflow (here, depth + 1) + here[depth % 512];
}

static void
ending_end (const CaskBackend *self)
{
  volatile guint top = 1;
  volatile guintptr nowhere = 16; /* which the compiler must not know */

  switch (self->how)
    {
    case ENDING_EXIT:
      exit (0);
    case ENDING_CRASH:
      *(volatile int *) nowhere = 1;
      break;
    case ENDING_MESSAGE:
      g_error ("it can not go on");
    case ENDING_OVERFLOW:
      top = ending_overflow (&top, 0);
      break;
    case ENDING_HANG:
    default:
      for (;;)
        pause ();
    }
}

/* The kit puts one before the first case, too, to learn whether the place is fresh. */
static gboolean
ending_put (CaskBackend *self, G_GNUC_UNUSED const CaskDigest *digest, GBytes *bytes,
            G_GNUC_UNUSED guint32 flags, gboolean *created,
            G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  if (g_bytes_get_size (bytes) != strlen ("fresh?"))
    ending_end (self);
  *created = TRUE;
  return TRUE;
}

static gboolean
ending_find_nothing (GError **error)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return FALSE;
}

static GBytes *
ending_get (G_GNUC_UNUSED CaskBackend *self, G_GNUC_UNUSED const CaskDigest *digest,
            G_GNUC_UNUSED guint64 offset, G_GNUC_UNUSED guint64 length,
            G_GNUC_UNUSED guint32 flags, G_GNUC_UNUSED CaskBlobInfo *info,
            G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  ending_find_nothing (error);
  return NULL;
}

static gboolean
ending_stat (G_GNUC_UNUSED CaskBackend *self, G_GNUC_UNUSED const CaskDigest *digest,
             G_GNUC_UNUSED guint32 flags, G_GNUC_UNUSED CaskBlobInfo *info,
             G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
  return ending_find_nothing (error);
}

static gboolean
ending_remove (G_GNUC_UNUSED CaskBackend *self, G_GNUC_UNUSED const CaskDigest *digest,
               G_GNUC_UNUSED gint64 unused_since_usec, CaskRemoved *outcome,
               G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
  *outcome = CASK_REMOVED_ABSENT;
  return TRUE;
}

static gboolean
ending_list (G_GNUC_UNUSED CaskBackend *self, G_GNUC_UNUSED const CaskDigest *after,
             G_GNUC_UNUSED guint32 flags, G_GNUC_UNUSED CaskBlobInfo *infos,
             guint32 *n_infos, gboolean *more, G_GNUC_UNUSED GCancellable *cancellable,
             G_GNUC_UNUSED GError **error)
{
  *n_infos = 0;
  *more = FALSE;
  return TRUE;
}

static const CaskBackendOps ending_ops = {
  .size = sizeof (CaskBackendOps),
  .open = ending_open,
  .close = ending_close,
  .put = ending_put,
  .get = ending_get,
  .stat = ending_stat,
  .remove = ending_remove,
  .list = ending_list,
};

CASK_PLUGIN_DEFINE (.n_options = G_N_ELEMENTS (ending_options),
                    .kind = CASK_PLUGIN_BACKEND, .capabilities = CASK_CAPABILITY_WRITE,
                    .name = "ending", .version = "1.0",
                    .summary = "Ends the process, or stops it", .options = ending_options,
                    .ops = &ending_ops)
