/* SPDX-License-Identifier: Apache-2.0
 *
 * conform-list.c: every blob once, in order, page by page. */
#include "conform-case.h"

static int
compare_digests (gconstpointer a, gconstpointer b)
{
  return cask_digest_compare (a, b);
}

/* Puts n small blobs under alternating algorithms. Returns: their digests in order */
static GArray *
put_many (Conform *c, guint n)
{
  GArray *digests = g_array_new (FALSE, FALSE, sizeof (CaskDigest));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = conform_bytes (4000 + i, i % 40);
      CaskDigest digest;
      CONFORM_TRUE (c->calls->add (
          c->store, bytes, i % 3 == 0 ? CASK_ALGORITHM_SHA512 : CASK_ALGORITHM_SHA256,
          CASK_PUT_NONE, &digest, NULL, NULL, &error));
      CONFORM_NO_ERROR (error);
      g_array_append_val (digests, digest);
    }
  g_array_sort (digests, compare_digests);
  guint kept = 0;
  for (guint i = 0; i < n; i++)
    if (kept == 0 || !cask_digest_equal (&g_array_index (digests, CaskDigest, kept - 1),
                                         &g_array_index (digests, CaskDigest, i)))
      g_array_index (digests, CaskDigest, kept++) =
          g_array_index (digests, CaskDigest, i);
  g_array_set_size (digests, kept);
  return digests;
}

/* Whether infos are those digests from `first` on, `n` of them. */
static gboolean
infos_are (const CaskListPage *page, const GArray *digests, guint first, guint n)
{
  if (page == NULL || cask_list_page_get_length (page) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!cask_digest_equal (&cask_list_page_get_item (page, i)->digest,
                            &g_array_index (digests, CaskDigest, first + i)))
      return FALSE;
  return TRUE;
}

static void
test_empty_list (void)
{
  g_autoptr (Conform) c = conform_open (0);
  if (c == NULL)
    return;
  static const guint limits[] = { 0, 1, 1000, CASK_LIST_MAXIMUM, G_MAXUINT };
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page =
          c->calls->list (c->store, NULL, limits[i], NULL, &error);
      CONFORM_NO_ERROR (error);
      CONFORM_TRUE (page != NULL && cask_list_page_get_length (page) == 0);
      CONFORM_TRUE (page != NULL && !cask_list_page_get_more (page));
    }
}

static void
test_sorted (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) digests = put_many (c, 300);
  g_autoptr (CaskListPage) page = c->calls->list (c->store, NULL, 0, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (infos_are (page, digests, 0, digests->len));
  CONFORM_TRUE (page != NULL && !cask_list_page_get_more (page));
  for (guint i = 0; page != NULL && i < cask_list_page_get_length (page); i += 17)
    {
      const CaskBlobInfo *item = cask_list_page_get_item (page, i);
      CaskBlobInfo info = { 0 };
      CONFORM_TRUE (c->calls->stat (c->store, &item->digest, &info, NULL, &error));
      CONFORM_NO_ERROR (error);
      CONFORM_EQUAL (item->size, info.size);
      CONFORM_EQUAL (item->mtime_usec, info.mtime_usec);
    }
}

static void
test_page_sizes (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GArray) digests = put_many (c, 60);
  guint n = digests->len;
  const guint limits[] = { 1, 2, 3, n - 1, n, n + 1 };
  for (guint k = 0; k < G_N_ELEMENTS (limits); k++)
    {
      g_autoptr (GArray) infos = conform_list_all (c, limits[k]);
      CONFORM_TRUE (infos != NULL && infos->len == n);
      for (guint i = 0; infos != NULL && i < MIN (infos->len, n); i++)
        CONFORM_DIGEST (&g_array_index (infos, CaskBlobInfo, i).digest,
                        &g_array_index (digests, CaskDigest, i));
    }
}

/* A full page says truthfully whether another follows. */
static void
test_more (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GArray) digests = put_many (c, 20);
  for (guint limit = 1; limit <= digests->len + 1; limit++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page =
          c->calls->list (c->store, NULL, limit, NULL, &error);
      CONFORM_NO_ERROR (error);
      CONFORM_TRUE (infos_are (page, digests, 0, MIN (limit, digests->len)));
      CONFORM_TRUE (page != NULL &&
                    cask_list_page_get_more (page) == (limit < digests->len));
    }
}

