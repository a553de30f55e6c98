/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin-check.c: holds a plugin's note, descriptor, options and table to the ABI, and
 * copies what this host knows of them.
 *
 * Invariants: nothing of a plugin is read past the size it declares, and that size is
 * checked against the frozen table first; what is handed on is a copy that nothing can
 * change any more.
 *
 * Failure modes: a minor that was raised without its sizes, or sizes without the minor,
 * would let host and plugin disagree about where a slot lies; it is refused here, before
 * a slot is called. */
#include "plugin-private.h"

#include "config-private.h"
#include "error-private.h"

#define SIZE_LIMIT 65536
#define OPTIONS_LIMIT 256
#define CHILDREN_LIMIT 64

/* A row is added with every minor, and none is ever changed. */
const CaskAbiSizes cask_abi_sizes[] = { { 0, 120, 56, 232 } };
const gsize cask_abi_n_sizes = G_N_ELEMENTS (cask_abi_sizes);
G_STATIC_ASSERT (G_N_ELEMENTS (cask_abi_sizes) == CASK_PLUGIN_ABI_MINOR + 1);
G_STATIC_ASSERT (sizeof (CaskPlugin) == 120);
G_STATIC_ASSERT (sizeof (CaskOptionSpec) == 56);
G_STATIC_ASSERT (sizeof (CaskBackendOps) == 232);

/* Options that the root of every config string has: Cask's own. */
static const char *const check_reserved[] = { "verify", "threads", "max-get", "spool" };

typedef struct
{
  const char *name;
  gsize offset;
} CheckSlot;
#define SLOT(member)                                                                     \
  {                                                                                      \
#member, G_STRUCT_OFFSET(CaskBackendOps, member)                                     \
  }

static const CheckSlot check_required[] = { SLOT (open), SLOT (close), SLOT (put),
                                            SLOT (get),  SLOT (stat),  SLOT (remove),
                                            SLOT (list) };
/* A layer that delegates has to be made and unmade; the rest may be its child's. */
#define REQUIRED_OF_DELEGATION 2

static const CheckSlot check_groups[][4] = {
  { SLOT (blob_open), SLOT (blob_read), SLOT (blob_close) },
  { SLOT (upload_begin), SLOT (upload_write), SLOT (upload_commit), SLOT (upload_close) },
  { SLOT (upload_save), SLOT (upload_resume), SLOT (upload_list) },
};

static gboolean G_GNUC_PRINTF (3, 4)
    check_fail (GError **error, CaskError code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, CASK_ERROR, (int) code, message);
  return FALSE;
}
#define check_invalid(error, ...)                                                        \
  check_fail (error, CASK_ERROR_PLUGIN_INVALID, __VA_ARGS__)

void
cask_loaded_plugin_free (CaskLoadedPlugin *loaded)
{
  if (loaded == NULL)
    return;
  g_free (loaded->options);
  g_free (loaded->path);
  g_free (loaded);
}

gboolean
cask_plugin_name_is_valid (const char *name)
{
  gsize i = 0;

  if (!g_ascii_islower (name[0]))
    return FALSE;
  for (; name[i] != '\0' && i <= CASK_PLUGIN_NAME_LIMIT; i++)
    {
      gboolean letter = g_ascii_islower (name[i]) || g_ascii_isdigit (name[i]);
      if (!letter && (name[i] != '-' || name[i - 1] == '-'))
        return FALSE;
    }
  return i <= CASK_PLUGIN_NAME_LIMIT && name[i - 1] != '-';
}

/* ---- Sizes ---- */

static gboolean
check_size (const char *what, guint32 size, guint16 minor, gboolean newer, guint32 ours,
            GError **error)
{
  if (size == 0 || size > SIZE_LIMIT || size % 8 != 0)
    return check_invalid (error,
                          "its %s claims the impossible size %u: build the plugin "
                          "again",
                          what, size);
  if (newer ? size >= ours : size == ours)
    return TRUE;
  return check_invalid (error,
                        "its %s has %u bytes, which is not what ABI 1.%u has (%s%u): "
                        "build the plugin again with the header of one Cask",
                        what, size, minor, newer ? "at least " : "", ours);
}

static gboolean
check_major (guint32 major, GError **error)
{
  if (major == CASK_PLUGIN_ABI_MAJOR)
    return TRUE;
  return check_fail (error, CASK_ERROR_PLUGIN_ABI,
                     "built for plugin ABI %u, and this Cask has plugin ABI %d: build it "
                     "again with this Cask's cask-plugin.h",
                     major, CASK_PLUGIN_ABI_MAJOR);
}

/* The row that a plugin of that minor is held to; for one newer than the host, the
 * host's own. */
