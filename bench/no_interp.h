/* SPDX-License-Identifier: MIT */

/* The toy VM without what it calls to have bytecodes and types profiled,
 * compiled in before all else. */
#ifndef NO_INTERP_H
#define NO_INTERP_H

#include <vmprof/vmprof.h>

static inline uint64_t
no_flag(const struct vmprof_thread *thread)
{
    (void)thread;
    return 0;
}

static inline int
no_candidates(const struct vmprof_thread *thread)
{
    (void)thread;
    return 0;
}

static inline uint64_t
no_call(struct vmprof_thread *thread, vmprof_code_id code)
{
    (void)thread, (void)code;
    return 0;
}

static inline void
no_mark(struct vmprof_thread *thread, uint64_t mark)
{
    (void)thread, (void)mark;
}

#define vmprof_counting       no_flag
#define vmprof_wants_count    no_candidates
#define vmprof_has_candidates no_candidates
#define vmprof_count_call     no_call
#define vmprof_count_resume   no_mark
#define vmprof_count_return   no_mark

#endif
