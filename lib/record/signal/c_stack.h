/* SPDX-License-Identifier: MIT */

/*
 * Reading C stacks. The thread's own is read as it is; any other (a coroutine's,
 * an alternate one) may end anywhere and is read by a system call that says so.
 * Signal context.
 */
#ifndef VMP_C_STACK_H
#define VMP_C_STACK_H

#include <stddef.h>
#include <stdint.h>

/* Other code's frames: of no interest to a sanitizer. */
#define VMP_READS_STACK __attribute__((no_sanitize_address))

/* Two words at a time. */
typedef uint64_t vmp_word_pair
    __attribute__((vector_size(16), aligned(8), may_alias));

enum {
    VMP_PAGE = 4096, /* the least there is: no read crosses the end of memory */
};

/* Of the thread's own stack; `size` is a multiple of 8. */
void
vmp_copy_words(uint64_t *to, uintptr_t from, size_t size);

/* What is readable of any stack. Returns how much that is, a multiple of 8. */
size_t
vmp_read_pages(void *to, uintptr_t from, size_t size);

#endif
