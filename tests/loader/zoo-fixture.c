/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo-fixture.c: plugins of the zoo as bytes and as files in a directory of the test. */
#include "zoo-fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void
zoo_file_read (ZooFile *file, const char *name)
{
  g_autofree char *path = g_strdup_printf (ZOO_DIR "/cask-%s.so", name);
  g_autoptr (GError) error = NULL;

  if (!g_file_get_contents (path, &file->bytes, &file->size, &error))
    g_error ("the zoo is not built: %s", error->message);
}

void
zoo_file_clear (ZooFile *file)
{
  g_clear_pointer (&file->bytes, g_free);
}

ElfW (Ehdr) * zoo_file_header (ZooFile *file)
{
  return (ElfW (Ehdr) *) (void *) file->bytes;
}

ElfW (Phdr) * zoo_file_segment (ZooFile *file, guint32 type)
{
  ElfW (Ehdr) *header = zoo_file_header (file);
  ElfW (Phdr) *segments = (ElfW (Phdr) *) (void *) (file->bytes + header->e_phoff);

  for (guint i = 0; i < header->e_phnum; i++)
    if (segments[i].p_type == type)
      return &segments[i];
  return NULL;
}

ElfW (Nhdr) * zoo_file_note (ZooFile *file)
{
  static const guint32 start[] = { 5, 16, 1, 0x6b736143 };
  char *at = memmem (file->bytes, file->size, start, sizeof start);

  g_assert_nonnull (at);
  return (ElfW (Nhdr) *) (void *) at;
}

char *
zoo_file_write (const ZooFile *file, const char *directory, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *path = g_strdup_printf ("%s/cask-%s.so", directory, name);

  g_file_set_contents (path, file->bytes, (gssize) file->size, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_EQUAL (chmod (path, 0644), 0);
  return path;
}

char *
zoo_copy (const char *name, const char *directory)
{
  g_auto (ZooFile) file = { NULL, 0 };

  zoo_file_read (&file, name);
  return zoo_file_write (&file, directory, name);
}

guint
zoo_runs (const char *name)
{
  const char *runs = g_getenv (name);
  return runs != NULL ? (guint) (runs[0] - '0') : 0;
}

void
zoo_refused (const char *path, const char *name, CaskError code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) loaded = cask_plugin_file_load (path, name, &error);

  CU_ASSERT_PTR_NULL (loaded);
  CU_ASSERT (error != NULL && strstr (error->message, path) != NULL);
  TEST_ERROR (error, CASK_ERROR, code, text);
}

void
zoo_refused_saying (const char *path, const char *name, CaskError code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskLoadedPlugin) loaded = cask_plugin_file_load (path, name, &error);
  g_autoptr (GString) expected = g_string_new ("%FILE%: ");
  /* Beside the zoo are the libraries that its plugins link. */
  g_autofree char *home = g_path_get_dirname (ZOO_DIR);

  g_string_append (expected, text);
  g_string_replace (expected, "%FILE%", path, 0);
  g_string_replace (expected, "%ZOO%", home, 0);
  CU_ASSERT_PTR_NULL (loaded);
  CU_ASSERT (g_error_matches (error, CASK_ERROR, (int) code));
  CU_ASSERT_STRING_EQUAL (error != NULL ? error->message : "loaded", expected->str);
  if (error == NULL || !g_str_equal (error->message, expected->str))
    printf ("\n  said:     %s\n  expected: %s\n", error != NULL ? error->message : "-",
            expected->str);
}
