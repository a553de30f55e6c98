/* SPDX-License-Identifier: Apache-2.0
 *
 * upload.h: what the commands under `cask upload` share. */
#pragma once

#include "tools-private.h"

CaskUpload *upload_resume (ToolCall *call, const char *id);

ToolStatus upload_begin (ToolCall *call);
ToolStatus upload_append (ToolCall *call);
ToolStatus upload_commit (ToolCall *call);
ToolStatus upload_abort (ToolCall *call);
ToolStatus upload_status (ToolCall *call);
ToolStatus upload_ls (ToolCall *call);
ToolStatus upload_expire (ToolCall *call);
