/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-world.c: makes a small store, and looks whether all that must be true of it is. */
#include "fs-world.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

gboolean
fs_world_wrong (FsWorld *world, const char *what)
{
  if (world->wrong == NULL)
    world->wrong = what;
  return FALSE;
}

gsize
fs_world_n_blobs (const FsWorld *world)
{
  return strlen (world->operation->before);
}

guint
fs_world_state_of (const FsWorld *world, GBytes *bytes)
{
  for (guint i = 0; i < 2; i++)
    if (g_bytes_equal (bytes, world->copies[i]))
      return i == 0 ? FS_OLD : FS_NEW;
  return 0;
}

gboolean
fs_world_went_well (FsWorld *world, gboolean done, GError *error)
{
  g_autoptr (GError) owned = error;
  if (done != (owned == NULL))
    fs_world_wrong (world, "a result and an error, or neither");
  if (done)
    return TRUE;
  world->n_failures++;
  if (owned == NULL)
    return FALSE;
  if (owned->domain != CASK_ERROR || owned->code > CASK_ERROR_PLUGIN_ABI ||
      owned->message[0] == '\0')
    fs_world_wrong (world, "an error that no slot may give");
  if (g_error_matches (owned, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    fs_world_wrong (world, "a failure became absence");
  gboolean is_corrupt = g_error_matches (owned, CASK_ERROR, CASK_ERROR_CORRUPT);
  if (is_corrupt && !world->may_be_corrupt && fs_point_hit ().code != ELOOP)
    fs_world_wrong (world, "a failure became corruption");
  if (is_corrupt) /* a damaged state is removed, with its upload */
    world->truth->saved = MIN (world->truth->saved, FS_SAVED_PERHAPS);
  return FALSE;
}

/* ---- Before ---- */

gboolean
fs_world_open (FsWorld *world)
{
  GError *error = NULL;
  world->store = fs_store_open (world->root, &world->spec, &error);
  return fs_world_went_well (world, world->store != NULL, error);
}

/* In memory where that is possible: a hundred thousand fsyncs of a disk take their time.
 */
static char *
fs_world_scratch (void)
{
  char *path = g_strdup ("/dev/shm/cask-fs-XXXXXX");
  if (g_mkdtemp (path) != NULL)
    return path;
  g_free (path);
  return fs_scratch_new ();
}

static void
fs_world_init (FsWorld *world, const FsOperation *operation, const FsSpec *spec)
{
  gsize size = operation->size != 0 ? operation->size : 10;
  guint8 *bytes = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) (i % 251);
  *world = (FsWorld){ .operation = operation, .spec = *spec };
  world->spec.freshen_usec = operation->spec.freshen_usec;
  world->spec.encoding = operation->spec.encoding;
  world->spec.is_mapped = operation->spec.is_mapped;
  world->spec.max_upload_bytes = operation->spec.max_upload_bytes;
  world->root = fs_world_scratch ();
  if (size > 8 * 1024 * 1024)
    fs_fault_set_ext4 (TRUE); /* where what is written is written back early */
  world->copies[0] = g_bytes_new_static ("old", 3);
  world->copies[1] = g_bytes_new_take (bytes, size);
  /* Three in one shard, two in another, one of the other algorithm. All shards before
   * those are empty, and left out of lists: 254 failed opens a list take their time. */
  world->before = fs_digest (1, 0xfd, 0);
  for (guint i = 0; i < FS_WORLD_BLOBS; i++)
    world->digests[i] = fs_digest (i < 5 ? 1 : 2, i < 3 ? 0xfe : 0xff, i);
}

static void
fs_world_stage_blob (FsWorld *world, guint i)
{
  char before = world->operation->before[i];
  gboolean created;
  world->truth->may[i] = before == '.' ? FS_ABSENT : before == 'o' ? FS_OLD : FS_NEW;
  if (before != '.' &&
      !world->store->ops->put (world->store->backend, &world->digests[i],
                               world->copies[before == 'n'], 0, &created, NULL, NULL))
    fs_world_wrong (world, "set-up: put");
}

gboolean
fs_world_begin (FsWorld *world, const FsOperation *operation, const FsSpec *spec,
                FsTruth *truth)
{
  static FsTruth own;
  fs_world_init (world, operation, spec);
  world->truth = truth != NULL ? truth : &own;
  *world->truth = (FsTruth){ .saved = FS_SAVED_NOT };
  if (!fs_world_open (world))
    return fs_world_wrong (world, "set-up: open");
  for (guint i = 0; i < fs_world_n_blobs (world); i++)
    fs_world_stage_blob (world, i);
  if (operation->stage != NULL)
    operation->stage (world);
  g_clear_pointer (&world->store, fs_store_close);
  return world->wrong == NULL && world->n_failures == 0;
}

/* ---- After: the truth ---- */

static void
fs_world_check_blob (FsWorld *world, guint i)
{
  FsStore *store = world->store;
  CaskBlobInfo info = { 0 }, seen = { 0 };
  GError *error = NULL;
  g_autoptr (GBytes) bytes = store->ops->get (store->backend, &world->digests[i], 0,
                                              CASK_TO_END, 0, &info, NULL, &error);
  guint state = FS_ABSENT;
  if (bytes != NULL)
    state = fs_world_state_of (world, bytes);
  else if (!g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND))
    state = 0;
  g_clear_error (&error);
  if (state == 0)
    fs_world_wrong (world, "a blob is broken after");
  else if (!(state & world->truth->may[i]))
    fs_world_wrong (world, state == FS_ABSENT ? "acknowledged, or there before, and lost"
                                              : "acknowledged, and not what there is");
  gboolean is_there =
      store->ops->stat (store->backend, &world->digests[i], 0, &seen, NULL, NULL);
  if (is_there != (state != FS_ABSENT) ||
      (is_there && seen.size != g_bytes_get_size (bytes)))
    fs_world_wrong (world, "stat and get differ after");
  world->truth->may[i] = (guint8) state;
}

