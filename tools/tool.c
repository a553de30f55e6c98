/* SPDX-License-Identifier: Apache-2.0
 *
 * tool.c: what the commands share: options, operands, the store, and the exit status. */

#include "tools-private.h"
#include "output.h"
#include "reading.h"

#include <signal.h>
#include <string.h>

void
tool_add_status (ToolCall *call, ToolStatus status)
{
  call->status = MAX (call->status, status);
}

static ToolStatus
tool_status_of (const GError *error)
{
  if (error->domain != CASK_ERROR)
    return TOOL_FAILED;
  switch (error->code)
    {
    case CASK_ERROR_NOT_FOUND:
      return TOOL_ABSENT;
    case CASK_ERROR_INVALID_CONFIG:
    case CASK_ERROR_INVALID_DIGEST:
    case CASK_ERROR_PLUGIN_NOT_FOUND:
      return TOOL_USAGE;
    default:
      return TOOL_FAILED;
    }
}

static gboolean
tool_was_interrupted (ToolCall *call, const GError *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return FALSE;
  output_error ("%s: interrupted", call->command->name);
  tool_add_status (call, TOOL_FAILED);
  return TRUE;
}

/* Says what went wrong and lets it count; the command may go on with the next item. */
ToolStatus
tool_add_error (ToolCall *call, const GError *error)
{
  if (tool_was_interrupted (call, error))
    return call->status;
  output_error ("%s", error->message);
  tool_add_status (call, tool_status_of (error));
  return call->status;
}

/* The same for what was on its way from a file or a pipe: whatever the reason, it is a
 * failure.
 *
 * Returns: FALSE where the command is not to go on with the next file */
gboolean
tool_add_file_error (ToolCall *call, const char *name, const GError *error)
{
  if (tool_was_interrupted (call, error))
    return FALSE;
  output_error ("%s: %s", name, error->message);
  tool_add_status (call, TOOL_FAILED);
  return TRUE;
}

ToolStatus
tool_usage (ToolCall *call, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  output_error ("%s: %s (see 'cask %s --help')", call->command->name, message,
                call->command->name);
  tool_add_status (call, TOOL_USAGE);
  return call->status;
}

static gboolean
tool_check_operands (ToolCall *call, guint min_operands, guint max_operands)
{
  if (call->n_operands < min_operands)
    tool_usage (call, "%s expected", call->command->operands);
  else if (call->n_operands > max_operands)
    tool_usage (call, "one argument too many: '%s'", call->operands[max_operands]);
  return call->status == TOOL_DONE;
}

static GOptionContext *
tool_option_context (ToolCall *call, const GOptionEntry *entries)
{
  g_autofree char *usage = g_strdup_printf ("- %s", call->command->summary);
  GOptionContext *context = g_option_context_new (usage);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (call->command->description)
    g_option_context_set_description (context, call->command->description);
  return context;
}

/* Parses what follows the command's name. GLib's own --help prints past output.c and
 * leaves the process, so help is an option like others here.
 *
 * Returns: FALSE where the command is to return call->status at once. */
gboolean
tool_parse (ToolCall *call, const GOptionEntry *entries, guint min_operands,
            guint max_operands)
{
  gboolean help = FALSE;
  const char *operands = *call->command->operands ? call->command->operands : NULL;
  const GOptionEntry common[] = { { "help", 'h', 0, G_OPTION_ARG_NONE, &help,
                                    "Show this help", NULL },
                                  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY,
                                    &call->operands, NULL, operands },
                                  G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = tool_option_context (call, entries);
  g_option_context_add_main_entries (context, common, NULL);

  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autofree char *name = g_strdup_printf ("cask %s", call->command->name);
  g_set_prgname (name);
  g_ptr_array_add (arguments, name);
  for (char **argument = call->arguments; *argument; argument++)
    g_ptr_array_add (arguments, *argument);
  int count = (int) arguments->len;
  g_ptr_array_add (arguments, NULL);
  char **vector = (char **) arguments->pdata;

  g_autoptr (GError) error = NULL;
  gboolean parsed = g_option_context_parse (context, &count, &vector, &error);
  if (!call->operands)
    call->operands = g_new0 (char *, 1);
  call->n_operands = g_strv_length (call->operands);
  if (help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);
      output_print ("%s", text);
      return FALSE;
    }
  if (!parsed)
    {
      error->message[0] = g_ascii_tolower (error->message[0]);
      tool_usage (call, "%s", error->message);
      return FALSE;
    }
  return tool_check_operands (call, min_operands, max_operands);
}

/* What is wrong with a config string is found before anything of it is opened; where
 * something was added in the middle, the string as it was given has the byte to name. */
static CaskStore *
tool_open_for_reading (const char *config, GError **error)
{
  g_autofree char *wanted = reading_config (config);
  g_autoptr (GError) failure = NULL;
  CaskStore *store = cask_store_open (wanted, NULL, &failure);
  if (store)
    return store;
  if (strchr (config, '(') && g_str_has_prefix (failure->message, "config string, byte "))
    return cask_store_open (config, NULL, error);
  g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

/* An error of opening counts otherwise than one of a blob: NOT_FOUND says that there is
 * no store, which no script may take for a blob that is absent. */
static void
tool_add_open_error (ToolCall *call, const GError *error)
{
  gboolean wrong = g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG) ||
                   g_error_matches (error, CASK_ERROR, CASK_ERROR_PLUGIN_NOT_FOUND) ||
                   g_error_matches (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID) ||
                   g_error_matches (error, CASK_ERROR, CASK_ERROR_PLUGIN_ABI) ||
                   g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED);
  gboolean missing = g_error_matches (error, CASK_ERROR, CASK_ERROR_NOT_FOUND);
  output_error ("%s%s", error->message, missing ? " (the store does not exist)" : "");
  tool_add_status (call, wrong ? TOOL_USAGE : TOOL_FAILED);
}

