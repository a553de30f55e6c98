/* SPDX-License-Identifier: Apache-2.0
 *
 * lmdb-record.c: keys and records, and looking one up.
 *
 * A record is three little-endian words of 64 bits: the modification time, the size, the
 * version. LMDB promises no alignment of what it finds, and the file may have been
 * written by anybody: nothing is believed before its length is right. */
#include "lmdb-private.h"

void
lmdb_key_set (LmdbKey *key, const CaskDigest *digest)
{
  gsize length = cask_digest_length (digest);
  key->data[0] = digest->algorithm;
  memcpy (key->data + 1, digest->bytes, length);
  key->val = (MDB_val){ .mv_size = length + 1, .mv_data = key->data };
}

gboolean
lmdb_key_parse (const MDB_val *val, CaskDigest *digest)
{
  const guint8 *data = val->mv_data;
  if (val->mv_size == 0 ||
      (data[0] != CASK_ALGORITHM_SHA256 && data[0] != CASK_ALGORITHM_SHA512))
    return FALSE;
  *digest = (CaskDigest){ .algorithm = data[0] };
  if (val->mv_size != cask_digest_length (digest) + 1)
    return FALSE;
  memcpy (digest->bytes, data + 1, val->mv_size - 1);
  return TRUE;
}

gboolean
lmdb_record_parse (const MDB_val *val, LmdbRecord *record)
{
  guint64 words[3];
  if (val->mv_size != LMDB_RECORD_SIZE)
    return FALSE;
  memcpy (words, val->mv_data, sizeof words);
  record->mtime_usec = (gint64) GUINT64_FROM_LE (words[0]);
  record->size = GUINT64_FROM_LE (words[1]);
  record->version = GUINT64_FROM_LE (words[2]);
  return record->size <= LMDB_BLOB_MAXIMUM;
}

int
lmdb_record_put (MDB_txn *txn, const LmdbPlace *place, LmdbKey *key,
                 const LmdbRecord *record)
{
  guint64 words[3] = { GUINT64_TO_LE ((guint64) record->mtime_usec),
                       GUINT64_TO_LE (record->size), GUINT64_TO_LE (record->version) };
  MDB_val val = { .mv_size = sizeof words, .mv_data = words };
  return mdb_put (txn, place->meta, &key->val, &val, 0);
}

/* lmdb_record_look: what is kept under a key; DAMAGED where its two halves do not fit,
 * which a blob put anew mends. */
LmdbLook
lmdb_record_look (MDB_txn *txn, const LmdbPlace *place, LmdbKey *key, LmdbRecord *record,
                  MDB_val *bytes, int *code)
{
  MDB_val meta, value;
  int meta_code = mdb_get (txn, place->meta, &key->val, &meta);
  int bytes_code = mdb_get (txn, place->bytes, &key->val, &value);
  if (meta_code == MDB_NOTFOUND && bytes_code == MDB_NOTFOUND)
    return LMDB_LOOK_ABSENT;
  *code = meta_code != 0 && meta_code != MDB_NOTFOUND ? meta_code : bytes_code;
  if (*code != 0 && *code != MDB_NOTFOUND)
    return LMDB_LOOK_FAILED;
  *code = 0;
  if (meta_code != 0 || bytes_code != 0 || !lmdb_record_parse (&meta, record) ||
      record->size != value.mv_size)
    return LMDB_LOOK_DAMAGED;
  if (bytes != NULL)
    *bytes = value;
  return LMDB_LOOK_FOUND;
}

void
lmdb_record_info (const LmdbRecord *record, const CaskDigest *digest, CaskBlobInfo *info)
{
  *info = (CaskBlobInfo){ .digest = *digest,
                          .size = record->size,
                          .mtime_usec = record->mtime_usec,
                          .version = record->version };
}
