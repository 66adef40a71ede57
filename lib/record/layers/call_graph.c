/* SPDX-License-Identifier: MIT */

/* Who called whom, how often, and for how long. */

#include <errno.h>
#include <stdlib.h>

#include <vmprof/call_graph.h>

#include "../thread.h"
#include "frames.h"
#include "layers.h"

#define CALLS                                                                  \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |                                     \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RESUME) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_YIELD) |                                    \
     VMPROF_EVENT_BIT(VMPROF_EVENT_THROW_INTO) |                               \
     VMPROF_EVENT_BIT(VMPROF_EVENT_UNWIND) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_CALL) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RETURN) |                                 \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RAISE))

enum {
    SETTLE_NS = 50 * 1000 * 1000,
};

enum {
    OF_CALLS,
    OF_RESUMES,
    OF_SELF,
    OF_INCLUSIVE,
};

struct record {
    struct vmp_layer_record record;
    struct vmp_frames frames;
    uint64_t last_ns; /* when the last event was */
    uint64_t settled_ns;
};

static uint64_t
now_of(const struct vmprof_layer *layer)
{
    return layer->has_times ? vmp_now_ns(CLOCK_MONOTONIC) : 0;
}

static void
begin(struct vmp_layer_record *record)
{
    struct record *const own = (struct record *)record;

    own->last_ns = own->settled_ns = now_of(record->layer);
}

/* Of recursion the outermost call is timed. */
static void
start(struct vmp_frame *frame, uint64_t now_ns)
{
    frame->call.start_ns = now_ns;
    if (frame->call.edge)
        frame->call.edge->active++;
    if (frame->call.sum)
        frame->call.sum->active++;
}

static void
stop_entry(struct vmp_entry *entry, uint64_t time_ns)
{
    if (entry && !--entry->active)
        vmp_count(&entry->values[OF_INCLUSIVE], time_ns);
}

static void
stop(struct vmp_frame *frame, uint64_t now_ns)
{
    const uint64_t time_ns = now_ns - frame->call.start_ns;

    stop_entry(frame->call.edge, time_ns);
    stop_entry(frame->call.sum, time_ns);
}

/* At the time of the event in hand. */
static void
change(void *user, struct vmp_frame_stack *stack, bool is_asleep)
{
    const struct record *const record = user;

    for (uint32_t i = stack->count; is_asleep && i--;)
        stop(&stack->frames[i], record->last_ns);
    for (uint32_t i = 0; i < stack->count && !is_asleep; i++)
        start(&stack->frames[i], record->last_ns);
}

/* The innermost frame: of the stack, or of what resumed it. */
static struct vmp_frame *
top_of(const struct record *record, const struct vmp_frame_stack *stack)
{
    while (stack && !stack->count)
        stack = vmp_frames_below(&record->frames, stack);
    return stack ? &stack->frames[stack->count - 1] : NULL;
}

/* Time has passed for what ran. */
static void
pass(struct record *record, uint64_t now_ns)
{
    const struct vmp_frame *const top = top_of(record, record->frames.current);

    if (top && top->call.edge)
        vmp_count(&top->call.edge->values[OF_SELF], now_ns - record->last_ns);
    record->last_ns = now_ns;
}

/* A thread ends, and another may get the record. */
static void
end(struct vmp_layer_record *base)
{
    struct record *const record = (struct record *)base;

    const uint64_t now_ns = now_of(base->layer);

    pass(record, now_ns);
    for (struct vmp_frame_stack *s = record->frames.oldest; s; s = s->newer)
        if (!s->is_asleep)
            change(record, s, true);
    vmp_frames_free(&record->frames);
}

/* What runs for long is in the numbers before it ends. */
static void
settle_at(struct record *record, uint64_t now_ns)
{
    for (struct vmp_frame_stack *s = record->frames.current; s;
         s = vmp_frames_below(&record->frames, s)) {
        change(record, s, true);
        change(record, s, false);
    }
    record->settled_ns = now_ns;
}

static void
settle(struct vmp_layer_record *base)
{
    struct record *const record = (struct record *)base;
    const uint64_t now_ns = now_of(base->layer);

    pass(record, now_ns);
    settle_at(record, now_ns);
}

static void
enter(struct record *record, uint64_t code, const void *vm_frame,
      bool is_resume, uint64_t now_ns)
{
    struct vmp_tally *const tally = &record->record.tally;
    const struct vmp_frame *const caller =
        top_of(record, record->frames.current);
    struct vmp_entry *const edge =
        vmp_tally_at(tally, caller ? caller->code : 0, code);
    struct vmp_frame *frame;

    if (edge)
        vmp_count(&edge->values[is_resume ? OF_RESUMES : OF_CALLS], 1);
    frame = vmp_frames_push(record->frames.current, code, vm_frame);
    if (!frame) {
        atomic_fetch_add(&record->record.layer->budget.lost, 1);
        return;
    }
    frame->call.edge = edge;
    frame->call.sum = edge && record->record.layer->has_times
                          ? vmp_tally_at(tally, VMPROF_ANY_CALLER, code)
                          : NULL;
    start(frame, now_ns);
}

