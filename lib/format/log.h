/* SPDX-License-Identifier: MIT */

/* The numbers of the vmprof log, doc/format.md. */
#ifndef VMP_LOG_H
#define VMP_LOG_H

/* The name of a VM whose stacks are pairs whatever the mode says. */
#define VMP_LOG_NAME_OF_PAIRS "pypy"

enum {
    VMP_LOG_VERSION = 6,
    VMP_LOG_WORD = 8, /* bytes of a word and of an address */

    /* vmprof-python refuses a file with a stack of more words. */
    VMP_LOG_DEPTH_MAX = 1 << 16,
    VMP_LOG_STACK_MAX = 1 + (4 + VMP_LOG_DEPTH_MAX) * VMP_LOG_WORD,
};

enum vmp_log_marker {
    VMP_LOG_STACK = 1,
    VMP_LOG_NAME = 2,
    VMP_LOG_END = 3,
    VMP_LOG_HEADER = 5,
    VMP_LOG_START = 6,
    VMP_LOG_META = 7,
    VMP_LOG_NATIVE_NAME = 8,
};

/* Bits of the header's mode. */
enum vmp_log_mode {
    VMP_LOG_HAS_MEMORY = 1,
    VMP_LOG_HAS_LINES = 2,
    VMP_LOG_HAS_NATIVE = 4,
    VMP_LOG_HAS_PAIRS = 8,
    VMP_LOG_IS_REAL_TIME = 16,
};

/* Keys of META that this library adds: what the native format has of a session,
 * and its counters, each "vmprof." and the name that it has in
 * struct vmp_counters. A thread's is this, its index, and a blank between its id
 * and its name in the value. */
#define VMP_LOG_KEY        "vmprof."
#define VMP_LOG_KEY_THREAD VMP_LOG_KEY "thread."
#define VMP_LOG_COUNTERS(COUNTER)                                              \
    COUNTER(expirations)                                                       \
    COUNTER(samples)                                                           \
    COUNTER(lost_ring_full)                                                    \
    COUNTER(lost_busy)                                                         \
    COUNTER(lost_switching)                                                    \
    COUNTER(lost_walker)                                                       \
    COUNTER(lost_overrun)                                                      \
    COUNTER(stacks_cut)                                                        \
    COUNTER(frames_cut)                                                        \
    COUNTER(overflows)                                                         \
    COUNTER(locations_lost)                                                    \
    COUNTER(clock_failures)                                                    \
    COUNTER(sampled_ns)                                                        \
    COUNTER(polled)                                                            \
    COUNTER(held_back)                                                         \
    COUNTER(system_ticks)                                                      \
    COUNTER(native_cut)                                                        \
    COUNTER(native_failed)                                                     \
    COUNTER(clock_retries)

/* Kinds of values in a stack of pairs: all that vmprof-python takes. */
enum vmp_log_kind {
    VMP_LOG_CODE = 1,
    VMP_LOG_JITTED = 3,
    VMP_LOG_ASSEMBLER = 6,
    VMP_LOG_NATIVE = 7,
};

#endif
