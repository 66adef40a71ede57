/* SPDX-License-Identifier: MIT */

#include "trace_doubts.h"

#include <math.h>
#include <vmprof/jit.h>

enum {
    USUAL_POINTS = 3,
};

static double
share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static unsigned
find_doubts(const struct trace_times *times, const struct traces *traces,
            const struct profile *profile, uint32_t trace)
{
    const uint32_t emits = traces->traces[trace].emits;
    unsigned doubts = 0;

    if (times->each[trace].unreliable)
        doubts |= DOUBT_SHORT;
    if (traces->lost_count)
        doubts |= DOUBT_LOST;
    if (emits && !(emits & VMPROF_EMIT_EVENT))
        doubts |= DOUBT_SILENT;
    if (profile->session_count && profile->sessions[0].mode)
        doubts |= DOUBT_WALL;
    if (traces->damage.untimed)
        doubts |= DOUBT_UNTIMED;
    return doubts;
}

bool
trace_difference(const struct trace_times *times, const struct traces *traces,
                 const struct profile *profile, uint32_t trace, double *points,
                 unsigned *doubts)
{
    const struct trace_figures *figures = &times->folded[trace];
    const double by_events = share(figures->self, times->event_time);
    const double by_samples = share(figures->self_ns, times->sampled_ns);
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
    *doubts = find_doubts(times, traces, profile, trace);
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
        "no reason is known",
    };

    return words[bit % DOUBTS];
}

const char *
trace_doubt_key(unsigned bit)
{
    static const char *const keys[DOUBTS] = {
        "short_segments", "lost_events", "no_events", "few_samples",
        "wall_time",      "untimed",     "unknown",
    };

    return keys[bit % DOUBTS];
}
