/* SPDX-License-Identifier: Apache-2.0
 *
 * test-fs-swap.c: F5: somebody swaps the directories of a store for symbolic links that
 * lead outside, again and again, while the store is used. Whatever an operation answers,
 * nothing outside is read, made or removed. CASK_TEST_LONG makes it a million tries. */
#include "test-support.h"

#include <cask/cask.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO_SHARD "2c"
#define HELLO_REST "f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

typedef struct
{
  char *directory; /* within the store */
  char *link;      /* beside it, to the same name outside */
  gint stop;       /* atomic */
  guint n_swaps;
} Swapper;

static gpointer
swap_on (gpointer data)
{
  Swapper *swapper = data;

  while (!g_atomic_int_get (&swapper->stop))
    if (renameat2 (AT_FDCWD, swapper->directory, AT_FDCWD, swapper->link,
                   RENAME_EXCHANGE) == 0)
      swapper->n_swaps++;
  return NULL;
}

/* One of each operation; whether it succeeds depends on where the swapper is. */
static void
use_once (CaskStore *store, const CaskDigest *digest, GBytes *bytes, guint *n_good)
{
  gboolean created;
  CaskBlobInfo info;

  *n_good += cask_store_put (store, digest, bytes, CASK_PUT_NONE, &created, NULL, NULL);
  g_autoptr (GBytes) back = cask_store_get (store, digest, NULL, NULL);
  /* With verify=never nothing but the path keeps what lies outside from being returned.
   */
  if (back != NULL && !g_bytes_equal (back, bytes))
    CU_FAIL ("bytes from outside were returned");
  if (cask_store_stat (store, digest, &info, NULL, NULL) && info.size != 5)
    CU_FAIL ("something outside was looked at");
  cask_store_touch (store, digest, NULL, NULL);
  cask_store_delete (store, digest, NULL, NULL, NULL);
}

/* Swaps `within` (below the root) for a link to outside/`there` while a blob comes and
 * goes. */
static void
swap_race (const char *within, const char *there)
{
  g_autofree char *base = g_strdup (test_directory ());
  g_autofree char *root = g_build_filename (base, "root", NULL);
  g_autofree char *outside = g_build_filename (base, "outside", NULL);
  g_autofree char *shard = g_build_filename (outside, HELLO_SHARD, NULL);
  g_autofree char *bait = g_build_filename (shard, HELLO_REST, NULL);
  g_autofree char *target = g_build_filename (outside, there, NULL);
  g_autofree char *escaped = cask_config_escape (root);
  g_autofree char *config =
      g_strdup_printf ("fs:%s?durability=none&verify=never", escaped);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  g_autoptr (GError) error = NULL;
  struct stat before, after;
  CaskDigest digest;
  guint n_good = 0;
  Swapper swapper = { .directory = g_build_filename (root, within, NULL),
                      .link = g_build_filename (root, "link", NULL) };

  g_autoptr (CaskStore) store = cask_store_open (config, NULL, &error);
  TEST_NO_ERROR (error);
  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (
      cask_store_put (store, &digest, bytes, CASK_PUT_NONE, NULL, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (g_mkdir_with_parents (shard, 0777), 0);
  CU_ASSERT_TRUE (g_file_set_contents (bait, "a secret outside", -1, NULL));
  CU_ASSERT_EQUAL (symlink (target, swapper.link), 0);
  CU_ASSERT_EQUAL (stat (bait, &before), 0);

  GThread *thread = g_thread_new ("swapper", swap_on, &swapper);
  guint tries = g_getenv ("CASK_TEST_LONG") != NULL ? 1000000 : 20000;
  for (guint i = 0; i < tries; i++)
    use_once (store, &digest, bytes, &n_good);
  g_atomic_int_set (&swapper.stop, 1);
  g_thread_join (thread);

  printf (" %u swaps, %u of %u puts succeeded; ", swapper.n_swaps, n_good, tries);
  CU_ASSERT_TRUE (swapper.n_swaps > 0 && n_good > 0 && n_good < tries);
  CU_ASSERT_EQUAL (stat (bait, &after), 0);
  CU_ASSERT_TRUE (before.st_ino == after.st_ino && before.st_size == after.st_size &&
                  before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
                  before.st_mtim.tv_nsec == after.st_mtim.tv_nsec && after.st_nlink == 1);
  g_free (swapper.directory);
  g_free (swapper.link);
}

static void
test_swap_shard (void)
{
  swap_race ("sha256/" HELLO_SHARD, HELLO_SHARD);
}

static void
test_swap_algorithm (void)
{
  swap_race ("sha256", ".");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "F5 a shard that is swapped for a link leads nowhere", test_swap_shard },
    { "F5 an algorithm's directory that is swapped for a link leads nowhere",
      test_swap_algorithm },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = { { "fs: swaps", NULL, NULL, NULL, NULL, tests },
                            CU_SUITE_INFO_NULL };

  return test_main (argc, argv, suites);
}
