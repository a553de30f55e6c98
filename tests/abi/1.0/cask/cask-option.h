/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-option.h: the options that a plugin takes, as it declares them and as it is given
 * them. The core reads them from the config string and checks them; a plugin never sees
 * one that does not fit. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** CaskOptionType: what an option's value must look like in a config string. */
typedef enum
{
  CASK_OPTION_STRING = 1, /* UTF-8 */
  CASK_OPTION_UINT,       /* 42 */
  CASK_OPTION_SIZE,       /* 64MiB */
  CASK_OPTION_DURATION,   /* 250ms, 60s, 5min, 1h */
  CASK_OPTION_BOOLEAN,    /* yes, no */
  CASK_OPTION_CHOICE,     /* one of CaskOptionSpec.choices */
  CASK_OPTION_SECRET      /* file:/path, env:NAME, fd:N: never the secret itself */
} CaskOptionType;

enum /* CaskOptionSpec.flags */
{
  CASK_OPTION_REQUIRED = 1 << 0,
  CASK_OPTION_DEPRECATED = 1 << 1 /* still taken, no longer shown */
};

/** CaskOptionSpec: one option that the plugin takes. */
typedef struct
{
  const char *name;     /* as in a config string: "max-bytes" */
  const char *help;     /* one line, for `cask plugins NAME` */
  const char *fallback; /* (nullable) what stands where it is not given, as text */
  const char *choices;  /* for CASK_OPTION_CHOICE: "none|data|full" */
  guint32 type;
  guint32 flags;
  guint64 min, max; /* for numbers, in their unit; both 0: any */
} CaskOptionSpec;

/** CaskOptionValue: an option, decoded and checked against its #CaskOptionSpec. */
typedef struct
{
  guint32 is_set; /* 0: the fallback stands here */
  guint32 reserved;
  union
  {
    guint64 number; /* uint; size in bytes; duration in microseconds; boolean; index of
                       the choice */
    const char *string; /* UTF-8; NULL where there is no fallback */
    GBytes *secret;     /* what the reference led to; NULL where there is none */
  };
} CaskOptionValue;

G_STATIC_ASSERT (sizeof (CaskOptionValue) == 16);
#if GLIB_SIZEOF_VOID_P == 8
G_STATIC_ASSERT (sizeof (CaskOptionSpec) == 56);
#endif

G_END_DECLS
