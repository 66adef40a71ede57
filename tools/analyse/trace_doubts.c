/* SPDX-License-Identifier: MIT */

#include "trace_doubts.h"

#include <math.h>
#include <vmprof/jit.h>

enum {
    USUAL_POINTS = 3,
    /* More than a fifth of the time that counts cannot be put right. */
    MOST_WAITED = 5,
};

static double
share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static unsigned
find_doubts(const struct doubted *doubted, uint32_t trace)
{
    const struct trace_times *times = doubted->times;
    const struct profile *profile = doubted->profile;
    const uint32_t emits = doubted->traces->traces[trace].emits;
    unsigned doubts = 0;

    if (times->each[trace].unreliable)
        doubts |= DOUBT_SHORT;
    if (doubted->traces->lost_count)
        doubts |= DOUBT_LOST;
    if (emits && !(emits & VMPROF_EMIT_EVENT))
        doubts |= DOUBT_SILENT;
    if (profile->session_count && profile->sessions[0].mode)
        doubts |= DOUBT_WALL;
    if (doubted->traces->damage.untimed)
        doubts |= DOUBT_UNTIMED;
    if (times->off_cpu >= times->event_time / MOST_WAITED)
        doubts |= DOUBT_WAITED;
    return doubts;
}

static uint64_t
nested_self(const struct jit_reading *reading, uint32_t trace)
{
    const struct segments *nested = &reading->nested.folded;

    return trace < nested->figure_count ? nested->figures[trace].self : 0;
}

bool
trace_difference(const struct doubted *doubted, uint32_t trace, double *points,
                 unsigned *doubts)
{
    const struct trace_times *times = doubted->times;
    const double by_events = share(nested_self(doubted->reading, trace),
                                   doubted->reading->nested_ns);
    const double by_samples =
        share(times->folded[trace].self_ns, times->sampled_ns);
    const double deviation =
        times->samples
            ? 100 * sqrt(by_samples * (1 - by_samples) / (double)times->samples)
            : 0;

    *points = 100 * (by_events - by_samples);
    *doubts = 0;
    if (!times->has_events || !times->has_samples || !times->samples)
        return false;
    if (fabs(*points) <= USUAL_POINTS)
        return true;
    *doubts = find_doubts(doubted, trace);
    if (fabs(*points) <= 3 * deviation)
        *doubts |= DOUBT_FEW;
    if (!*doubts)
        *doubts = DOUBT_UNKNOWN;
    return true;
}

const char *
trace_doubt_words(unsigned bit)
{
    static const char *const words[DOUBTS] = {
        "its segments are shorter than five probes",
        "events were lost",
        "its edges make no events",
        "there are few samples",
        "samples count waiting",
        "nothing tells the time of some events",
        "its thread waited for long",
        "no reason is known",
    };

    return words[bit % DOUBTS];
}

const char *
trace_doubt_key(unsigned bit)
{
    static const char *const keys[DOUBTS] = {
        "short_segments", "lost_events", "no_events", "few_samples",
        "wall_time",      "untimed",     "off_cpu",   "unknown",
    };

    return keys[bit % DOUBTS];
}
