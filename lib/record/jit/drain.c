/* SPDX-License-Identifier: MIT */

#include "drain.h"

#include <stdlib.h>
#include <string.h>

#include "../../format/format.h"
#include "../../os/clock.h"

enum {
    TIME_BITS = 64 - VMPROF_RECORD_TIME_SHIFT,
    MARK_EVERY_NS = 20 * 1000 * 1000,
    MOST_MARKS =
        4096, /* of a ring that keeps the newest, but for rare events */
    FIRST_MARKS = 16,
    LONGEST_LOOK_NS = 10 * 1000, /* at the clocks, which takes one or two */
    MOST_LOOKS = 8,
};

/* A thread may be stopped between reading the time and appending; for as long
 * an event may seem to come before the mark that it follows. */
static const uint64_t MOST_LATE = (uint64_t)1 << (TIME_BITS - 2);

/* Ticks between two marks with which the time of an event is certain. */
static const uint64_t FARTHEST = (uint64_t)1 << (TIME_BITS - 1);

static uint64_t
greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
since_start(const struct vmp_jit_drain *drain, uint64_t time_ns)
{
    return time_ns > drain->start_ns ? time_ns - drain->start_ns : 0;
}

/* Twice the room, or less marks where they are close together. */
static bool
make_room(struct vmp_jit *jit)
{
    const size_t room = jit->mark_room ? jit->mark_room * 2 : FIRST_MARKS;
    struct vmp_mark *const grown =
        realloc(jit->marks, room * sizeof(*jit->marks));

    if (!grown)
        return false;
    jit->marks = grown;
    jit->mark_room = room;
    return true;
}

/* Leave out every other mark, as far as times are still certain. */
static void
thin(struct vmp_jit *jit, bool at_any_price)
{
    size_t kept = 1;

    for (size_t i = 1; i < jit->mark_count; i++) {
        const bool is_needed =
            i + 1 == jit->mark_count || i % 2 == 0 ||
            (!at_any_price &&
             jit->marks[i + 1].ticks - jit->marks[kept - 1].ticks >=
                 FARTHEST / 2);

        if (is_needed)
            jit->marks[kept++] = jit->marks[i];
    }
    jit->mark_count = kept;
}

/* Whether the last mark is as good a little later: nothing happened before it,
 * or it is not long since the one before. */
static bool
is_replaceable(const struct vmp_jit *jit, const struct vmp_mark *mark)
{
    const struct vmp_mark *last;

    if (jit->mark_count < 2)
        return false;
    last = &jit->marks[jit->mark_count - 1];
    return (last->index == mark->index && last[-1].index == mark->index) ||
           mark->ns - last[-1].ns < MARK_EVERY_NS;
}

static void
add_mark(struct vmp_jit *jit, const struct vmp_mark *mark)
{
    if (is_replaceable(jit, mark)) {
        jit->marks[jit->mark_count - 1] = *mark;
        return;
    }
    if (jit->mark_count >= MOST_MARKS && jit->mark_count == jit->mark_room)
        thin(jit, false);
    if (jit->mark_count == jit->mark_room && !make_room(jit)) {
        if (jit->mark_count < 4)
            return;
        thin(jit, true);
    }
    jit->marks[jit->mark_count++] = *mark;
}

/* The session is new to the ring. */
static void
begin(struct vmp_jit_drain *drain, struct vmp_jit *jit)
{
    struct vmp_mark start = jit->start;

    jit->taken_session = drain->session;
    jit->written = 0;
    jit->mark_count = 0;
    /* Whatever the index is when the thread joins. */
    start.index = 0;
    start.ns = since_start(drain, start.ns);
    add_mark(jit, &start);
}

