/* SPDX-License-Identifier: MIT */

#include "instruction.h"

#include <errno.h>
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
enum vmp_call
vmp_call_by_code(uint64_t pc, long result, const unsigned char *bytes,
                 unsigned size, uint64_t *at)
{
    unsigned char found[8];
    const struct iovec to = { found, 2 * (size_t)size };
    const struct iovec from = { (void *)(uintptr_t)(pc - size), to.iov_len };

    *at = 0;
    if (process_vm_readv(gettid(), &to, 1, &from, 1, 0) != (ssize_t)to.iov_len)
        return VMP_CALL_ENDED;
    if (is_same(found + size, bytes, size)) {
        *at = pc;
        return VMP_CALL_ENDED;
    }
    if (!is_same(found, bytes, size))
        return VMP_NO_CALL;
    *at = pc - size;
    return result == -EINTR ? VMP_CALL_ENDED : VMP_CALL_DONE;
}
