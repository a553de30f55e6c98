/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut-wants.c: what the caller was told before the cut, and so what has to be true
 * after it.
 *
 * Calls on one blob may overlap, so a put binds only where no removal can have come after
 * it: none that took something, or may have, began before the cut and ended after the put
 * began. The other way round for a delete. A removal that found nothing takes nothing. */
#include "powercut.h"

/* Whether the caller may count on it: at once in `full` and `batch`, else after a flush
 * that was begun when the call had come back. What the prelude did is on the disk. */
static gboolean
power_is_promised (const PowerLog *log, const PowerCall *call, guint32 cut)
{
  if (call->end == 0 || call->end >= cut || !call->is_ok)
    return FALSE;
  if (log->durability >= POWER_FULL || call->end < log->start)
    return TRUE;
  for (guint32 i = 0; i < log->n_calls; i++)
    {
      const PowerCall *flush = &log->calls[i];
      if (flush->kind == POWER_CALL_FLUSH && flush->is_ok && flush->begin > call->end &&
          flush->end != 0 && flush->end < cut)
        return TRUE;
    }
  return FALSE;
}

static gboolean
power_overlaps (const PowerCall *call, const PowerCall *other, guint32 cut)
{
  gboolean has_begun = other->begin < cut;
  gboolean was_over = other->end != 0 && other->end < cut && other->end < call->begin;
  return has_begun && !was_over;
}

static gboolean
power_may_remove (const PowerCall *call, guint32 cut)
{
  gboolean is_known = call->end != 0 && call->end < cut && call->is_ok;
  return call->kind == POWER_CALL_DELETE && (!is_known || call->is_effect);
}

/* Returns: whether a call of the other kind may have come after it. */
static gboolean
power_is_undone (const PowerLog *log, const PowerCall *call, guint32 cut)
{
  for (guint32 i = 0; i < log->n_calls; i++)
    {
      const PowerCall *other = &log->calls[i];
      gboolean is_other = other->kind == POWER_CALL_PUT;
      if (call->kind == POWER_CALL_PUT)
        is_other = power_may_remove (other, cut);
      if (is_other && other->blob == call->blob && power_overlaps (call, other, cut))
        return TRUE;
    }
  return FALSE;
}

static void
power_want_blob (const PowerLog *log, const PowerCall *call, guint32 cut, PowerWant *want)
{
  if (!power_is_promised (log, call, cut) || power_is_undone (log, call, cut))
    return;
  if (call->kind == POWER_CALL_DELETE)
    {
      want->must_not_be = TRUE;
      return;
    }
  want->must_be = TRUE;
  want->must_be_right |= !log->blobs[call->blob].is_damaged || call->is_heal ||
                         (call->is_effect && call->begin >= log->start);
  want->used_usec = MAX (want->used_usec, call->begin_usec);
}

static void
power_want_upload (const PowerLog *log, const PowerCall *call, guint32 cut,
                   PowerWantUpload *want)
{
  if (call->begin >= cut)
    return;
  if (call->kind != POWER_CALL_SAVE)
    {
      want->is_open = TRUE; /* it is being ended, or has been */
      return;
    }
  gboolean is_promised = power_is_promised (log, call, cut);
  want->most = MAX (want->most, call->offset);
  /* Bytes that were never synced are hashed anew after a boot, from wherever they end. */
  if (is_promised && log->durability != POWER_NONE)
    want->least = MAX (want->least, call->offset);
  want->is_required |= is_promised;
  /* The new state has replaced the old one before it is on the disk. */
  want->is_open |= log->durability == POWER_NONE && !is_promised;
}

/* power_wants: what has to be true after a cut there. */
void
power_wants (const PowerLog *log, guint32 cut, PowerWants *wants)
{
  memset (wants, 0, sizeof *wants);
  for (guint32 i = 0; i < log->n_calls; i++)
    {
      const PowerCall *call = &log->calls[i];
      if (call->begin >= cut)
        continue;
      if (call->kind == POWER_CALL_PUT || call->kind == POWER_CALL_DELETE)
        power_want_blob (log, call, cut, &wants->blobs[call->blob]);
      if (call->upload != 0)
        power_want_upload (log, call, cut, &wants->uploads[call->upload]);
    }
  if (log->freshen[0] != '0')
    for (guint32 i = 0; i < log->n_blobs; i++)
      wants->blobs[i].used_usec = 0;
}
