/* SPDX-License-Identifier: MIT */

/* Where chunks go: a descriptor that may be slow, full or broken. */
#ifndef VMP_SINK_H
#define VMP_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How to write without waiting. */
enum vmp_sink_way {
    VMP_SINK_FILE,   /* a file is written at once */
    VMP_SINK_SOCKET, /* send() can be told not to wait */
    VMP_SINK_NOWAIT, /* so can pwritev2(), where the kernel knows how */
    VMP_SINK_POLLED, /* what poll() promises has to do */
};

struct vmp_sink {
    int fd; /* a duplicate of the caller's */
    enum vmp_sink_way way;
    bool is_shared; /* the host can close the number, and reuse it */
    dev_t device;
    ino_t inode;
    atomic_uint_least64_t deadline_ns; /* when to give up; 0: never */
    atomic_uint_least64_t bytes_written;
    int error; /* 0, or the errno after which nothing is written */
};

/* Returns 0, -EBADF, -EACCES for a descriptor that is read-only, or -EMFILE. */
int
vmp_sink_open(struct vmp_sink *sink, int fd);

/* Write all of it, on a thread that blocks all signals. Returns 0 or a negative
 * errno, and the same at once from then on. */
int
vmp_sink_write(struct vmp_sink *sink, const void *data, size_t size);

/* Take the last `size` bytes back that were written, if they are the end of a
 * file: what nobody can read half of. */
void
vmp_sink_take_back(struct vmp_sink *sink, size_t size);

/* From now on give up after VMP_SINK_PATIENCE_NS. Any thread. */
void
vmp_sink_hurry(struct vmp_sink *sink);

#define VMP_SINK_PATIENCE_NS UINT64_C(2000000000)

/* Leaves the number alone if it is somebody else's by now. */
void
vmp_sink_close(struct vmp_sink *sink);

#endif
