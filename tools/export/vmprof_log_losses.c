/* SPDX-License-Identifier: MIT */

#include "vmprof_log_losses.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <vmprof/stack.h>

#include "format/log.h"

enum {
    NS_PER_MS = 1000000
};

/* The phase that a reader takes a stack for. */
static uint8_t
phase_of(const struct frame *leaf)
{
    if (leaf->is_machine_code)
        return VMPROF_PHASE_NATIVE;
    return leaf->kind == VMPROF_KIND_JITTED ? VMPROF_PHASE_COMPILED
                                            : VMPROF_PHASE_INTERPRETING;
}

void
losses_see(struct log_losses *losses, const struct profile *profile,
           const struct batch *batch, uint32_t i)
{
    const uint32_t node = batch->nodes[i];
    const struct frame *leaf = &profile->frames[profile->nodes[node].frame];
    const uint8_t phase = batch->phases[i];
    /* A thread that waits beneath no function has a frame that says so. */
    const uint8_t kept = node ? 0 : SAMPLE_OFF_CPU;

    if (phase != (node ? phase_of(leaf) : VMPROF_PHASE_INTERPRETING))
        losses->phases |= (uint32_t)1 << (phase & 31);
    losses->states += (batch->states[i] & ~kept) != 0;
}

static bool
may_have_lines(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->session_count; i++)
        if (profile->sessions[i].vm_name &&
            !strcmp(profile->sessions[i].vm_name, VMP_LOG_NAME_OF_PAIRS))
            return false;
    return true;
}

void
losses_find(struct log_losses *losses, const struct profile *profile,
            bool lines_wanted)
{
    losses->is_log = !strcmp(profile->format, "vmprof log");
    for (uint32_t i = 0; i < profile->frame_count; i++) {
        const struct frame *frame = &profile->frames[i];

        losses->machine_code += frame->is_machine_code;
        if (frame->is_machine_code || !frame->kind)
            continue;
        losses->compiled += frame->kind == VMPROF_KIND_JITTED;
        losses->kinds += frame->kind == VMPROF_KIND_BLACKHOLE ||
                         frame->kind == VMPROF_KIND_JITTING ||
                         frame->kind == VMPROF_KIND_GC ||
                         frame->kind == VMPROF_KIND_NATIVE;
        losses->lines += frame->line != 0;
        losses->offsets += frame->has_offset && !losses->is_log;
    }
    losses->has_lines = may_have_lines(profile) &&
                        (lines_wanted || (losses->lines && !losses->compiled));
}

struct telling {
    const char *separator;
};

/* "the times of 12 samples" */
static void
tell(struct telling *telling, uint64_t count, const char *before,
     const char *behind)
{
    if (!count)
        return;
    fprintf(stderr, "%s%s%" PRIu64 " %s", telling->separator, before, count,
            behind);
    telling->separator = ", ";
}

static unsigned
count_bits(uint32_t bits)
{
    unsigned count = 0;

    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

void
losses_tell(const struct log_losses *losses, const struct profile *profile)
{
    struct telling telling = { "vmprof: not kept by the vmprof log: " };

    tell(&telling, losses->is_log ? 0 : profile->sample_count, "the times of ",
         "samples");
    tell(&telling, count_bits(losses->phases), "", "phases");
    tell(&telling, losses->states, "the states of ", "samples");
    tell(&telling, losses->has_lines ? 0 : losses->lines, "the lines of ",
         "frames");
    tell(&telling, losses->has_lines ? losses->compiled : 0, "that ",
         "frames are compiled code");
    tell(&telling, losses->kinds, "the kinds of ", "frames");
    tell(&telling, losses->offsets, "the instructions of ", "frames");
    tell(&telling, losses->unsampled_ns / NS_PER_MS, "", "ms of [unsampled]");
    tell(&telling, profile->type_row_count, "", "rows of types");
    if (strcmp(telling.separator, ", ") == 0)
        fputc('\n', stderr);
    if (profile->session_count > 1)
        fprintf(stderr,
                "vmprof: the log holds %" PRIu32 " processes, of which "
                "vmprof-python reads the first\n",
                profile->session_count);
}
