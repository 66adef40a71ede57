/* SPDX-License-Identifier: MIT */

/* Which recorded events are the two ends of one thing. */
#include "recorded.h"

#include <errno.h>
#include <stdlib.h>

#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

/* Of one sort: what begins it, and what ends it. */
struct sort {
    uint64_t begins, ends;
};

static const struct sort sorts[] = {
    { BIT(CALL) | BIT(RESUME) | BIT(THROW_INTO),
      BIT(RETURN) | BIT(YIELD) | BIT(UNWIND) },
    { BIT(C_CALL), BIT(C_RETURN) | BIT(C_RAISE) },
    { BIT(GC_START), BIT(GC_END) },
    { BIT(JIT_ENTERED), BIT(JIT_LEFT) },
};

enum {
    SORTS = sizeof(sorts) / sizeof(*sorts),
    NO_SORT = SORTS,
};

/* What is open on a thread, the innermost last. */
struct open {
    size_t *begins;
    size_t count, capacity;
    uint64_t time_ns; /* of its last event */
};

struct pairs {
    const struct recorded_pairing *pairing;
    struct open *threads;
    uint64_t *seen; /* by session: kinds that it may have recorded */
};

static unsigned
sort_of(uint32_t kind)
{
    unsigned i = 0;

    while (i < SORTS &&
           !((sorts[i].begins | sorts[i].ends) & VMPROF_EVENT_BIT(kind)))
        i++;
    return i;
}

static const struct recorded_event *
event_at(const struct pairs *pairs, size_t index)
{
    return &pairs->pairing->list->events[index];
}

static void
end(const struct pairs *pairs, size_t begin, size_t by, uint64_t time_ns)
{
    if (pairs->pairing->on_end)
        pairs->pairing->on_end(pairs->pairing->user, begin, by, time_ns);
}

/* All that is open above `count`. */
static void
end_above(const struct pairs *pairs, struct open *open, size_t count,
          uint64_t time_ns)
{
    while (open->count > count)
        end(pairs, open->begins[--open->count], SIZE_MAX, time_ns);
}

/* The outermost of a sort that something is missing of goes, and with it what
 * stands on it. */
static void
end_uncertain(const struct pairs *pairs, struct open *open, uint64_t missing)
{
    for (size_t i = 0; i < open->count; i++) {
        const struct sort *sort =
            &sorts[sort_of(event_at(pairs, open->begins[i])->kind)];

        /* It was the last event that it is known to have lasted to. */
        if (missing & (sort->begins | sort->ends)) {
            end_above(pairs, open, i, open->time_ns);
            return;
        }
    }
}

static bool
is_end_of(const struct recorded_event *end, const struct recorded_event *begin)
{
    const unsigned sort = sort_of(begin->kind);

    if (sort != sort_of(end->kind))
        return false;
    /* Calls of C are told by what they call. */
    if (sort == 1)
        return !begin->has_callee || !end->has_callee ||
               begin->callee == end->callee;
    return sort != 0 || !begin->has_code || !end->has_code ||
           begin->code == end->code;
}

static void
take_instant(const struct pairs *pairs, size_t index)
{
    if (pairs->pairing->on_instant)
        pairs->pairing->on_instant(pairs->pairing->user, index);
}

static void
take_end(const struct pairs *pairs, struct open *open, size_t index)
{
    const struct recorded_event *event = event_at(pairs, index);
    size_t i = open->count;

    while (i && !is_end_of(event, event_at(pairs, open->begins[i - 1])))
        i--;
    if (!i) {
        take_instant(pairs, index);
        return;
    }
    end_above(pairs, open, i, event->time_ns);
    end(pairs, open->begins[--open->count], index, event->time_ns);
}

