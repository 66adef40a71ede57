/* SPDX-License-Identifier: MIT */

/*
 * A sample must fall on the first poll after it is due. If it fell on one that
 * a count picked, code that polls often would get the time of code that polls
 * rarely. So the counts shrink as the time comes near: none may last beyond it
 * even if polls come as rarely from now on as they do anywhere, as far as the
 * number of looks that the interval can afford allows that much care.
 */

#include "pace.h"

enum {
    FIRST_POLLS = 16, /* when nothing is known */
    LOOK_NS = 6000,   /* of the interval for each look */
    STEPS = 2,        /* in an interval, at least */
    WINDOW = 64,      /* looks over which the highest are found */
    LEAST_STEP_NS = 10000,
    LEAST_LOOKS = 1,
    MOST_LOOKS = 96,
    LEAST_SPAN_NS = 128, /* else how long it took says little */
    BLUR_NS = 40,        /* of what it took, which is no sign of rare polls */
};

static const double MEMORY = 1000 /* polls */, SLOW_MEMORY = 0.95,
                    LEAST_CARE = 1.03, LEAST_AVERAGE_NS = 0.1;

static double
least(double a, double b)
{
    return a < b ? a : b;
}

static double
most(double a, double b)
{
    return a > b ? a : b;
}

static void
remember(double highest[2], double value)
{
    highest[1] = most(highest[1], least(highest[0], value));
    highest[0] = most(highest[0], value);
}

void
vmp_pace_begin(struct vmp_pace *pace)
{
    pace->window += pace->looks;
    pace->looks = 0;
    if (pace->window < WINDOW)
        return;
    pace->slow_ns = most(pace->slow_ns * SLOW_MEMORY, pace->highest_ns[1]);
    pace->highest_ns[0] = pace->highest_ns[1] = 0;
    pace->window = 0;
}

static void
add(struct vmp_pace *pace, double polls, double spent_ns)
{
    pace->polls += polls;
    pace->spent_ns += spent_ns;
    if (pace->polls > 2 * MEMORY) {
        pace->spent_ns *= MEMORY / pace->polls;
        pace->polls = MEMORY;
    }
    /* Each look may be off by more than it took, but not all of them. */
    pace->average_ns = most(pace->spent_ns / pace->polls, LEAST_AVERAGE_NS);
}

void
vmp_pace_learn(struct vmp_pace *pace, int64_t polls, int64_t spent_ns,
               uint64_t interval_ns)
{
    /* What took longer than all that matters here may have been a sleep. */
    const double spent = least((double)spent_ns, 2 * (double)interval_ns);
    double each_ns;

    add(pace, (double)polls, spent);
    /* This is what the processor learns to expect: most are brief, or not among
     * the highest. */
    if (spent < LEAST_SPAN_NS ||
        spent - BLUR_NS <= pace->highest_ns[1] * (double)polls)
        return;
    each_ns = (spent - BLUR_NS) / (double)polls;
    if (each_ns < (double)interval_ns)
        remember(pace->highest_ns, each_ns);
}

static double
looks_for(uint64_t interval_ns)
{
    return most(LEAST_LOOKS,
                least((double)(interval_ns / LOOK_NS), MOST_LOOKS));
}

/* The natural logarithm of a / b, roughly. */
static double
rough_log(double a, double b)
{
    const double bits = __builtin_clzll((uint64_t)b | 1) -
                        __builtin_clzll((uint64_t)a | 1) + 0.5;

    return most(1, 0.7 * bits);
}

/* Polls may begin to come rarely, where they never did. */
static double
longest_step(uint64_t interval_ns)
{
    return most((double)interval_ns / STEPS, LEAST_STEP_NS);
}

static int64_t
within(double polls)
{
    return (int64_t)least(most(polls, 1), VMP_MOST_POLLS);
}

/*
 * In the end each poll is looked at, for as long as one may take. To go 1/n of
 * the way up to there with each look takes n times the logarithm: that of polls
 * which are n times as rare as they are. Where it ends up is no branch: that
 * would be guessed wrong half of the time.
 */
int64_t
vmp_pace_next(struct vmp_pace *pace, uint64_t left_ns, uint64_t interval_ns)
{
    const double average_ns = pace->average_ns;
    const double allowed = looks_for(interval_ns);
    const double looks = allowed - pace->looks++;
    const double slow_ns =
        most(most(pace->slow_ns, pace->highest_ns[1]), average_ns);
    const double ahead_ns =
        most(least((double)left_ns, longest_step(interval_ns)) - slow_ns, 0);
    double spare_ns, log;

    if (!(average_ns > 0))
        return FIRST_POLLS;
    /* One more, or it mostly takes another look to see that one was lacking. */
    if (looks <= 1 - allowed || allowed < STEPS)
        return within((double)left_ns / average_ns + 1);
    spare_ns = looks * average_ns - slow_ns;
    log = rough_log(ahead_ns, slow_ns);
    if (slow_ns * log > spare_ns)
        return within(ahead_ns * log /
                      most(spare_ns, LEAST_CARE * average_ns * log));
    return within(ahead_ns / most(slow_ns, LEAST_CARE * average_ns));
}
