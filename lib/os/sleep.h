/* SPDX-License-Identifier: MIT */

/* How a thread sleeps, as far as VMPROF_CLOCK_MONOTONIC finds out: its ticks
 * come then, too. */
#ifndef VMP_SLEEP_H
#define VMP_SLEEP_H

#include <stdbool.h>
#include <stdint.h>

/* What the next tick comes from. */
enum vmp_armed {
    VMP_ARMED_TIMER,
    VMP_ARMED_NOTHING,   /* the clock rests until somebody looks */
    VMP_ARMED_AT_WORK,   /* who looked, and found it at work */
    VMP_ARMED_CPU_TIMER, /* the timer on its CPU clock */
};

/* A system call that ticks have met while it waited, and how many did not end it: as
 * they came late, or as it works, too. */
struct vmp_wait {
    uint64_t at; /* its instruction */
    unsigned ended, done;
};

enum {
    VMP_WAITS_KNOWN = 4,
};

struct vmp_sleep {
    enum vmp_armed armed; /* given to who looks, and taken, atomically */
    bool is_asleep;     /* the last tick found it in a sleep, and is not due */
    unsigned woken;     /* a tick has ended one, of late; it falls to 0 */
    bool has_slept;     /* since it was armed for that, or may have */
    bool is_long;       /* what it slept when it was last let sleep */
    uint64_t rested_ns; /* then, until it was found at work */
    unsigned short_rests; /* in a row */
    unsigned idle_ticks;  /* in a row that ended a sleep */
    unsigned idle_looks;  /* in a row that found it asleep */
    long naps;            /* of the thread, when that was asked last */
    uint64_t activation;  /* what tells the innermost run of a function at this
                            tick from all others; 0: unknown */
    uint64_t slept_in;    /* that of the last tick, if it ended a sleep */
    uint64_t nap_ns;    /* what going to sleep and waking up takes of the CPU */
    uint64_t napped_ns; /* of naps in all, for which no tick was due yet */
    struct vmp_wait waits[VMP_WAITS_KNOWN];
    unsigned next_wait;     /* to be forgotten for another */
    uint64_t stands_for_ns; /* the last tick, if the thread has slept */
};

/* What it takes on this machine at least, as measured when the rung was tried. */
extern uint64_t vmp_usual_nap_ns;

/*
 * A tick has come that interrupted `context`, where samples are
 * `interval_ns` apart: whether it ended a sleep. The thread used `elapsed_ns` of the CPU
 * since the clock was armed, while `passed_ns` passed. Signal context.
 */
void
vmp_sleep_read(struct vmp_sleep *sleep, uint64_t elapsed_ns, uint64_t passed_ns,
               uint64_t interval_ns, const void *context);

/* Whether the clock has to rest after a tick that ended a sleep: a few may end
 * short ones. Signal context. */
bool
vmp_sleep_has_to_rest(const struct vmp_sleep *sleep);

#endif
