/* SPDX-License-Identifier: MIT */

#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../os/clock.h"

enum {
    POLL_MS = 100,
};

static const uint64_t PATIENCE_NS = 2000000000;

int
vmp_sink_open(struct vmp_sink *sink, int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    struct stat status;

    if (flags < 0)
        return -EBADF;
    if ((flags & O_ACCMODE) == O_RDONLY || flags & O_PATH)
        return -EACCES;
    *sink = (struct vmp_sink){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };
    if (sink->fd < 0)
        return -errno;
    sink->is_file = fstat(sink->fd, &status) == 0 && S_ISREG(status.st_mode);
    return 0;
}

void
vmp_sink_hurry(struct vmp_sink *sink)
{
    atomic_store(&sink->deadline_ns, vmp_now_ns(CLOCK_MONOTONIC) + PATIENCE_NS);
}

void
vmp_sink_close(struct vmp_sink *sink)
{
    close(sink->fd);
    sink->fd = -1;
}

/* Wait until a pipe, socket or terminal takes something. */
static int
await_room(struct vmp_sink *sink)
{
    struct pollfd wanted = { .fd = sink->fd, .events = POLLOUT };

    for (;;) {
        const uint64_t deadline_ns = atomic_load(&sink->deadline_ns);
        const int r = poll(&wanted, 1, POLL_MS);

        if (deadline_ns && vmp_now_ns(CLOCK_MONOTONIC) > deadline_ns)
            return -ETIMEDOUT;
        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return -errno;
    }
}

static int
write_some(struct vmp_sink *sink, const char *data, size_t size)
{
    ssize_t written;
    int r;

    if (!sink->is_file) {
        r = await_room(sink);
        if (r < 0)
            return r;
        /* What poll() says is good for this much without blocking. */
        size = size < PIPE_BUF ? size : PIPE_BUF;
    }
    written = write(sink->fd, data, size);
    if (written < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    return (int)written;
}

int
vmp_sink_write(void *user, const void *data, size_t size)
{
    struct vmp_sink *const sink = user;
    const char *at = data;

    if (sink->error)
        return -sink->error;
    while (size) {
        const int r = write_some(sink, at, size);
        if (r < 0) {
            sink->error = -r;
            return r;
        }
        at += r;
        size -= (size_t)r;
        sink->bytes_written += (uint64_t)r;
    }
    return 0;
}
