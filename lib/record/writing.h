/* SPDX-License-Identifier: MIT */

/* The writer's own state, and a round of its work. By its thread. */
#ifndef VMP_WRITING_H
#define VMP_WRITING_H

#include "writer.h"

#include <pthread.h>
#include <stdatomic.h>

#include "drain.h"
#include "events/recorded_drain.h"
#include "jit/drain.h"
#include "session.h"
#include "symbols.h"

enum {
    VMP_WRITER_SHORTEST_MS = 5, /* to wait */
};

struct vmp_writer {
    pthread_t thread;
    atomic_int tid; /* 0: it has not begun yet */
    struct vmp_output *output;
    struct vmp_session_info info;
    struct vmp_encoder *encoder;
    struct vmp_drain drain;
    struct vmp_symbols symbols; /* of a log with native frames */
    struct vmp_jit_drain *jit;  /* NULL: there are no events of traces */
    struct vmp_recorded_drain *recorded; /* NULL: a log has no place for them */
    uint32_t thread_count;               /* announced */
    unsigned wait_ms;
    uint64_t stats_ns; /* when they were written last */
    uint64_t mark;     /* of the last round; see code.h */

    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping, hurried; /* under the mutex */
};

/* Of bytecodes, types, traces and layers, for which a vmprof log has no place. */
static inline bool
vmp_writer_takes_rows(void)
{
    return vmp_session.format != VMPROF_FORMAT_LOG;
}

/* That the encoder has let out; it counts a chunk's when they are taken. */
uint64_t
vmp_writer_samples(const struct vmp_writer *writer);

/* Empty all rings into the encoder. */
void
vmp_writer_round(struct vmp_writer *writer, bool is_last);
void
vmp_writer_rows(struct vmp_writer *writer);

/* Write what the encoder let out, and tell of it. */
void
vmp_writer_flush(struct vmp_writer *writer);

/* The last round, and the file's end. */
void
vmp_writer_finish(struct vmp_writer *writer);

#endif
