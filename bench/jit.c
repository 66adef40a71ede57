/* SPDX-License-Identifier: MIT */

/*
 * What an edge between traces costs, in C and in machine code: a loop that takes
 * one at each turn, against the same loop without, and with no more than a look
 * at the time stamp counter. Rounds are interleaved and short, and medians of
 * what neighbours show are shown. The events go to a flight recorder, so that no
 * writer takes part.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

#include "rounds.h"
#include "row.h"

enum {
    ROUNDS = 201,
    COUNT = 50000,
    CODE_SIZE = 4096,
};

typedef void
loop(struct vmprof_thread *thread, uint64_t count);

static __attribute__((noinline)) void
empty_in_c(struct vmprof_thread *thread, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        __asm__ volatile("" : : "r"(thread), "r"(i));
}

static __attribute__((noinline)) void
current_in_c(struct vmprof_thread *thread, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        vmprof_jit_jump(thread, 7, VMPROF_EMIT_CURRENT);
        __asm__ volatile("" : : "r"(thread), "r"(i));
    }
}

static __attribute__((noinline)) void
ticks_in_c(struct vmprof_thread *thread, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t ticks = vmprof_jit_ticks();

        __asm__ volatile("" : : "r"(thread), "r"(i), "r"(ticks));
    }
}

static __attribute__((noinline)) void
event_in_c(struct vmprof_thread *thread, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        vmprof_jit_jump(thread, 7, VMPROF_EMIT_EVENT);
        __asm__ volatile("" : : "r"(thread), "r"(i));
    }
}

static loop *empty_emitted, *ticks_emitted, *current_emitted, *event_emitted;

#if defined(__x86_64__)

/* A loop of rsi turns around some code, with the thread in rdi. */
static loop *
around(unsigned char **at, const void *body, size_t size)
{
    static const unsigned char end[] = { 0x48, 0xff, 0xce,          /* dec */
                                         0x0f, 0x85, 0,    0, 0, 0, /* jnz */
                                         0xc3 };
    unsigned char *const start = *at;
    const int32_t back = -(int32_t)(size + sizeof(end) - 1);
    loop *made;

    memcpy(start, body, size);
    memcpy(start + size, end, sizeof(end));
    memcpy(start + size + 5, &back, sizeof(back));
    *at += (size + sizeof(end) + 63) / 64 * 64;
    memcpy(&made, &start, sizeof(made));
    return made;
}

static loop *
around_edge(unsigned char **at, uint32_t emits)
{
    unsigned char code[VMPROF_EMIT_MOST];
    struct vmprof_emit emit;
    int length;

    vmprof_emit_init(&emit);
    emit.edge = VMPROF_EDGE_JUMP;
    emit.id = 7;
    emit.emits = emits;
    emit.base_register = 7;
    emit.scratch = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8;
    length = vmprof_emit_edge(&emit, code, sizeof(code));
    if (length <= 0)
        exit(1);
    return around(at, code, (size_t)length);
}

static bool
assemble(void)
{
    static const unsigned char rdtsc[] = { 0x0f, 0x31 };
    unsigned char *at =
        mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return false;
    empty_emitted = around(&at, rdtsc, 0);
    ticks_emitted = around(&at, rdtsc, sizeof(rdtsc));
    current_emitted = around_edge(&at, VMPROF_EMIT_CURRENT);
    event_emitted = around_edge(&at, VMPROF_EMIT_EVENT);
    return true;
}

#else

static bool
assemble(void)
{
    return false;
}

#endif

/* Of one turn. */
static double
measure(loop *run, struct vmprof_thread *thread)
{
    const double start = cpu_ns();

    run(thread, COUNT);
    return (cpu_ns() - start) / COUNT;
}

static void
show(const char *what, const char *unit, double *values, double budget,
     const char *baseline)
{
    char text[64], spread[64], limit[64];

    sort(values, ROUNDS);
    snprintf(text, sizeof(text), "%.3f %s", values[ROUNDS / 2], unit);
    snprintf(spread, sizeof(spread), "%.2f to %.2f", values[ROUNDS / 4],
             values[ROUNDS * 3 / 4]);
    snprintf(limit, sizeof(limit), "%.2f %s", budget, unit);
    printf("  %-36s %s  (%s; budget %s)\n", what, text, spread, limit);
    bench_row(what, text, spread, limit, baseline,
              values[ROUNDS / 2] <= budget);
}

/* One way to take edges. */
struct way {
    const char *current, *event;
    loop *empty, *ticks, *with_current, *with_event;
};

static void
compare_way(const struct way *way, struct vmprof_thread *thread)
{
    static double store[ROUNDS], ratio[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        const double empty = measure(way->empty, thread);
        double ticks;

        store[i] = measure(way->with_current, thread) - empty;
        ticks = measure(way->ticks, thread);
        ratio[i] = measure(way->with_event, thread) / ticks;
    }
    show(way->current, "ns", store, 0.5, "the empty loop");
    show(way->event, "x", ratio, 1.15, "a bare look at the counter");
}

int
main(void)
{
    struct vmprof_options options;
    struct vmprof_thread *thread;
    struct vmprof_stats stats;

    vmprof_options_init(&options);
    options.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    options.interval = 0.9;
    options.jit_emits = VMPROF_EMIT_EVENT;
    options.jit_overflow = VMPROF_JIT_OVERFLOW_NEWEST;
    if (vmprof_attach_thread(NULL, &thread) < 0 ||
        vmprof_enable_with(&options) < 0)
        return 1;
    printf("edges between traces, CPU time, medians of %d rounds\n", ROUNDS);
    compare_way(&(struct way){ "current trace, in C", "an event, in C",
                               empty_in_c, ticks_in_c, current_in_c,
                               event_in_c },
                thread);
    if (assemble())
        compare_way(&(struct way){ "current trace, machine code",
                                   "an event, machine code", empty_emitted,
                                   ticks_emitted, current_emitted,
                                   event_emitted },
                    thread);
    vmprof_stats_init(&stats);
    if (vmprof_disable_with(&stats) < 0 || !stats.jit_events)
        return 1;
    vmprof_detach_thread(thread);
    return 0;
}
