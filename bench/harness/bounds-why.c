/* SPDX-License-Identifier: Apache-2.0
 *
 * bounds-why.c: why a peer is ahead, where it is. Edited by hand, from what was found
 * out; a peer that is ahead without a line here fails the goal. */
#include "bounds.h"

#include <string.h>

typedef struct
{
  const char *field;
  const char *peer;      /* with what is before the first comma: also its other ways */
  const char *operation; /* NULL: any */
  guint64 least, most;   /* sizes; both 0: any */
  const char *why;
} BenchWhy;

#define MAP_READ                                                                         \
  "copies from a file that is mapped into the process, without a system call; Cask "     \
  "opens "                                                                               \
  "a file, looks, reads, closes. The backend `lmdb` is for who needs that"
#define MAP_LOOK                                                                         \
  "looks into a file that is mapped into the process, without a system call; Cask asks " \
  "the kernel for a file"
#define MAP_WRITE                                                                        \
  "changes pages of one file, all of which a power cut may take in this field; Cask "    \
  "makes, or takes away, a file"
#define MAP_LIST                                                                         \
  "walks an index that is kept in order; Cask reads and sorts directories, and asks "    \
  "for the size and time of each file"
#define CACHE_READ                                                                       \
  "has one file open for all, and pages of it in the process; Cask opens, looks, reads " \
  "and closes one for each blob"
#define CACHE_WRITE                                                                      \
  "changes pages in the process, and writes them in a row; Cask makes, or takes away, "  \
  "a "                                                                                   \
  "file"
#define ONE_FLUSH                                                                        \
  "flushes one file, once for a transaction; Cask makes and flushes a file for each "    \
  "blob, and its directory"
#define LOOK_ONCE                                                                        \
  "one look by path; Cask looks again whether the directory that it had open is still "  \
  "the store's, so that absence is certain"
#define HIT                                                                              \
  "only looks whether there is such a name; Cask renews the time, looks again, and "     \
  "compares the size, so that no collector takes what was just relied on"
#define REMOVE                                                                           \
  "one unlink; Cask takes a lock of the blob first, so that none goes that a put has "   \
  "just relied on"
#define ERROR                                                                            \
  "a look into a table; Cask's backends say absence by an error, which is made and "     \
  "freed"
#define NAMES "gives names; Cask asks for the size and time of each file as well"
#define BATCH_OF_ONE "at this size a batch is of one blob, and has its costs for none"
#define HOLDS_ALL                                                                        \
  "gives one blob after another; a batch of Cask's holds all of its blobs at once, in "  \
  "memory that the allocator takes fresh from the system each time"
#define IN_PLACE                                                                         \
  "writes a new file under its own name, where others see half of it; Cask writes "      \
  "aside "                                                                               \
  "and links"
#define UNSYNCED "the removal is not flushed; Cask's is"

static const BenchWhy whys[] = {
  { "memory", "libgit2", "contains absent", 0, 0, ERROR },
  { "memory", "SQLite", "contains", 64u << 20, 64u << 20, BATCH_OF_ONE },
  { "memory", "SQLite", "contains absent", 64u << 20, 64u << 20, BATCH_OF_ONE },
  { "files", "LMDB, 64 a transaction", "get", 64u << 10, 1u << 20, HOLDS_ALL },
  { "files", "SQLite, 64 a transaction", "get", 64u << 10, 1u << 20, HOLDS_ALL },
  { "files", "LMDB", "get", 0, 0, MAP_READ },
  { "files", "LMDB", "get range", 0, 0, MAP_READ },
  { "files", "LMDB", "contains", 0, 0, MAP_LOOK },
  { "files", "LMDB", "contains absent", 0, 0, MAP_LOOK },
  { "files", "LMDB", "put existing", 0, 0, HIT },
  { "files", "LMDB", "put new", 0, 0, MAP_WRITE },
  { "files", "LMDB", "delete", 0, 0, MAP_WRITE },
  { "files", "LMDB", "list", 0, 0, MAP_LIST },
  { "files", "SQLite", "get", 0, 0, CACHE_READ },
  { "files", "SQLite", "get range", 0, 0, CACHE_READ },
  { "files", "SQLite", "contains", 0, 0, CACHE_READ },
  { "files", "SQLite", "contains absent", 0, 0, CACHE_READ },
  { "files", "SQLite", "put existing", 0, 0, HIT },
  { "files", "SQLite", "put new", 0, 0, CACHE_WRITE },
  { "files", "SQLite", "delete", 0, 0, CACHE_WRITE },
  { "files", "SQLite", "list", 0, 0, MAP_LIST },
  { "files", "libgit2", "contains absent", 0, 0, LOOK_ONCE },
  { "files", "libgit2", "put existing", 0, 0, HIT },
  { "files", "libgit2", "list", 0, 0, NAMES },
  { "files", "ostree", "contains absent", 0, 0, LOOK_ONCE },
  { "files", "ostree", "delete", 0, 0, REMOVE },
  { "files", "plain GLib", "put existing", 0, 0, HIT },
  { "files", "plain GLib", "put new", 0, 0, IN_PLACE },
  { "files", "plain GLib", "delete", 0, 0, REMOVE },
  { "durable", "LMDB", NULL, 0, 0, ONE_FLUSH },
  { "durable", "SQLite", NULL, 0, 0, ONE_FLUSH },
  { "durable", "plain GLib", "delete", 0, 0, UNSYNCED },
  { NULL, NULL, NULL, 0, 0, NULL }
};

static gboolean
why_is_of (const char *peer, const char *name)
{
  gsize length = strcspn (name, ",");
  return g_str_equal (peer, name) ||
         (strlen (peer) == length && strncmp (peer, name, length) == 0);
}

const char *
bench_why (const char *field, const char *peer, const char *operation, guint64 size)
{
  for (const BenchWhy *why = whys; why->why; why++)
    {
      gboolean fits_size = why->most == 0 || (size >= why->least && size <= why->most);
      if (fits_size && g_str_equal (why->field, field) && why_is_of (why->peer, peer) &&
          (why->operation == NULL || g_str_equal (why->operation, operation)))
        return why->why;
    }
  return NULL;
}
