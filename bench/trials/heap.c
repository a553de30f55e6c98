/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.c: malloc and its like, counted: what is in use now, and the most that ever was.
 *
 * Stands in the place of libc's, for every library of the program; what is counted is
 * what a block can hold, which is what it takes. Threads' stacks are no part of it. */
#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#define HEAP_EXPORT __attribute__ ((visibility ("default")))

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *block);

static gint64 heap_used, heap_most;

static void *
heap_add (void *block)
{
  gint64 used = __atomic_add_fetch (&heap_used, (gint64) malloc_usable_size (block),
                                    __ATOMIC_RELAXED);
  gint64 most = __atomic_load_n (&heap_most, __ATOMIC_RELAXED);
  while (used > most && !__atomic_compare_exchange_n (&heap_most, &most, used, TRUE,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    ;
  return block;
}

static void
heap_take (void *block)
{
  __atomic_sub_fetch (&heap_used, (gint64) malloc_usable_size (block), __ATOMIC_RELAXED);
}

HEAP_EXPORT void *
malloc (size_t size)
{
  return heap_add (__libc_malloc (size));
}

HEAP_EXPORT void *
calloc (size_t n, size_t size)
{
  return heap_add (__libc_calloc (n, size));
}

HEAP_EXPORT void *
realloc (void *block, size_t size)
{
  heap_take (block);
  void *moved = __libc_realloc (block, size);
  /* What could not be moved stays. */
  heap_add (moved == NULL && size > 0 ? block : moved);
  return moved;
}

HEAP_EXPORT void
free (void *block)
{
  heap_take (block);
  __libc_free (block);
}

HEAP_EXPORT void *
memalign (size_t alignment, size_t size)
{
  return heap_add (__libc_memalign (alignment, size));
}

HEAP_EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  return heap_add (__libc_memalign (alignment, size));
}

HEAP_EXPORT int
posix_memalign (void **block, size_t alignment, size_t size)
{
  void *made = heap_add (__libc_memalign (alignment, size));
  if (made == NULL)
    return ENOMEM;
  *block = made;
  return 0;
}

gint64
heap_now (void)
{
  return __atomic_load_n (&heap_used, __ATOMIC_RELAXED);
}

gint64
heap_peak (void)
{
  return __atomic_load_n (&heap_most, __ATOMIC_RELAXED);
}

void
heap_forget_peak (void)
{
  __atomic_store_n (&heap_most, heap_now (), __ATOMIC_RELAXED);
}
