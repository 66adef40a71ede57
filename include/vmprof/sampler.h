/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Start and stop sampling, for the program that hosts a VM.
 *
 * One session at a time records the whole process. Names follow rvmprof; the
 * clocks, the weights and the accounting do not (see doc/design.md).
 */
#ifndef VMPROF_SAMPLER_H
#define VMPROF_SAMPLER_H

#include <stdbool.h>
#include <string.h>

#include <vmprof/base.h>
#include <vmprof/stack.h>

VMPROF_BEGIN_DECLS

/** What time is measured. @since 0.1 */
enum vmprof_mode {
    VMPROF_MODE_CPU = 0,  /**< each thread's CPU time, sampled by signals */
    VMPROF_MODE_WALL = 1, /**< time that passes, read by an observing thread */
};

/** What takes the samples: the rungs of the ladder. @since 0.1 */
enum vmprof_clock {
    VMPROF_CLOCK_AUTO = 0,      /**< the first that ticks */
    VMPROF_CLOCK_PERF = 1,      /**< perf_event_open's task clock per thread;
                                     it ticks outside the kernel, and a thread of
                                     the library samples those that are much
                                     inside, unless there are native frames, the
                                     thread polls or the VM has frames of its
                                     own */
    VMPROF_CLOCK_MONOTONIC = 2, /**< a timer per thread on CLOCK_MONOTONIC; ends
                                     a sleep seven times at most, then a thread
                                     of the library looks for its end */
    VMPROF_CLOCK_OBSERVER = 3,  /**< a thread of the library: wall mode, and
                                     CPU time without any signal */
    VMPROF_CLOCK_CPU_TIMER = 4, /**< a timer on each thread's CPU clock, which
                                     ticks no faster than the kernel does */
};

/** Who takes the samples. @since 0.1 */
enum vmprof_sampling {
    VMPROF_SAMPLING_AUTO = 0,   /**< a thread that calls vmprof_poll() samples
                                     itself; the clock takes over where it does
                                     not come to a poll. With native frames as
                                     VMPROF_SAMPLING_SIGNAL */
    VMPROF_SAMPLING_SIGNAL = 1, /**< the clock's signals alone */
};

/**
 * Which native frames are in a sample: the C functions between which the VM's
 * frames are, down to the main function. They are taken by signals, so
 * VMPROF_SAMPLING_AUTO means VMPROF_SAMPLING_SIGNAL with them, and there are
 * none in what a walker answers. @since 0.1
 */
enum vmprof_native {
    VMPROF_NATIVE_OFF = 0,
    VMPROF_NATIVE_COPY = 1,           /**< a copy of the C stack is unwound
                                           later, by what the objects say */
    VMPROF_NATIVE_FRAME_POINTERS = 2, /**< cheaper; good for code that was
                                           compiled with frame pointers */
};

/** What is written. @since 0.1 */
enum vmprof_format {
    VMPROF_FORMAT_NATIVE = 0, /**< the format of this library */
    VMPROF_FORMAT_LOG = 1,    /**< version 6 of the vmprof log, for the tools
                                   that read it: without the times of samples,
                                   their phases, and threads' names */
};

/** What VMPROF_FORMAT_LOG has beyond stacks; the native format has no need of
 * them, or has no place for them. @since 0.1 */
enum vmprof_log_part {
    VMPROF_LOG_MEMORY = 1, /**< with each sample the resident memory of the
                                process, read where the sample is taken */
    VMPROF_LOG_LINES = 2,  /**< the line of each frame, in place of its kind:
                                compiled code looks like any other */
    VMPROF_LOG_TRACES = 4, /**< before the frames of compiled code, where the
                                machine code of their trace begins: offsets
                                of VMPROF_KIND_JITTED frames are that */
};

/** Which edges of inner bridges, that begin in a loop and come back to it, make
 * events. @since 0.1 */
enum vmprof_jit_inner {
    VMPROF_JIT_INNER_COUNT = 0,  /**< none; they are counted, as are all edges:
                                      VMPROF_EMIT_EVENT then asks for
                                      VMPROF_EMIT_COUNT, too */
    VMPROF_JIT_INNER_IGNORE = 1, /**< none: they are a part of their loop */
    VMPROF_JIT_INNER_EACH = 2,   /**< all */
    VMPROF_JIT_INNER_AUTO = 3,   /**< all, until so many come that their times
                                      would say little: on average in less than
                                      five times of what one takes */
};

/** What happens to events that a thread's ring has no room for. @since 0.1 */
enum vmprof_jit_overflow {
    VMPROF_JIT_OVERFLOW_DROP = 0,   /**< they are lost */
    VMPROF_JIT_OVERFLOW_NEWEST = 1, /**< the oldest are, as with a flight
                                         recorder: what is left in the end is
                                         written then */
    VMPROF_JIT_OVERFLOW_BLOCK = 2,  /**< the thread waits for the writer, until
                                         that has shown no sign for half a
                                         second */
};

