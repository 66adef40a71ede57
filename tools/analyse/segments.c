/* SPDX-License-Identifier: MIT */

#include "segments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A segment is told apart from what measuring takes from here on. */
    LEAST_PROBES = 5,
    /* A program that calls itself deeper has lost returns. */
    MOST_LEVELS = 1 << 20,
};

/* What runs, and what called it before. */
struct level {
    uint32_t caller;  /* that it was called from; 0: not known */
    uint32_t trace;   /* 0: the interpreter */
    uint32_t charged; /* its group, or itself: whose the time is */
    uint64_t since;   /* the thread's `known` when that began */
};

struct segments_thread {
    struct level *levels;
    uint32_t level_count, level_capacity; /* at least 1 */
    uint32_t *active; /* levels by trace, where calls nest */
    uint32_t active_count;
    uint64_t last;  /* time of the event before */
    uint64_t known; /* time that was given to traces and the interpreter */
    bool has_last, lost, suspended;
};

static bool
reserve(void **array, uint32_t *capacity, uint32_t wanted, size_t size)
{
    uint32_t more = *capacity ? *capacity : 16;
    void *bigger;

    if (wanted <= *capacity)
        return true;
    while (more < wanted && more <= UINT32_MAX / 2)
        more *= 2;
    if (more < wanted)
        return false;
    bigger = reallocarray(*array, more, size);
    if (!bigger)
        return false;
    memset((char *)bigger + *capacity * size, 0, (more - *capacity) * size);
    *array = bigger;
    *capacity = more;
    return true;
}

static struct segments_thread *
new_thread(void)
{
    struct segments_thread *thread = calloc(1, sizeof(*thread));

    if (!thread)
        return NULL;
    if (!reserve((void **)&thread->levels, &thread->level_capacity, 1,
                 sizeof(*thread->levels))) {
        free(thread);
        return NULL;
    }
    thread->level_count = 1;
    return thread;
}

static struct segments_thread *
find_thread(struct segments *segments, uint32_t index)
{
    if (index == UINT32_MAX ||
        !reserve((void **)&segments->threads, &segments->thread_capacity,
                 index + 1, sizeof(*segments->threads)))
        return NULL;
    if (segments->thread_count <= index)
        segments->thread_count = index + 1;
    if (!segments->threads[index])
        segments->threads[index] = new_thread();
    return segments->threads[index];
}

static bool
reserve_trace(struct segments *segments, struct segments_thread *thread,
              uint32_t trace)
{
    if (trace == UINT32_MAX ||
        !reserve((void **)&segments->figures, &segments->figure_capacity,
                 trace + 1, sizeof(*segments->figures)))
        return false;
    if (segments->figure_count <= trace)
        segments->figure_count = trace + 1;
    return segments->policies.call != CALL_NEST ||
           reserve((void **)&thread->active, &thread->active_count, trace + 1,
                   sizeof(*thread->active));
}

/* What happens in a call that is the caller's. */
static bool
is_ignored(const struct segments *segments,
           const struct segments_thread *thread)
{
    return segments->policies.call == CALL_CALLER && thread->level_count > 1;
}

static struct level *
top(struct segments_thread *thread)
{
    return &thread->levels[thread->level_count - 1];
}

/* Whose the time is. */
static uint32_t
payer(const struct segments *segments, const struct segments_thread *thread)
{
    const uint32_t level =
        is_ignored(segments, thread) ? 0 : thread->level_count - 1;

    return thread->levels[level].charged;
}

/* Give the time since the last event to what has run since. */
static void
advance(struct segments *segments, struct segments_thread *thread,
        uint64_t time)
{
    const uint64_t probe = segments->policies.probe;
    struct segment_figures *figures =
        &segments->figures[payer(segments, thread)];
    uint64_t passed = time - thread->last;
    const bool is_first = !thread->has_last;

    segments->backwards += !is_first && time < thread->last;
    if (is_first || time < thread->last)
        passed = 0;
    thread->last = time;
    thread->has_last = true;
    if (is_first)
        return;
    segments->overhead += passed < probe ? passed : probe;
    passed -= passed < probe ? passed : probe;
    if (thread->suspended) {
        segments->off_cpu += passed;
    } else if (thread->lost) {
        segments->unknown += passed;
    } else {
        figures->self += passed;
        figures->segments++;
        thread->known += passed;
    }
}

