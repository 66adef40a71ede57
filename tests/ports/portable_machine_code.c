/* SPDX-License-Identifier: MIT */

/* Chunks MODULES, TRACES, EVENTS and COUNTS. */

#include "portable.h"

#include <string.h>

#include "format/events.h"
#include "format/traces.h"

enum {
    MODULES = 5,
    TRACES = 20,
    GUARDS = 3,
    ROWS = 10, /* of each list of a trace */
    CODE_SIZE = 100,
    BLOCKS = 6, /* of edges */
    EDGES = 200,
};

static int
write_modules(struct vmp_encoder *encoder)
{
    unsigned char build_id[20];
    int64_t frame = 0;

    for (unsigned i = 0; i < MODULES && frame >= 0; i++) {
        struct vmp_module_info info = { .path = "/usr/lib/libport.so.1",
                                        .build_id = build_id,
                                        .build_id_size = sizeof(build_id) };
        uint32_t module;

        for (size_t j = 0; j < sizeof(build_id); j++)
            build_id[j] = (unsigned char)draw();
        info.start = draw_width(64);
        info.size = draw_width(40);
        info.offset = draw_width(40);
        info.bias = draw_width(64);
        module = vmp_encoder_module(encoder, &info);
        frame = vmp_encoder_address(encoder, module, draw_width(64));
    }
    return frame < 0 ? (int)frame : 0;
}

/* The id of a trace; those of its guards follow. */
static uint32_t
id_of(unsigned trace)
{
    return 1 + trace * ((1u << 24) / TRACES);
}

static int
write_head(struct vmp_encoder *encoder, unsigned number)
{
    struct vmp_trace_info info = { .id = id_of(number),
                                   .first_guard = id_of(number) + 1,
                                   .guard_count = GUARDS };
    struct vmprof_trace told;

    vmprof_trace_init(&told);
    told.kind = 1 + number % 4;
    told.end = number % 5;
    told.name = "a loop";
    told.code = draw_code();
    told.offset = draw_width(64);
    told.line = (uint32_t)draw_width(32);
    told.target = id_of((number + 1) % TRACES);
    told.length = draw_width(64);
    told.loop_offset = draw_width(64);
    told.emits = 7;
    info.told = &told;
    info.parent = number ? id_of(number - 1) : 0;
    info.address = draw_width(64);
    info.state = (enum vmp_trace_state)(number % 2);
    info.since_ns = draw_width(50);
    info.until_ns = info.since_ns + draw_width(50);
    info.has_since = info.has_until = true;
    return vmp_encoder_trace(encoder, &info);
}

static int
write_places(struct vmp_encoder *encoder, uint32_t id)
{
    struct vmprof_trace_position positions[ROWS] = { 0 };
    struct vmprof_trace_place places[ROWS] = { 0 };
    int r;

    for (uint32_t i = 0; i < ROWS; i++) {
        places[i].code = draw_code();
        places[i].offset = draw_width(64);
        places[i].line = (uint32_t)draw_width(32);
        places[i].parent = i;
        positions[i].offset = i << 28;
        positions[i].place = i;
    }
    r = vmp_encoder_places(encoder, id, places, ROWS);
    return r == 0 ? vmp_encoder_positions(encoder, id, positions, ROWS) : r;
}

static int
write_operations(struct vmp_encoder *encoder, uint32_t id)
{
    struct vmprof_trace_operation operations[ROWS] = { 0 };
    struct vmprof_trace_guard guards[GUARDS] = { 0 };
    uint32_t bridges[GUARDS];
    int r;

    for (uint32_t i = 0; i < ROWS; i++) {
        operations[i].offset = i << 28;
        operations[i].place = i;
        operations[i].guard = i < GUARDS ? i + 1 : 0;
        operations[i].text = "i1 = int_add(i0, 1)";
    }
    for (uint32_t i = 0; i < GUARDS; i++) {
        guards[i].offset = i << 28;
        guards[i].place = i;
        guards[i].text = "guard_true(i1)";
        bridges[i] = id_of((unsigned)(draw() % TRACES));
    }
    r = vmp_encoder_guards(encoder, id, guards, bridges, GUARDS);
    return r == 0 ? vmp_encoder_operations(encoder, id, operations, ROWS) : r;
}

static int
write_trace(struct vmp_encoder *encoder, unsigned number)
{
    unsigned char bytes[CODE_SIZE];
    int r = write_head(encoder, number);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)draw();
    if (r == 0)
        r = write_places(encoder, id_of(number));
    if (r == 0)
        r = write_operations(encoder, id_of(number));
    return r == 0 ? vmp_encoder_machine_code(encoder, id_of(number), bytes,
                                             sizeof(bytes))
                  : r;
}

static int
write_counts(struct vmp_encoder *encoder)
{
    int r = 0;

    vmp_encoder_begin_counts(encoder, draw_width(50));
    for (unsigned i = 0; i < TRACES && r == 0; i++)
        r = vmp_encoder_count_of(encoder, id_of(i), draw_width(64));
    return r == 0 ? vmp_encoder_finish_counts(encoder) : r;
}

/* Of traces that the file has: these come first. */
static int
add_frames(struct vmp_encoder *encoder)
{
    int64_t frame = 0;

    for (unsigned i = 0; i < TRACES && frame >= 0; i++) {
        const struct vmp_place place = { .offset = draw_width(64),
                                         .has_offset = true };

        frame = vmp_encoder_trace_frame(encoder, id_of(i), &place);
    }
    return frame < 0 ? (int)frame : 0;
}

static int
write_traces(struct vmp_encoder *encoder)
{
    int r = 0;

    for (unsigned i = 0; i < TRACES && r == 0; i++)
        r = write_trace(encoder, i);
    if (r == 0)
        r = vmp_encoder_finish_traces(encoder);
    if (r == 0)
        r = write_counts(encoder);
    return r == 0 ? add_frames(encoder) : r;
}

/* `mark` is the last one of the block before. */
static int
write_edges(struct vmp_encoder *encoder, unsigned block, struct vmp_mark *mark)
{
    struct vmp_event edges[EDGES];
    struct vmp_mark marks[2];
    const struct vmp_events events = {
        .thread = block % 2,
        .bits = block % 3,
        .lost = (uint64_t)block << 50,
        .first = (uint64_t)block / 2 * EDGES,
        .marks = marks,
        .mark_count = 2,
        .events = edges,
        .event_count = EDGES,
    };

    marks[0] = *mark;
    for (unsigned i = 0; i < EDGES; i++) {
        mark->ticks += draw_width(40);
        edges[i].ticks = mark->ticks;
        edges[i].word = id_of((unsigned)(draw() % TRACES)) << 3 | i % 5;
    }
    mark->ns += draw_width(40);
    mark->cpu_ns += draw_width(30);
    marks[1] = *mark;
    return vmp_encoder_events(encoder, &events);
}

int
write_machine_code(struct vmp_encoder *encoder)
{
    struct vmp_mark mark = { .ticks = UINT64_MAX / 3 };
    int r = write_modules(encoder);

    if (r == 0)
        r = write_traces(encoder);
    for (unsigned i = 0; i < BLOCKS && r == 0; i++)
        r = write_edges(encoder, i, &mark);
    return r;
}
