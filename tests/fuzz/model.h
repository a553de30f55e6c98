/* SPDX-License-Identifier: Apache-2.0
 *
 * model.h: a store, and beside it a table of what must be in it.
 *
 * Every operation is made on the store and worked out from the table; where both do not
 * say the same, the process ends. Everything happens in one thread, so there is one right
 * answer each time. */
#pragma once

#include "fuzz.h"

#include <cask/cask.h>

#define MODEL_NAMES 16 /* the blobs that operations name: 8 contents by 2 algorithms */
#define MODEL_SLOTS 3  /* uploads and readers at a time */
#define MODEL_BATCH 12 /* blobs in one call */
#define MODEL_DRAWS 5  /* numbers that an operation draws, at most */

/* What an operation must come to, beside the codes of CASK_ERROR. */
enum
{
  MODEL_SUCCESS = -1,
  MODEL_CANCELLED = -2, /* G_IO_ERROR_CANCELLED */
  MODEL_ENDED = -3,     /* G_IO_ERROR_CLOSED */
  MODEL_MISUSED = -4    /* G_IO_ERROR_INVALID_ARGUMENT */
};

/* An upload that is open, or was saved, or both. What was written to it are the bytes of
 * one content from its start, and then others. */
typedef struct
{
  CaskUpload *upload; /* NULL: not open */
  guint content;
  CaskAlgorithm algorithm;
  gboolean has_digest, all_algorithms, verify_existing;
  CaskDigest digest; /* that it was begun with */
  guint64 expected_size;
  gsize offset;
  gsize saved; /* how much of it was, last */
  char *id;    /* NULL: it was never saved */
} ModelUpload;

typedef struct
{
  CaskInputStream *stream; /* NULL: the slot is free */
  CaskDigest digest;
  GBytes *bytes;
  gsize position;
  gboolean may_be_gone; /* its copy was removed or replaced where readers do not outlive
                           that */
} ModelReader;

typedef struct
{
  CaskStore *store;
  char *config;
  char *root;            /* its directory; NULL: it has none */
  const char *operation; /* under way, for messages */
  gboolean has_failed;   /* it came to an error, as it was due */
  gboolean is_persistent;
  gboolean may_linger; /* a backend is closed in the background, behind a reader */
  CaskCapabilities capabilities;
  GHashTable *blobs; /* CaskDigest to GBytes */
  GBytes *contents[MODEL_NAMES / 2];
  CaskDigest digests[MODEL_NAMES];
  ModelUpload uploads[MODEL_SLOTS];
  ModelReader readers[MODEL_SLOTS];
  const guint8 *draws;  /* the numbers that are left for the operation under way */
  const guint8 *limits; /* of each of them; 0: no more */
} Model;

/* ---- model.c ---- */

/* Begins an operation that draws these numbers, each below its limit. */
void model_begin (Model *model, const char *operation, const guint8 *limits,
                  const guint8 *draws);
/* The next number of the operation. */
guint model_draw (Model *model, guint limit);
/* The content of a name, which is below MODEL_NAMES. */
GBytes *model_content (Model *model, guint name);
/* What is stored under a digest; NULL: nothing. */
GBytes *model_stored (Model *model, const CaskDigest *digest);
/* A put, in the table. */
void model_store (Model *model, const CaskDigest *digest, GBytes *bytes,
                  gboolean replaces);
void model_forget (Model *model, const CaskDigest *digest);

/* Ends the process unless the operation came to what is due. */
void model_expect (Model *model, gboolean success, const GError *error, int due);
void model_expect_number (Model *model, const char *what, guint64 came, guint64 due);
void model_expect_bytes (Model *model, GBytes *came, GBytes *due);

void model_open (Model *model, guint kind);
void model_close (Model *model);
/* Closes the store and opens it again, with uploads and readers open. */
void model_reopen (Model *model);

/* ---- Operations: each draws what else it needs ---- */

typedef void (*ModelOperation) (Model *model);

/* model-blobs.c */
void model_put (Model *model);
void model_put_anew (Model *model);
void model_put_wrong (Model *model);
void model_put_cancelled (Model *model);
void model_put_stream (Model *model);
void model_add (Model *model);
void model_get (Model *model);
void model_get_async (Model *model);
void model_get_range (Model *model);
void model_look (Model *model);
void model_touch (Model *model);
void model_verify (Model *model);
void model_delete (Model *model);
void model_delete_unused (Model *model);

/* model-damage.c */
void model_damage (Model *model);

/* model-many.c */
void model_list (Model *model);
void model_list_all (Model *model);
void model_put_many (Model *model);
void model_get_many (Model *model);
void model_look_many (Model *model);
void model_delete_many (Model *model);
void model_care (Model *model);
void model_compare_all (Model *model);

/* model-uploads.c */
void model_upload_begin (Model *model);
void model_upload_write (Model *model);
void model_upload_save (Model *model);
void model_upload_commit (Model *model);
void model_upload_abort (Model *model);
void model_upload_drop (Model *model);
void model_upload_resume (Model *model);
void model_upload_list (Model *model);
void model_upload_expire (Model *model);
/* The store was closed below them; forget: what was saved is gone with it. */
void model_uploads_closed (Model *model, gboolean forget);

/* model-readers.c */
void model_reader_open (Model *model);
void model_reader_read (Model *model);
void model_reader_seek (Model *model);
void model_reader_close (Model *model);
void model_readers_end (Model *model);
