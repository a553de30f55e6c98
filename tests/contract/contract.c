/* SPDX-License-Identifier: Apache-2.0
 *
 * contract.c: a fresh store for each test, or a sentence that says why there is none.
 *
 * Only two things skip a test: a capability that the store does not announce, and a place
 * that cannot be opened twice or reached from outside. Anything else that is missing
 * fails. */
#include "contract.h"

#include <stdio.h>

static const Calls *current_calls = &contract_sync_calls;

int
contract_use_sync_calls (void)
{
  current_calls = &contract_sync_calls;
  return 0;
}

int
contract_use_async_calls (void)
{
  current_calls = &contract_async_calls;
  return 0;
}

void
contract_skip (const char *format, ...)
{
  va_list arguments;
  CU_pTest test = CU_get_current_test ();

  va_start (arguments, format);
  g_autofree char *why = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  printf ("\n  SKIPPED %s: %s\n  ", test != NULL ? test->pName : "", why);
}

gboolean
contract_is_long (void)
{
  return g_getenv ("CASK_TEST_LONG") != NULL;
}

char *
contract_make_config (const char **directory)
{
  const char *template = g_getenv ("CASK_CONTRACT_CONFIG");
  g_auto (GStrv) parts = g_strsplit (template != NULL ? template : "memory:", "%d", -1);

  *directory = g_strv_length (parts) > 1 ? test_directory () : NULL;
  g_autofree char *escaped =
      *directory != NULL ? cask_config_escape (*directory) : g_strdup ("");
  return g_strjoinv (escaped, parts);
}

char *
contract_add_option (const char *config, const char *option, guint node)
{
  gboolean has_options = FALSE, in_node = TRUE;
  guint ends = 0;

  for (const char *at = config;; at++)
    {
      gboolean ends_here = *at == '\0' || strchr ("(),", *at) != NULL;
      if (ends_here && in_node && ends++ == node)
        return g_strdup_printf ("%.*s%c%s%s", (int) (at - config), config,
                                has_options ? '&' : '?', option, at);
      if (*at == '\0')
        return NULL;
      if (ends_here)
        has_options = FALSE;
      /* What follows a node's own children is the end of it once more. */
      in_node = *at == '(' || *at == ',' || (in_node && !ends_here);
      has_options = has_options || *at == '?';
    }
}

static const char *
capability_name (guint capability)
{
  static const char *const names[] = { "WRITE",         "DURABLE",
                                       "SHARED",        "IMMUTABLE",
                                       "EXACT_CREATED", "FRESHENS",
                                       "REMOVE_UNUSED", "READS_OUTLIVE_REMOVE",
                                       "RESUME",        "QUARANTINE" };
  guint bit = (guint) g_bit_nth_lsf (capability, -1);
  return bit < G_N_ELEMENTS (names) ? names[bit] : "an unknown capability";
}

/* Opens with the option at the first node that takes it. */
static CaskStore *
contract_open_option (char **config, const char *option, GError **error)
{
  for (guint node = 0;; node++)
    {
      g_autofree char *with = contract_add_option (*config, option, node);
      if (with == NULL)
        return NULL;
      g_clear_error (error);
      CaskStore *store = current_calls->open (with, NULL, error);
      if (store == NULL &&
          g_error_matches (*error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG))
        continue;
      g_free (*config);
      *config = g_steal_pointer (&with);
      return store;
    }
}

static gboolean
contract_fits (Contract *contract, guint needs)
{
  guint missing = needs & ~(guint) contract->capabilities;

  if (missing == 0)
    return TRUE;
  contract_skip ("%s does not announce %s", cask_store_get_config (contract->store),
                 capability_name (missing));
  return FALSE;
}

Contract *
contract_open_with (guint needs, const char *option)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Contract) contract = g_new0 (Contract, 1);

  contract->calls = current_calls;
  contract->buffers = g_ptr_array_new_with_free_func (g_free);
  contract->config = contract_make_config (&contract->directory);
  contract->store = option == NULL
                        ? current_calls->open (contract->config, NULL, &error)
                        : contract_open_option (&contract->config, option, &error);
  if (option != NULL && g_error_matches (error, CASK_ERROR, CASK_ERROR_INVALID_CONFIG))
    {
      contract_skip ("no part of %s takes the option %s", contract->config, option);
      return NULL;
    }
  TEST_NO_ERROR (error);
  if (contract->store == NULL)
    return NULL;
  contract->capabilities = cask_store_get_capabilities (contract->store);
  return contract_fits (contract, needs) ? g_steal_pointer (&contract) : NULL;
}

Contract *
contract_open (guint needs)
{
  return contract_open_with (needs, NULL);
}

void
contract_close (Contract *contract)
{
  g_autoptr (GError) error = NULL;

  if (contract->store != NULL)
    {
      CU_ASSERT_TRUE (contract->calls->close (contract->store, NULL, &error));
      TEST_NO_ERROR (error);
      g_object_unref (contract->store);
    }
  CU_ASSERT_EQUAL (contract_wrong_callbacks (), 0);
  if (contract->directory != NULL)
    test_remove_tree (contract->directory);
  g_ptr_array_unref (contract->buffers);
  g_free (contract->config);
  g_free (contract);
}

CaskStore *
contract_open_again (Contract *contract)
{
  g_autoptr (GError) error = NULL;

  if (contract->directory == NULL)
    {
      contract_skip ("%s is private to its store", contract->config);
      return NULL;
    }
  CaskStore *store = contract->calls->open (contract->config, NULL, &error);
  TEST_NO_ERROR (error);
  return store;
}
