/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-error.h: what an error of the domain CASK_ERROR carries beside its message. */
#pragma once

#include "cask-types.h"

G_BEGIN_DECLS

GQuark cask_error_quark (void);
gboolean cask_error_get_digests (const GError *error, CaskDigest *expected,
                                 CaskDigest *actual);

G_END_DECLS
