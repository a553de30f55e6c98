/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz-fs-state.c: any bytes as the file `state` of an upload that the fs backend saved.
 *
 * Each input is tried as it is, and again behind a checksum that is right. What is
 * accepted has an offset that a file can have, gives back exactly the bytes between
 * header and checksum, and is found by a listing, too; written again, it reads the same.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <cask/cask-digest.h>

#include "fs-upload.h"

#define STATE_HEADER 32
#define STATE_CHECKSUM 32

static CaskHasher *
host_hasher_new (const CaskHost *host, guint32 algorithm)
{
  (void) host;
  return cask_hasher_new ((CaskAlgorithm) algorithm);
}

static const CaskHost host = { .size = sizeof host,
                               .hasher_new = host_hasher_new,
                               .hasher_update = cask_hasher_update,
                               .hasher_finish = cask_hasher_finish };

/* The upload's directory, open; made when it is needed first. */
static int
state_directory (void)
{
  static int fd = -1;
  if (fd < 0)
    fd = open (fuzz_directory (), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  FUZZ_CHECK (fd >= 0);
  return fd;
}

static void
state_put (int directory, const guint8 *data, gsize size)
{
  unlinkat (directory, FS_SAVED_STATE, 0);
  int fd = openat (directory, FS_SAVED_STATE, O_WRONLY | O_CREAT | O_EXCL, 0444);
  FUZZ_CHECK (fd >= 0 && (size == 0 || write (fd, data, size) == (gssize) size));
  close (fd);
}

/* What was read is written and read again. Where the boot has no name, what was not
 * synced counts a byte less. */
static void
state_check_round_trip (CaskBackend *self, int directory, GBytes *state, guint64 offset)
{
  guint64 again = 0;
  mode_t mode = 0;
  g_autoptr (GBytes) read = NULL;

  FUZZ_CHECK (fs_state_write (self, directory, offset, 0444, state, NULL, NULL));
  FUZZ_CHECK (fs_state_read (self, directory, &read, &again, &mode, NULL));
  FUZZ_CHECK (g_bytes_equal (read, state) && mode == 0444);
  FUZZ_CHECK (again == offset ||
              (self->durability == FS_DURABILITY_NONE &&
               g_str_equal (fs_sweep_boot (), "00000000") && again == offset - 1));
}

static void
state_check_read (CaskBackend *self, int directory, const guint8 *data, gsize size,
                  GBytes *state, guint64 offset)
{
  gsize length;
  const guint8 *bytes = g_bytes_get_data (state, &length);
  guint64 peeked = 0;
  gint64 mtime_usec = 0;

  FUZZ_CHECK (offset <= G_MAXINT64);
  FUZZ_CHECK (length + STATE_HEADER + STATE_CHECKSUM == size);
  FUZZ_CHECK (length == 0 || memcmp (bytes, data + STATE_HEADER, length) == 0);
  FUZZ_CHECK (fs_state_peek (directory, &peeked, &mtime_usec) && peeked == offset);
  self->durability = FS_DURABILITY_NONE;
  state_check_round_trip (self, directory, state, offset);
  self->durability = FS_DURABILITY_DATA;
  state_check_round_trip (self, directory, state, offset);
}

static void
state_try (const guint8 *data, gsize size)
{
  CaskBackend self = { .host = &host, .root = -1 };
  g_autoptr (GBytes) state = NULL;
  g_autoptr (GError) error = NULL;
  guint64 offset = 0, peeked = 0;
  gint64 mtime_usec = 0;
  mode_t mode = 0;
  int directory = state_directory ();

  state_put (directory, data, size);
  if (fs_state_read (&self, directory, &state, &offset, &mode, &error))
    state_check_read (&self, directory, data, size, state, offset);
  else if (g_error_matches (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED))
    fuzz_check_error (error, CASK_ERROR, CASK_ERROR_UNSUPPORTED);
  else
    fuzz_check_error (error, CASK_ERROR, CASK_ERROR_CORRUPT);
  /* A listing looks at the header only, and believes no number in it either. */
  FUZZ_CHECK (!fs_state_peek (directory, &peeked, &mtime_usec) || peeked <= G_MAXINT64);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree guint8 *sealed = g_malloc (size + STATE_CHECKSUM);
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size);
  CaskDigest checksum;

  cask_digest_of_bytes (bytes, CASK_ALGORITHM_SHA256, &checksum);
  if (size > 0)
    memcpy (sealed, data, size);
  memcpy (sealed + size, checksum.bytes, STATE_CHECKSUM);
  state_try (data, size);
  state_try (sealed, size + STATE_CHECKSUM);
  return 0;
}
