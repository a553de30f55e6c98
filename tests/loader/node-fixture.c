/* SPDX-License-Identifier: Apache-2.0
 *
 * node-fixture.c: nodes for tests, and the calls of their table. */
#include "node-fixture.h"
#include "node-fixture-plugins.h"

#include <stdio.h>
#include <string.h>

Shelf shelf;
static guint descriptors_before;

static void
host_warn (const CaskHost *host, const CaskDigest *digest, const GError *error)
{
  (void) host;
  (void) digest;
  CU_ASSERT_PTR_NOT_NULL (error);
  shelf.n_warnings++;
}

static CaskHost *
host_new (gpointer data, const char *name)
{
  CaskHost *host = g_new0 (CaskHost, 1);
  (void) data;
  (void) name;
  host->size = sizeof *host;
  host->warn = host_warn;
  return host;
}

static void
host_drain (CaskHost *host)
{
  (void) host;
}

static void
host_free (CaskHost *host)
{
  g_free (host);
}

static CaskNodeHosts hosts = { .host_new = host_new,
                               .host_drain = host_drain,
                               .host_free = host_free };

CaskNode *
shelf_open (const char *config, const char *spool)
{
  g_autoptr (GError) error = NULL;

  shelf_register ();
  shelf = (Shelf){ .capabilities = SHELF_EVERYTHING };
  descriptors_before = shelf_count_descriptors ();
  g_free (hosts.spool);
  hosts.spool = g_strdup (spool);

  g_autoptr (CaskConfigNode) tree = cask_config_parse (config, &error);
  CaskNode *node = tree != NULL ? cask_node_open (tree, &hosts, NULL, &error) : NULL;
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (node);
  return node;
}

void
shelf_close (CaskNode *node)
{
  if (node != NULL)
    cask_node_close (node);
  g_clear_pointer (&shelf.kept, g_bytes_unref);
  g_clear_pointer (&shelf.put_sum, g_free);
  g_clear_pointer (&hosts.spool, g_free);
  CU_ASSERT_EQUAL (shelf_count_descriptors (), descriptors_before);
}

int
shelf_code (GError *error, const char *text)
{
  if (error == NULL)
    return SHELF_OK;
  if (text != NULL && strstr (error->message, text) == NULL)
    {
      printf ("\n  expected \"%s\" in: %s\n", text, error->message);
      CU_FAIL ("another message");
    }
  int code = error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    code = SHELF_CANCELLED;
  else
    CU_ASSERT_EQUAL (error->domain, CASK_ERROR);
  g_error_free (error);
  return code;
}

static CaskBackendUpload *
shelf_begin_sized (CaskNode *node, guint64 expected_size, GError **error)
{
  CaskUploadSpec spec = { .size = sizeof spec,
                          .algorithm = CASK_ALGORITHM_SHA256,
                          .expected_size = expected_size };
  return cask_node_ops.upload_begin (cask_node_self (node), &spec, NULL, error);
}

CaskBackendUpload *
shelf_begin (CaskNode *node)
{
  g_autoptr (GError) error = NULL;
  CaskBackendUpload *upload = shelf_begin_sized (node, CASK_UNKNOWN, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (upload);
  return upload;
}

int
shelf_begin_code (CaskNode *node, guint64 expected_size, const char *text)
{
  GError *error = NULL;
  CaskBackendUpload *upload = shelf_begin_sized (node, expected_size, &error);

  CU_ASSERT_EQUAL (upload == NULL, error != NULL);
  if (upload != NULL)
    shelf_drop (node, upload);
  return shelf_code (error, text);
}

int
shelf_write (CaskNode *node, CaskBackendUpload *upload, GBytes *chunk,
             GCancellable *cancellable, const char *text)
{
  GError *error = NULL;
  gboolean success = cask_node_ops.upload_write (cask_node_self (node), upload, chunk,
                                                 cancellable, &error);

  CU_ASSERT_EQUAL (success, error == NULL);
  return shelf_code (error, text);
}

int
shelf_commit (CaskNode *node, CaskBackendUpload *upload, gboolean *created,
              GCancellable *cancellable, const char *text)
{
  GError *error = NULL;
  gboolean made = 42;
  CaskDigest digest = shelf_digest ();
  gboolean success = cask_node_ops.upload_commit (cask_node_self (node), upload, &digest,
                                                  0, &made, cancellable, &error);

  CU_ASSERT_EQUAL (success, error == NULL);
  if (created != NULL)
    *created = made;
  return shelf_code (error, text);
}

void
shelf_drop (CaskNode *node, CaskBackendUpload *upload)
{
  cask_node_ops.upload_close (cask_node_self (node), upload, FALSE);
}

GBytes *
shelf_bytes (gsize count)
{
  guint32 *words = g_new (guint32, count / 4 + 1);

  for (gsize i = 0; i <= count / 4; i++)
    words[i] = (guint32) i * 2654435761u;
  return g_bytes_new_take (words, count);
}

gboolean
shelf_has_put (GBytes *bytes)
{
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  return shelf.put_size == g_bytes_get_size (bytes) &&
         g_strcmp0 (shelf.put_sum, sum) == 0;
}

CaskDigest
shelf_digest (void)
{
  return (CaskDigest){ .algorithm = CASK_ALGORITHM_SHA256, .bytes = { 7 } };
}

guint
shelf_count_entries (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  guint n = 0;

  CU_ASSERT_PTR_NOT_NULL (dir);
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

guint
shelf_count_descriptors (void)
{
  return shelf_count_entries ("/proc/self/fd");
}

guint64
shelf_anon_kib (void)
{
  g_autofree char *status = NULL;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return 0;
  const char *line = strstr (status, "RssAnon:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("RssAnon:"), NULL, 10) : 0;
}
