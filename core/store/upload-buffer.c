/* SPDX-License-Identifier: Apache-2.0
 *
 * upload-buffer.c: memory for chunks, which goes round.
 *
 * The system gives and takes memory of this size page by page, and stops every thread of
 * the process to take it: the hash lost a twentieth of its time to that. So a few buffers
 * are kept, by the process and not by the uploads, of which most are idle most of the
 * time. A backend may keep a chunk for as long as it likes.
 *
 * And those that are out are counted. One upload in full flow may have 3 MiB of them; a
 * thousand, at a server to which a thousand clients send, would have 3 GiB, and 256 MiB
 * while all of them are silent. So from CASK_UPLOAD_PLENTY on whatever is new gets by
 * with 64 KiB.
 *
 * Locks: none; each place is exchanged atomically, so that no fork finds one held. */
#include "upload-private.h"

/* What one upload in full flow uses: what is hashed, and what is being filled. */
#define BUFFERS_KEPT (CASK_UPLOAD_HASHING + 1)

static _Atomic (guint8 *) buffers[BUFFERS_KEPT];
static atomic_int n_buffers_out; /* and not in `buffers` */

/* Two may ask at once and both be told that there is one left: it is no hard limit. */
gboolean
cask_upload_buffers_are_short (void)
{
  return atomic_load_explicit (&n_buffers_out, memory_order_relaxed) >=
         CASK_UPLOAD_PLENTY;
}

guint8 *
cask_upload_buffer_new (void)
{
  atomic_fetch_add_explicit (&n_buffers_out, 1, memory_order_relaxed);
  /* From the end, where the last one came to lie: the processor still has it at hand. */
  for (guint i = BUFFERS_KEPT; i-- > 0;)
    {
      guint8 *buffer = atomic_exchange (&buffers[i], NULL);
      if (buffer != NULL)
        return buffer;
    }
  return g_malloc (CASK_UPLOAD_CHUNK);
}

void
cask_upload_buffer_free (gpointer buffer)
{
  atomic_fetch_sub_explicit (&n_buffers_out, 1, memory_order_relaxed);
  for (guint i = 0; i < BUFFERS_KEPT; i++)
    {
      guint8 *none = NULL;
      if (atomic_compare_exchange_strong (&buffers[i], &none, buffer))
        return;
    }
  g_free (buffer);
}
