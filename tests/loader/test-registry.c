/* SPDX-License-Identifier: Apache-2.0
 *
 * test-registry.c: what a name means (L1, L18 to L20, L22, L44), and what a plugin says
 * of itself. */
#include "zoo-fixture.h"

#include "fork-private.h"

#include <cask/cask-plugins.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
copy_here (const char *name, const char *directory)
{
  g_free (zoo_copy (name, directory));
}

static void
test_names (void)
{
  g_autofree char *endless = g_strnfill (300, 'a');
  const char *const bad[] = { "",         "../minimal", "a/b", "Minimal", "..",
                              "mini mal", "-a",         "a-",  endless };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      CU_ASSERT_PTR_NULL (cask_plugin_find (bad[i], &error));
      CU_ASSERT_TRUE (error != NULL && strlen (error->message) < 200);
      TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND, "not a plugin's name");
      CU_ASSERT_PTR_NULL (cask_plugin_find (bad[i], NULL));
    }
}

static void
test_missing (void)
{
  const char *directory = test_directory ();
  g_autoptr (GError) error = NULL;

  g_setenv ("CASK_PLUGIN_PATH", directory, TRUE);
  copy_here ("minimal", directory);
  CU_ASSERT_PTR_NULL (cask_plugin_find ("minmal", &error));
  CU_ASSERT_TRUE (error != NULL && strstr (error->message, directory) != NULL);
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND,
              "minmal: no such plugin; did you mean 'minimal'? (searched: ");
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
}

