/* SPDX-License-Identifier: Apache-2.0
 *
 * test-config-random.c: a printed tree parses to itself, and no text does harm (cases G4,
 * and a little of G6). CASK_TEST_SEED repeats a run. */
#include <stdio.h>
#include <stdlib.h>
#include <CUnit/Basic.h>

#include "config-private.h"

#define RANDOM_TREES 100000
#define RANDOM_TEXTS 100000

static guint32 test_seed;

static char *
random_name (GRand *rand)
{
  GString *name = g_string_new (NULL);
  int length = g_rand_int_range (rand, 1, 9);
  for (int i = 0; i < length; i++)
    {
      if (i > 0 && g_rand_int_range (rand, 0, 6) == 0)
        g_string_append_c (name, '-');
      gboolean digit = i > 0 && g_rand_int_range (rand, 0, 4) == 0;
      g_string_append_c (name, (char) (digit ? g_rand_int_range (rand, '0', '9' + 1)
                                             : g_rand_int_range (rand, 'a', 'z' + 1)));
    }
  return g_string_free (name, FALSE);
}

static char *
random_bytes (GRand *rand)
{
  int length = g_rand_int_range (rand, 0, 24);
  char *bytes = g_malloc0 ((gsize) length + 1);
  for (int i = 0; i < length; i++)
    bytes[i] = (char) g_rand_int_range (rand, 1, 256);
  return bytes;
}

static char *
random_unicode (GRand *rand)
{
  static const gint32 tops[] = { 0x80, 0x80, 0x250, 0x3000, 0xd800, 0x110000 };
  GString *text = g_string_new (NULL);
  int length = g_rand_int_range (rand, 0, 12);
  for (int i = 0; i < length; i++)
    {
      gunichar c = (gunichar) g_rand_int_range (
          rand, 1, tops[g_rand_int_range (rand, 0, G_N_ELEMENTS (tops))]);
      if (g_unichar_validate (c))
        g_string_append_unichar (text, c);
    }
  return g_string_free (text, FALSE);
}

static CaskConfigNode *
random_tree (GRand *rand, guint depth, guint *budget)
{
  g_autofree char *name = random_name (rand);
  CaskConfigNode *node = cask_config_node_new (name, 0);
  if (g_rand_boolean (rand))
    node->location = random_bytes (rand);
  for (int i = g_rand_int_range (rand, 0, 4); i > 0; i--)
    {
      g_autofree char *stem = random_name (rand);
      g_autofree char *option = g_strdup_printf ("%s%d", stem, i); /* never twice */
      g_autofree char *value = random_unicode (rand);
      cask_config_node_add_option (node, option, value);
    }
  for (int i = g_rand_int_range (rand, -2, 4); i > 0 && depth < 16 && *budget > 0; i--)
    {
      --*budget;
      g_ptr_array_add (node->children, random_tree (rand, depth + 1, budget));
    }
  return node;
}

static gboolean
trees_equal (const CaskConfigNode *a, const CaskConfigNode *b)
{
  if (strcmp (a->name, b->name) != 0 || g_strcmp0 (a->location, b->location) != 0 ||
      a->options->len != b->options->len || a->children->len != b->children->len)
    return FALSE;
  for (guint i = 0; i < a->options->len; i++)
    {
      const CaskConfigOption *x = a->options->pdata[i], *y = b->options->pdata[i];
      if (strcmp (x->name, y->name) != 0 || strcmp (x->value, y->value) != 0)
        return FALSE;
    }
  for (guint i = 0; i < a->children->len; i++)
    if (!trees_equal (a->children->pdata[i], b->children->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
is_one_line (const char *text)
{
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;
  return g_utf8_validate (text, -1, NULL);
}

static gboolean
round_trips (GRand *rand)
{
  guint budget = (guint) g_rand_int_range (rand, 0, 24);
  g_autoptr (CaskConfigNode) tree = random_tree (rand, 1, &budget);
  g_autofree char *text = cask_config_print_full (tree);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) again = cask_config_parse (text, &error);
  gboolean same = again != NULL && trees_equal (tree, again) && is_one_line (text);
  if (!same)
    printf ("\n  %s\n  %s\n", text, error != NULL ? error->message : "another tree");
  return same;
}

static void
test_round_trip (void)
{
  GRand *rand = g_rand_new_with_seed (test_seed);
  guint failures = 0;
  for (guint i = 0; i < RANDOM_TREES && failures < 5; i++)
    failures += round_trips (rand) ? 0 : 1;
  CU_ASSERT_EQUAL (failures, 0);
  g_rand_free (rand);
}

/* Random words of the grammar: each parses or is refused, and what parses prints and
 * parses to the same text. */
static void
test_random_texts (void)
{
  static const char *const words[] = { "fs",  "a", ":",  "?",  "&",   "=",    "(",
                                       "(",   ")", ")",  ",",  " ",   "%20",  "%",
                                       "%00", "-", "\n", "/b", "x=1", "\xff", "\xc3\xb6",
                                       "#",   "A", "~",  "..", "9" };
  GRand *rand = g_rand_new_with_seed (test_seed + 1);
  guint parsed = 0;
  for (guint i = 0; i < RANDOM_TEXTS; i++)
    {
      g_autoptr (GString) text = g_string_new (g_rand_boolean (rand) ? "fs" : "");
      for (int n = g_rand_int_range (rand, 0, 12); n > 0; n--)
        g_string_append (text, words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))]);
      g_autoptr (GError) error = NULL;
      g_autoptr (CaskConfigNode) node = cask_config_parse (text->str, &error);
      if ((node == NULL) != (error != NULL) ||
          (error != NULL && !is_one_line (error->message)))
        CU_FAIL ("a tree or a one-line error expected");
      if (node == NULL)
        continue;
      parsed++;
      g_autofree char *printed = cask_config_print (node);
      g_autoptr (CaskConfigNode) again = cask_config_parse (printed, NULL);
      if (again == NULL || !trees_equal (node, again))
        CU_FAIL ("what parsed does not survive printing");
    }
  CU_ASSERT_TRUE (parsed > RANDOM_TEXTS / 100);
  g_rand_free (rand);
}

int
main (void)
{
  const char *seed = g_getenv ("CASK_TEST_SEED");
  test_seed =
      seed != NULL ? (guint32) g_ascii_strtoull (seed, NULL, 10) : g_random_int ();
  printf ("CASK_TEST_SEED=%u\n", test_seed);

  CU_initialize_registry ();
  CU_pSuite suite = CU_add_suite ("random config strings", NULL, NULL);
  CU_add_test (suite, "G4 a random tree survives printing", test_round_trip);
  CU_add_test (suite, "G6 a random text parses or is refused", test_random_texts);
  CU_basic_run_tests ();
  int status = CU_get_number_of_failures () == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  CU_cleanup_registry ();
  return status;
}
