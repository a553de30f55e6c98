/* SPDX-License-Identifier: Apache-2.0
 *
 * test-options.c: options against specs: every type and unit, what is said of a wrong
 * one, and reserved options (cases G2, C87, L38). */
#include <stdio.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

#include "options-fixture.h"

static void
check_refused (const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskOptions) options = resolve (text, &error);
  CU_ASSERT_PTR_NULL (options);
  check_message (error, CASK_ERROR_INVALID_CONFIG, message);
}

static void
check_number (gsize at, const char *value, guint64 expected)
{
  g_autofree char *text = g_strdup_printf ("fs?%s=%s", specs[at].name, value);
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskOptions) options = resolve (text, &error);
  CU_ASSERT_PTR_NOT_NULL (options);
  if (options == NULL)
    {
      printf ("\n  %s: %s\n", text, error->message);
      return;
    }
  CU_ASSERT_EQUAL (options->n_values, G_N_ELEMENTS (specs));
  CU_ASSERT_EQUAL (options->values[at].is_set, 1);
  CU_ASSERT_EQUAL (options->values[at].number, expected);
}

/* ---- Values ---- */

static void
test_fallbacks (void)
{
  g_autoptr (CaskOptions) options = resolve ("fs:/a", NULL);
  CU_ASSERT_PTR_NOT_NULL (options);
  if (options == NULL)
    return;
  const CaskOptionValue *values = options->values;
  for (gsize i = 0; i < options->n_values; i++)
    CU_ASSERT_EQUAL (values[i].is_set, 0);
  CU_ASSERT_EQUAL (values[AT_DURABILITY].number, 2);
  CU_ASSERT_EQUAL (values[AT_MAX_BYTES].number, 0);
  CU_ASSERT_EQUAL (values[AT_FRESHEN].number, CASK_FRESHEN_LAG_USEC);
  CU_ASSERT_EQUAL (values[AT_CREATE].number, 1);
  CU_ASSERT_STRING_EQUAL (values[AT_REGION].string, "here");
  CU_ASSERT_PTR_NULL (values[AT_REGIONAL].string);
  CU_ASSERT_PTR_NULL (values[AT_SECRET_KEY].secret);
}

static void
test_sizes (void)
{
  check_number (AT_MAX_BYTES, "0", 0);
  check_number (AT_MAX_BYTES, "17", 17);
  check_number (AT_MAX_BYTES, "17B", 17);
  check_number (AT_MAX_BYTES, "3KiB", 3072);
  check_number (AT_MAX_BYTES, "64MiB", 64 << 20);
  check_number (AT_MAX_BYTES, "5GiB", 5ULL << 30);
  check_number (AT_MAX_BYTES, "2TiB", 2ULL << 40);
  check_number (AT_MAX_BYTES, "3k", 3072);
  check_number (AT_MAX_BYTES, "64M", 64 << 20);
  check_number (AT_MAX_BYTES, "5G", 5ULL << 30);
  check_number (AT_MAX_BYTES, "18446744073709551615", G_MAXUINT64);
  check_number (AT_MAX_BYTES, "16777215TiB", 16777215ULL << 40);

  const char *unit = "unknown unit; write B, KiB, MiB, GiB or TiB";
  const char *form = "not a size; write for example 64MiB";
  check_value_refused ("max-bytes", "16777216TiB", "too large");
  check_value_refused ("max-bytes", "18446744073709551616", "too large");
  check_value_refused ("max-bytes", "99999999999999999999999B", "too large");
  check_value_refused ("max-bytes", "64mib", unit);
  check_value_refused ("max-bytes", "64KB", unit);
  check_value_refused ("max-bytes", "64%20MiB", unit);
  check_value_refused ("max-bytes", "1.5GiB", "must be a whole number");
  check_value_refused ("max-bytes", "-1", "must not be negative");
  check_value_refused ("max-bytes", "+1", form);
  check_value_refused ("max-bytes", "MiB", form);
  check_value_refused ("max-bytes", "", form);
  check_value_refused ("max-bytes", "-", form);
}

static void
test_durations (void)
{
  check_number (AT_FRESHEN, "0", 0);
  check_number (AT_FRESHEN, "0s", 0);
  check_number (AT_FRESHEN, "250ms", 250000);
  check_number (AT_FRESHEN, "60s", 60000000);
  check_number (AT_FRESHEN, "5min", 300000000);
  check_number (AT_FRESHEN, "1h", 3600000000);
  check_number (AT_FRESHEN, "9223372036854s", 9223372036854000000);

  check_value_refused ("freshen", "60", "add a unit: ms, s, min or h");
  check_value_refused ("freshen", "60m", "unknown unit; write ms, s, min or h");
  check_value_refused ("freshen", "1.5h", "must be a whole number");
  check_value_refused ("freshen", "9223372036855s", "too large");
  check_value_refused ("freshen", "18446744073709551615h", "too large");
  check_value_refused ("freshen", "-1s", "must not be negative");
  check_value_refused ("freshen", "", "not a duration; write for example 60s");
}

