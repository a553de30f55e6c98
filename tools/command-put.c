/* SPDX-License-Identifier: Apache-2.0
 *
 * command-put.c: `cask put`: files and standard input become blobs.
 *
 * A file is read into memory, not mapped: one that is truncated while it is mapped kills
 * the process. What was read is what is hashed and stored, whatever becomes of the file.
 *
 * Failure modes: a file that cannot be read or stored is reported, the others go on, and
 * the exit status is 3. */

#include "tools-private.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUT_ROOM_MINIMUM ((gsize) 64 * 1024)

typedef struct
{
  ToolCall *call;
  CaskAlgorithm algorithm;
  CaskPutFlags flags;
  gboolean listed; /* names come from a list, where '-' is a file like others */
} Put;

static void
put_set_errno (GError **error, const char *what)
{
  int code = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s%s", what,
               g_strerror (code));
}

/* Makes room for at least one more byte; the size of a file is only a hint. */
static gboolean
put_grow (char **buffer, gsize used, gsize *room, GError **error)
{
  if (used < *room)
    return TRUE;
  gsize wanted = *room > G_MAXSSIZE / 2 ? 0 : MAX (*room * 2, PUT_ROOM_MINIMUM);
  char *grown = wanted ? g_try_realloc (*buffer, wanted) : NULL;
  if (!grown)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   "no memory to read past %" G_GSIZE_FORMAT " bytes", used);
      return FALSE;
    }
  *buffer = grown;
  *room = wanted;
  return TRUE;
}

static GBytes *
put_read (int fd, guint64 size_hint, GError **error)
{
  /* One byte more than the hint, so that the end is seen without growing. */
  gsize room = size_hint < G_MAXSSIZE / 2 ? (gsize) size_hint + 1 : PUT_ROOM_MINIMUM;
  g_autofree char *buffer = g_try_malloc (room);
  if (!buffer)
    room = 0;
  gsize used = 0;
  for (;;)
    {
      if (!put_grow (&buffer, used, &room, error))
        return NULL;
      gssize count = read (fd, buffer + used, room - used);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        {
          put_set_errno (error, "");
          return NULL;
        }
      if (count == 0)
        return g_bytes_new_take (g_steal_pointer (&buffer), used);
      used += (gsize) count;
    }
}

static GBytes *
put_read_open_file (int fd, GError **error)
{
  struct stat status;
  if (fstat (fd, &status) != 0)
    {
      put_set_errno (error, "");
      return NULL;
    }
  if (S_ISDIR (status.st_mode))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                           "is a directory: put takes files");
      return NULL;
    }
  return put_read (fd, S_ISREG (status.st_mode) ? (guint64) status.st_size : 0, error);
}

static GBytes *
put_read_file (const Put *put, const char *name, GError **error)
{
  if (!put->listed && strcmp (name, "-") == 0)
    return put_read_open_file (STDIN_FILENO, error);
  int fd = open (name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    {
      put_set_errno (error, "");
      return NULL;
    }
  GBytes *bytes = put_read_open_file (fd, error);
  close (fd);
  return bytes;
}

/* Returns: FALSE where standard output is gone: nobody would learn the digests. */
static gboolean
put_file (Put *put, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = put_read_file (put, name, &error);
  if (!bytes)
    {
      output_error ("%s: %s", name, error->message);
      tool_add_status (put->call, TOOL_FAILED);
      return TRUE;
    }
  CaskDigest digest;
  gboolean created;
  if (!cask_store_add (put->call->store, bytes, put->algorithm, put->flags, &digest,
                       &created, NULL, &error))
    {
      output_error ("%s: %s", name, error->message);
      tool_add_status (put->call, TOOL_FAILED);
      return TRUE;
    }
  char text[CASK_DIGEST_TEXT_SIZE];
  g_autofree char *plain = output_escape (name);
  return output_print ("%s %s %s\n", cask_digest_write (&digest, text),
                       created ? "created" : "exists", plain);
}

static gboolean
put_listed (Put *put, FILE *list, char separator, GError **error)
{
  g_autofree char *name = NULL;
  size_t room = 0;
  for (;;)
    {
      errno = 0;
      gssize length = getdelim (&name, &room, separator, list);
      if (length < 0 && feof (list))
        return TRUE;
      if (length < 0)
        {
          put_set_errno (error, "");
          return FALSE;
        }
      if (name[length - 1] == separator)
        name[--length] = '\0';
      if (strlen (name) != (gsize) length)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                               "holds a NUL: are its names separated by it (-0)?");
          return FALSE;
        }
      if (length > 0 && !put_file (put, name))
        return TRUE;
    }
}

static void
put_list_file (Put *put, const char *list_name, gboolean nul)
{
  put->listed = TRUE;
  FILE *list = strcmp (list_name, "-") == 0 ? stdin : fopen (list_name, "re");
  g_autoptr (GError) error = NULL;
  if (!list)
    put_set_errno (&error, "");
  else
    put_listed (put, list, nul ? '\0' : '\n', &error);
  if (list && list != stdin)
    fclose (list);
  if (error)
    {
      output_error ("%s: %s", list_name, error->message);
      tool_add_status (put->call, TOOL_FAILED);
    }
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
  if (!tool_open (call, TOOL_WRITE))
    return call->status;
  for (guint i = 0; i < call->n_operands; i++)
    if (!put_file (&put, call->operands[i]))
      return call->status;
  if (list_name)
    put_list_file (&put, list_name, nul);
  return call->status;
}
