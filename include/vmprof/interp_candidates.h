/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Candidates: codes of which some calls are profiled whole, whatever else is set;
 * and calls, which a VM tells of for that. interp.h, which counts bytecodes,
 * includes this.
 */
#ifndef VMPROF_INTERP_CANDIDATES_H
#define VMPROF_INTERP_CANDIDATES_H

#include <vmprof/interp.h>

VMPROF_BEGIN_DECLS

/**
 * Called when all bytecodes of a candidate's calls have been profiled.
 *
 * @param calls  How many there were.
 * @param error  0, or -ECANCELED: the code was forgotten or the candidate
 *               withdrawn before the last of them.
 * @par Context
 * Runs on the thread whose call ended last, in vmprof_count_return(), or in
 * what withdrew it. It may call the library.
 * @since 0.1
 */
typedef void (*vmprof_candidate_function)(void *user, vmprof_code_id code,
                                          uint64_t calls, int error);

/**
 * Have all bytecodes of the next @p calls calls of @p code profiled on all
 * threads, whatever the period and also where the profile is off: what a JIT
 * asks before it compiles. For VMs that tell of calls with vmprof_count_call().
 *
 * @param done  NULL for none.
 *
 * @retval -EINVAL  @p calls is 0.
 * @retval -ENOENT  There is no such code.
 * @retval -EEXIST  It is a candidate already.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_add_candidate(vmprof_code_id code, uint64_t calls,
                     vmprof_candidate_function done, void *user);

/**
 * Withdraw a candidate; its function is called with -ECANCELED.
 *
 * @retval -ENOENT  @p code is none.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_remove_candidate(vmprof_code_id code);

/** @private vmprof_count_call() and its companions where there are candidates.
 */
VMPROF_API uint64_t
vmprof_candidate_call(struct vmprof_thread *thread, vmprof_code_id code);
/** @private */
VMPROF_API void
vmprof_candidate_resume(struct vmprof_thread *thread, uint64_t mark);
/** @private */
VMPROF_API void
vmprof_candidate_return(struct vmprof_thread *thread, uint64_t mark);

/**
 * Whether there are candidates. Only then do vmprof_count_call() and its
 * companions do anything, and they may change the countdown: a loop that keeps
 * it in a register gives it back before and takes it after.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_has_candidates(const struct vmprof_thread *thread)
{
    return __atomic_load_n(&thread->candidates, __ATOMIC_RELAXED) != 0;
}

/**
 * Whether there is anything to count on this thread, bytecodes or calls. A VM
 * can have its loop compiled twice, and run the one that counts nothing while
 * this is 0: it looks where vmprof_poll() says so, and after what the program
 * may have set on this thread.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_wants_count(const struct vmprof_thread *thread)
{
    return (vmprof_counting(thread) |
            __atomic_load_n(&thread->candidates, __ATOMIC_RELAXED)) != 0;
}

/**
 * A call of @p code begins: the next bytecodes are its own.
 *
 * @return A mark to be kept with the call; 0: it is none of a candidate's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_count_call(struct vmprof_thread *thread, vmprof_code_id code)
{
    if (VMPROF_EXPECT(vmprof_has_candidates(thread), 0))
        return vmprof_candidate_call(thread, code);
    return 0;
}

/**
 * The next bytecodes are again those of an earlier call: what it called has
 * returned or thrown, or a generator goes on.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_resume(struct vmprof_thread *thread, uint64_t mark)
{
    if (VMPROF_EXPECT(vmprof_has_candidates(thread), 0))
        vmprof_candidate_resume(thread, mark);
}

/**
 * A call has ended, by returning, by an exception, or as a generator that is
 * dropped; on any thread. vmprof_count_resume() of its caller comes after.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_return(struct vmprof_thread *thread, uint64_t mark)
{
    if (VMPROF_EXPECT(mark != 0, 0))
        vmprof_candidate_return(thread, mark);
}

VMPROF_END_DECLS

#endif