static int
take_begin(const struct pairs *pairs, struct open *open, size_t index)
{
    if (open->count == open->capacity) {
        const size_t capacity = open->capacity ? open->capacity * 2 : 16;
        size_t *begins = reallocarray(open->begins, capacity, sizeof(*begins));

        if (!begins)
            return -ENOMEM;
        open->begins = begins;
        open->capacity = capacity;
    }
    open->begins[open->count++] = index;
    if (pairs->pairing->on_begin)
        pairs->pairing->on_begin(pairs->pairing->user, index);
    return 0;
}

static int
take(const struct pairs *pairs, size_t index)
{
    const struct recorded_event *event = event_at(pairs, index);
    const struct thread *thread =
        &pairs->pairing->profile->threads[event->thread];
    struct open *open = &pairs->threads[event->thread];
    const unsigned sort = sort_of(event->kind);
    int result = 0;

    if (event->missing)
        end_uncertain(pairs, open, event->missing);
    if (sort == NO_SORT || !(pairs->seen[thread->session] & sorts[sort].ends))
        take_instant(pairs, index);
    else if (sorts[sort].ends & VMPROF_EVENT_BIT(event->kind))
        take_end(pairs, open, index);
    else
        result = take_begin(pairs, open, index);
    open->time_ns = event->time_ns;
    return result;
}

/* What was asked for; of a file that was cut before it says so, what is there. */
static void
find_seen(struct pairs *pairs)
{
    const struct profile *profile = pairs->pairing->profile;

    for (uint32_t i = 0; i < profile->session_count; i++) {
        const struct recorded_totals *totals = profile->sessions[i].recorded;

        for (unsigned kind = 0; totals && kind < RECORDED_KINDS; kind++)
            if (totals->counts[kind].recorded)
                pairs->seen[i] |= VMPROF_EVENT_BIT(kind);
        if (totals)
            pairs->seen[i] |= totals->events;
    }
}

static int
take_all(const struct pairs *pairs)
{
    const struct profile *profile = pairs->pairing->profile;
    int result = 0;

    for (size_t i = 0; i < pairs->pairing->list->count && !result; i++)
        result = take(pairs, i);
    for (uint32_t i = 0; i < profile->thread_count && !result; i++) {
        const struct thread *thread = &profile->threads[i];
        const uint64_t end_ns = thread->end_ns
                                    ? thread->end_ns
                                    : profile->sessions[thread->session].end_ns;
        struct open *open = &pairs->threads[i];

        end_above(pairs, open, 0,
                  end_ns > open->time_ns ? end_ns : open->time_ns);
    }
    return result;
}

int
recorded_pair(const struct recorded_pairing *pairing)
{
    const struct profile *profile = pairing->profile;
    struct pairs pairs = {
        .pairing = pairing,
        .threads =
            calloc((size_t)profile->thread_count + 1, sizeof(*pairs.threads)),
        .seen = calloc((size_t)profile->session_count + 1, sizeof(*pairs.seen)),
    };
    int result = pairs.threads && pairs.seen ? 0 : -ENOMEM;

    if (!result) {
        find_seen(&pairs);
        result = take_all(&pairs);
    }
    for (uint32_t i = 0; pairs.threads && i < profile->thread_count; i++)
        free(pairs.threads[i].begins);
    free(pairs.threads);
    free(pairs.seen);
    return result;
}

static void
join(void *user, size_t begin, size_t by, uint64_t time_ns)
{
    size_t *partners = user;

    (void)time_ns;
    if (by == SIZE_MAX)
        return;
    partners[begin] = by;
    partners[by] = begin;
}

size_t *
recorded_partners(const struct profile *profile,
                  const struct recorded_list *list)
{
    size_t *partners = calloc(list->count + 1, sizeof(*partners));
    const struct recorded_pairing pairing = {
        .profile = profile,
        .list = list,
        .user = partners,
        .on_end = join,
    };

    if (!partners)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        partners[i] = SIZE_MAX;
    if (recorded_pair(&pairing) == 0)
        return partners;
    free(partners);
    return NULL;
}
