/* SPDX-License-Identifier: Apache-2.0
 *
 * verify-pace.c: reads and hashes blobs at no more than so many bytes a second, or in
 * pieces because somebody watches.
 *
 * A bucket that is never larger than a quarter of a second's bytes, refilled by the
 * monotonic clock: a disk that others work on is not left alone for a minute and then
 * taken for a minute. What is taken may be more than is there, and then the next waits
 * for longer; so a large blob is taken piece by piece. */

#include "verify.h"

#define PACE_PIECE (256u << 10)
#define PACE_BURST_USEC (G_USEC_PER_SEC / 4)
#define PACE_NAP_USEC (G_USEC_PER_SEC / 20)

/* Waits until n_bytes may be read. */
gboolean
verify_pace_take (VerifyPace *pace, guint64 n_bytes, GCancellable *cancellable,
                  GError **error)
{
  if (pace->rate == 0)
    return !g_cancellable_set_error_if_cancelled (cancellable, error);
  gint64 now = g_get_monotonic_time ();
  pace->paid_usec = MAX (pace->paid_usec, now - PACE_BURST_USEC);
  for (; pace->paid_usec > now; now = g_get_monotonic_time ())
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      pace->tick (pace->data);
      g_usleep ((gulong) MIN (pace->paid_usec - now, PACE_NAP_USEC));
    }
  double cost = (double) n_bytes / (double) pace->rate * G_USEC_PER_SEC;
  pace->paid_usec += (gint64) MIN (cost, (double) G_MAXINT64 / 4);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* hasher: (nullable) */
static gboolean
pace_read (VerifyPace *pace, CaskInputStream *stream, CaskHasher *hasher,
           GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (PACE_PIECE);
  guint64 left = cask_input_stream_get_size (stream);
  while (left > 0)
    {
      gsize piece = (gsize) MIN (left, PACE_PIECE);
      if (!verify_pace_take (pace, piece, cancellable, error))
        return FALSE;
      gssize n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, piece, cancellable,
                                      error);
      if (n <= 0)
        return FALSE;
      if (hasher)
        cask_hasher_update (hasher, buffer, (gsize) n);
      left -= (guint64) n;
      pace->n_read += (guint64) n;
      pace->tick (pace->data);
    }
  return TRUE;
}

/* Whether a first reading, in pieces, found the blob whole. Otherwise it is for
 * cask_store_verify() to say what is wrong, except where reading was given up. Without a
 * limit a stream that has verified itself is enough: to hash twice would take twice as
 * long. */
static gboolean
pace_read_whole (VerifyPace *pace, CaskStore *store, const CaskDigest *digest,
                 GCancellable *cancellable, GError **error)
{
  CaskDigest actual;
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (store, digest, cancellable, error);
  if (!stream)
    return FALSE;
  if (pace->rate == 0)
    return pace_read (pace, stream, NULL, cancellable, error) &&
           cask_input_stream_is_verified (stream);
  CaskHasher *hasher = cask_hasher_new (digest->algorithm);
  gboolean read = pace_read (pace, stream, hasher, cancellable, error);
  cask_hasher_finish (hasher, &actual);
  return read && cask_digest_equal (digest, &actual);
}

/* As cask_store_verify(). */
gboolean
verify_pace_blob (VerifyPace *pace, CaskStore *store, const CaskBlobInfo *info,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean is_small = info->size != CASK_UNKNOWN && info->size <= PACE_PIECE;
  pace->n_read = 0;
  if ((pace->rate > 0 || pace->is_watched) && !is_small)
    {
      if (pace_read_whole (pace, store, &info->digest, cancellable, &failure))
        return TRUE;
    }
  else if (!verify_pace_take (pace, is_small ? info->size : 0, cancellable, error))
    return FALSE;
  return cask_store_verify (store, &info->digest, cancellable, error);
}
