/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-states.c: all states that a cut may leave, by number.
 *
 * Each thing that may be one way or another is a dimension; its first value is the
 * newest, its last the durable one. Where all combinations are few enough a number is a
 * combination. Where they are too many, the first numbers are those that deviate in one
 * thing from all new or from all old, for these are what a missing sync shows in; the
 * others are random ones, that the number and the recording's seed decide. */
#include "powercut.h"

#define POWER_STATES_VALUES 8

typedef enum
{
  POWER_DIM_NAME,
  POWER_DIM_KEPT,
  POWER_DIM_META,
  POWER_DIM_JOURNAL
} PowerDimKind;

typedef struct
{
  PowerDimKind kind;
  guint32 which; /* slot or inode */
  guint32 n;     /* values: 2 at least */
  guint32 count; /* of what is chosen from */
} PowerDim;

struct _PowerStates
{
  PowerModel *model;
  PowerOrder order;
  GArray *dims;     /* of PowerDim */
  GArray *journals; /* of guint32: how far the journal may have come, newest first */
  guint8 *is_named; /* by inode: some state may have a name for it */
  guint32 *choice;  /* by dimension */
  gsize choice_room;
  guint64 total, singles, cap;
  gboolean is_sampled;
  PowerState state;
};

PowerStates *
power_states_new (PowerModel *model)
{
  PowerStates *states = g_new0 (PowerStates, 1);
  states->model = model;
  states->dims = g_array_new (FALSE, FALSE, sizeof (PowerDim));
  states->journals = g_array_new (FALSE, FALSE, sizeof (guint32));
  states->is_named = g_new0 (guint8, model->log->n_inodes);
  states->state.names = g_new0 (const PowerChange *, model->log->n_slots);
  states->state.kept = g_new0 (guint8, model->log->n_inodes);
  states->state.metas = g_new0 (const PowerMeta *, model->log->n_inodes);
  return states;
}

void
power_states_free (PowerStates *states)
{
  g_array_unref (states->dims);
  g_array_unref (states->journals);
  g_free (states->is_named);
  g_free (states->choice);
  g_free (states->state.names);
  g_free (states->state.kept);
  g_free (states->state.metas);
  g_free (states);
}

/* Of many values the newest and the oldest are offered, and some between. count: how many
 * there are. */
static void
power_states_offer (PowerStates *states, PowerDimKind kind, guint32 which, guint32 count,
                    guint32 most)
{
  if (count < 2)
    return;
  PowerDim dim = { .kind = kind, .which = which, .n = MIN (count, most), .count = count };
  g_array_append_val (states->dims, dim);
}

/* Returns: of a dimension's chosen value, how many steps it is from the newest. */
static guint32
power_states_steps (const PowerDim *dim, guint32 chosen)
{
  if (dim->n == dim->count)
    return chosen;
  return (guint32) ((guint64) chosen * (dim->count - 1) / (dim->n - 1));
}

static void
power_states_find_names (PowerStates *states)
{
  PowerModel *model = states->model;
  memset (states->is_named, 0, model->log->n_inodes);
  for (guint32 i = 1; i < model->log->n_slots; i++)
    {
      const PowerName *name = &model->names[i];
      for (guint c = name->durable; c < name->changes->len; c++)
        states->is_named[g_array_index (name->changes, PowerChange, c).inode] = TRUE;
      if (states->order == POWER_WEAK)
        power_states_offer (states, POWER_DIM_NAME, i, name->changes->len - name->durable,
                            POWER_STATES_VALUES);
    }
}

static void
power_states_find_files (PowerStates *states)
{
  PowerModel *model = states->model;
  for (guint32 i = POWER_OUTSIDE; i < model->log->n_inodes; i++)
    {
      const PowerFile *file = &model->files[i];
      if (!states->is_named[i] || model->log->inodes[i].is_directory)
        continue;
      gboolean is_weak = states->order == POWER_WEAK;
      if (file->writes->len > file->durable_writes)
        power_states_offer (states, POWER_DIM_KEPT, i, is_weak ? POWER_N_KEPT : 2,
                            POWER_N_KEPT);
      if (is_weak && file->metas->len > 0)
        power_states_offer (states, POWER_DIM_META, i,
                            file->metas->len - file->durable_meta, 3);
    }
}

