/* SPDX-License-Identifier: Apache-2.0
 *
 * model-damage.c: a stored file that is not what it was, and what becomes of it.
 *
 * The damaged file comes in by a rename: whoever reads the old one reads on, and the
 * store sees another version, so that it hashes it whatever its policy is. The operation
 * ends with a blob that is healed, or gone: no other has to know of damage. */
#include "model.h"

enum
{
  DAMAGE_HEAL,
  DAMAGE_MOVE_AND_PUT,
  DAMAGE_MOVE,
  DAMAGE_DELETE
};

static void
damage_file (Model *model, const CaskDigest *digest)
{
  g_autofree char *text = cask_digest_to_string (digest);
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  g_autofree char *shard = g_strndup (parts[1], 2);
  g_autofree char *path =
      strstr (model->config, "layout=oci") != NULL
          ? g_build_filename (model->root, "blobs", parts[0], parts[1], NULL)
          : g_build_filename (model->root, parts[0], shard, parts[1] + 2, NULL);
  g_autofree char *bytes = NULL;
  gsize size = 0;

  FUZZ_CHECK (g_file_get_contents (path, &bytes, &size, NULL));
  bytes[size / 2] ^= 1;
  FUZZ_CHECK (g_file_set_contents (path, bytes, (gssize) size, NULL));
}

static void
damage_expect_get (Model *model, const CaskDigest *digest, int due)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) came = cask_store_get (model->store, digest, NULL, &error);

  model_expect (model, came != NULL, error, due);
  if (came != NULL)
    model_expect_bytes (model, came, model_stored (model, digest));
}

/* Found by get and by verify; it is there all the same. */
static void
damage_look (Model *model, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  gboolean present = FALSE;

  damage_expect_get (model, digest, CASK_ERROR_CORRUPT);
  gboolean done = cask_store_verify (model->store, digest, NULL, &error);
  model_expect (model, done, error, CASK_ERROR_CORRUPT);
  done = cask_store_contains (model->store, digest, &present, NULL, &failure);
  model_expect (model, done, failure, MODEL_SUCCESS);
  model_expect_number (model, "present", (guint64) present, TRUE);
}

static void
damage_put (Model *model, const CaskDigest *digest, CaskPutFlags flags, gboolean is_new)
{
  g_autoptr (GError) error = NULL;
  gboolean created = FALSE;
  GBytes *bytes = model_stored (model, digest);

  gboolean done =
      cask_store_put (model->store, digest, bytes, flags, &created, NULL, &error);
  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "created", (guint64) created, (guint64) is_new);
  damage_expect_get (model, digest, MODEL_SUCCESS);
}

static void
damage_quarantine (Model *model, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  gboolean moved = FALSE;
  gboolean done = cask_store_quarantine (model->store, digest, &moved, NULL, &error);

  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "moved", (guint64) moved, TRUE);
  damage_expect_get (model, digest, CASK_ERROR_NOT_FOUND);
}

static void
damage_delete (Model *model, const CaskDigest *digest)
{
  g_autoptr (GError) error = NULL;
  gboolean existed = FALSE;
  gboolean done = cask_store_delete (model->store, digest, &existed, NULL, &error);

  model_expect (model, done, error, MODEL_SUCCESS);
  model_expect_number (model, "existed", (guint64) existed, TRUE);
}

void
model_damage (Model *model)
{
  const CaskDigest *digest = &model->digests[model_draw (model, MODEL_NAMES)];
  guint how = model_draw (model, 8);
  gboolean looks = how >= 4;
  GBytes *stored = model_stored (model, digest);
  if (!model->is_persistent || stored == NULL || g_bytes_get_size (stored) == 0)
    return;

  damage_file (model, digest);
  if (looks)
    damage_look (model, digest);
  switch (how % 4)
    {
    case DAMAGE_HEAL: /* what was not found before is found on request */
      damage_put (model, digest, looks ? CASK_PUT_NONE : CASK_PUT_VERIFY_EXISTING, FALSE);
      return;
    case DAMAGE_MOVE_AND_PUT:
      damage_quarantine (model, digest);
      damage_put (model, digest, CASK_PUT_NONE, TRUE);
      return;
    case DAMAGE_MOVE:
      damage_quarantine (model, digest);
      break;
    default:
      damage_delete (model, digest);
    }
  model_forget (model, digest);
}
