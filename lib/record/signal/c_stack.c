/* SPDX-License-Identifier: MIT */

/* Reading C stacks. Signal context. */

#include "c_stack.h"

#include <sys/uio.h>
#include <unistd.h>

enum {
    MOST_PAGES = (64 << 10) / VMP_PAGE + 2,
};

/* A sanitizer must not replace the loop by its own memcpy(), either. */
VMP_READS_STACK void
vmp_copy_words(uint64_t *to, uintptr_t from, size_t size)
{
    const volatile vmp_word_pair *pair = (const volatile vmp_word_pair *)from;
    vmp_word_pair *pair_to = (vmp_word_pair *)to;

    for (size_t count = size / sizeof(*pair); count; count--)
        *pair_to++ = *pair++;
    if (size % sizeof(*pair))
        *(uint64_t *)pair_to = *(const volatile uint64_t *)pair;
}

size_t
vmp_read_pages(void *to, uintptr_t from, size_t size)
{
    struct iovec pages[MOST_PAGES], whole = { to, size };
    unsigned long count = 0;
    ssize_t got;

    for (uintptr_t at = from; at < from + size && count < MOST_PAGES;) {
        const uintptr_t next = (at / VMP_PAGE + 1) * VMP_PAGE;
        const uintptr_t end = next < from + size ? next : from + size;

        pages[count].iov_base = (void *)at;
        pages[count++].iov_len = end - at;
        at = end;
    }
    got = process_vm_readv(gettid(), &whole, 1, pages, count, 0);
    return got > 0 ? (size_t)got / 8 * 8 : 0;
}