/* The journal ends before some change of a name, a time or a mode, or after all. */
static void
power_states_find_journal (PowerStates *states)
{
  PowerModel *model = states->model;
  g_array_set_size (states->journals, 0);
  g_array_append_val (states->journals, model->cut);
  for (guint32 i = model->cut; i-- > model->journal;)
    {
      guint8 kind = model->log->entries[i].kind;
      if (kind == POWER_ENTRY_META || kind == POWER_ENTRY_NAME ||
          kind == POWER_ENTRY_RENAME)
        g_array_append_val (states->journals, i);
    }
  power_states_offer (states, POWER_DIM_JOURNAL, 0, states->journals->len, G_MAXUINT32);
}

/* power_states_begin: the states of the cut at which the model is. Returns: how many
 * numbers there are. */
guint64
power_states_begin (PowerStates *states, PowerOrder order, guint64 cap)
{
  states->order = order;
  states->cap = cap;
  g_array_set_size (states->dims, 0);
  if (order == POWER_ORDERED)
    power_states_find_journal (states);
  power_states_find_names (states);
  power_states_find_files (states);
  states->total = 1;
  states->singles = 0;
  for (guint i = 0; i < states->dims->len; i++)
    {
      guint32 n = g_array_index (states->dims, PowerDim, i).n;
      states->total = MIN (states->total * n, G_GUINT64_CONSTANT (1) << 40);
      states->singles += 2 * (guint64) (n - 1);
    }
  states->is_sampled = states->total > cap;
  if (states->dims->len > states->choice_room)
    {
      states->choice_room = states->dims->len;
      states->choice = g_renew (guint32, states->choice, states->choice_room);
    }
  return states->is_sampled ? cap : states->total;
}

/* ---- From a number to a choice ---- */

/* All new but for one thing, or all old but for one. */
static void
power_states_choose_single (PowerStates *states, guint64 single)
{
  gboolean is_old = single % 2 != 0;
  guint64 left = single / 2;
  for (guint i = 0; i < states->dims->len; i++)
    {
      guint32 n = g_array_index (states->dims, PowerDim, i).n;
      states->choice[i] = is_old ? n - 1 : 0;
      if (left < n - 1)
        states->choice[i] = is_old ? (guint32) left : (guint32) left + 1;
      left = left < n - 1 ? G_MAXUINT64 : left == G_MAXUINT64 ? left : left - (n - 1);
    }
}

/* From mostly new to quite even. */
static void
power_states_choose_random (PowerStates *states, guint64 number)
{
  guint64 random = power_mix (states->model->log->seed, states->model->cut);
  random = power_mix (random, number * POWER_N_ORDERS + states->order);
  guint64 newest = random % 5 * 20;
  guint64 oldest = random / 5 % 3 * 20;
  for (guint i = 0; i < states->dims->len; i++)
    {
      guint32 n = g_array_index (states->dims, PowerDim, i).n;
      random = power_mix (random, i);
      guint64 of_hundred = random % 100;
      if (of_hundred < newest)
        states->choice[i] = 0;
      else if (of_hundred < newest + oldest)
        states->choice[i] = n - 1;
      else
        states->choice[i] = (guint32) ((random >> 32) % n);
    }
}

static void
power_states_choose (PowerStates *states, guint64 number)
{
  guint n_dims = states->dims->len;
  guint64 half = MIN (states->singles, states->cap / 2);
  if (states->is_sampled && number < 2)
    for (guint i = 0; i < n_dims; i++)
      states->choice[i] =
          number == 0 ? 0 : g_array_index (states->dims, PowerDim, i).n - 1;
  else if (states->is_sampled && number < 2 + half)
    {
      /* Where there is no room for all of them, another cut has the others. */
      guint64 offset = half < states->singles ? power_mix (0, states->model->cut) : 0;
      power_states_choose_single (states, (number - 2 + offset) % states->singles);
    }
  else if (states->is_sampled)
    power_states_choose_random (states, number);
  else
    for (guint i = 0; i < n_dims; i++)
      {
        guint32 n = g_array_index (states->dims, PowerDim, i).n;
        states->choice[i] = (guint32) (number % n);
        number /= n;
      }
}

/* ---- From a choice to a state ---- */

static const PowerChange *
power_states_change (const PowerName *name, guint32 steps)
{
  return &g_array_index (name->changes, PowerChange, name->changes->len - 1 - steps);
}

