/* SPDX-License-Identifier: Apache-2.0
 *
 * command-plugins.c: `cask plugins`: what is on the search path, and what each takes. */

#include "tools-private.h"
#include "output.h"
#include "probe.h"

#include <cask/cask-plugin.h>
#include <string.h>

/* A file on the search path that is named as a plugin's. */
typedef struct
{
  const char *path;
  const char *hidden_by; /* (nullable) the file that is loaded in its place */
  guint order;
  char name[];
} PluginCandidate;

/* One option, as it came out of an answer. Strings belong to the answer. */
typedef struct
{
  const char *name, *type, *help, *fallback;
  gboolean required;
} PluginOption;

static const char *
plugins_text (GVariant *answer, const char *key)
{
  const char *text = "";
  g_variant_lookup (answer, key, "&s", &text);
  return text;
}

static guint32
plugins_number (GVariant *answer, const char *key)
{
  guint32 number = 0;
  g_variant_lookup (answer, key, "u", &number);
  return number;
}

static gboolean
plugins_is_usable (GVariant *answer)
{
  return !g_variant_lookup (answer, PROBE_REASON, "&s", NULL);
}

/* Why it cannot be used, without its name, which stands before it anyway. */
static const char *
plugins_reason (const char *name, GVariant *answer)
{
  const char *reason = plugins_text (answer, PROBE_REASON);
  gsize length = strlen (name);
  if (strncmp (reason, name, length) == 0 && strncmp (reason + length, ": ", 2) == 0)
    return reason + length + 2;
  return reason;
}

/* Returns: (nullable): NULL where the child said nothing of options */
static GVariantIter *
plugins_iterate_options (GVariant *answer)
{
  GVariantIter *options = NULL;
  g_variant_lookup (answer, PROBE_OPTIONS, "a" PROBE_OPTION_TYPE, &options);
  return options;
}

static gboolean
plugins_next_option (GVariantIter *options, PluginOption *option)
{
  return options &&
         g_variant_iter_next (options, "(&s&s&s&sb)", &option->name, &option->type,
                              &option->help, &option->fallback, &option->required);
}

static const char **
plugins_capabilities (GVariant *answer)
{
  guint64 capabilities = 0;
  g_variant_lookup (answer, PROBE_CAPABILITIES, "t", &capabilities);
  return tool_capability_names (capabilities);
}

static const char *
plugins_kind (GVariant *answer)
{
  return plugins_number (answer, PROBE_KIND) == CASK_PLUGIN_LAYER ? "layer" : "backend";
}

/* ---- As JSON ---- */

static void
plugins_json_member (GString *json, const char *name, const char *text)
{
  g_string_append_printf (json, ",\"%s\":", name);
  output_json_string (json, text);
}

static void
plugins_json_option (GString *json, const PluginOption *option)
{
  g_string_append (json, "{\"name\":");
  output_json_string (json, option->name);
  plugins_json_member (json, "type", option->type);
  plugins_json_member (json, "help", option->help);
  if (*option->fallback)
    plugins_json_member (json, "default", option->fallback);
  g_string_append_printf (json, ",\"required\":%s}", option->required ? "true" : "false");
}

static void
plugins_json_details (GString *json, GVariant *answer)
{
  plugins_json_member (json, "version", plugins_text (answer, PROBE_VERSION));
  plugins_json_member (json, "abi", plugins_text (answer, PROBE_ABI));
  plugins_json_member (json, "kind", plugins_kind (answer));
  plugins_json_member (json, "summary", plugins_text (answer, PROBE_SUMMARY));
  plugins_json_member (json, "license", plugins_text (answer, PROBE_LICENSE));
  plugins_json_member (json, "homepage", plugins_text (answer, PROBE_HOMEPAGE));
  plugins_json_member (json, "path", plugins_text (answer, PROBE_PATH));
  g_autofree const char **capabilities = plugins_capabilities (answer);
  g_string_append (json, ",\"capabilities\":[");
  for (guint i = 0; capabilities[i]; i++)
    g_string_append_printf (json, "%s\"%s\"", i ? "," : "", capabilities[i]);
  g_string_append (json, "],\"options\":[");
  g_autoptr (GVariantIter) options = plugins_iterate_options (answer);
  PluginOption option;
  for (gboolean first = TRUE; plugins_next_option (options, &option); first = FALSE)
    {
      if (!first)
        g_string_append_c (json, ',');
      plugins_json_option (json, &option);
    }
  g_string_append_c (json, ']');
}

