/* SPDX-License-Identifier: MIT */

/* A thread that samples itself at polls, and what it runs. */
#ifndef VMP_TESTS_POLLING_H
#define VMP_TESTS_POLLING_H

#include "format/format.h"
#include "profiled.h"
#include "record/thread.h"

static struct vmprof_thread *thread;
static vmprof_code_id often, rarely, native;

static inline uint64_t
cpu_now_ns(void)
{
    return vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline void
spin(unsigned count)
{
    for (volatile unsigned i = 0; i < count; i++)
        ;
}

/* Be in `code` for some CPU time; polling, unless there is no thread to. */
static inline void
run(vmprof_code_id code, unsigned us, unsigned spins,
    struct vmprof_thread *polling)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);
    const uint64_t end_ns = cpu_now_ns() + (uint64_t)us * 1000;

    do
        for (unsigned i = 0; i < 10000; i += spins) {
            spin(spins);
            vmprof_poll(polling);
        }
    while (cpu_now_ns() < end_ns);
    vmprof_execute_code_leave(thread, token);
}

static inline int
begin_on(enum vmprof_clock clock, double interval,
         enum vmprof_sampling sampling)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, interval);

    options.clock = clock;
    options.sampling = sampling;
    often = code_named("often");
    rarely = code_named("rarely");
    native = code_named("native");
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    return file;
}

static inline int
begin(double interval, enum vmprof_sampling sampling)
{
    return begin_on(VMPROF_CLOCK_AUTO, interval, sampling);
}

/* Nanoseconds in samples whose innermost frame is of `kind` and, unless 0, of
 * `code`. */
static inline double
time_in(const struct decoded *d, uint64_t code, uint64_t kind)
{
    uint64_t units = 0;

    for (size_t i = 0; i < d->sample_count; i++) {
        const struct decoded_node *node = &d->nodes[d->samples[i].node];
        const struct decoded_frame *frame = &d->frames[node->frame];

        if (frame->kind == kind && (!code || frame->code == code))
            units += d->samples[i].weight;
    }
    return (double)units * (double)d->session.number[4];
}

/* In the kernel for most of the time, or not. Returns the CPU time that it took. */
static inline uint64_t
call_native_for(vmprof_code_id code, unsigned us, unsigned spins)
{
    const uint64_t start_ns = cpu_now_ns();
    const vmprof_token token =
        vmprof_enter_kind(thread, code, VMPROF_KIND_NATIVE, NULL);

    while (cpu_now_ns() < start_ns + (uint64_t)us * 1000)
        spin(spins);
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
    vmprof_execute_code_leave(thread, token);
    return cpu_now_ns() - start_ns;
}

/* How much spinning takes so long: perf does not tick in a system call. */
static inline unsigned
spins_in(uint64_t ns)
{
    const unsigned tried = 100 * 1000;
    uint64_t least_ns = UINT64_MAX;

    for (unsigned i = 0; i < 20; i++) {
        const uint64_t start_ns = cpu_now_ns();

        spin(tried);
        if (cpu_now_ns() - start_ns < least_ns)
            least_ns = cpu_now_ns() - start_ns;
    }
    return (unsigned)(tried * ns / least_ns);
}

#endif
