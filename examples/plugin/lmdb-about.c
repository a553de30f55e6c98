/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-about.c: what an environment says of itself, in its database `about`.
 *
 *   format      the number of this layout
 *   encoding    the layers whose encoding the blobs have; empty where they are plain
 *   durability  the one that whoever has it open uses
 *   version     the number of the last copy that was stored
 *
 * Encoded bytes do not hash to their digests, so an environment that was made behind such
 * a layer opens behind the same ones only. And a power cut during a commit that was not
 * flushed can damage pages of blobs that others had flushed: while anybody has an
 * environment open, all must use one durability. Each holds a shared lock on the
 * directory; to change the record takes the exclusive one.
 *
 * Failure modes: the record of a change is durable before anybody relies on it, whichever
 * durability it names. */
#include "lmdb-private.h"

#include <errno.h>
#include <sys/file.h>

#define ABOUT_FORMAT "1"

static const char *const about_durabilities[] = { "none", "data", "full" };

static int
about_get (MDB_txn *txn, const LmdbPlace *place, const char *name, MDB_val *val)
{
  MDB_val key = { .mv_size = strlen (name), .mv_data = (void *) name };
  return mdb_get (txn, place->about, &key, val);
}

static int
about_put (MDB_txn *txn, const LmdbPlace *place, const char *name, const void *data,
           gsize size)
{
  MDB_val key = { .mv_size = strlen (name), .mv_data = (void *) name };
  MDB_val val = { .mv_size = size, .mv_data = (void *) data };
  return mdb_put (txn, place->about, &key, &val, 0);
}

static gboolean
about_equals (const MDB_val *val, const char *text)
{
  return val->mv_size == strlen (text) &&
         (val->mv_size == 0 || memcmp (val->mv_data, text, val->mv_size) == 0);
}

/* ---- The counter of copies ---- */

int
lmdb_about_get_version (MDB_txn *txn, const LmdbPlace *place, guint64 *version)
{
  MDB_val val;
  guint64 word;
  int code = about_get (txn, place, "version", &val);
  if (code != 0 && code != MDB_NOTFOUND)
    return code;
  if (code == 0 && val.mv_size != sizeof word)
    return MDB_CORRUPTED;
  *version = 0;
  if (code == MDB_NOTFOUND)
    return 0;
  memcpy (&word, val.mv_data, sizeof word);
  *version = GUINT64_FROM_LE (word);
  return 0;
}

int
lmdb_about_set_version (MDB_txn *txn, const LmdbPlace *place, guint64 version)
{
  guint64 word = GUINT64_TO_LE (version);
  return about_put (txn, place, "version", &word, sizeof word);
}

/* ---- Opening ---- */

/* Makes the databases, in an environment where nothing is yet; what is not ours is left
 * as it is. Returns: 0; MDB_INCOMPATIBLE where it is somebody else's; another code */
static int
about_make (MDB_txn *txn, LmdbPlace *place)
{
  MDB_dbi root;
  MDB_stat st;
  int code = mdb_dbi_open (txn, NULL, 0, &root);
  if (code == 0)
    code = mdb_stat (txn, root, &st);
  if (code == 0 && st.ms_entries > 0)
    return MDB_INCOMPATIBLE;
  if (code == 0)
    code = mdb_dbi_open (txn, "about", MDB_CREATE, &place->about);
  if (code == 0)
    code = mdb_dbi_open (txn, "meta", MDB_CREATE, &place->meta);
  if (code == 0)
    code = mdb_dbi_open (txn, "bytes", MDB_CREATE, &place->bytes);
  const char *encoding = place->encoding != NULL ? place->encoding : "";
  const char *durability = about_durabilities[place->settings.durability];
  if (code == 0)
    code = about_put (txn, place, "encoding", encoding, strlen (encoding));
  if (code == 0)
    code = about_put (txn, place, "durability", durability, strlen (durability));
  if (code == 0)
    code = about_put (txn, place, "format", ABOUT_FORMAT, strlen (ABOUT_FORMAT));
  return code;
}

static int
about_open_databases (MDB_txn *txn, LmdbPlace *place)
{
  int code = mdb_dbi_open (txn, "about", 0, &place->about);
  if (code == MDB_NOTFOUND)
    return place->may_make && !place->is_read_only ? about_make (txn, place)
                                                   : MDB_INCOMPATIBLE;
  if (code == 0)
    code = mdb_dbi_open (txn, "meta", 0, &place->meta);
  if (code == 0)
    code = mdb_dbi_open (txn, "bytes", 0, &place->bytes);
  return code == MDB_NOTFOUND ? MDB_INCOMPATIBLE : code;
}

