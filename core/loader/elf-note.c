/* SPDX-License-Identifier: Apache-2.0
 *
 * elf-note.c: finds a plugin's ABI note in its file, before the dynamic linker sees it.
 *
 * Constructors run inside dlopen(), so what decides whether a file may be opened at all
 * has to be read from the file itself.
 *
 * Invariants: every offset and length that comes from the file is checked against the
 * file's size before it is used; at most NOTE_LIMIT bytes are kept in memory at a time.
 *
 * Failure modes: a file that shrinks while it is read is "truncated", never a crash: all
 * reading is pread(), nothing is mapped. */
#include "elf-note.h"

#include <cask/cask-types.h>

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Real plugins have some 10 program headers, 100 bytes of notes and 30 dynamic entries.
 */
#define HEADERS_LIMIT 256
#define NOTE_LIMIT 65536
#define DYNAMIC_LIMIT 1024

#define NOTE_OWNER "Cask"
#define NOTE_TYPE 1

/* This library's own header, placed by the linker: it says what machine we run on, better
 * than a list of machines in the source would. */
extern const ElfW (Ehdr) __ehdr_start __attribute__ ((visibility ("hidden")));

typedef struct
{
  int fd;
  guint64 size;
} ElfFile;

static gboolean
elf_fail (GError **error, const char *what)
{
  g_set_error_literal (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, what);
  return FALSE;
}

static gboolean
elf_read (const ElfFile *file, guint64 offset, void *buffer, gsize count, GError **error)
{
  gsize done = 0;

  if (offset > file->size || count > file->size - offset)
    return elf_fail (error, "the file is truncated: copy or build it again");
  while (done < count)
    {
      gssize n =
          pread (file->fd, (char *) buffer + done, count - done, (off_t) (offset + done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "read: %s",
                       g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        return elf_fail (error, "the file is truncated: copy or build it again");
      done += (gsize) n;
    }
  return TRUE;
}

static gboolean
elf_check_machine (const ElfW (Ehdr) * header, GError **error)
{
  const ElfW (Ehdr) *own = &__ehdr_start;

  if (header->e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
                   "not a %d-bit shared object, as this process is: build it for this "
                   "machine",
                   own->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32);
      return FALSE;
    }
  /* e_machine can be read only once the byte order is known to be ours. */
  if (header->e_ident[EI_DATA] != own->e_ident[EI_DATA])
    return elf_fail (error, "built for a machine of another byte order: build it for "
                            "this machine");
  if (header->e_machine != own->e_machine)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID,
                   "built for another machine (ELF machine %u, this process is %u): "
                   "build it for this machine",
                   header->e_machine, own->e_machine);
      return FALSE;
    }
  return TRUE;
}

static gboolean
elf_read_header (const ElfFile *file, ElfW (Ehdr) * header, GError **error)
{
  char start[SELFMAG] = { 0 };

  if (file->size == 0)
    return elf_fail (error, "the file is empty: copy or build it again");
  gsize known = (gsize) MIN (file->size, (guint64) SELFMAG);
  if (!elf_read (file, 0, start, known, error))
    return FALSE;
  if (memcmp (start, ELFMAG, known) != 0)
    return elf_fail (error, "not an ELF file: a plugin is a compiled shared object");
  if (!elf_read (file, 0, header, sizeof *header, error) ||
      !elf_check_machine (header, error))
    return FALSE;
  if (header->e_type == ET_EXEC)
    return elf_fail (error, "an executable, not a shared object: link it with -shared");
  if (header->e_type != ET_DYN)
    return elf_fail (error, "not a shared object: link it with -shared");
  if (header->e_version != EV_CURRENT || header->e_phentsize != sizeof (ElfW (Phdr)) ||
      header->e_phnum == 0 || header->e_phnum > HEADERS_LIMIT)
    return elf_fail (error, "the ELF header is damaged: copy or build the file again");
  return TRUE;
}

static ElfW (Phdr) *
    elf_read_segments (const ElfFile *file, const ElfW (Ehdr) * header, GError **error)
{
  g_autofree ElfW (Phdr) *segments = g_new0 (ElfW (Phdr), header->e_phnum);

  if (!elf_read (file, header->e_phoff, segments, header->e_phnum * sizeof *segments,
                 error))
    return NULL;

  /* What the dynamic linker maps must be there: a page past the end is a SIGBUS later. */
  for (guint i = 0; i < header->e_phnum; i++)
    if (segments[i].p_offset > file->size ||
        segments[i].p_filesz > file->size - segments[i].p_offset)
      {
        elf_fail (error, "the file is truncated: copy or build it again");
        return NULL;
      }
  return g_steal_pointer (&segments);
}

