/* SPDX-License-Identifier: Apache-2.0
 *
 * pump-fixture.c: writes that wait for the test, and a stream that waits to be cancelled.
 */
#include "pump-fixture.h"

#include <cask/cask-plugin.h>

/* ---- The layer ---- */

Gate gate;

struct _CaskBackend
{
  const CaskChild *child;
};

static CaskBackend *
gate_open (const CaskOpenArgs *args, GCancellable *cancellable, GError **error)
{
  CaskBackend *self = g_new0 (CaskBackend, 1);
  (void) cancellable, (void) error;
  self->child = args->children[0];
  return self;
}

static void
gate_close (CaskBackend *self)
{
  g_free (self);
}

/* Looks at its cancellable first, as one does, and not while it waits. */
static gboolean
gate_upload_write (CaskBackend *self, CaskBackendUpload *upload, GBytes *chunk,
                   GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&gate.lock);
  gate.n_begun++;
  g_cond_broadcast (&gate.progress);
  while (gate.holds)
    g_cond_wait (&gate.progress, &gate.lock);
  gboolean fails = gate.fails;
  g_mutex_unlock (&gate.lock);
  if (!fails)
    return CASK_CALL (self->child, upload_write, upload, chunk, NULL, error);
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NO_SPACE, "the gate is shut");
  return FALSE;
}

static gboolean
gate_put (CaskBackend *self, const CaskDigest *digest, GBytes *bytes, guint32 flags,
          gboolean *created, GCancellable *cancellable, GError **error)
{
  g_mutex_lock (&gate.lock);
  gate.n_before_put = gate.n_begun;
  g_mutex_unlock (&gate.lock);
  return CASK_CALL (self->child, put, digest, bytes, flags, created, cancellable, error);
}

static guint64
gate_capabilities (CaskBackend *self)
{
  return self->child->capabilities;
}

static const CaskBackendOps gate_ops = {
  .size = sizeof (CaskBackendOps),
  .open = gate_open,
  .close = gate_close,
  .put = gate_put,
  .upload_write = gate_upload_write,
  .capabilities = gate_capabilities,
};

static const CaskPlugin gate_plugin = {
  .magic = CASK_PLUGIN_MAGIC,
  .size = sizeof (CaskPlugin),
  .abi_major = CASK_PLUGIN_ABI_MAJOR,
  .abi_minor = CASK_PLUGIN_ABI_MINOR,
  .option_size = sizeof (CaskOptionSpec),
  .kind = CASK_PLUGIN_LAYER,
  .min_children = 1,
  .max_children = 1,
  .needs = CASK_NEEDS_DELEGATION,
  .name = "gate",
  .version = "1",
  .ops = &gate_ops,
};

void
gate_set (gboolean holds, gboolean fails)
{
  g_mutex_lock (&gate.lock);
  gate.holds = holds;
  gate.fails = fails;
  g_cond_broadcast (&gate.progress);
  g_mutex_unlock (&gate.lock);
}

void
gate_wait_begun (void)
{
  g_mutex_lock (&gate.lock);
  while (gate.n_begun == 0)
    g_cond_wait (&gate.progress, &gate.lock);
  g_mutex_unlock (&gate.lock);
}

CaskStore *
gate_store (const char *config, gboolean holds, gboolean fails)
{
  g_autoptr (GError) error = NULL;

  gate_set (holds, fails);
  gate.n_begun = gate.n_before_put = 0;
  CaskStore *store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}

int
gate_register (void)
{
  return !cask_register_plugin (&gate_plugin, NULL);
}

/* ---- The stream ---- */

G_DEFINE_TYPE (Source, source, G_TYPE_INPUT_STREAM)

static void
source_answer (Source *self, GAsyncReadyCallback callback, gpointer data, gssize n,
               gboolean is_cancelled)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);

  if (is_cancelled)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "as was asked for");
  else
    g_task_return_int (task, n);
  callback (G_OBJECT (self), G_ASYNC_RESULT (task), data);
}

void
source_let_go (Source *self)
{
  GAsyncReadyCallback callback = g_steal_pointer (&self->callback);

  if (callback != NULL)
    source_answer (self, callback, self->data, -1, TRUE);
}

static void
source_cancelled (GCancellable *cancellable, gpointer self)
{
  (void) cancellable;
  source_let_go (self);
}

/* The next bytes, as many as there are; at the end 0, or -1 without a word. */
static gssize
source_give (Source *self, void *buffer, gsize count)
{
  gsize n = MIN (count, g_bytes_get_size (self->bytes) - self->given);

  if (n == 0 && self->fails)
    return -1;
  memcpy (buffer, (const guint8 *) g_bytes_get_data (self->bytes, NULL) + self->given, n);
  self->given += n;
  return (gssize) n;
}

static gssize
source_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
             GError **error)
{
  (void) cancellable;
  (void) error;
  return source_give ((Source *) stream, buffer, count);
}

static void
source_read_async (GInputStream *stream, void *buffer, gsize count, int io_priority,
                   GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  Source *self = (Source *) stream;
  (void) io_priority;

  if (self->given == g_bytes_get_size (self->bytes) && self->is_silent)
    {
      self->callback = callback;
      self->data = user_data;
      g_cancellable_connect (cancellable, G_CALLBACK (source_cancelled), self, NULL);
      return;
    }
  source_answer (self, callback, user_data, source_give (self, buffer, count), FALSE);
}

static gssize
source_read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  (void) stream;
  return g_task_propagate_int (G_TASK (result), error);
}

static void
source_finalize (GObject *object)
{
  g_bytes_unref (((Source *) object)->bytes);
  G_OBJECT_CLASS (source_parent_class)->finalize (object);
}

static void
source_class_init (SourceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = source_finalize;
  klass->read_fn = source_read;
  klass->read_async = source_read_async;
  klass->read_finish = source_read_finish;
}

static void
source_init (Source *self)
{
  (void) self;
}

Source *
source_new (gsize size)
{
  Source *source = g_object_new (source_get_type (), NULL);
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 7 + i / 251 + i / CHUNK);
  source->bytes = g_bytes_new_take (data, size);
  return source;
}
