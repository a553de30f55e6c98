/* SPDX-License-Identifier: Apache-2.0
 *
 * test-elf-note.c: files that are no plugin for this machine are told by their bytes
 * alone (L2 to L4, L8 to L12). */
#include "zoo-fixture.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Reads the note of bytes that lie in a file without a name. */
static gboolean
note_read (const void *bytes, gsize size, CaskElfNote *note, GError **error)
{
  int fd = memfd_create ("plugin", MFD_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, bytes, size) == (gssize) size;

  CU_ASSERT_TRUE (written);
  gboolean good = written && cask_elf_note_read (fd, note, error);
  close (fd);
  return good;
}

static void
note_refused (const ZooFile *file, const char *text)
{
  g_autoptr (GError) error = NULL;
  CaskElfNote note;

  CU_ASSERT_FALSE (note_read (file->bytes, file->size, &note, &error));
  TEST_ERROR (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, text);
}

static void
test_whole (void)
{
  g_auto (ZooFile) file = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  CaskElfNote note = { 0, 0, 0, 0 };

  zoo_file_read (&file, "minimal");
  CU_ASSERT_TRUE (note_read (file.bytes, file.size, &note, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (note.major, 1);
  CU_ASSERT_EQUAL (note.minor, 0);
  CU_ASSERT_EQUAL (note.plugin_size, sizeof (CaskPlugin));
  CU_ASSERT_EQUAL (note.ops_size, sizeof (CaskBackendOps));
}

static void
test_no_elf (void)
{
  static char text[] = "#!/bin/sh\necho a plugin\n";
  static char short_text[] = "\177EX";

  note_refused (&(ZooFile){ text, 0 }, "the file is empty");
  note_refused (&(ZooFile){ text, sizeof text - 1 }, "not an ELF file");
  note_refused (&(ZooFile){ short_text, 3 }, "not an ELF file");
}

static void
test_truncated (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  ElfW (Phdr) *segments = zoo_file_segment (&file, PT_LOAD);
  ElfW (Phdr) *dynamic = zoo_file_segment (&file, PT_DYNAMIC);
  /* Section headers behind the last segment do not matter to anyone who loads. */
  gsize needed = dynamic->p_offset + dynamic->p_filesz;
  for (guint i = 1; i < 20; i++)
    note_refused (&(ZooFile){ file.bytes, i * needed / 20 }, "the file is truncated");
  note_refused (&(ZooFile){ file.bytes, needed - 1 }, "the file is truncated");
  note_refused (&(ZooFile){ file.bytes, segments->p_offset + 1 }, "truncated");
}

static void
test_machines (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  ElfW (Ehdr) *header = zoo_file_header (&file);
  const ElfW (Ehdr) whole = *header;

  header->e_ident[EI_CLASS] = ELFCLASS32;
  note_refused (&file, "not a 64-bit shared object");
  *header = whole;
  header->e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
  note_refused (&file, "another byte order");
  *header = whole;
  header->e_machine = EM_S390;
  note_refused (&file, "built for another machine");
  *header = whole;
  header->e_type = ET_EXEC;
  note_refused (&file, "an executable, not a shared object: link it with -shared");
  *header = whole;
  header->e_type = ET_REL;
  note_refused (&file, "not a shared object");
}

static void
test_headers (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  ElfW (Ehdr) *header = zoo_file_header (&file);
  const ElfW (Ehdr) whole = *header;

  header->e_phentsize = 32;
  note_refused (&file, "the ELF header is damaged");
  *header = whole;
  header->e_phnum = 60000;
  note_refused (&file, "the ELF header is damaged");
  *header = whole;
  header->e_phoff = G_MAXUINT64 - 8;
  note_refused (&file, "truncated");
}

static void
test_executable (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  if (!g_file_get_contents ("/proc/self/exe", &file.bytes, &file.size, NULL))
    return;
  note_refused (&file, "an executable, not a shared object");
}

static void
test_no_note (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "no-note");
  note_refused (&file, "it has no Cask note");
}

static void
test_note_words (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  ElfW (Nhdr) *note = zoo_file_note (&file);
  const ElfW (Nhdr) whole = *note;
  const guint32 lengths[] = { G_MAXUINT32, G_MAXUINT32 - 11, 0x7fffffff, 4096 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      note->n_namesz = lengths[i];
      note_refused (&file, "a note is malformed");
      *note = whole;
      note->n_descsz = lengths[i];
      note_refused (&file, "a note is malformed");
      *note = whole;
    }
  note->n_descsz = 12;
  note_refused (&file, "build the plugin again");
  *note = whole;
  note->n_type = 2;
  note_refused (&file, "it has no Cask note");
}

static void
test_note_segments (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "minimal");
  ElfW (Phdr) *segment = zoo_file_segment (&file, PT_NOTE);
  const ElfW (Phdr) whole = *segment;

  segment->p_offset = file.size;
  note_refused (&file, "truncated");
  *segment = whole;
  segment->p_offset = G_MAXUINT64 - 4;
  note_refused (&file, "truncated");
  *segment = whole;
  segment->p_align = 3;
  note_refused (&file, "a note is malformed");
  *segment = whole;

  g_auto (ZooFile) longer = { g_malloc0 (file.size + 70000), file.size + 70000 };
  segment->p_offset = 0;
  segment->p_filesz = 65537;
  memcpy (longer.bytes, file.bytes, file.size);
  note_refused (&longer, "larger than 64 KiB");
}

static void
test_two_notes (void)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, "two-notes");
  note_refused (&file, "it has two Cask notes");
}

static void
test_damage (void)
{
  g_auto (ZooFile) file = { NULL, 0 };
  GRand *rand = test_rand_new ("damaged plugins");

  zoo_file_read (&file, "minimal");
  gsize headers = MIN (file.size, (gsize) 1024);
  for (guint i = 0; i < 3000; i++)
    {
      gsize at = (gsize) g_rand_int_range (rand, 0, (gint32) headers);
      char old = file.bytes[at];
      CaskElfNote note;
      file.bytes[at] = (char) g_rand_int_range (rand, 0, 256);
      note_read (file.bytes, file.size, &note, NULL);
      if (i % 4 != 0)
        file.bytes[at] = old;
    }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  CU_TestInfo tests[] = {
    { "a whole plugin's note is read", test_whole },
    { "L2 L3 an empty file and a text are no ELF files", test_no_elf },
    { "L4 a plugin cut off at 20 places is truncated", test_truncated },
    { "L8 L9 L10 another class, machine or type is refused", test_machines },
    { "headers that lead out of the file are refused", test_headers },
    { "L10 a position-independent executable is refused", test_executable },
    { "L11 a shared object without the note is no plugin", test_no_note },
    { "L12 lengths in a note that do not fit are refused", test_note_words },
    { "L12 note segments out of the file, or huge, are refused", test_note_segments },
    { "L12 two notes are refused", test_two_notes },
    { "random damage never leads out of the file", test_damage },
    CU_TEST_INFO_NULL,
  };
  CU_SuiteInfo suites[] = {
    { .pName = "elf note", .pTests = tests },
    CU_SUITE_INFO_NULL,
  };
  return test_main (argc, argv, suites);
}
