/* SPDX-License-Identifier: MIT */

/* From ticks to time, by the marks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "native_events.h"
#include "store.h"

enum {
    EDGE_MASK = 7,
    EDGE_BITS = 3,
};

/* From a mark to the next. */
struct stretch {
    struct mark from, to;
    uint32_t count; /* of events in it */
};

static double
rate_of(const struct stretch *stretch)
{
    const int64_t ticks = (int64_t)(stretch->to.ticks - stretch->from.ticks);
    const int64_t ns = (int64_t)(stretch->to.ns - stretch->from.ns);

    return ticks > 0 && ns > 0 ? (double)ns / (double)ticks : 0;
}

static double
clamp(double value)
{
    return value > 0 ? value : 0;
}

/* Files may claim more than a number holds. */
static uint64_t
whole_ns(double ns)
{
    return ns >= 9e18 ? (uint64_t)9e18 : (uint64_t)clamp(ns);
}

static struct raw_event *
waiting(struct native_event_thread *thread, uint32_t number)
{
    return &thread->waiting[thread->first + number];
}

/* The lengths of what lies between events, and their sum. */
static double
measure(struct native_event_thread *thread, const struct stretch *stretch,
        double rate)
{
    uint64_t before = stretch->from.ticks;
    double sum = 0;

    for (uint32_t i = 0; i <= stretch->count; i++) {
        const uint64_t ticks =
            i < stretch->count ? waiting(thread, i)->ticks : stretch->to.ticks;
        const int64_t passed = (int64_t)(ticks - before);

        thread->lengths[i] = clamp((double)passed * rate);
        sum += thread->lengths[i];
        if (passed > 0)
            before = ticks;
    }
    return sum;
}

/* What the CPU clock lacks. A mark's clocks are looked at one after another: what
   one of them was late by is lacking before it, and too much behind it. */
static double
time_off(struct native_event_thread *thread, const struct stretch *stretch)
{
    const int64_t ns = (int64_t)(stretch->to.ns - stretch->from.ns);
    const int64_t cpu_ns = (int64_t)(stretch->to.cpu_ns - stretch->from.cpu_ns);
    const double off = (double)(ns - cpu_ns) - thread->owed_ns;

    if (cpu_ns < 0)
        return 0;
    thread->owed_ns = clamp(-off);
    return clamp(off);
}

static int
send(struct native *native, const struct jit_event *event)
{
    const struct read_options *options = &native->options;

    if (options->on_event)
        native->stopped = options->on_event(options->event_user,
                                            &native->profile->traces, event);
    return native->stopped ? -ECANCELED : 0;
}

/* An exit says which guard failed, or else which trace was left. */
static int
name_trace(struct native *native, uint32_t session, uint64_t id,
           struct jit_event *event)
{
    int64_t index;

    if (event->kind == JIT_EXIT)
        event->guard = native_find_guard(native, session, id);
    if (event->guard) {
        event->trace = native->profile->traces.guards[event->guard].trace;
        return 0;
    }
    index = native_find_trace(native, session, id);
    if (index < 0)
        return -ENOMEM;
    event->trace = (uint32_t)index;
    /* It may be a guard's that is not known: then it is left, whichever. */
    if (index && !native->jit.traces[index].described) {
        native->profile->traces.damage.unmatched++;
        if (event->kind == JIT_EXIT)
            event->trace = 0;
    }
    return 0;
}

/* From the last event on, whatever marks came since, nothing is known. */
static int
send_loss(struct native *native, const struct native_event_thread *thread,
          uint64_t lost)
{
    const struct jit_event event = {
        .time = thread->last_run_ns,
        .at_ns = thread->last_at_ns,
        .thread = thread->thread,
        .kind = JIT_LOST,
        .lost = lost,
    };

    return send(native, &event);
}

static int
send_event(struct native *native, struct native_event_thread *thread,
           const struct raw_event *raw, uint64_t run_ns, uint64_t at_ns)
{
    static const uint8_t kinds[] = {
        [EDGE_ENTER] = JIT_ENTER,   [EDGE_JUMP] = JIT_JUMP,
        [EDGE_EXIT] = JIT_EXIT,     [EDGE_CALL] = JIT_CALL,
        [EDGE_RETURN] = JIT_RETURN,
    };
    const uint32_t edge = raw->id_edge & EDGE_MASK;
    struct jit_event event = {
        .time = run_ns,
        .at_ns = at_ns,
        .ticks = raw->ticks,
        .thread = thread->thread,
        .kind = kinds[edge % (sizeof(kinds) / sizeof(*kinds))],
    };

    if (edge == EDGE_LOST)
        return send_loss(native, thread, raw->id_edge >> EDGE_BITS);
    native->profile->traces.event_count++;
    thread->last_run_ns = run_ns;
    thread->last_at_ns = at_ns;
    if (name_trace(native, thread->session, raw->id_edge >> EDGE_BITS, &event))
        return -ENOMEM;
    return send(native, &event);
}

static void
saw_length(struct native *native, uint64_t ns)
{
    struct traces *traces = &native->profile->traces;

    if (ns && (!traces->shortest_ns || ns < traces->shortest_ns))
        traces->shortest_ns = ns;
}

