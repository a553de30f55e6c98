/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-large.c: C11: a blob whose size and offsets do not fit into 32 bits.
 *
 * Its bytes come from a stream that makes them up. No two pieces of it are the same, so
 * an offset that has lost its upper bits reads other bytes. */
#include "conform-stream.h"
#include "conform-upload.h"

#define LARGE_PIECE ((gsize) 1 << 20)
#define LARGE_EDGE ((guint64) 1 << 32)
#define LARGE_SIZE (LARGE_EDGE + 4097)
/* What the blob and its copy in a spool may take. */
#define LARGE_ROOM (LARGE_SIZE * 2 + ((guint64) 1 << 30))

/* ---- The stream ---- */

typedef struct
{
  GInputStream parent;
  GBytes *pattern;
  guint64 offset;
} LargeSource;

typedef GInputStreamClass LargeSourceClass;

static GType large_source_get_type (void);
G_DEFINE_TYPE (LargeSource, large_source, G_TYPE_INPUT_STREAM)

/* The bytes from `offset` on, up to the end of the piece at most: the pattern, begun with
 * the number of the piece. Returns: how many */
static gsize
large_fill (GBytes *pattern, guint64 offset, guint8 *buffer, gsize count)
{
  guint64 number = offset / LARGE_PIECE;
  gsize at = (gsize) (offset % LARGE_PIECE);
  const guint8 *data = g_bytes_get_data (pattern, NULL);

  count = MIN (count, LARGE_PIECE - at);
  count = (gsize) MIN (count, LARGE_SIZE - offset);
  if (count == 0)
    return 0;
  memcpy (buffer, data + at, count);
  if (at < sizeof number)
    memcpy (buffer, (const guint8 *) &number + at, MIN (count, sizeof number - at));
  return count;
}

static gssize
large_source_read (GInputStream *stream, void *buffer, gsize count,
                   GCancellable *cancellable, GError **error)
{
  LargeSource *source = (LargeSource *) stream;
  (void) cancellable;
  (void) error;

  gsize n = large_fill (source->pattern, source->offset, buffer, count);
  source->offset += n;
  return (gssize) n;
}

static void
large_source_finalize (GObject *object)
{
  g_bytes_unref (((LargeSource *) object)->pattern);
  G_OBJECT_CLASS (large_source_parent_class)->finalize (object);
}

static void
large_source_class_init (LargeSourceClass *class)
{
  G_OBJECT_CLASS (class)->finalize = large_source_finalize;
  class->read_fn = large_source_read;
}

static void
large_source_init (LargeSource *source)
{
  source->pattern = conform_bytes (1100, LARGE_PIECE);
}

/* ---- The blob ---- */

static gboolean
large_is_possible (Conform *c)
{
  g_autoptr (GFile) place = NULL;
  g_autoptr (GFileInfo) info = NULL;

  if (!conform_is_long ())
    {
      conform_skip ("a blob over 4 GiB takes minutes: only a long run has them");
      return FALSE;
    }
  g_auto (Victim) victim = conform_put_victim (c, 1101, 1000);
  if (!conform_is_in_file (c, &victim))
    {
      conform_skip ("it may keep its blobs in memory");
      return FALSE;
    }
  place = g_file_new_for_path (c->directory != NULL ? c->directory : g_get_tmp_dir ());
  info =
      g_file_query_filesystem_info (place, G_FILE_ATTRIBUTE_FILESYSTEM_FREE, NULL, NULL);
  if (info == NULL || g_file_info_get_attribute_uint64 (
                          info, G_FILE_ATTRIBUTE_FILESYSTEM_FREE) >= LARGE_ROOM)
    return TRUE;
  conform_skip ("there is no room for a blob over 4 GiB");
  return FALSE;
}

static gboolean
large_put (Conform *c, GBytes *pattern, CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  CaskHasher *hasher = cask_hasher_new (CASK_ALGORITHM_SHA256);
  g_autofree guint8 *piece = g_malloc (LARGE_PIECE);
  g_autoptr (GInputStream) source = g_object_new (large_source_get_type (), NULL);
  CaskDigest due;
  gboolean created = FALSE;

  for (guint64 at = 0; at < LARGE_SIZE;)
    {
      gsize n = large_fill (pattern, at, piece, LARGE_PIECE);
      cask_hasher_update (hasher, piece, n);
      at += n;
    }
  cask_hasher_finish (hasher, &due);
  gboolean done = upload_calls (c)->put_stream (c->store, NULL, CASK_ALGORITHM_SHA256,
                                                source, LARGE_SIZE, CASK_PUT_NONE, digest,
                                                &created, NULL, &error);
  return CONFORM_OK (done, error) && CONFORM_TRUE (created) &&
         CONFORM_TRUE (cask_digest_equal (digest, &due));
}

static void
large_expect_stream (Conform *c, GBytes *pattern, const CaskDigest *digest)
{
  g_autoptr (CaskInputStream) stream = stream_open_well (c, digest);
  g_autofree guint8 *came = g_malloc (LARGE_PIECE);
  g_autofree guint8 *due = g_malloc (LARGE_PIECE);
  guint64 at = 0;
  gboolean is_right = stream != NULL;

  while (is_right)
    {
      g_autoptr (GError) error = NULL;
      gsize n = large_fill (pattern, at, due, LARGE_PIECE), got = 0;
      gssize read = 1;
      while (got < n && read > 0)
        {
          read = stream_read (c, stream, came + got, n - got, NULL, &error);
          got += read > 0 ? (gsize) read : 0;
        }
      is_right = CONFORM_OK (read >= 0, error) && CONFORM_EQUAL (got, n) &&
                 CONFORM_TRUE (memcmp (came, due, n) == 0);
      at += got;
      if (n == 0)
        break;
    }
  CONFORM_EQUAL (at, LARGE_SIZE);
  /* Nothing is left. */
  CONFORM_TRUE (stream == NULL || stream_read (c, stream, came, 1, NULL, NULL) == 0);
}

static void
large_expect_range (Conform *c, GBytes *pattern, const CaskDigest *digest, guint64 offset,
                    gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *due = g_malloc (length);
  gsize have = 0;

  while (have < length)
    have += large_fill (pattern, offset + have, due + have, length - have);
  g_autoptr (GBytes) expected = g_bytes_new_take (g_steal_pointer (&due), length);
  g_autoptr (GBytes) came =
      c->calls->get_range (c->store, digest, offset, length, NULL, &error);
  CONFORM_OK (came != NULL && g_bytes_equal (came, expected), error);
}

static void
test_large (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL || !large_is_possible (c))
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) pattern = conform_bytes (1100, LARGE_PIECE);
  CaskDigest digest = { 0 };
  CaskBlobInfo info = { 0 };
  if (!large_put (c, pattern, &digest))
    return;
  CONFORM_OK (c->calls->stat (c->store, &digest, &info, NULL, &error), error);
  CONFORM_EQUAL (info.size, LARGE_SIZE);
  large_expect_range (c, pattern, &digest, LARGE_EDGE - 3000, 6000);
  large_expect_range (c, pattern, &digest, LARGE_EDGE, 4097);
  large_expect_range (c, pattern, &digest, LARGE_SIZE - 1, 1);
  large_expect_stream (c, pattern, &digest);
  CONFORM_OK (c->calls->remove (c->store, &digest, NULL, NULL, &error), error);
}

const ConformCase conform_large_tests[] = {
  { "C11 a blob over 4 GiB is stored, stated and read, whole and across the edge",
    test_large },
  CONFORM_CASES_END
};