/** How to profile. Only grows at the end. @since 0.1 */
struct vmprof_options {
    uint64_t size;       /**< set by vmprof_options_init() */
    double interval;     /**< seconds between samples of a thread;
                              1e-9 <= interval < 1; no default; timers tick no
                              more often than every 40 microseconds */
    int32_t fd;          /**< where to write; kept open by the library in a
                              duplicate and still the caller's at disable */
    uint32_t mode;       /**< enum vmprof_mode */
    uint32_t clock;      /**< enum vmprof_clock; default VMPROF_CLOCK_AUTO */
    uint32_t max_frames; /**< leaf-most frames kept in a sample; default 1,024;
                              at most 65,536 */
    uint64_t ring_size;  /**< bytes buffered per thread; a power of two from
                              16 KiB to 1 GiB. Default: two seconds of samples,
                              from 1 to 16 MiB. Memory is used as far as the
                              writer falls behind */
    const char *vm_name; /**< copied, for the reports; NULL: unknown */
    uint32_t sampling;   /**< enum vmprof_sampling */
    uint32_t native;     /**< enum vmprof_native */
    uint32_t native_bytes; /**< of the C stack that are copied at most; default
                                16 KiB; from 1 KiB to 64 KiB */
    uint32_t reserved;     /**< 0 */
    uint32_t format;       /**< enum vmprof_format */
    uint32_t log_parts;    /**< bits of enum vmprof_log_part; 0 for the native
                                format */
    const void *main_loop; /**< the C function which runs each frame whose
                                stack pointer is not known: with native frames,
                                the innermost of the ones is put into the
                                innermost call of the other, and so on. NULL:
                                they come outside of all native frames */
    const void *main_loop_end; /**< where its machine code ends; NULL: as the
                                    rules for unwinding it say */
    uint32_t jit_emits;        /**< what edges of traces that are compiled from
                                    now on should emit, bits of enum
                                    vmprof_emits; 0: VMPROF_EMIT_CURRENT. There
                                    are no events in a log */
    uint32_t jit_inner;        /**< enum vmprof_jit_inner */
    uint32_t jit_overflow;     /**< enum vmprof_jit_overflow */
    uint32_t jit_ring_size;    /**< events buffered per thread, of 8 bytes; a
                                    power of two from 1,024 to 2^26; default
                                    2^19 */
};

/** Zero @p options, set their size, and fd to -1. @since 0.1 */
VMPROF_INLINE void
vmprof_options_init(struct vmprof_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
    options->fd = -1;
}

/**
 * What the current session did, or the last one. Times in nanoseconds. Filled
 * as far as the caller's size goes; only grows at the end.
 *
 * After vmprof_disable() (before, some may be under way):
 * expirations = samples + system_ticks + lost_ring_full + lost_busy
 *             + lost_switching + lost_walker + lost_overrun;
 * samples = samples_written + samples_unwritten + those still in the rings.
 * @since 0.1
 */
struct vmprof_stats {
    uint64_t size;            /**< set by vmprof_stats_init() */
    uint32_t enabled;         /**< 1 while a session is open */
    uint32_t clock;           /**< enum vmprof_clock that is in use */
    uint64_t interval_ns;     /**< as asked for */
    uint64_t elapsed_ns;      /**< since enable; until disable */
    uint64_t threads;         /**< attached now */
    uint64_t expirations;     /**< times a sample was due */
    uint64_t samples;         /**< taken */
    uint64_t lost_ring_full;  /**< the writer did not keep up */
    uint64_t lost_busy;       /**< a tick came while the last was handled */
    uint64_t lost_switching;  /**< observed in the middle of a stack switch */
    uint64_t lost_walker;     /**< due while a walker had yet to answer: its
                                  next sample carries their time */
    uint64_t stacks_cut;      /**< samples that did not hold their whole stack,
                                  or for which memory did not do */
    uint64_t frames_cut;      /**< frames missing in those */
    uint64_t overflows;       /**< enters that found the stack full */
    uint64_t locations_lost;  /**< positions of codes that were forgotten, that
                                  could not be read from outside, or of machine
                                  code of no file beyond 65,536 addresses */
    uint64_t samples_written; /**< given to the fd */
    uint64_t samples_unwritten; /**< not, because of write_error */
    uint64_t bytes_written;     /**< to the fd */
    uint64_t clock_failures;    /**< times a thread's clock could not be had, or
                                     was closed by the host and replaced, or
                                     the host took its tick (ECANCELED) */
    uint64_t sampled_ns;        /**< the sum of the samples' weights */
    int32_t write_error;        /**< 0, or the errno that stopped the writing */
    int32_t clock_error;    /**< 0, or the errno of the last clock failure */
    uint64_t polled;        /**< samples that vmprof_poll() took */
    uint64_t held_back;     /**< samples that a blocked signal made late, as far
                                 as the times of its clock tell */
    uint64_t system_ticks;  /**< expirations that fell into system calls: their
                                 time is in samples marked so */
    uint64_t native_cut;    /**< samples whose native frames end early: the
                                 copy was too small */
    uint64_t native_failed; /**< or unwinding came to nothing it knows */
    uint64_t clock_retries; /**< times the kernel refused a timer for a while */
    uint64_t lost_overrun;  /**< due when a sample was already that came late:
                                 its signal was blocked, or the clock is
                                 coarse; or in the kernel, where the VM reads
                                 its own frames. It has their time */
    uint64_t jit_events;    /**< of edges between traces, recorded */
    uint64_t jit_events_lost; /**< those without room, without memory for a
                                   ring, or overwritten */
};

