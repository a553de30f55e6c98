/* SPDX-License-Identifier: Apache-2.0
 *
 * command-put.c: `cask put`: files and standard input become blobs.
 *
 * What fits one buffer is read whole and put at once; anything larger, or of unknown
 * size, goes through an upload, piece by piece, in the same memory.
 *
 * Failure modes: a file that cannot be read or stored is reported and leaves nothing, the
 * others go on, and the exit status is 3. After a signal none goes on. */

#include "tools-private.h"
#include "output.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  ToolCall *call;
  CaskAlgorithm algorithm;
  CaskPutFlags flags;
  gboolean listed; /* names come from a list, where '-' is a file like others */
  char *buffer;    /* SOURCE_SMALL bytes */
} Put;

/* count: bytes of the source that the buffer holds already. An upload that is dropped
 * before its commit is undone. */
static gboolean
put_upload (Put *put, Source *source, gsize count, CaskDigest *digest, gboolean *created,
            GError **error)
{
  GCancellable *cancellable = put->call->cancellable;
  g_autoptr (CaskUpload) upload =
      cask_store_begin_upload (put->call->store, NULL, put->algorithm, source->size,
                               put->flags, cancellable, error);
  if (!upload)
    return FALSE;
  while (count > 0)
    {
      if (!g_output_stream_write_all (G_OUTPUT_STREAM (upload), put->buffer, count, NULL,
                                      cancellable, error) ||
          !source_fill (source, put->buffer, SOURCE_SMALL, &count, cancellable, error))
        return FALSE;
    }
  return cask_upload_commit (upload, NULL, digest, created, cancellable, error);
}

static gboolean
put_source (Put *put, Source *source, CaskDigest *digest, gboolean *created,
            GError **error)
{
  GCancellable *cancellable = put->call->cancellable;
  gsize count;
  if (!source_fill (source, put->buffer, SOURCE_SMALL, &count, cancellable, error))
    return FALSE;
  if (count == SOURCE_SMALL)
    return put_upload (put, source, count, digest, created, error);
  g_autoptr (GBytes) bytes = g_bytes_new (put->buffer, count);
  return cask_store_add (put->call->store, bytes, put->algorithm, put->flags, digest,
                         created, cancellable, error);
}

/* Returns: FALSE where nothing more is to be put: after a signal, and where standard
 * output is gone, so that nobody would learn the digests. */
static gboolean
put_file (Put *put, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Source) source = source_new (name, !put->listed, "storing", &error);
  CaskDigest digest;
  gboolean created;
  if (!source || !put_source (put, source, &digest, &created, &error))
    return tool_add_file_error (put->call, name, error);
  char text[CASK_DIGEST_TEXT_SIZE];
  g_autofree char *plain = output_escape (name);
  return output_print ("%s %s %s\n", cask_digest_write (&digest, text),
                       created ? "created" : "exists", plain);
}

/* Reads the next name, which may be empty.
 *
 * Returns: (transfer full) (nullable): NULL at the end too, then without an error */
static char *
put_next_name (GDataInputStream *list, char separator, GCancellable *cancellable,
               GError **error)
{
  g_autoptr (GError) failure = NULL;
  gsize length = 0;
  g_autofree char *name =
      g_data_input_stream_read_upto (list, &separator, 1, &length, cancellable, &failure);
  if (!failure && name && strlen (name) != length)
    g_set_error_literal (&failure, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "holds a NUL: are its names separated by it (-0)?");
  if (failure)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  /* The separator itself, unless the list ends without one; a failure of the list comes
   * up again with the next name. */
  if (name)
    g_data_input_stream_read_byte (list, cancellable, NULL);
  return g_steal_pointer (&name);
}

static void
put_listed (Put *put, int fd, char separator, GError **error)
{
  g_autoptr (GInputStream) base = g_unix_input_stream_new (fd, FALSE);
  g_autoptr (GDataInputStream) list = g_data_input_stream_new (base);
  GCancellable *cancellable = put->call->cancellable;
  for (;;)
    {
      g_autofree char *name = put_next_name (list, separator, cancellable, error);
      if (!name || (*name && !put_file (put, name)))
        return;
    }
}

static void
put_list_file (Put *put, const char *list_name, gboolean nul)
{
  put->listed = TRUE;
  gboolean owned = strcmp (list_name, "-") != 0;
  int fd = owned ? open (list_name, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
  int code = errno;
  g_autoptr (GError) error = NULL;
  if (fd < 0)
    g_set_error_literal (&error, G_IO_ERROR, g_io_error_from_errno (code),
                         g_strerror (code));
  else
    put_listed (put, fd, nul ? '\0' : '\n', &error);
  if (fd >= 0 && owned)
    close (fd);
  if (error)
    tool_add_file_error (put->call, list_name, error);
}

static void
put_run (Put *put, const char *list_name, gboolean nul)
{
  g_autofree char *buffer = g_malloc (SOURCE_SMALL);
  put->buffer = buffer;
  tool_watch_signals (put->call);
  for (guint i = 0; i < put->call->n_operands; i++)
    if (!put_file (put, put->call->operands[i]))
      return;
  if (list_name)
    put_list_file (put, list_name, nul);
}

ToolStatus
command_put (ToolCall *call)
{
  Put put = { .call = call, .algorithm = CASK_ALGORITHM_SHA256 };
  g_autofree char *algorithm = NULL, *list_name = NULL;
  gboolean verify_existing = FALSE, nul = FALSE;
  const GOptionEntry entries[] = {
    { "algorithm", 'a', 0, G_OPTION_ARG_FILENAME, &algorithm,
      "Hash by sha256 (default) or sha512", "ALGORITHM" },
    { "verify-existing", 0, 0, G_OPTION_ARG_NONE, &verify_existing,
      "Store anew what is there, which may be damaged", NULL },
    { "files-from", 0, 0, G_OPTION_ARG_FILENAME, &list_name,
      "Put the files named in LIST too, one a line; '-' is standard input", "LIST" },
    { "null", '0', 0, G_OPTION_ARG_NONE, &nul, "The names in LIST end in NUL", NULL },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, G_MAXUINT))
    return call->status;
  if (call->n_operands == 0 && !list_name)
    return tool_usage (call, "FILE or '-' expected");
  if (nul && !list_name)
    return tool_usage (call, "-0 is about --files-from, which is missing");

  g_autoptr (GError) error = NULL;
  if (algorithm && !cask_algorithm_parse (algorithm, &put.algorithm, &error))
    return tool_usage (call, "%s", error->message);
  put.flags = verify_existing ? CASK_PUT_VERIFY_EXISTING : CASK_PUT_NONE;
  if (tool_open (call, TOOL_WRITE))
    put_run (&put, list_name, nul);
  return call->status;
}