/* Whether the blobs are what the layers above take them for. */
static gboolean
about_check (MDB_txn *txn, const LmdbPlace *place, GError **error)
{
  MDB_val format, encoding;
  int code = about_get (txn, place, "format", &format);
  if (code == 0)
    code = about_get (txn, place, "encoding", &encoding);
  if (code == MDB_NOTFOUND)
    return lmdb_fail_damaged ("does not say what it is", error);
  if (code != 0)
    return lmdb_fail (code, "environment", error);
  if (!about_equals (&format, ABOUT_FORMAT))
    {
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED,
                           "environment: its format is not one that this version knows");
      return FALSE;
    }
  if (about_equals (&encoding, place->encoding != NULL ? place->encoding : ""))
    return TRUE;
  if (!g_utf8_validate (encoding.mv_data, (gssize) encoding.mv_size, NULL))
    return lmdb_fail_damaged ("its record of an encoding is no text", error);
  g_autofree char *recorded = g_strndup (encoding.mv_data, encoding.mv_size);
  if (*recorded == '\0')
    g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                 "environment: its blobs are not encoded: not to be opened behind '%s'",
                 place->encoding);
  else if (place->encoding == NULL)
    g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                 "environment: its blobs are encoded by '%s': open it behind that",
                 recorded);
  else
    g_set_error (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                 "environment: its blobs are encoded by '%s', not by '%s'", recorded,
                 place->encoding);
  return FALSE;
}

/* ---- One durability for all who have it open ---- */

/* Returns: 0; MDB_NOTFOUND where the record names another; another code */
static int
about_compare_durability (MDB_txn *txn, const LmdbPlace *place)
{
  MDB_val val;
  int code = about_get (txn, place, "durability", &val);
  if (code != 0)
    return code;
  const char *own = about_durabilities[place->settings.durability];
  return about_equals (&val, own) ? 0 : MDB_NOTFOUND;
}

/* With the exclusive lock held, so nobody else has it open. What was written under the
 * other durability is flushed first. */
static int
about_record_durability (LmdbPlace *place)
{
  MDB_txn *txn;
  const char *own = about_durabilities[place->settings.durability];
  int code = mdb_env_sync (place->env, 1);
  if (code == 0)
    code = lmdb_open_begin (place, 0, &txn);
  if (code != 0)
    return code;
  code = about_put (txn, place, "durability", own, strlen (own));
  if (code == 0)
    code = mdb_txn_commit (txn);
  else
    mdb_txn_abort (txn);
  return code == 0 ? mdb_env_sync (place->env, 1) : code;
}

static gboolean
about_fail_durability (const LmdbPlace *place, GError **error)
{
  g_set_error (error, CASK_ERROR, CASK_ERROR_BUSY,
               "durability: another process has this open with one that is not '%s'",
               about_durabilities[place->settings.durability]);
  return FALSE;
}

/* A lock that is converted is let go of in between: what is recorded is looked at again
 * under the shared one. */
static gboolean
about_take_over (LmdbPlace *place, GError **error)
{
  if (flock (place->directory, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? about_fail_durability (place, error)
                                : lmdb_fail (errno, "flock", error);
  int code = about_record_durability (place);
  if (code == 0 && flock (place->directory, LOCK_SH) != 0)
    code = errno;
  MDB_txn *txn;
  if (code == 0)
    code = lmdb_open_begin (place, MDB_RDONLY, &txn);
  if (code != 0)
    return lmdb_fail (code, "durability", error);
  code = about_compare_durability (txn, place);
  mdb_txn_abort (txn);
  return code == 0 || about_fail_durability (place, error);
}

/* lmdb_about_open: opens the databases, or makes them, and checks that the environment is
 * what the store expects. */
gboolean
lmdb_about_open (LmdbPlace *place, GError **error)
{
  MDB_txn *txn;
  int code = lmdb_open_begin (place, place->is_read_only ? MDB_RDONLY : 0, &txn);
  if (code != 0)
    return lmdb_fail (code, "begin", error);
  code = about_open_databases (txn, place);
  if (code == MDB_INCOMPATIBLE)
    {
      mdb_txn_abort (txn);
      g_set_error_literal (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG,
                           "environment: holds no blobs of Cask's");
      return FALSE;
    }
  if (code != 0 || !about_check (txn, place, error))
    {
      mdb_txn_abort (txn);
      return code == 0 ? FALSE : lmdb_fail (code, "environment", error);
    }
  int durability = about_compare_durability (txn, place);
  code = mdb_txn_commit (txn);
  if (code == 0 && durability != MDB_NOTFOUND)
    code = durability;
  if (code != 0)
    return lmdb_fail (code, "environment", error);
  return durability == 0 || place->is_read_only || about_take_over (place, error);
}