/** Zero @p stats and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_stats_init(struct vmprof_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    stats->size = sizeof(*stats);
}

/**
 * Start to profile the CPU time of all attached threads, and of those yet to
 * come, into @p fd.
 *
 * @param fd        A writable descriptor. See vmprof_options::fd.
 * @param interval  Seconds, 1e-9 <= interval < 1.
 *
 * @retval -EINVAL  The interval is out of range or no number.
 * @retval -EBADF   @p fd is not open.
 * @retval -EACCES  @p fd is open for reading only.
 * @retval -EBUSY   Profiling is enabled.
 * @retval -ENOMEM, -EAGAIN, -EMFILE  No memory, thread or descriptor left.
 * @retval -ENOTSUP None of the clocks ticks here.
 * @retval -EPERM   A sandbox forbids threads, or to handle signals.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_enable(int fd, double interval);

/**
 * As vmprof_enable(), with all there is to choose.
 *
 * @retval -EINVAL  Also: a bad size, mode, clock, depth, ring size or format; a
 *                  clock that the mode cannot use; parts of a log in another
 *                  format, or events in a log; a bad way of treating events.
 * @retval -E2BIG   @p options asks for something this library is too old for.
 * @retval -ENOTSUP Also: VMPROF_NATIVE_COPY where libunwind cannot be loaded or
 *                  the library was built without it, or native frames on a
 *                  machine other than x86-64 and aarch64; VMPROF_LOG_MEMORY
 *                  where /proc/self/statm cannot be read.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_enable_with(const struct vmprof_options *options);

/**
 * Stop, write everything there is, give the duplicate of the fd back. A
 * descriptor that takes nothing is given up after 2.25 seconds, with ETIMEDOUT
 * in vmprof_stats::write_error.
 *
 * A SIGPROF of the host's that waits because it is blocked goes on waiting. Only
 * where an attached thread other than the calling one blocks it, and one waits
 * for that thread alone, or /proc does not tell, are those discarded that wait
 * for any such thread.
 *
 * A thread whose handler is kept by a function of the VM, or by a debugger, is
 * left after 2 seconds. Until that returns it has no part in later sessions:
 * one that begins meanwhile has EBUSY as vmprof_stats::clock_error.
 *
 * @retval -EALREADY  Profiling is not enabled.
 * @retval -EIO       It stopped, but vmprof_stats::write_error says why the
 *                    file is not whole.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_disable(void);

/**
 * As vmprof_disable(), and give the counters of the session that ended: by the
 * time of a vmprof_get_stats() another may have begun.
 *
 * @param[out] stats  Its size set; NULL: not wanted. Set with -EIO, too.
 *
 * @retval -EINVAL  A bad size; profiling goes on.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_disable_with(struct vmprof_stats *stats);

/**
 * Take no samples until vmprof_resume() or the end of profiling; the time is no
 * part of the profile. Calls nest, over all threads. Each counts for one session
 * as a whole, and every session begins with none in force.
 *
 * @return How many calls are in force, at least 1, or
 * @retval -EALREADY   Profiling is not enabled.
 * @retval -EOVERFLOW  2^26 - 1 are in force.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API int
vmprof_pause(void);

/**
 * As vmprof_pause(), and leave a file to the program: nothing is written to it
 * until no pause is in force any more, or profiling is disabled. So the program
 * may read it through the same descriptor, or write there; the profile goes on
 * where that ends. What is no file (a pipe, a socket) is written to meanwhile.
 *
 * It waits for a write that is under way, for a quarter of a second at most.
 *
 * @return As vmprof_pause(). It is undone by vmprof_resume().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_pause_output(void);

/**
 * Undo one vmprof_pause() or vmprof_pause_output() of the session that is
 * enabled. Whoever does not know whether the session of its own is the one that
 * runs may undo another's.
 *
 * @return How many are still in force, or -EALREADY: not enabled or not paused.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API int
vmprof_resume(void);

/**
 * Read the counters.
 *
 * @retval -EINVAL  A bad size, or NULL.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_stats(struct vmprof_stats *stats);

/** One frame of a stack that a walker found. Frozen. @since 0.1 */
struct vmprof_walked_frame {
    vmprof_code_id code; /**< 0: unknown */
    uint64_t offset;     /**< of the instruction, in the VM's own units */
    uint32_t line;       /**< 0: unknown */
    uint32_t kind;       /**< enum vmprof_kind */
};

