/* SPDX-License-Identifier: MIT */

/**
 * @file
 * The C names that RPython-translated virtual machines call, in a library of
 * its own, librvmprof, which stands on libvmprof. Two of them are other
 * functions in libvmprof's headers, so that a file includes either this one or
 * those. See shims/rpython/README.md.
 *
 * Results are as those VMs have them: -1 and errno, or a message.
 */
#ifndef VMPROF_RVMPROF_H
#define VMPROF_RVMPROF_H

#ifdef VMPROF_SAMPLER_H
#    error "vmprof_enable() has another signature in vmprof/sampler.h"
#endif

#include <stdint.h>

#include <vmprof/base.h>
#include <vmprof/rvmprof_hooks.h>

VMPROF_BEGIN_DECLS

/** The size of an array for vmprof_get_traceback(). @since 0.1 */
#define RVMPROF_TRACEBACK_ESTIMATE_N(entries) (2 * (entries) + 4)

/**
 * Say what the next vmprof_enable() is to record.
 *
 * @param fd           Where to write: a version 6 vmprof log. It is the
 *                     caller's, and is to stay open until vmprof_disable().
 * @param interval     Seconds, from 0.000001 to less than 1.
 * @param memory       Not 0: with the resident memory of the process.
 * @param lines        0: these VMs tell no lines.
 * @param interp_name  Of the VM; copied.
 * @param native       Not 0: with native frames, but for real time.
 * @param real_time    Not 0: the time that passes, instead of CPU time, of all
 *                     threads. No thread is interrupted for it, so there are no
 *                     native frames, and the log's header says so.
 *
 * @return NULL, or a message that stays.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API char *
vmprof_init(int fd, double interval, int memory, int lines,
            const char *interp_name, int native, int real_time);

/**
 * Begin to profile all threads of the VM. The arguments are those of
 * vmprof_init().
 *
 * @return 0, or -1 and in errno: EINVAL without vmprof_init(), EBUSY while
 * enabled, ENOTSUP if native frames or a clock cannot be had here, or what else
 * libvmprof's vmprof_enable_with() says.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_enable(int memory, int native, int real_time);

/**
 * End the profile. The descriptor stays open. In the child of a fork, where
 * profiling has ended already, the first one does nothing and succeeds.
 *
 * @return 0, or -1 and in errno: EALREADY, or what kept the file from being
 * whole.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_disable(void);

/**
 * Name a code, for all sessions to come. The first name of an id stays.
 *
 * @param name        "class:function:line:file". Another form is made into
 *                    one; what is too long is cut visibly.
 * @param uid         The VM's own id.
 * @param auto_retry  Not used: nothing is ever full for a moment.
 *
 * @return 0, or -1 and ENOMEM or EINVAL: @p uid is 0.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_register_virtual_function(char *name, intptr_t uid, int auto_retry);

/**
 * Around each change of codemaps: no handler looks at them in between. What is
 * due then is counted as lost, and the next sample has its time. Calls nest,
 * over all threads.
 *
 * @param ignored  Not 0: from now on, when handlers that were at it are done;
 *                 0: no longer.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API void
vmprof_ignore_signals(int ignored);

/**
 * Tell what a thread is doing, as (tag, value) pairs, innermost first: of
 * interpreted code its tag and id; of compiled code VMPROF_ASSEMBLER_TAG and
 * where the trace begins, then VMPROF_JITTED_TAG and the id of each code.
 *
 * @param stack     The innermost call; NULL: the calling thread's.
 * @param ucontext  What a signal interrupted, or NULL.
 * @param result    An array of words.
 * @param n         How many there are; see RVMPROF_TRACEBACK_ESTIMATE_N().
 *
 * @return How many words were written, at most n - 2.
 * @par Context
 * Any thread; async-signal-safe; without vmprof_init(), too.
 * @since 0.1
 */
VMPROF_API intptr_t
vmprof_get_traceback(void *stack, void *ucontext, void **result, intptr_t n);

/**
 * The path of the file that is written to.
 *
 * @return The length of what was written, without a NUL; or -1: not enabled, or
 * no path, or one that is too long.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API long
vmprof_get_profile_path(char *buffer, long size);

/**
 * Take no samples, and write nothing to a file, until vmprof_start_sampling():
 * around each switch of stacklets, or to use the descriptor. Calls nest, over
 * all threads.
 *
 * @return The descriptor that vmprof_init() was given; -1: not enabled.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_stop_sampling(void);

/**
 * Undo one vmprof_stop_sampling().
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API void
vmprof_start_sampling(void);

VMPROF_END_DECLS

#endif
