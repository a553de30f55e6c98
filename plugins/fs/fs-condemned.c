/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-condemned.c: why a blob is absent: whether a copy of it was moved to .quarantine.
 *
 * A build cache asks for what is absent all day, and what was moved aside once stays for
 * months: so that not every miss reads the directory, the digests that it names are kept
 * in short (their first eight bytes), for as long as it has not changed. What is not
 * among them is not there; what is takes a look, which has to find the name anyway.
 *
 * Invariants:
 * - the short list was read from the directory whose device, inode and change time stand
 *   beside it, by when that time was old enough to tell a later change (fs-notes.c);
 * - whatever goes wrong here, the blob is absent: only the reason is missing.
 *
 * Lock: FsCondemned.lock, a leaf. */
#include "fs-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

/* How many names are looked at. More than that is nobody's quarantine. */
#define FS_CONDEMNED_LOOK 10000

/* The algorithm, a hyphen, and sixteen digits: what a short is made of. */
#define FS_CONDEMNED_ALGORITHM 7
#define FS_CONDEMNED_DIGITS 16

/* fs_condemned_prefix: "sha256-2cf2…d4.": what the names of all copies of it begin with.
 */
void
fs_condemned_prefix (const CaskDigest *digest, FsCondemnName name)
{
  static const char digits[] = "0123456789abcdef";
  const char *algorithm =
      digest->algorithm == CASK_ALGORITHM_SHA512 ? "sha512-" : "sha256-";
  gsize at = strlen (algorithm);
  memcpy (name, algorithm, at);
  for (gsize i = 0; i < cask_digest_length (digest); i++)
    {
      name[at++] = digits[digest->bytes[i] >> 4];
      name[at++] = digits[digest->bytes[i] & 15];
    }
  name[at++] = '.';
  name[at] = '\0';
}

/* ---- The list in short ---- */

/* Any name gives some short: one that is nobody's costs a look that finds nothing. */
static guint64
fs_condemned_short (const char *name)
{
  if (strlen (name) < FS_CONDEMNED_ALGORITHM + FS_CONDEMNED_DIGITS)
    return 0;
  char digits[FS_CONDEMNED_DIGITS + 1];
  g_strlcpy (digits, name + FS_CONDEMNED_ALGORITHM, sizeof digits);
  return g_ascii_strtoull (digits, NULL, 16);
}

static int
fs_condemned_compare (const void *a, const void *b)
{
  guint64 first = *(const guint64 *) a, second = *(const guint64 *) b;
  return (first > second) - (first < second);
}

