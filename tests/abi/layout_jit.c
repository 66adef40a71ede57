/* SPDX-License-Identifier: MIT */

/* Of traces, their edges and their events. */

#include "layout.h"

#include <vmprof/trace.h>
#include <vmprof/vmprof.h>

struct jit_ring_1 {
    uint64_t index;
    uint64_t limit;
    uint64_t *records;
    uint64_t mask;
    uint64_t inner;
    uint64_t lost;
    void (*full)(struct vmprof_jit_ring *ring);
    uint64_t reserved[9];
};

SAME(vmprof_jit_ring, jit_ring_1, index);
SAME(vmprof_jit_ring, jit_ring_1, limit);
SAME(vmprof_jit_ring, jit_ring_1, records);
SAME(vmprof_jit_ring, jit_ring_1, mask);
SAME(vmprof_jit_ring, jit_ring_1, inner);
SAME(vmprof_jit_ring, jit_ring_1, lost);
SAME(vmprof_jit_ring, jit_ring_1, full);
SAME(vmprof_jit_ring, jit_ring_1, reserved);
SAME_SIZE(vmprof_jit_ring, jit_ring_1);

struct emit_0_1 {
    uint64_t size;
    uint32_t machine;
    uint32_t edge;
    vmprof_jit_id id;
    uint32_t emits;
    uint32_t is_inner;
    uint32_t base;
    uint32_t base_register;
    int32_t displacement;
    uint64_t address;
    uint32_t scratch;
    uint32_t keep_flags;
    uint64_t *counter;
    uint32_t is_shared;
    uint32_t reserved;
};

SAME(vmprof_emit, emit_0_1, size);
SAME(vmprof_emit, emit_0_1, machine);
SAME(vmprof_emit, emit_0_1, edge);
SAME(vmprof_emit, emit_0_1, id);
SAME(vmprof_emit, emit_0_1, emits);
SAME(vmprof_emit, emit_0_1, is_inner);
SAME(vmprof_emit, emit_0_1, base);
SAME(vmprof_emit, emit_0_1, base_register);
SAME(vmprof_emit, emit_0_1, displacement);
SAME(vmprof_emit, emit_0_1, address);
SAME(vmprof_emit, emit_0_1, scratch);
SAME(vmprof_emit, emit_0_1, keep_flags);
SAME(vmprof_emit, emit_0_1, counter);
SAME(vmprof_emit, emit_0_1, is_shared);
SAME(vmprof_emit, emit_0_1, reserved);
STILL_FITS(vmprof_emit, emit_0_1);

struct jit_sink_options_0_1 {
    uint64_t size;
    uint64_t sinks;
    const char *directory;
};

SAME(vmprof_jit_sink_options, jit_sink_options_0_1, size);
SAME(vmprof_jit_sink_options, jit_sink_options_0_1, sinks);
SAME(vmprof_jit_sink_options, jit_sink_options_0_1, directory);
STILL_FITS(vmprof_jit_sink_options, jit_sink_options_0_1);

struct trace_place_1 {
    uint64_t code;
    uint64_t offset;
    uint32_t line;
    uint32_t parent;
};

SAME(vmprof_trace_place, trace_place_1, code);
SAME(vmprof_trace_place, trace_place_1, offset);
SAME(vmprof_trace_place, trace_place_1, line);
SAME(vmprof_trace_place, trace_place_1, parent);
SAME_SIZE(vmprof_trace_place, trace_place_1);

struct trace_position_1 {
    uint32_t offset;
    uint32_t place;
};

SAME(vmprof_trace_position, trace_position_1, offset);
SAME(vmprof_trace_position, trace_position_1, place);
SAME_SIZE(vmprof_trace_position, trace_position_1);

struct trace_guard_1 {
    uint32_t offset;
    uint32_t place;
    const char *text;
};

SAME(vmprof_trace_guard, trace_guard_1, offset);
SAME(vmprof_trace_guard, trace_guard_1, place);
SAME(vmprof_trace_guard, trace_guard_1, text);
SAME_SIZE(vmprof_trace_guard, trace_guard_1);

struct trace_operation_1 {
    uint32_t offset;
    uint32_t place;
    uint32_t guard;
    uint32_t reserved;
    const char *text;
};

SAME(vmprof_trace_operation, trace_operation_1, offset);
SAME(vmprof_trace_operation, trace_operation_1, place);
SAME(vmprof_trace_operation, trace_operation_1, guard);
SAME(vmprof_trace_operation, trace_operation_1, reserved);
SAME(vmprof_trace_operation, trace_operation_1, text);
SAME_SIZE(vmprof_trace_operation, trace_operation_1);

struct reserved_trace_1 {
    uint32_t id;
    uint32_t first_guard;
    uint64_t *counters;
};

SAME(vmprof_reserved_trace, reserved_trace_1, id);
SAME(vmprof_reserved_trace, reserved_trace_1, first_guard);
SAME(vmprof_reserved_trace, reserved_trace_1, counters);
SAME_SIZE(vmprof_reserved_trace, reserved_trace_1);

