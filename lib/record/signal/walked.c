/* SPDX-License-Identifier: MIT */

/*
 * Ticks come outside the kernel alone, so an answer tells where the thread was then,
 * and not where the time in the kernel before was spent: a function that computes
 * between two that read files had most of theirs. Whether a frame is that of the last
 * answer is not known, only whether it is of the same code.
 *
 * Signal context.
 */

#include "walked.h"

#include "sample.h"

static uint32_t
mix(uint64_t value)
{
    return (uint32_t)(value * 0x9e3779b97f4a7c15 >> 32);
}

/* Of a frame: its code's mark above its place's. */
static uint64_t
mark_of(const struct vmprof_walked_frame *frame)
{
    return (uint64_t)mix(vmp_code_and_kind(frame->code, frame->kind)) << 32 |
           mix(frame->offset << 32 ^ frame->line);
}

/*
 * How many of these frames, from the outermost, were active since the last answer, as
 * far as can be told: those that it had, too, the innermost of them maybe elsewhere in
 * its code. A leaf has as likely been left and called again.
 */
static uint32_t
count_lasting(const struct vmp_thread *thread,
              const struct vmprof_walked_frame *frames, uint32_t count,
              uint64_t cut)
{
    const uint64_t *const marks = thread->last.links;
    uint32_t lasting = 0;

    if (cut != thread->marked_cut)
        return 0;
    while (lasting < count && lasting < thread->marked &&
           mark_of(&frames[lasting]) == marks[lasting])
        lasting++;
    if (lasting < count && lasting < thread->marked &&
        mark_of(&frames[lasting]) >> 32 == marks[lasting] >> 32)
        lasting++;
    return lasting && lasting == count && lasting == thread->marked
               ? lasting - 1
               : lasting;
}

uint64_t
vmp_tell_system_time(struct vmp_thread *thread,
                     const struct vmprof_walked_frame *frames, uint32_t count,
                     uint64_t cut, uint64_t now_ns, uint64_t weight_ns)
{
    const uint64_t system_ns =
        thread->untold_ns < weight_ns ? thread->untold_ns : weight_ns;
    struct vmp_sampled_frame innermost = { 0 };
    uint32_t lasting;

    if (!system_ns)
        return 0;
    lasting = count_lasting(thread, frames, count, cut);
    if (lasting) {
        const struct vmprof_walked_frame *const frame = &frames[lasting - 1];

        innermost.code = vmp_code_and_kind(frame->code, frame->kind);
    }
    /* Where there is no room the answer has the time. */
    if (!vmp_put_gap(thread, VMP_KIND_SYSTEM, lasting, cut, &innermost,
                     now_ns - (weight_ns - system_ns), system_ns))
        return 0;
    vmp_count(&thread->counters.system_ticks, thread->untold_ticks);
    thread->untold_ns = thread->untold_ticks = 0;
    return system_ns;
}

void
vmp_mark_walk(struct vmp_thread *thread,
              const struct vmprof_walked_frame *frames, uint32_t count,
              uint64_t cut)
{
    /* No other clock leaves anything to tell. */
    if (thread->clock.rung != VMPROF_CLOCK_PERF)
        return;
    for (uint32_t i = 0; i < count; i++)
        thread->last.links[i] = mark_of(&frames[i]);
    thread->marked = count;
    thread->marked_cut = cut;
}

void
vmp_give_up_request(struct vmp_thread *thread)
{
    vmp_count(&thread->counters.lost_walker,
              thread->untold_ticks +
                  atomic_exchange(&thread->requested, false));
    thread->untold_ns = thread->untold_ticks = 0;
}