static void
plugins_print_json (const char *name, const char *path, GVariant *answer)
{
  g_autoptr (GString) json = g_string_new ("{\"name\":");
  output_json_string (json, name);
  gboolean usable = plugins_is_usable (answer);
  g_string_append_printf (json, ",\"usable\":%s", usable ? "true" : "false");
  if (usable)
    plugins_json_details (json, answer);
  else
    {
      plugins_json_member (json, "reason", plugins_reason (name, answer));
      if (path)
        plugins_json_member (json, "path", path);
    }
  output_print ("%s}\n", json->str);
}

/* ---- As text ---- */

static void
plugins_print_summary (const char *name, GVariant *answer)
{
  g_autofree char *plain_name = output_escape (name);
  if (!plugins_is_usable (answer))
    {
      g_autofree char *reason = output_escape (plugins_reason (name, answer));
      output_print ("%-12s %-9s %-5s unusable: %s\n", plain_name, "-", "-", reason);
      return;
    }
  g_autofree char *version = output_escape (plugins_text (answer, PROBE_VERSION));
  g_autofree char *abi = output_escape (plugins_text (answer, PROBE_ABI));
  g_autofree char *summary = output_escape (plugins_text (answer, PROBE_SUMMARY));
  output_print ("%-12s %-9s %-5s %s\n", plain_name, version, abi, summary);
}

/* separator: what stands between the option and its help */
static void
plugins_print_option (const PluginOption *option, const char *separator)
{
  g_autoptr (GString) line = g_string_new (option->help);
  if (option->required)
    g_string_append (line, " (required)");
  if (*option->fallback)
    g_string_append_printf (line, " (default %s)", option->fallback);
  g_autofree char *name = output_escape (option->name);
  g_autofree char *form = output_escape (option->type);
  g_autofree char *help = output_escape (g_strchug (line->str));
  output_print ("  %s=%s%s%s\n", name, form, separator, help);
}

/* A line for what it is, one for what its stores promise, and one for each option. */
static void
plugins_print_row (const char *name, GVariant *answer)
{
  plugins_print_summary (name, answer);
  if (!plugins_is_usable (answer))
    return;
  g_autofree const char **names = plugins_capabilities (answer);
  g_autofree char *capabilities = g_strjoinv (" ", (char **) names);
  output_print ("  capabilities: %s\n", *capabilities ? capabilities : "none");
  g_autoptr (GVariantIter) options = plugins_iterate_options (answer);
  PluginOption option;
  while (plugins_next_option (options, &option))
    plugins_print_option (&option, ": ");
}

/* "fs:LOCATION?OPTION=VALUE", "mirror?OPTION=VALUE(CHILD, CHILD, ...)". */
static char *
plugins_form (const char *name, GVariant *answer)
{
  static const char *const locations[] = { [CASK_LOCATION_NONE] = "",
                                           [CASK_LOCATION_OPTIONAL] = "[:LOCATION]",
                                           [CASK_LOCATION_REQUIRED] = ":LOCATION" };
  guint32 location = plugins_number (answer, PROBE_LOCATION);
  guint32 least = 0, greatest = 0;
  if (!g_variant_lookup (answer, PROBE_CHILDREN, "(uu)", &least, &greatest))
    greatest = 0;
  g_autoptr (GString) form = g_string_new (name);
  g_string_append (form, location < G_N_ELEMENTS (locations) ? locations[location] : "");
  g_string_append (form, "[?OPTION=VALUE&...]");
  if (greatest == 1)
    g_string_append (form, "(CHILD)");
  else if (greatest > 1)
    g_string_append (form, "(CHILD, ...)");
  return g_string_free (g_steal_pointer (&form), FALSE);
}

static void
plugins_print_line (const char *label, const char *text)
{
  g_autofree char *plain = output_escape (text);
  if (*plain)
    output_print ("%-13s %s\n", label, plain);
}