static void
test_counts (void)
{
  check_number (AT_LEVEL, "1", 1);
  check_number (AT_LEVEL, "22", 22);
  check_number (AT_LEVEL, "007", 7);
  check_value_refused ("level", "0", "must be from 1 to 22");
  check_value_refused ("level", "23", "must be from 1 to 22");
  check_value_refused ("level", "9x", "not a whole number; write for example 42");
  check_value_refused ("level", "0x9", "not a whole number; write for example 42");
  check_value_refused ("level", "", "not a whole number; write for example 42");
  check_value_refused ("level", "-9", "must not be negative");
  check_value_refused ("level", "18446744073709551616", "too large");
}

static void
test_bounds_in_units (void)
{
  const CaskOptionSpec size = {
    .name = "s", .type = CASK_OPTION_SIZE, .min = 4096, .max = 1536 << 20
  };
  const CaskOptionSpec duration = { .name = "d",
                                    .type = CASK_OPTION_DURATION,
                                    .max = 90 * G_USEC_PER_SEC };
  CaskOptionValue value;
  g_autofree char *size_problem = cask_option_parse (&size, "1", &value);
  g_autofree char *duration_problem = cask_option_parse (&duration, "1h", &value);
  CU_ASSERT_STRING_EQUAL (size_problem, "must be from 4KiB to 1536MiB");
  CU_ASSERT_STRING_EQUAL (duration_problem, "must be from 0 to 90s");
}

static void
test_words (void)
{
  check_number (AT_CREATE, "yes", 1);
  check_number (AT_CREATE, "true", 1);
  check_number (AT_CREATE, "no", 0);
  check_number (AT_CREATE, "false", 0);
  check_value_refused ("create", "1", "write yes or no");
  check_value_refused ("create", "YES", "write yes or no");
  check_value_refused ("create", "", "write yes or no");
  check_number (AT_DURABILITY, "none", 0);
  check_number (AT_DURABILITY, "batch", 3);
  check_value_refused ("durability", "bacth",
                       "not one of none, data, full, batch; did you mean 'batch'?");
  check_value_refused ("durability", "FULL",
                       "not one of none, data, full, batch; did you mean 'full'?");
  check_value_refused ("durability", "zzzzz", "not one of none, data, full, batch");
  check_value_refused ("durability", "none%7Cdata", "not one of none, data, full, batch");
  check_value_refused ("durability", "", "not one of none, data, full, batch");
}

static void
test_strings (void)
{
  g_autoptr (CaskOptions) options = resolve ("fs?region=a%20%C3%B6&regional=", NULL);
  CU_ASSERT_PTR_NOT_NULL (options);
  if (options == NULL)
    return;
  CU_ASSERT_STRING_EQUAL (options->values[AT_REGION].string, "a \xc3\xb6");
  CU_ASSERT_STRING_EQUAL (options->values[AT_REGIONAL].string, "");
}

/* ---- Names ---- */

static void
test_names (void)
{
  check_refused ("fs:/srv/blobs?durabilty=batch",
                 "config string, byte 14: unknown option 'durabilty' of fs; did you mean "
                 "'durability'?");
  check_refused ("fs?regionl=x",
                 "config string, byte 3: unknown option 'regionl' of fs; did you mean "
                 "'region'?");
  check_refused ("fs?zzzzzz=x", "config string, byte 3: unknown option 'zzzzzz' of fs");

  g_autoptr (CaskConfigNode) node = cask_config_parse (" m:?x=1", NULL);
  g_autoptr (GError) none = NULL;
  CU_ASSERT_PTR_NULL (cask_options_resolve ("m", NULL, 0, node, &none));
  check_message (none, CASK_ERROR_INVALID_CONFIG,
                 "config string, byte 4: unknown option 'x' of m; it takes none");

  const CaskOptionSpec required = { .name = "endpoint",
                                    .type = CASK_OPTION_STRING,
                                    .flags = CASK_OPTION_REQUIRED };
  g_autoptr (CaskConfigNode) bare = cask_config_parse (" s3:b", NULL);
  g_autoptr (GError) missing = NULL;
  CU_ASSERT_PTR_NULL (cask_options_resolve ("s3", &required, 1, bare, &missing));
  check_message (missing, CASK_ERROR_INVALID_CONFIG,
                 "config string, byte 1: option 'endpoint' of s3 is missing");
  cask_config_node_add_option (bare, "endpoint", "a");
  cask_config_node_add_option (bare, "endpoint", "b");
  g_autoptr (GError) twice = NULL;
  CU_ASSERT_PTR_NULL (cask_options_resolve ("s3", &required, 1, bare, &twice));
  check_message (twice, CASK_ERROR_INVALID_CONFIG,
                 "config string, byte 0: option 'endpoint' is given twice");
}

