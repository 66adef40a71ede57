/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Chosen events in the profile, on the samples' clock: what `vmprof events` shows.
 *
 * It is a tool as any other, on top of events.h, called "vmprof-recorder". While
 * profiling is enabled each event that it is told of becomes a line of the file:
 * what, when, on which thread, where. It copies that into a ring of the thread's
 * own, without a lock, and never waits: what has no room is counted, and what was
 * not meant to be recorded is, too, each by its kind.
 *
 * Without a session, or with one that writes a vmprof log, nothing is recorded.
 * Values of the program are not.
 */
#ifndef VMPROF_EVENT_RECORDER_H
#define VMPROF_EVENT_RECORDER_H

#include <vmprof/events.h>

VMPROF_BEGIN_DECLS

/** What to record. Only grows at the end. @since 0.1 */
struct vmprof_event_recorder_options {
    uint64_t size;   /**< set by vmprof_event_recorder_options_init() */
    uint64_t events; /**< bits; 0: none */
    uint64_t period; /**< of each kind one event in so many on the average, with
                          jitter, so that no loop is in step with it; 1: every
                          one, as the init function sets it. 0 is an error */
    uint64_t rate; /**< events a second that each thread records at most, and a
                          tenth of that at once; what is above is counted and
                          left out. 0: no limit */
    uint64_t
        ring_size; /**< events that a thread's ring has room for, a power of
                             2 from 256 to 2^24; 0: 65,536 */
    uint64_t allocation_period; /**< as of vmprof_tool_callbacks; 0: 65,536
                                     bytes */
};

/** Zero @p options and set their size and the period of 1. @since 0.1 */
VMPROF_INLINE void
vmprof_event_recorder_options_init(
    struct vmprof_event_recorder_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
    options->period = 1;
}

/**
 * Record events, from now on in every session.
 *
 * @retval -EINVAL    A bad size; bits that mean nothing; a period of 0 or above
 *                    2^31; a rate above 10^9; a bad ring size.
 * @retval -EALREADY  It has been started.
 * @retval -EEXIST    Another tool has its name.
 * @retval -ENOSPC    As vmprof_register_tool().
 * @retval -E2BIG     @p options ask for what this library is too old for.
 * @par Context
 * Any thread, not from a signal handler. After a fork() the child records its own
 * events as soon as it has a session of its own.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_start_event_recorder(
    const struct vmprof_event_recorder_options *options);

/**
 * Record no more. What has been recorded is written all the same. If somebody
 * has unregistered the tool, this is what lets it be started again.
 *
 * @retval -EALREADY  It has not been started.
 * @par Context
 * As vmprof_unregister_tool().
 * @since 0.1
 */
VMPROF_API int
vmprof_stop_event_recorder(void);

/** What became of events in the session, or in the last one. Their sum is what
 * the recorder was told of. Only grows at the end. @since 0.1 */
struct vmprof_recorded_events {
    uint64_t size;      /**< set by vmprof_recorded_events_init() */
    uint64_t recorded;  /**< that went to the file; the newest of these are
                             counted a moment later */
    uint64_t left_out;  /**< by the period, or in a pause */
    uint64_t over_rate; /**< lost: there were too many in too short a time */
    uint64_t no_room;   /**< lost: the ring was full, or there was no memory for
                             one */
};

/** Zero @p counts and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_recorded_events_init(struct vmprof_recorded_events *counts)
{
    memset(counts, 0, sizeof(*counts));
    counts->size = sizeof(*counts);
}

/**
 * Count what was recorded and what was not.
 *
 * @param events       Bits: which events to count together.
 * @param[out] counts  Their sums over all threads.
 *
 * @retval -EINVAL  A bad size, or bits that mean nothing.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_count_recorded_events(uint64_t events,
                             struct vmprof_recorded_events *counts);

VMPROF_END_DECLS

#endif