struct trace_0_1 {
    uint64_t size;
    uint32_t kind;
    uint32_t end;
    const char *name;
    uint64_t code;
    uint64_t offset;
    uint32_t line;
    uint32_t guard;
    uint32_t parent;
    uint32_t target;
    const void *address;
    uint64_t length;
    uint64_t loop_offset;
    uint32_t emits;
    uint32_t frame;
    uint64_t frame_size;
    const struct vmprof_trace_place *places;
    uint64_t place_count;
    const struct vmprof_trace_position *positions;
    uint64_t position_count;
    const struct vmprof_trace_guard *guards;
    uint64_t guard_count;
    const struct vmprof_trace_operation *operations;
    uint64_t operation_count;
};

SAME(vmprof_trace, trace_0_1, size);
SAME(vmprof_trace, trace_0_1, kind);
SAME(vmprof_trace, trace_0_1, end);
SAME(vmprof_trace, trace_0_1, name);
SAME(vmprof_trace, trace_0_1, code);
SAME(vmprof_trace, trace_0_1, offset);
SAME(vmprof_trace, trace_0_1, line);
SAME(vmprof_trace, trace_0_1, guard);
SAME(vmprof_trace, trace_0_1, parent);
SAME(vmprof_trace, trace_0_1, target);
SAME(vmprof_trace, trace_0_1, address);
SAME(vmprof_trace, trace_0_1, length);
SAME(vmprof_trace, trace_0_1, loop_offset);
SAME(vmprof_trace, trace_0_1, emits);
SAME(vmprof_trace, trace_0_1, frame);
SAME(vmprof_trace, trace_0_1, frame_size);
SAME(vmprof_trace, trace_0_1, places);
SAME(vmprof_trace, trace_0_1, place_count);
SAME(vmprof_trace, trace_0_1, positions);
SAME(vmprof_trace, trace_0_1, position_count);
SAME(vmprof_trace, trace_0_1, guards);
SAME(vmprof_trace, trace_0_1, guard_count);
SAME(vmprof_trace, trace_0_1, operations);
SAME(vmprof_trace, trace_0_1, operation_count);
STILL_FITS(vmprof_trace, trace_0_1);

/* Values are compiled in too. */
static_assert(VMPROF_EMIT_CURRENT == 1 && VMPROF_EMIT_COUNT == 2 &&
                  VMPROF_EMIT_EVENT == 4 && VMPROF_EDGE_ENTER == 0 &&
                  VMPROF_EDGE_JUMP == 1 && VMPROF_EDGE_EXIT == 2 &&
                  VMPROF_EDGE_CALL == 3 && VMPROF_EDGE_RETURN == 4 &&
                  VMPROF_RECORD_ID_SHIFT == 3 &&
                  VMPROF_RECORD_TIME_SHIFT == 27 &&
                  VMPROF_JIT_MAX_IDS == 1 << 24 && VMPROF_EMIT_MOST == 256,
              "what an edge writes changed");
static_assert(VMPROF_MACHINE_HOST == 0 && VMPROF_MACHINE_X86_64 == 1 &&
                  VMPROF_MACHINE_AARCH64 == 2 && VMPROF_BASE_REGISTER == 0 &&
                  VMPROF_BASE_MEMORY == 1 && VMPROF_BASE_ADDRESS == 2 &&
                  VMPROF_BASE_CELL == 3,
              "what an emitter is asked for changed its value");
static_assert(VMPROF_SINK_PERF_MAP == 1 && VMPROF_SINK_JITDUMP == 2 &&
                  VMPROF_SINK_GDB == 4 && VMPROF_SINK_UNWIND == 8,
              "a sink changed its value");
static_assert(VMPROF_JIT_INNER_COUNT == 0 && VMPROF_JIT_INNER_IGNORE == 1 &&
                  VMPROF_JIT_INNER_EACH == 2 && VMPROF_JIT_INNER_AUTO == 3 &&
                  VMPROF_JIT_OVERFLOW_DROP == 0 &&
                  VMPROF_JIT_OVERFLOW_NEWEST == 1 &&
                  VMPROF_JIT_OVERFLOW_BLOCK == 2,
              "a way of treating events changed its value");
static_assert(VMPROF_TRACE_LOOP == 1 && VMPROF_TRACE_ENTRY_BRIDGE == 2 &&
                  VMPROF_TRACE_BRIDGE == 3 && VMPROF_TRACE_METHOD == 4 &&
                  VMPROF_TRACE_STUB == 5,
              "a kind of trace changed its value");
static_assert(VMPROF_END_UNKNOWN == 0 && VMPROF_END_LOOP == 1 &&
                  VMPROF_END_JUMP == 2 && VMPROF_END_RETURN == 3 &&
                  VMPROF_END_INTERPRETER == 4,
              "an end of a trace changed its value");
static_assert(VMPROF_TRACE_FRAME_UNKNOWN == 0 &&
                  VMPROF_TRACE_FRAME_FIXED == 1 &&
                  VMPROF_TRACE_FRAME_POINTER == 2,
              "a frame of a trace changed its value");
