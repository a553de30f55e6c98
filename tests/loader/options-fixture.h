/* SPDX-License-Identifier: Apache-2.0
 *
 * options-fixture.h: one option of every type, and how a refused value is checked. */
#pragma once

#include <stdio.h>
#include <CUnit/Basic.h>

#include "config-private.h"

static const CaskOptionSpec specs[] = {
  { .name = "durability",
    .type = CASK_OPTION_CHOICE,
    .choices = "none|data|full|batch",
    .fallback = "full" },
  { .name = "max-bytes", .type = CASK_OPTION_SIZE },
  { .name = "freshen", .type = CASK_OPTION_DURATION, .fallback = "60s" },
  { .name = "level", .type = CASK_OPTION_UINT, .min = 1, .max = 22 },
  { .name = "create", .type = CASK_OPTION_BOOLEAN, .fallback = "yes" },
  { .name = "region", .type = CASK_OPTION_STRING, .fallback = "here" },
  { .name = "secret-key", .type = CASK_OPTION_SECRET },
  { .name = "regional", .type = CASK_OPTION_STRING, .flags = CASK_OPTION_DEPRECATED },
};

enum
{
  AT_DURABILITY,
  AT_MAX_BYTES,
  AT_FRESHEN,
  AT_LEVEL,
  AT_CREATE,
  AT_REGION,
  AT_SECRET_KEY,
  AT_REGIONAL
};

static CaskOptions *
resolve (const char *text, GError **error)
{
  g_autoptr (CaskConfigNode) node = cask_config_parse (text, error);
  if (node == NULL)
    return NULL;
  return cask_options_resolve ("fs", specs, G_N_ELEMENTS (specs), node, error);
}

static void
check_message (const GError *error, int code, const char *message)
{
  CU_ASSERT_TRUE (g_error_matches (error, CASK_ERROR, code));
  CU_ASSERT_STRING_EQUAL (error != NULL ? error->message : "no error", message);
  if (error == NULL || strcmp (error->message, message) != 0)
    printf ("\n  got      %s\n  expected %s\n",
            error != NULL ? error->message : "no error", message);
}

/* The value stands at byte VALUE_AT of "fs?NAME=VALUE". */
static void
check_value_refused (const char *name, const char *value, const char *problem)
{
  g_autofree char *text = g_strdup_printf ("fs?%s=%s", name, value);
  g_autofree char *message =
      g_strdup_printf ("config string, byte %" G_GSIZE_FORMAT ": option '%s' of fs: %s",
                       strlen (name) + 4, name, problem);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskOptions) options = resolve (text, &error);
  CU_ASSERT_PTR_NULL (options);
  check_message (error, CASK_ERROR_INVALID_CONFIG, message);
}