static const CaskAbiSizes *
check_row (guint32 minor, const CaskAbiSizes *sizes, gsize n_sizes, gboolean *newer,
           GError **error)
{
  const CaskAbiSizes *host = &sizes[n_sizes - 1];

  *newer = minor > host->minor;
  if (*newer)
    return host;
  for (gsize i = 0; i < n_sizes; i++)
    if (sizes[i].minor == minor)
      return &sizes[i];
  check_invalid (error, "there never was a plugin ABI 1.%u: build the plugin again",
                 minor);
  return NULL;
}

gboolean
cask_plugin_check_note (const CaskElfNote *note, const CaskAbiSizes *sizes, gsize n_sizes,
                        GError **error)
{
  gboolean newer = FALSE;

  if (!check_major (note->major, error))
    return FALSE;
  if (note->minor > G_MAXUINT16)
    return check_invalid (
        error, "there never was a plugin ABI 1.%u: build the plugin again", note->minor);
  const CaskAbiSizes *row = check_row (note->minor, sizes, n_sizes, &newer, error);
  if (row == NULL)
    return FALSE;
  guint16 minor = (guint16) note->minor;
  return check_size ("note's CaskPlugin", note->plugin_size, minor, newer,
                     row->plugin_size, error) &&
         check_size ("note's CaskBackendOps", note->ops_size, minor, newer, row->ops_size,
                     error);
}

static gboolean
check_agreement (const CaskPlugin *plugin, const CaskElfNote *note, GError **error)
{
  if (note->major == plugin->abi_major && note->minor == plugin->abi_minor &&
      note->plugin_size == plugin->size)
    return TRUE;
  return check_invalid (error,
                        "its note (ABI %u.%u, %u bytes) and its table (ABI %u.%u, %u "
                        "bytes) disagree: build all of the plugin again",
                        note->major, note->minor, note->plugin_size, plugin->abi_major,
                        plugin->abi_minor, plugin->size);
}

/* Reads only the 24 bytes at the start, which every minor has. */
static gboolean
check_head (const CaskPlugin *plugin, const CaskElfNote *note, const CaskAbiSizes *sizes,
            gsize n_sizes, const CaskAbiSizes **row, gboolean *newer, GError **error)
{
  if (plugin->magic != CASK_PLUGIN_MAGIC)
    return check_invalid (error, "`cask_plugin` is not a plugin's table (wrong magic): "
                                 "define it with CASK_PLUGIN_DEFINE()");
  if (note != NULL && !check_agreement (plugin, note, error))
    return FALSE;
  if (!check_major (plugin->abi_major, error))
    return FALSE;
  *row = check_row (plugin->abi_minor, sizes, n_sizes, newer, error);
  if (*row == NULL)
    return FALSE;
  return check_size ("CaskPlugin", plugin->size, plugin->abi_minor, *newer,
                     (*row)->plugin_size, error) &&
         check_size ("CaskOptionSpec", plugin->option_size, plugin->abi_minor, *newer,
                     (*row)->option_size, error);
}

/* ---- The descriptor ---- */

static gboolean
check_name (const CaskPlugin *plugin, const char *expected_name, GError **error)
{
  if (plugin->name == NULL)
    return check_invalid (error, "its table has no name: set .name");
  if (!cask_plugin_name_is_valid (plugin->name))
    {
      g_autofree char *quoted = cask_error_quote (plugin->name);
      return check_invalid (error,
                            "its name %s is not a plugin's name: lower-case letters, "
                            "digits and single '-', at most %d",
                            quoted, CASK_PLUGIN_NAME_LIMIT);
    }
  if (expected_name != NULL && strcmp (plugin->name, expected_name) != 0)
    return check_invalid (error,
                          "the plugin in it is named '%s', not '%s': name the file "
                          "cask-%s.so",
                          plugin->name, expected_name, plugin->name);
  return TRUE;
}

static gboolean
check_text (const char *what, const char **text, GError **error)
{
  if (*text == NULL)
    *text = "";
  if (g_utf8_validate (*text, -1, NULL))
    return TRUE;
  return check_invalid (error, "its %s is not UTF-8: write it in UTF-8", what);
}

