/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan-glib.c: tells ThreadSanitizer what GLib's locks and reference counts order.
 *
 * GLib is not built with the sanitizer, and its GMutex is a futex of its own: all that
 * two threads do in turn under one looks like a race. These functions stand before those
 * of the same name in GLib, for the executable comes first in the search: each calls the
 * real one and says what it has ordered, no more than that, so that a race beside it is
 * still seen (test-tsan-truth.c). Calls within libglib itself do not pass here; it has no
 * memory that the sanitizer looks at (tsan.supp).
 *
 * Compiled into every program of the preset `tsan`, and nowhere else. Programs run with
 * G_SLICE=always-malloc: memory that goes from thread to thread through the slices of
 * GLib before 2.76 would look like a race as well. */
#include <dlfcn.h>
#include <gio/gio.h>
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <stdlib.h>

#undef g_once_init_enter
#undef g_once_init_leave
#undef g_object_ref
#undef g_atomic_ref_count_dec

/* In the order in which the runtime reads them: before what the environment says. */
const char *__tsan_default_options (void);

/* A child of a program with threads may have threads as well. */
__attribute__ ((visibility ("default"))) const char *
__tsan_default_options (void)
{
  return "suppressions=" TSAN_SUPPRESSIONS
         ":die_after_fork=0:second_deadlock_stack=1:history_size=4";
}

static gpointer
glib_find (gpointer *known, const char *name)
{
  gpointer function = __atomic_load_n (known, __ATOMIC_RELAXED);

  if (function == NULL)
    {
      function = dlsym (RTLD_NEXT, name);
      if (function == NULL)
        abort ();
      __atomic_store_n (known, function, __ATOMIC_RELAXED);
    }
  return function;
}

/* The function of that name that comes next, with its type. */
#define GLIB_REAL(name)                                                                  \
  ({                                                                                     \
    static gpointer known_##name;                                                        \
    (__typeof__ (&(name))) glib_find (&known_##name, #name);                             \
  })

/* Only these of this file are to be found from outside. */
#pragma GCC visibility push(default)

/* ---- Locks ---- */

void
g_mutex_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, 0);
  GLIB_REAL (g_mutex_lock) (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock);
  gboolean locked = GLIB_REAL (g_mutex_trylock) (mutex);
  __tsan_mutex_post_lock (
      mutex, __tsan_mutex_try_lock | (locked ? 0 : __tsan_mutex_try_lock_failed), 0);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  GLIB_REAL (g_mutex_unlock) (mutex);
}

void
g_mutex_clear (GMutex *mutex)
{
  __tsan_mutex_destroy (mutex, 0);
  GLIB_REAL (g_mutex_clear) (mutex);
}

/* A wait gives the mutex up and takes it again; a signal orders nothing by itself. */
void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  GLIB_REAL (g_cond_wait) (cond, mutex);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  gboolean in_time = GLIB_REAL (g_cond_wait_until) (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return in_time;
}

/* GObject's own: its real functions end in a jump to pthread's, which makes the unlock
 * look like ours and leaves the lock unseen. The same memory as in GLib, which has some
 * callers of its own: `p` is a recursive pthread_mutex_t. */
static pthread_mutex_t *
tsan_rec_mutex (GRecMutex *mutex)
{
  pthread_mutex_t *known = g_atomic_pointer_get (&mutex->p);
  pthread_mutexattr_t kind;

  if (known != NULL)
    return known;
  known = malloc (sizeof *known);
  pthread_mutexattr_init (&kind);
  pthread_mutexattr_settype (&kind, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init (known, &kind);
  pthread_mutexattr_destroy (&kind);
  if (g_atomic_pointer_compare_and_exchange (&mutex->p, NULL, known))
    return known;
  pthread_mutex_destroy (known);
  free (known);
  return g_atomic_pointer_get (&mutex->p);
}

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  pthread_mutex_lock (tsan_rec_mutex (mutex));
}

gboolean
g_rec_mutex_trylock (GRecMutex *mutex)
{
  return pthread_mutex_trylock (tsan_rec_mutex (mutex)) == 0;
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  pthread_mutex_unlock (mutex->p);
}

/* ---- Once ---- */

gboolean
g_once_init_enter (volatile void *location)
{
  gboolean is_first = GLIB_REAL (g_once_init_enter) (location);

  if (!is_first)
    __tsan_acquire ((void *) location);
  return is_first;
}

/* Who finds the value set reads it with the macro of the header, which the sanitizer
 * knows: it acquires what is released here. */
void
g_once_init_leave (volatile void *location, gsize result)
{
  __tsan_release ((void *) location);
  GLIB_REAL (g_once_init_leave) (location, result);
}

/* ---- References ----
 * Who drops the last one may touch what all the others have written before they dropped
 * theirs. */

