/* SPDX-License-Identifier: MIT */

/* The library's own rungs, forced one by one, and what their files say. With
 * VMPROF_ACCURACY_FILE set, that is the file. */

#include "accuracy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "decode.h"

static int file = -1;

static int
enable(const struct plan *plan, enum vmprof_clock clock,
       enum vmprof_sampling sampling)
{
    const char *const kept = getenv("VMPROF_ACCURACY_FILE");
    struct vmprof_options options;

    file = kept ? open(kept, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
                : memfd_create("profile", MFD_CLOEXEC);
    if (file < 0)
        return -errno;
    vmprof_options_init(&options);
    options.fd = file;
    options.interval = (double)plan->interval_ns * 1e-9;
    options.clock = clock;
    options.sampling = sampling;
    return vmprof_enable_with(&options);
}

static int
start_perf(const struct plan *plan)
{
    return enable(plan, VMPROF_CLOCK_PERF, VMPROF_SAMPLING_SIGNAL);
}

static int
start_monotonic(const struct plan *plan)
{
    return enable(plan, VMPROF_CLOCK_MONOTONIC, VMPROF_SAMPLING_SIGNAL);
}

static int
start_cpu_timer(const struct plan *plan)
{
    return enable(plan, VMPROF_CLOCK_CPU_TIMER, VMPROF_SAMPLING_SIGNAL);
}

static int
start_observer(const struct plan *plan)
{
    return enable(plan, VMPROF_CLOCK_OBSERVER, VMPROF_SAMPLING_SIGNAL);
}

static int
start_polled(const struct plan *plan)
{
    return enable(plan, VMPROF_CLOCK_AUTO, VMPROF_SAMPLING_AUTO);
}

/* The function that a stack ends in: time in the kernel is that of who called
 * it, time between two polls nobody's. */
static enum function
function_of(const struct decoded *d, uint32_t node)
{
    enum {
        KIND_SYSTEM = 8,
    };

    for (; node; node = d->nodes[node].parent) {
        const struct decoded_frame *const frame =
            &d->frames[d->nodes[node].frame];
        if (frame->kind == VMPROF_KIND_CODE ||
            frame->kind == VMPROF_KIND_NATIVE)
            return function_named(decoded_name(d, frame->code));
        if (frame->kind != KIND_SYSTEM)
            break;
    }
    return FUNCTION_COUNT;
}

static void
add_sample(struct outcome *outcome, enum function function, double ns)
{
    outcome->samples++;
    outcome->squares += ns * ns;
    if (function == FUNCTION_COUNT)
        outcome->unknown_ns += (uint64_t)ns;
    else
        outcome->found_ns[function] += (uint64_t)ns;
}

/* By the threads of the file. */
static struct share *
sum_samples(const struct decoded *d, uint64_t unit)
{
    struct share *const shares = calloc(d->thread_count + 1, sizeof(*shares));

    if (!shares)
        abort();
    for (size_t i = 0; i < d->sample_count; i++) {
        struct share *const share = &shares[d->samples[i].thread];

        share->samples++;
        share->sampled_ns += d->samples[i].weight * unit;
    }
    return shares;
}

static void
sum_threads(const struct decoded *d, struct outcome *outcome)
{
    const uint64_t unit = d->session.number[4];
    struct share *const shares = sum_samples(d, unit);

    for (size_t i = 0; i < d->thread_count; i++) {
        const uint64_t *const field = d->threads[i].fields.number;
        const struct worker *const end = outcome->workers + outcome->count;

        outcome->profile_ns += field[10] * unit;
        for (struct worker *w = outcome->workers; w < end; w++)
            if (outcome->count <= MOST_THREADS && (uint64_t)w->tid == field[4])
                w->found = shares[i];
    }
    free(shares);
}

static int
stop_vmprof(const struct plan *plan, struct outcome *outcome)
{
    int r = vmprof_disable();
    struct decoded d;

    (void)plan;
    if (r < 0)
        return r;
    r = decode_fd(&d, file);
    close(file);
    if (r < 0) {
        fprintf(stderr, "accuracy: the profile cannot be read: %s\n", d.error);
        return -EBADMSG;
    }
    for (size_t i = 0; i < d.sample_count; i++)
        add_sample(outcome, function_of(&d, d.samples[i].node),
                   (double)(d.samples[i].weight * d.session.number[4]));
    sum_threads(&d, outcome);
    decoded_free(&d);
    return 0;
}

static const struct engine own[] = {
    { "perf", start_perf, stop_vmprof, NULL },
    { "monotonic", start_monotonic, stop_vmprof, NULL },
    { "cpu-timer", start_cpu_timer, stop_vmprof, NULL },
    { "observer", start_observer, stop_vmprof, NULL },
    { "polled", start_polled, stop_vmprof, NULL },
};

const struct engine *
find_engine(const char *name)
{
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (strcmp(own[i].name, name) == 0)
            return &own[i];
    return strcmp(gperftools.name, name) == 0 ? &gperftools : NULL;
}
