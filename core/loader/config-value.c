/* SPDX-License-Identifier: Apache-2.0
 *
 * config-value.c: one option's text as a value of its type.
 *
 * Invariants: what is said of a wrong value never holds the value, nor any part of it. No
 * number wraps: 20TiB of TiB is an error, not a small size. */
#include "config-private.h"

typedef struct
{
  const char *name;
  guint64 factor;
} ValueUnit;

/* Largest first; what is shown is the first that divides a number. */
static const ValueUnit value_sizes[] = {
  { "TiB", 1ULL << 40 },
  { "GiB", 1ULL << 30 },
  { "MiB", 1ULL << 20 },
  { "KiB", 1ULL << 10 },
  { "B", 1 },
  { "G", 1ULL << 30 },
  { "M", 1ULL << 20 },
  { "k", 1ULL << 10 },
  { "", 1 },
};
static const ValueUnit value_durations[] = {
  { "h", 3600 * (guint64) G_USEC_PER_SEC },
  { "min", 60 * (guint64) G_USEC_PER_SEC },
  { "s", G_USEC_PER_SEC },
  { "ms", G_USEC_PER_SEC / 1000 },
};
static const ValueUnit value_counts[] = { { "", 1 } };

/* How a type of number is written and how large it may be. Durations are added to signed
 * times, so that they stop where those do. */
typedef struct
{
  const ValueUnit *units;
  gsize n_units;
  guint64 limit;
  const char *what;
  const char *unit_names;
} ValueNumber;

static const ValueNumber value_uint = { value_counts, G_N_ELEMENTS (value_counts),
                                        G_MAXUINT64,
                                        "a whole number; write for example 42", NULL };
static const ValueNumber value_size = { value_sizes, G_N_ELEMENTS (value_sizes),
                                        G_MAXUINT64, "a size; write for example 64MiB",
                                        "B, KiB, MiB, GiB or TiB" };
static const ValueNumber value_duration = { value_durations,
                                            G_N_ELEMENTS (value_durations), G_MAXINT64,
                                            "a duration; write for example 60s",
                                            "ms, s, min or h" };

/* Returns: NULL for the types that are no numbers. */
static const ValueNumber *
value_number_of (guint32 type)
{
  switch (type)
    {
    case CASK_OPTION_UINT:
      return &value_uint;
    case CASK_OPTION_SIZE:
      return &value_size;
    case CASK_OPTION_DURATION:
      return &value_duration;
    default:
      return NULL;
    }
}

static char *
value_show_number (const ValueNumber *kind, guint64 number)
{
  for (gsize i = 0; number != 0 && i < kind->n_units; i++)
    if (number % kind->units[i].factor == 0)
      return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", number / kind->units[i].factor,
                              kind->units[i].name);
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", number,
                          number == 0 ? "" : " microseconds");
}

/* ---- Numbers ---- */

static CaskOptionProblem
value_check_range (const CaskOptionSpec *spec, const ValueNumber *kind, guint64 number)
{
  if ((spec->min == 0 && spec->max == 0) || (number >= spec->min && number <= spec->max))
    return NULL;
  g_autofree char *min = value_show_number (kind, spec->min);
  g_autofree char *max = value_show_number (kind, spec->max);
  return g_strdup_printf ("must be from %s to %s", min, max);
}

/* Reads the digits. Returns: what follows them, or NULL where there are too many. */
static const char *
value_read_digits (const char *text, guint64 *number)
{
  *number = 0;
  for (; g_ascii_isdigit (*text); text++)
    if (!g_uint64_checked_mul (number, *number, 10) ||
        !g_uint64_checked_add (number, *number, (guint64) (*text - '0')))
      return NULL;
  return text;
}

static CaskOptionProblem
value_explain_unit (const ValueNumber *kind, const char *rest)
{
  if (*rest == '.' && g_ascii_isdigit (rest[1]))
    return g_strdup ("must be a whole number");
  if (kind->unit_names == NULL)
    return g_strdup_printf ("not %s", kind->what);
  if (*rest == '\0')
    return g_strdup_printf ("add a unit: %s", kind->unit_names);
  return g_strdup_printf ("unknown unit; write %s", kind->unit_names);
}