void
g_object_unref (gpointer object)
{
  guint *count = (guint *) &((GObject *) object)->ref_count;
  guint seen = __atomic_load_n (count, __ATOMIC_ACQUIRE);

  /* Nobody here has toggle references, which the real one tells of the step to one. */
  while (seen > 1)
    if (__atomic_compare_exchange_n (count, &seen, seen - 1, FALSE, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      return;
  GLIB_REAL (g_object_unref) (object);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  return __atomic_fetch_sub ((int *) count, 1, __ATOMIC_ACQ_REL) == 1;
}

/* What the box that this thread gives up wants done; the real one has no data for it. */
static __thread GDestroyNotify tsan_box_clear;

static void
tsan_box_end (gpointer box)
{
  GDestroyNotify clear = tsan_box_clear;

  __tsan_acquire (box);
  if (clear != NULL)
    clear (box);
}

void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  __tsan_release (box);
  tsan_box_clear = clear;
  GLIB_REAL (g_atomic_rc_box_release_full) (box, tsan_box_end);
}

void
g_atomic_rc_box_release (gpointer box)
{
  g_atomic_rc_box_release_full (box, NULL);
}

typedef struct
{
  GBytes *bytes;
  GDestroyNotify free_func;
  gpointer user_data;
} TsanBytes;

static void
tsan_bytes_free (gpointer data)
{
  TsanBytes *box = data;

  __tsan_acquire (box->bytes);
  if (box->free_func != NULL)
    box->free_func (box->user_data);
  free (box);
}

void
g_bytes_unref (GBytes *bytes)
{
  if (bytes != NULL)
    __tsan_release (bytes);
  GLIB_REAL (g_bytes_unref) (bytes);
}

GBytes *
g_bytes_new_with_free_func (gconstpointer data, gsize size, GDestroyNotify free_func,
                            gpointer user_data)
{
  TsanBytes *box = malloc (sizeof *box);

  *box = (TsanBytes){ .free_func = free_func, .user_data = user_data };
  box->bytes = GLIB_REAL (g_bytes_new_with_free_func) (data, size, tsan_bytes_free, box);
  return box->bytes;
}

GBytes *
g_bytes_new_take (gpointer data, gsize size)
{
  return g_bytes_new_with_free_func (data, size, free, data);
}

GBytes *
g_bytes_new (gconstpointer data, gsize size)
{
  return g_bytes_new_take (g_memdup2 (data, size), size);
}

static void
tsan_bytes_drop (gpointer bytes)
{
  g_bytes_unref (bytes);
}

GBytes *
g_bytes_new_from_bytes (GBytes *bytes, gsize offset, gsize length)
{
  const guint8 *data = g_bytes_get_data (bytes, NULL);

  return g_bytes_new_with_free_func (data + offset, length, tsan_bytes_drop,
                                     g_bytes_ref (bytes));
}

/* Called here, a free is one of ours: who still uses the memory is seen. */
void
g_free (gpointer memory)
{
  free (memory);
}

/* ---- From thread to thread ---- */

void
g_cancellable_cancel (GCancellable *cancellable)
{
  if (cancellable != NULL)
    __tsan_release (cancellable);
  GLIB_REAL (g_cancellable_cancel) (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable *cancellable)
{
  gboolean is_cancelled = GLIB_REAL (g_cancellable_is_cancelled) (cancellable);

  if (is_cancelled)
    __tsan_acquire (cancellable);
  return is_cancelled;
}

/* It waits for a callback that is under way. */
void
g_cancellable_disconnect (GCancellable *cancellable, gulong handler)
{
  GLIB_REAL (g_cancellable_disconnect) (cancellable, handler);
  if (cancellable != NULL)
    __tsan_acquire (cancellable);
}

/* ---- GTask's threads, and the way back ----
 * A stream of the program's is read on a thread of GIO's, which hands the outcome over by
 * an idle source. */

typedef struct
{
  GFunc func;
  gpointer data;
} TsanPool;

static void
tsan_pool_run (gpointer job, gpointer data)
{
  const TsanPool *pool = data;

  __tsan_acquire (job);
  pool->func (job, pool->data);
}

GThreadPool *
g_thread_pool_new (GFunc func, gpointer data, int max_threads, gboolean exclusive,
                   GError **error)
{
  TsanPool *pool = malloc (sizeof *pool);

  /* For ever: so is the only pool that passes here, GTask's. */
  *pool = (TsanPool){ .func = func, .data = data };
  return GLIB_REAL (g_thread_pool_new) (tsan_pool_run, pool, max_threads, exclusive,
                                        error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer job, GError **error)
{
  __tsan_release (job);
  return GLIB_REAL (g_thread_pool_push) (pool, job, error);
}

typedef struct
{
  GSourceFunc func;
  gpointer data;
  GDestroyNotify notify;
} TsanIdle;

static gboolean
tsan_idle_run (gpointer data)
{
  const TsanIdle *idle = data;

  __tsan_acquire (g_main_current_source ());
  return idle->func (idle->data);
}

static void
tsan_idle_free (gpointer data)
{
  TsanIdle *idle = data;

  if (idle->notify != NULL)
    idle->notify (idle->data);
  free (idle);
}

/* Callbacks of other sources have other arguments. */
void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data,
                       GDestroyNotify notify)
{
  if (source->source_funcs != &g_idle_funcs || func == NULL)
    {
      GLIB_REAL (g_source_set_callback) (source, func, data, notify);
      return;
    }
  TsanIdle *idle = malloc (sizeof *idle);
  *idle = (TsanIdle){ .func = func, .data = data, .notify = notify };
  GLIB_REAL (g_source_set_callback) (source, tsan_idle_run, idle, tsan_idle_free);
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  __tsan_release (source);
  return GLIB_REAL (g_source_attach) (source, context);
}

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  GLIB_REAL (g_async_queue_push) (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data = GLIB_REAL (g_async_queue_pop) (queue);

  __tsan_acquire (queue);
  return data;
}

#pragma GCC visibility pop
