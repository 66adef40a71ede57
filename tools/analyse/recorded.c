/* SPDX-License-Identifier: MIT */

#include "recorded.h"

#include <errno.h>
#include <stdlib.h>

int
recorded_add(void *user, const struct profile *profile,
             const struct recorded_event *event)
{
    struct recorded_list *list = user;

    (void)profile;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? list->capacity * 2 : 1024;
        struct recorded_event *events =
            reallocarray(list->events, capacity, sizeof(*events));

        if (!events)
            return -ENOMEM;
        list->events = events;
        list->capacity = capacity;
    }
    list->events[list->count++] = *event;
    return 0;
}

void
recorded_free(struct recorded_list *list)
{
    free(list->events);
    *list = (struct recorded_list){ 0 };
}

struct order {
    const struct profile *profile;
    const struct recorded_list *list;
};

static int
compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
compare(const void *a, const void *b, void *user)
{
    const struct order *order = user;
    const struct recorded_event *one = &order->list->events[*(const size_t *)a];
    const struct recorded_event *other =
        &order->list->events[*(const size_t *)b];
    const struct thread *threads = order->profile->threads;
    int result = compare_numbers(threads[one->thread].session,
                                 threads[other->thread].session);

    if (!result)
        result = compare_numbers(one->time_ns, other->time_ns);
    if (!result)
        result = compare_numbers(one->thread, other->thread);
    return result ? result : compare_numbers(one->number, other->number);
}

size_t *
recorded_by_time(const struct profile *profile,
                 const struct recorded_list *list)
{
    struct order order = { profile, list };
    size_t *indexes = calloc(list->count + 1, sizeof(*indexes));

    if (!indexes)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        indexes[i] = i;
    qsort_r(indexes, list->count, sizeof(*indexes), compare, &order);
    return indexes;
}

void
recorded_sum(struct recorded_totals *sum, const struct profile *profile)
{
    *sum = (struct recorded_totals){ 0 };
    for (uint32_t i = 0; i < profile->session_count; i++) {
        const struct recorded_totals *of = profile->sessions[i].recorded;

        if (!of)
            continue;
        if (of->has_settings) {
            sum->has_settings = true;
            sum->events |= of->events;
            sum->period = of->period;
            sum->rate = of->rate;
        }
        sum->lost_in_file += of->lost_in_file;
        for (unsigned kind = 0; kind < RECORDED_KINDS; kind++) {
            sum->counts[kind].recorded += of->counts[kind].recorded;
            sum->counts[kind].left_out += of->counts[kind].left_out;
            sum->counts[kind].over_rate += of->counts[kind].over_rate;
            sum->counts[kind].no_room += of->counts[kind].no_room;
        }
    }
}

struct recorded_counts
recorded_count(const struct recorded_totals *totals)
{
    struct recorded_counts sum = { 0 };

    for (unsigned kind = 0; kind < RECORDED_KINDS; kind++) {
        sum.recorded += totals->counts[kind].recorded;
        sum.left_out += totals->counts[kind].left_out;
        sum.over_rate += totals->counts[kind].over_rate;
        sum.no_room += totals->counts[kind].no_room;
    }
    return sum;
}
