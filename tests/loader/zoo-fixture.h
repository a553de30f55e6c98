/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo-fixture.h: plugins of the zoo as bytes and as files in a directory of the test. */
#pragma once

#include "plugin-private.h"
#include "test-support.h"

#include <elf.h>
#include <link.h>

/* A plugin's file, to be spoiled; its length may be reduced. */
typedef struct
{
  char *bytes;
  gsize size;
} ZooFile;

void zoo_file_read (ZooFile *file, const char *name);
void zoo_file_clear (ZooFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZooFile, zoo_file_clear)

/* Its headers: pointers into file->bytes. NULL where it has no such segment. */
ElfW (Ehdr) * zoo_file_header (ZooFile *file);
ElfW (Phdr) * zoo_file_segment (ZooFile *file, guint32 type);
/* The Cask note's three words of lengths and type. */
ElfW (Nhdr) * zoo_file_note (ZooFile *file);

/* Writes file as `cask-NAME.so` into directory, mode 0644. Returns: (transfer full): its
 * path. */
char *zoo_file_write (const ZooFile *file, const char *directory, const char *name);

/* Copies a plugin of the zoo there. Returns: (transfer full): its path. */
char *zoo_copy (const char *name, const char *directory);

/* How often constructors of that plugin have run in this process. */
guint zoo_runs (const char *name);

/* Asserts that a file is refused, with that code, its own path first in the message, and
 * that text in it. */
void zoo_refused (const char *path, const char *name, CaskError code, const char *text);

/* As zoo_refused(), and the message is the path, ": " and all of text, in which %FILE% is
 * the path and %ZOO% where the zoo was built. */
void zoo_refused_saying (const char *path, const char *name, CaskError code,
                         const char *text);
