/* SPDX-License-Identifier: Apache-2.0
 *
 * node-fixture.h: open nodes without a store, over backends in the program itself that do
 * what a test tells them to.
 *
 *   bare    keeps one blob; the required slots and no other
 *   clerk   the same, with uploads of its own, which believe nothing and check nothing
 *   pass    delegates everything
 *   tally   delegates everything but upload_commit, which it counts
 *   stage   does not delegate; hands on what the required slots are given
 *
 * All of them announce every capability that Cask has. */
#pragma once

#include "node-private.h"
#include "test-support.h"

/* The world of the one node that is open at a time. */
typedef struct
{
  /* what the backend is to do */
  guint n_failing;       /* that many puts fail */
  gboolean forgets;      /* put looks at the bytes and keeps none */
  gboolean gives_short;  /* get gives a byte too few */
  guint64 capabilities;  /* all of them, as shelf_open() leaves it */
  const char *id;        /* clerk: what save gives; NULL: nothing */
  gsize state_size;      /* clerk: of what resume gives */
  guint64 offset;        /* clerk: of what resume and list give */
  const char **ids;      /* clerk: what list gives; NULL-terminated */
  GCancellable *cancels; /* (nullable) put cancels it and says so */

  /* what it did */
  GBytes *kept; /* (nullable) the blob, or NULL */
  CaskDigest digest;
  guint64 version; /* of kept */
  guint n_puts, n_begun, n_written, n_saved, n_resumed, n_listed, n_closed, n_tallied;
  guint32 put_flags;
  gsize put_size;
  char *put_sum;        /* sha256 in hex */
  guint64 put_anon_kib; /* anonymous memory of the process during the put */
  guint64 largest_get;
  gboolean kept_saved; /* clerk: the last close said keep */
  guint n_warnings;
} Shelf;

extern Shelf shelf;

#define SHELF_EVERYTHING ((guint64) CASK_CAPABILITY_QUARANTINE * 2 - 1)

/* A world as new, and what config opens, with that spool. NULL after a failed assertion.
 * shelf_close() also asserts that no descriptor is left over. */
CaskNode *shelf_open (const char *config, const char *spool);
void shelf_close (CaskNode *node);

/* Calls of the node's table. Each returns a code of CASK_ERROR, SHELF_CANCELLED,
 * or SHELF_OK. text: (nullable) has to be in the error. */
#define SHELF_OK (-2)
#define SHELF_CANCELLED (-1)
int shelf_code (GError *error, const char *text);
CaskBackendUpload *shelf_begin (CaskNode *node);
int shelf_begin_code (CaskNode *node, guint64 expected_size, const char *text);
int shelf_write (CaskNode *node, CaskBackendUpload *upload, GBytes *chunk,
                 GCancellable *cancellable, const char *text);
int shelf_commit (CaskNode *node, CaskBackendUpload *upload, gboolean *created,
                  GCancellable *cancellable, const char *text);
void shelf_drop (CaskNode *node, CaskBackendUpload *upload);

/* count bytes, none like its neighbours. */
GBytes *shelf_bytes (gsize count);
/* Whether the last put was of these bytes. */
gboolean shelf_has_put (GBytes *bytes);
CaskDigest shelf_digest (void);

guint shelf_count_entries (const char *directory);
guint shelf_count_descriptors (void);
guint64 shelf_anon_kib (void);
