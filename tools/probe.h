/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h: looks at a plugin from a safe distance. */
#pragma once

#include <glib.h>

/* An answer is a dictionary (a{sv}). A plugin that can be used has all of these: */
#define PROBE_VERSION "version"           /* s */
#define PROBE_ABI "abi"                   /* s: "1.0" */
#define PROBE_SUMMARY "summary"           /* s */
#define PROBE_LICENSE "license"           /* s */
#define PROBE_HOMEPAGE "homepage"         /* s */
#define PROBE_PATH "path"                 /* s */
#define PROBE_KIND "kind"                 /* u: CaskPluginKind */
#define PROBE_LOCATION "location"         /* u: CaskLocation */
#define PROBE_CHILDREN "children"         /* (uu): at least, at most */
#define PROBE_CAPABILITIES "capabilities" /* t */
#define PROBE_OPTIONS "options"           /* PROBE_OPTION_TYPE, an array of it */
/* and one that cannot has these: */
#define PROBE_REASON "reason" /* s */
#define PROBE_CODE "code"     /* u: CaskError */

/* Name, what a value looks like, help, default ("" for none), required. */
#define PROBE_OPTION_TYPE "(ssssb)"

/* path: (nullable) the file that the name leads to, for a message where the child can not
 * say it any more. */
GVariant *probe_plugin (const char *name, const char *path);
/* The answer about a file that is not loaded, because another is in its place. */
GVariant *probe_hidden (const char *path, const char *hidden_by);
void probe_answer (const char *name);
