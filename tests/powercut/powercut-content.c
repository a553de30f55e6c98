/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-content.c: what a file holds when some of its writes were lost. */
#include "powercut.h"

/* More than any workload writes to one file. */
#define POWER_CONTENT_MOST (4 * 1024 * 1024)

guint64
power_mix (guint64 hash, guint64 value)
{
  hash ^= value + G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  hash = (hash ^ hash >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  hash = (hash ^ hash >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return hash ^ hash >> 31;
}

void
power_content_free (gpointer content)
{
  PowerContent *known = content;
  g_bytes_unref (known->bytes);
  g_free (known);
}

/* Applies one write; `most` bytes of it, or only its length where the bytes never came.
 */
static void
power_content_apply (const PowerLog *log, const PowerEntry *entry, GByteArray *bytes,
                     gboolean is_zeros, guint64 most)
{
  static const guint8 zero;
  guint64 count = MIN (entry->b, most);
  guint64 end = entry->kind == POWER_ENTRY_TRUNCATE ? entry->a : entry->a + count;
  if (end > POWER_CONTENT_MOST)
    return;
  if (entry->kind == POWER_ENTRY_TRUNCATE && end < bytes->len)
    g_byte_array_set_size (bytes, (guint) end);
  while (bytes->len < end)
    g_byte_array_append (bytes, &zero, 1);
  if (entry->kind != POWER_ENTRY_WRITE || count == 0)
    return;
  if (is_zeros)
    memset (bytes->data + entry->a, 0, count);
  else
    memcpy (bytes->data + entry->a, log->heap + entry->c, count);
}

static void
power_content_fill (PowerModel *model, const PowerFile *file, PowerKept kept,
                    GByteArray *bytes)
{
  const PowerLog *log = model->log;
  guint64 pending = 0;
  for (guint i = file->durable_writes; i < file->writes->len; i++)
    pending += log->entries[g_array_index (file->writes, guint32, i)].b;
  guint64 left = pending / 2;
  for (guint i = 0; i < file->writes->len; i++)
    {
      const PowerEntry *entry = &log->entries[g_array_index (file->writes, guint32, i)];
      gboolean is_durable = i < file->durable_writes;
      if (!is_durable && kept == POWER_KEPT_DURABLE)
        break;
      if (is_durable || kept != POWER_KEPT_PART)
        {
          gboolean is_zeros = !is_durable && kept == POWER_KEPT_ZEROS;
          power_content_apply (log, entry, bytes, is_zeros, G_MAXUINT64);
          continue;
        }
      power_content_apply (log, entry, bytes, FALSE, left);
      left -= MIN (left, entry->b);
      if (left == 0)
        break;
    }
}

/* power_content: what the file holds in that case. */
const PowerContent *
power_content (PowerModel *model, guint32 inode, PowerKept kept)
{
  const PowerFile *file = &model->files[inode];
  guint64 key = (guint64) inode << 44 | (guint64) file->writes->len << 24 |
                (guint64) file->durable_writes << 4 | kept;
  PowerContent *content = g_hash_table_lookup (model->contents, &key);
  if (content != NULL)
    return content;
  GByteArray *bytes = g_byte_array_new ();
  power_content_fill (model, file, kept, bytes);
  content = g_new (PowerContent, 1);
  content->hash = power_mix (1, bytes->len);
  for (guint i = 0; i < bytes->len; i++)
    content->hash = (content->hash ^ bytes->data[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  content->bytes = g_byte_array_free_to_bytes (bytes);
  g_hash_table_insert (model->contents, g_memdup2 (&key, sizeof key), content);
  return content;
}
