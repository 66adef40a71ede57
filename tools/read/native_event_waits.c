/* SPDX-License-Identifier: MIT */

/*
 * Time that a thread did not run, taken out of what lies between its events.
 * Two marks tell how much it was, not where. What follows an event takes about
 * as long each time: what is longer than usual is where it waited, and of that
 * the longest first. Where that is not enough, the longest stretches are cut.
 */
#include <errno.h>
#include <stdlib.h>

#include "native_events.h"
#include "store.h"

/* What usually follows an event: the median, near enough, in nanoseconds. */
struct native_usual {
    double length;
    uint32_t seen;
};

enum {
    /* It moves by a fiftieth at least, so that it follows a change. */
    SLOWEST = 50,
};

/* For all ids of a sort of edges: those into traces, and those out of them. */
static const uint64_t NO_ID = UINT64_C(1) << 63;

static uint64_t
sort_of(uint64_t id_edge)
{
    const uint64_t edge = id_edge & 7;

    return edge == EDGE_EXIT || edge == EDGE_CALL ? EDGE_EXIT : EDGE_ENTER;
}

static double
clamp(double value)
{
    return value > 0 ? value : 0;
}

/*
 * The length that no stretch may be longer than, so that `off` less is left: the
 * longest are cut first, to the same length. Each pass leaves those alone that
 * are shorter, so that a few are enough.
 */
static double
find_level(const double *lengths, uint32_t count, double off)
{
    double level = 0;
    uint32_t used = 0;

    for (;;) {
        double longer_sum = 0;
        uint32_t longer = 0;

        for (uint32_t i = 0; i < count; i++)
            if (!used || lengths[i] > level) {
                longer_sum += lengths[i];
                longer++;
            }
        if (!longer || longer == used)
            return level;
        level = clamp((longer_sum - off) / longer);
        used = longer;
    }
}

/* Takes out of `lengths` what of `excess` is over a level. */
static double
cut(double *lengths, const double *excess, uint32_t count, double off)
{
    const double level = find_level(excess, count, off);
    double taken = 0;

    for (uint32_t i = 0; i < count; i++) {
        const double over = excess[i] - level;

        if (over <= 0)
            continue;
        /* Both may be the same array. */
        lengths[i] -= over;
        taken += over;
    }
    return taken;
}

static struct native_usual *
find_usual(struct native *native, const struct native_event_thread *thread,
           uint64_t id_edge)
{
    struct native_jit *jit = &native->jit;
    bool is_new;
    int64_t kind;

    if (grow_array((void **)&jit->usual, &jit->usual_capacity, jit->kinds.count,
                   sizeof(*jit->usual)))
        return NULL;
    kind = vmp_intern(&jit->kinds, native->sessions[thread->session].process,
                      id_edge, &is_new);
    if (kind < 0)
        return NULL;
    if (is_new)
        jit->usual[kind] = (struct native_usual){ 0 };
    return &jit->usual[kind];
}

/* Up or down by a factor that gets smaller the more was seen. */
static void
learn(struct native_usual *usual, double length)
{
    const double step =
        1 + 1.0 / (usual->seen + 1 < SLOWEST ? usual->seen + 1 : SLOWEST);

    if (!usual->seen || usual->length <= 0)
        usual->length = length;
    else if (length > usual->length)
        usual->length *= step;
    else if (length < usual->length)
        usual->length /= step;
    usual->seen += usual->seen < SLOWEST;
}

/*
 * Learns a length, unless it is below 0, and says what is usual after that
 * event; or else after others of its sort.
 */
static bool
look_at(struct native *native, const struct native_event_thread *thread,
        uint64_t id_edge, double length, double *usual)
{
    struct native_usual *sort =
        find_usual(native, thread, NO_ID | sort_of(id_edge));
    struct native_usual *own;

    if (!sort)
        return false;
    if (length >= 0)
        learn(sort, length);
    *usual = sort->length;
    own = find_usual(native, thread, id_edge);
    if (!own)
        return false;
    if (length >= 0)
        learn(own, length);
    if (own->seen)
        *usual = own->length;
    return true;
}

/* How much longer than usual each is, to thread->excess; their sum. */
static double
find_excess(struct native *native, struct native_event_thread *thread,
            uint32_t count)
{
    double open = thread->open_ns, sum = 0;
    uint64_t id_edge = thread->open_id_edge;

    for (uint32_t i = 0; i <= count; i++) {
        const double length = thread->lengths[i];
        double usual;

        if (!look_at(native, thread, id_edge, i < count ? open + length : -1,
                     &usual))
            return -1;
        thread->excess[i] = clamp(length - clamp(usual - open));
        sum += thread->excess[i];
        open = i < count ? 0 : open + length;
        if (i < count)
            id_edge = thread->waiting[thread->first + i].id_edge;
    }
    thread->open_ns = open;
    thread->open_id_edge = id_edge;
    return sum;
}

double
native_event_waits(struct native *native, struct native_event_thread *thread,
                   uint32_t count, double sum, double off)
{
    const double excess = find_excess(native, thread, count);
    double wanted = off < sum ? off : sum, taken;

    if (excess < 0)
        return -1;
    if (wanted <= 0)
        return 0;
    taken = cut(thread->lengths, thread->excess, count + 1,
                wanted < excess ? wanted : excess);
    wanted -= taken;
    /* Less than a nanosecond is what adding up has lost. */
    if (wanted > 1)
        taken += cut(thread->lengths, thread->lengths, count + 1, wanted);
    return taken;
}
