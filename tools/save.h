/* SPDX-License-Identifier: Apache-2.0
 *
 * save.h: a file that appears whole or not at all. */
#pragma once

#include <glib.h>

typedef struct _Save Save;

Save *save_new (const char *name, GError **error);
gboolean save_write (Save *save, const char *data, gsize size, GError **error);
int save_lock (Save *save);
gboolean save_finish (Save *save, GError **error);
void save_free (Save *save);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Save, save_free)