static void
test_path (void)
{
  const char *directory = test_directory ();
  g_autofree char *base = g_path_get_basename (directory);
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *relative = g_strdup_printf ("%s::./%s:", base, base);
  g_autofree char *absolute = g_strdup_printf ("::/nowhere/at/all:%s", directory);
  g_autofree char *path = zoo_copy ("counting", directory);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_EQUAL (chdir (g_get_tmp_dir ()), 0);
  g_setenv ("CASK_PLUGIN_PATH", relative, TRUE);
  CU_ASSERT_PTR_NULL (cask_plugin_find ("counting", &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND, "no such plugin");
  CU_ASSERT_EQUAL (chdir (directory), 0);
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  CU_ASSERT_PTR_NULL (cask_plugin_find ("counting", NULL));
  CU_ASSERT_EQUAL (chdir (here), 0);

  g_setenv ("CASK_PLUGIN_PATH", absolute, TRUE);
  const CaskLoadedPlugin *found = cask_plugin_find ("counting", &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (found != NULL && g_str_equal (found->path, path));

  /* A name that was resolved keeps its meaning. */
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  CU_ASSERT_PTR_EQUAL (cask_plugin_find ("counting", NULL), found);
}

/* What the copy of this program says that has the set-user-ID bit: 'y' where it found the
 * plugin, 'n' where not, '?' where the bit had no effect. */
static void
secure_probe (const char *name)
{
  if (getauxval (AT_SECURE) == 0)
    puts ("?");
  else
    puts (cask_plugin_find (name, NULL) != NULL ? "y" : "n");
  fflush (stdout);
  /* Not exit(): a leak checker cannot look into a set-user-ID process. */
  _exit (0);
}

static void
test_secure (void)
{
  const char *directory = test_directory ();
  g_auto (ZooFile) self = { NULL, 0 };
  g_autofree char *said = NULL;

  if (geteuid () != 0 ||
      !g_file_get_contents ("/proc/self/exe", &self.bytes, &self.size, NULL))
    {
      printf (" (skipped: needs root) ");
      return;
    }
  copy_here ("minimal", directory);
  g_autofree char *program = zoo_file_write (&self, directory, "probe");
  CU_ASSERT_EQUAL (chmod (directory, 0755), 0);
  CU_ASSERT_EQUAL (chown (program, 65534, 65534), 0);
  CU_ASSERT_EQUAL (chmod (program, 04755), 0);
  g_setenv ("CASK_PLUGIN_PATH", directory, TRUE);
  g_autofree char *command = g_strdup_printf ("%s --secure-probe minimal", program);
  CU_ASSERT_TRUE (g_spawn_command_line_sync (command, &said, NULL, NULL, NULL));
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  if (said != NULL && said[0] == '?')
    printf (" (skipped: set-user-ID has no effect here) ");
  else
    CU_ASSERT_TRUE (said != NULL && said[0] == 'n');
}

static void
test_first_hit (void)
{
  const char *first = test_directory (), *second = test_directory ();
  g_autofree char *bad = g_build_filename (first, "cask-list-unsorted.so", NULL);
  g_autofree char *dangling = g_build_filename (first, "cask-get-wrong.so", NULL);
  copy_here ("list-unsorted", second);
  copy_here ("get-wrong", second);
  g_autofree char *path = g_strdup_printf ("%s:%s", first, second);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (g_file_set_contents (bad, "not a plugin", -1, NULL));
  CU_ASSERT_EQUAL (symlink ("nowhere", dangling), 0);
  g_setenv ("CASK_PLUGIN_PATH", path, TRUE);
  CU_ASSERT_PTR_NULL (cask_plugin_find ("list-unsorted", &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "not an ELF file");
  CU_ASSERT_PTR_NULL (cask_plugin_find ("get-wrong", &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "No such file");

  /* Once it is gone, the next is found: failures are not remembered. */
  CU_ASSERT_EQUAL (unlink (bad), 0);
  CU_ASSERT_PTR_NOT_NULL (cask_plugin_find ("list-unsorted", &error));
  TEST_NO_ERROR (error);
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
}

static void
test_added (void)
{
  const char *first = test_directory (), *second = test_directory ();
  const char *last = test_directory ();
  g_autofree char *one = zoo_copy ("get-short", first);
  copy_here ("get-short", second);
  copy_here ("get-short", last);

  g_setenv ("CASK_PLUGIN_PATH", last, TRUE);
  cask_add_plugin_dir (first);
  cask_add_plugin_dir (second);
  const CaskLoadedPlugin *found = cask_plugin_find ("get-short", NULL);
  CU_ASSERT_TRUE (found != NULL && g_str_equal (found->path, one));
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
}

static gint crowd_asking;

static gpointer
crowd_find (gpointer name)
{
  g_atomic_int_inc (&crowd_asking);
  return (gpointer) cask_plugin_find (name, NULL);
}

static void
test_crowd (void)
{
  const char *directory = test_directory ();
  g_autofree char *gate = g_build_filename (directory, "gate", NULL);
  copy_here ("get-long", directory);
  GThread *threads[64];

  CU_ASSERT_EQUAL (mkfifo (gate, 0600), 0);
  g_setenv ("ZOO_GATE", gate, TRUE);
  g_setenv ("CASK_PLUGIN_PATH", directory, TRUE);
  threads[0] = g_thread_new ("crowd", crowd_find, (gpointer) "get-long");
  /* Opens once the plugin's constructor has begun, which ends when this is closed. */
  int fd = open (gate, O_WRONLY | O_CLOEXEC);
  for (guint i = 1; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("crowd", crowd_find, (gpointer) "get-long");
  while (g_atomic_int_get (&crowd_asking) < (gint) G_N_ELEMENTS (threads))
    g_thread_yield ();
  close (fd);
  gconstpointer first = g_thread_join (threads[0]);
  CU_ASSERT_PTR_NOT_NULL (first);
  for (guint i = 1; i < G_N_ELEMENTS (threads); i++)
    CU_ASSERT_PTR_EQUAL (g_thread_join (threads[i]), first);
  CU_ASSERT_EQUAL (zoo_runs ("get-long"), 1);
  g_unsetenv ("ZOO_GATE");
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
}

static void
test_register (void)
{
  const CaskLoadedPlugin *counting = cask_plugin_find ("counting", NULL);
  g_autoptr (GError) error = NULL;
  static CaskPlugin plugin;

  if (counting == NULL)
    {
      CU_FAIL ("no plugin to register");
      return;
    }
  plugin = counting->descriptor;
  CU_ASSERT_FALSE (cask_register_plugin (&plugin, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "in use already");
  plugin.name = "linked";
  CU_ASSERT_TRUE (cask_register_plugin (&plugin, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_FALSE (cask_register_plugin (&plugin, NULL));
  const CaskLoadedPlugin *found = cask_plugin_find ("linked", NULL);
  CU_ASSERT_TRUE (found != NULL && found->path == NULL);

  CaskPlugin broken = plugin;
  broken.kind = 9;
  CU_ASSERT_FALSE (cask_register_plugin (&broken, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "its kind 9");
}

static void
test_list (void)
{
  const char *directory = test_directory ();
  g_autofree char *text = g_build_filename (directory, "cask-broken.so", NULL);
  g_autofree char *other = g_build_filename (directory, "cask-Other.so", NULL);
  g_autofree char *empty = g_build_filename (directory, "cask-.so", NULL);
  const char *const *names;

  CU_ASSERT_TRUE (g_file_set_contents (text, "text", -1, NULL));
  CU_ASSERT_TRUE (g_file_set_contents (other, "text", -1, NULL));
  CU_ASSERT_TRUE (g_file_set_contents (empty, "text", -1, NULL));
  g_autofree char *no_suffix = g_build_filename (directory, "cask-half.la", NULL);
  g_autofree char *no_prefix = g_build_filename (directory, "mask-half.so", NULL);
  CU_ASSERT_TRUE (g_file_set_contents (no_suffix, "text", -1, NULL));
  CU_ASSERT_TRUE (g_file_set_contents (no_prefix, "text", -1, NULL));
  const char *second = test_directory ();
  g_autofree char *hidden = g_build_filename (second, "cask-broken.so", NULL);
  g_autofree char *path = g_strdup_printf ("%s:%s:%s", directory, second, directory);

  CU_ASSERT_TRUE (g_file_set_contents (hidden, "text", -1, NULL));
  g_setenv ("CASK_PLUGIN_PATH", path, TRUE);
  g_auto (GStrv) list = cask_list_plugins ();
  g_auto (GStrv) files = cask_list_plugin_files ();
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  /* Behind what was added, once each, in the order of the search. */
  guint n = g_strv_length (files);
  CU_ASSERT_TRUE (n >= 3);
  const char *const none[] = { empty, no_suffix, no_prefix };
  for (gsize i = 0; i < G_N_ELEMENTS (none); i++)
    CU_ASSERT_FALSE (g_strv_contains ((const char *const *) files, none[i]));
  if (n >= 3)
    {
      CU_ASSERT_STRING_EQUAL (files[n - 3], other);
      CU_ASSERT_STRING_EQUAL (files[n - 2], text);
      CU_ASSERT_STRING_EQUAL (files[n - 1], hidden);
    }
  names = (const char *const *) list;
  CU_ASSERT_TRUE (g_strv_contains (names, "broken"));
  CU_ASSERT_TRUE (g_strv_contains (names, "linked"));
  CU_ASSERT_FALSE (g_strv_contains (names, "Other"));
  CU_ASSERT_FALSE (g_strv_contains (names, "half"));
  CU_ASSERT_FALSE (g_strv_contains (names, ""));
  for (guint i = 1; list[0] != NULL && list[i] != NULL; i++)
    CU_ASSERT_TRUE (strcmp (list[i - 1], list[i]) < 0);
}

static void
test_info (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("open-null", directory);
  g_autoptr (GError) error = NULL;

  g_setenv ("CASK_PLUGIN_PATH", directory, TRUE);
  g_autoptr (CaskPluginInfo) info = cask_plugin_info_new ("open-null", &error);
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  TEST_NO_ERROR (error);
  if (info == NULL)
    return;
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_name (info), "open-null");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_path (info), path);
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_homepage (info), "");
  CU_ASSERT_EQUAL (cask_plugin_info_get_kind (info), CASK_PLUGIN_BACKEND);
  CU_ASSERT_EQUAL (cask_plugin_info_get_n_options (info), 1);
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_name (info, 0), "room");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_help (info, 0), "");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_type (info, 0), "size");
  CU_ASSERT_STRING_EQUAL (cask_plugin_info_get_option_fallback (info, 0), "1MiB");
  CU_ASSERT_FALSE (cask_plugin_info_is_option_required (info, 0));
  CU_ASSERT_PTR_NULL (cask_plugin_info_new ("no-such-thing", NULL));
}

typedef struct
{
  const char *name;
  gint stop;
} ForkFinder;

static gpointer
fork_find (gpointer data)
{
  ForkFinder *finder = data;

  while (!g_atomic_int_get (&finder->stop))
    cask_plugin_find (finder->name, NULL);
  return NULL;
}

/* The address sanitizer's own allocator may be left locked in the child of a fork, so
 * under it the child only looks up what needs no memory. */
static gboolean
fork_child_may_allocate (void)
{
  return dlsym (RTLD_DEFAULT, "__asan_init") == NULL;
}

static int
fork_once (void)
{
  int status = -1;
  gboolean search = fork_child_may_allocate ();
  pid_t child = fork ();

  if (child != 0)
    return waitpid (child, &status, 0) == child ? status : -1;
  alarm (10);
  gboolean right = cask_plugin_find ("counting", NULL) != NULL;
  if (search)
    right = right && cask_plugin_find ("never-there", NULL) == NULL;
  _exit (right ? 0 : 1);
}

/* One thread mostly holds the lock, the other is mostly in the middle of a search. The
 * child's locks are made anew before its fork returns. */
static void
test_fork (void)
{
  ForkFinder finders[] = { { "counting", 0 }, { "never-there", 0 } };
  GThread *threads[G_N_ELEMENTS (finders)];
  gboolean right = TRUE;

  cask_fork_watch ();
  for (guint i = 0; i < G_N_ELEMENTS (finders); i++)
    threads[i] = g_thread_new ("finder", fork_find, &finders[i]);
  for (guint i = 0; i < 200 && right; i++)
    right = fork_once () == 0;
  CU_ASSERT_TRUE (right);
  for (guint i = 0; i < G_N_ELEMENTS (finders); i++)
    {
      g_atomic_int_set (&finders[i].stop, 1);
      g_thread_join (threads[i]);
    }
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L20 a name that is none never becomes a path", test_names },
    { "L1 a missing plugin is not found, and one like it suggested", test_missing },
    { "L19 relative and empty path entries are ignored", test_path },
    { "L18 a set-user-ID program ignores CASK_PLUGIN_PATH", test_secure },
    { "L22 a bad first hit does not fall through", test_first_hit },
    { "added directories come first, in the order they were added", test_added },
    { "L44 64 threads load one plugin at once, and once", test_crowd },
    { "a registered plugin needs no file, and its name is taken", test_register },
    { "the list has every name and opens nothing", test_list },
    { "an info says what the plugin says", test_info },
    { "a fork beside a search leaves a child that finds", test_fork },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "registry", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };

  if (argc == 3 && g_str_equal (argv[1], "--secure-probe"))
    secure_probe (argv[2]);
  g_setenv ("CASK_PLUGIN_PATH", "", TRUE);
  return test_main (argc, argv, suites);
}
