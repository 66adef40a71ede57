/* SPDX-License-Identifier: MIT */

/*
 * Frozen copies of what programs have compiled in. NEVER edit a copy: if this
 * file stops compiling, the change to the public header is the mistake.
 */
#include <assert.h>
#include <stddef.h>

#include <vmprof/trace.h>
#include <vmprof/vmprof.h>

struct frame_1 {
    uint64_t link;
    uint64_t code;
    const uintptr_t *position;
    uintptr_t stack_pointer;
};

struct thread_1 {
    struct vmprof_frame *top;
    struct vmprof_frame *limit;
    struct vmprof_stack *stack;
    uint64_t phase;
    uint64_t overflows;
    int64_t poll_countdown;
    int64_t bytecode_countdown;
    uint64_t candidates;
    uint64_t counting;
    int64_t hit_floor;
    struct vmprof_hit_cell *hit_cells;
    uint64_t trace;
    struct vmprof_jit_ring *jit_ring;
    uint64_t events;
    int64_t allocation_countdown;
    uint64_t reserved[1];
};

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

struct location_1 {
    uint64_t offset;
    uint32_t line;
    uint32_t reserved;
};

struct walked_frame_1 {
    uint64_t code;
    uint64_t offset;
    uint32_t line;
    uint32_t kind;
};

struct linked_frame_1 {
    uint64_t code;
    uint64_t position;
    uint64_t stack_pointer;
    uint32_t kind;
    uint32_t has_position;
};

/* The sized structs as 0.1 has them: later ones begin in the same way. */
struct code_class_options_0_1 {
    uint64_t size;
    vmprof_name_function full_name;
    vmprof_locate_function locate;
    void *user;
};

struct thread_options_0_1 {
    uint64_t size;
    uint64_t max_depth;
    const char *name;
};

struct options_0_1 {
    uint64_t size;
    double interval;
    int32_t fd;
    uint32_t mode;
    uint32_t clock;
    uint32_t max_frames;
    uint64_t ring_size;
    const char *vm_name;
    uint32_t sampling;
    uint32_t native;
    uint32_t native_bytes;
    uint32_t reserved;
};

struct stats_0_1 {
    uint64_t size;
    uint32_t enabled;
    uint32_t clock;
    uint64_t interval_ns;
    uint64_t elapsed_ns;
    uint64_t threads;
    uint64_t expirations;
    uint64_t samples;
    uint64_t lost_ring_full;
    uint64_t lost_busy;
    uint64_t lost_switching;
    uint64_t lost_walker;
    uint64_t stacks_cut;
    uint64_t frames_cut;
    uint64_t overflows;
    uint64_t locations_lost;
    uint64_t samples_written;
    uint64_t samples_unwritten;
    uint64_t bytes_written;
    uint64_t clock_failures;
    uint64_t sampled_ns;
    int32_t write_error;
    int32_t clock_error;
    uint64_t polled;
    uint64_t held_back;
    uint64_t system_ticks;
    uint64_t native_cut;
    uint64_t native_failed;
    uint64_t clock_retries;
    uint64_t lost_overrun;
};

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

struct jit_sink_options_0_1 {
    uint64_t size;
    uint64_t sinks;
    const char *directory;
};

struct hit_cell_1 {
    uint64_t position;
    uint64_t key;
    uint64_t *hits;
    uint64_t code;
};

struct hit_site_1 {
    uint64_t key;
    uint64_t *hits;
};

struct type_tuple_1 {
    uint64_t hits;
    uint64_t count;
    uint32_t types[8];
    const char *names[8];
};

struct trace_place_1 {
    uint64_t code;
    uint64_t offset;
    uint32_t line;
    uint32_t parent;
};

struct trace_position_1 {
    uint32_t offset;
    uint32_t place;
};

struct trace_guard_1 {
    uint32_t offset;
    uint32_t place;
    const char *text;
};

struct trace_operation_1 {
    uint32_t offset;
    uint32_t place;
    uint32_t guard;
    uint32_t reserved;
    const char *text;
};

