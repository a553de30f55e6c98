/* SPDX-License-Identifier: Apache-2.0
 *
 * test-plugin-file.c: where a plugin may lie and whose it may be (L1, L5 to L7, L15 to
 * L17, L21, F15), and that what is loaded is what was checked. Cases that need another
 * user are run as root with the effective user changed. */
#include "zoo-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 65534
#define STRANGER 4242

static gboolean
is_root (void)
{
  if (geteuid () == 0)
    return TRUE;
  printf (" (skipped: needs root) ");
  return FALSE;
}

static void
file_loads (const char *path, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) loaded = cask_plugin_file_load (path, name, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);
}

static void
test_kinds (void)
{
  const char *directory = test_directory ();
  g_autofree char *missing = g_build_filename (directory, "cask-missing.so", NULL);
  g_autofree char *fifo = g_build_filename (directory, "cask-fifo.so", NULL);
  g_autofree char *folder = g_build_filename (directory, "cask-folder.so", NULL);
  g_autofree char *loop = g_build_filename (directory, "cask-loop.so", NULL);

  CU_ASSERT_EQUAL (mkfifo (fifo, 0600), 0);
  CU_ASSERT_EQUAL (mkdir (folder, 0700), 0);
  CU_ASSERT_EQUAL (symlink (loop, loop), 0);
  zoo_refused (missing, "missing", CASK_ERROR_PLUGIN_INVALID, "No such file");
  zoo_refused (fifo, "fifo", CASK_ERROR_PLUGIN_INVALID, "not a regular file");
  zoo_refused (folder, "folder", CASK_ERROR_PLUGIN_INVALID, "not a regular file");
  zoo_refused (loop, "loop", CASK_ERROR_PLUGIN_INVALID, "symbolic links");
}

static void
test_unreadable (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);

  if (!is_root ())
    return;
  CU_ASSERT_EQUAL (chmod (directory, 0755), 0);
  CU_ASSERT_EQUAL (chmod (path, 0600), 0);
  CU_ASSERT_EQUAL (seteuid (NOBODY), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, "open: Permission denied");
  CU_ASSERT_EQUAL (seteuid (0), 0);
}

static void
test_world_writable (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);
  g_autofree char *file_advice = g_strdup_printf ("chmod o-w %s", path);
  g_autofree char *directory_advice = g_strdup_printf ("chmod o-w %s", directory);

  CU_ASSERT_EQUAL (chmod (path, 0646), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, file_advice);
  CU_ASSERT_EQUAL (chmod (path, 0644), 0);
  CU_ASSERT_EQUAL (chmod (directory, 01777), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, directory_advice);
  CU_ASSERT_EQUAL (chmod (directory, 0700), 0);
  file_loads (path, "minimal");
}

static void
test_group_writable (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);
  gid_t stranger = STRANGER;

  CU_ASSERT_EQUAL (chmod (path, 0664), 0);
  file_loads (path, "minimal");
  if (!is_root ())
    return;
  CU_ASSERT_EQUAL (chown (directory, 0, STRANGER), 0);
  CU_ASSERT_EQUAL (chmod (directory, 0770), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
               "the group 4242, which this process is not in");
  CU_ASSERT_EQUAL (chmod (directory, 0750), 0);
  CU_ASSERT_EQUAL (chown (path, 0, STRANGER), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, "chmod g-w");

  CU_ASSERT_EQUAL (setgroups (1, &stranger), 0);
  file_loads (path, "minimal");
  CU_ASSERT_EQUAL (setgroups (0, NULL), 0);
}

typedef struct
{
  guint16 tag, may;
  guint32 who;
} AclEntry;

/* Gives path an access control list that names a user and a group beside its own.
 * Returns: FALSE where the filesystem has none. */
static gboolean
acl_set (const char *path, AclEntry user, AclEntry group)
{
  const guint32 none = G_MAXUINT32;
  struct
  {
    guint32 version;
    AclEntry entries[6];
  } list = { GUINT32_TO_LE (2),
             { { 0x01, 6, none },
               user,
               { 0x04, 4, none },
               group,
               { 0x10, 6, none },
               { 0x20, 4, none } } };

  for (gsize i = 0; i < G_N_ELEMENTS (list.entries); i++)
    {
      AclEntry *entry = &list.entries[i];
      *entry = (AclEntry){ GUINT16_TO_LE (entry->tag), GUINT16_TO_LE (entry->may),
                           GUINT32_TO_LE (entry->who) };
    }
  gboolean done = setxattr (path, "system.posix_acl_access", &list, sizeof list, 0) == 0;
  CU_ASSERT_TRUE (done || errno == ENOTSUP);
  return done;
}

