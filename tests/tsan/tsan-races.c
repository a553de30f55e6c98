/* SPDX-License-Identifier: Apache-2.0
 *
 * tsan-races.c: two threads, once without and once with what orders them. The argument
 * says which: `counter` is a race, `counter-locked` is not. */
#include <gio/gio.h>
#include <string.h>

#define RACES_ROUNDS 2000
#define RACES_SIZE 16
/* Not among the eight bytes of which the sanitizer remembers the last few uses. */
#define RACES_LATER 8

static GMutex lock;
static GCond changed;
static gboolean uses_lock;
static int counter, ready; /* lock, where it is used */
static int *made;          /* by whoever comes first */

static void
races_enter (void)
{
  if (uses_lock)
    g_mutex_lock (&lock);
}

static void
races_leave (void)
{
  if (uses_lock)
    g_mutex_unlock (&lock);
}

static gpointer
races_count (gpointer data)
{
  for (int i = 0; i < RACES_ROUNDS; i++)
    {
      races_enter ();
      counter++;
      races_leave ();
    }
  return data;
}

/* ---- A condition ---- */

static gpointer
races_tell (gpointer data)
{
  counter = 42;
  g_mutex_lock (&lock);
  ready = 1;
  g_cond_signal (&changed);
  g_mutex_unlock (&lock);
  /* After it was told. */
  if (!uses_lock)
    counter = 43;
  return data;
}

static gpointer
races_wait (gpointer data)
{
  g_mutex_lock (&lock);
  while (!ready)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  counter++;
  return data;
}

/* ---- Once ---- */

static gpointer
races_once (gpointer data)
{
  static gsize once;

  if (uses_lock && g_once_init_enter (&once))
    {
      made = g_new0 (int, 1);
      g_once_init_leave (&once, 1);
    }
  if (!uses_lock && made == NULL)
    made = g_new0 (int, 1);
  return data;
}

/* ---- The last reference ---- */

typedef struct
{
  GBytes *bytes;
  GObject *object;
  char *text;
} Shared;

static void
races_forget (gpointer data, GObject *where)
{
  (void) where;
  memset (data, 0, RACES_SIZE);
}

/* Each reads what goes with the last reference. Who has dropped his may not write. */
static gpointer
races_drop (gpointer data)
{
  Shared *shared = data;

  shared->text[g_atomic_int_add (&ready, 1)]++;
  g_object_unref (shared->object);
  if (!uses_lock)
    shared->text[RACES_LATER]++;
  return NULL;
}

static gpointer
races_drop_bytes (gpointer data)
{
  Shared *shared = data;
  const char *text = g_bytes_get_data (shared->bytes, NULL);
  int sum = text[0] + text[1];

  g_bytes_unref (shared->bytes);
  if (!uses_lock)
    sum += text[RACES_LATER];
  return GINT_TO_POINTER (sum);
}

static void
races_clear (gpointer data)
{
  memset (data, 1, RACES_SIZE);
}

static void
races_run (GThreadFunc first, GThreadFunc second, gpointer data)
{
  GThread *one = g_thread_new ("one", first, data);
  GThread *two = g_thread_new ("two", second, data);

  g_thread_join (one);
  g_thread_join (two);
}

int
main (int argc, char **argv)
{
  char *text = g_new0 (char, RACES_SIZE);
  const char *what = argc > 1 ? argv[1] : "";

  uses_lock = g_str_has_suffix (what, "-locked");
  if (g_str_has_prefix (what, "counter"))
    races_run (races_count, races_count, NULL);
  else if (g_str_has_prefix (what, "condition"))
    races_run (races_tell, races_wait, NULL);
  else if (g_str_has_prefix (what, "once"))
    races_run (races_once, races_once, NULL);
  else if (g_str_has_prefix (what, "object"))
    {
      Shared shared = { .text = text };
      shared.object = g_object_new (G_TYPE_OBJECT, NULL);
      g_object_weak_ref (shared.object, races_forget, text);
      g_object_ref (shared.object);
      races_run (races_drop, races_drop, &shared);
    }
  else if (g_str_has_prefix (what, "bytes"))
    {
      Shared shared = { .text = text };
      shared.bytes = g_bytes_new_with_free_func (text, RACES_SIZE, races_clear, text);
      g_bytes_ref (shared.bytes);
      races_run (races_drop_bytes, races_drop_bytes, &shared);
    }
  else
    return 2;
  g_free (made);
  g_free (text);
  return 0;
}
