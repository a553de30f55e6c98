/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-config.h: building config strings from what a user gave.
 *
 * A config string names a store: `fs:/srv/blobs?durability=batch`. A path or a value that
 * comes from elsewhere is escaped first; nothing else of a config string ever needs it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * cask_config_escape:
 * @text: (type filename): a location or an option's value, not NULL; any bytes
 *
 * Percent-encodes whatever must not stand literally in a location or an option's value of
 * a config string. Letters, digits, `-._~/:@=+!$'*;[]` and printable UTF-8 beyond ASCII
 * stay; everything else, a `%` included, becomes `%` and two upper-case hexadecimal
 * digits a byte. The result is one printable line of valid UTF-8.
 *
 *     g_autofree char *place = cask_config_escape ("/srv/my blobs");
 *     g_autofree char *config = g_strconcat ("fs:", place, NULL);
 *
 * Text that is not UTF-8 is refused in an option's value when the string is parsed; a
 * location may hold it.
 *
 * Returns: (transfer full): the escaped text; free it with g_free()
 *
 * Since: 1.0
 */
char *cask_config_escape (const char *text);

G_END_DECLS
