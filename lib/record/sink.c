/* SPDX-License-Identifier: MIT */

#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../os/clock.h"
#include "pause.h"

enum {
    POLL_MS = 100,
    NOWAIT = 8, /* RWF_NOWAIT */
};

static enum vmp_sink_way
way_of(mode_t mode)
{
    if (S_ISREG(mode) || S_ISBLK(mode))
        return VMP_SINK_FILE;
    return S_ISSOCK(mode) ? VMP_SINK_SOCKET : VMP_SINK_NOWAIT;
}

int
vmp_sink_open(struct vmp_sink *sink, int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    struct stat status;

    if (flags < 0)
        return -EBADF;
    if ((flags & O_ACCMODE) == O_RDONLY || flags & O_PATH)
        return -EACCES;
    if (fstat(fd, &status) < 0)
        return -EBADF;
    *sink = (struct vmp_sink){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };
    if (sink->fd < 0)
        return -errno;
    sink->way = way_of(status.st_mode);
    sink->is_shared = true;
    sink->device = status.st_dev;
    sink->inode = status.st_ino;
    return 0;
}

/* Whether the number still means what it did, as far as that can be told. */
static bool
is_still_ours(const struct vmp_sink *sink)
{
    struct stat status;

    return !sink->is_shared ||
           (fstat(sink->fd, &status) == 0 && status.st_dev == sink->device &&
            status.st_ino == sink->inode);
}

void
vmp_sink_hurry(struct vmp_sink *sink)
{
    atomic_store(&sink->deadline_ns,
                 vmp_now_ns(CLOCK_MONOTONIC) + VMP_SINK_PATIENCE_NS);
}

void
vmp_sink_close(struct vmp_sink *sink)
{
    if (sink->fd >= 0 && is_still_ours(sink))
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

static ssize_t
write_no_wait(struct vmp_sink *sink, const char *data, size_t size)
{
    const struct iovec all = { (void *)(uintptr_t)data, size };
    const ssize_t written =
        syscall(SYS_pwritev2, sink->fd, &all, 1, -1L, -1L, NOWAIT);

    if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        sink->way = VMP_SINK_POLLED;
        return write(sink->fd, data, size);
    }
    return written;
}

static ssize_t
write_file(const struct vmp_sink *sink, const char *data, size_t size)
{
    const ssize_t written = write(sink->fd, data, size);

    vmp_end_write();
    return written;
}

static int
write_some(struct vmp_sink *sink, const char *data, size_t size)
{
    ssize_t written;
    int r;

    if (sink->way != VMP_SINK_FILE) {
        r = await_room(sink);
        if (r < 0)
            return r;
        /* What poll() says is good for this much, unless others write there
         * too. */
        size = size < PIPE_BUF ? size : PIPE_BUF;
    }
    if (!is_still_ours(sink))
        return -EBADF;
    if (sink->way == VMP_SINK_FILE && !vmp_begin_write()) {
        poll(NULL, 0, 1);
        return 0;
    }
    if (sink->way == VMP_SINK_SOCKET)
        written = send(sink->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (sink->way == VMP_SINK_NOWAIT)
        written = write_no_wait(sink, data, size);
    else
        written = write_file(sink, data, size);
    if (written >= 0)
        return (int)written;
    if (errno != EINTR && errno != EAGAIN)
        return -errno;
    poll(NULL, 0, 1); /* somebody else took the room that there was */
    return 0;
}

int
vmp_sink_write(struct vmp_sink *sink, const void *data, size_t size)
{
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
        atomic_fetch_add(&sink->bytes_written, (uint64_t)r);
    }
    return 0;
}

void
vmp_sink_take_back(struct vmp_sink *sink, size_t size)
{
    struct stat status;
    off_t end;

    if (sink->way != VMP_SINK_FILE || !is_still_ours(sink) ||
        fstat(sink->fd, &status) < 0)
        return;
    end = lseek(sink->fd, 0, SEEK_CUR);
    if (end != status.st_size || (off_t)size > end ||
        ftruncate(sink->fd, end - (off_t)size) < 0)
        return;
    lseek(sink->fd, end - (off_t)size, SEEK_SET);
    atomic_fetch_sub(&sink->bytes_written, (uint64_t)size);
}