/* The total of a trace grows while it is on any level. */
static void
begin(struct segments *segments, struct segments_thread *thread,
      uint32_t charged)
{
    struct level *level = top(thread);

    level->charged = charged;
    level->since = thread->known;
    if (segments->policies.call == CALL_NEST && charged)
        thread->active[charged]++;
}

static void
finish(struct segments *segments, struct segments_thread *thread)
{
    const struct level *level = top(thread);
    const bool outermost = segments->policies.call != CALL_NEST ||
                           !level->charged ||
                           --thread->active[level->charged] == 0;

    /* Of nested ones of a trace only the last to end has all its time. */
    if (outermost)
        segments->figures[level->charged].total += thread->known - level->since;
}

static int
count_transition(struct segments *segments, uint32_t from, uint32_t to)
{
    bool is_new;
    const int64_t pair = vmp_intern(&segments->pairs, from, to, &is_new);

    if (pair < 0 || !reserve((void **)&segments->transitions,
                             &segments->transition_capacity, (uint32_t)pair + 1,
                             sizeof(*segments->transitions)))
        return -ENOMEM;
    if (is_new) {
        segments->transitions[pair] = (struct transition){ from, to, 0 };
        segments->transition_count++;
    }
    segments->transitions[pair].count++;
    return 0;
}

static uint32_t
group_of(const struct segments *segments, uint32_t trace)
{
    const struct segment_policies *policies = &segments->policies;

    return policies->group && trace ? policies->group(policies->user, trace)
                                    : trace;
}

static int
pass_to(struct segments *segments, struct segments_thread *thread,
        uint32_t trace)
{
    struct level *level = top(thread);
    const uint32_t from = thread->lost ? TRANSITION_UNKNOWN : level->trace;

    if (trace)
        segments->figures[trace].entries++;
    if (from != TRANSITION_UNKNOWN && from)
        segments->figures[from].exits++;
    level->trace = trace;
    thread->lost = false;
    return count_transition(segments, from, trace);
}

static int
enter(struct segments *segments, struct segments_thread *thread,
      const struct jit_event *event)
{
    const enum inner_policy inner = segments->policies.inner;
    const uint32_t group = group_of(segments, event->trace);
    const uint32_t charged = inner == INNER_EACH ? event->trace : group;
    const bool is_inside = top(thread)->charged == group && group &&
                           inner != INNER_EACH && !thread->lost;

    if (is_ignored(segments, thread) || (is_inside && inner == INNER_IGNORE))
        return 0;
    if (!reserve_trace(segments, thread, event->trace) ||
        !reserve_trace(segments, thread, charged))
        return -ENOMEM;
    if (!is_inside) {
        advance(segments, thread, event->time);
        finish(segments, thread);
        begin(segments, thread, charged);
    }
    return pass_to(segments, thread,
                   inner == INNER_IGNORE ? charged : event->trace);
}

static bool
fits_exit(const struct segments *segments, const struct level *level,
          uint32_t trace)
{
    if (!trace || level->trace == trace)
        return true;
    return segments->policies.inner != INNER_EACH && level->charged &&
           level->charged == group_of(segments, trace);
}

static bool
count_guard(struct segments *segments, uint32_t guard)
{
    if (!guard)
        return true;
    if (guard == UINT32_MAX ||
        !reserve((void **)&segments->guard_exits, &segments->guard_count,
                 guard + 1, sizeof(*segments->guard_exits)))
        return false;
    segments->guard_exits[guard]++;
    return true;
}

static int
leave(struct segments *segments, struct segments_thread *thread,
      const struct jit_event *event)
{
    if (is_ignored(segments, thread))
        return 0;
    if (!count_guard(segments, event->guard))
        return -ENOMEM;
    if (!thread->lost && !fits_exit(segments, top(thread), event->trace))
        segments->mismatches++;
    advance(segments, thread, event->time);
    finish(segments, thread);
    begin(segments, thread, 0);
    return pass_to(segments, thread, 0);
}

static int
call(struct segments *segments, struct segments_thread *thread,
     const struct jit_event *event)
{
    if (thread->level_count >= MOST_LEVELS) {
        segments->mismatches++;
        return 0;
    }
    if (!reserve((void **)&thread->levels, &thread->level_capacity,
                 thread->level_count + 1, sizeof(*thread->levels)))
        return -ENOMEM;
    if (segments->policies.call == CALL_NEST)
        advance(segments, thread, event->time);
    thread->level_count++;
    *top(thread) = (struct level){ .caller = event->trace };
    if (segments->policies.call == CALL_NEST)
        begin(segments, thread, 0);
    return 0;
}

