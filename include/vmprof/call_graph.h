/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Who called whom, and how often: every call is counted. What sampling tells of
 * shares of time, this tells of numbers of calls.
 */
#ifndef VMPROF_CALL_GRAPH_H
#define VMPROF_CALL_GRAPH_H

#include <vmprof/layer.h>

VMPROF_BEGIN_DECLS

/**
 * Count calls by caller and callee.
 *
 * The caller is what the same thread ran then. A generator or coroutine that
 * goes on is no call; it is counted as a resume, of who resumed it. On stacks of
 * its own (vmprof_resume_stack()) its frames wait with it: what goes on there is
 * called by them. One that goes on on another thread begins anew there.
 *
 * A function that is left tells so by a return, yield or unwind, by the code that
 * was called and, if it is known then and was then, the VM's frame; one that does
 * not is ended by the next return of a function beneath it. Calls of C count if
 * the event has a callee. What ran when the layer began has not been called: its
 * callees have the caller 0, as the first of a thread has.
 *
 * Beside the rows each stack takes up to 64 bytes a frame at its deepest; calls
 * deeper than 262,144 frames are lost, and of coroutines' stacks that wait, all
 * but the last 4,096.
 *
 * @param options   NULL: all defaults. The events are calls, returns and their
 *                  like, of C too: leave those out, and what C does is its
 *                  caller's.
 * @param[out] out  The layer; vmprof_free_layer() ends it.
 *
 * @return As vmprof_new_event_counts().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_new_call_graph(const struct vmprof_layer_options *options,
                      struct vmprof_layer **out);

/** The caller of the sums over all callers. No code has it. @since 0.1 */
#define VMPROF_ANY_CALLER UINT64_MAX

/**
 * Calls of one function by another. Frozen. @since 0.1
 */
struct vmprof_call {
    vmprof_code_id caller; /**< 0: unknown, or none; or VMPROF_ANY_CALLER */
    vmprof_code_id callee;
    uint64_t calls;
    uint64_t resumes; /**< and goings-on, with an exception too */
    uint64_t self_ns; /**< time in it, called from there, but for callees */
    uint64_t inclusive_ns; /**< and with them; of a recursion only the outermost
                                call has it */
};

/** Look at calls. Other than 0 ends it. @since 0.1 */
typedef int (*vmprof_call_function)(void *user, const struct vmprof_call *call);

/**
 * Look at all calls as they are now, by callee and caller, threads together: of
 * each callee the sum over all callers comes last. Times are those that passed,
 * of calls that have ended.
 *
 * @return As vmprof_each_event_count().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_each_call(struct vmprof_layer *layer, vmprof_call_function function,
                 void *user);

VMPROF_END_DECLS

#endif
