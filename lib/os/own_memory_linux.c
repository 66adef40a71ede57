/* SPDX-License-Identifier: MIT */

#include "own_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool
read_file_at(int file, uint64_t address, void *to, size_t size)
{
    return pread(file, to, size, (off_t)address) == (ssize_t)size;
}

/*
 * By the file that the kernel has of it. The host may close any descriptor, and
 * have its number for another file by then, and below an emulator the file is the
 * emulator's: what is known of our own memory has to be there.
 */
static bool
read_by_file(uint64_t address, void *to, size_t size)
{
    static const char known[] = "libvmprof reads its own memory";
    const int file = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char found[sizeof(known)];
    bool is_read;

    if (file < 0)
        return false;
    is_read = read_file_at(file, address, to, size) &&
              read_file_at(file, (uintptr_t)known, found, sizeof(found)) &&
              !memcmp(known, found, sizeof(known));
    close(file);
    return is_read;
}

bool
vmp_own_memory_read(uint64_t address, void *to, size_t size)
{
    const struct iovec into = { to, size };
    const struct iovec from = { (void *)(uintptr_t)address, size };
    const ssize_t got = process_vm_readv(gettid(), &into, 1, &from, 1, 0);

    if (got >= 0 || (errno != ENOSYS && errno != EPERM))
        return got == (ssize_t)size;
    return read_by_file(address, to, size);
}