static gboolean
check_shape (const CaskPlugin *plugin, GError **error)
{
  guint32 min = plugin->min_children, max = plugin->max_children;

  if (plugin->kind != CASK_PLUGIN_BACKEND && plugin->kind != CASK_PLUGIN_LAYER)
    return check_invalid (
        error, "its kind %u is neither backend (1) nor layer (2): correct .kind",
        plugin->kind);
  if (plugin->location > CASK_LOCATION_REQUIRED)
    return check_invalid (
        error,
        "its location %u is neither none (0) nor optional (1) nor required "
        "(2): correct .location",
        plugin->location);
  if (plugin->kind == CASK_PLUGIN_BACKEND && (min != 0 || max != 0))
    return check_invalid (error,
                          "a backend has no children, and it asks for %u to %u: leave "
                          ".min_children and .max_children out, or make it a layer",
                          min, max);
  if (plugin->kind == CASK_PLUGIN_LAYER && (min < 1 || max < min || max > CHILDREN_LIMIT))
    return check_invalid (
        error,
        "a layer has 1 to %d children, and it asks for %u to %u: correct "
        ".min_children and .max_children",
        CHILDREN_LIMIT, min, max);
  return TRUE;
}

static gboolean
check_needs (const CaskPlugin *plugin, gboolean newer, GError **error)
{
  const guint64 known = CASK_NEEDS_DELEGATION | CASK_NEEDS_ENCODING;

  if ((plugin->needs & ~known) != 0)
    return check_fail (
        error, newer ? CASK_ERROR_PLUGIN_ABI : CASK_ERROR_PLUGIN_INVALID,
        "it needs what this Cask does not know (needs 0x%" G_GINT64_MODIFIER "x): %s",
        plugin->needs, newer ? "use a newer Cask" : "correct .needs");
  if (plugin->needs == known)
    return check_invalid (
        error, "its needs contradict each other: a layer that delegates "
               "changes no bytes, one that encodes does: leave one of them out");
  if (plugin->needs != 0 && plugin->kind != CASK_PLUGIN_LAYER)
    return check_invalid (error, "only a layer can delegate or encode, and it is a "
                                 "backend: leave .needs out, or make it a layer");
  if (plugin->needs == CASK_NEEDS_DELEGATION && plugin->max_children != 1)
    return check_invalid (
        error,
        "a layer that delegates has one child, and it takes %u: correct "
        ".max_children",
        plugin->max_children);
  return TRUE;
}

/* ---- Options ---- */

static gboolean
check_option (const CaskOptionSpec *options, guint32 i, GError **error)
{
  const CaskOptionSpec *option = &options[i];

  if (option->name == NULL)
    return check_invalid (
        error, "its option %u has no name: set its .name, or correct .n_options", i);
  if (!cask_plugin_name_is_valid (option->name))
    {
      g_autofree char *quoted = cask_error_quote (option->name);
      return check_invalid (error,
                            "its option %s has no option's name: lower-case letters, "
                            "digits and single '-', at most %d",
                            quoted, CASK_PLUGIN_NAME_LIMIT);
    }
  for (guint32 k = 0; k < i; k++)
    if (strcmp (options[k].name, option->name) == 0)
      return check_invalid (error, "it has the option '%s' twice: rename one",
                            option->name);
  for (gsize k = 0; k < G_N_ELEMENTS (check_reserved); k++)
    if (strcmp (check_reserved[k], option->name) == 0)
      return check_invalid (error, "its option '%s' is one of Cask's own: rename it",
                            option->name);
  g_autoptr (GError) problem = NULL;
  if (cask_option_check_fallbacks (option, &problem))
    return TRUE;
  return check_invalid (error, "its %s: correct its CaskOptionSpec", problem->message);
}

