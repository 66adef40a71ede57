/* SPDX-License-Identifier: MIT */

/*
 * What cooperative sampling costs a loop that polls, at several rates, against
 * the same loop while nothing is sampled, and what the poll costs that loop then.
 * Rounds are interleaved and short, and medians of the ratios of neighbours are
 * shown, so that what disturbs the machine disturbs all.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

#include "rounds.h"

enum {
    ROUNDS = 61,
    RUN_NS = 25 * 1000 * 1000,
    RUNS_BEFORE = 3, /* until the clock beside the polls rests */
    DEPTH = 12,
};

/* About 20 ns, as a few bytecodes take. */
static inline uint64_t
work(uint64_t x)
{
    for (unsigned i = 0; i < 12; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

static __attribute__((noinline)) uint64_t
loop_without(struct vmprof_thread *thread, uint64_t count)
{
    uint64_t x = (uintptr_t)thread;

    for (uint64_t i = 0; i < count; i++)
        x = work(x);
    return x;
}

static __attribute__((noinline)) uint64_t
loop_polling(struct vmprof_thread *thread, uint64_t count)
{
    int64_t countdown = thread->poll_countdown;
    uint64_t x = (uintptr_t)thread;

    for (uint64_t i = 0; i < count; i++) {
        x = work(x);
        countdown = vmprof_poll_counted(thread, countdown);
    }
    thread->poll_countdown = countdown;
    return x;
}

typedef uint64_t
loop(struct vmprof_thread *thread, uint64_t count);

static double
measure(loop *run, struct vmprof_thread *thread, uint64_t count)
{
    const double start = cpu_ns();
    volatile uint64_t kept = run(thread, count);

    (void)kept;
    return cpu_ns() - start;
}

/* The time of one loop while sampled over that while nothing is. */
static void
compare_rate(struct vmprof_thread *thread, uint64_t count, double rate,
             double budget)
{
    static double ratios[ROUNDS];
    struct vmprof_stats stats;
    uint64_t samples = 0, polled = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        const double idle = measure(loop_polling, thread, count);

        if (fd < 0 || vmprof_enable(fd, 1 / rate) < 0)
            exit(1);
        measure(loop_polling, thread, count * RUNS_BEFORE);
        ratios[i] = measure(loop_polling, thread, count) / idle;
        vmprof_disable();
        close(fd);
        vmprof_stats_init(&stats);
        if (vmprof_get_stats(&stats) < 0)
            exit(1);
        samples += stats.samples;
        polled += stats.polled;
    }
    printf("  %6.0f Hz  %.4f x  (budget %.3f; %llu samples, %llu polled)\n",
           rate, median(ratios, ROUNDS), budget, (unsigned long long)samples,
           (unsigned long long)polled);
}

int
main(void)
{
    static double ratios[ROUNDS];
    struct vmprof_thread *thread;
    uint64_t count = 100000;

    if (vmprof_attach_thread(NULL, &thread) < 0)
        return 1;
    for (unsigned i = 0; i < DEPTH; i++)
        (void)vmprof_execute_code_enter(thread, 0, NULL);
    count = (uint64_t)((double)count * RUN_NS /
                       measure(loop_without, thread, count));
    for (unsigned i = 0; i < ROUNDS; i++) {
        const double without = measure(loop_without, thread, count);
        ratios[i] = measure(loop_polling, thread, count) / without;
    }
    printf(
        "a loop that polls, %.1f ns a turn, CPU time, medians of %d rounds\n",
        measure(loop_without, thread, count) / (double)count, ROUNDS);
    printf("  polls, nothing sampled, over none  %.4f x\n",
           median(ratios, ROUNDS));
    puts("sampled at polls, stack 12 deep, over nothing sampled:");
    compare_rate(thread, count, 1000, 1.005);
    compare_rate(thread, count, 10000, 1.01);
    compare_rate(thread, count, 100000, 1.03);
    vmprof_detach_thread(thread);
    return 0;
}
