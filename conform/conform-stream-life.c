/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-stream-life.c: streams beside everything else: GIO's helpers, deletes,
 * cancellation, the end of the store, other threads, a fork, and memory. */
#include "conform-stream.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFE_SIZE 900000

static void
test_delete_while_reading (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (220, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  guint8 start[10];
  gboolean existed = FALSE;
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  CONFORM_EQUAL (stream_read (c, stream, start, 10, NULL, &error), 10);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (c->calls->remove (c->store, &digest, &existed, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (existed);
  g_autoptr (GByteArray) rest = stream_drain (c, stream, 30000, &error);
  CONFORM_TRUE (rest->len <= LIFE_SIZE - 10);
  CONFORM_EQUAL (memcmp (rest->data,
                         (const guint8 *) g_bytes_get_data (source, NULL) + 10,
                         rest->len),
                 0);
  if (c->capabilities & CASK_CAPABILITY_READS_OUTLIVE_REMOVE)
    CONFORM_NO_ERROR (error);
  if (error != NULL)
    CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_GONE, NULL);
  else
    CONFORM_TRUE (rest->len == LIFE_SIZE - 10 && cask_input_stream_is_verified (stream));
  CONFORM_NULL (stream_open (c, &digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_NOT_FOUND, NULL);
}

static void
test_closed_store (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (221, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  g_autoptr (CaskInputStream) dropped = stream_open_well (c, &digest);
  if (stream == NULL || dropped == NULL)
    return;
  CONFORM_TRUE (c->calls->close (c->store, NULL, &error));
  CONFORM_NO_ERROR (error);
  CONFORM_NULL (stream_open (c, &digest, NULL, &error));
  CONFORM_ERROR (error, CASK_ERROR, CASK_ERROR_CLOSED, NULL);
  stream_expect_rest (c, stream, source, 0, 40000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
  CONFORM_TRUE (stream_close (c, stream, &error));
  CONFORM_NO_ERROR (error);
  guint8 byte;
  CONFORM_EQUAL (stream_read (c, stream, &byte, 1, NULL, &error), -1);
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CLOSED, NULL);
}

/* The stream is the last that holds the store. */
static void
test_dropped_store (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (222, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  g_clear_object (&c->store);
  stream_expect_rest (c, stream, source, 0, 40000);
}

static void
test_cancelled (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GBytes) source = conform_bytes (223, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  guint8 buffer[100];
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  g_cancellable_cancel (cancelled);
  CONFORM_NULL (stream_open (c, &digest, cancelled, &error));
  CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  /* Before the first read, and where the buffer has the bytes already. */
  for (goffset at = 0; at <= 100; at += 100)
    {
      CONFORM_EQUAL (stream_read (c, stream, buffer, 100, cancelled, &error), -1);
      CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
      CONFORM_EQUAL (stream_skip (c, stream, 100, cancelled, &error), -1);
      CONFORM_ERROR (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
      CONFORM_EQUAL (g_seekable_tell (G_SEEKABLE (stream)), at);
      CONFORM_EQUAL (stream_read (c, stream, buffer, 100, NULL, &error), 100);
      CONFORM_NO_ERROR (error);
    }
  stream_expect_rest (c, stream, source, 200, 30000);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

/* ---- GIO's helpers ---- */

static void
test_splice (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (224, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  g_autoptr (GOutputStream) output = g_memory_output_stream_new_resizable ();
  if (stream == NULL)
    return;
  CONFORM_EQUAL (stream_splice (c, output, stream,
                                G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE |
                                    G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                &error),
                 LIFE_SIZE);
  CONFORM_NO_ERROR (error);
  g_autoptr (GBytes) copy =
      g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (output));
  CONFORM_BYTES (copy, source, "the stream");
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
  CONFORM_TRUE (g_input_stream_is_closed (G_INPUT_STREAM (stream)));
}

typedef struct
{
  GBytes *bytes;
  guint8 *buffer;
  gsize n_read;
  guint n_done;
} Helped;

static void
helped_bytes (GObject *source, GAsyncResult *result, gpointer data)
{
  Helped *helped = data;
  helped->bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  helped->n_done++;
}

static void
helped_all (GObject *source, GAsyncResult *result, gpointer data)
{
  Helped *helped = data;
  CONFORM_TRUE (g_input_stream_read_all_finish (G_INPUT_STREAM (source), result,
                                                &helped->n_read, NULL));
  helped->n_done++;
}

static void
test_helpers (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (225, LIFE_SIZE);
  const guint8 *data = g_bytes_get_data (source, NULL);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  g_autofree guint8 *buffer = g_malloc (LIFE_SIZE);
  Helped helped = { 0 };
  if (stream == NULL)
    return;
  g_input_stream_read_bytes_async (G_INPUT_STREAM (stream), 5000, 0, NULL, helped_bytes,
                                   &helped);
  while (helped.n_done < 1)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_TRUE (helped.bytes != NULL && g_bytes_get_size (helped.bytes) == 5000 &&
                memcmp (g_bytes_get_data (helped.bytes, NULL), data, 5000) == 0);
  g_input_stream_read_all_async (G_INPUT_STREAM (stream), buffer, LIFE_SIZE, 0, NULL,
                                 helped_all, &helped);
  while (helped.n_done < 2)
    g_main_context_iteration (NULL, TRUE);
  CONFORM_EQUAL (helped.n_read, LIFE_SIZE - 5000);
  CONFORM_EQUAL (memcmp (buffer, data + 5000, LIFE_SIZE - 5000), 0);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
  g_clear_pointer (&helped.bytes, g_bytes_unref);
}

static void
test_filters (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) lines = g_string_new (NULL);
  for (guint i = 0; i < 60000; i++)
    g_string_append_printf (lines, "line %u\n", i);
  g_autoptr (GBytes) source = g_bytes_new (lines->str, lines->len);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  g_autoptr (GDataInputStream) text = g_data_input_stream_new (G_INPUT_STREAM (stream));
  g_buffered_input_stream_set_buffer_size (G_BUFFERED_INPUT_STREAM (text), 100000);
  guint n_right = 0;
  for (guint i = 0; i < 60000; i++)
    {
      g_autofree char *line = g_data_input_stream_read_line (text, NULL, NULL, &error);
      g_autofree char *due = g_strdup_printf ("line %u", i);
      n_right += g_strcmp0 (line, due) == 0;
    }
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (n_right, 60000);
  CONFORM_TRUE (g_seekable_seek (G_SEEKABLE (text), 0, G_SEEK_SET, NULL, &error));
  g_autofree char *first = g_data_input_stream_read_line (text, NULL, NULL, &error);
  CONFORM_TRUE (g_strcmp0 (first, "line 0") == 0);
  CONFORM_NO_ERROR (error);
}

/* ---- Crowds, a fork, memory ---- */

typedef struct
{
  Conform *c;
  CaskDigest digest;
  GBytes *source;
} Readers;

static void
readers_thread (gpointer data, guint index)
{
  Readers *readers = data;
  g_autoptr (GError) error = NULL;
  const guint8 *bytes = g_bytes_get_data (readers->source, NULL);
  g_autofree guint8 *buffer = g_malloc (100000);
  g_autoptr (CaskInputStream) stream =
      cask_store_open_blob (readers->c->store, &readers->digest, NULL, &error);
  gsize at = 0;
  gssize n = 0;

  if (!CONFORM_OK (stream != NULL, error))
    return;
  while ((n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, 1000 + index * 6000,
                                   NULL, &error)) > 0)
    {
      CONFORM_TRUE (memcmp (buffer, bytes + at, (gsize) n) == 0);
      at += (gsize) n;
    }
  CONFORM_OK (n == 0 && at == LIFE_SIZE, error);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
}

static void
test_many_readers (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GBytes) source = conform_bytes (226, LIFE_SIZE);
  Readers readers = { .c = c, .source = source };
  readers.digest = conform_put (c, source, NULL);
  conform_run_threads (16, readers_thread, &readers);
}

static int
fork_read (Conform *c, CaskInputStream *stream)
{
  g_autoptr (GError) error = NULL;
  guint8 byte;

  alarm (20);
  /* One byte that the buffer has, one that it has not, and a skip. */
  if (stream_read (c, stream, &byte, 1, NULL, &error) != -1 ||
      !g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED))
    return 1;
  g_clear_error (&error);
  g_seekable_seek (G_SEEKABLE (stream), LIFE_SIZE / 2, G_SEEK_SET, NULL, NULL);
  if (stream_read (c, stream, &byte, 1, NULL, &error) != -1 ||
      !g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED))
    return 2;
  g_clear_error (&error);
  if (stream_skip (c, stream, 1, NULL, &error) != -1 ||
      !g_error_matches (error, CASK_ERROR, CASK_ERROR_CLOSED))
    return 3;
  g_object_unref (stream);
  return 0;
}

static void
test_fork (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (227, LIFE_SIZE);
  CaskDigest digest = conform_put (c, source, NULL);
  guint8 byte;
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  if (stream == NULL)
    return;
  CONFORM_EQUAL (stream_read (c, stream, &byte, 1, NULL, &error), 1);
  pid_t child = fork ();
  if (child == 0)
    _exit (fork_read (c, stream));
  int status = -1;
  CONFORM_EQUAL (waitpid (child, &status, 0), child);
  CONFORM_EQUAL (status, 0);
  stream_expect_rest (c, stream, source, 1, 50000);
}

/* The peak since the last call, and what is resident now, in bytes. */
static gboolean
memory_reset (gsize *now)
{
  unsigned long size, resident;
  g_autofree char *text = NULL;

  if (!g_file_set_contents_full ("/proc/self/clear_refs", "5", 1,
                                 G_FILE_SET_CONTENTS_NONE, 0644, NULL) ||
      !g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) ||
      sscanf (text, "%lu %lu", &size, &resident) != 2)
    return FALSE;
  *now = resident * (gsize) sysconf (_SC_PAGESIZE);
  return TRUE;
}

static gsize
memory_peak (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return G_MAXSIZE;
  const char *line = strstr (text, "VmHWM:");
  return line != NULL ? g_ascii_strtoull (line + 6, NULL, 10) * 1024 : G_MAXSIZE;
}

static void
test_memory (void)
{
  g_autoptr (Conform) c = conform_open_with (CASK_CAPABILITY_WRITE, "verify=always");
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) source = conform_bytes (228, 64u << 20);
  CaskDigest digest = conform_put (c, source, NULL);
  g_autoptr (CaskInputStream) stream = stream_open_well (c, &digest);
  g_autofree guint8 *buffer = g_malloc (2 << 20);
  gsize base, n_total = 0;
  gssize n;
  g_clear_pointer (&source, g_bytes_unref);
  memset (buffer, 1, 2 << 20);
  if (stream == NULL || !memory_reset (&base))
    {
      conform_skip ("this kernel does not tell the peak of a process' memory");
      return;
    }
  for (guint i = 0; (n = stream_read (c, stream, buffer, i % 16 == 0 ? 2 << 20 : 65536,
                                      NULL, &error)) > 0;
       i++)
    n_total += (gsize) n;
  CONFORM_NO_ERROR (error);
  CONFORM_EQUAL (n_total, 64u << 20);
  CONFORM_TRUE (cask_input_stream_is_verified (stream));
  CONFORM_TRUE (memory_peak () < base + (16u << 20));
}

const ConformCase conform_stream_life_tests[] = {
  { "C71 a delete while a stream reads: all the bytes, or GONE where announced so",
    test_delete_while_reading },
  { "S5 a stream reads on when the store has been closed", test_closed_store },
  { "C95 a stream reads on when nobody else holds the store", test_dropped_store },
  { "C67 a cancelled read is CANCELLED and leaves the position", test_cancelled },
  { "a stream is spliced into another, and verified on the way", test_splice },
  { "read_bytes_async and read_all_async of a stream", test_helpers },
  { "lines of a blob by GDataInputStream, and again after a seek", test_filters },
  { "C63 16 streams of one blob in 16 threads", test_many_readers },
  { "C96 S17 a stream in a forked child is CLOSED, and nothing hangs", test_fork },
  { "C12 S11 a stream of 64 MiB is read in little memory", test_memory },
  CONFORM_CASES_END
};
