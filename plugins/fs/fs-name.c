/* SPDX-License-Identifier: Apache-2.0
 *
 * fs-name.c: from digests to paths below the root, and from file names to digests.
 *
 * Both layouts are others' too: `cask` is what the Rust crate ferro-blob-store keeps,
 * `oci` is an OCI image layout. What is not exactly a name that this file would make is
 * nobody's blob. */
#include "fs-private.h"

static const char fs_name_digits[] = "0123456789abcdef";

static gsize
fs_name_put (char *path, gsize at, const char *text)
{
  gsize length = strlen (text);
  memcpy (path + at, text, length);
  return at + length;
}

static const char *
fs_name_algorithm (const CaskDigest *digest)
{
  return digest->algorithm == CASK_ALGORITHM_SHA512 ? "sha512" : "sha256";
}

/* So many bytes at a time, in one register of whatever the compiler has for it. */
#define FS_NAME_BLOCK 16
typedef guint8 FsNameBlock __attribute__ ((vector_size (FS_NAME_BLOCK)));

static FsNameBlock
fs_name_digits_of (FsNameBlock nibbles)
{
  return nibbles + '0' + ((FsNameBlock) (nibbles > 9) & ('a' - '0' - 10));
}

static void
fs_name_put_block (char *path, const guint8 *bytes)
{
  FsNameBlock block;
  memcpy (&block, bytes, sizeof block);
  FsNameBlock high = fs_name_digits_of (block >> 4);
  FsNameBlock low = fs_name_digits_of (block & 15);
  FsNameBlock front = __builtin_shufflevector (high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                               20, 5, 21, 6, 22, 7, 23);
  FsNameBlock back = __builtin_shufflevector (high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                              28, 13, 29, 14, 30, 15, 31);
  memcpy (path, &front, sizeof front);
  memcpy (path + FS_NAME_BLOCK, &back, sizeof back);
}

static gsize
fs_name_put_hex (char *path, gsize at, const guint8 *bytes, gsize count)
{
  for (gsize i = 0; i + FS_NAME_BLOCK <= count; i += FS_NAME_BLOCK)
    fs_name_put_block (path + at + 2 * i, bytes + i);
  /* The rest, and again what is before it in the block. */
  if (count >= FS_NAME_BLOCK)
    fs_name_put_block (path + at + 2 * (count - FS_NAME_BLOCK),
                       bytes + count - FS_NAME_BLOCK);
  for (gsize i = 0; count < FS_NAME_BLOCK && i < count; i++)
    {
      path[at + 2 * i] = fs_name_digits[bytes[i] >> 4];
      path[at + 2 * i + 1] = fs_name_digits[bytes[i] & 15];
    }
  return at + 2 * count;
}

/* fs_name_set: where the blob of that digest is. */
void
fs_name_set (FsName *name, FsLayout layout, const CaskDigest *digest)
{
  gboolean is_oci = layout == FS_LAYOUT_OCI;
  guint algorithm = digest->algorithm == CASK_ALGORITHM_SHA512;
  const char *top = is_oci ? "blobs" : fs_name_algorithm (digest);
  gsize at = fs_name_put (name->path, 0, top);
  gsize skip = is_oci ? 0 : 1;
  memcpy (name->top, name->path, at);
  name->top[at] = '\0';
  name->path[at++] = '/';
  if (is_oci)
    at = fs_name_put (name->path, at, fs_name_algorithm (digest));
  else
    at = fs_name_put_hex (name->path, at, digest->bytes, 1);
  memcpy (name->directory, name->path, at);
  name->directory[at] = '\0';
  name->path[at++] = '/';
  name->leaf = (guint) at;
  at = fs_name_put_hex (name->path, at, digest->bytes + skip,
                        cask_digest_length (digest) - skip);
  name->path[at] = '\0';
  name->top_index = is_oci ? 0 : algorithm;
  name->shard_index = algorithm * 256 + (is_oci ? 0 : digest->bytes[0]);
}

/* Returns: the digit's value, or -1; upper case is not a name of ours. */
static int
fs_name_digit (char character)
{
  if (character >= '0' && character <= '9')
    return character - '0';
  if (character >= 'a' && character <= 'f')
    return character - 'a' + 10;
  return -1;
}

/* fs_name_parse: the digest of the blob that is called leaf in the shard of which shard
 * is any digest.
 *
 * Returns: FALSE where leaf is no blob's name */
gboolean
fs_name_parse (FsLayout layout, const CaskDigest *shard, const char *leaf,
               CaskDigest *digest)
{
  gsize length = cask_digest_length (shard);
  gsize at = layout == FS_LAYOUT_OCI ? 0 : 1;
  *digest = (CaskDigest){ .algorithm = shard->algorithm };
  digest->bytes[0] = shard->bytes[0];
  for (; at < length; at++, leaf += 2)
    {
      int high = fs_name_digit (leaf[0]);
      int low = high < 0 ? -1 : fs_name_digit (leaf[1]);
      if (low < 0)
        return FALSE;
      digest->bytes[at] = (guint8) (high << 4 | low);
    }
  return *leaf == '\0';
}
