/* SPDX-License-Identifier: Apache-2.0
 *
 * pieces.h: a backend in the program itself that keeps one blob, reads it piece by piece,
 * and does what a test tells it to. */
#pragma once

#include "test-support.h"

#include <cask/cask-input-stream.h>
#include <cask/cask-plugins.h>

/* The world of the one store that is open at a time. */
typedef struct
{
  /* what it is to do; changed while no read runs */
  gsize most;        /* a read gives so many bytes at most */
  guint64 ends_at;   /* reads find the end of the blob here */
  guint64 bad_at;    /* this byte is wrong */
  guint64 version;   /* of the copy that is opened next */
  CaskError failure; /* of the next read; 0: none */
  gboolean is_bad;   /* blob_open sees that the blob is CORRUPT */
  gboolean hangs;    /* reads wait until they are cancelled */

  /* what it did; atomic */
  gint n_gets, n_reads, n_hanging, n_opened, n_handles, n_condemned, n_closed;
  gsize largest_read; /* asked for */
} Pieces;

extern Pieces pieces;

/* A new world, and a store of it with a blob of this size in it. options: after the name.
 * Returns: (nullable): NULL after a failed assertion */
CaskStore *pieces_open (const char *options, gsize size);
extern CaskDigest pieces_digest;
extern GBytes *pieces_bytes;

/* Waits until the backend has been closed, and every handle before. */
void pieces_wait_closed (void);

/* Opens the blob without a failure. */
CaskInputStream *pieces_stream (CaskStore *store);
/* Reads count bytes at the position, which must be there and right. */
void pieces_expect (CaskInputStream *stream, gsize count);
/* The read of count bytes must fail so, and leave the position. text: (nullable) */
void pieces_expect_failure (CaskInputStream *stream, gsize count, CaskError code,
                            const char *text);