/* All new: as far as the journal has come; what is durable in any case is not undone. */
static void
power_states_reset (PowerStates *states, guint32 journal)
{
  PowerModel *model = states->model;
  for (guint32 i = 1; i < model->log->n_slots; i++)
    {
      const PowerName *name = &model->names[i];
      guint32 steps = 0;
      while (steps + 1 + name->durable < name->changes->len &&
             power_states_change (name, steps)->position >= journal)
        steps++;
      states->state.names[i] = power_states_change (name, steps);
    }
  for (guint32 i = POWER_OUTSIDE; i < model->log->n_inodes; i++)
    {
      const PowerFile *file = &model->files[i];
      guint32 last = file->metas->len;
      states->state.kept[i] = POWER_KEPT_WHOLE;
      states->state.metas[i] = NULL;
      while (last > file->durable_meta + 1 &&
             g_array_index (file->metas, PowerMeta, last - 1).position >= journal)
        last--;
      if (last > 0)
        states->state.metas[i] = &g_array_index (file->metas, PowerMeta, last - 1);
    }
}

/* A rename may be seen half done, as two names, but never loses the file: where the old
 * name is gone by it, the new one is there, or what came after it. */
static void
power_states_mend_moves (PowerStates *states)
{
  PowerModel *model = states->model;
  for (guint32 i = 1; i < model->log->n_slots; i++)
    {
      const PowerName *name = &model->names[i];
      for (guint c = 1; c < name->changes->len; c++)
        {
          const PowerChange *move = &g_array_index (name->changes, PowerChange, c);
          if (!move->is_move || move->position > states->state.names[i]->position)
            continue;
          const PowerName *target = &model->names[move->target];
          guint32 steps = 0;
          while (power_states_change (target, steps)->position > move->position)
            steps++;
          if (states->state.names[move->target]->position < move->position)
            states->state.names[move->target] = power_states_change (target, steps);
        }
    }
}

/* power_states_get: the state of that number; it belongs to the states, until the next.
 */
const PowerState *
power_states_get (PowerStates *states, guint64 number)
{
  PowerModel *model = states->model;
  PowerState *state = &states->state;
  power_states_choose (states, number);
  guint32 journal = model->cut;
  for (guint i = 0; i < states->dims->len; i++)
    if (g_array_index (states->dims, PowerDim, i).kind == POWER_DIM_JOURNAL)
      journal = g_array_index (states->journals, guint32, states->choice[i]);
  power_states_reset (states, journal);
  for (guint i = 0; i < states->dims->len; i++)
    {
      const PowerDim *dim = &g_array_index (states->dims, PowerDim, i);
      guint32 steps = power_states_steps (dim, states->choice[i]);
      const PowerFile *file = &model->files[dim->which];
      if (dim->kind == POWER_DIM_NAME)
        state->names[dim->which] = power_states_change (&model->names[dim->which], steps);
      else if (dim->kind == POWER_DIM_KEPT)
        state->kept[dim->which] = (guint8) steps;
      else if (dim->kind == POWER_DIM_META)
        state->metas[dim->which] =
            &g_array_index (file->metas, PowerMeta, file->metas->len - 1 - steps);
    }
  if (states->order == POWER_WEAK)
    power_states_mend_moves (states);
  return state;
}

/* ---- Which states are the same directory ---- */

static guint64
power_states_hash_directory (PowerStates *states, guint32 inode, guint64 path)
{
  const PowerModel *model = states->model;
  const GArray *slots = model->files[inode].slots;
  guint64 sum = 0;
  for (guint i = 0; i < slots->len; i++)
    {
      guint32 slot = g_array_index (slots, guint32, i);
      guint32 target = states->state.names[slot]->inode;
      if (target == 0)
        continue;
      guint64 here = power_mix (path, slot);
      if (model->log->inodes[target].is_directory)
        {
          sum += power_mix (here, 1) + power_states_hash_directory (states, target, here);
          continue;
        }
      const PowerMeta *meta = states->state.metas[target];
      const PowerContent *content =
          power_content (states->model, target, (PowerKept) states->state.kept[target]);
      here = power_mix (here, content->hash);
      sum += power_mix (power_mix (here, meta->mtime_nsec), meta->mode);
    }
  return sum;
}

/* power_states_hash: of the directory that the state last got is; 0: an empty one. */
guint64
power_states_hash (PowerStates *states)
{
  return power_states_hash_directory (states, POWER_OUTSIDE, 1);
}
