/* SPDX-License-Identifier: Apache-2.0
 *
 * tools-private.h: what every command of `cask` is given, and how it answers. */
#pragma once

#include <gio/gio.h>
#include <cask/cask.h>
#include "interrupt.h"

/** ToolStatus: the exit status. Where several hold, the greatest wins. */
typedef enum
{
  TOOL_DONE = 0,
  TOOL_ABSENT = 1, /* has, or something NOT_FOUND */
  TOOL_USAGE = 2,  /* the command line or the config string */
  TOOL_FAILED = 3
} ToolStatus;

/** ToolAccess: what a command opens a store for. */
typedef enum
{
  TOOL_READ, /* what does not exist is not made */
  TOOL_WRITE
} ToolAccess;

typedef struct _ToolCall ToolCall;

/** ToolCommand: a line of the table in main.c. */
typedef struct
{
  const char *name;
  const char *operands;    /* as --help shows them: "DIGEST…" */
  const char *summary;     /* one line */
  const char *description; /* (nullable) what --help says below the options */
  ToolStatus (*run) (ToolCall *call);
} ToolCommand;

/** ToolCall: one run of a command. */
struct _ToolCall
{
  const ToolCommand *command;
  const char *config; /* (nullable) of -s or $CASK_STORE */
  char **arguments;   /* what follows the command's name */
  char **operands;    /* what tool_parse() left of it; never NULL after it */
  guint n_operands;
  CaskStore *store; /* of tool_open() */
  Interrupt *interrupt;
  GCancellable *cancellable; /* (nullable) of tool_watch_signals() */
  ToolStatus status;
};

ToolStatus command_put (ToolCall *call);
ToolStatus command_get (ToolCall *call);
ToolStatus command_cat (ToolCall *call);
ToolStatus command_stat (ToolCall *call);
ToolStatus command_has (ToolCall *call);
ToolStatus command_rm (ToolCall *call);
ToolStatus command_ls (ToolCall *call);
ToolStatus command_cp (ToolCall *call);
ToolStatus command_verify (ToolCall *call);
ToolStatus command_info (ToolCall *call);
ToolStatus command_plugins (ToolCall *call);
ToolStatus command_upload (ToolCall *call);
ToolStatus command_conform (ToolCall *call);
ToolStatus command_bench (ToolCall *call);

/* ---- tool.c ---- */

gboolean tool_parse (ToolCall *call, const GOptionEntry *entries, guint min_operands,
                     guint max_operands);
ToolStatus tool_usage (ToolCall *call, const char *format, ...) G_GNUC_PRINTF (2, 3);
gboolean tool_open (ToolCall *call, ToolAccess access);
void tool_finish (ToolCall *call);
CaskDigest *tool_parse_digests (ToolCall *call);
gboolean tool_parse_number (const char *text, guint64 *number);
gboolean tool_parse_size (const char *text, guint64 *size);
gboolean tool_parse_duration (const char *text, gint64 *duration_usec);
void tool_watch_signals (ToolCall *call);
void tool_outlive_pipe (void);

CaskStore *tool_open_store (ToolCall *call, const char *config, ToolAccess access);
void tool_close_store (ToolCall *call, CaskStore *store);
void tool_add_status (ToolCall *call, ToolStatus status);
ToolStatus tool_add_error (ToolCall *call, const GError *error);
gboolean tool_add_file_error (ToolCall *call, const char *name, const GError *error);
const char **tool_capability_names (guint64 capabilities);
