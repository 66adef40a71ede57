/* SPDX-License-Identifier: MIT */

#include "jit.h"
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../analyse/trace_doubts.h"
#include "../export/text.h"

enum {
    /* So many are shown, and so many of these with operations and code. */
    MOST_TRACES = 2000,
    MOST_DETAILS = 200,
    MOST_TRANSITIONS = 4000,
    MOST_GUARDS = 1000, /* of a trace */
};

/* A trace and what it is shown for. */
struct shown {
    uint64_t time; /* of its family */
    uint64_t own;
    uint32_t root, trace;
};

struct shown_traces {
    struct shown *rows;
    uint32_t count;
    bool *is_shown; /* by trace */
};

static void
write_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, ",\"%s\":", key);
    text_write_json(out, text);
}

static void
write_number(FILE *out, const char *key, uint64_t number)
{
    if (number)
        fprintf(out, ",\"%s\":%" PRIu64, key, number);
}

static uint64_t
time_of(const struct trace_times *times, const struct trace_figures *figures)
{
    return times->has_events ? figures->self : figures->self_ns;
}

/* Loops by falling time, the bridges of each behind it. */
static int
compare_shown(const void *a, const void *b)
{
    const struct shown *left = a, *right = b;

    if (left->time != right->time)
        return left->time < right->time ? 1 : -1;
    if (left->root != right->root)
        return left->root < right->root ? -1 : 1;
    if ((left->trace == left->root) != (right->trace == right->root))
        return left->trace == left->root ? -1 : 1;
    if (left->own != right->own)
        return left->own < right->own ? 1 : -1;
    return left->trace < right->trace ? -1 : left->trace > right->trace;
}

static int
choose_traces(const struct jit_page *page, struct shown_traces *shown)
{
    const struct traces *traces = &page->profile->traces;

    shown->rows = calloc(traces->trace_count, sizeof(*shown->rows));
    shown->is_shown = calloc(traces->trace_count, sizeof(*shown->is_shown));
    if (!shown->rows || !shown->is_shown)
        return -ENOMEM;
    for (uint32_t i = 1; i < traces->trace_count; i++) {
        const uint32_t root = traces->traces[i].root;

        shown->rows[shown->count++] =
            (struct shown){ time_of(page->times, &page->times->folded[root]),
                            time_of(page->times, &page->times->each[i]), root,
                            i };
    }
    qsort(shown->rows, shown->count, sizeof(*shown->rows), compare_shown);
    if (shown->count > MOST_TRACES)
        shown->count = MOST_TRACES;
    for (uint32_t i = 0; i < shown->count; i++)
        shown->is_shown[shown->rows[i].trace] = true;
    return 0;
}

/* The function that its frames are in the graph; 0 + 1: the first one. */
static uint32_t
function_of(const struct jit_page *page, uint32_t trace)
{
    const struct profile *profile = page->profile;

    for (uint32_t i = 0; i < profile->frame_count; i++)
        if (profile->frames[i].kind == FRAME_TRACE &&
            profile->frames[i].trace == trace)
            return page->functions->of_code[profile->frames[i].code] + 1;
    return 0;
}

static void
write_figures(const struct trace_figures *figures, const char *key, FILE *out)
{
    fprintf(out,
            ",\"%s\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
            key, figures->self, figures->total, figures->entries,
            figures->segments, figures->unreliable ? "1" : "0",
            figures->self_ns, figures->total_ns, figures->self_samples);
}

static void
write_doubts(const struct jit_page *page, uint32_t trace, FILE *out)
{
    double points;
    unsigned doubts;
    const char *before = "";

    const struct doubted doubted = {
        .reading = page->reading,
        .times = page->times,
        .traces = &page->profile->traces,
        .profile = page->profile,
    };

    if (!trace_difference(&doubted, trace, &points, &doubts) || !doubts)
        return;
    fprintf(out, ",\"points\":%.1f,\"doubts\":[", points);
    for (unsigned bit = 0; bit < DOUBTS; bit++)
        if (doubts >> bit & 1) {
            fprintf(out, "%s\"%s\"", before, trace_doubt_words(bit));
            before = ",";
        }
    putc(']', out);
}

static void
write_place(const struct traces *traces, uint32_t index, FILE *out)
{
    const struct trace_place *place = &traces->places[index];

    if (!index) {
        fputs(",\"place\":null", out);
        return;
    }
    fputs(",\"place\":[", out);
    text_write_json(out, place->function);
    putc(',', out);
    text_write_json(out, place->file);
    fprintf(out, ",%" PRIu32 "]", place->line);
}

static void
write_trace(const struct jit_page *page, uint32_t index, FILE *out)
{
    static const char *const kinds[] = {
        "trace", "loop", "entry bridge", "bridge", "method", "stub",
    };
    static const char *const ends[] = {
        "", "its own loop", "a jump", "a return", "the interpreter",
    };
    const struct traces *traces = &page->profile->traces;
    const struct trace *trace = &traces->traces[index];

    fprintf(out, "{\"n\":%" PRIu32 ",\"id\":%" PRIu64 ",\"kind\":\"%s\"", index,
            trace->id, kinds[trace->kind % 6]);
    write_text(out, "name", trace->name);
    write_text(out, "end", ends[trace->end % 5]);
    write_place(traces, trace->place, out);
    write_number(out, "function", function_of(page, index));
    write_number(out, "root", trace->root);
    write_number(out, "parent", trace->parent);
    write_number(out, "into", trace->into);
    write_number(out, "address", trace->code_start);
    write_number(out, "size", trace->code_size);
    if (trace->has_entries)
        fprintf(out, ",\"counted\":%" PRIu64, trace->entries);
    if (trace->aborted)
        write_text(out, "aborted", trace->reason);
    if (trace->freed)
        fputs(",\"freed\":1", out);
    write_figures(&page->times->each[index], "own", out);
    if (trace->root == index) {
        write_figures(&page->times->folded[index], "all", out);
        write_doubts(page, index, out);
    }
}

