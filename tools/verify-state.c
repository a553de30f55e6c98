/* SPDX-License-Identifier: Apache-2.0
 *
 * verify-state.c: the FILE of `cask verify --resume`.
 *
 *   cask verify 1
 *   store fs:/srv/blobs?create=no
 *   after sha256:2cf2…                the last blob that is counted, or "-"
 *   verified 1043
 *   damaged 2
 *   quarantined 0
 *   failed 0
 *   bytes 7340032
 *   check sha256:…                    of all the lines above
 *
 * Invariants:
 * - FILE is replaced as a whole; what is not such a file, to the last bit, or speaks of
 *   another store, is refused, and stays: to begin anew for it would pass over
 *   damage that was counted, and to go on over blobs that were never read;
 * - one run at a time: FILE is locked, and the file that replaces it before it does. A
 *   second run is refused at its start, and where two began in one moment, or the
 *   filesystem has no locks, whoever finds FILE replaced by another ends, and leaves it.
 */

#include "verify.h"
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_HEAD "cask verify 1"
#define STATE_CHECK "check "
#define STATE_EVERY_USEC (2 * G_USEC_PER_SEC)
#define STATE_MAXIMUM (64 * 1024)

/* Whether the location of every node in the config string begins at the root of the
 * filesystem, or is empty. */
static gboolean
state_is_absolute (const char *config)
{
  static const char ends[] = "?(,) \t\n";
  for (const char *node = config; node; node = strpbrk (node, "(,"))
    {
      node += strspn (node, "(, \t\n");
      const char *colon = strpbrk (node, ":?(,");
      /* strchr() finds the end of the string as well. */
      if (colon && *colon == ':' && colon[1] != '/' && !strchr (ends, colon[1]))
        return FALSE;
    }
  return TRUE;
}

/* The config string, secrets redacted. A location that does not begin at the root of the
 * filesystem means something else in each directory. */
static char *
state_name_store (CaskStore *store)
{
  const char *config = cask_store_get_config (store);
  if (state_is_absolute (config))
    return g_strdup (config);
  g_autofree char *directory = g_get_current_dir ();
  g_autofree char *escaped = cask_config_escape (directory);
  return g_strconcat (config, " in ", escaped, NULL);
}

/* Returns: (transfer full): the line of the check over text */
static char *
state_check_line (const char *text, gsize length)
{
  CaskDigest digest;
  char check[CASK_DIGEST_TEXT_SIZE];
  g_autoptr (GBytes) bytes = g_bytes_new (text, length);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  cask_digest_write (&digest, check);
  return g_strconcat (STATE_CHECK, check, "\n", NULL);
}

static char *
state_write (const VerifyState *state)
{
  char after[CASK_DIGEST_TEXT_SIZE] = "-";
  if (state->after.algorithm != 0)
    cask_digest_write (&state->after, after);
  const VerifyCounts *counts = &state->counts;
  g_autofree char *text = g_strdup_printf (
      STATE_HEAD "\nstore %s\nafter %s\nverified %" G_GUINT64_FORMAT
                 "\ndamaged %" G_GUINT64_FORMAT "\nquarantined %" G_GUINT64_FORMAT
                 "\nfailed %" G_GUINT64_FORMAT "\nbytes %" G_GUINT64_FORMAT "\n",
      state->store, after, counts->n_verified, counts->n_damaged, counts->n_moved,
      counts->n_failed, counts->n_bytes);
  g_autofree char *check = state_check_line (text, strlen (text));
  return g_strconcat (text, check, NULL);
}

static gboolean
state_fail (const VerifyState *state, const char *what, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
               "%s: %s: remove it to begin anew", state->file, what);
  return FALSE;
}

/* Returns: what follows the word in the line, or NULL */
static const char *
state_value (const char *line, const char *word)
{
  gsize length = strlen (word);
  return strncmp (line, word, length) == 0 && line[length] == ' ' ? line + length + 1
                                                                  : NULL;
}

static gboolean
state_parse_number (const char *line, const char *word, guint64 *number)
{
  const char *value = state_value (line, word);
  return value && g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT64, number, NULL);
}

static gboolean
state_parse_after (const char *line, CaskDigest *after)
{
  const char *value = state_value (line, "after");
  return value && (strcmp (value, "-") == 0 || cask_digest_parse (value, after, NULL));
}

