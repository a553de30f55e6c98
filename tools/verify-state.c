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
 * Invariants: FILE is replaced as a whole; what is not such a file, to the last bit, or
 * speaks of another store, is refused, and stays: to begin anew for it would pass over
 * damage that was counted, and to go on would pass over blobs that were never read. */

#include "verify.h"
#include "save.h"

#include <errno.h>
#include <string.h>
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

/* What is no regular file is not opened: a FIFO would hang, a device has no end. */
static gboolean
state_read (VerifyState *state, GError **error)
{
  struct stat status;
  if (stat (state->file, &status) != 0)
    return errno == ENOENT || state_fail (state, g_strerror (errno), error);
  if (!S_ISREG (status.st_mode) || status.st_size > STATE_MAXIMUM)
    return state_fail (state, "not a file of --resume", error);
  g_autofree char *text = NULL;
  gsize length;
  g_autoptr (GError) failure = NULL;
  if (!g_file_get_contents (state->file, &text, &length, &failure))
    return state_fail (state, failure->message, error);
  return state_parse (state, text, length, error);
}

/* Goes on from what file says, or begins where there is none. It is written at once: a
 * place where that does not work is better known now than after hours. */
VerifyState *
verify_state_new (const char *file, CaskStore *store, GError **error)
{
  g_autoptr (VerifyState) state = g_new0 (VerifyState, 1);
  state->file = g_strdup (file);
  state->store = state_name_store (store);
  if (!state_read (state, error) || !verify_state_save (state, error))
    return NULL;
  return g_steal_pointer (&state);
}

gboolean
verify_state_save (VerifyState *state, GError **error)
{
  g_autofree char *text = state_write (state);
  g_autoptr (Save) save = save_new (state->file, error);
  state->saved_usec = g_get_monotonic_time ();
  state->is_changed = FALSE;
  state->has_failed = !save || !save_write (save, text, strlen (text), error) ||
                      !save_finish (save, error);
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
  if (unlink (state->file) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", state->file,
               g_strerror (errno));
  return FALSE;
}

void
verify_state_free (VerifyState *state)
{
  g_free (state->file);
  g_free (state->store);
  g_free (state);
}