static void
test_token (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GArray) digests = put_many (c, 40);
  for (guint i = 0; i < digests->len; i++)
    {
      CaskDigest after = g_array_index (digests, CaskDigest, i);
      guint last = (guint) cask_digest_length (&after) - 1;
      for (int beside = -1; beside <= 1; beside++)
        {
          g_autoptr (GError) error = NULL;
          after.bytes[last] =
              (guint8) (g_array_index (digests, CaskDigest, i).bytes[last] + beside);
          guint first = 0;
          while (first < digests->len &&
                 cask_digest_compare (&g_array_index (digests, CaskDigest, first),
                                      &after) <= 0)
            first++;
          g_autoptr (CaskListPage) page =
              c->calls->list (c->store, &after, 0, NULL, &error);
          CONFORM_NO_ERROR (error);
          CONFORM_TRUE (infos_are (page, digests, first, digests->len - first));
        }
    }
}

static void
test_extreme_tokens (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) digests = put_many (c, 30);
  CaskDigest first = { .algorithm = CASK_ALGORITHM_SHA256 };
  CaskDigest last = { .algorithm = CASK_ALGORITHM_SHA512 };
  memset (last.bytes, 0xff, sizeof last.bytes);
  g_autoptr (CaskListPage) all = c->calls->list (c->store, &first, 0, NULL, &error);
  g_autoptr (CaskListPage) none = c->calls->list (c->store, &last, 0, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (infos_are (all, digests, 0, digests->len));
  CONFORM_TRUE (infos_are (none, digests, 0, 0));
  CONFORM_TRUE (none != NULL && !cask_list_page_get_more (none));
}

/* Between the pages `change` is done to the store; what was there throughout is listed
 * once. */
static void
list_with_changes (void (*change) (Conform *c, const CaskDigest *token, guint page))
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GArray) digests = put_many (c, 60);
  CaskDigest after = { .algorithm = CASK_ALGORITHM_SHA256 };
  gboolean more = TRUE;
  guint seen = 0;
  for (guint n = 0; more && n < 200; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskListPage) page = c->calls->list (c->store, &after, 5, NULL, &error);
      CONFORM_NO_ERROR (error);
      guint length = page != NULL ? cask_list_page_get_length (page) : 0;
      more = length > 0 && cask_list_page_get_more (page);
      for (guint i = 0; i < length; i++)
        {
          CaskDigest digest = cask_list_page_get_item (page, i)->digest;
          CONFORM_TRUE (cask_digest_compare (&digest, &after) > 0);
          after = digest;
          seen += seen < digests->len &&
                  cask_digest_equal (&digest, &g_array_index (digests, CaskDigest, seen));
        }
      change (c, &after, n);
    }
  CONFORM_FALSE (more);
  CONFORM_EQUAL (seen, digests->len);
}

static void
insert_some (Conform *c, const CaskDigest *token, guint page)
{
  (void) token;
  for (guint i = 0; page < 10 && i < 6; i++)
    conform_put_number (c, 9000 + page * 6 + i);
}

static void
delete_token (Conform *c, const CaskDigest *token, guint page)
{
  g_autoptr (GError) error = NULL;
  (void) page;
  CONFORM_TRUE (c->calls->remove (c->store, token, NULL, NULL, &error));
  CONFORM_NO_ERROR (error);
}

static void
test_insert_between (void)
{
  list_with_changes (insert_some);
}

static void
test_delete_between (void)
{
  list_with_changes (delete_token);
}

/* More than a piece, so that the core has to join several answers of the backend. */
static void
test_long_list (void)
{
  g_autoptr (Conform) c = conform_open (CASK_CAPABILITY_WRITE);
  if (c == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) digests = put_many (c, 2100);
  g_autoptr (CaskListPage) usual = c->calls->list (c->store, NULL, 0, NULL, &error);
  g_autoptr (CaskListPage) whole =
      c->calls->list (c->store, NULL, G_MAXUINT, NULL, &error);
  CONFORM_NO_ERROR (error);
  CONFORM_TRUE (infos_are (usual, digests, 0, CASK_LIST_DEFAULT));
  CONFORM_TRUE (usual != NULL && cask_list_page_get_more (usual));
  CONFORM_TRUE (infos_are (whole, digests, 0, digests->len));
  CONFORM_TRUE (whole != NULL && !cask_list_page_get_more (whole));
}

const ConformCase conform_list_tests[] = {
  { "C39 an empty store lists nothing", test_empty_list },
  { "C40 a list is sorted, without duplicates, over both algorithms", test_sorted },
  { "C41 pages of 1, 2, 3, N-1, N and N+1 hold the same blobs", test_page_sizes },
  { "C41 more is said exactly where more follows", test_more },
  { "C42 the token is exclusive and need not exist", test_token },
  { "C42 the least and the greatest token", test_extreme_tokens },
  { "C43 inserting between pages moves nothing", test_insert_between },
  { "C44 deleting the token between pages moves nothing", test_delete_between },
  { "S6 limits 0 and above the most of a page", test_long_list },
  CONFORM_CASES_END
};
