/* SPDX-License-Identifier: MIT */

/*
 * A sample must fall on the first poll after it is due. If it fell on one that
 * a count picked, code that polls often would get the time of code that polls
 * rarely. So the counts shrink as the time comes near: each goes three quarters
 * of the way, and stays a longest step between two polls away from it.
 */

#include "pace.h"

enum {
    FIRST_POLLS = 16, /* when nothing is known */
    STEPS = 8,        /* looks in an interval, at least */
    LEAST_STEP_NS = 5000,
    LOOK_NS = 6000, /* of the interval for each look that is allowed */
    LEAST_LOOKS = 2,
    MOST_LOOKS = 32,
};

static const double MEMORY = 0.75, PEAK_MEMORY = 0.97, WAY = 0.75;

void
vmp_pace_learn(struct vmp_pace *pace, int64_t polls, uint64_t spent_ns,
               uint64_t interval_ns)
{
    /* What took longer than all that matters here may have been a sleep. */
    const double most_ns = 2 * (double)interval_ns;
    const double spent =
        (double)spent_ns < most_ns ? (double)spent_ns : most_ns;
    const double each_ns = spent / (double)polls;

    pace->polls = pace->polls * MEMORY + (double)polls;
    pace->spent_ns = pace->spent_ns * MEMORY + spent;
    pace->peak_ns *= PEAK_MEMORY;
    if (each_ns > pace->peak_ns && each_ns < (double)interval_ns)
        pace->peak_ns = each_ns;
}

static unsigned
looks_for(uint64_t interval_ns)
{
    const uint64_t looks = interval_ns / LOOK_NS;

    if (looks < LEAST_LOOKS)
        return LEAST_LOOKS;
    return looks > MOST_LOOKS ? MOST_LOOKS : (unsigned)looks;
}

static double
longest_step(uint64_t interval_ns)
{
    const uint64_t step_ns = interval_ns / STEPS;

    return (double)(step_ns < LEAST_STEP_NS ? LEAST_STEP_NS : step_ns);
}

int64_t
vmp_pace_next(struct vmp_pace *pace, uint64_t left_ns, uint64_t interval_ns)
{
    const double longest_ns = longest_step(interval_ns);
    double step_ns = (double)left_ns, polls;

    if (pace->polls <= 0 || pace->spent_ns <= 0)
        return FIRST_POLLS;
    /* Short intervals cannot afford to come near in small steps. */
    if (pace->looks++ < looks_for(interval_ns))
        step_ns = (step_ns - pace->peak_ns) * WAY;
    if (step_ns > longest_ns)
        step_ns = longest_ns;
    polls = step_ns * pace->polls / pace->spent_ns;
    if (polls < 1)
        return 1;
    return polls > VMP_MOST_POLLS ? VMP_MOST_POLLS : (int64_t)polls;
}
