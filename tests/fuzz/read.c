/* SPDX-License-Identifier: MIT */

/*
 * Reading and reporting whatever a file holds, with machine code or, where bit 1
 * of the first byte is set, without. An even first byte: the rest is the file. An
 * odd one: it says what chunks to make, with right checksums, so
 * that the fuzzer gets behind them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/crc32c.h"
#include "format/varint.h"
#include "report/events_view.h"
#include "report/jit_view.h"
#include "report/types_diff.h"
#include "report/view.h"

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum {
    /* Of each chunk: type, flags and session, number, size of the payload. */
    RECIPE_SIZE = 5,
};

struct source {
    const unsigned char *data;
    size_t size;
};

static size_t
make_chunk(struct source *source, unsigned char *chunk, uint32_t number)
{
    const unsigned char *recipe = source->data;
    size_t payload = vmp_get_u16(recipe + 3);

    if (payload > source->size - RECIPE_SIZE)
        payload = source->size - RECIPE_SIZE;
    vmp_put_u32(chunk, VMP_CHUNK_MAGIC);
    vmp_put_u32(chunk + 8, recipe[1] & 3);
    vmp_put_u32(chunk + 12, number + recipe[2] / 128);
    vmp_put_u16(chunk + 16, recipe[0] % 20);
    vmp_put_u16(chunk + 18, recipe[1] / 192);
    vmp_put_u32(chunk + 20, (uint32_t)payload);
    memcpy(chunk + VMP_CHUNK_HEADER_SIZE, recipe + RECIPE_SIZE, payload);
    vmp_put_u32(chunk + 4, vmp_crc32c(chunk + VMP_CHUNK_CHECKED_FROM,
                                      VMP_CHUNK_HEADER_SIZE -
                                          VMP_CHUNK_CHECKED_FROM + payload));
    source->data += RECIPE_SIZE + payload;
    source->size -= RECIPE_SIZE + payload;
    return VMP_CHUNK_HEADER_SIZE + payload;
}

static void
write_chunks(int fd, struct source source)
{
    static unsigned char chunk[VMP_CHUNK_HEADER_SIZE + UINT16_MAX];
    uint32_t number = 0;

    while (source.size >= RECIPE_SIZE) {
        const size_t size = make_chunk(&source, chunk, number++);
        if (write(fd, chunk, size) != (ssize_t)size)
            abort();
    }
}

static void
show_events(const char *path, FILE *out)
{
    struct events_view events = {
        .view = { .path = path },
        .kinds = UINT64_MAX,
        .to_ns = UINT64_MAX,
    };
    const struct read_options options = {
        .no_native = true,
        .on_recorded = recorded_add,
        .recorded_user = &events.list,
    };
    char message[512];

    terminal_open(&events.view.terminal, out);
    if (!profile_read(&events.view.profile, path, &options, NULL, NULL, message,
                      sizeof(message)) &&
        !events_view_finish(&events)) {
        report_events(&events);
        report_events_json(&events);
        report_events_ndjson(&events);
    }
    events_view_free(&events);
}

static void
report(const char *path, const struct read_options *options, FILE *out)
{
    char message[512];
    struct view view = { .path = path, .min_percent = 0.1 };

    terminal_open(&view.terminal, out);
    if (!profile_read(&view.profile, path, options, tree_add, &view.tree,
                      message, sizeof(message)) &&
        !tree_finish(&view.tree, &view.profile) &&
        !labels_by_function(&view.functions, &view.profile) &&
        !labels_by_line(&view.lines, &view.profile)) {
        report_header(&view);
        report_functions(&view);
        report_tree(&view);
        report_threads(&view);
        report_json(&view);
    }
    labels_free(&view.functions);
    labels_free(&view.lines);
    tree_free(&view.tree);
    profile_free(&view.profile);
}

/* The types, and how the file differs from itself. */
static void
report_type_profile(const char *path, FILE *out)
{
    struct types_view types = {
        .view = { .path = path },
        .rule = { USUAL_MIN_PERCENT, USUAL_MOST },
        .kinds = (1u << SITE_KINDS) - 1,
    };
    struct types_diff diff = {
        .before = { &types.view.profile, &types.groups },
        .after = { &types.view.profile, &types.groups },
        .rule = { types.rule, 10, 10 },
    };

    char message[512];

    terminal_open(&types.view.terminal, out);
    if (!profile_read(&types.view.profile, path, NULL, NULL, NULL, message,
                      sizeof(message)) &&
        !type_groups_make(&types.groups, &types.view.profile, &types.rule)) {
        report_types_header(&types);
        report_types(&types);
        report_types_json(&types);
        report_types_rows(&types);
        if (!types_diff_make(&diff)) {
            report_types_diff(&diff, &types, &types);
            report_types_diff_json(&diff, &types, &types);
        }
    }
    types_diff_free(&diff);
    types_free(&types);
}

static void
report_traces(const struct jit_view *jit)
{
    report_jit_header(jit);
    report_jit_phases(jit);
    report_jit_table(jit);
    report_jit_doubts(jit);
    report_jit_transitions(jit);
    report_jit_guards(jit);
    report_jit_json(jit);
}

/* Traces and their time; a bit of the first byte has each call nest. */
static void
read_traces(const char *path, bool nests, FILE *out)
{
    struct jit_view jit = { .view = { .path = path }, .path = path };
    struct jit_reading reading;
    struct read_options options = { 0 };
    char message[512];

    terminal_open(&jit.view.terminal, out);
    jit_reading_open(&reading, &jit.view.tree, nests ? INNER_EACH : INNER_COUNT,
                     nests ? CALL_NEST : CALL_CALLER);
    jit_reading_options(&reading, &options);
    if (!profile_read(&jit.view.profile, path, &options, jit_reading_batch,
                      &reading, message, sizeof(message)) &&
        !tree_finish(&jit.view.tree, &jit.view.profile) &&
        jit.view.profile.traces.private &&
        !jit_reading_finish(&reading, &jit.times, &jit.view.profile)) {
        jit.reading = &reading;
        jit.traces = jit.view.profile.traces;
        jit.view.profile.traces = (struct traces){ 0 };
        if (!jit_order_guards(&jit))
            report_traces(&jit);
        for (jit.trace = 1; jit.trace < jit.traces.trace_count && jit.trace < 9;
             jit.trace++)
            report_jit_trace(&jit);
    }
    free(jit.guards);
    trace_times_free(&jit.times);
    jit_reading_free(&reading);
    traces_free(&jit.traces);
    tree_free(&jit.view.tree);
    profile_free(&jit.view.profile);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static FILE *out;
    char path[64];
    int fd;

    if (!out)
        out = fopen("/dev/null", "w");
    if (size == 0 || !out)
        return 0;
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    if (data[0] & 1)
        write_chunks(fd, (struct source){ data + 1, size - 1 });
    else if (write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    report(path,
           &(struct read_options){
               .no_native = data[0] & 2,
               .summed = data[0] & 4,
           },
           out);
    show_events(path, out);
    report_type_profile(path, out);
    read_traces(path, data[0] & 8, out);
    close(fd);
    return 0;
}
