/* SPDX-License-Identifier: MIT */

#include "instruction.h"

#include <sys/uio.h>
#include <unistd.h>

static bool
is_same(const unsigned char *a, const unsigned char *b, unsigned size)
{
    while (size && a[size - 1] == b[size - 1])
        size--;
    return !size;
}

/* By a system call: code may be there to be executed alone. */
bool
vmp_is_at_instruction(uint64_t at, const unsigned char *bytes, unsigned size)
{
    unsigned char found[8];
    const struct iovec to = { found, 2 * (size_t)size };
    const struct iovec from = { (void *)(uintptr_t)(at - size), to.iov_len };

    if (process_vm_readv(gettid(), &to, 1, &from, 1, 0) != (ssize_t)to.iov_len)
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (is_same(found + (size_t)i * size, bytes, size))
            return true;
    return false;
}
