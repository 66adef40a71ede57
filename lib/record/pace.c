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
    FIRST_POLLS = 1, /* when nothing is known */
    LOOK_NS = 6000,  /* of the interval for each look */
    STEPS = 2,       /* in an interval, at least */
    WINDOW = 64,     /* looks over which the highest are found */
    LEAST_STEP_NS = 10000,
    FAR_NS = 50 * 1000, /* the next functions may poll more rarely */
    LEAST_LOOKS = 1,
    MOST_LOOKS = 96,
    LEAST_SPAN_NS = 128, /* else how long it took says little */
    BLUR_NS = 40,        /* of what it took, which is no sign of rare polls */
};

static const double MEMORY = 1000 /* polls */, SLOW_MEMORY = 0.95,
                    MOST_OF_WAY = 0.97, PART_OF_FAR = 0.75;

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
}

/* Looks that were too brief to say how rarely polls come. */
static void
add_brief(struct vmp_pace *pace)
{
    if (pace->brief_ns > 0)
        add(pace, (double)pace->brief_polls, (double)pace->brief_ns);
    pace->brief_ns = pace->brief_polls = 0;
}

void
vmp_pace_learn(struct vmp_pace *pace, int64_t polls, int64_t spent_ns,
               uint64_t interval_ns)
{
    /* What took longer than all that matters here may have been a sleep. */
    const double spent =
        most(1, least((double)spent_ns, 2 * (double)interval_ns));

    if (spent_ns < LEAST_SPAN_NS && pace->average_ns > 0) {
        pace->brief_polls += polls;
        pace->brief_ns += spent_ns;
        return;
    }
    if (pace->brief_polls)
        add_brief(pace);
    add(pace, (double)polls, spent);
    pace->average_ns = pace->spent_ns / pace->polls;
    pace->rate = pace->polls / pace->spent_ns;
    if (spent - BLUR_NS > pace->highest_ns[1] * (double)polls &&
        spent - BLUR_NS < (double)interval_ns * (double)polls)
        remember(pace->highest_ns, (spent - BLUR_NS) / (double)polls);
}

static double
looks_for(uint64_t interval_ns)
{
    return most(LEAST_LOOKS,
                least((double)(interval_ns / LOOK_NS), MOST_LOOKS));
}

/* The natural logarithm, or a bit more. */
static double
rough_log(double x)
{
    /* It may be infinite: nothing was slow yet. */
    return x < 2 ? 1 : 0.7 * (64 - __builtin_clzll((uint64_t)least(x, 0x1p62)));
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
    return polls < 1 ? 1 : (int64_t)least(polls, VMP_MOST_POLLS);
}

int64_t
vmp_pace_next(struct vmp_pace *pace, uint64_t left_ns, uint64_t interval_ns,
              bool has_deadline)
{
    const double rate = pace->rate;
    const double allowed = looks_for(interval_ns);
    const double looks = allowed - pace->looks++;
    double slow_ns =
        most(most(pace->slow_ns, pace->highest_ns[1]), pace->average_ns);
    double ahead_ns, rare, way, steps, part;

    if (!(rate > 0))
        return FIRST_POLLS;
    /* Of rarer ones than looks can do the deadline takes care. */
    if (has_deadline)
        slow_ns = least(
            slow_ns, most(looks / (rough_log((double)left_ns * rate) + 1), 1) *
                         pace->average_ns);
    ahead_ns = least((double)left_ns, longest_step(interval_ns)) - slow_ns;
    rare = slow_ns * rate; /* polls, as they mostly come */
    /* One more, or it mostly takes another look to see that one was lacking. */
    if (!has_deadline && (looks <= 1 - allowed || allowed < STEPS))
        return within((double)left_ns * rate + 1);
    if (ahead_ns <= 0)
        return 1;
    /* In the end each poll is looked at, for as long as one may take. To go
     * 1/n of the way up to there with each look takes n times the logarithm; `rare`
     * times as many, if there are so many. A look is short: few divisions. */
    way = ahead_ns * rate;
    part = ahead_ns / slow_ns;
    steps = rough_log(part);
    if (looks - rare < rare * steps)
        part = way * steps / most(looks - rare, steps);
    return within(
        least(part, way * (ahead_ns > FAR_NS ? PART_OF_FAR : MOST_OF_WAY)));
}
