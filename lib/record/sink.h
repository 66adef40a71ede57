/* SPDX-License-Identifier: MIT */

/* Where chunks go: a descriptor that may be slow, full or broken. */
#ifndef VMP_SINK_H
#define VMP_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmp_sink {
    int fd; /* a duplicate of the caller's */
    bool is_file;
    atomic_uint_least64_t deadline_ns; /* when to give up; 0: never */
    uint64_t bytes_written;
    int error; /* 0, or the errno after which nothing is written */
};

/* Returns 0, -EBADF, -EACCES for a descriptor that is read-only, or -EMFILE. */
int
vmp_sink_open(struct vmp_sink *sink, int fd);

/* Write all of it, on a thread that blocks all signals. Returns 0 or a negative
 * errno, and the same at once from then on. */
int
vmp_sink_write(void *sink, const void *data, size_t size);

/* From now on give up after two seconds. Any thread. */
void
vmp_sink_hurry(struct vmp_sink *sink);

void
vmp_sink_close(struct vmp_sink *sink);

#endif
