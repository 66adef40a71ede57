/* SPDX-License-Identifier: MIT */

/* Functions that use CPU time, and the truth about it: their thread's own CPU
 * clock, read whenever one begins or ends. */

#include "accuracy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define IN_SECTION(name) __attribute__((noinline, section(name)))

/* The linker's bounds of the sections that A and B are in. */
extern const char __start_function_a[], __stop_function_a[];
extern const char __start_function_b[], __stop_function_b[];

static const char *const names[FUNCTION_COUNT] = { "run", "a", "b" };
static vmprof_code_id codes[FUNCTION_COUNT];
static double spins_per_ns;

uint64_t
read_clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* It polls as a VM does in a loop; unless the engine samples at polls nothing
 * comes of it. */
static inline __attribute__((always_inline)) void
spin(struct vmprof_thread *thread, uint64_t count)
{
    for (uint64_t i = 0; i < count; i += 20) {
        for (unsigned j = 0; j < 20; j++)
            __asm__ volatile("" : "+r"(j));
        vmprof_poll(thread);
    }
}

/*
 * Reading that clock is a system call, which is no part of what the mix is about:
 * it is read once so much time has passed, and what is left in the end does not
 * matter, for what was true is measured. Not so much work, which a tick or a
 * slower core would make longer: a function that is to last for a part of the
 * profiler's interval would last longer for being sampled.
 */
static inline __attribute__((always_inline)) void
spin_until(struct vmprof_thread *thread, uint64_t now_ns, uint64_t end_ns)
{
    const uint64_t enough_ns = end_ns - (end_ns - now_ns) / 32;

    for (; now_ns < enough_ns;
         now_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID)) {
        const uint64_t left_ns = end_ns - now_ns,
                       start_ns = read_clock_ns(CLOCK_MONOTONIC);

        while (read_clock_ns(CLOCK_MONOTONIC) - start_ns < left_ns)
            spin(thread, (uint64_t)((double)left_ns * spins_per_ns / 32));
    }
}

static IN_SECTION("function_a") void burn_a(struct vmprof_thread *thread,
                                            uint64_t now_ns, uint64_t end_ns)
{
    spin_until(thread, now_ns, end_ns);
    __asm__ volatile("");
}

static IN_SECTION("function_b") void burn_b(struct vmprof_thread *thread,
                                            uint64_t now_ns, uint64_t end_ns)
{
    spin_until(thread, now_ns, end_ns);
    __asm__ volatile("");
}

static inline __attribute__((always_inline)) void
call_until(uint64_t end_ns)
{
    while (read_clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
        for (unsigned i = 0; i < 20; i++)
            getppid();
    __asm__ volatile("");
}

static IN_SECTION("function_a") void call_kernel_a(uint64_t end_ns)
{
    call_until(end_ns);
}

static IN_SECTION("function_b") void call_kernel_b(uint64_t end_ns)
{
    call_until(end_ns);
}

/* The fastest of a few: what it takes when nothing comes between. */
void
calibrate(void)
{
    const uint64_t count = 2000000;
    struct vmprof_code_class *functions;

    for (unsigned i = 0; i < 5; i++) {
        const uint64_t start_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
        double rate;

        spin(NULL, count);
        rate = (double)count /
               (double)(read_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns);
        if (rate > spins_per_ns)
            spins_per_ns = rate;
    }
    if (vmprof_register_code_class("known", NULL, &functions) < 0)
        abort();
    for (unsigned i = 0; i < FUNCTION_COUNT; i++) {
        char name[64];

        snprintf(name, sizeof(name), "known:%s:0:", names[i]);
        if (vmprof_register_code(functions, NULL, name, &codes[i]) < 0)
            abort();
    }
}

/* It says what the scheduler has counted, which does so when the clock is read. */
static uint64_t
rusage_ns(void)
{
    struct rusage used;

    (void)read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    getrusage(RUSAGE_THREAD, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
               1000000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

static void
switch_to(struct worker *worker, enum function next)
{
    const uint64_t now_ns = read_clock_ns(CLOCK_THREAD_CPUTIME_ID);

    worker->truth_ns[worker->current] += now_ns - worker->since_ns;
    worker->since_ns = now_ns;
    worker->current = next;
}

void
worker_begin(struct worker *worker)
{
    worker->most_rusage_ns = rusage_ns();
    if (vmprof_attach_thread(NULL, &worker->vmprof) < 0)
        abort();
    worker->tid = gettid();
    worker->rusage_ns = rusage_ns();
    worker->begun_ns = worker->since_ns =
        read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    worker->current = FUNCTION_RUN;
    (void)vmprof_execute_code_enter(worker->vmprof, codes[FUNCTION_RUN], NULL);
}

void
worker_end(struct worker *worker)
{
    switch_to(worker, FUNCTION_RUN);
    worker->rusage_ns = rusage_ns() - worker->rusage_ns;
    vmprof_detach_thread(worker->vmprof);
    worker->most_rusage_ns = rusage_ns() - worker->most_rusage_ns;
}

vmprof_token
begin_native(struct worker *worker, enum function function)
{
    vmprof_poll(worker->vmprof);
    return vmprof_enter_kind(worker->vmprof, codes[function],
                             VMPROF_KIND_NATIVE, NULL);
}

void
end_native(struct worker *worker, vmprof_token token)
{
    worker->vmprof->poll_countdown =
        vmprof_poll_expired(worker->vmprof, worker->vmprof->poll_countdown);
    vmprof_execute_code_leave(worker->vmprof, token);
}

void
burn(struct worker *worker, enum function function, uint64_t ns)
{
    vmprof_token token;

    vmprof_poll(worker->vmprof);
    token = vmprof_execute_code_enter(worker->vmprof, codes[function], NULL);
    switch_to(worker, function);
    (function == FUNCTION_A ? burn_a : burn_b)(worker->vmprof, worker->since_ns,
                                               worker->since_ns + ns);
    vmprof_poll(worker->vmprof);
    vmprof_execute_code_leave(worker->vmprof, token);
    switch_to(worker, FUNCTION_RUN);
}

void
call_kernel(struct worker *worker, enum function function, uint64_t ns)
{
    const vmprof_token token = begin_native(worker, function);

    switch_to(worker, function);
    (function == FUNCTION_A ? call_kernel_a
                            : call_kernel_b)(worker->since_ns + ns);
    end_native(worker, token);
    switch_to(worker, FUNCTION_RUN);
}

static bool
is_between(uintptr_t address, const char *start, const char *stop)
{
    return address >= (uintptr_t)start && address < (uintptr_t)stop;
}

enum function
function_at(uintptr_t address)
{
    if (is_between(address, __start_function_a, __stop_function_a))
        return FUNCTION_A;
    if (is_between(address, __start_function_b, __stop_function_b))
        return FUNCTION_B;
    return FUNCTION_COUNT;
}

enum function
function_named(const char *full_name)
{
    for (unsigned i = 0; full_name && i < FUNCTION_COUNT; i++) {
        const size_t length = strlen(names[i]);

        if (strncmp(full_name, "known:", 6) == 0 &&
            strncmp(full_name + 6, names[i], length) == 0 &&
            full_name[6 + length] == ':')
            return (enum function)i;
    }
    return FUNCTION_COUNT;
}
