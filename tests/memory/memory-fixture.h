/* SPDX-License-Identifier: Apache-2.0
 *
 * memory-fixture.h: stores of the memory backend for its tests, opened through its table
 * as the core opens them. */
#pragma once

#include <CUnit/CUnit.h>
#include <cask/cask-plugin.h>

extern const CaskPlugin cask_plugin;

/* MemoryOpen: what a config string would say. */
typedef struct
{
  const char *name;  /* NULL: a private store */
  guint64 max_bytes; /* 0: not given */
  gboolean evict_lru;
  guint64 freshen_usec; /* 0 here, not the fallback: every use renews */
  const char *encoding; /* (nullable) */
  guint64 max_uploads;  /* 0: the fallback */
  guint64 max_upload_bytes;
} MemoryOpen;

CaskBackend *memory_fixture_open (const MemoryOpen *open, GError **error);
CaskBackend *memory_fixture_new (void);
void memory_fixture_close (CaskBackend *self);

void memory_fixture_digest (guint64 number, CaskAlgorithm algorithm, CaskDigest *digest);
gboolean memory_fixture_put (CaskBackend *self, guint64 number, gsize size,
                             gboolean *created, GError **error);
gboolean memory_fixture_has (CaskBackend *self, guint64 number);
void memory_fixture_read (CaskBackend *self, guint64 number, guint32 flags);
CaskRemoved memory_fixture_remove (CaskBackend *self, guint64 number);
guint64 memory_fixture_used (CaskBackend *self);
void memory_fixture_tick (void);
gboolean memory_fixture_failed (GError **error, int code, const char *word);

typedef struct
{
  const char *name;
  CU_TestFunc run;
} MemoryTest;

void memory_fixture_add (const char *suite, const MemoryTest *tests, gsize n_tests);
void test_memory_add_list (void);
void test_memory_add_limits (void);
void test_memory_add_threads (void);
void test_memory_add_uploads (void);
void test_memory_add_batches (void);
void test_memory_add_cancel (void);

/* One file's stores close themselves. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaskBackend, memory_fixture_close)
