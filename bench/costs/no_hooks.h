/* SPDX-License-Identifier: MIT */

/*
 * The toy VM without what it calls at each call, compiled in before all else:
 * what the library adds to a VM that is not profiled is the difference.
 */
#ifndef NO_HOOKS_H
#define NO_HOOKS_H

#include <vmprof/vmprof.h>

#include "../no_interp.h"

static inline vmprof_token
no_token(struct vmprof_thread *thread, vmprof_code_id code,
         const uintptr_t *position)
{
    (void)thread, (void)code, (void)position;
    return 0;
}

static inline vmprof_token
no_token_at(struct vmprof_thread *thread, vmprof_code_id code,
            enum vmprof_kind kind, const uintptr_t *position,
            uintptr_t stack_pointer)
{
    (void)thread, (void)code, (void)kind, (void)position, (void)stack_pointer;
    return 0;
}

static inline void
no_leave(struct vmprof_thread *thread, vmprof_token token)
{
    (void)thread, (void)token;
}

static inline enum vmprof_phase
no_phase(struct vmprof_thread *thread, enum vmprof_phase phase)
{
    (void)thread;
    return phase;
}

static inline int
no_poll(struct vmprof_thread *thread)
{
    (void)thread;
    return 0;
}

static inline int64_t
no_poll_counted(struct vmprof_thread *thread, int64_t countdown)
{
    (void)thread;
    return countdown;
}

#define vmprof_enter_kind(thread, code, kind, position)                        \
    no_token(thread, code, position)
#define vmprof_enter_at            no_token_at
#define vmprof_execute_code_enter  no_token
#define vmprof_execute_code_leave  no_leave
#define vmprof_execute_code_repair no_leave
#define vmprof_set_phase           no_phase
#define vmprof_poll                no_poll
#define vmprof_poll_counted        no_poll_counted
#define vmprof_poll_expired        no_poll_counted

#endif
