/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-place.c: every operation of the fs backend, to be tried in hostile places. */
#include "fs-place.h"

#include "fs-upload-test.h"

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_NOBODY 65534

static const char *const place_names[PLACE_N] = {
  "get",          "read",          "stat",          "contains-many",
  "try",          "get missing",   "list",          "list uploads",
  "resume",       "usage",         "touch",         "hit",
  "hits of many", "put",           "put many",      "put in new shard",
  "replace",      "upload",        "commit",        "save",
  "remove",       "remove unused", "remove absent", "remove many",
  "flush",        "quarantine"
};

const char *
fs_place_name (PlaceOp op)
{
  return place_names[op];
}

/* Shared with the children. */
static guint *
place_counter (void)
{
  static guint *counter;
  if (counter == NULL)
    counter = mmap (NULL, sizeof (guint), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return counter;
}

guint
fs_place_count (void)
{
  return *place_counter ();
}

void
fs_place_count_one (void)
{
  g_atomic_int_inc ((gint *) place_counter ());
}

CaskDigest
fs_place_digest (guint number)
{
  return fs_digest (1, number == PLACE_BLOB_NEW_SHARD ? PLACE_SHARD + 1 : PLACE_SHARD,
                    number);
}

FsStore *
fs_place_open (const char *root, GError **error)
{
  FsSpec spec = { .durability = FS_FULL };
  return fs_store_open (root, &spec, error);
}

/* ---- Operations that take more than a line ---- */

static int
place_right (gboolean is_right, int code)
{
  if (is_right)
    return FS_OK;
  return code < 0 ? PLACE_WRONG : code;
}

static int
place_read (FsStore *store, const CaskDigest *digest)
{
  GError *error = NULL;
  CaskBlobInfo info;
  char buffer[8];
  CaskBackendBlob *blob =
      store->ops->blob_open (store->backend, digest, 0, &info, NULL, &error);
  if (blob == NULL)
    return fs_code (error);
  gssize got = store->ops->blob_read (store->backend, blob, 0, buffer, sizeof buffer,
                                      NULL, &error);
  store->ops->blob_close (store->backend, blob);
  return got < 0 ? fs_code (error)
                 : place_right (got == 4 && memcmp (buffer, "here", 4) == 0, FS_OK);
}

typedef gboolean (*PlaceMany) (FsStore *store, CaskItem *item, GError **error);

static gboolean
place_contains (FsStore *store, CaskItem *item, GError **error)
{
  return store->ops->contains_many (store->backend, item, 1, 0, NULL, error);
}

static gboolean
place_put (FsStore *store, CaskItem *item, GError **error)
{
  return store->ops->put_many (store->backend, item, 1, 0, NULL, error);
}

static gboolean
place_remove (FsStore *store, CaskItem *item, GError **error)
{
  return store->ops->remove_many (store->backend, item, 1, CASK_ALWAYS, NULL, error);
}

static int
place_many (FsStore *store, PlaceMany call, guint number, guint outcome)
{
  CaskDigest digest = fs_place_digest (number);
  CaskBlobInfo info;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("here", 4);
  CaskItem item = { .digest = &digest, .bytes = bytes, .info = &info, .outcome = 99 };
  if (!call (store, &item, &error))
    return fs_code (error);
  return item.error != NULL ? fs_code (item.error)
                            : place_right (item.outcome == outcome, FS_OK);
}

static int
place_commit (FsStore *store)
{
  CaskDigest digest = fs_place_digest (PLACE_BLOB_COMMITTED);
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  int code = fs_upload_text (upload, "here");
  if (code != FS_OK)
    return code;
  code = fs_upload_done (upload, &digest, 0);
  return place_right (code == FS_CREATED, code);
}

static int
place_upload (FsStore *store, gboolean is_saved)
{
  g_autoptr (FsUpload) upload = fs_upload_start (store);
  int code = fs_upload_text (upload, "part");
  return code == FS_OK && is_saved ? fs_upload_keep_code (upload, "state") : code;
}

static int
place_resume (FsStore *store, const char *id)
{
  FsUpload *upload = fs_upload_again (store, id);
  int code = upload->code;
  if (code == FS_OK && g_strcmp0 (upload->state, "state") != 0)
    code = PLACE_WRONG;
  fs_upload_finish (upload, TRUE);
  return code;
}

static gboolean
place_uploads_one (const char *id, guint64 offset, gint64 mtime_usec, gpointer data)
{
  (void) id;
  (void) mtime_usec;
  *(guint *) data += offset == 4;
  return TRUE;
}

static int
place_uploads (FsStore *store, guint *n_found)
{
  guint count = 0;
  GError *error = NULL;
  gboolean done =
      store->ops->upload_list (store->backend, place_uploads_one, &count, NULL, &error);
  if (n_found != NULL)
    *n_found = count;
  return done ? FS_OK : fs_code (error);
}

/* The first call waits until the copy is old enough to be told from another. */
static int
place_condemn (FsStore *store)
{
  CaskDigest digest = fs_place_digest (PLACE_BLOB_CONDEMNED);
  CaskBlobInfo info = { .version = 0 };
  GError *error = NULL;
  gboolean again = FALSE;
  for (guint i = 0; i < 2; i++)
    {
      if (!store->ops->condemn (store->backend, &digest, info.version,
                                CASK_CONDEMN_QUARANTINE, &again, NULL, &error))
        return fs_code (error);
      if (i == 0 && fs_store_stat (store, &digest, &info) != FS_OK)
        return PLACE_WRONG;
    }
  return place_right (
      !again && fs_store_get (store, &digest, NULL) == CASK_ERROR_NOT_FOUND, FS_OK);
}

static int
place_remove_one (FsStore *store, guint number, gint64 since, CaskRemoved right)
{
  CaskDigest digest = fs_place_digest (number);
  CaskRemoved outcome = (CaskRemoved) 99;
  int code = fs_store_remove (store, &digest, since, &outcome);
  return code == FS_OK ? place_right (outcome == right, code) : code;
}

static int
place_list (FsStore *store, guint *n_found)
{
  guint32 count = 100;
  gboolean more = TRUE;
  int code = fs_store_list (store, &count, &more);
  if (n_found != NULL)
    *n_found = count;
  return code == FS_OK ? place_right (!more, code) : code;
}

static int
place_call (FsStore *store, gboolean (*call) (CaskBackend *, GCancellable *, GError **))
{
  GError *error = NULL;
  return call (store->backend, NULL, &error) ? FS_OK : fs_code (error);
}

static int
place_usage (FsStore *store)
{
  GError *error = NULL;
  CaskUsage usage = { 0 };
  return store->ops->usage (store->backend, &usage, NULL, &error) ? FS_OK
                                                                  : fs_code (error);
}

/* ---- The table ---- */

static int
place_do_read (FsStore *store, PlaceOp op, const char *id, guint *n_found)
{
  CaskDigest used = fs_place_digest (PLACE_BLOB_USED),
             absent = fs_place_digest (PLACE_BLOB_ABSENT);
  CaskBlobInfo info = { .size = 4 };
  g_autofree char *text = NULL;
  int code;
  switch (op)
    {
    case PLACE_GET:
      code = fs_store_get (store, &used, &text);
      return place_right (code == FS_OK && strcmp (text, "here") == 0, code);
    case PLACE_READ:
      return place_read (store, &used);
    case PLACE_STAT:
      code = fs_store_stat (store, &used, &info);
      return place_right (code == FS_OK && info.size == 4, code);
    case PLACE_CONTAINS:
      return place_many (store, place_contains, PLACE_BLOB_USED, TRUE);
    case PLACE_TRY:
      code = (int) store->ops->try_stat (store->backend, &used, &info);
      return place_right (code != CASK_TRY_ABSENT && info.size == 4, FS_OK);
    case PLACE_MISS:
      code = fs_store_get (store, &absent, NULL);
      return place_right (code == CASK_ERROR_NOT_FOUND, code);
    case PLACE_LIST:
      return place_list (store, n_found);
    case PLACE_UPLOADS:
      return place_uploads (store, n_found);
    case PLACE_RESUME:
      return place_resume (store, id);
    default:
      return place_usage (store);
    }
}

static int
place_do_put (FsStore *store, PlaceOp op)
{
  CaskDigest used = fs_place_digest (PLACE_BLOB_USED),
             fresh = fs_place_digest (op == PLACE_NEW_SHARD ? PLACE_BLOB_NEW_SHARD
                                                            : PLACE_BLOB_NEW),
             replaced = fs_place_digest (PLACE_BLOB_REPLACED);
  int code;
  switch (op)
    {
    case PLACE_TOUCH:
      return fs_store_touch (store, &used, NULL);
    case PLACE_HIT:
      code = fs_store_put (store, &used, "here");
      return place_right (code == FS_HIT, code);
    case PLACE_HIT_MANY:
      return place_many (store, place_put, PLACE_BLOB_USED, FALSE);
    case PLACE_NEW:
    case PLACE_NEW_SHARD:
      code = fs_store_put (store, &fresh, "here");
      return place_right (code == FS_CREATED, code);
    case PLACE_NEW_MANY:
      return place_many (store, place_put, PLACE_BLOB_NEW_MANY, TRUE);
    default:
      code = fs_store_put_flags (store, &replaced, "here", CASK_PUT_REPLACE);
      return place_right (code == FS_HIT, code);
    }
}

int
fs_place_do (FsStore *store, PlaceOp op, const char *id, guint *n_found)
{
  fs_place_count_one ();
  if (op < PLACE_TOUCH)
    return place_do_read (store, op, id, n_found);
  if (op <= PLACE_REPLACE)
    return place_do_put (store, op);
  switch (op)
    {
    case PLACE_UPLOAD:
    case PLACE_SAVE:
      return place_upload (store, op == PLACE_SAVE);
    case PLACE_COMMIT:
      return place_commit (store);
    case PLACE_CONDEMN:
      return place_condemn (store);
    case PLACE_REMOVE:
      return place_remove_one (store, PLACE_BLOB_REMOVED, CASK_ALWAYS, CASK_REMOVED_DONE);
    case PLACE_REMOVE_UNUSED:
      return place_remove_one (store, PLACE_BLOB_UNUSED,
                               g_get_real_time () + 9 * G_USEC_PER_SEC,
                               CASK_REMOVED_DONE);
    case PLACE_REMOVE_ABSENT:
      return place_remove_one (store, PLACE_BLOB_ABSENT, CASK_ALWAYS,
                               CASK_REMOVED_ABSENT);
    case PLACE_REMOVE_MANY:
      return place_many (store, place_remove, PLACE_BLOB_REMOVED_MANY, CASK_REMOVED_DONE);
    default:
      return place_call (store, store->ops->flush);
    }
}

guint
fs_place_check (FsStore *store, const char *place, const char *id,
                const PlaceExpect *expect)
{
  guint n_wrong = 0, n_found = 0;
  for (guint op = 0; op < PLACE_N; op++)
    {
      int right = expect->failing & 1u << op ? expect->code : FS_OK;
      int code = fs_place_do (store, (PlaceOp) op, id, &n_found);
      if ((op == PLACE_LIST && code == FS_OK && n_found != expect->n_listed) ||
          (op == PLACE_UPLOADS && code == FS_OK && n_found != expect->n_uploads))
        code = PLACE_WRONG;
      if (code == right)
        continue;
      fprintf (stderr, "\n    %s: %s: %d, not %d", place, place_names[op], code, right);
      n_wrong++;
    }
  return n_wrong;
}

char *
fs_place_make (const char *root)
{
  FsSpec spec = { .durability = FS_NONE };
  g_autoptr (FsStore) store = fs_store_open (root, &spec, NULL);
  g_autofree char *quarantine = g_build_filename (root, ".quarantine", NULL);
  if (store == NULL)
    return NULL;
  gboolean done = mkdir (quarantine, 0700) == 0;
  for (guint i = 0; i < PLACE_N_BLOBS; i++)
    {
      CaskDigest digest = fs_place_digest (i);
      done &= fs_store_put (store, &digest, "here") == FS_CREATED;
    }
  done &= fs_place_do (store, PLACE_REPLACE, NULL, NULL) == FS_OK; /* makes .tmp */
  FsUpload *upload = fs_upload_start (store);
  done &= fs_upload_text (upload, "part") == FS_OK;
  char *id = fs_upload_keep (upload, "state");
  fs_upload_finish (upload, TRUE);
  if (done)
    return id;
  g_free (id);
  return NULL;
}

/* ---- What lies outside ---- */

static GChecksum *place_sum;

static int
place_sum_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) type;
  (void) ftw;
  g_autofree char *line =
      g_strdup_printf ("%s %lu %o %lu %ld %ld %ld\n", path, (gulong) st->st_ino,
                       st->st_mode, (gulong) st->st_nlink, (long) st->st_size,
                       (long) st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
  g_checksum_update (place_sum, (const guchar *) line, -1);
  return 0;
}