static gboolean
fs_condemned_is_same (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
         a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
         a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* st: of the directory, from before it was read */
static void
fs_condemned_remember (CaskBackend *self, const struct stat *st, GArray *shorts)
{
  FsCondemned *condemned = &self->condemned;
  g_autoptr (GArray) old = NULL;
  g_array_sort (shorts, fs_condemned_compare);
  g_mutex_lock (&condemned->lock);
  old = condemned->shorts;
  condemned->shorts = g_array_ref (shorts);
  condemned->st = *st;
  g_mutex_unlock (&condemned->lock);
}

typedef enum
{
  FS_CONDEMNED_NO,
  FS_CONDEMNED_PERHAPS, /* or it is not known */
} FsCondemnedGuess;

static FsCondemnedGuess
fs_condemned_guess (CaskBackend *self, const struct stat *st, const CaskDigest *digest)
{
  FsCondemned *condemned = &self->condemned;
  FsCondemnName prefix;
  fs_condemned_prefix (digest, prefix);
  guint64 key = fs_condemned_short (prefix);
  FsCondemnedGuess guess = FS_CONDEMNED_PERHAPS;
  g_mutex_lock (&condemned->lock);
  if (condemned->shorts && fs_condemned_is_same (&condemned->st, st) &&
      (condemned->shorts->len == 0 ||
       !bsearch (&key, condemned->shorts->data, condemned->shorts->len, sizeof key,
                 fs_condemned_compare)))
    guess = FS_CONDEMNED_NO;
  g_mutex_unlock (&condemned->lock);
  return guess;
}

/* ---- The directory ---- */

/* Whoever may write there may have made any name: only what fs-condemn.c would make of
 * the rest of one is shown. */
static gboolean
fs_condemned_is_name (const char *name, const char *prefix)
{
  gsize length = strlen (prefix);
  return strncmp (name, prefix, length) == 0 && strlen (name) < sizeof (FsCondemnName) &&
         strspn (name + length, "0123456789TZ-") == strlen (name + length);
}

/* name: of the latest copy, or "" */
static void
fs_condemned_read (CaskBackend *self, DIR *stream, const struct stat *st,
                   const CaskDigest *digest, FsCondemnName name)
{
  FsCondemnName prefix;
  fs_condemned_prefix (digest, prefix);
  gboolean is_settled = fs_notes_settled (self, st);
  g_autoptr (GArray) shorts = g_array_new (FALSE, FALSE, sizeof (guint64));
  name[0] = '\0';
  errno = 0;
  const struct dirent *entry;
  for (guint i = 0; i < FS_CONDEMNED_LOOK && (entry = fs_system->readdir (stream)); i++)
    {
      guint64 key = fs_condemned_short (entry->d_name);
      g_array_append_val (shorts, key);
      if (fs_condemned_is_name (entry->d_name, prefix) &&
          strcmp (entry->d_name, name) > 0)
        g_strlcpy (name, entry->d_name, sizeof (FsCondemnName));
      errno = 0;
    }
  if (is_settled && errno == 0)
    fs_condemned_remember (self, st, shorts);
}

/* Returns: whether there is a copy; name: of the latest */
static gboolean
fs_condemned_find (CaskBackend *self, const CaskDigest *digest, FsCondemnName name)
{
  g_auto (FsFd) place = fs_root_open (self, FS_CONDEMNED_ROOT, O_RDONLY | O_DIRECTORY);
  struct stat st;
  if (place < 0 || fs_system->fstat (place, &st) != 0)
    return FALSE;
  g_atomic_int_set (&self->has_quarantine, TRUE);
  if (fs_condemned_guess (self, &st, digest) == FS_CONDEMNED_NO)
    return FALSE;
  g_autoptr (DIR) stream = fs_system->fdopendir (place);
  if (stream == NULL)
    return FALSE;
  fs_fd_steal (&place);
  fs_condemned_read (self, stream, &st, digest, name);
  return name[0] != '\0';
}

/* ---- What the reading files ask ---- */

void
fs_condemned_init (CaskBackend *self)
{
  g_mutex_init (&self->condemned.lock);
}

void
fs_condemned_clear (CaskBackend *self)
{
  g_clear_pointer (&self->condemned.shorts, g_array_unref);
  g_mutex_clear (&self->condemned.lock);
}

/* fs_condemned_look: whether anything was ever moved aside, by whoever. */
void
fs_condemned_look (CaskBackend *self)
{
  self->has_quarantine = fs_system->faccessat (self->root, FS_CONDEMNED_ROOT, F_OK,
                                               AT_SYMLINK_NOFOLLOW) == 0;
}

/* fs_condemned_try_absent: from memory alone. Returns: whether a blob that is absent is
 * so for no reason that could be told */
gboolean
fs_condemned_try_absent (CaskBackend *self, const CaskDigest *digest)
{
  if (!g_atomic_int_get (&self->has_quarantine))
    return TRUE;
  g_auto (FsFd) place =
      fs_root_open_cached (self, FS_CONDEMNED_ROOT, O_PATH | O_DIRECTORY);
  if (place < 0)
    return errno == ENOENT; /* somebody has cleared it away */
  struct stat st;
  return fs_system->fstat (place, &st) == 0 &&
         fs_condemned_guess (self, &st, digest) == FS_CONDEMNED_NO;
}

/* fs_condemned_fail_absent: sets NOT_FOUND for who wanted the bytes, with the reason
 * where the blob is absent for having been moved aside. Returns: FALSE */
gboolean
fs_condemned_fail_absent (CaskBackend *self, const CaskDigest *digest, GError **error)
{
  FsCondemnName name;
  if (fs_condemned_find (self, digest, name))
    g_set_error (error, CASK_ERROR, CASK_ERROR_NOT_FOUND,
                 "quarantined: corrupt, kept as " FS_CONDEMNED_ROOT
                 "/%s: put it again to heal",
                 name);
  else
    g_set_error_literal (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, "no such blob");
  return FALSE;
}
