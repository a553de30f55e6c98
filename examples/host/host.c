/* SPDX-License-Identifier: Apache-2.0
 *
 * host.c: a file on its way into a store and back, under a main loop.
 *
 *   ./host CONFIG FILE [FIRST-LAST…]
 *   ./host fs:/srv/blobs disk.img 0-15 4096-8191
 *
 * Stores FILE by stream, whatever its size, and shows how far it is; Ctrl-C cancels, and
 * nothing is left of it. Then the ranges are read back from one open blob and written to
 * standard output. */
#include <cask/cask.h>
#include <errno.h>
#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

/* What is asked for is held in memory. */
#define HOST_RANGE_MAXIMUM (64 * 1024 * 1024)

/* Both inclusive. */
typedef struct
{
  guint64 first;
  guint64 last;
} HostRange;

typedef struct
{
  GMainLoop *loop;
  GCancellable *cancellable;
  GError *error;           /* the first; once it is set, nothing new begins */
  const HostRange *ranges; /* those left to be read */
  int n_ranges;
  GFile *file;
  CaskStore *store;
  GInputStream *source;
  CaskUpload *upload;
  CaskInputStream *blob;
} Host;

/* Every step ends here where it failed, and the last one where it did not. */
static void
host_end (Host *host)
{
  g_main_loop_quit (host->loop);
}

/* ---- 4. Back again, by ranges ---- */

static void host_read_next (Host *host);

/* What was read and not delivered is a failure: a full disk is no success. */
static gboolean
host_write (GBytes *bytes, GError **error)
{
  gsize size = g_bytes_get_size (bytes);
  if (fwrite (g_bytes_get_data (bytes, NULL), 1, size, stdout) == size &&
      fflush (stdout) == 0)
    return TRUE;
  int code = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "standard output: %s",
               g_strerror (code));
  return FALSE;
}

static void
host_range_read (GObject *blob, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (blob), result, &host->error);
  if (bytes == NULL || !host_write (bytes, &host->error))
    host_end (host);
  else
    host_read_next (host);
}

/* A seek only moves: the read that follows does not block either. */
static void
host_read_next (Host *host)
{
  if (host->n_ranges == 0)
    {
      host_end (host);
      return;
    }
  const HostRange *range = host->ranges++;
  host->n_ranges--;
  if (!g_seekable_seek (G_SEEKABLE (host->blob), (goffset) range->first, G_SEEK_SET, NULL,
                        &host->error))
    host_end (host);
  else
    g_input_stream_read_bytes_async (G_INPUT_STREAM (host->blob),
                                     range->last - range->first + 1, G_PRIORITY_DEFAULT,
                                     host->cancellable, host_range_read, host);
}

static void
host_blob_opened (GObject *store, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  host->blob = cask_store_open_blob_finish (CASK_STORE (store), result, &host->error);
  if (host->blob == NULL)
    host_end (host);
  else
    host_read_next (host);
}

/* ---- 3. The commit ---- */

static void
host_committed (GObject *upload, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  CaskDigest digest;
  gboolean created;
  if (!cask_upload_commit_finish (CASK_UPLOAD (upload), result, &digest, &created,
                                  &host->error))
    {
      host_end (host);
      return;
    }
  char text[CASK_DIGEST_TEXT_SIZE];
  g_printerr ("\r%s %s, %" G_GUINT64_FORMAT " bytes\n", cask_digest_write (&digest, text),
              created ? "created" : "exists", cask_upload_get_offset (host->upload));
  cask_store_open_blob_async (host->store, &digest, G_PRIORITY_DEFAULT, host->cancellable,
                              host_blob_opened, host);
}

/* ---- 2. The upload ---- */

static gboolean
host_show_progress (gpointer data)
{
  Host *host = data;
  if (host->upload != NULL && host->blob == NULL)
    g_printerr ("\r%" G_GUINT64_FORMAT " MiB ",
                cask_upload_get_offset (host->upload) >> 20);
  return G_SOURCE_CONTINUE;
}

static void
host_spliced (GObject *upload, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (upload), result, &host->error) < 0)
    host_end (host);
  else
    cask_upload_commit_async (host->upload, NULL, G_PRIORITY_DEFAULT, host->cancellable,
                              host_committed, host);
}

