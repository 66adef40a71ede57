/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Traces for other tools: perf, gdb, and what unwinds the stack.
 *
 * All is off until it is asked for, and holds for traces that are registered
 * afterwards. No session is needed.
 */
#ifndef VMPROF_JIT_SINKS_H
#define VMPROF_JIT_SINKS_H

#include <string.h>

#include <vmprof/trace.h>

VMPROF_BEGIN_DECLS

/** Who is told of traces, bits. @since 0.1 */
enum vmprof_jit_sink {
    VMPROF_SINK_PERF_MAP = 1, /**< perf-PID.map: perf report finds names */
    VMPROF_SINK_JITDUMP = 2,  /**< jit-PID.dump, for perf inject --jit. The
                                   operations are in jit-PID.ops, which perf
                                   annotate shows as the source; record with
                                   perf record -k mono. --call-graph dwarf gets
                                   through traces whose frame is known */
    VMPROF_SINK_GDB = 4,      /**< gdb's interface for JITs: names, the stack
                                   under traces whose frame is known, and the
                                   operations in jit-PID.ops as the source */
    VMPROF_SINK_UNWIND = 8,   /**< libgcc's __register_frame(): backtrace() and
                                   C++ exceptions get through traces whose
                                   frame is known; so does libunwind, if the
                                   process has it by then, for which each of
                                   them takes a page */
};

/** What is wanted. Only grows at the end. @since 0.1 */
struct vmprof_jit_sink_options {
    uint64_t size;         /**< set by vmprof_jit_sink_options_init() */
    uint64_t sinks;        /**< bits of enum vmprof_jit_sink */
    const char *directory; /**< for files; copied; NULL: /tmp, where perf looks
                                for its map */
};

/** Zero @p options and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_jit_sink_options_init(struct vmprof_jit_sink_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Tell other tools of the traces that are registered from now on. Files are new
 * ones that only their owner reads; those that an earlier process of the same
 * owner left under that name are replaced, and links are never followed. The
 * child of a fork() has no files.
 *
 * @retval -EALREADY  Sinks are open.
 * @retval -EINVAL    A bad size; no sink or an unknown one; a directory that is
 *                    no absolute path or too long.
 * @retval -E2BIG     @p options asks for something this library is too old for.
 * @retval -EEXIST    A file of that name is another owner's, or no file.
 * @retval -ENOTSUP   VMPROF_SINK_GDB or VMPROF_SINK_UNWIND on a machine other
 *                    than x86-64 and aarch64, VMPROF_SINK_UNWIND where there
 *                    is no libgcc_s.
 * @retval -EACCES, -ENOENT, -ENOTDIR, -ENOSPC, -EMFILE, -ENOMEM  And what else
 *                    open(), mmap() and write() say.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_open_jit_sinks(const struct vmprof_jit_sink_options *options);

/**
 * Tell no more, and forget what gdb and unwinders were told. The files stay.
 *
 * @retval -EALREADY  No sinks are open.
 * @retval -EIO       They are closed, but not all could be written.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_close_jit_sinks(void);

VMPROF_END_DECLS

#endif
