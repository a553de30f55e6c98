/* SPDX-License-Identifier: Apache-2.0
 *
 * liar.h: a backend in the program itself that says what a test has it say, whatever the
 * truth is. Layers that stand before it: `odd` takes a location, `pair` two children,
 * `few` one to three, `code` and `code-too` encode. */
#pragma once

#include <cask/cask-plugin.h>

/* Set while no call runs. */
typedef struct
{
  guint64 capabilities;
  guint64 size; /* of its one blob, which has 3 bytes */
  gboolean fails;
  int code; /* of Cask's errors: what every slot fails with; unless fails: 0: none */
  CaskRemoved outcome;
  guint32 n_listed;
  gboolean more, listed_twice;
  guint32 algorithm; /* of what is listed; 0: sha256 */
  gssize reads_more; /* blob_read, than it was asked for */
  CaskTry answer;
  gsize given; /* bytes, by try_get; G_MAXSIZE: none */

  guint n_asked;   /* stat, remove, condemn */
  guint n_handles; /* open ones */
  char *encoding;  /* that it was opened under, as last told */
} Liar;

extern Liar liar;

void liar_register (void);
const CaskPlugin *liar_table (void);
