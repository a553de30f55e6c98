/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-elf-note.c: any file as a plugin: the note is found, or the file is refused.
 *
 * What decides whether a file may be opened at all reads a file of anybody's: every
 * number in it is a lie until it is checked. A note that is reported must be there: its
 * head and its words, as they were reported, are in the file. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cask/cask-types.h>

#include "elf-note.h"

/* A file in memory that is written anew for each input. */
static int
note_file (const guint8 *data, gsize size)
{
  static int fd = -1;
  if (fd < 0)
    fd = memfd_create ("plugin", MFD_CLOEXEC);
  FUZZ_CHECK (fd >= 0 && ftruncate (fd, 0) == 0);
  FUZZ_CHECK (size == 0 || pwrite (fd, data, size, 0) == (gssize) size);
  return fd;
}

static void
note_check_found (const guint8 *data, gsize size, const CaskElfNote *note)
{
  static const guint32 numbers[] = { 5, sizeof *note, 1 };
  guint8 head[sizeof numbers + 5];
  memcpy (head, numbers, sizeof numbers);
  memcpy (head + sizeof numbers, "Cask", 5);

  const guint8 *place = memmem (data, size, head, sizeof head);
  FUZZ_CHECK (place != NULL);
  gsize rest = size - (gsize) (place - data);
  FUZZ_CHECK (memmem (place, rest, note, sizeof *note) != NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  CaskElfNote note, again;
  int fd = note_file (data, size);

  gboolean found = cask_elf_note_read (fd, &note, &error);
  FUZZ_CHECK (found == (error == NULL));
  if (!found)
    {
      fuzz_check_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID);
      return 0;
    }
  note_check_found (data, size, &note);
  FUZZ_CHECK (cask_elf_note_read (fd, &again, NULL));
  FUZZ_CHECK (memcmp (&note, &again, sizeof note) == 0);
  return 0;
}