/* All three of one moment: who is preempted between them looks again. */
static void
look_at_clocks(struct vmp_mark *mark, pid_t tid, uint64_t cpu_ns)
{
    uint64_t shortest_ns = UINT64_MAX;

    for (int i = 0; i < MOST_LOOKS && shortest_ns > LONGEST_LOOK_NS; i++) {
        struct vmp_mark look = { .ns = vmp_now_ns(CLOCK_MONOTONIC) };
        uint64_t passed_ns;

        look.ticks = vmprof_jit_ticks();
        look.cpu_ns = cpu_ns ? cpu_ns : vmp_thread_cpu_ns(tid);
        passed_ns = vmp_now_ns(CLOCK_MONOTONIC) - look.ns;
        if (passed_ns >= shortest_ns)
            continue;
        shortest_ns = passed_ns;
        mark->ticks = look.ticks;
        mark->ns = look.ns;
        mark->cpu_ns = look.cpu_ns;
    }
}

void
vmp_jit_mark(struct vmp_jit_drain *drain, struct vmp_jit *jit, pid_t tid,
             uint64_t cpu_ns)
{
    /* Pairs with the release in the thread's begin(). */
    const bool has_joined = atomic_load(&jit->joined) == drain->session;
    struct vmp_mark mark = { 0 }, last = { 0 };

    if (!has_joined && atomic_load(&jit->wanted) != drain->session)
        return;
    if (jit->taken_session != drain->session)
        begin(drain, jit);
    if (jit->mark_count)
        last = jit->marks[jit->mark_count - 1];
    /* Before the time: what is below has one that is earlier. Pairs with the
     * release of whoever appends. */
    mark.index =
        has_joined ? __atomic_load_n(&jit->ring.index, __ATOMIC_ACQUIRE) : 0;
    look_at_clocks(&mark, tid, cpu_ns);
    mark.ticks = greater(mark.ticks, last.ticks);
    mark.ns = greater(since_start(drain, mark.ns), last.ns);
    mark.cpu_ns = greater(mark.cpu_ns, last.cpu_ns);
    add_mark(jit, &mark);
}

