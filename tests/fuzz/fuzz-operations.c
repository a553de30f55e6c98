/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-operations.c: any bytes as operations on a store, against a model.
 *
 * The first byte chooses the store, by the letters in model.c. Then each letter of the
 * table below is an operation, and the characters behind it are what it draws: which
 * blob, which slot, how many. Space and line ends between operations mean nothing, any
 * other byte is an operation too.
 *
 * Code that was reached says little about a store: two uploads that were saved and one
 * that was aborted run the same lines. So what happened to each blob, upload and reader
 * is counted as well, three operations at a time, and libFuzzer keeps what is new there.
 */
#include "fuzz-operations.h"

#define NAME MODEL_NAMES
#define SLOT MODEL_SLOTS
#define BATCH NAME, 4, MODEL_BATCH + 1, 2 * MODEL_BATCH

const Operation operations[] = {
  { 'p', THEME_BLOB, "put", model_put, { NAME, 2 } },
  { 'P', THEME_BLOB, "put anew", model_put_anew, { NAME } },
  { 'w', THEME_BLOB, "put of other bytes", model_put_wrong, { NAME } },
  { 'c', THEME_BLOB, "cancelled put", model_put_cancelled, { NAME } },
  { 's', THEME_BLOB, "put_stream", model_put_stream, { NAME, 8 } },
  { 'a', THEME_BLOB, "add", model_add, { NAME } },
  { 'g', THEME_BLOB, "get", model_get, { NAME } },
  { 'G', THEME_BLOB, "get_async", model_get_async, { NAME } },
  { 'r', THEME_BLOB, "get_range", model_get_range, { NAME, 6, 6 } },
  { 'h', THEME_BLOB, "stat and contains", model_look, { NAME } },
  { 't', THEME_BLOB, "touch", model_touch, { NAME } },
  { 'v', THEME_BLOB, "verify", model_verify, { NAME } },
  { 'd', THEME_BLOB, "delete", model_delete, { NAME } },
  { 'u', THEME_BLOB, "delete_unused", model_delete_unused, { NAME, 3 } },
  { 'X', THEME_BLOB, "damage", model_damage, { NAME, 8 } },
  { 'm', THEME_MANY, "put_many", model_put_many, { BATCH, 4 } },
  { 'l', THEME_MANY, "list", model_list, { NAME, 9 } },
  { 'L', THEME_MANY, "list all", model_list_all, { 17 } },
  { 'M', THEME_MANY, "get_many", model_get_many, { BATCH } },
  { 'k', THEME_MANY, "stat_many and contains_many", model_look_many, { BATCH, 2 } },
  { 'x', THEME_MANY, "delete_many", model_delete_many, { BATCH } },
  { 'z', THEME_STORE, "close and open", model_reopen, { 0 } },
  { 'y', THEME_STORE, "flush and usage", model_care, { 0 } },
  { 'B', THEME_UPLOAD, "begin_upload", model_upload_begin, { SLOT, NAME, 24 } },
  { 'W', THEME_UPLOAD, "write to an upload", model_upload_write, { SLOT, 9 } },
  { 'S', THEME_UPLOAD, "save an upload", model_upload_save, { SLOT } },
  { 'C', THEME_UPLOAD, "commit an upload", model_upload_commit, { SLOT, 4 } },
  { 'A', THEME_UPLOAD, "abort an upload", model_upload_abort, { SLOT } },
  { 'D', THEME_UPLOAD, "drop an upload", model_upload_drop, { SLOT } },
  { 'U', THEME_UPLOAD, "resume_upload", model_upload_resume, { SLOT, 7 } },
  { 'I', THEME_UPLOAD, "list_uploads", model_upload_list, { 0 } },
  { 'E', THEME_UPLOAD, "expire_uploads", model_upload_expire, { 2 } },
  { 'O', THEME_READER, "open_blob", model_reader_open, { SLOT, NAME } },
  { 'R', THEME_READER, "read", model_reader_read, { SLOT, 7 } },
  { 'K', THEME_READER, "seek", model_reader_seek, { SLOT, 8 } },
  { 'Q', THEME_READER, "close a reader", model_reader_close, { SLOT } },
};
const guint operations_n = G_N_ELEMENTS (operations);

/* ---- The language ---- */