CaskStore *
tool_open_store (ToolCall *call, const char *config, ToolAccess access)
{
  g_autoptr (GError) error = NULL;
  CaskStore *store = access == TOOL_READ ? tool_open_for_reading (config, &error)
                                         : cask_store_open (config, NULL, &error);
  if (!store)
    tool_add_open_error (call, error);
  return store;
}

/* Waits for what the store still does, and lets a failure of that count: merely dropping
 * the reference would let the process end before. */
void
tool_close_store (ToolCall *call, CaskStore *store)
{
  g_autoptr (GError) error = NULL;
  if (!cask_store_close (store, NULL, &error))
    tool_add_error (call, error);
  g_object_unref (store);
}

/* Opens the store of -s or $CASK_STORE. */
gboolean
tool_open (ToolCall *call, ToolAccess access)
{
  if (!call->config || !*call->config)
    {
      tool_usage (call, "no store: name one by -s CONFIG or in $CASK_STORE");
      return FALSE;
    }
  call->store = tool_open_store (call, call->config, access);
  return call->store != NULL;
}

/* From here on, a signal cancels call->cancellable instead of ending the process. */
void
tool_watch_signals (ToolCall *call)
{
  if (call->interrupt)
    return;
  call->interrupt = interrupt_new ();
  call->cancellable = interrupt_get_cancellable (call->interrupt);
}

/* A reader that goes away ends a filter at once; a command that has something to take
 * back first finds out by what output.c returns. */
void
tool_outlive_pipe (void)
{
  signal (SIGPIPE, SIG_IGN);
}

void
tool_finish (ToolCall *call)
{
  if (call->store)
    tool_close_store (call, g_steal_pointer (&call->store));
  call->cancellable = NULL;
  g_clear_pointer (&call->interrupt, interrupt_free);
  g_clear_pointer (&call->operands, g_strfreev);
}

/* Parses every operand as a digest before anything is done: a typing error in the third
 * must not leave the first two deleted.
 *
 * Returns: (transfer full) (nullable): call->n_operands digests */
CaskDigest *
tool_parse_digests (ToolCall *call)
{
  g_autofree CaskDigest *digests = g_new0 (CaskDigest, MAX (call->n_operands, 1));
  for (guint i = 0; i < call->n_operands; i++)
    {
      g_autoptr (GError) error = NULL;
      if (!cask_digest_parse (call->operands[i], &digests[i], &error))
        tool_add_error (call, error);
    }
  if (call->status != TOOL_DONE)
    return NULL;
  return g_steal_pointer (&digests);
}

gboolean
tool_parse_number (const char *text, guint64 *number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
}

/* The units of config strings: what is 64MiB there is so here. */
gboolean
tool_parse_size (const char *text, guint64 *size)
{
  static const struct
  {
    const char *name;
    guint shift;
  } units[] = { { "", 0 },     { "B", 0 },  { "k", 10 },   { "KiB", 10 }, { "M", 20 },
                { "MiB", 20 }, { "G", 30 }, { "GiB", 30 }, { "TiB", 40 } };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      guint64 count;
      if (strcmp (text + digits, units[i].name) != 0)
        continue;
      if (!tool_parse_number (number, &count) || count > G_MAXUINT64 >> units[i].shift)
        return FALSE;
      *size = count << units[i].shift;
      return TRUE;
    }
  return FALSE;
}

/* The units of config strings: one word for one length of time. */
gboolean
tool_parse_duration (const char *text, gint64 *duration_usec)
{
  static const struct
  {
    const char *name;
    gint64 usec;
  } units[] = { { "ms", G_USEC_PER_SEC / 1000 },
                { "s", G_USEC_PER_SEC },
                { "min", 60 * (gint64) G_USEC_PER_SEC },
                { "h", 3600 * (gint64) G_USEC_PER_SEC } };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      guint64 count;
      if (strcmp (text + digits, units[i].name) != 0)
        continue;
      if (!tool_parse_number (number, &count) ||
          count > (guint64) (G_MAXINT64 / units[i].usec))
        return FALSE;
      *duration_usec = (gint64) count * units[i].usec;
      return TRUE;
    }
  return FALSE;
}

/* Returns: (transfer container): the names of the bits that are set, NULL at the end */
const char **
tool_capability_names (guint64 capabilities)
{
  static const struct
  {
    CaskCapabilities bit;
    const char *name;
  } known[] = {
    { CASK_CAPABILITY_WRITE, "write" },
    { CASK_CAPABILITY_DURABLE, "durable" },
    { CASK_CAPABILITY_SHARED, "shared" },
    { CASK_CAPABILITY_IMMUTABLE, "immutable" },
    { CASK_CAPABILITY_EXACT_CREATED, "exact-created" },
    { CASK_CAPABILITY_FRESHENS, "freshens" },
    { CASK_CAPABILITY_REMOVE_UNUSED, "remove-unused" },
    { CASK_CAPABILITY_READS_OUTLIVE_REMOVE, "reads-outlive-remove" },
    { CASK_CAPABILITY_RESUME, "resume" },
    { CASK_CAPABILITY_QUARANTINE, "quarantine" },
  };
  const char **names = g_new0 (const char *, G_N_ELEMENTS (known) + 1);
  guint n_names = 0;
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (capabilities & known[i].bit)
      names[n_names++] = known[i].name;
  return names;
}
