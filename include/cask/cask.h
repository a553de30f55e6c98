/* SPDX-License-Identifier: Apache-2.0
 *
 * cask.h: all of Cask that a host program needs. */
#pragma once

#include "cask-batch.h"
#include "cask-config.h"
#include "cask-digest.h"
#include "cask-error.h"
#include "cask-input-stream.h"
#include "cask-list.h"
#include "cask-plugins.h"
#include "cask-store.h"
#include "cask-store-async.h"
#include "cask-types.h"
#include "cask-upload.h"
#include "cask-version.h"