static void
fs_world_check_list (FsWorld *world)
{
  CaskBlobInfo infos[FS_WORLD_BLOBS + 2];
  guint32 n_infos = G_N_ELEMENTS (infos);
  gboolean more;
  guint there = 0;
  if (!world->store->ops->list (world->store->backend, &world->before, 0, infos, &n_infos,
                                &more, NULL, NULL))
    {
      fs_world_wrong (world, "no list after");
      return;
    }
  for (guint i = 0; i < fs_world_n_blobs (world); i++)
    there += world->truth->may[i] != FS_ABSENT;
  if (n_infos != there || more)
    fs_world_wrong (world, "the list after has more, or less");
}

static gboolean
fs_world_note_id (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  (void) offset;
  (void) mtime_usec;
  g_ptr_array_add (data, g_strdup (id));
  return TRUE;
}

/* Resumes what was saved, and has it removed. */
static void
fs_world_check_upload (FsWorld *world, const char *id)
{
  FsStore *store = world->store;
  guint64 offset = 0;
  gsize count = 0;
  g_autoptr (GBytes) state = NULL;
  CaskBackendUpload *upload =
      store->ops->upload_resume (store->backend, id, &state, &offset, NULL, NULL);
  if (upload == NULL)
    {
      fs_world_wrong (world, "a saved upload can not be resumed");
      return;
    }
  const FsTruth *truth = world->truth;
  if (offset != truth->tried &&
      (truth->saved != FS_SAVED_SURELY || offset != truth->acknowledged))
    fs_world_wrong (world, "an upload resumes elsewhere");
  gsize size;
  const guint8 *bytes = g_bytes_get_data (world->copies[1], &size);
  g_autofree guint8 *buffer = g_malloc (size);
  if (offset > 0 &&
      (!store->ops->upload_read (store->backend, upload, 0, buffer, (gsize) offset,
                                 &count, NULL, NULL) ||
       count != MIN (offset, 1024 * 1024) || memcmp (buffer, bytes, count) != 0))
    fs_world_wrong (world, "an upload comes back with other bytes");
  store->ops->upload_close (store->backend, upload, FALSE);
}

