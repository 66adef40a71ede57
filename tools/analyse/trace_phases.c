/* SPDX-License-Identifier: MIT */

#include "trace_phases.h"

#include <errno.h>
#include <stdlib.h>
#include <vmprof/sampler.h>
#include <vmprof/stack.h>

#include "../read/store.h"

/* What a thread does between two events. */
struct phase_thread {
    uint64_t last_ns, last_at_ns;
    uint32_t calls; /* that go on */
    bool known, compiled;
};

static struct phase_thread *
find_thread(struct trace_phases *phases, uint32_t index)
{
    while (index >= phases->thread_capacity) {
        const uint32_t had = phases->thread_capacity;

        if (grow_array((void **)&phases->threads, &phases->thread_capacity, had,
                       sizeof(*phases->threads)))
            return NULL;
        for (uint32_t i = had; i < phases->thread_capacity; i++)
            phases->threads[i] = (struct phase_thread){ 0 };
    }
    return &phases->threads[index];
}

/* All sessions are shown from the start of the first. */
static uint64_t
offset_of(const struct profile *profile, uint32_t thread)
{
    const uint64_t first = profile->sessions[0].monotonic_ns;
    const uint64_t own =
        profile->sessions[profile->threads[thread].session].monotonic_ns;

    return own > first ? own - first : 0;
}

static void
change_state(const struct trace_phases *phases, struct phase_thread *thread,
             uint8_t kind)
{
    const bool nests = phases->call == CALL_NEST;

    switch (kind) {
    case JIT_ENTER:
    case JIT_JUMP:
    case JIT_EXIT:
        thread->known = true;
        thread->compiled = kind != JIT_EXIT || (!nests && thread->calls);
        break;
    case JIT_CALL:
        thread->calls++;
        thread->compiled = !nests;
        break;
    case JIT_RETURN:
        thread->calls -= thread->calls > 0;
        thread->compiled = true;
        break;
    case JIT_LOST:
        thread->known = false;
        thread->calls = 0;
        break;
    case JIT_START:
        thread->known = true;
        break;
    }
}

int
trace_phases_event(struct trace_phases *phases, const struct profile *profile,
                   const struct jit_event *event)
{
    struct phase_thread *thread = find_thread(phases, event->thread);
    const uint64_t offset = offset_of(profile, event->thread);
    uint64_t passed;
    uint32_t phase;

    if (!thread)
        return -ENOMEM;
    passed = event->time > thread->last_ns ? event->time - thread->last_ns : 0;
    phase =
        thread->compiled ? VMPROF_PHASE_COMPILED : VMPROF_PHASE_INTERPRETING;
    if (thread->known) {
        phases->events_ns[phase] += passed;
        timeline_add(&phases->by_events, phase, thread->last_at_ns + offset,
                     event->at_ns + offset, passed);
    }
    thread->last_ns = event->time;
    thread->last_at_ns = event->at_ns;
    change_state(phases, thread, event->kind);
    return 0;
}

/* A VM that only says which trace runs has all its samples interpret; and
 * native functions that compiled code calls are its own time by events, too. */
static uint32_t
phase_of(const struct profile *profile, uint32_t node, uint32_t phase)
{
    const struct frame *frame;

    if (phase != VMPROF_PHASE_INTERPRETING && phase != VMPROF_PHASE_NATIVE)
        return phase;
    for (; node; node = profile->nodes[node].parent) {
        frame = &profile->frames[profile->nodes[node].frame];
        if (frame->trace)
            return VMPROF_PHASE_COMPILED;
        if (frame->kind == VMPROF_KIND_CODE ||
            frame->kind == VMPROF_KIND_BLACKHOLE)
            break;
    }
    return phase;
}

void
trace_phases_batch(struct trace_phases *phases, const struct profile *profile,
                   const struct batch *batch)
{
    const uint64_t offset = offset_of(profile, batch->thread);

    for (uint32_t i = 0; i < batch->count; i++) {
        const uint64_t weight = batch->weights_ns[i];
        const uint32_t phase =
            phase_of(profile, batch->nodes[i], batch->phases[i]);
        uint64_t to;

        if (batch->states[i] & SAMPLE_OFF_CPU || phase >= PHASE_COUNT)
            continue;
        phases->samples_ns[phase] += weight;
        if (!batch->times_ns)
            continue;
        to = batch->times_ns[i] + offset;
        timeline_add(&phases->by_samples, phase, to > weight ? to - weight : 0,
                     to, weight);
    }
}

void
trace_phases_free(struct trace_phases *phases)
{
    free(phases->threads);
    *phases = (struct trace_phases){ 0 };
}
