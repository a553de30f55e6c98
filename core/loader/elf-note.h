/* SPDX-License-Identifier: Apache-2.0
 *
 * elf-note.h: what a plugin's file says about its ABI, read without running any of it. */
#pragma once

#include <glib.h>

/* The four words of the note that CASK_PLUGIN_DEFINE() leaves in a plugin's file. */
typedef struct
{
  guint32 major;
  guint32 minor;
  guint32 plugin_size;
  guint32 ops_size;
} CaskElfNote;

/* Reads the note of the shared object behind fd. FALSE and PLUGIN_INVALID where the file
 * is no shared object for this very machine, or has not exactly one well-formed note.
 * Messages do not name the file. */
gboolean cask_elf_note_read (int fd, CaskElfNote *note, GError **error);