static guint8
sequence_find (guint8 byte)
{
  for (guint i = 0; i < operations_n; i++)
    if (operations[i].letter == (char) byte)
      return (guint8) i;
  return byte % operations_n;
}

/* A digit or small letter is its value in base 36. */
static guint8
sequence_value (guint8 byte, guint8 limit)
{
  if (g_ascii_isdigit (byte))
    byte = (guint8) (byte - '0');
  else if (g_ascii_islower (byte))
    byte = (guint8) (byte - 'a' + 10);
  return byte % limit;
}

void
sequence_read (Sequence *sequence, const guint8 *data, gsize size)
{
  sequence->kind = size > 0 ? data[0] : 'm';
  sequence->n = 0;
  for (gsize at = 1; at < size && sequence->n < STEPS_MOST;)
    {
      guint8 byte = data[at++];
      if (g_ascii_isspace (byte))
        continue;
      Step *step = &sequence->steps[sequence->n++];
      *step = (Step){ .operation = sequence_find (byte) };
      const guint8 *limits = operations[step->operation].limits;
      for (guint i = 0; limits[i] != 0 && at < size; i++)
        step->draws[i] = sequence_value (data[at++], limits[i]);
    }
}

gsize
sequence_write (const Sequence *sequence, guint8 *data, gsize room)
{
  gsize size = 0;
  if (room == 0)
    return 0;
  data[size++] = sequence->kind;
  for (guint n = 0; n < sequence->n && room - size >= MODEL_DRAWS + 2; n++)
    {
      const Step *step = &sequence->steps[n];
      const Operation *operation = &operations[step->operation];
      if (n > 0)
        data[size++] = ' ';
      data[size++] = (guint8) operation->letter;
      for (guint i = 0; operation->limits[i] != 0; i++)
        data[size++] = (guint8) "0123456789abcdefghijklmnopqrstuvwxyz"[step->draws[i]];
    }
  return size;
}

/* ---- What happened to each object ---- */

#define HISTORY_COUNTERS 65536
#define HISTORY_OBJECTS (THEMES * MODEL_NAMES)

/* libFuzzer finds it by the name of its section, and clears it before each input. */
static guint8 history_counters[HISTORY_COUNTERS]
    __attribute__ ((section ("__libfuzzer_extra_counters"), used));

typedef struct
{
  guint8 last[HISTORY_OBJECTS][2]; /* operations, one more than their places */
} History;

static void
history_count (History *history, const Model *model, guint object, guint8 operation)
{
  guint8 *last = history->last[object];
  guint32 event = ((last[0] * 41u + last[1]) * 41u + operation) * 4u +
                  (model->has_failed ? 2u : 0u) + (model->is_persistent ? 1u : 0u);

  history_counters[event * 2654435761u >> 16] = 1;
  last[0] = last[1];
  last[1] = (guint8) (operation + 1);
}

/* A store that was closed and opened is news for all that it holds. */
static void
history_add (History *history, const Model *model, const Step *step)
{
  const Operation *operation = &operations[step->operation];

  if (operation->run != model_reopen)
    history_count (history, model, operation->theme * MODEL_NAMES + step->draws[0],
                   step->operation);
  else
    for (guint i = 0; i < HISTORY_OBJECTS; i++)
      if (history->last[i][1] != 0)
        history_count (history, model, i, step->operation);
}

/* ---- Running ---- */

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static gboolean is_known, counts;
  Sequence sequence;
  Model model;
  History history = { 0 };
  if (size == 0)
    return 0;
  if (!is_known)
    counts = g_getenv ("FUZZ_CODE_ONLY") == NULL;
  is_known = TRUE;

  sequence_read (&sequence, data, size);
  model_open (&model, sequence.kind);
  for (guint n = 0; n < sequence.n; n++)
    {
      const Step *step = &sequence.steps[n];
      const Operation *operation = &operations[step->operation];
      model_begin (&model, operation->name, operation->limits, step->draws);
      operation->run (&model);
      if (counts)
        history_add (&history, &model, step);
    }
  model_close (&model);
  return 0;
}

/* Most of the time went into pages of the sanitizer's own that were given back to the
 * system and fetched again. */
const char *
__asan_default_options (void)
{
  return "clear_shadow_mmap_threshold=1000000000:allocator_release_to_os_interval_ms=-1:"
         "quarantine_size_mb=16";
}