/* Its own group may write, which is right, and through the list so may others. */
static void
test_access_list (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);
  const AclEntry reader = { 0x02, 4, STRANGER }, writer = { 0x02, 6, STRANGER };
  const AclEntry readers = { 0x08, 4, STRANGER }, writers = { 0x08, 6, STRANGER };
  const AclEntry ours = { 0x08, 6, getegid () }, self = { 0x02, 6, geteuid () };

  if (!acl_set (path, self, ours))
    {
      printf (" (skipped: no access control lists here) ");
      return;
    }
  file_loads (path, "minimal");
  CU_ASSERT_TRUE (acl_set (path, reader, readers));
  file_loads (path, "minimal");
  CU_ASSERT_TRUE (acl_set (path, writer, ours));
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
                      "its access control list lets others write to it: setfacl -b "
                      "%FILE%");
  CU_ASSERT_TRUE (acl_set (path, reader, writers));
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, "its access control list");
  CU_ASSERT_EQUAL (chmod (path, 0644), 0);
  file_loads (path, "minimal");

  g_autofree char *advice = g_strdup_printf (
      "the directory %s: its access control list lets others write to it: setfacl -b %s",
      directory, directory);
  CU_ASSERT_TRUE (acl_set (directory, writer, readers));
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID, advice);
}

static void
test_foreign_owner (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);

  if (!is_root ())
    return;
  CU_ASSERT_EQUAL (chown (path, STRANGER, 0), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, "it belongs to user 4242");
  CU_ASSERT_EQUAL (chown (path, 0, 0), 0);
  CU_ASSERT_EQUAL (chown (directory, STRANGER, 0), 0);
  zoo_refused (path, "minimal", CASK_ERROR_PLUGIN_INVALID, "chown root");

  /* Its owner may load it. */
  CU_ASSERT_EQUAL (chown (path, STRANGER, 0), 0);
  CU_ASSERT_EQUAL (seteuid (STRANGER), 0);
  file_loads (path, "minimal");
  CU_ASSERT_EQUAL (seteuid (0), 0);
}

static void
test_link (void)
{
  const char *directory = test_directory ();
  const char *other = test_directory ();
  g_autofree char *path = zoo_copy ("counting", directory);
  g_autofree char *link = g_build_filename (other, "cask-counting.so", NULL);
  g_autofree char *alias = g_build_filename (other, "cask-alias.so", NULL);

  CU_ASSERT_EQUAL (symlink (path, link), 0);
  CU_ASSERT_EQUAL (symlink (path, alias), 0);
  file_loads (path, "counting");
  file_loads (link, "counting");
  CU_ASSERT_EQUAL (zoo_runs ("counting"), 1);

  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) loaded = cask_plugin_file_load (alias, "alias", &error);
  CU_ASSERT_PTR_NULL (loaded);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
              "named 'counting', not 'alias'");
  CU_ASSERT_EQUAL (zoo_runs ("counting"), 1);

  /* The checks are of what a link leads to. */
  CU_ASSERT_EQUAL (chmod (directory, 0777), 0);
  g_autoptr (CaskLoadedPlugin) led = cask_plugin_file_load (link, "counting", &error);
  CU_ASSERT_PTR_NULL (led);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, directory);
}

static void
test_replaced (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("zoo-whole", directory);
  g_autofree char *aside = g_build_filename (directory, "old", NULL);

  file_loads (path, "zoo-whole");
  CU_ASSERT_EQUAL (rename (path, aside), 0);
  g_autofree char *again = zoo_copy ("zoo-whole", directory);
  zoo_refused (again, "zoo-whole", CASK_ERROR_PLUGIN_INVALID, "start the process again");
}

static void
test_uid_map (void)
{
  CU_ASSERT_TRUE (cask_uid_map_has_root ("         0          0 4294967295\n"));
  CU_ASSERT_FALSE (cask_uid_map_has_root ("         0       1000          1\n"));
  CU_ASSERT_TRUE (cask_uid_map_has_root ("0 1000 1\n1000 0 1\n"));
  CU_ASSERT_FALSE (cask_uid_map_has_root ("0 1000 1\n1 100000 65536\n"));
  CU_ASSERT_FALSE (cask_uid_map_has_root (""));
}

/* A file that seems to have no end, and nothing to find before it: searching it through
 * would take minutes. */
static void
test_endless (void)
{
  g_autofree char *path = zoo_copy ("no-table", test_directory ());
  const off_t size = (off_t) 1 << 40;
  g_autofree char *name = g_strdup ("11cask_plugin");
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  if (fd < 0 || pwrite (fd, name, strlen (name), size) < 0)
    printf (" (skipped: no such large files here) ");
  else
    zoo_refused_saying (path, "no-table", CASK_ERROR_PLUGIN_INVALID,
                        "it exports no `cask_plugin`: define it with "
                        "CASK_PLUGIN_DEFINE(), and do not hide it");
  if (fd >= 0)
    close (fd);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L1 L5 L6 only a regular file is opened, and a FIFO does not hang", test_kinds },
    { "L7 an unreadable file is refused", test_unreadable },
    { "L15 what the world may write is refused", test_world_writable },
    { "L16 what a foreign group may write is refused", test_group_writable },
    { "L15 L16 what an access control list lets others write is refused",
      test_access_list },
    { "L17 a foreign owner is refused", test_foreign_owner },
    { "L21 one file through two links loads once", test_link },
    { "a plugin that was replaced since it was loaded is refused", test_replaced },
    { "a file without an end is not searched to it", test_endless },
    { "F15 root is looked for in the user namespace's map", test_uid_map },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "plugin file", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
