/* SPDX-License-Identifier: Apache-2.0
 *
 * abi-fixture.h: open nodes without a store, for a host of this minor and of the next. */
#pragma once

#include "node-private.h"
#include "test-support.h"

/* Opens what config describes, with a host table in which every word past `warn` is
 * `word`. Returns: NULL after a failed assertion */
CaskNode *abi_open (const char *config, guint64 word);

/* Puts "eleven bytes", whole or in two pieces, and reads it again. Returns: its digest */
CaskDigest abi_put (CaskNode *node);
CaskDigest abi_upload (CaskNode *node, CaskUploadSpec *spec);

/* What the plugin `new` says that it has seen. */
guint64 abi_seen (CaskNode *node);

/* Loads `cask-NAME.so` of this directory's plugins. Returns: NULL with an error, or NULL
 * after a failed assertion where it should have loaded */
CaskLoadedPlugin *abi_load (const char *name);
/* Asserts that it is refused with the code, and with exactly this after its path. */
void abi_refused (const char *name, CaskError code, const char *sentence);