static void
leave(struct record *record, uint64_t code, const void *vm_frame,
      uint64_t now_ns)
{
    struct vmprof_layer *const layer = record->record.layer;
    struct vmp_frame_stack *const stack = record->frames.current;
    bool is_over;
    const uint32_t index = vmp_frames_leave(stack, code, vm_frame, &is_over);

    if (index == VMP_NO_FRAME) {
        if (!is_over)
            atomic_fetch_add(&layer->unmatched, 1);
        return;
    }
    if (stack->count - 1 > index)
        atomic_fetch_add(&layer->abandoned, stack->count - 1 - index);
    while (stack->count > index)
        stop(&stack->frames[--stack->count], now_ns);
}

static void
take(struct record *record, const struct vmprof_event *event, uint64_t now_ns)
{
    switch (event->kind) {
    case VMPROF_EVENT_CALL:
        enter(record, event->code, event->frame, false, now_ns);
        break;
    case VMPROF_EVENT_RESUME:
    case VMPROF_EVENT_THROW_INTO:
        enter(record, event->code, event->frame, true, now_ns);
        break;
    case VMPROF_EVENT_RETURN:
    case VMPROF_EVENT_YIELD:
    case VMPROF_EVENT_UNWIND:
        leave(record, event->code, event->frame, now_ns);
        break;
    case VMPROF_EVENT_C_CALL:
        if (event->callee)
            enter(record, event->callee, NULL, false, now_ns);
        break;
    case VMPROF_EVENT_C_RETURN:
    case VMPROF_EVENT_C_RAISE:
        if (event->callee)
            leave(record, event->callee, NULL, now_ns);
        break;
    }
}

static int
follow(void *user, struct vmprof_thread *thread,
       const struct vmprof_event *event)
{
    struct vmprof_layer *const layer = user;
    struct record *const record =
        (struct record *)vmp_layer_record(layer, thread);
    struct vmp_frame_stack *stack;
    uint64_t now_ns;

    if (!record)
        return VMPROF_EVENT_KEEP;
    now_ns = now_of(layer);
    stack = vmp_frames_stack(&record->frames, thread);
    if (!stack) {
        atomic_fetch_add(&layer->budget.lost, 1);
        return VMPROF_EVENT_KEEP;
    }
    pass(record, now_ns);
    if (stack != record->frames.current)
        vmp_frames_run_on(&record->frames, stack, change, record);
    if (now_ns - record->settled_ns > SETTLE_NS)
        settle_at(record, now_ns);
    take(record, event, now_ns);
    return VMPROF_EVENT_KEEP;
}

static const struct vmp_layer_kind kind = {
    .name = "vmprof call graph",
    .usual = CALLS,
    .possible = CALLS,
    .event = follow,
    .record_size = sizeof(struct record),
    .b_is_code = true,
    .begin = begin,
    .end = end,
    .settle = settle,
    .rows = &vmp_rows_calls,
};

int
vmprof_new_call_graph(const struct vmprof_layer_options *options,
                      struct vmprof_layer **out)
{
    return vmp_layer_new(&kind, options, out);
}

static int
by_callee_and_caller(const void *a, const void *b)
{
    const struct vmp_entry *const x = a, *const y = b;

    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    return (x->a > y->a) - (x->a < y->a);
}

/* The sum over all callers is a row if there are times, and else made here. */
static int
tell_sum(struct vmprof_call *sum, vmprof_call_function function, void *user)
{
    const struct vmprof_call told = *sum;

    *sum = (struct vmprof_call){ .caller = VMPROF_ANY_CALLER };
    return told.callee ? function(user, &told) : 0;
}

static int
tell(const struct vmp_entry *row, struct vmprof_call *sum,
     vmprof_call_function function, void *user)
{
    const struct vmprof_call call = {
        .caller = row->a,
        .callee = row->b,
        .calls = row->values[OF_CALLS],
        .resumes = row->values[OF_RESUMES],
        .self_ns = row->values[OF_SELF],
        .inclusive_ns = row->values[OF_INCLUSIVE],
    };
    int r = 0;

    if (row->b != sum->callee)
        r = tell_sum(sum, function, user);
    sum->callee = row->b;
    if (row->a == VMPROF_ANY_CALLER) {
        sum->inclusive_ns = call.inclusive_ns;
        return r;
    }
    sum->calls += call.calls;
    sum->resumes += call.resumes;
    sum->self_ns += call.self_ns;
    return r ? r : function(user, &call);
}

int
vmprof_each_call(struct vmprof_layer *layer, vmprof_call_function function,
                 void *user)
{
    struct vmprof_call sum = { .caller = VMPROF_ANY_CALLER };
    struct vmp_entry *rows;
    uint32_t count;
    int r = vmp_layer_rows(layer, &kind, by_callee_and_caller, &rows, &count);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = tell(&rows[i], &sum, function, user);
    if (r == 0)
        r = tell_sum(&sum, function, user);
    free(rows);
    return r;
}
