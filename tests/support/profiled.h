/* SPDX-License-Identifier: MIT */

/* A session into a file in memory, and what it held in the end. */
#ifndef PROFILED_H
#define PROFILED_H

#include <sys/mman.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

#include "decode.h"
#include "isolate.h"

static inline struct vmprof_options
profile_options(int file, double interval)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.fd = file;
    options.interval = interval;
    return options;
}

static inline int
profile_file(void)
{
    const int file = memfd_create("profile", MFD_CLOEXEC);

    require(file >= 0);
    return file;
}

static inline struct vmprof_stats
profile_stats(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    require(vmprof_get_stats(&stats) == 0);
    return stats;
}

/* Time that no sample was taken of: in the kernel, or between polls. */
static inline bool
is_gap(const struct decoded *d, const struct decoded_sample *sample)
{
    const uint64_t kind = d->frames[d->nodes[sample->node].frame].kind;

    return kind == 8 || kind == 9;
}

static inline size_t
taken_samples(const struct decoded *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->sample_count; i++)
        count += !is_gap(d, &d->samples[i]);
    return count;
}

/* Every expiration is a sample, a loss, or one in a system call, and every
 * sample is in the file. */
static inline void
require_that_accounts_balance(const struct decoded *d)
{
    const struct vmprof_stats s = profile_stats();

    const uint64_t lost = s.lost_ring_full + s.lost_busy + s.lost_switching +
                          s.lost_walker + s.lost_overrun;

    if (s.expirations != s.samples + lost + s.system_ticks)
        dprintf(2,
                "%llu expirations, %llu samples, lost: full %llu busy %llu "
                "switching %llu walker %llu overrun %llu, system %llu\n",
                (unsigned long long)s.expirations,
                (unsigned long long)s.samples,
                (unsigned long long)s.lost_ring_full,
                (unsigned long long)s.lost_busy,
                (unsigned long long)s.lost_switching,
                (unsigned long long)s.lost_walker,
                (unsigned long long)s.lost_overrun,
                (unsigned long long)s.system_ticks);
    require(s.expirations == s.samples + lost + s.system_ticks);
    require(!s.enabled);
    require(s.samples == s.samples_written + s.samples_unwritten);
    require(s.samples_written == taken_samples(d));
    require(d->stats.number[4] == s.expirations);
    require(d->stats.number[6] == s.samples);
    require(d->stats.number[8] == s.lost_ring_full);
    require(d->stats.number[10] == s.lost_busy);
    require(d->stats.number[12] == s.lost_switching);
    require(d->stats.number[14] == s.lost_walker);
    require(d->stats.number[26] == s.sampled_ns);
    require(d->stats.number[32] == s.held_back);
    require(d->stats.number[34] == s.system_ticks);
    require(d->stats.number[40] == s.clock_retries);
    require(d->stats.number[42] == s.lost_overrun);
}

/* Disable and read back; the file is closed. */
static inline void
finish_profile(int file, struct decoded *d)
{
    require(vmprof_disable() == 0);
    require(decode_fd(d, file) == 0);
    require(d->ended);
    require_that_accounts_balance(d);
    close(file);
}

/* The same, where only that it can be read is of interest. */
static inline void
end_profile(int file)
{
    struct decoded d;

    finish_profile(file, &d);
    decoded_free(&d);
}

/* A code named "t:NAME:1:". */
static inline vmprof_code_id
code_named(const char *name)
{
    static struct vmprof_code_class *plain;
    char full[200];
    vmprof_code_id id;

    if (!plain)
        require(vmprof_register_code_class("t", NULL, &plain) == 0);
    snprintf(full, sizeof(full), "t:%s:1:", name);
    require(vmprof_register_code(plain, NULL, full, &id) == 0);
    return id;
}

static inline uint64_t
total_weight(const struct decoded *d, uint32_t thread)
{
    uint64_t total = 0;

    for (size_t i = 0; i < d->sample_count; i++)
        if (d->samples[i].thread == thread)
            total += d->samples[i].weight;
    return total;
}

/* What a thread has lived and used so far, in nanoseconds. */
struct lived {
    uint64_t wall_ns, cpu_ns;
};

static inline struct lived
lived_so_far(void)
{
    struct timespec wall, cpu;

    clock_gettime(CLOCK_MONOTONIC, &wall);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (struct lived){
        .wall_ns = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec,
        .cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec,
    };
}

/* A profile in wall mode has all that the thread lived between the two, which
 * the session began before and ended after. */
static inline void
require_all_that_was_lived(const struct decoded *d, struct lived from,
                           struct lived to, uint64_t interval_ns)
{
    const uint64_t unit_ns = d->session.number[4];
    uint64_t off_cpu_ns = 0, total_ns = 0;

    for (size_t i = 0; i < d->sample_count; i++) {
        total_ns += d->samples[i].weight * unit_ns;
        if (d->samples[i].state & 1)
            off_cpu_ns += d->samples[i].weight * unit_ns;
    }
    /* Less than an interval at the end is nobody's. */
    require(total_ns + 5 * interval_ns >= to.wall_ns - from.wall_ns);
    require(total_ns <= (d->end_time + 100) * unit_ns);
    require(total_ns - off_cpu_ns + 5 * interval_ns >= to.cpu_ns - from.cpu_ns);
}

/* Does not return before the CPU time of the calling thread has grown; rarely
 * in the kernel, where no clock of ours ticks. */
static inline void
burn_cpu_ms(unsigned ms)
{
    struct timespec now;
    int64_t end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    end =
        (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + (int64_t)ms * 1000000;
    do {
        for (volatile unsigned i = 0; i < 20000; i++)
            ;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec < end);
}

#endif