static void
write_guard(const struct jit_page *page, uint32_t index, FILE *out)
{
    const struct trace_guard *guard = &page->profile->traces.guards[index];
    const struct segments *segments = page->times->segments;
    const uint64_t exits = segments && index < segments->guard_count
                               ? segments->guard_exits[index]
                               : 0;

    fprintf(out, "{\"n\":%" PRIu32 ",\"at\":%" PRIu32, index, guard->offset);
    write_text(out, "text", guard->text);
    write_place(&page->profile->traces, guard->place, out);
    write_number(out, "bridge", guard->bridge);
    if (guard->has_fails)
        fprintf(out, ",\"fails\":%" PRIu64, guard->fails);
    if (segments)
        fprintf(out, ",\"exits\":%" PRIu64, exits);
    putc('}', out);
}

/* By trace the first guard and how many; those of a trace lie together. */
static void
write_guards(const struct jit_page *page, uint32_t trace, FILE *out)
{
    const struct traces *traces = &page->profile->traces;
    uint32_t count = 0;

    fputs(",\"guards\":[", out);
    for (uint32_t i = 1; i < traces->guard_count && count < MOST_GUARDS &&
                         traces->traces[trace].guard_count;
         i++) {
        if (traces->guards[i].trace != trace)
            continue;
        fputs(count++ ? "," : "", out);
        write_guard(page, i, out);
    }
    putc(']', out);
}

static int
write_traces(const struct jit_page *page, const struct shown_traces *shown,
             FILE *out)
{
    int result = 0;

    fputs("\"traces\":[", out);
    for (uint32_t i = 0; i < shown->count && !result; i++) {
        const uint32_t trace = shown->rows[i].trace;

        fputs(i ? ",\n" : "", out);
        write_trace(page, trace, out);
        if (i < MOST_DETAILS) {
            write_guards(page, trace, out);
            result = write_jit_code(page, trace, out);
        }
        putc('}', out);
    }
    putc(']', out);
    return result;
}

/* Entry 0 is the interpreter, which is always there. */
static bool
is_shown(const struct shown_traces *shown, const struct jit_page *page,
         uint32_t trace)
{
    return !trace || (trace < page->profile->traces.trace_count &&
                      shown->is_shown[trace]);
}

static int
write_transitions(const struct jit_page *page, const struct shown_traces *shown,
                  FILE *out)
{
    const struct segments *segments = page->times->segments;
    const uint32_t count = segments ? segments->transition_count : 0;
    struct transition *sorted = count ? transitions_sorted(segments) : NULL;
    uint32_t written = 0;

    if (count && !sorted)
        return -ENOMEM;
    fputs(",\n\"transitions\":[", out);
    for (uint32_t i = 0; i < count && written < MOST_TRANSITIONS; i++)
        if (is_shown(shown, page, sorted[i].from) &&
            is_shown(shown, page, sorted[i].to))
            fprintf(out, "%s[%" PRIu32 ",%" PRIu32 ",%" PRIu64 "]",
                    written++ ? "," : "", sorted[i].from, sorted[i].to,
                    sorted[i].count);
    putc(']', out);
    free(sorted);
    return 0;
}

static void
write_timeline(const struct timeline *timeline, const char *key, FILE *out)
{
    uint64_t from;

    fprintf(out, ",\n\"%s\":{\"width\":%" PRIu64, key, timeline->width_ns);
    if (timeline_compiled_from(timeline, 0.9, &from))
        fprintf(out, ",\"compiledFrom\":%" PRIu64, from);
    fputs(",\"bins\":[", out);
    for (uint32_t i = 0; i < timeline->count; i++) {
        fputs(i ? ",[" : "[", out);
        for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
            fprintf(out, "%s%.0f", phase ? "," : "", timeline->bins[i][phase]);
        putc(']', out);
    }
    fputs("]}", out);
}

int
write_jit(const struct jit_page *page, FILE *out)
{
    const struct trace_times *times = page->times;
    struct shown_traces shown = { 0 };
    int result = choose_traces(page, &shown);

    if (!result) {
        fprintf(out,
                ",\n\"jit\":{\"eventNs\":%" PRIu64 ",\"sampledNs\":%" PRIu64
                ",\"probeNs\":%" PRIu64 ",\"lost\":%" PRIu64
                ",\"count\":%" PRIu32 ",",
                times->event_time, times->sampled_ns, page->reading->probe_ns,
                page->profile->traces.lost_count,
                page->profile->traces.trace_count - 1);
        result = write_traces(page, &shown, out);
    }
    if (!result)
        result = write_transitions(page, &shown, out);
    if (!result) {
        write_timeline(&page->reading->phases.by_events, "byEvents", out);
        write_timeline(&page->reading->phases.by_samples, "bySamples", out);
        if (page->source)
            result = write_source(&page->profile->traces, page->source, out);
        putc('}', out);
    }
    free(shown.rows);
    free(shown.is_shown);
    return result;
}