/* The last mark before an event. */
static size_t
mark_before(const struct vmp_jit *jit, uint64_t index)
{
    size_t low = 0, high = jit->mark_count;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (jit->marks[middle].index <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The whole time of which a record has the low bits. */
static uint64_t
widen(uint64_t record, uint64_t mark_ticks)
{
    const uint64_t since = (record >> VMPROF_RECORD_TIME_SHIFT) - mark_ticks;
    const uint64_t low = since & (((uint64_t)1 << TIME_BITS) - 1);

    if (low >= ((uint64_t)1 << TIME_BITS) - MOST_LATE)
        return mark_ticks + low - ((uint64_t)1 << TIME_BITS);
    return mark_ticks + low;
}

/* Copy events into the block. Returns how many there were whose time is
 * certain. */
static size_t
copy(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint64_t from,
     uint64_t to, size_t mark)
{
    const uint32_t bits = ((uint32_t)1 << VMPROF_RECORD_TIME_SHIFT) - 1;
    size_t count = 0;

    for (uint64_t i = from; i < to; i++) {
        const uint64_t record = __atomic_load_n(
            &jit->ring.records[i & jit->ring.mask], __ATOMIC_RELAXED);

        while (mark + 1 < jit->mark_count && jit->marks[mark + 1].index <= i)
            mark++;
        if (mark + 1 < jit->mark_count &&
            jit->marks[mark + 1].ticks - jit->marks[mark].ticks > FARTHEST)
            continue;
        drain->block[count].word = (uint32_t)record & bits;
        drain->block[count++].ticks = widen(record, jit->marks[mark].ticks);
    }
    return count;
}

static uint32_t
bits_of(const struct vmp_jit *jit, uint64_t from)
{
    const uint32_t overflow = atomic_load(&jit->overflow);

    return (overflow == VMPROF_JIT_OVERFLOW_BLOCK ? VMP_EVENTS_BLOCK : 0) |
           (overflow == VMPROF_JIT_OVERFLOW_NEWEST ? VMP_EVENTS_NEWEST : 0) |
           (from < atomic_load(&jit->inner_until) ? VMP_EVENTS_HAVE_INNER : 0);
}

/* How far a chunk goes that begins at `from`: not over the end of inner edges,
 * nor over more marks than it holds. */
static uint64_t
end_of_chunk(const struct vmp_jit *jit, uint64_t from, uint64_t to, size_t mark)
{
    const uint64_t inner_until = atomic_load(&jit->inner_until);

    if (to - from > VMP_EVENTS_MOST)
        to = from + VMP_EVENTS_MOST;
    if (from < inner_until && inner_until < to)
        to = inner_until;
    if (mark + VMP_MARKS_MOST <= jit->mark_count &&
        jit->marks[mark + VMP_MARKS_MOST - 1].index < to)
        to = jit->marks[mark + VMP_MARKS_MOST - 1].index;
    return to;
}

/* Write the first of the events of [from, to). Returns where the others begin. */
static uint64_t
write_chunk(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint32_t thread,
            uint64_t from, uint64_t to)
{
    const size_t mark = mark_before(jit, from);
    const uint64_t end = end_of_chunk(jit, from, to, mark);
    size_t marks = 1;
    struct vmp_events events = {
        .thread = thread,
        .bits = bits_of(jit, from),
        .lost = vmp_jit_lost(jit),
        .first = jit->written,
        .marks = jit->marks + mark,
        .events = drain->block,
        .event_count = copy(drain, jit, from, end, mark),
    };

    while (mark + marks < jit->mark_count &&
           jit->marks[mark + marks - 1].index < end)
        marks++;
    events.mark_count = marks;
    vmp_encoder_events(drain->encoder, &events);
    jit->written += events.event_count;
    atomic_fetch_add(&jit->untimely, end - from - events.event_count);
    return end;
}

static void
take(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint32_t thread,
     uint64_t to)
{
    uint64_t tail = atomic_load(&jit->tail);

    while (tail < to) {
        tail = write_chunk(drain, jit, thread, tail, to);
        /* Pairs with the acquire in find_room(). */
        atomic_store_explicit(&jit->tail, tail, memory_order_release);
    }
    jit->marks[0] = jit->marks[jit->mark_count - 1];
    jit->mark_count = 1;
}

/* The session is over for the thread: no more than the event that was under way
 * can have been overwritten. */
static void
take_newest(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint32_t thread,
            uint64_t to)
{
    const uint64_t oldest = vmp_jit_oldest(jit, to);

    atomic_store(&jit->tail, greater(oldest, atomic_load(&jit->tail)));
    take(drain, jit, thread, to);
}

/* Marks of what has been overwritten are of no use. */
static void
forget_marks(struct vmp_jit *jit, uint64_t to)
{
    const size_t first = mark_before(jit, vmp_jit_oldest(jit, to));

    if (first * 2 < jit->mark_count)
        return;
    jit->mark_count -= first;
    memmove(jit->marks, jit->marks + first,
            jit->mark_count * sizeof(*jit->marks));
}

void
vmp_jit_drain(struct vmp_jit_drain *drain, struct vmp_jit *jit, uint32_t thread,
              bool is_last)
{
    uint64_t to;

    if (atomic_load(&jit->joined) != drain->session || !jit->mark_count ||
        jit->taken_session != drain->session)
        return;
    /* A thread that has joined since the last mark has nothing below it. */
    to = greater(jit->marks[jit->mark_count - 1].index,
                 atomic_load(&jit->first));
    if (is_last)
        atomic_store(&jit->end, to);
    if (atomic_load(&jit->overflow) != VMPROF_JIT_OVERFLOW_NEWEST)
        take(drain, jit, thread, to);
    else if (is_last)
        take_newest(drain, jit, thread, to);
    else
        forget_marks(jit, to);
}

enum vmp_flow
vmp_jit_flow(const struct vmp_jit_drain *drain, const struct vmp_jit *jit)
{
    const uint64_t index = __atomic_load_n(&jit->ring.index, __ATOMIC_RELAXED);

    if (atomic_load(&jit->joined) != drain->session || !jit->mark_count ||
        index <= jit->marks[jit->mark_count - 1].index)
        return VMP_FLOW_STILL;
    return atomic_load(&jit->overflow) != VMPROF_JIT_OVERFLOW_NEWEST &&
                   index - atomic_load(&jit->tail) >
                       atomic_load(&jit->capacity) / 8
               ? VMP_FLOW_FILLS
               : VMP_FLOW_COMES;
}
