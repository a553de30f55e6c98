/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-place.h: what a run gives to its cases: a place, a seed, and how long to take.
 */
#pragma once

#include <gio/gio.h>

#include <cask/cask-conform.h>

/* The config with `%d` in it. */
const char *conform_template (void);
/* Another one, for the rest of a case, which keeps it and ends with NULL: the run's own.
 */
void conform_set_template (const char *template);
/* Whether to take minutes instead of seconds. */
gboolean conform_is_long (void);
/* The second process's program. */
const char *conform_helper (void);

/* A random generator that gives the same numbers for the same seed of the run and the
 * same `what`, whatever other cases were run. */
GRand *conform_rand_new (const char *what);

/* Whether it has a `%d`. "%d0" is a percent-encoded byte, and no place. */
gboolean conform_has_place (const char *config);
/* With the directory, escaped, in every such place. */
char *conform_fill_place (const char *config, const char *directory);

/* A new empty directory, removed with all that is in it when the case ends. Returns:
 * (transfer none) */
const char *conform_directory (void);
/* Removes a tree, following no symbolic link. */
void conform_remove_tree (const char *path);

/* ---- For the run ---- */

typedef struct
{
  const char *template, *helper;
  CaskConformLength length;
  guint32 seed;
} ConformSettings;

/* settings: kept until conform_place_end() */
gboolean conform_place_begin (const ConformSettings *settings, GError **error);
void conform_place_end_case (void);
/* Removes all that the run has left, too. */
void conform_place_end (void);
/* The same for a run that is cut short, whose case may still be at work: the process is
 * about to end. From any thread, and more than once. Returns: whether there was a run. */
gboolean conform_place_abandon (void);
