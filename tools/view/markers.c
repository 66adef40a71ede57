/* SPDX-License-Identifier: MIT */

/*
 * However many events there are, the page gets as many marks as a strip has room
 * for: in each of so many parts of the time how many there were, and how much of it
 * they took.
 */
#include "markers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../export/chrome_ids.h"

#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

enum {
    BINS = 500,
};

static const struct lane {
    const char *name;
    uint64_t kinds;
} lanes[] = {
    { "garbage collection", BIT(GC_START) },
    { "JIT compiled", BIT(JIT_COMPILED) },
    { "JIT aborted or invalidated", BIT(JIT_ABORTED) | BIT(JIT_INVALIDATED) },
    { "exceptions", BIT(RAISE) | BIT(RERAISE) },
    { "threads started", BIT(THREAD_STARTED) },
    { "threads ended", BIT(THREAD_ENDED) },
};

enum {
    LANES = sizeof(lanes) / sizeof(*lanes),
};

struct marks {
    uint64_t count, ns;
    uint64_t counts[BINS], times_ns[BINS];
};

struct markers {
    const struct profile *profile;
    const struct recorded_list *list;
    struct chrome_ids ids; /* for when sessions began */
    uint64_t whole_ns;
    struct marks marks[LANES];
};

int
markers_add(void *user, const struct profile *profile,
            const struct recorded_event *event)
{
    uint64_t kinds = BIT(GC_END);

    for (unsigned i = 0; i < LANES; i++)
        kinds |= lanes[i].kinds;
    if (!(kinds & VMPROF_EVENT_BIT(event->kind)) &&
        !(event->missing & (BIT(GC_START) | BIT(GC_END))))
        return 0;
    return recorded_add(user, profile, event);
}

static uint64_t
time_of(const struct markers *markers, size_t index)
{
    const struct recorded_event *event = &markers->list->events[index];

    return chrome_time(&markers->ids,
                       markers->profile->threads[event->thread].session,
                       event->time_ns);
}

static unsigned
bin_of(const struct markers *markers, uint64_t time_ns)
{
    const double at = (double)time_ns / (double)markers->whole_ns * BINS;

    return at < BINS ? (unsigned)at : BINS - 1;
}

static struct marks *
lane_of(struct markers *markers, uint32_t kind)
{
    for (unsigned i = 0; i < LANES; i++)
        if (lanes[i].kinds & VMPROF_EVENT_BIT(kind))
            return &markers->marks[i];
    return NULL;
}

static void
mark(void *user, size_t index)
{
    struct markers *markers = user;
    struct marks *marks = lane_of(markers, markers->list->events[index].kind);

    if (!marks)
        return;
    marks->count++;
    marks->counts[bin_of(markers, time_of(markers, index))]++;
}

/* Each bin has its part of the time. */
static void
spread(struct markers *markers, struct marks *marks, uint64_t from, uint64_t to)
{
    const double width = (double)markers->whole_ns / BINS;
    const unsigned last = bin_of(markers, to);

    marks->ns += to - from;
    for (unsigned bin = bin_of(markers, from); bin <= last; bin++) {
        const double start = bin * width, end = start + width;
        const double first = (double)from > start ? (double)from : start;
        const double behind = (double)to < end ? (double)to : end;

        if (behind > first)
            marks->times_ns[bin] += (uint64_t)(behind - first);
    }
}

static void
mark_end(void *user, size_t begin, size_t by, uint64_t time_ns)
{
    struct markers *markers = user;
    struct marks *marks = lane_of(markers, markers->list->events[begin].kind);
    const uint64_t from = time_of(markers, begin);

    (void)time_ns;
    /* How long one lasted whose end was not seen is not known. */
    if (marks && by != SIZE_MAX && time_of(markers, by) >= from)
        spread(markers, marks, from, time_of(markers, by));
}

static void
find_whole(struct markers *markers)
{
    for (uint32_t i = 0; i < markers->profile->session_count; i++) {
        const uint64_t end_ns =
            chrome_time(&markers->ids, i, markers->profile->sessions[i].end_ns);

        if (end_ns > markers->whole_ns)
            markers->whole_ns = end_ns;
    }
    if (!markers->whole_ns)
        markers->whole_ns = 1;
}

static void
write_lane(const struct lane *lane, const struct marks *marks, FILE *out)
{
    const char *between = "";

    fprintf(out,
            "{\"name\":\"%s\",\"count\":%" PRIu64 ",\"ns\":%" PRIu64
            ",\"marks\":[",
            lane->name, marks->count, marks->ns);
    for (unsigned bin = 0; bin < BINS; bin++) {
        if (!(marks->counts[bin] | marks->times_ns[bin]))
            continue;
        fprintf(out, "%s[%u,%" PRIu64 ",%" PRIu64 "]", between, bin,
                marks->counts[bin], marks->times_ns[bin]);
        between = ",";
    }
    fputs("]}", out);
}

static void
write_all(const struct markers *markers, FILE *out)
{
    struct recorded_totals sum;
    struct recorded_counts count;
    const char *between = "";

    recorded_sum(&sum, markers->profile);
    count = recorded_count(&sum);
    fprintf(out,
            ",\n\"markers\":{\"wholeNs\":%" PRIu64 ",\"bins\":%d,"
            "\"leftOut\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"lanes\":[",
            markers->whole_ns, BINS, count.left_out,
            count.over_rate + count.no_room + sum.lost_in_file);
    for (unsigned i = 0; i < LANES; i++) {
        if (!markers->marks[i].count)
            continue;
        fputs(between, out);
        write_lane(&lanes[i], &markers->marks[i], out);
        between = ",\n";
    }
    fputs("]}", out);
}

static int
find_marks(struct markers *markers)
{
    const struct recorded_pairing pairing = {
        .profile = markers->profile,
        .list = markers->list,
        .user = markers,
        .on_begin = mark,
        .on_end = mark_end,
        .on_instant = mark,
    };

    if (chrome_ids_find(&markers->ids, markers->profile))
        return -ENOMEM;
    find_whole(markers);
    return recorded_pair(&pairing);
}

int
write_markers(const struct profile *profile, const struct recorded_list *list,
              FILE *out)
{
    struct markers *markers;
    int result;

    if (!list->count)
        return 0;
    markers = calloc(1, sizeof(*markers));
    if (!markers)
        return -ENOMEM;
    markers->profile = profile;
    markers->list = list;
    result = find_marks(markers);
    if (!result)
        write_all(markers, out);
    chrome_ids_free(&markers->ids);
    free(markers);
    return result;
}