static void
fs_world_check_uploads (FsWorld *world, gboolean is_exact)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  FsStore *store = world->store;
  if (!store->ops->upload_list (store->backend, fs_world_note_id, ids, NULL, NULL))
    fs_world_wrong (world, "no list of uploads after");
  if (world->truth->saved == FS_SAVED_SURELY &&
      (ids->len != 1 || g_strcmp0 (ids->pdata[0], world->truth->id) != 0))
    fs_world_wrong (world, "a saved upload is lost");
  if (ids->len > 1 ||
      (ids->len > 0 && (world->truth->saved == FS_SAVED_NOT ||
                        (is_exact && world->truth->saved == FS_SAVED_PERHAPS))))
    fs_world_wrong (world, "an upload is left that should not be");
  for (guint i = 0; i < ids->len; i++)
    fs_world_check_upload (world, ids->pdata[i]);
}

/* ---- After: whether it can be worked with ---- */

/* Whatever is there is healed, and then removed. */
static void
fs_world_use_blob (FsWorld *world, const CaskDigest *digest)
{
  FsStore *store = world->store;
  g_autofree char *text = NULL;
  CaskRemoved outcome = CASK_REMOVED_KEPT;
  int put = fs_store_put_flags (store, digest, "healed", CASK_PUT_REPLACE);
  if (put != FS_CREATED && put != FS_HIT)
    fs_world_wrong (world, "no put after");
  else if (fs_store_get (store, digest, &text) != FS_OK || strcmp (text, "healed") != 0)
    fs_world_wrong (world, "a put after does not heal");
  else if (fs_store_remove (store, digest, CASK_ALWAYS, &outcome) != FS_OK ||
           outcome != CASK_REMOVED_DONE ||
           fs_store_get (store, digest, NULL) != CASK_ERROR_NOT_FOUND)
    fs_world_wrong (world, "no removal after");
}

void
fs_world_check (FsWorld *world, gboolean is_exact)
{
  if (world->store == NULL && !fs_world_open (world))
    {
      fs_world_wrong (world, "can not be opened after");
      return;
    }
  if (is_exact && world->n_failures > 0)
    fs_world_wrong (world, "fails without a fault");
  for (guint i = 0; i < fs_world_n_blobs (world); i++)
    fs_world_check_blob (world, i);
  fs_world_check_list (world);
  fs_world_check_uploads (world, is_exact);
  for (guint i = 0; i < MAX (fs_world_n_blobs (world), 1); i++)
    fs_world_use_blob (world, &world->digests[i]);
}

/* ---- After: what is left ---- */

static guint fs_world_left;

static int
fs_world_count_left (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  const char *parent = ftw->level > 1 ? strstr (path, "/.tmp/") : NULL;
  if (parent == NULL && ftw->level > 1)
    parent = strstr (path, "/.uploads/");
  if (strstr (path, "/.quarantine") != NULL)
    return 0; /* kept on purpose */
  if (parent != NULL ||
      (type != FTW_D && S_ISREG (st->st_mode) && !g_str_has_suffix (path, "-encoding")))
    fs_world_left++;
  return 0;
}

void
fs_world_end (FsWorld *world)
{
  g_clear_pointer (&world->store, fs_store_close);
  /* Uploads that nobody can resume are swept when they are an hour old. */
  fs_clock_advance (2 * 3600);
  if (fs_world_open (world))
    fs_world_use_blob (world, &world->digests[0]);
  g_clear_pointer (&world->store, fs_store_close);
  fs_clock_set (NULL);
  fs_world_left = 0;
  nftw (world->root, fs_world_count_left, 16, FTW_PHYS);
  if (fs_world_left != 0)
    fs_world_wrong (world, "residue");
  fs_scratch_free (g_steal_pointer (&world->root));
  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&world->copies[i], g_bytes_unref);
}
