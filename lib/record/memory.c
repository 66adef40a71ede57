/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "session.h"
#include "signal/memory.h"

int
vmp_memory_open(void)
{
    const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const long page_size = sysconf(_SC_PAGESIZE);

    if (fd < 0)
        return -ENOTSUP;
    if (!vmp_resident_pages(fd)) {
        close(fd);
        return -ENOTSUP;
    }
    vmp_session.page_kb = (uint64_t)page_size / 1024;
    atomic_store(&vmp_session.memory_fd, fd);
    return 0;
}

/* A number that is another file's by now is left alone. */
void
vmp_memory_close(void)
{
    const int fd = atomic_load(&vmp_session.memory_fd);

    if (!vmp_session.has_memory)
        return;
    if (vmp_resident_pages(fd))
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
    if (vmp_session.has_memory &&
        !vmp_resident_pages(atomic_load(&vmp_session.memory_fd)))
        vmp_memory_open();
}
