/* SPDX-License-Identifier: MIT */

/* What the VM was doing, and when compiled code had taken over. */
#include <stdlib.h>

#include "jit_view.h"
#include "json_out.h"

/* What counts as having taken over. */
static const double COMPILED_SHARE = 0.9;

static uint64_t
sum_of(const uint64_t *phases)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < PHASE_COUNT; i++)
        sum += phases[i];
    return sum;
}

static void
print_cell(const struct jit_view *jit, const uint64_t *phases, unsigned phase)
{
    char time[32];

    format_time(time, phases[phase]);
    if (phases[phase])
        fprintf(jit->view.terminal.out, "%7.2f%% %10s  ",
                percent_of(phases[phase], sum_of(phases)), time);
    else
        fprintf(jit->view.terminal.out, "%8s %10s  ", "-", "-");
}

static void
print_rows(const struct jit_view *jit, bool events, bool samples)
{
    const struct trace_phases *phases = &jit->reading->phases;

    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        if (!phases->events_ns[i] && !phases->samples_ns[i])
            continue;
        if (events)
            print_cell(jit, phases->events_ns, i);
        if (samples)
            print_cell(jit, phases->samples_ns, i);
        fprintf(jit->view.terminal.out, "%s\n", phase_name(i));
    }
}

static void
print_compiled_from(const struct jit_view *jit, const struct timeline *timeline,
                    const char *source)
{
    uint64_t from;
    char time[32];

    if (!timeline->count)
        return;
    if (timeline_compiled_from(timeline, COMPILED_SHARE, &from)) {
        format_time(time, from);
        fprintf(jit->view.terminal.out,
                "90%% of the time ran compiled from %s on (%s)\n", time,
                source);
    } else {
        fprintf(jit->view.terminal.out,
                "90%% of the time never ran compiled (%s)\n", source);
    }
}

int
report_jit_phases(const struct jit_view *jit)
{
    const struct trace_phases *phases =
        jit->reading ? &jit->reading->phases : NULL;
    const bool events = phases && sum_of(phases->events_ns);
    const bool samples = phases && sum_of(phases->samples_ns);
    FILE *out = jit->view.terminal.out;

    if (!events && !samples)
        return 0;
    terminal_print(&jit->view.terminal, STYLE_HEADING, "\n%s%sPhase\n",
                   events ? "   Share       Time  " : "",
                   samples ? "   Share       Time  " : "");
    fprintf(out, "%s%s\n", events ? "  events     events  " : "",
            samples ? " sampled    sampled" : "");
    print_rows(jit, events, samples);
    print_compiled_from(jit, &phases->by_events, "events");
    print_compiled_from(jit, &phases->by_samples, "sampled");
    return 0;
}

static struct json_object *
json_bins(const struct timeline *timeline)
{
    struct json_object *bins = json_object_new_array();

    for (uint32_t i = 0; i < timeline->count; i++) {
        struct json_object *bin = json_object_new_array();

        for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
            json_object_array_add(bin, json_object_new_uint64(
                                           (uint64_t)timeline->bins[i][phase]));
        json_object_array_add(bins, bin);
    }
    return bins;
}

static struct json_object *
json_timeline(const uint64_t *phases, const struct timeline *timeline)
{
    struct json_object *object = json_object_new_object();
    struct json_object *sums = json_object_new_object();
    uint64_t from;

    for (unsigned i = 0; i < PHASE_COUNT; i++)
        json_number(sums, phase_name(i), phases[i]);
    json_object_object_add(object, "ns", sums);
    if (timeline_compiled_from(timeline, COMPILED_SHARE, &from))
        json_number(object, "compiled_from_ns", from);
    json_number(object, "bin_ns", timeline->width_ns);
    json_object_object_add(object, "bins", json_bins(timeline));
    return object;
}

struct json_object *
json_jit_phases(const struct jit_view *jit)
{
    const struct trace_phases *phases = &jit->reading->phases;
    struct json_object *object = json_object_new_object();

    if (sum_of(phases->events_ns))
        json_object_object_add(
            object, "events",
            json_timeline(phases->events_ns, &phases->by_events));
    if (sum_of(phases->samples_ns))
        json_object_object_add(
            object, "sampled",
            json_timeline(phases->samples_ns, &phases->by_samples));
    return object;
}
