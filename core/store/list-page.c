/* SPDX-License-Identifier: Apache-2.0
 *
 * list-page.c: a page of a listing: refcounted and immutable, so that it crosses threads
 * and languages. */
#include "store-private.h"

struct _CaskListPage
{
  GArray *infos; /* of CaskBlobInfo */
  gboolean more;
};

G_DEFINE_BOXED_TYPE (CaskListPage, cask_list_page, cask_list_page_ref,
                     cask_list_page_unref)

CaskListPage *
cask_list_page_new (GArray *infos, gboolean more)
{
  CaskListPage *page = g_atomic_rc_box_new (CaskListPage);

  page->infos = infos;
  page->more = more;
  return page;
}

/**
 * cask_list_page_ref:
 * @page: a page
 *
 * Returns: (transfer full): the same page
 *
 * Since: 1.0
 */
CaskListPage *
cask_list_page_ref (CaskListPage *page)
{
  g_return_val_if_fail (page != NULL, NULL);

  return g_atomic_rc_box_acquire (page);
}

static void
list_page_clear (gpointer data)
{
  CaskListPage *page = data;
  g_array_unref (page->infos);
}

/**
 * cask_list_page_unref:
 * @page: (transfer full): a page
 *
 * Since: 1.0
 */
void
cask_list_page_unref (CaskListPage *page)
{
  g_return_if_fail (page != NULL);

  g_atomic_rc_box_release_full (page, list_page_clear);
}

/**
 * cask_list_page_get_length:
 * @page: a page
 *
 * Returns: how many blobs are on it
 *
 * Since: 1.0
 */
guint
cask_list_page_get_length (const CaskListPage *page)
{
  g_return_val_if_fail (page != NULL, 0);

  return page->infos->len;
}

/**
 * cask_list_page_get_item:
 * @page: a page
 * @index: less than its length
 *
 * Returns: (transfer none): what is known of the blob at @index; valid as long as the
 * page
 *
 * Since: 1.0
 */
const CaskBlobInfo *
cask_list_page_get_item (const CaskListPage *page, guint index)
{
  g_return_val_if_fail (page != NULL && index < page->infos->len, NULL);

  return &g_array_index (page->infos, CaskBlobInfo, index);
}

/**
 * cask_list_page_get_more:
 * @page: a page
 *
 * Returns: whether blobs follow it: list again, after the digest of this page's last item
 *
 * Since: 1.0
 */
gboolean
cask_list_page_get_more (const CaskListPage *page)
{
  g_return_val_if_fail (page != NULL, FALSE);

  return page->more;
}
