/* SPDX-License-Identifier: Apache-2.0
 *
 * abi-fixture.c: open nodes without a store, for a host of this minor and of the next. */
#include "abi-fixture.h"

#include <cask/cask-digest.h>
#include <stdio.h>

#define ABI_TEXT "eleven bytes"

/* ---- Hosts ---- */

typedef struct
{
  CaskHost table;
  guint64 guard; /* what lies behind a table belongs to nobody */
} AbiHost;

static guint64 abi_word;

static CaskHost *
abi_host_new (gpointer data, const char *name)
{
  AbiHost *host = g_new0 (AbiHost, 1);
  guint64 *words = (guint64 *) (gpointer) host;
  (void) data;
  (void) name;
  for (gsize i = 48 / sizeof *words; i < sizeof *host / sizeof *words; i++)
    words[i] = abi_word;
  host->table.size = sizeof (CaskHost);
  host->table.minor = CASK_PLUGIN_ABI_MINOR;
  return &host->table;
}

static void
abi_host_drain (CaskHost *host)
{
  (void) host;
}

static void
abi_host_free (CaskHost *host)
{
  g_free (host);
}

static const CaskNodeHosts abi_hosts = { .host_new = abi_host_new,
                                         .host_drain = abi_host_drain,
                                         .host_free = abi_host_free };

CaskNode *
abi_open (const char *config, guint64 word)
{
  g_autoptr (GError) error = NULL;

  abi_word = word;
  g_autoptr (CaskConfigNode) tree = cask_config_parse (config, &error);
  CaskNode *node = tree != NULL ? cask_node_open (tree, &abi_hosts, NULL, &error) : NULL;
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (node);
  return node;
}

/* ---- Blobs ---- */

static void
abi_expect (CaskNode *node, const CaskDigest *digest, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  CaskBlobInfo info;
  g_autoptr (GBytes) read = cask_node_ops.get (cask_node_self (node), digest, 0,
                                               CASK_TO_END, 0, &info, NULL, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (read != NULL && g_bytes_equal (read, bytes));
}

CaskDigest
abi_put (CaskNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static (ABI_TEXT, strlen (ABI_TEXT));
  CaskDigest digest;
  gboolean created = FALSE;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &digest);
  CU_ASSERT_TRUE (cask_node_ops.put (cask_node_self (node), &digest, bytes, 0, &created,
                                     NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (created);
  abi_expect (node, &digest, bytes);
  return digest;
}

CaskDigest
abi_upload (CaskNode *node, CaskUploadSpec *spec)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static (ABI_TEXT, strlen (ABI_TEXT));
  CaskBackend *self = cask_node_self (node);
  CaskDigest digest;
  gboolean created = FALSE;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA512, &digest);
  CaskBackendUpload *upload = cask_node_ops.upload_begin (self, spec, NULL, &error);
  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (upload);
  if (upload == NULL)
    return digest;
  for (gsize at = 0; at < strlen (ABI_TEXT); at += strlen (ABI_TEXT) / 2)
    {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, at, strlen (ABI_TEXT) / 2);
      CU_ASSERT_TRUE (cask_node_ops.upload_write (self, upload, part, NULL, &error));
      TEST_NO_ERROR (error);
    }
  CU_ASSERT_TRUE (
      cask_node_ops.upload_commit (self, upload, &digest, 0, &created, NULL, &error));
  TEST_NO_ERROR (error);
  CU_ASSERT_TRUE (created);
  cask_node_ops.upload_close (self, upload, FALSE);
  abi_expect (node, &digest, bytes);
  return digest;
}

guint64
abi_seen (CaskNode *node)
{
  CaskUsage usage = { 0 };

  CU_ASSERT_TRUE (cask_node_ops.usage (cask_node_self (node), &usage, NULL, NULL));
  return usage.stored_bytes;
}

/* ---- Plugins ---- */

CaskLoadedPlugin *
abi_load (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strdup_printf (ABI_PLUGINS "/cask-%s.so", name);
  CaskLoadedPlugin *loaded = cask_plugin_file_load (path, name, &error);

  TEST_NO_ERROR (error);
  CU_ASSERT_PTR_NOT_NULL (loaded);
  return loaded;
}

void
abi_refused (const char *name, CaskError code, const char *sentence)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strdup_printf (ABI_PLUGINS "/cask-%s.so", name);
  g_autofree char *message = g_strdup_printf ("%s: %s", path, sentence);
  g_autoptr (CaskLoadedPlugin) loaded = cask_plugin_file_load (path, name, &error);

  CU_ASSERT_PTR_NULL (loaded);
  if (error != NULL && !g_str_equal (error->message, message))
    printf ("\n  expected \"%s\"\n  not      \"%s\"\n", message, error->message);
  CU_ASSERT_TRUE (error != NULL && g_str_equal (error->message, message));
  TEST_ERROR (error, CASK_ERROR, code, sentence);
}
