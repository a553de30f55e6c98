/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-model.c: from entries to what may be on the disk when the power goes.
 *
 * For each name: all that it has led to, and which of that is the last known to be
 * durable. For each file: its writes, and its times and modes, the same. A state is a
 * choice, for each, between the durable one and the newest (powercut-states.c).
 *
 * Only a sync that has come back makes durable, and only what was there when it began. */
#include "powercut.h"

PowerModel *
power_model_new (const PowerLog *log)
{
  PowerModel *model = g_new0 (PowerModel, 1);
  model->log = log;
  model->names = g_new0 (PowerName, log->n_slots);
  model->files = g_new0 (PowerFile, log->n_inodes);
  model->contents =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, power_content_free);
  for (guint32 i = 0; i < log->n_inodes; i++)
    {
      model->files[i].writes = g_array_new (FALSE, FALSE, sizeof (guint32));
      model->files[i].metas = g_array_new (FALSE, FALSE, sizeof (PowerMeta));
      model->files[i].slots = g_array_new (FALSE, FALSE, sizeof (guint32));
    }
  for (guint32 i = 1; i < log->n_slots; i++)
    {
      PowerChange nothing = { .position = 0 };
      model->names[i].changes = g_array_new (FALSE, FALSE, sizeof (PowerChange));
      g_array_append_val (model->names[i].changes, nothing);
      g_array_append_val (model->files[log->slots[i].directory].slots, i);
    }
  return model;
}

void
power_model_free (PowerModel *model)
{
  for (guint32 i = 0; i < model->log->n_inodes; i++)
    {
      g_array_unref (model->files[i].writes);
      g_array_unref (model->files[i].metas);
      g_array_unref (model->files[i].slots);
    }
  for (guint32 i = 1; i < model->log->n_slots; i++)
    g_array_unref (model->names[i].changes);
  g_hash_table_unref (model->contents);
  g_free (model->names);
  g_free (model->files);
  g_free (model);
}

static void
power_model_touch (PowerModel *model, guint32 inode)
{
  model->files[inode].last = model->cut + 1;
}

static void
power_model_meta (PowerModel *model, const PowerEntry *entry)
{
  PowerMeta meta = { .position = model->cut, .mtime_nsec = entry->a, .mode = entry->b };
  g_array_append_val (model->files[entry->inode].metas, meta);
  power_model_touch (model, entry->inode);
}

static void
power_model_name (PowerModel *model, guint32 slot, PowerChange change)
{
  change.position = model->cut;
  g_array_append_val (model->names[slot].changes, change);
  power_model_touch (model, model->log->slots[slot].directory);
  if (change.inode != 0)
    power_model_touch (model, change.inode);
}

/* What began at that position is done: what was there then is durable. */
static void
power_model_sync_file (PowerModel *model, guint32 inode, guint32 position,
                       gboolean is_data)
{
  PowerFile *file = &model->files[inode];
  while (file->durable_writes < file->writes->len &&
         g_array_index (file->writes, guint32, file->durable_writes) < position)
    file->durable_writes++;
  while (!is_data && file->durable_meta + 1 < file->metas->len &&
         g_array_index (file->metas, PowerMeta, file->durable_meta + 1).position <
             position)
    file->durable_meta++;
  for (guint i = 0; i < file->slots->len; i++)
    {
      PowerName *name = &model->names[g_array_index (file->slots, guint32, i)];
      while (name->durable + 1 < name->changes->len &&
             g_array_index (name->changes, PowerChange, name->durable + 1).position <
                 position)
        name->durable++;
    }
}

/* An fsync commits the journal up to the last change of what is synced, and so all that
 * was journalled before; after that it need not. */
static void
power_model_synced (PowerModel *model, const PowerEntry *entry)
{
  guint32 position = (guint32) entry->a;
  if (entry->inode != 0)
    {
      power_model_sync_file (model, entry->inode, position, entry->is_data);
      guint32 last = MIN (model->files[entry->inode].last, position);
      if (!entry->is_data)
        model->journal = MAX (model->journal, last);
      return;
    }
  for (guint32 i = POWER_OUTSIDE; i < model->log->n_inodes; i++)
    power_model_sync_file (model, i, position, FALSE);
  model->journal = MAX (model->journal, position);
}

/* power_model_advance: the next entry has happened too. */
void
power_model_advance (PowerModel *model)
{
  const PowerEntry *entry = &model->log->entries[model->cut];
  switch ((PowerEntryKind) entry->kind)
    {
    case POWER_ENTRY_CREATE:
    case POWER_ENTRY_META:
      power_model_meta (model, entry);
      break;
    case POWER_ENTRY_WRITE:
    case POWER_ENTRY_TRUNCATE:
      g_array_append_val (model->files[entry->inode].writes, model->cut);
      break;
    case POWER_ENTRY_NAME:
      power_model_name (model, entry->slot, (PowerChange){ .inode = entry->inode });
      break;
    case POWER_ENTRY_RENAME:
      power_model_name (model, entry->target, (PowerChange){ .inode = entry->inode });
      power_model_name (model, entry->slot,
                        (PowerChange){ .target = entry->target, .is_move = TRUE });
      break;
    case POWER_ENTRY_SYNCED:
      power_model_synced (model, entry);
      break;
    case POWER_ENTRY_SYNC:
    case POWER_ENTRY_CALL:
    case POWER_ENTRY_RETURN:
    default:
      break;
    }
  model->cut++;
}
