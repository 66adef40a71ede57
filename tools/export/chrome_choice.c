/* SPDX-License-Identifier: MIT */

#include "chrome_choice.h"

#include <errno.h>
#include <stdlib.h>

static const struct recorded_event *
event_at(const struct chrome_choice *choice, size_t index)
{
    return &choice->list->events[index];
}

static bool
is_asked_for(const struct chrome_choice *choice, size_t index)
{
    return index != SIZE_MAX &&
           event_filter_shows_sometime(choice->filter, choice->profile,
                                       event_at(choice, index));
}

static void
choose_both(void *user, size_t begin, size_t end, uint64_t time_ns)
{
    struct chrome_choice *choice = user;

    if (time_ns < choice->filter->from_ns ||
        event_at(choice, begin)->time_ns > choice->filter->to_ns ||
        !(is_asked_for(choice, begin) || is_asked_for(choice, end)))
        return;
    choice->events[begin] = true;
    choice->event_count += end != SIZE_MAX ? 2 : 1;
}

static void
choose_instant(void *user, size_t index)
{
    struct chrome_choice *choice = user;

    choice->events[index] = event_filter_shows(choice->filter, choice->profile,
                                               event_at(choice, index));
    choice->event_count += choice->events[index];
}

/* A node follows its parent; the root has no function. */
static void
name_nodes(struct chrome_choice *choice)
{
    const struct profile *profile = choice->profile;

    choice->named[0] = !choice->filter->code;
    for (uint32_t i = 1; i < profile->node_count; i++) {
        const struct node *node = &profile->nodes[i];

        choice->named[i] =
            choice->named[node->parent] ||
            event_filter_has_code(choice->filter, profile,
                                  profile->frames[node->frame].code);
    }
}

int
chrome_choose(struct chrome_choice *choice)
{
    const struct recorded_pairing pairing = {
        .profile = choice->profile,
        .list = choice->list,
        .user = choice,
        .on_end = choose_both,
        .on_instant = choose_instant,
    };
    const size_t nodes = (size_t)choice->profile->node_count + 1;

    choice->event_count = choice->list->count;
    if (!choice->filter)
        return 0;
    choice->event_count = 0;
    choice->events = calloc(choice->list->count + 1, sizeof(*choice->events));
    choice->named = calloc(nodes, sizeof(*choice->named));
    choice->used = calloc(nodes, sizeof(*choice->used));
    if (!choice->events || !choice->named || !choice->used)
        return -ENOMEM;
    name_nodes(choice);
    return recorded_pair(&pairing);
}

void
chrome_choice_free(struct chrome_choice *choice)
{
    free(choice->events);
    free(choice->named);
    free(choice->used);
    *choice = (struct chrome_choice){ 0 };
}

bool
chrome_has_event(const struct chrome_choice *choice, size_t index)
{
    return !choice->filter || choice->events[index];
}

bool
chrome_has_thread(const struct chrome_choice *choice, uint32_t thread)
{
    return !choice->filter ||
           event_filter_has_thread(choice->filter, choice->profile, thread);
}

bool
chrome_take_sample(struct chrome_choice *choice, uint32_t thread, uint32_t node,
                   uint64_t time_ns)
{
    const struct event_filter *filter = choice->filter;

    choice->samples++;
    if (filter && (time_ns < filter->from_ns || time_ns > filter->to_ns ||
                   !choice->named[node] || !chrome_has_thread(choice, thread)))
        return false;
    choice->sample_count++;
    for (; filter && !choice->used[node];
         node = choice->profile->nodes[node].parent)
        choice->used[node] = true;
    return true;
}

bool
chrome_has_node(const struct chrome_choice *choice, uint32_t node)
{
    return !choice->filter || choice->used[node];
}

void
chrome_choice_tell(const struct chrome_choice *choice)
{
    if (choice->filter)
        fprintf(stderr,
                "vmprof: left out as asked for: %zu of %zu events, %zu of %zu "
                "samples\n",
                choice->list->count - choice->event_count, choice->list->count,
                choice->samples - choice->sample_count, choice->samples);
}