static void
plugins_print_page (const char *name, GVariant *answer)
{
  g_autofree char *form = plugins_form (name, answer);
  g_autofree const char **names = plugins_capabilities (answer);
  g_autofree char *capabilities = g_strjoinv (" ", (char **) names);
  plugins_print_line ("name", name);
  plugins_print_line ("summary", plugins_text (answer, PROBE_SUMMARY));
  plugins_print_line ("kind", plugins_kind (answer));
  plugins_print_line ("config", form);
  plugins_print_line ("capabilities", capabilities);
  plugins_print_line ("version", plugins_text (answer, PROBE_VERSION));
  plugins_print_line ("abi", plugins_text (answer, PROBE_ABI));
  plugins_print_line ("license", plugins_text (answer, PROBE_LICENSE));
  plugins_print_line ("homepage", plugins_text (answer, PROBE_HOMEPAGE));
  plugins_print_line ("file", plugins_text (answer, PROBE_PATH));

  g_autoptr (GVariantIter) options = plugins_iterate_options (answer);
  PluginOption option;
  if (options && g_variant_iter_n_children (options) > 0)
    output_print ("\noptions\n");
  while (plugins_next_option (options, &option))
    plugins_print_option (&option, "\n      ");
}

/* ---- The candidates ---- */

static int
plugins_compare (gconstpointer a, gconstpointer b)
{
  const PluginCandidate *left = *(PluginCandidate *const *) a;
  const PluginCandidate *right = *(PluginCandidate *const *) b;
  int order = strcmp (left->name, right->name);
  return order != 0 ? order : (int) left->order - (int) right->order;
}

/* By name; of those with one name, first the one that is loaded. files must outlive them.
 */
static GPtrArray *
plugins_candidates (char **files)
{
  static const char prefix[] = "cask-", suffix[] = ".so";
  GPtrArray *candidates = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; files[i]; i++)
    {
      const char *name = strrchr (files[i], '/') + strlen (prefix) + 1;
      gsize length = strlen (name) - strlen (suffix);
      PluginCandidate *candidate = g_malloc0 (sizeof *candidate + length + 1);
      memcpy (candidate->name, name, length);
      candidate->path = files[i];
      candidate->order = i;
      g_ptr_array_add (candidates, candidate);
    }
  g_ptr_array_sort (candidates, plugins_compare);
  for (guint i = 1; i < candidates->len; i++)
    {
      const PluginCandidate *before = candidates->pdata[i - 1];
      PluginCandidate *candidate = candidates->pdata[i];
      if (strcmp (before->name, candidate->name) == 0)
        candidate->hidden_by = before->hidden_by ? before->hidden_by : before->path;
    }
  return candidates;
}

/* (nullable) the file that name leads to; files must outlive it. */
static const char *
plugins_find_file (char **files, const char *name)
{
  g_autofree char *tail = g_strdup_printf ("/cask-%s.so", name);
  for (char **file = files; *file; file++)
    if (g_str_has_suffix (*file, tail))
      return *file;
  return NULL;
}

/* ---- The command ---- */

static void
plugins_list (ToolCall *call, gboolean json)
{
  g_auto (GStrv) files = cask_list_plugin_files ();
  g_autoptr (GPtrArray) candidates = plugins_candidates (files);
  for (guint i = 0; i < candidates->len; i++)
    {
      const PluginCandidate *candidate = candidates->pdata[i];
      g_autoptr (GVariant) answer =
          candidate->hidden_by ? probe_hidden (candidate->path, candidate->hidden_by)
                               : probe_plugin (candidate->name, candidate->path);
      /* One that is hidden is as its owner wants it: not a failure. */
      if (!candidate->hidden_by && !plugins_is_usable (answer))
        tool_add_status (call, TOOL_FAILED);
      if (json)
        plugins_print_json (candidate->name, candidate->path, answer);
      else
        plugins_print_row (candidate->name, answer);
    }
}

static void
plugins_show (ToolCall *call, const char *name, gboolean json)
{
  g_auto (GStrv) files = cask_list_plugin_files ();
  g_autoptr (GVariant) answer = probe_plugin (name, plugins_find_file (files, name));
  if (!plugins_is_usable (answer))
    {
      g_autoptr (GError) error =
          g_error_new (CASK_ERROR, (int) plugins_number (answer, PROBE_CODE), "%s: %s",
                       name, plugins_reason (name, answer));
      tool_add_error (call, error);
    }
  else if (json)
    plugins_print_json (name, NULL, answer);
  else
    plugins_print_page (name, answer);
}

ToolStatus
command_plugins (ToolCall *call)
{
  gboolean json = FALSE;
  g_autofree char *probed = NULL;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object a line", NULL },
    { "probe", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &probed, NULL, NULL },
    G_OPTION_ENTRY_NULL
  };
  if (!tool_parse (call, entries, 0, 1))
    return call->status;
  if (probed)
    probe_answer (probed);
  if (call->n_operands > 0)
    plugins_show (call, call->operands[0], json);
  else
    plugins_list (call, json);
  return call->status;
}
