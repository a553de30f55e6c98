/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-log.c: the record of a workload, in memory that processes share.
 *
 * Locks: PowerLog.mutex, for every table but where a field says atomic. It is held across
 * the system calls that are recorded, and that is its purpose. */
#include "powercut.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const power_durabilities[] = { "none", "data", "full", "batch" };
const char *const power_layouts[] = { "cask", "oci" };

PowerLog *
power_log_new (void)
{
  PowerLog *log = mmap (NULL, sizeof (PowerLog), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_assert (log != MAP_FAILED);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_setpshared (&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init (&log->mutex, &attributes);
  pthread_mutexattr_destroy (&attributes);
  log->n_inodes = POWER_OUTSIDE;
  log->n_entries = 1; /* position 0 is before everything */
  log->n_uploads = 1;
  log->n_slots = 1;
  return log;
}

void
power_log_free (PowerLog *log)
{
  if (log != NULL)
    munmap (log, sizeof (PowerLog));
}

void
power_log_lock (PowerLog *log)
{
  pthread_mutex_lock (&log->mutex);
}

void
power_log_unlock (PowerLog *log)
{
  pthread_mutex_unlock (&log->mutex);
}

/* Returns: the index of a new element; the last one, and the log is spoilt, where there
 * is no room. */
static guint32
power_log_take (PowerLog *log, guint32 *used, guint32 limit)
{
  if (*used < limit)
    return (*used)++;
  g_atomic_int_set (&log->failed, TRUE);
  return limit - 1;
}

PowerEntry *
power_log_append (PowerLog *log, PowerEntryKind kind)
{
  PowerEntry *entry = &log->entries[power_log_take (log, &log->n_entries, POWER_ENTRIES)];
  *entry = (PowerEntry){ .kind = (guint8) kind, .process = (guint16) getpid () };
  return entry;
}

guint64
power_log_keep (PowerLog *log, const void *bytes, gsize count)
{
  if (count > POWER_HEAP - log->heap_used)
    {
      g_atomic_int_set (&log->failed, TRUE);
      return 0;
    }
  guint64 at = log->heap_used;
  if (count > 0)
    memcpy (log->heap + at, bytes, count);
  log->heap_used += count;
  return at;
}

guint32
power_log_slot (PowerLog *log, guint32 directory, const char *name)
{
  for (guint32 i = 1; i < log->n_slots; i++)
    if (log->slots[i].directory == directory && strcmp (log->slots[i].name, name) == 0)
      return i;
  guint32 index = power_log_take (log, &log->n_slots, POWER_SLOTS);
  PowerSlot *slot = &log->slots[index];
  slot->directory = directory;
  g_strlcpy (slot->name, name, sizeof slot->name);
  return index;
}

/* Returns: the inode; 0 where it is not one of the record's. */
guint32
power_log_inode (PowerLog *log, const struct stat *st)
{
  for (guint32 i = log->n_inodes; i-- > POWER_OUTSIDE;)
    if (log->inodes[i].number == st->st_ino && log->inodes[i].device == st->st_dev)
      return i;
  return 0;
}

guint32
power_log_born (PowerLog *log, const struct stat *st, PowerRole role)
{
  guint32 index = power_log_take (log, &log->n_inodes, POWER_INODES);
  log->inodes[index] = (PowerInode){ .device = st->st_dev,
                                     .number = st->st_ino,
                                     .role = role,
                                     .is_directory = S_ISDIR (st->st_mode) };
  PowerEntry *entry = power_log_append (log, POWER_ENTRY_CREATE);
  entry->inode = index;
  entry->a = (guint64) st->st_mtim.tv_sec * 1000000000u + (guint64) st->st_mtim.tv_nsec;
  entry->b = st->st_mode & 07777;
  return index;
}

/* power_call_begin: the caller is about to ask for something. Returns: its index. */
guint32
power_call_begin (PowerLog *log, const PowerCall *call)
{
  power_log_lock (log);
  guint32 index = power_log_take (log, &log->n_calls, POWER_CALLS);
  log->calls[index] = *call;
  log->calls[index].begin_usec = g_get_real_time ();
  log->calls[index].begin = log->n_entries;
  power_log_append (log, POWER_ENTRY_CALL)->a = index;
  power_log_unlock (log);
  return index;
}

/* power_call_end: the caller has its answer: what it says holds from now on. */
void
power_call_end (PowerLog *log, guint32 index, gboolean is_ok, gboolean is_effect)
{
  power_log_lock (log);
  PowerCall *call = &log->calls[index];
  call->is_ok = (guint8) is_ok;
  call->is_effect = (guint8) is_effect;
  call->end = log->n_entries;
  power_log_append (log, POWER_ENTRY_RETURN)->a = index;
  power_log_unlock (log);
}

/* power_log_count_syncs: flushes while the call was under way. n_data: of files, or of
 * all; n_directories: distinct ones. Returns: all of them. */
guint
power_log_count_syncs (const PowerLog *log, const PowerCall *call, guint *n_data,
                       guint *n_directories)
{
  guint count = 0;
  g_autoptr (GHashTable) directories = g_hash_table_new (NULL, NULL);
  *n_data = 0;
  for (guint32 i = call->begin; i < call->end; i++)
    {
      const PowerEntry *entry = &log->entries[i];
      if (entry->kind != POWER_ENTRY_SYNC)
        continue;
      count++;
      if (entry->inode == 0 || !log->inodes[entry->inode].is_directory)
        (*n_data)++;
      else
        g_hash_table_add (directories, GUINT_TO_POINTER (entry->inode));
    }
  *n_directories = g_hash_table_size (directories);
  return count;
}

/* ---- To a file and back, to look at a state again ---- */

gboolean
power_log_save (const PowerLog *log, const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gsize head = G_STRUCT_OFFSET (PowerLog, heap) + log->heap_used;
  const guint8 *bytes = (const guint8 *) log;
  gboolean done = fd >= 0;
  for (gsize at = 0; done && at < head;)
    {
      ssize_t count = write (fd, bytes + at, head - at);
      done = count > 0;
      at += done ? (gsize) count : 0;
    }
  done = done && ftruncate (fd, sizeof (PowerLog)) == 0;
  if (fd >= 0)
    close (fd);
  return done;
}

PowerLog *
power_log_load (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat st = { 0 };
  void *log = MAP_FAILED;
  if (fd >= 0 && fstat (fd, &st) == 0 && st.st_size == sizeof (PowerLog))
    log = mmap (NULL, sizeof (PowerLog), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (fd >= 0)
    close (fd);
  return log == MAP_FAILED ? NULL : log;
}

static const char *const power_entry_names[] = { "create", "write",  "truncate", "meta",
                                                 "name",   "rename", "sync",     "synced",
                                                 "call",   "return" };
static const char *const power_call_names[] = { "nothing", "put",   "delete",
                                                "save",    "abort", "flush" };

static void
power_log_print_entry (const PowerLog *log, guint32 i)
{
  const PowerEntry *entry = &log->entries[i];
  printf ("%5u  %5u  %-8s", i, entry->process, power_entry_names[entry->kind]);
  if (entry->kind == POWER_ENTRY_CALL || entry->kind == POWER_ENTRY_RETURN)
    {
      const PowerCall *call = &log->calls[entry->a];
      printf (" #%u %s blob %u upload %u", (guint) entry->a, power_call_names[call->kind],
              call->blob, call->upload);
      if (entry->kind == POWER_ENTRY_RETURN)
        printf (": %s%s", call->is_ok ? "yes" : "failed",
                call->is_effect ? ", with effect" : "");
    }
  else
    printf (" inode %u (role %u)", entry->inode, log->inodes[entry->inode].role);
  if (entry->kind == POWER_ENTRY_NAME || entry->kind == POWER_ENTRY_RENAME)
    printf (" %u/%.24s", log->slots[entry->slot].directory, log->slots[entry->slot].name);
  if (entry->kind == POWER_ENTRY_RENAME)
    printf (" to %u/%.24s", log->slots[entry->target].directory,
            log->slots[entry->target].name);
  if (entry->kind == POWER_ENTRY_WRITE || entry->kind == POWER_ENTRY_SYNCED ||
      entry->kind == POWER_ENTRY_META)
    printf (" %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, entry->a, entry->b);
  printf ("\n");
}

/* power_log_print: what had happened by then. */
void
power_log_print (const PowerLog *log, guint32 cut)
{
  printf ("durability=%s layout=%s seed=%" G_GUINT64_FORMAT "\nscript: %s\n",
          power_durabilities[log->durability], power_layouts[log->layout], log->seed,
          log->script);
  for (guint32 i = 1; i < MIN (cut, log->n_entries); i++)
    power_log_print_entry (log, i);
}

char *
power_log_config (const PowerLog *log, const char *root)
{
  return g_strdup_printf ("fs:%s?durability=%s&layout=%s&freshen=%s", root,
                          power_durabilities[log->durability], power_layouts[log->layout],
                          log->freshen);
}
