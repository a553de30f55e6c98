/* SPDX-License-Identifier: Apache-2.0
 *
 * test-messages.c: what is said, word for word, of files that are no plugins, or that lie
 * where a plugin must not (L1 to L17): each names the file, what is wrong, what to do. */
#include "zoo-fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef void (*Spoil) (ZooFile *file);

typedef struct
{
  Spoil spoil;
  const char *text;
} SpoiltRow;

/* ---- Spoiling ---- */

static void
spoil_all (ZooFile *file)
{
  file->size = 0;
}

static void
spoil_end (ZooFile *file)
{
  file->size = zoo_file_segment (file, PT_LOAD)->p_filesz / 2;
}

static void
spoil_magic (ZooFile *file)
{
  memcpy (file->bytes, "#!/bin/sh\n", 10);
}

static void
spoil_class (ZooFile *file)
{
  zoo_file_header (file)->e_ident[EI_CLASS] = ELFCLASS32;
}

static void
spoil_order (ZooFile *file)
{
  zoo_file_header (file)->e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
}

static void
spoil_machine (ZooFile *file)
{
  zoo_file_header (file)->e_machine = EM_NONE;
}

static void
spoil_type (ZooFile *file)
{
  zoo_file_header (file)->e_type = ET_EXEC;
}

static void
spoil_headers (ZooFile *file)
{
  zoo_file_header (file)->e_phnum = 0;
}

static void
spoil_note_end (ZooFile *file)
{
  zoo_file_note (file)->n_descsz = G_MAXUINT32 / 2;
}

static void
spoil_note_length (ZooFile *file)
{
  zoo_file_note (file)->n_descsz = 12;
}

static void
spoil_note_minor (ZooFile *file)
{
  guint32 minor = 70000;
  memcpy ((char *) zoo_file_note (file) + 24, &minor, sizeof minor);
}

/* ---- Tests ---- */

static void
test_bytes (void)
{
  static const SpoiltRow rows[] = {
    { spoil_all, "the file is empty: copy or build it again" },
    { spoil_end, "the file is truncated: copy or build it again" },
    { spoil_magic, "not an ELF file: a plugin is a compiled shared object" },
    { spoil_class,
      "not a 64-bit shared object, as this process is: build it for this machine" },
    { spoil_order,
      "built for a machine of another byte order: build it for this machine" },
    { spoil_type, "an executable, not a shared object: link it with -shared" },
    { spoil_headers, "the ELF header is damaged: copy or build the file again" },
    { spoil_note_end, "a note is malformed: build the plugin again" },
    { spoil_note_length, "its Cask note has the wrong length: build the plugin again "
                         "with CASK_PLUGIN_DEFINE()" },
    { spoil_note_minor, "there never was a plugin ABI 1.70000: build the plugin again" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (ZooFile) file = { NULL, 0 };
      zoo_file_read (&file, "minimal");
      rows[i].spoil (&file);
      g_autofree char *path = zoo_file_write (&file, test_directory (), "minimal");
      zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID, rows[i].text);
    }
  CU_ASSERT_EQUAL (zoo_runs ("minimal"), 0);
}

static void
test_machine (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  g_autofree char *text = g_strdup_printf (
      "built for another machine (ELF machine 0, this process is %u): build it for this "
      "machine",
      zoo_file_header (&file)->e_machine);
  spoil_machine (&file);
  g_autofree char *path = zoo_file_write (&file, test_directory (), "minimal");
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID, text);
}

static void
test_kinds (void)
{
  const char *directory = test_directory ();
  g_autofree char *fifo = g_build_filename (directory, "cask-fifo.so", NULL);
  g_autofree char *folder = g_build_filename (directory, "cask-folder.so", NULL);
  g_autofree char *dangling = g_build_filename (directory, "cask-dangling.so", NULL);
  const char *text = "not a regular file: a plugin is a compiled shared object";

  CU_ASSERT_EQUAL (mkfifo (fifo, 0600), 0);
  CU_ASSERT_EQUAL (mkdir (folder, 0700), 0);
  CU_ASSERT_EQUAL (symlink ("nowhere", dangling), 0);
  zoo_refused_saying (fifo, "fifo", CASK_ERROR_PLUGIN_INVALID, text);
  zoo_refused_saying (folder, "folder", CASK_ERROR_PLUGIN_INVALID, text);
  zoo_refused_saying (dangling, "dangling", CASK_ERROR_PLUGIN_INVALID,
                      "No such file or directory: install it, or correct the link");
}

static void
test_modes (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);
  g_autofree char *wide = g_strdup_printf (
      "the directory %s: anybody may write to it: chmod o-w %s", directory, directory);

  CU_ASSERT_EQUAL (chmod (path, 0646), 0);
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
                      "anybody may write to it: chmod o-w %FILE%");
  CU_ASSERT_EQUAL (chmod (path, 0644), 0);
  CU_ASSERT_EQUAL (chmod (directory, 0777), 0);
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID, wide);
}

/* What only root can bring about, and what root is not told. */
static void
test_owners (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("minimal", directory);

  if (geteuid () != 0)
    {
      printf (" (skipped: needs root) ");
      return;
    }
  CU_ASSERT_EQUAL (chown (path, 0, 4242), 0);
  CU_ASSERT_EQUAL (chmod (path, 0664), 0);
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
                      "the group 4242, which this process is not in, may write to it: "
                      "chmod g-w %FILE%");
  CU_ASSERT_EQUAL (chown (path, 4242, 0), 0);
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
                      "it belongs to user 4242, neither root nor the user 0 of this "
                      "process: chown root %FILE%");
  CU_ASSERT_EQUAL (chown (path, 0, 0), 0);
  CU_ASSERT_EQUAL (chmod (path, 0600), 0);
  CU_ASSERT_EQUAL (chmod (directory, 0755), 0);
  CU_ASSERT_EQUAL (seteuid (65534), 0);
  zoo_refused_saying (path, "minimal", CASK_ERROR_PLUGIN_INVALID,
                      "open: Permission denied: let this process's user read it");
  CU_ASSERT_EQUAL (seteuid (0), 0);
}

static void
test_replaced (void)
{
  const char *directory = test_directory ();
  g_autofree char *path = zoo_copy ("zoo-whole", directory);
  g_autofree char *aside = g_build_filename (directory, "old", NULL);
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (CaskLoadedPlugin) loaded =
      cask_plugin_file_load (path, "zoo-whole", &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (rename (path, aside), 0);
  g_autofree char *again = zoo_copy ("zoo-whole", directory);
  zoo_refused_saying (again, "zoo-whole", CASK_ERROR_PLUGIN_INVALID,
                      "what got loaded is another file than the one that was checked: it "
                      "was replaced meanwhile; start the process again");
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "L2 to L4 L8 to L10 L12 bytes that are no plugin for this machine", test_bytes },
    { "L9 another machine", test_machine },
    { "L1 L5 L6 what is no file", test_kinds },
    { "L15 what anybody may write", test_modes },
    { "L7 L16 L17 what belongs to others", test_owners },
    { "a plugin that was replaced since it was loaded", test_replaced },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "messages", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
