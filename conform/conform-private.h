/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-private.h: a run, and the cases that were chosen for it. */
#pragma once

#include <cask/cask-conform.h>

#include "conform-suites.h"

struct _CaskConform
{
  char *config;
  char *helper;        /* (nullable): the installed one */
  GPtrArray *patterns; /* none: every case */
  CaskConformCalls calls;
  CaskConformLength length;
  guint32 seed;
  CaskConformFunc func; /* (nullable) */
  gpointer user_data;
};

typedef struct
{
  const ConformSuite *suite;
  const ConformCase *item;
  CaskConformCalls way; /* BOTH where it has one way only */
  char *name;
} ConformChoice;

/* Returns: (element-type ConformChoice). n_left_out: those that the length leaves out */
GArray *conform_choose (const CaskConform *conform, guint *n_left_out);
/* The command that runs it again, alone. */
char *conform_print_repeat (const CaskConform *conform, const ConformChoice *choice);
/* A config as it may stand in a line. */
char *conform_print_config (const char *config);

/* ---- conform-child.c ---- */

/* (nullable): the program that lies beside the library */
char *conform_find_helper (void);
/* Where the plugins of the config were found. has_registered: whether one of them was not
 * found but registered, in this process. Returns: (element-type filename) */
GPtrArray *conform_find_plugin_dirs (const char *config, gboolean *has_registered);
/* Set in the environment of a second process. */
#define CONFORM_CHILD_VARIABLE "CASK_CONFORM_CHILD"
