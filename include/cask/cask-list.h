/* SPDX-License-Identifier: Apache-2.0
 *
 * cask-list.h: a page of a listing. */
#pragma once

#include <glib-object.h>
#include "cask-types.h"

G_BEGIN_DECLS

#define CASK_TYPE_LIST_PAGE (cask_list_page_get_type ())

/** CaskListPage: blobs in digest order, and whether more follow; refcounted, immutable.
 * Since: 1.0 */
typedef struct _CaskListPage CaskListPage;

GType cask_list_page_get_type (void) G_GNUC_CONST;

CaskListPage *cask_list_page_ref (CaskListPage *page);
void cask_list_page_unref (CaskListPage *page);
guint cask_list_page_get_length (const CaskListPage *page);
const CaskBlobInfo *cask_list_page_get_item (const CaskListPage *page, guint index);
gboolean cask_list_page_get_more (const CaskListPage *page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskListPage, cask_list_page_unref)

G_END_DECLS