static void
check_spec (CaskOptionSpec spec, const char *message)
{
  g_autoptr (GError) error = NULL;
  spec.name = "x";
  CU_ASSERT_EQUAL (cask_option_check_fallbacks (&spec, &error), message == NULL);
  if (message != NULL)
    check_message (error, CASK_ERROR_PLUGIN_INVALID, message);
}

static void
test_specs (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (specs); i++)
    check_spec (specs[i], NULL);
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_SECRET, .fallback = "env:NO_SUCH" },
              NULL);
  check_spec ((CaskOptionSpec){ .type = 0 }, "option 'x': unknown type 0");
  check_spec ((CaskOptionSpec){ .type = 8 }, "option 'x': unknown type 8");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_CHOICE }, "option 'x': no choices");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_CHOICE, .choices = "a||b" },
              "option 'x': an empty choice");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_CHOICE, .choices = "a|b|a" },
              "option 'x': choice 'a' twice");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_UINT, .min = 2, .max = 1 },
              "option 'x': the least value allowed, 2, is above the greatest, 1");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_DURATION, .fallback = "60" },
              "option 'x': fallback: add a unit: ms, s, min or h");
  check_spec ((CaskOptionSpec){ .type = CASK_OPTION_UINT, .max = 3, .fallback = "4" },
              "option 'x': fallback: must be from 0 to 3");
}

/* ---- Reserved options ---- */

static void
test_reserved (void)
{
  const CaskOptionSpec verify = { .name = "verify",
                                  .type = CASK_OPTION_CHOICE,
                                  .choices = "always|changed|never",
                                  .fallback = "changed" };
  CaskOptionValue value;
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) node =
      cask_config_parse ("fs:/a?x=1&verify=never&y=2", NULL);
  CU_ASSERT_TRUE (cask_config_take (node, "verify", &verify, &value, NULL));
  CU_ASSERT_EQUAL (value.is_set, 1);
  CU_ASSERT_EQUAL (value.number, 2);
  g_autofree char *rest = cask_config_print (node);
  CU_ASSERT_STRING_EQUAL (rest, "fs:/a?x=1&y=2");
  CU_ASSERT_TRUE (cask_config_take (node, "verify", &verify, &value, NULL));
  CU_ASSERT_EQUAL (value.is_set, 0);
  CU_ASSERT_EQUAL (value.number, 1);

  g_autoptr (CaskConfigNode) wrong = cask_config_parse ("fs:/a?verify=nver", NULL);
  CU_ASSERT_FALSE (cask_config_take (wrong, "verify", &verify, &value, &error));
  check_message (error, CASK_ERROR_INVALID_CONFIG,
                 "config string, byte 13: option 'verify' of fs: not one of always, "
                 "changed, never; did you mean 'never'?");
}

static void
test_reserved_below (void)
{
  static const char *const reserved[] = { "verify", "threads", "max-get" };
  g_autoptr (GError) error = NULL;
  g_autoptr (CaskConfigNode) good = cask_config_parse ("a?verify=never(b(c?x=1))", NULL);
  g_autoptr (CaskConfigNode) bad =
      cask_config_parse ("a(b, c(fs:/a?x=1&threads=2))", NULL);
  CU_ASSERT_TRUE (cask_config_refuse_reserved (good, reserved, 3, NULL));
  CU_ASSERT_FALSE (cask_config_refuse_reserved (bad, reserved, 3, &error));
  check_message (error, CASK_ERROR_INVALID_CONFIG,
                 "config string, byte 17: option 'threads' is one of the whole store; "
                 "move it from fs to the outermost backend, a");
}

int
main (void)
{
  CU_initialize_registry ();
  CU_pSuite suite = CU_add_suite ("options", NULL, NULL);
  CU_add_test (suite, "an option not given has its fallback", test_fallbacks);
  CU_add_test (suite, "sizes in every unit, and no other", test_sizes);
  CU_add_test (suite, "durations in every unit, and no other", test_durations);
  CU_add_test (suite, "whole numbers within their range", test_counts);
  CU_add_test (suite, "a range is shown in the option's unit", test_bounds_in_units);
  CU_add_test (suite, "booleans and choices", test_words);
  CU_add_test (suite, "strings are decoded and may be empty", test_strings);
  CU_add_test (suite, "G2 C87 unknown, repeated and missing options", test_names);
  CU_add_test (suite, "L38 a spec that makes no sense is refused", test_specs);
  CU_add_test (suite, "a reserved option is taken from its node", test_reserved);
  CU_add_test (suite, "a reserved option below the root is refused", test_reserved_below);
  CU_basic_run_tests ();
  int status = CU_get_number_of_failures () == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  CU_cleanup_registry ();
  return status;
}
