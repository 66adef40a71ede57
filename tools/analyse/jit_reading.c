/* SPDX-License-Identifier: MIT */

#include "jit_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* What reading the clock and a store take on slow machines. Where events
     * are further apart, their distance does not tell what they took. */
    MOST_PROBE_NS = 25,
};

void
jit_reading_open(struct jit_reading *reading, struct tree *tree,
                 enum inner_policy inner, enum call_policy call)
{
    memset(reading, 0, sizeof(*reading));
    reading->tree = tree;
    reading->phases.call = call;
    trace_events_open(&reading->events, inner, call, 0);
    trace_events_open(&reading->nested, INNER_IGNORE, CALL_NEST, 0);
}

static void
set_probe(struct trace_events *events, uint64_t probe_ns)
{
    events->each.policies.probe = probe_ns;
    events->folded.policies.probe = probe_ns;
}

void
jit_reading_probe(struct jit_reading *reading, uint64_t probe_ns)
{
    reading->probe_ns = probe_ns;
    set_probe(&reading->events, probe_ns);
    set_probe(&reading->nested, probe_ns);
}

/* Traces are a part of their profile. */
static const struct profile *
profile_of(const struct traces *traces)
{
    return (const struct profile *)((const char *)traces -
                                    offsetof(struct profile, traces));
}

static int
take_event(void *user, const struct traces *traces,
           const struct jit_event *event)
{
    struct jit_reading *reading = user;

    reading->nested.traces = traces;
    reading->calls_differ |=
        event->kind == JIT_CALL && reading->phases.call == CALL_CALLER;
    if (trace_phases_event(&reading->phases, profile_of(traces), event) ||
        segments_add(&reading->nested.folded, event))
        return -ENOMEM;
    return trace_events_add(&reading->events, traces, event);
}

void
jit_reading_options(struct jit_reading *reading, struct read_options *options)
{
    options->summed = true;
    options->traces_need_times = true;
    options->on_event = take_event;
    options->event_user = reading;
}

int
jit_reading_batch(void *user, const struct profile *profile,
                  const struct batch *batch)
{
    struct jit_reading *reading = user;

    trace_phases_batch(&reading->phases, profile, batch);
    return tree_add(reading->tree, profile, batch);
}

static uint32_t *
traces_of_frames(const struct profile *profile)
{
    uint32_t *traces =
        calloc((size_t)profile->frame_count + 1, sizeof(*traces));

    for (uint32_t i = 0; traces && i < profile->frame_count; i++)
        traces[i] = profile->frames[i].trace;
    return traces;
}

int
jit_reading_finish(struct jit_reading *reading, struct trace_times *times,
                   const struct profile *profile)
{
    const struct segments *nested = &reading->nested.folded;
    const uint64_t shortest = profile->traces.shortest_ns;
    uint32_t *frames = traces_of_frames(profile);
    int result = frames ? trace_times_open(times, &profile->traces) : -ENOMEM;

    for (uint32_t i = 0; i < nested->figure_count; i++)
        reading->nested_ns += nested->figures[i].self;
    if (!reading->probe_ns)
        reading->probe_ns = shortest < MOST_PROBE_NS ? shortest : MOST_PROBE_NS;
    set_probe(&reading->events, reading->probe_ns);
    if (!result)
        trace_times_take_events(times, &reading->events);
    times->off_cpu = profile->traces.off_cpu_ns;
    if (!result && reading->tree->samples)
        result = trace_times_take_samples(times, &profile->traces, profile,
                                          reading->tree, frames);
    if (!result)
        result = trace_heat_make(&reading->heat, profile, reading->tree);
    free(frames);
    return result;
}

void
jit_reading_free(struct jit_reading *reading)
{
    trace_events_free(&reading->events);
    trace_events_free(&reading->nested);
    trace_phases_free(&reading->phases);
    trace_heat_free(&reading->heat);
}