char *
fs_place_fingerprint (const char *directory)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  place_sum = sum;
  nftw (directory, place_sum_one, 16, FTW_PHYS);
  return g_strdup (g_checksum_get_string (sum));
}

/* ---- Places ---- */

gboolean
fs_place_be_nobody (void)
{
  if (geteuid () != 0)
    return TRUE;
  return setgroups (0, NULL) == 0 && setgid (PLACE_NOBODY) == 0 &&
         setuid (PLACE_NOBODY) == 0;
}

static gboolean
place_write (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean done = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text);
  if (fd >= 0)
    close (fd);
  return done;
}

gboolean
fs_place_unshare (void)
{
  uid_t uid = geteuid ();
  gid_t gid = getegid ();
  if (unshare (uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return FALSE;
  if (uid != 0)
    {
      g_autofree char *uids = g_strdup_printf ("0 %u 1", (guint) uid);
      g_autofree char *gids = g_strdup_printf ("0 %u 1", (guint) gid);
      if (!place_write ("/proc/self/setgroups", "deny") ||
          !place_write ("/proc/self/uid_map", uids) ||
          !place_write ("/proc/self/gid_map", gids))
        return FALSE;
    }
  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

gboolean
fs_place_mount_tmpfs (const char *root, const char *options)
{
  return mount ("cask-test", root, "tmpfs", 0, options) == 0;
}

gboolean
fs_place_bind_read_only (const char *root, gboolean is_read_only)
{
  unsigned long flags = MS_REMOUNT | MS_BIND | (is_read_only ? MS_RDONLY : 0);
  return mount (NULL, root, NULL, flags, NULL) == 0;
}