static CaskOptionProblem
value_parse_number (const CaskOptionSpec *spec, const ValueNumber *kind, const char *text,
                    guint64 *number)
{
  if (text[0] == '-' && g_ascii_isdigit (text[1]))
    return g_strdup ("must not be negative");
  if (!g_ascii_isdigit (text[0]))
    return g_strdup_printf ("not %s", kind->what);

  const char *rest = value_read_digits (text, number);
  if (rest == NULL)
    return g_strdup ("too large");
  guint64 factor = *number == 0 && *rest == '\0' ? 1 : 0; /* 0 needs no unit */
  for (gsize i = 0; i < kind->n_units; i++)
    if (strcmp (rest, kind->units[i].name) == 0)
      factor = kind->units[i].factor;
  if (factor == 0)
    return value_explain_unit (kind, rest);
  if (!g_uint64_checked_mul (number, *number, factor) || *number > kind->limit)
    return g_strdup ("too large");
  return value_check_range (spec, kind, *number);
}

/* ---- Words ---- */

static CaskOptionProblem
value_parse_boolean (const char *text, guint64 *number)
{
  gboolean yes = strcmp (text, "yes") == 0 || strcmp (text, "true") == 0;
  gboolean no = strcmp (text, "no") == 0 || strcmp (text, "false") == 0;
  *number = yes ? 1 : 0;
  return yes || no ? NULL : g_strdup ("write yes or no");
}

static CaskOptionProblem
value_parse_choice (const CaskOptionSpec *spec, const char *text, guint64 *number)
{
  g_auto (GStrv) choices =
      g_strsplit (spec->choices != NULL ? spec->choices : "", "|", 0);
  guint n_choices = g_strv_length (choices);
  for (guint i = 0; i < n_choices; i++)
    if (strcmp (choices[i], text) == 0)
      {
        *number = i;
        return NULL;
      }

  g_autofree char *list = g_strjoinv (", ", choices);
  const char *nearest = cask_suggest (text, (const char *const *) choices, n_choices);
  if (nearest == NULL)
    return g_strdup_printf ("not one of %s", list);
  return g_strdup_printf ("not one of %s; did you mean '%s'?", list, nearest);
}

CaskOptionProblem
cask_option_parse (const CaskOptionSpec *spec, const char *text, CaskOptionValue *value)
{
  const ValueNumber *kind = value_number_of (spec->type);
  memset (value, 0, sizeof *value);
  if (kind != NULL)
    return value_parse_number (spec, kind, text, &value->number);

  switch (spec->type)
    {
    case CASK_OPTION_BOOLEAN:
      return value_parse_boolean (text, &value->number);
    case CASK_OPTION_CHOICE:
      return value_parse_choice (spec, text, &value->number);
    case CASK_OPTION_STRING:
      if (!g_utf8_validate (text, -1, NULL))
        return g_strdup ("not valid UTF-8");
      value->string = g_strdup (text);
      return NULL;
    case CASK_OPTION_SECRET:
      return cask_secret_is_reference (text)
                 ? NULL
                 : g_strdup ("takes a reference, never the secret itself; write "
                             "file:/path, env:NAME or fd:N");
    default:
      return g_strdup_printf ("unknown type %u", spec->type);
    }
}

/* ---- The spec itself ---- */

static CaskOptionProblem
value_check_choices (const char *choices)
{
  g_auto (GStrv) words = g_strsplit (choices != NULL ? choices : "", "|", 0);
  if (words[0] == NULL)
    return g_strdup ("no choices");
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (words[i][0] == '\0')
        return g_strdup ("an empty choice");
      if (g_strv_contains ((const char *const *) words + i + 1, words[i]))
        return g_strdup_printf ("choice '%s' twice", words[i]);
    }
  return NULL;
}

static CaskOptionProblem
value_check_spec (const CaskOptionSpec *spec)
{
  if (spec->type < CASK_OPTION_STRING || spec->type > CASK_OPTION_SECRET)
    return g_strdup_printf ("unknown type %u", spec->type);
  if (spec->type == CASK_OPTION_CHOICE)
    return value_check_choices (spec->choices);
  if (value_number_of (spec->type) != NULL && spec->min > spec->max)
    return g_strdup_printf ("the least value allowed, %" G_GUINT64_FORMAT
                            ", is above the greatest, %" G_GUINT64_FORMAT,
                            spec->min, spec->max);
  return NULL;
}

gboolean
cask_option_check_fallbacks (const CaskOptionSpec *spec, GError **error)
{
  const char *subject = "";
  g_autofree CaskOptionProblem problem = value_check_spec (spec);
  if (problem == NULL && spec->fallback != NULL)
    {
      CaskOptionValue value;
      subject = "fallback: ";
      problem = cask_option_parse (spec, spec->fallback, &value);
      if (problem == NULL && spec->type == CASK_OPTION_STRING)
        g_free ((char *) value.string);
    }
  if (problem == NULL)
    return TRUE;
  g_set_error (error, CASK_ERROR, CASK_ERROR_PLUGIN_INVALID, "option '%s': %s%s",
               spec->name != NULL ? spec->name : "", subject, problem);
  return FALSE;
}
