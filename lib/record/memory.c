/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session.h"
#include "signal/memory.h"

/* Which file the descriptor is; under the lock. */
static dev_t device;
static ino_t inode;

int
vmp_memory_open(void)
{
    const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const long page_size = sysconf(_SC_PAGESIZE);
    struct stat status;

    if (fd < 0)
        return -ENOTSUP;
    if (fstat(fd, &status) < 0 || !vmp_resident_pages(fd)) {
        close(fd);
        return -ENOTSUP;
    }
    device = status.st_dev;
    inode = status.st_ino;
    vmp_session.page_kb = (uint64_t)page_size / 1024;
    atomic_store(&vmp_session.memory_fd, fd);
    return 0;
}

/* A number that is another file's by now is left alone. Not to be read for once
 * does not make it that: the kernel may be short of memory. */
static bool
is_ours(int fd)
{
    struct stat status;

    if (fstat(fd, &status) == 0)
        return status.st_dev == device && status.st_ino == inode;
    return vmp_resident_pages(fd);
}

void
vmp_memory_close(void)
{
    const int fd = atomic_load(&vmp_session.memory_fd);

    if (!vmp_session.has_memory)
        return;
    if (is_ours(fd))
        close(fd);
    vmp_session.has_memory = false;
}

uint64_t
vmp_memory_kb(void)
{
    return vmp_resident_pages(atomic_load(&vmp_session.memory_fd)) *
           vmp_session.page_kb;
}

void
vmp_memory_check(void)
{
    if (vmp_session.has_memory && !is_ours(atomic_load(&vmp_session.memory_fd)))
        vmp_memory_open();
}