static gboolean
state_parse (VerifyState *state, const char *text, gsize length, GError **error)
{
  static const char damaged[] = "not a file of --resume, or a damaged one";
  const char *last = strlen (text) == length ? g_strrstr (text, "\n" STATE_CHECK) : NULL;
  g_autofree char *check =
      last ? state_check_line (text, (gsize) (last + 1 - text)) : NULL;
  if (!check || strcmp (last + 1, check) != 0)
    return state_fail (state, damaged, error);

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  VerifyCounts *counts = &state->counts;
  if (g_strv_length (lines) != 10 || strcmp (lines[0], STATE_HEAD) != 0)
    return state_fail (state, damaged, error);
  if (g_strcmp0 (state_value (lines[1], "store"), state->store) != 0)
    return state_fail (state, "of another store, or of another config string", error);
  if (!state_parse_after (lines[2], &state->after) ||
      !state_parse_number (lines[3], "verified", &counts->n_verified) ||
      !state_parse_number (lines[4], "damaged", &counts->n_damaged) ||
      !state_parse_number (lines[5], "quarantined", &counts->n_moved) ||
      !state_parse_number (lines[6], "failed", &counts->n_failed) ||
      !state_parse_number (lines[7], "bytes", &counts->n_bytes))
    return state_fail (state, damaged, error);
  return TRUE;
}

/* ---- Who has it ---- */

static gboolean
state_fail_busy (const VerifyState *state, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_BUSY,
               "%s: another cask verify is at work with it", state->file);
  return FALSE;
}

/* Whether FILE is the one that is locked; where it is gone, nobody else has it. */
static gboolean
state_is_ours (const VerifyState *state)
{
  struct stat ours, named;
  if (state->lock_fd < 0 || fstat (state->lock_fd, &ours) != 0 ||
      stat (state->file, &named) != 0)
    return TRUE;
  return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

static void
state_hold (VerifyState *state, int fd)
{
  if (state->lock_fd >= 0)
    close (state->lock_fd);
  state->lock_fd = fd;
}

/* ---- Reading ---- */

/* What is no regular file is not read: a FIFO would hang, a device has no end. */
static gboolean
state_open (VerifyState *state, GError **error)
{
  struct stat status;
  int fd = open (state->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return errno == ENOENT || state_fail (state, g_strerror (errno), error);
  state_hold (state, fd);
  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) ||
      status.st_size > STATE_MAXIMUM)
    return state_fail (state, "not a file of --resume", error);
  if (flock (fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return state_fail_busy (state, error);
  /* Replaced since it was opened: by a run that has the lock of what stands there now. */
  return state_is_ours (state) || state_fail_busy (state, error);
}

/* Returns: (transfer full) (nullable): what the file says, at most STATE_MAXIMUM */
static char *
state_read_text (const VerifyState *state, gsize *length, GError **error)
{
  g_autofree char *text = g_malloc (STATE_MAXIMUM + 1);
  *length = 0;
  while (*length < STATE_MAXIMUM)
    {
      gssize count = read (state->lock_fd, text + *length, STATE_MAXIMUM - *length);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0 && !state_fail (state, g_strerror (errno), error))
        return NULL;
      if (count == 0)
        break;
      *length += (gsize) count;
    }
  text[*length] = '\0';
  return g_steal_pointer (&text);
}

static gboolean
state_read (VerifyState *state, GError **error)
{
  if (!state_open (state, error))
    return FALSE;
  if (state->lock_fd < 0)
    return TRUE;
  gsize length;
  g_autofree char *text = state_read_text (state, &length, error);
  return text && state_parse (state, text, length, error);
}

/* ---- What the command calls ---- */

/* Goes on from what file says, or begins where there is none. It is written at once: a
 * place where that does not work is better known now than after hours. */
VerifyState *
verify_state_new (const char *file, CaskStore *store, GError **error)
{
  g_autoptr (VerifyState) state = g_new0 (VerifyState, 1);
  state->lock_fd = -1;
  state->file = g_strdup (file);
  state->store = state_name_store (store);
  if (!state_read (state, error) || !verify_state_save (state, error))
    return NULL;
  return g_steal_pointer (&state);
}

static gboolean
state_replace (VerifyState *state, GError **error)
{
  if (!state_is_ours (state))
    return state_fail_busy (state, error);
  g_autofree char *text = state_write (state);
  g_autoptr (Save) save = save_new (state->file, error);
  if (!save || !save_write (save, text, strlen (text), error))
    return FALSE;
  int fd = save_lock (save);
  if (!save_finish (save, error))
    {
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  state_hold (state, fd);
  return TRUE;
}

gboolean
verify_state_save (VerifyState *state, GError **error)
{
  state->saved_usec = g_get_monotonic_time ();
  state->is_changed = FALSE;
  state->has_failed = !state_replace (state, error);
  return !state->has_failed;
}

gboolean
verify_state_is_due (const VerifyState *state)
{
  return state->is_changed &&
         g_get_monotonic_time () - state->saved_usec >= STATE_EVERY_USEC;
}

/* The pass is over: the next run begins a new one. */
gboolean
verify_state_remove (VerifyState *state, GError **error)
{
  if (!state_is_ours (state))
    return state_fail_busy (state, error);
  if (unlink (state->file) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", state->file,
               g_strerror (errno));
  return FALSE;
}

void
verify_state_free (VerifyState *state)
{
  state_hold (state, -1);
  g_free (state->file);
  g_free (state->store);
  g_free (state);
}