static gboolean
check_options (const CaskPlugin *plugin, gsize known, CaskLoadedPlugin *loaded,
               GError **error)
{
  guint32 n = plugin->n_options;

  if (n > OPTIONS_LIMIT)
    return check_invalid (error,
                          "it has %u options, and %d are the most: correct .n_options", n,
                          OPTIONS_LIMIT);
  if (n > 0 && plugin->options == NULL)
    return check_invalid (error, "it has %u options and no table of them: set .options",
                          n);

  loaded->options = g_new0 (CaskOptionSpec, n + 1);
  for (guint32 i = 0; i < n; i++)
    {
      const char *theirs =
          (const char *) plugin->options + (gsize) i * plugin->option_size;
      CaskOptionSpec *option = &loaded->options[i];
      memcpy (option, theirs, known);
      /* Choices are quoted where one is wrong: before anything is said of them. */
      if (!check_text ("option's help", &option->help, error) ||
          (option->choices != NULL &&
           !check_text ("option's list of choices", &option->choices, error)) ||
          !check_option (loaded->options, i, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- The table ---- */

static gboolean
check_has (const CaskBackendOps *ops, const CheckSlot *slot)
{
  void *function;
  memcpy (&function, (const char *) ops + slot->offset, sizeof function);
  return function != NULL;
}

static gboolean
check_group (const CaskBackendOps *ops, const CheckSlot *group, GError **error)
{
  const CheckSlot *present = NULL, *missing = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (check_groups[0]) && group[i].name != NULL; i++)
    if (check_has (ops, &group[i]))
      present = &group[i];
    else
      missing = &group[i];
  if (present == NULL || missing == NULL)
    return TRUE;
  return check_invalid (
      error, "it has the slot %s and not %s: they go together, set both or none",
      present->name, missing->name);
}

static gboolean
check_slots (const CaskBackendOps *ops, gboolean delegates, GError **error)
{
  gsize n = delegates ? REQUIRED_OF_DELEGATION : G_N_ELEMENTS (check_required);

  for (gsize i = 0; i < n; i++)
    if (!check_has (ops, &check_required[i]))
      return check_invalid (error, "the required slot %s is NULL: set it",
                            check_required[i].name);
  /* What a delegating layer leaves out is its child's, and so is the handle it takes: a
   * layer that only refuses upload_begin is whole. */
  if (delegates)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (check_groups); i++)
    if (!check_group (ops, check_groups[i], error))
      return FALSE;
  if (ops->upload_begin == NULL && (ops->upload_save != NULL || ops->upload_read != NULL))
    return check_invalid (error,
                          "it has the slot %s and not upload_begin: they go "
                          "together, set both or none",
                          ops->upload_save != NULL ? "upload_save" : "upload_read");
  return TRUE;
}

static gboolean
check_ops (const CaskPlugin *plugin, const CaskElfNote *note, const CaskAbiSizes *row,
           gboolean newer, CaskLoadedPlugin *loaded, GError **error)
{
  if (plugin->ops == NULL)
    return check_invalid (error, "its table has no functions: set .ops");
  loaded->ops_size = plugin->ops->size;
  if (!check_size ("CaskBackendOps", loaded->ops_size, plugin->abi_minor, newer,
                   row->ops_size, error))
    return FALSE;
  if (note != NULL && note->ops_size != loaded->ops_size)
    return check_invalid (error,
                          "its note (%u bytes of CaskBackendOps) and its table (%u) "
                          "disagree: build all of the plugin again",
                          note->ops_size, loaded->ops_size);
  memcpy (&loaded->ops, plugin->ops, MIN (row->ops_size, sizeof loaded->ops));
  loaded->ops.size = sizeof loaded->ops;
  gboolean delegates = (plugin->needs & CASK_NEEDS_DELEGATION) != 0;
  return check_slots (&loaded->ops, delegates, error);
}

static gboolean
check_descriptor (const CaskPlugin *plugin, const CaskAbiSizes *host, gboolean newer,
                  GError **error)
{
  if (plugin->need_minor > host->minor)
    return check_fail (error, CASK_ERROR_PLUGIN_ABI,
                       "it needs plugin ABI 1.%u or newer, and this Cask has 1.%u: use a "
                       "newer Cask",
                       plugin->need_minor, host->minor);
  return check_shape (plugin, error) && check_needs (plugin, newer, error);
}

static gboolean
check_texts (CaskPlugin *plugin, GError **error)
{
  return check_text ("version", &plugin->version, error) &&
         check_text ("summary", &plugin->summary, error) &&
         check_text ("license", &plugin->license, error) &&
         check_text ("homepage", &plugin->homepage, error);
}

gboolean
cask_plugin_check (const CaskPlugin *plugin, const CaskElfNote *note,
                   const char *expected_name, const CaskAbiSizes *sizes, gsize n_sizes,
                   CaskLoadedPlugin **loaded, GError **error)
{
  g_autoptr (CaskLoadedPlugin) result = g_new0 (CaskLoadedPlugin, 1);
  const CaskAbiSizes *row = NULL;
  gboolean newer = FALSE;

  if (!check_head (plugin, note, sizes, n_sizes, &row, &newer, error))
    return FALSE;

  /* From here on the copy is read, whose members past the plugin's own end are 0; row is
   * the smaller of what the plugin has and what the host knows. */
  CaskPlugin *copy = &result->descriptor;
  memcpy (copy, plugin, MIN (row->plugin_size, sizeof *copy));
  if (!check_name (copy, expected_name, error) ||
      !check_descriptor (copy, &sizes[n_sizes - 1], newer, error) ||
      !check_texts (copy, error) ||
      !check_options (copy, MIN (row->option_size, sizeof (CaskOptionSpec)), result,
                      error) ||
      !check_ops (copy, note, row, newer, result, error))
    return FALSE;

  copy->size = sizeof *copy;
  copy->option_size = sizeof (CaskOptionSpec);
  copy->options = result->options;
  copy->ops = &result->ops;
  *loaded = g_steal_pointer (&result);
  return TRUE;
}
