/* SPDX-License-Identifier: Apache-2.0
 *
 * environment.c: on what was measured, so that another run can be set beside it. */
#include "report.h"

#include <git2.h>
#include <lmdb.h>
#include <nettle/version.h>
#include <ostree.h>
#include <sqlite3.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define ENVIRONMENT_XFS 0x58465342
#define ENVIRONMENT_ZFS 0x2fc12fc1

static char *
environment_processor (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return g_strdup ("unknown");
  const char *line = strstr (text, "model name");
  const char *colon = line ? strchr (line, ':') : NULL;
  const char *end = colon ? strchr (colon, '\n') : NULL;
  return end ? g_strstrip (g_strndup (colon + 1, (gsize) (end - colon - 1)))
             : g_strdup ("unknown");
}

static const char *
environment_filesystem (const char *directory)
{
  static const struct
  {
    guint32 type;
    const char *name;
  } known[] = { { EXT4_SUPER_MAGIC, "ext4" },
                { ENVIRONMENT_XFS, "xfs" },
                { BTRFS_SUPER_MAGIC, "btrfs" },
                { TMPFS_MAGIC, "tmpfs" },
                { OVERLAYFS_SUPER_MAGIC, "overlayfs" },
                { F2FS_SUPER_MAGIC, "f2fs" },
                { NFS_SUPER_MAGIC, "nfs" },
                { ENVIRONMENT_ZFS, "zfs" } };
  struct statfs about;
  if (statfs (directory, &about) != 0)
    return "unknown";
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if ((guint32) about.f_type == known[i].type)
      return known[i].name;
  return "another";
}

static void
environment_versions (GString *markdown)
{
  int major, minor, revision;
  git_libgit2_version (&major, &minor, &revision);
  g_string_append_printf (markdown, "| libraries | GLib %u.%u.%u, Nettle %d.%d, ",
                          glib_major_version, glib_minor_version, glib_micro_version,
                          nettle_version_major (), nettle_version_minor ());
  g_string_append_printf (markdown, "libgit2 %d.%d.%d, ostree %d.%d, LMDB %d.%d.%d, ",
                          major, minor, revision, OSTREE_YEAR_VERSION,
                          OSTREE_RELEASE_VERSION, MDB_VERSION_MAJOR, MDB_VERSION_MINOR,
                          MDB_VERSION_PATCH);
  g_string_append_printf (markdown, "SQLite %s |\n", sqlite3_libversion ());
}

void
report_environment (const BenchRun *run, GString *markdown)
{
  g_autofree char *processor = environment_processor ();
  gint64 seconds = (g_get_monotonic_time () - run->began_usec) / G_USEC_PER_SEC;
  struct utsname kernel;
  struct sysinfo memory;
  uname (&kernel);
  /* What follows is of this machine's own build. */
  kernel.release[strcspn (kernel.release, "-+")] = '\0';
  sysinfo (&memory);
  guint64 mib = (guint64) memory.totalram * memory.mem_unit >> 20;
  g_string_append_printf (markdown,
                          "| | |\n|---|---|\n"
                          "| processor | %s, %u that can be used |\n"
                          "| memory | %.1f GiB |\n"
                          "| kernel | %s %s |\n"
                          "| filesystem | %s |\n"
                          "| compiler | %s |\n",
                          processor, g_get_num_processors (), (double) mib / 1024,
                          kernel.sysname, kernel.release,
                          environment_filesystem (run->directory),
#ifdef __clang__
                          __VERSION__
#else
                          "gcc " __VERSION__
#endif
  );
  environment_versions (markdown);
  g_string_append_printf (markdown, "| run | %u rounds%s, %d min %02d s |\n",
                          run->n_rounds, run->is_quick ? ", quick: smaller sets" : "",
                          (int) (seconds / 60), (int) (seconds % 60));
}