static void
host_begun (GObject *store, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  host->upload =
      cask_store_begin_upload_finish (CASK_STORE (store), result, &host->error);
  if (host->upload == NULL)
    host_end (host);
  else
    g_output_stream_splice_async (G_OUTPUT_STREAM (host->upload), host->source,
                                  G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE, G_PRIORITY_DEFAULT,
                                  host->cancellable, host_spliced, host);
}

/* ---- 1. The store and the file ---- */

static void
host_file_opened (GObject *file, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  host->source =
      G_INPUT_STREAM (g_file_read_finish (G_FILE (file), result, &host->error));
  if (host->source == NULL)
    host_end (host);
  else
    cask_store_begin_upload_async (host->store, NULL, CASK_ALGORITHM_SHA256, CASK_UNKNOWN,
                                   CASK_PUT_NONE, G_PRIORITY_DEFAULT, host->cancellable,
                                   host_begun, host);
}

static void
host_opened (GObject *nothing, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  (void) nothing;
  host->store = cask_store_open_finish (result, &host->error);
  if (host->store == NULL)
    host_end (host);
  else
    g_file_read_async (host->file, G_PRIORITY_DEFAULT, host->cancellable,
                       host_file_opened, host);
}

/* The operation under way ends with CANCELLED, and its callback ends the loop. */
static gboolean
host_interrupted (gpointer data)
{
  Host *host = data;
  g_cancellable_cancel (host->cancellable);
  return G_SOURCE_CONTINUE;
}

/* ---- Before all that, and after it ---- */

static gboolean
host_parse_range (const char *text, HostRange *range)
{
  g_auto (GStrv) ends = g_strsplit (text, "-", 2);
  return g_strv_length (ends) == 2 &&
         g_ascii_string_to_unsigned (ends[0], 10, 0, G_MAXINT64, &range->first, NULL) &&
         g_ascii_string_to_unsigned (ends[1], 10, range->first, G_MAXINT64, &range->last,
                                     NULL) &&
         range->last - range->first < HOST_RANGE_MAXIMUM;
}

/* Before anything is opened: a typo must not cost an upload.
 *
 * Returns: (nullable) (transfer full): as many as texts */
static HostRange *
host_parse_ranges (char **texts)
{
  g_autofree HostRange *ranges = g_new (HostRange, g_strv_length (texts) + 1);
  for (int i = 0; texts[i] != NULL; i++)
    if (!host_parse_range (texts[i], &ranges[i]))
      {
        g_printerr ("host: '%s': FIRST-LAST expected, of 64 MiB at most\n", texts[i]);
        return NULL;
      }
  return g_steal_pointer (&ranges);
}

/* An upload that is dropped is aborted in the background, and the end of the process
 * would not wait for that; this does. So does the close, for whatever is left. */
static void
host_clean_up (Host *host)
{
  if (host->upload != NULL && host->blob == NULL)
    cask_upload_abort (host->upload, NULL, NULL);
  g_clear_object (&host->upload);
  g_clear_object (&host->blob);
  g_clear_object (&host->source);
  if (host->store != NULL)
    cask_store_close (host->store, NULL, NULL);
  g_clear_object (&host->store);
  g_object_unref (host->file);
  g_object_unref (host->cancellable);
  g_main_loop_unref (host->loop);
}

int
main (int argc, char **argv)
{
  /* Else GLib takes the terminal for one of ASCII, and every other letter of a name in a
   * message becomes a question mark. */
  setlocale (LC_ALL, "");
  if (argc < 3)
    {
      g_printerr ("usage: host CONFIG FILE [FIRST-LAST…]\n");
      return 2;
    }
  g_autofree HostRange *ranges = host_parse_ranges (argv + 3);
  if (ranges == NULL)
    return 2;
  Host host = { .loop = g_main_loop_new (NULL, FALSE),
                .cancellable = g_cancellable_new (),
                .file = g_file_new_for_commandline_arg (argv[2]),
                .ranges = ranges,
                .n_ranges = argc - 3 };
  g_unix_signal_add (SIGINT, host_interrupted, &host);
  if (isatty (STDERR_FILENO))
    g_timeout_add (200, host_show_progress, &host);
  cask_store_open_async (argv[1], G_PRIORITY_DEFAULT, host.cancellable, host_opened,
                         &host);
  g_main_loop_run (host.loop);

  host_clean_up (&host);
  if (host.error == NULL)
    return 0;
  g_printerr ("\rhost: %s\n", host.error->message);
  g_error_free (host.error);
  return 1;
}
