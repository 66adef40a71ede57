/* SPDX-License-Identifier: MIT */

/* The one session of the process: it owns the signal. */
#ifndef VMP_SESSION_H
#define VMP_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pause.h"
#include "thread.h"
#include "writer.h"

/* What a thread that was too brief for a sample leaves to another, see brief.h.
 */
struct vmp_estate {
    uint64_t unsampled_ns; /* of its CPU time */
    uint64_t rest_ns;      /* until the next sample was due; 0: it was */
};

enum {
    VMP_MOST_ESTATES = 16,
};

struct vmp_session {
    /* What a handler reads; set before `sampling`. */
    atomic_bool sampling;
    atomic_bool writing; /* to a file */
    uint64_t interval_ns;
    size_t max_frames;
    uint32_t native;       /* enum vmprof_native */
    uint32_t native_bytes; /* of the stack in a copy, at most */
    bool has_memory;       /* samples have the resident memory */
    atomic_int memory_fd;  /* where they read it */
    uint64_t page_kb;

    unsigned number; /* of this session, never 0 */
    bool polled;     /* threads that poll sample themselves */

    /* Under vmp_threads_lock(). */
    bool enabled;
    uint32_t mode;                         /* enum vmprof_mode */
    uint32_t format;                       /* enum vmprof_format */
    const void *main_loop, *main_loop_end; /* of the VM, for native frames */
    bool has_traces;                       /* so are those of compiled code */
    bool has_lines;                        /* wanted in a log */
    enum vmprof_clock clock;               /* what the file says */
    enum vmprof_clock rung;                /* what threads with a clock get */
    size_t ring_size;
    struct vmp_jit_wishes jit;
    uint64_t start_ns, stop_ns; /* on CLOCK_MONOTONIC; stop 0: it runs */
    unsigned ended_count;       /* threads, since the writer came last */
    struct vmp_counters ended;  /* of threads that are no more */
    struct vmp_recorded_counts recorded[VMP_RECORDED_KINDS]; /* likewise, and
                                                 what the writer has taken */
    uint64_t clock_failures, clock_retries, locations_lost;
    uint64_t native_cut, native_failed, stacks_cut; /* by the writer */
    int clock_error;
    uint64_t samples_written, samples_unwritten, bytes_written;
    int write_error;
    struct vmp_estate estates[VMP_MOST_ESTATES];
    unsigned estate_count;
    char vm_name[64], program[64];
    pid_t enabled_by; /* a thread, which may have ended since */
    struct vmp_writer *writer;
};

extern struct vmp_session vmp_session;

/* Make a thread part of the session, another than the calling one, too; and take
 * the calling one out. Under the lock. */
void
vmp_session_join(struct vmp_thread *thread);
void
vmp_session_part(struct vmp_thread *thread);

/* Make a thread its clock if it has none. Returns whether there is one to begin. */
bool
vmp_session_find_clock(struct vmp_thread *thread);

/* And begin it: the thread has got frames of its own. */
void
vmp_session_start_clock(struct vmp_thread *thread);

/* A clock could not be had or has failed, with a negative errno; and whether it
 * could not be armed again, counted once. Under the lock. */
void
vmp_session_failed_clock(int error);
bool
vmp_session_count_clock_error(struct vmp_thread *thread);

/* And those that the kernel had none left for. Under the lock. */
void
vmp_session_retry_clocks(void);

/* Replace the clocks whose descriptors the host has closed, and those whose tick
 * it has taken; every second. Under the lock. */
void
vmp_session_check_clocks(void);

/* The two halves of disabling, around the end of the writer; under the lock. */
void
vmp_session_stop_sampling(void);
void
vmp_session_close(void);

/* A thread that has ended is written out: keep its counters, and its record for
 * another thread. Under the lock. */
void
vmp_session_bury(struct vmp_thread *thread);

/* The child of a fork(): the session and all threads but the calling one are
 * the parent's. Under the lock. */
void
vmp_session_leave_to_parent(void);

/* The time that a thread with frames of its own has slept up to now, which it
 * was never asked for; when it is sampled no more. */
void
vmp_close_own_frames(struct vmp_thread *thread);

/* The sums over all threads; under the lock. */
void
vmp_session_count(struct vmp_counters *sum);

/* What became of recorded events, by kind; under the lock. */
void
vmp_session_count_recorded(struct vmp_recorded_counts *counts);

/* What vmprof_get_stats() says, under the lock, into what has been checked.
 * Returns 0 or -EINVAL. */
int
vmp_stats_check(const struct vmprof_stats *stats);
void
vmp_stats_take(struct vmprof_stats *stats);

#endif
