/* SPDX-License-Identifier: MIT */

/*
 * Which frames of a stack a record has to hold. A frame that was there in the
 * last record, told by its serial, is not repeated: what lies beneath it cannot
 * have changed either. Signal context.
 */

#include "sample.h"

#include "../session.h"

enum {
    ONE_BY_ONE = 8,
};

static void
reverse(struct vmp_segment *segments, unsigned count)
{
    for (unsigned i = 0; i < count / 2; i++) {
        const struct vmp_segment swapped = segments[i];
        segments[i] = segments[count - 1 - i];
        segments[count - 1 - i] = swapped;
    }
}

void
vmp_window_open(struct vmp_window *window, const struct vmprof_stack *innermost,
                const struct vmprof_frame *top)
{
    unsigned count = 0;

    /* The segments, most of them unused, are a kilobyte: not cleared. */
    window->skip = 0;
    window->cut = 0;
    window->count = window->keep = window->lasting = 0;
    window->jumps = 0;
    window->leaf_missing = top > innermost->limit;
    for (const struct vmprof_stack *stack = innermost; stack;
         stack = stack->caller, top = stack ? stack->top : NULL) {
        const size_t depth = vmp_stack_depth(stack, top);

        if (count < VMP_MAX_SEGMENTS)
            window->segments[count++] =
                (struct vmp_segment){ stack, stack->id,
                                      __atomic_load_n(&stack->runs,
                                                      __ATOMIC_RELAXED),
                                      stack->place, depth };
        else
            window->cut += depth;
    }
    reverse(window->segments, count);
    window->segment_count = count;
}

const struct vmprof_frame *
vmp_window_frame(const struct vmp_window *window, size_t i)
{
    const struct vmp_segment *segment = window->segments;

    i += window->skip;
    while (i >= segment->depth)
        i -= segment++->depth;
    return segment->stack->frames + 1 + i;
}

/* Leave out the outer frames that are too many. */
static void
cut_to(struct vmp_window *window, size_t max_frames)
{
    size_t total = 0, excess;

    for (unsigned i = 0; i < window->segment_count; i++)
        total += window->segments[i].depth;
    excess = total > max_frames ? total - max_frames : 0;
    window->skip = excess;
    window->cut += excess;
    window->count = (uint32_t)(total - excess);
}

static uint64_t
link_of(const struct vmprof_frame *frame)
{
    return __atomic_load_n(&frame->link, __ATOMIC_ACQUIRE);
}

/* How many of `count` frames have these links. Once one differs, so do all above it. Mostly few do: they are gone
 * through from the innermost one, and then in steps that double, which touches
 * little memory that the program has not. */
static size_t
known_frames(const struct vmprof_frame *frames, const uint64_t *links,
             size_t count)
{
    size_t low = count, step = 1, high;

    for (; low && count - low < ONE_BY_ONE; low--)
        if (link_of(&frames[low - 1]) == links[low - 1])
            return low;
    for (high = low; low;) {
        low = low > step ? low - step : 0;
        step *= 2;
        if (link_of(&frames[low]) == links[low]) {
            low++;
            break;
        }
        high = low;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (link_of(&frames[middle]) == links[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* With outer frames cut, a frame has the same index as before only if as many
 * are cut again, and of one and the same stack. */
static bool
is_comparable(const struct vmp_window *window,
              const struct vmp_last_sample *last)
{
    if (!window->cut && !last->cut)
        return true;
    return window->cut == last->cut && window->skip == last->skip &&
           window->segment_count == 1 && last->segment_count == 1;
}

/* With native frames, known frames have to stand where they stood. */
static bool
has_moved(const struct vmp_segment *now, const struct vmp_segment *then)
{
    return vmp_session.native != VMPROF_NATIVE_OFF &&
           (now->place.stack_pointer != then->place.stack_pointer ||
            now->place.top != then->place.top);
}

static size_t
known_prefix(const struct vmp_window *window,
             const struct vmp_last_sample *last)
{
    size_t known = 0;

    if (!is_comparable(window, last))
        return 0;
    for (unsigned i = 0; i < window->segment_count && i < last->segment_count;
         i++) {
        const struct vmp_segment *now = &window->segments[i],
                                 *then = &last->segments[i];
        const size_t both =
            (now->depth < then->depth ? now->depth : then->depth) -
            window->skip;
        size_t same;

        if (now->id != then->id || has_moved(now, then))
            break;
        same = known_frames(now->stack->frames + 1 + window->skip,
                            last->links + known, both);
        known += same;
        /* If it ran in between, its innermost frame may have moved on. */
        if (same != both || now->depth != then->depth ||
            now->runs != then->runs)
            break;
    }
    return known;
}

/*
 * How many of the known frames were active ever since the last record. A stack
 * that sleeps keeps its frames, too. The outermost never slept, unless another
 * took its place by a jump; one above it did not if nothing began to run it.
 */
static size_t
lasting_prefix(const struct vmp_window *window,
               const struct vmp_last_sample *last, size_t known)
{
    size_t lasting = window->segments[0].depth - window->skip;

    if (!known || window->jumps != last->jumps)
        return 0;
    for (unsigned i = 1; i < window->segment_count && i < last->segment_count &&
                         window->segments[i].runs == last->segments[i].runs;
         i++)
        lasting += window->segments[i].depth;
    return lasting < known ? lasting : known;
}

void
vmp_window_fit(struct vmp_window *window, const struct vmp_last_sample *last,
               size_t max_frames)
{
    size_t known;

    cut_to(window, max_frames);
    known = known_prefix(window, last);
    window->lasting = (uint32_t)lasting_prefix(window, last, known);
    /* The innermost known frame may have moved on: it is recorded again. */
    window->keep = (uint32_t)(known ? known - 1 : 0);
}

void
vmp_window_trim(struct vmp_window *window, uint32_t count)
{
    size_t excess = window->count - count;

    while (excess) {
        struct vmp_segment *const last =
            &window->segments[window->segment_count - 1];
        const size_t less = excess < last->depth ? excess : last->depth;

        last->depth -= less;
        excess -= less;
        if (!last->depth && window->segment_count > 1)
            window->segment_count--;
    }
    window->count = count;
}

void
vmp_window_remember(const struct vmp_window *window,
                    struct vmp_last_sample *last)
{
    for (unsigned i = 0; i < window->segment_count; i++)
        last->segments[i] = window->segments[i];
    last->segment_count = window->segment_count;
    last->cut = window->cut;
    last->jumps = window->jumps;
    last->skip = window->skip;
    last->count = window->count;
}