/* `at_ns` of the first mark may lie behind what came before it. */
static uint64_t
time_at(const struct stretch *stretch, uint64_t ticks, double rate)
{
    const double since = (double)(int64_t)(ticks - stretch->from.ticks) * rate;
    const double at = (double)stretch->from.ns + since;

    return whole_ns(at);
}

/* Seldom, so that each is moved once on the average. */
static void
move_to_front(struct native_event_thread *thread)
{
    const uint32_t left = thread->count - thread->first;

    if (left > thread->first)
        return;
    if (left)
        memmove(thread->waiting, thread->waiting + thread->first,
                left * sizeof(*thread->waiting));
    thread->first = 0;
    thread->count = left;
}

static int
send_stretch(struct native *native, struct native_event_thread *thread,
             const struct stretch *stretch, double rate)
{
    int result = 0;

    for (uint32_t i = 0; i < stretch->count && !result; i++) {
        const struct raw_event *raw = waiting(thread, i);
        const uint64_t before = whole_ns(thread->run_ns);

        thread->run_ns += thread->lengths[i];
        if (i)
            saw_length(native, whole_ns(thread->run_ns) - before);
        result = send_event(native, thread, raw, whole_ns(thread->run_ns),
                            time_at(stretch, raw->ticks, rate));
    }
    thread->run_ns += thread->lengths[stretch->count];
    thread->first += stretch->count;
    move_to_front(thread);
    return result;
}

/* It interprets until its first event, unless something is missing there. */
static int
start(struct native *native, struct native_event_thread *thread,
      const struct mark *mark)
{
    const struct jit_event event = {
        .at_ns = mark->ns,
        .thread = thread->thread,
        .kind = JIT_START,
    };

    return send(native, &event);
}

/* How many wait that are not behind a mark. */
static uint32_t
count_before(const struct native_event_thread *thread, uint64_t ticks)
{
    uint32_t count = 0;

    while (thread->first + count < thread->count &&
           (int64_t)(thread->waiting[thread->first + count].ticks - ticks) <= 0)
        count++;
    return count;
}

/* One more than there are events. */
static bool
make_room(struct native_event_thread *thread, uint32_t count)
{
    uint32_t capacity = thread->length_capacity;
    double *lengths, *excess;

    if (count < capacity)
        return true;
    while (capacity <= count)
        capacity = capacity ? capacity * 2 : 64;
    lengths = reallocarray(thread->lengths, capacity, sizeof(*lengths));
    if (lengths)
        thread->lengths = lengths;
    excess = reallocarray(thread->excess, capacity, sizeof(*excess));
    if (excess)
        thread->excess = excess;
    if (!lengths || !excess)
        return false;
    thread->length_capacity = capacity;
    return true;
}

static int
pass_stretch(struct native *native, struct native_event_thread *thread,
             struct stretch *stretch)
{
    double rate = rate_of(stretch), sum, off;

    if (rate > 0)
        native->jit.ns_per_tick = rate;
    else
        rate = native->jit.ns_per_tick;
    if (rate <= 0)
        native->profile->traces.damage.untimed += stretch->count;
    if (!make_room(thread, stretch->count))
        return -ENOMEM;
    sum = measure(thread, stretch, rate);
    off = native_event_waits(native, thread, stretch->count, sum,
                             time_off(thread, stretch));
    if (off < 0)
        return -ENOMEM;
    native->profile->traces.off_cpu_ns += whole_ns(off);
    return send_stretch(native, thread, stretch, rate);
}

int
native_event_mark(struct native *native, struct native_event_thread *thread,
                  const struct mark *mark)
{
    struct stretch stretch = { .from = thread->mark, .to = *mark };
    int result;

    native_saw_time(native, thread->session, mark->ns);
    if (!thread->has_mark) {
        thread->mark = *mark;
        thread->has_mark = true;
        thread->last_at_ns = mark->ns;
        return start(native, thread, mark);
    }
    /* The same, or one from before: it tells nothing. */
    if ((int64_t)(mark->ticks - thread->mark.ticks) <= 0)
        return 0;
    stretch.count = count_before(thread, mark->ticks);
    result = pass_stretch(native, thread, &stretch);
    thread->mark = *mark;
    return result;
}

/* How long it ran after the last mark only its last event can tell. */
int
native_event_flush(struct native *native, struct native_event_thread *thread)
{
    struct stretch rest = {
        .from = thread->mark,
        .to = thread->mark,
        .count = thread->count - thread->first,
    };
    int result;

    if (!rest.count)
        return 0;
    rest.to.ticks = thread->waiting[thread->count - 1].ticks;
    result = pass_stretch(native, thread, &rest);
    rest.to.ns = time_at(&rest, rest.to.ticks, native->jit.ns_per_tick);
    rest.to.cpu_ns += rest.to.ns - rest.from.ns;
    if ((int64_t)(rest.to.ticks - rest.from.ticks) > 0)
        thread->mark = rest.to;
    return result;
}

int
native_event_end(struct native *native, struct native_event_thread *thread)
{
    const int result = native_event_flush(native, thread);
    const struct jit_event event = {
        .time = whole_ns(thread->run_ns),
        .at_ns = thread->mark.ns,
        .thread = thread->thread,
        .kind = JIT_END,
    };

    return result ? result : send(native, &event);
}