/**
 * Asks a VM to come to a safe point soon and call vmprof_sample_stack() there.
 * @par Context
 * Runs in the signal handler on @p thread: must be async-signal-safe.
 * @since 0.1
 */
typedef void (*vmprof_request_function)(struct vmprof_thread *thread,
                                        void *user);

/**
 * Sample this thread by asking: at each tick @p request is called in place of
 * reading the shadow stack, for a VM that keeps frames of its own which can
 * only be walked at a safe point. Takes the place of a reader, and NULL goes
 * back to the shadow stack.
 *
 * @retval -ESRCH  @p thread is NULL or not the calling thread's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_request_sample(struct vmprof_thread *thread,
                      vmprof_request_function request, void *user);

/**
 * Answer a request: the calling thread's stack, outermost frame first. It
 * weighs what the request stands for, all of which add up to what the thread
 * used. Does nothing when no request is open. Deeper stacks than
 * vmprof_options::max_frames are cut; a walker that stopped early says so in
 * @p cut.
 *
 * @param frames  Copied.
 * @param count   Frames; 0 for an empty stack.
 * @param cut     Outer frames that the walker left out.
 *
 * @return 1 if the sample was taken, 0 if none was asked for or it was lost
 * (and counted), or
 * @retval -ESRCH   @p thread is NULL or not the calling thread's.
 * @retval -EINVAL  @p frames is NULL with a count.
 * @par Context
 * The owning thread; also in a vmprof_request_function, for a VM that knows its
 * stack there.
 * @since 0.1
 */
VMPROF_API int
vmprof_sample_stack(struct vmprof_thread *thread,
                    const struct vmprof_walked_frame *frames, size_t count,
                    size_t cut);

/** One of the frames that a VM links itself. Frozen. @since 0.1 */
struct vmprof_linked_frame {
    vmprof_code_id code;    /**< 0: unknown */
    uint64_t position;      /**< where it is, as the class's locate function
                                 understands it */
    uint64_t stack_pointer; /**< of the C frame that runs it; 0: unknown */
    uint32_t kind;          /**< enum vmprof_kind; 0: VMPROF_KIND_CODE */
    uint32_t has_position;  /**< 0: the position is not known */
};

/** What a vmprof_read_function returns when it cannot tell. @since 0.1 */
#define VMPROF_UNREADABLE SIZE_MAX

/**
 * Reads the frames that a VM links itself, whatever instruction of the VM the
 * signal came at.
 *
 * @param context      The ucontext_t of what was interrupted.
 * @param[out] frames  Where to write, **innermost first**, as a linked list has
 *                     them.
 * @param room         How many fit, at least 1. If some do not, it may be called
 *                     once more, with room for vmprof_options::max_frames: what
 *                     is left then is cut.
 * @param[out] cut     Outer frames that did not fit; 0 unless set. One that
 *                     does not count them on says 1.
 * @param user         From vmprof_read_frames().
 *
 * @return How many were written; 0 for an empty stack; or VMPROF_UNREADABLE in
 * the middle of a change: then there is no sample, which is counted in
 * vmprof_stats::lost_switching, and the next one has its time.
 * @par Context
 * Runs in the signal handler on @p thread: must be async-signal-safe, need little
 * stack, and not call the library. Polls leave such a thread to its clock.
 * @since 0.1
 */
typedef size_t (*vmprof_read_function)(struct vmprof_thread *thread,
                                       void *context,
                                       struct vmprof_linked_frame *frames,
                                       size_t room, size_t *cut, void *user);

/**
 * Sample this thread by reading the VM's own frames: at each tick @p read is
 * called in place of reading the shadow stack, for a VM whose frames are linked
 * so that they can be read at any instruction, as RPython's are. Takes the
 * place of a walker, and NULL goes back to the shadow stack.
 *
 * In wall mode the library's observer cannot read them: the thread is then read
 * while it is on a CPU, and how long it was not is recorded without a stack.
 *
 * @param read  Called with at most vmprof_options::max_frames of room.
 * @param user  Passed on. It has to stay until the next call of this or of
 *              vmprof_request_sample(), or until the thread detaches.
 *
 * @retval -ESRCH  @p thread is NULL or not the calling thread's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_read_frames(struct vmprof_thread *thread, vmprof_read_function read,
                   void *user);

VMPROF_END_DECLS

#endif