static void
pop(struct segments *segments, struct segments_thread *thread)
{
    if (segments->policies.call == CALL_NEST)
        finish(segments, thread);
    thread->level_count--;
}

/* The level that a return ends: those above it were left by an exception. */
static uint32_t
find_call(const struct segments_thread *thread, uint32_t caller)
{
    for (uint32_t i = thread->level_count; i-- > 1;)
        if (!caller || !thread->levels[i].caller ||
            thread->levels[i].caller == caller)
            return i;
    return 0;
}

static void
call_returns(struct segments *segments, struct segments_thread *thread,
             const struct jit_event *event)
{
    const uint32_t level = find_call(thread, event->trace);

    if (!level) {
        segments->mismatches++;
        return;
    }
    if (segments->policies.call == CALL_NEST)
        advance(segments, thread, event->time);
    while (thread->level_count > level)
        pop(segments, thread);
}

/* What ends where the last event was is no segment. */
static void
stop(struct segments *segments, struct segments_thread *thread, uint64_t time)
{
    if (!thread->has_last || time != thread->last)
        advance(segments, thread, time);
    while (thread->level_count > 1)
        pop(segments, thread);
    finish(segments, thread);
    top(thread)->trace = 0;
    begin(segments, thread, 0);
}

static void
lose(struct segments *segments, struct segments_thread *thread,
     const struct jit_event *event)
{
    stop(segments, thread, event->time);
    thread->lost = true;
    segments->losses++;
    segments->lost += event->lost;
}

static void
set_suspended(struct segments *segments, struct segments_thread *thread,
              const struct jit_event *event, bool suspended)
{
    segments->mismatches += thread->suspended == suspended;
    advance(segments, thread, event->time);
    thread->suspended = suspended;
}

static int
take(struct segments *segments, struct segments_thread *thread,
     const struct jit_event *event)
{
    switch (event->kind) {
    case JIT_ENTER:
    case JIT_JUMP:
        return enter(segments, thread, event);
    case JIT_EXIT:
        return leave(segments, thread, event);
    case JIT_CALL:
        return call(segments, thread, event);
    case JIT_RETURN:
        call_returns(segments, thread, event);
        return 0;
    case JIT_LOST:
        lose(segments, thread, event);
        return 0;
    case JIT_SUSPEND:
    case JIT_RESUME:
        set_suspended(segments, thread, event, event->kind == JIT_SUSPEND);
        return 0;
    case JIT_START:
        advance(segments, thread, event->time);
        return 0;
    case JIT_END:
        return segments_end(segments, event->thread, event->time);
    }
    segments->mismatches++;
    return 0;
}

int
segments_add(struct segments *segments, const struct jit_event *event)
{
    struct segments_thread *thread = find_thread(segments, event->thread);
    const bool runs = event->kind != JIT_SUSPEND && event->kind != JIT_RESUME;

    if (!thread || !reserve_trace(segments, thread, 0))
        return -ENOMEM;
    segments->events += event->kind < JIT_START;
    /* Who does something is on the CPU again. */
    if (thread->suspended && runs)
        set_suspended(segments, thread, event, false);
    return take(segments, thread, event);
}

/* Totals are complete then; more events may follow. */
int
segments_end(struct segments *segments, uint32_t index, uint64_t time)
{
    struct segments_thread *thread = find_thread(segments, index);

    if (!thread || !reserve_trace(segments, thread, 0))
        return -ENOMEM;
    stop(segments, thread, time);
    return 0;
}

bool
segments_unreliable(const struct segments *segments, uint32_t trace)
{
    const struct segment_figures *figures =
        trace < segments->figure_count ? &segments->figures[trace] : NULL;

    return figures && figures->segments && segments->policies.probe &&
           figures->self / figures->segments <
               LEAST_PROBES * segments->policies.probe;
}

void
segments_free(struct segments *segments)
{
    for (uint32_t i = 0; i < segments->thread_count; i++)
        if (segments->threads[i]) {
            free(segments->threads[i]->levels);
            free(segments->threads[i]->active);
            free(segments->threads[i]);
        }
    free(segments->threads);
    free(segments->figures);
    free(segments->transitions);
    free(segments->guard_exits);
    vmp_intern_free(&segments->pairs);
    memset(segments, 0, sizeof(*segments));
}
