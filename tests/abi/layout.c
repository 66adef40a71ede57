/* SPDX-License-Identifier: MIT */

/* Of frames, threads, codes and sessions. */

#include "layout.h"

#include <vmprof/vmprof.h>

struct frame_1 {
    uint64_t link;
    uint64_t code;
    const uintptr_t *position;
    uintptr_t stack_pointer;
};

SAME(vmprof_frame, frame_1, link);
SAME(vmprof_frame, frame_1, code);
SAME(vmprof_frame, frame_1, position);
SAME(vmprof_frame, frame_1, stack_pointer);
SAME_SIZE(vmprof_frame, frame_1);

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

SAME(vmprof_thread, thread_1, top);
SAME(vmprof_thread, thread_1, limit);
SAME(vmprof_thread, thread_1, stack);
SAME(vmprof_thread, thread_1, phase);
SAME(vmprof_thread, thread_1, overflows);
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

struct location_1 {
    uint64_t offset;
    uint32_t line;
    uint32_t reserved;
};

SAME(vmprof_location, location_1, offset);
SAME(vmprof_location, location_1, line);
SAME(vmprof_location, location_1, reserved);
SAME_SIZE(vmprof_location, location_1);

struct walked_frame_1 {
    uint64_t code;
    uint64_t offset;
    uint32_t line;
    uint32_t kind;
};

SAME(vmprof_walked_frame, walked_frame_1, code);
SAME(vmprof_walked_frame, walked_frame_1, offset);
SAME(vmprof_walked_frame, walked_frame_1, line);
SAME(vmprof_walked_frame, walked_frame_1, kind);
SAME_SIZE(vmprof_walked_frame, walked_frame_1);

struct linked_frame_1 {
    uint64_t code;
    uint64_t position;
    uint64_t stack_pointer;
    uint32_t kind;
    uint32_t has_position;
};

SAME(vmprof_linked_frame, linked_frame_1, code);
SAME(vmprof_linked_frame, linked_frame_1, position);
SAME(vmprof_linked_frame, linked_frame_1, stack_pointer);
SAME(vmprof_linked_frame, linked_frame_1, kind);
SAME(vmprof_linked_frame, linked_frame_1, has_position);
SAME_SIZE(vmprof_linked_frame, linked_frame_1);

struct code_class_options_0_1 {
    uint64_t size;
    vmprof_name_function full_name;
    vmprof_locate_function locate;
    void *user;
};

SAME(vmprof_code_class_options, code_class_options_0_1, size);
SAME(vmprof_code_class_options, code_class_options_0_1, full_name);
SAME(vmprof_code_class_options, code_class_options_0_1, locate);
SAME(vmprof_code_class_options, code_class_options_0_1, user);
STILL_FITS(vmprof_code_class_options, code_class_options_0_1);

struct thread_options_0_1 {
    uint64_t size;
    uint64_t max_depth;
    const char *name;
};

SAME(vmprof_thread_options, thread_options_0_1, size);
SAME(vmprof_thread_options, thread_options_0_1, max_depth);
SAME(vmprof_thread_options, thread_options_0_1, name);
STILL_FITS(vmprof_thread_options, thread_options_0_1);

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
    uint32_t format;
    uint32_t log_parts;
    const void *main_loop;
    const void *main_loop_end;
    uint32_t jit_emits;
    uint32_t jit_inner;
    uint32_t jit_overflow;
    uint32_t jit_ring_size;
};

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
SAME(vmprof_options, options_0_1, format);
SAME(vmprof_options, options_0_1, log_parts);
SAME(vmprof_options, options_0_1, main_loop);
SAME(vmprof_options, options_0_1, main_loop_end);
SAME(vmprof_options, options_0_1, jit_emits);
SAME(vmprof_options, options_0_1, jit_inner);
SAME(vmprof_options, options_0_1, jit_overflow);
SAME(vmprof_options, options_0_1, jit_ring_size);
STILL_FITS(vmprof_options, options_0_1);

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
    uint64_t jit_events;
    uint64_t jit_events_lost;
};

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
SAME(vmprof_stats, stats_0_1, jit_events);
SAME(vmprof_stats, stats_0_1, jit_events_lost);
STILL_FITS(vmprof_stats, stats_0_1);

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
static_assert(VMPROF_FORMAT_NATIVE == 0 && VMPROF_FORMAT_LOG == 1 &&
                  VMPROF_LOG_MEMORY == 1 && VMPROF_LOG_LINES == 2 &&
                  VMPROF_LOG_TRACES == 4,
              "a format or a part of a log changed its value");
static_assert(VMPROF_NAME_SIZE == 1024, "buffers of callers have this size");

int
main(void)
{
    return 0;
}
