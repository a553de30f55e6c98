/* SPDX-License-Identifier: Apache-2.0
 *
 * config-private.h: a config string as a tree of nodes, and a node's options as the
 * values that a plugin is given.
 *
 * The order of use: cask_config_parse(); cask_config_take() for each reserved option of
 * the root and cask_config_refuse_reserved() for the rest; then, for each node,
 * cask_options_resolve() with its plugin's specs, which also marks what is secret; only
 * then cask_config_print().
 *
 * Every error of the string is %CASK_ERROR_INVALID_CONFIG and reads `config string, byte
 * N: what`, bytes counted from 0. None quotes an option's value: where a reference to a
 * secret belongs, somebody will write the secret itself.
 *
 * Nothing here locks: a tree belongs to one thread. */
#pragma once

#include <cask/cask-config.h>
#include <cask/cask-plugin.h>

G_BEGIN_DECLS

/** How long a config string may be, in bytes. */
#define CASK_CONFIG_MAX_LENGTH 8192
/** How many levels of nodes it may have; a backend alone is one. */
#define CASK_CONFIG_MAX_DEPTH 16
/** How many nodes it may have. */
#define CASK_CONFIG_MAX_NODES 64
/** How large a secret may be where it is kept, in bytes. */
#define CASK_SECRET_MAX_LENGTH 65536

/** CaskConfigOption: one `name=value`. */
typedef struct
{
  char *name;
  char *value; /* decoded, UTF-8; never printed in an error */
  gsize offset;
  gsize value_offset;
  gboolean secret; /* hide it; known only once cask_options_resolve() has run */
} CaskConfigOption;

/** CaskConfigNode: one backend or layer, as it was written. */
typedef struct _CaskConfigNode CaskConfigNode;
struct _CaskConfigNode
{
  gsize offset;
  char *name;
  char *location; /* decoded, perhaps not UTF-8; NULL = no ':' written; "" possible */
  gsize location_offset;
  GPtrArray *options;  /* CaskConfigOption*, owned, no name twice */
  GPtrArray *children; /* CaskConfigNode*, owned */
};

/** An empty node of that name, without location, options or children. */
CaskConfigNode *cask_config_node_new (const char *name, gsize offset);
/** Adds an option behind those that are there. */
CaskConfigOption *cask_config_node_add_option (CaskConfigNode *node, const char *name,
                                               const char *value);
/** Frees a tree; node: (nullable). Values are wiped: one may be a mistaken secret. */
void cask_config_node_free (CaskConfigNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskConfigNode, cask_config_node_free)

/** Reads a config string, in time linear in its length. Whether its names mean anything
 * is for others to say. Errors: INVALID_CONFIG. */
CaskConfigNode *cask_config_parse (const char *text, GError **error);

/** The canonical text, secret options as `***`. */
char *cask_config_print (const CaskConfigNode *node);
/** The canonical text with references as they were written: parsed again, it gives an
 * equal tree. For tests and round trips; never for a log or an error. */
char *cask_config_print_full (const CaskConfigNode *node);
/** Name and location only, `fs:/srv/blobs`, as errors begin with: one printable line. */
char *cask_config_print_name (const CaskConfigNode *node);

/** Sets INVALID_CONFIG with the message `config string, byte OFFSET: …`. */
void cask_config_set_error (GError **error, gsize offset, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/** The candidate nearest to what was given, or NULL where none is near: at most two slips
 * of the finger away, or a third of the length. Case does not count. */
const char *cask_suggest (const char *given, const char *const *candidates, gsize n);

/** CaskOptions: the values for a plugin's `open`, in the order of its specs. */
typedef struct
{
  CaskOptionValue *values; /* strings and secrets in them are owned */
  gsize n_values;
  guint32 *types; /* CaskOptionType of each, which says what is to be freed */
} CaskOptions;

/** A node's options as the values of a plugin's specs; marks which are secret, and reads
 * those. Also where it fails, no option that may be secret is left unmarked. Errors:
 * INVALID_CONFIG; PLUGIN_INVALID where a fallback does not parse. */
CaskOptions *cask_options_resolve (const char *plugin_name, const CaskOptionSpec *specs,
                                   gsize n_specs, CaskConfigNode *node, GError **error);
/** options: (nullable). */
void cask_options_free (CaskOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskOptions, cask_options_free)

/** Whether a plugin's option makes sense by itself: its type is known, its choices are
 * there, its range is not empty, and its fallback, if any, parses. Reads no secret.
 * Errors: PLUGIN_INVALID. */
gboolean cask_option_check_fallbacks (const CaskOptionSpec *spec, GError **error);

/** Removes a reserved option from a node and parses it; value->is_set says whether it was
 * there, else its fallback stands in value. A string in value is for the caller to
 * g_free(), a secret to g_bytes_unref(). Errors: INVALID_CONFIG. */
gboolean cask_config_take (CaskConfigNode *node, const char *name,
                           const CaskOptionSpec *spec, CaskOptionValue *value,
                           GError **error);

/** Fails where one of the reserved options stands below the root. */
gboolean cask_config_refuse_reserved (const CaskConfigNode *root,
                                      const char *const *reserved, gsize n,
                                      GError **error);

/* ---- One value (config-value.c, config-secret.c) ---- */

/** CaskOptionProblem: what is wrong with a value, as the end of a sentence, without the
 * value; (transfer full); NULL = nothing is. */
typedef char *CaskOptionProblem;

/** Reads text as spec says into value, all of it but is_set. Reads no secret: for those
 * only the form of the reference is checked, and value->secret is NULL. */
CaskOptionProblem cask_option_parse (const CaskOptionSpec *spec, const char *text,
                                     CaskOptionValue *value);

/** Whether text is `file:/path`, `env:NAME` or `fd:N`. */
gboolean cask_secret_is_reference (const char *text);
/** Reads what a reference leads to. absent: set where the file or variable does not
 * exist, which is a problem, too. */
CaskOptionProblem cask_secret_read (const char *reference, GBytes **secret,
                                    gboolean *absent);

G_END_DECLS