/* A position-independent executable is ET_DYN too; only a flag tells. */
static gboolean
elf_check_not_executable (const ElfFile *file, const ElfW (Phdr) * dynamic,
                          GError **error)
{
  gsize n = dynamic->p_filesz / sizeof (ElfW (Dyn));

  for (gsize i = 0; i < MIN (n, (gsize) DYNAMIC_LIMIT); i++)
    {
      ElfW (Dyn) entry;
      if (!elf_read (file, dynamic->p_offset + i * sizeof entry, &entry, sizeof entry,
                     error))
        return FALSE;
      if (entry.d_tag == DT_NULL)
        break;
      if (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE) != 0)
        return elf_fail (error, "an executable, not a shared object: link it with "
                                "-shared");
    }
  return TRUE;
}

/* 64-bit arithmetic on two 32-bit words: cannot overflow. */
static guint64
elf_align (guint64 value, guint64 align)
{
  return (value + align - 1) & ~(align - 1);
}

static gboolean
elf_take_note (const ElfW (Nhdr) * header, const char *owner, const char *words,
               CaskElfNote *note, gboolean *found, GError **error)
{
  if (header->n_namesz != sizeof NOTE_OWNER || header->n_type != NOTE_TYPE ||
      memcmp (owner, NOTE_OWNER, sizeof NOTE_OWNER) != 0)
    return TRUE;
  if (*found)
    return elf_fail (error, "it has two Cask notes: use CASK_PLUGIN_DEFINE() once");
  if (header->n_descsz != sizeof *note)
    return elf_fail (error, "its Cask note has the wrong length: build the plugin "
                            "again with CASK_PLUGIN_DEFINE()");
  memcpy (note, words, sizeof *note);
  *found = TRUE;
  return TRUE;
}

static gboolean
elf_scan_notes (const char *data, gsize size, guint64 align, CaskElfNote *note,
                gboolean *found, GError **error)
{
  guint64 at = 0;

  while (at < size)
    {
      ElfW (Nhdr) header;
      if (size - at < sizeof header)
        return elf_fail (error, "a note is malformed: build the plugin again");
      memcpy (&header, data + at, sizeof header);

      guint64 owner_at = at + sizeof header;
      guint64 words_at = elf_align (owner_at + header.n_namesz, align);
      guint64 end = words_at + header.n_descsz;
      if (end > size)
        return elf_fail (error, "a note is malformed: build the plugin again");
      if (!elf_take_note (&header, data + owner_at, data + words_at, note, found, error))
        return FALSE;
      at = elf_align (end, align);
    }
  return TRUE;
}

static gboolean
elf_scan_segment (const ElfFile *file, const ElfW (Phdr) * segment, CaskElfNote *note,
                  gboolean *found, GError **error)
{
  /* Linkers write 4, 8 for GNU properties, and old ones 0 or 1 where they mean 4. */
  guint64 align = segment->p_align <= 1 ? 4 : segment->p_align;

  if (align != 4 && align != 8)
    return elf_fail (error, "a note is malformed: build the plugin again");
  if (segment->p_filesz > NOTE_LIMIT)
    return elf_fail (error, "its notes are larger than 64 KiB: build the plugin again");

  g_autofree char *data = g_malloc (segment->p_filesz + 1);
  return elf_read (file, segment->p_offset, data, segment->p_filesz, error) &&
         elf_scan_notes (data, segment->p_filesz, align, note, found, error);
}

gboolean
cask_elf_note_read (int fd, CaskElfNote *note, GError **error)
{
  struct stat info;
  ElfW (Ehdr) header;
  gboolean found = FALSE;

  if (fstat (fd, &info) != 0)
    {
      g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "fstat: %s",
                   g_strerror (errno));
      return FALSE;
    }
  ElfFile file = { fd, (guint64) info.st_size };
  if (!elf_read_header (&file, &header, error))
    return FALSE;
  g_autofree ElfW (Phdr) *segments = elf_read_segments (&file, &header, error);
  if (segments == NULL)
    return FALSE;

  for (guint i = 0; i < header.e_phnum; i++)
    if (segments[i].p_type == PT_DYNAMIC &&
        !elf_check_not_executable (&file, &segments[i], error))
      return FALSE;
  for (guint i = 0; i < header.e_phnum; i++)
    if (segments[i].p_type == PT_NOTE &&
        !elf_scan_segment (&file, &segments[i], note, &found, error))
      return FALSE;
  if (!found)
    return elf_fail (error, "not a Cask plugin, it has no Cask note: define it with "
                            "CASK_PLUGIN_DEFINE()");
  return TRUE;
}