struct reserved_trace_1 {
    uint32_t id;
    uint32_t first_guard;
    uint64_t *counters;
};

struct interp_functions_0_1 {
    uint64_t size;
    vmprof_operands_function operands;
    vmprof_opcode_name_function opcode_name;
    vmprof_line_function line;
    vmprof_hash_function hash;
    vmprof_next_site_function next_site;
    void *user;
};

struct type_limits_0_1 {
    uint64_t size;
    uint32_t sites;
    uint32_t tuples;
};

struct type_row_0_1 {
    uint64_t size;
    uint64_t code;
    const char *name;
    uint64_t hash;
    uint64_t offset;
    uint32_t opcode;
    uint32_t line;
    uint64_t has_place;
    const char *opcode_name;
    uint64_t hits;
    uint64_t typed;
    uint64_t other;
    uint64_t untyped;
    uint64_t bytecodes;
    uint64_t tuple_count;
    const struct vmprof_type_tuple *tuples;
};

struct type_profile_info_0_1 {
    uint64_t size;
    uint64_t period;
    uint64_t jitter;
    uint64_t from_ns;
    uint64_t until_ns;
    uint64_t rows;
    uint64_t hits;
    uint64_t bytecodes;
    uint64_t unplaced;
};

struct type_origin_0_1 {
    uint64_t size;
    const char *host;
    const char *service;
    const char *version;
};

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

#define SAME(type, old, member)                                                \
    static_assert(offsetof(struct type, member) ==                             \
                          offsetof(struct old, member) &&                      \
                      sizeof(((struct type *)0)->member) ==                    \
                          sizeof(((struct old *)0)->member),                   \
                  #type "." #member " moved")

#define SAME_SIZE(type, old)                                                   \
    static_assert(sizeof(struct type) == sizeof(struct old),                   \
                  #type " is frozen and changed its size")

#define STILL_FITS(type, old)                                                  \
    static_assert(sizeof(struct type) >= sizeof(struct old),                   \
                  #type " became smaller than it was released")

SAME(vmprof_frame, frame_1, link);
SAME(vmprof_frame, frame_1, code);
SAME(vmprof_frame, frame_1, position);
SAME(vmprof_frame, frame_1, stack_pointer);
SAME_SIZE(vmprof_frame, frame_1);

SAME(vmprof_thread, thread_1, top);
SAME(vmprof_thread, thread_1, limit);
SAME(vmprof_thread, thread_1, stack);
SAME(vmprof_thread, thread_1, phase);
SAME(vmprof_thread, thread_1, poll_countdown);
SAME(vmprof_thread, thread_1, bytecode_countdown);
SAME(vmprof_thread, thread_1, candidates);
SAME(vmprof_thread, thread_1, counting);
SAME(vmprof_thread, thread_1, hit_floor);
SAME(vmprof_thread, thread_1, hit_cells);
SAME(vmprof_thread, thread_1, trace);
SAME(vmprof_thread, thread_1, jit_ring);
SAME(vmprof_thread, thread_1, events);
SAME(vmprof_thread, thread_1, allocation_countdown);
SAME(vmprof_thread, thread_1, reserved);
SAME_SIZE(vmprof_thread, thread_1);

SAME(vmprof_jit_ring, jit_ring_1, index);
SAME(vmprof_jit_ring, jit_ring_1, limit);
SAME(vmprof_jit_ring, jit_ring_1, records);
SAME(vmprof_jit_ring, jit_ring_1, mask);
SAME(vmprof_jit_ring, jit_ring_1, inner);
SAME(vmprof_jit_ring, jit_ring_1, lost);
SAME(vmprof_jit_ring, jit_ring_1, full);
SAME(vmprof_jit_ring, jit_ring_1, reserved);
SAME_SIZE(vmprof_jit_ring, jit_ring_1);

SAME(vmprof_location, location_1, offset);
SAME(vmprof_location, location_1, line);
SAME(vmprof_location, location_1, reserved);
SAME_SIZE(vmprof_location, location_1);

SAME(vmprof_walked_frame, walked_frame_1, code);
SAME(vmprof_walked_frame, walked_frame_1, offset);
SAME(vmprof_walked_frame, walked_frame_1, line);
SAME(vmprof_walked_frame, walked_frame_1, kind);
SAME_SIZE(vmprof_walked_frame, walked_frame_1);

SAME(vmprof_linked_frame, linked_frame_1, code);
SAME(vmprof_linked_frame, linked_frame_1, position);
SAME(vmprof_linked_frame, linked_frame_1, stack_pointer);
SAME(vmprof_linked_frame, linked_frame_1, kind);
SAME(vmprof_linked_frame, linked_frame_1, has_position);
SAME_SIZE(vmprof_linked_frame, linked_frame_1);

SAME(vmprof_code_class_options, code_class_options_0_1, size);
SAME(vmprof_code_class_options, code_class_options_0_1, full_name);
SAME(vmprof_code_class_options, code_class_options_0_1, locate);
SAME(vmprof_code_class_options, code_class_options_0_1, user);
STILL_FITS(vmprof_code_class_options, code_class_options_0_1);

SAME(vmprof_thread_options, thread_options_0_1, size);
SAME(vmprof_thread_options, thread_options_0_1, max_depth);
SAME(vmprof_thread_options, thread_options_0_1, name);
STILL_FITS(vmprof_thread_options, thread_options_0_1);

SAME(vmprof_options, options_0_1, size);
SAME(vmprof_options, options_0_1, interval);
SAME(vmprof_options, options_0_1, fd);
SAME(vmprof_options, options_0_1, mode);
SAME(vmprof_options, options_0_1, clock);
SAME(vmprof_options, options_0_1, max_frames);
SAME(vmprof_options, options_0_1, ring_size);
SAME(vmprof_options, options_0_1, vm_name);
SAME(vmprof_options, options_0_1, sampling);
SAME(vmprof_options, options_0_1, native);
SAME(vmprof_options, options_0_1, native_bytes);
SAME(vmprof_options, options_0_1, reserved);
STILL_FITS(vmprof_options, options_0_1);

SAME(vmprof_stats, stats_0_1, size);
SAME(vmprof_stats, stats_0_1, enabled);
SAME(vmprof_stats, stats_0_1, clock);
SAME(vmprof_stats, stats_0_1, interval_ns);
SAME(vmprof_stats, stats_0_1, elapsed_ns);
SAME(vmprof_stats, stats_0_1, threads);
SAME(vmprof_stats, stats_0_1, expirations);
SAME(vmprof_stats, stats_0_1, samples);
SAME(vmprof_stats, stats_0_1, lost_ring_full);
SAME(vmprof_stats, stats_0_1, lost_busy);
SAME(vmprof_stats, stats_0_1, lost_switching);
SAME(vmprof_stats, stats_0_1, lost_walker);
SAME(vmprof_stats, stats_0_1, stacks_cut);
SAME(vmprof_stats, stats_0_1, frames_cut);
SAME(vmprof_stats, stats_0_1, overflows);
SAME(vmprof_stats, stats_0_1, locations_lost);
SAME(vmprof_stats, stats_0_1, samples_written);
SAME(vmprof_stats, stats_0_1, samples_unwritten);
SAME(vmprof_stats, stats_0_1, bytes_written);
SAME(vmprof_stats, stats_0_1, clock_failures);
SAME(vmprof_stats, stats_0_1, sampled_ns);
SAME(vmprof_stats, stats_0_1, write_error);
SAME(vmprof_stats, stats_0_1, clock_error);
SAME(vmprof_stats, stats_0_1, polled);
SAME(vmprof_stats, stats_0_1, held_back);
SAME(vmprof_stats, stats_0_1, system_ticks);
SAME(vmprof_stats, stats_0_1, native_cut);
SAME(vmprof_stats, stats_0_1, native_failed);
SAME(vmprof_stats, stats_0_1, clock_retries);
SAME(vmprof_stats, stats_0_1, lost_overrun);
STILL_FITS(vmprof_stats, stats_0_1);

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

SAME(vmprof_jit_sink_options, jit_sink_options_0_1, size);
SAME(vmprof_jit_sink_options, jit_sink_options_0_1, sinks);
SAME(vmprof_jit_sink_options, jit_sink_options_0_1, directory);
STILL_FITS(vmprof_jit_sink_options, jit_sink_options_0_1);

SAME(vmprof_hit_cell, hit_cell_1, position);
SAME(vmprof_hit_cell, hit_cell_1, key);
SAME(vmprof_hit_cell, hit_cell_1, hits);
SAME(vmprof_hit_cell, hit_cell_1, code);
SAME_SIZE(vmprof_hit_cell, hit_cell_1);

SAME(vmprof_hit_site, hit_site_1, key);
SAME(vmprof_hit_site, hit_site_1, hits);
SAME_SIZE(vmprof_hit_site, hit_site_1);

SAME(vmprof_type_tuple, type_tuple_1, hits);
SAME(vmprof_type_tuple, type_tuple_1, count);
SAME(vmprof_type_tuple, type_tuple_1, types);
SAME(vmprof_type_tuple, type_tuple_1, names);
SAME_SIZE(vmprof_type_tuple, type_tuple_1);

SAME(vmprof_interp_functions, interp_functions_0_1, size);
SAME(vmprof_interp_functions, interp_functions_0_1, operands);
SAME(vmprof_interp_functions, interp_functions_0_1, opcode_name);
SAME(vmprof_interp_functions, interp_functions_0_1, line);
SAME(vmprof_interp_functions, interp_functions_0_1, hash);
SAME(vmprof_interp_functions, interp_functions_0_1, next_site);
SAME(vmprof_interp_functions, interp_functions_0_1, user);
STILL_FITS(vmprof_interp_functions, interp_functions_0_1);

SAME(vmprof_type_limits, type_limits_0_1, size);
SAME(vmprof_type_limits, type_limits_0_1, sites);
SAME(vmprof_type_limits, type_limits_0_1, tuples);
STILL_FITS(vmprof_type_limits, type_limits_0_1);

SAME(vmprof_type_row, type_row_0_1, size);
SAME(vmprof_type_row, type_row_0_1, code);
SAME(vmprof_type_row, type_row_0_1, name);
SAME(vmprof_type_row, type_row_0_1, hash);
SAME(vmprof_type_row, type_row_0_1, offset);
SAME(vmprof_type_row, type_row_0_1, opcode);
SAME(vmprof_type_row, type_row_0_1, line);
SAME(vmprof_type_row, type_row_0_1, has_place);
SAME(vmprof_type_row, type_row_0_1, opcode_name);
SAME(vmprof_type_row, type_row_0_1, hits);
SAME(vmprof_type_row, type_row_0_1, typed);
SAME(vmprof_type_row, type_row_0_1, other);
SAME(vmprof_type_row, type_row_0_1, untyped);
SAME(vmprof_type_row, type_row_0_1, bytecodes);
SAME(vmprof_type_row, type_row_0_1, tuple_count);
SAME(vmprof_type_row, type_row_0_1, tuples);
STILL_FITS(vmprof_type_row, type_row_0_1);

SAME(vmprof_type_profile_info, type_profile_info_0_1, size);
SAME(vmprof_type_profile_info, type_profile_info_0_1, period);
SAME(vmprof_type_profile_info, type_profile_info_0_1, jitter);
SAME(vmprof_type_profile_info, type_profile_info_0_1, from_ns);
SAME(vmprof_type_profile_info, type_profile_info_0_1, until_ns);
SAME(vmprof_type_profile_info, type_profile_info_0_1, rows);
SAME(vmprof_type_profile_info, type_profile_info_0_1, hits);
SAME(vmprof_type_profile_info, type_profile_info_0_1, bytecodes);
SAME(vmprof_type_profile_info, type_profile_info_0_1, unplaced);
STILL_FITS(vmprof_type_profile_info, type_profile_info_0_1);

SAME(vmprof_type_origin, type_origin_0_1, size);
SAME(vmprof_type_origin, type_origin_0_1, host);
SAME(vmprof_type_origin, type_origin_0_1, service);
SAME(vmprof_type_origin, type_origin_0_1, version);
STILL_FITS(vmprof_type_origin, type_origin_0_1);

SAME(vmprof_trace_place, trace_place_1, code);
SAME(vmprof_trace_place, trace_place_1, offset);
SAME(vmprof_trace_place, trace_place_1, line);
SAME(vmprof_trace_place, trace_place_1, parent);
SAME_SIZE(vmprof_trace_place, trace_place_1);

SAME(vmprof_trace_position, trace_position_1, offset);
SAME(vmprof_trace_position, trace_position_1, place);
SAME_SIZE(vmprof_trace_position, trace_position_1);

SAME(vmprof_trace_guard, trace_guard_1, offset);
SAME(vmprof_trace_guard, trace_guard_1, place);
SAME(vmprof_trace_guard, trace_guard_1, text);
SAME_SIZE(vmprof_trace_guard, trace_guard_1);

SAME(vmprof_trace_operation, trace_operation_1, offset);
SAME(vmprof_trace_operation, trace_operation_1, place);
SAME(vmprof_trace_operation, trace_operation_1, guard);
SAME(vmprof_trace_operation, trace_operation_1, reserved);
SAME(vmprof_trace_operation, trace_operation_1, text);
SAME_SIZE(vmprof_trace_operation, trace_operation_1);

SAME(vmprof_reserved_trace, reserved_trace_1, id);
SAME(vmprof_reserved_trace, reserved_trace_1, first_guard);
SAME(vmprof_reserved_trace, reserved_trace_1, counters);
SAME_SIZE(vmprof_reserved_trace, reserved_trace_1);

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
static_assert(VMPROF_KIND_CODE == 1 && VMPROF_KIND_BLACKHOLE == 2 &&
                  VMPROF_KIND_JITTED == 3 && VMPROF_KIND_JITTING == 4 &&
                  VMPROF_KIND_GC == 5 && VMPROF_KIND_NATIVE == 7,
              "a kind changed its value");
static_assert(VMPROF_PHASE_INTERPRETING == 0 && VMPROF_PHASE_TRACING == 1 &&
                  VMPROF_PHASE_OPTIMISING == 2 && VMPROF_PHASE_BACKEND == 3 &&
                  VMPROF_PHASE_COMPILED == 4 && VMPROF_PHASE_BLACKHOLE == 5 &&
                  VMPROF_PHASE_GC == 6 && VMPROF_PHASE_NATIVE == 7,
              "a phase changed its value");
static_assert(VMPROF_MODE_CPU == 0 && VMPROF_MODE_WALL == 1,
              "a mode changed its value");
static_assert(VMPROF_CLOCK_AUTO == 0 && VMPROF_CLOCK_PERF == 1 &&
                  VMPROF_CLOCK_MONOTONIC == 2 && VMPROF_CLOCK_OBSERVER == 3 &&
                  VMPROF_CLOCK_CPU_TIMER == 4,
              "a clock changed its value");
static_assert(VMPROF_SAMPLING_AUTO == 0 && VMPROF_SAMPLING_SIGNAL == 1 &&
                  VMPROF_NATIVE_OFF == 0 && VMPROF_NATIVE_COPY == 1 &&
                  VMPROF_NATIVE_FRAME_POINTERS == 2,
              "a way of sampling changed its value");
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
static_assert(VMPROF_MAX_OPERANDS == 8 && VMPROF_COUNT_MOST == 16384 &&
                  VMPROF_COUNTING == 256 && VMPROF_HIT_CELLS == 1024,
              "a bound of interp.h changed its value");
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
static_assert(VMPROF_NAME_SIZE == 1024, "buffers of callers have this size");

int
main(void)
{
    return 0;
}
