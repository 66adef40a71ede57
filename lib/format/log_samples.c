/* SPDX-License-Identifier: MIT */

/* Samples of a vmprof log: whole stacks, as often as their weight says. */

#include <string.h>

#include "log_encoder.h"

enum {
    /* A sample of less than a period counts as one, which is owed. Of more than
     * this many nothing is taken back from later ones. */
    MOST_DEBT = 16,
};

static void
put(struct vmp_log_encoder *log, uint64_t first, uint64_t second)
{
    log->words[log->word_count++] = first;
    log->words[log->word_count++] = second;
}

static void
put_frame(struct vmp_log_encoder *log, const struct vmp_log_frame *frame,
          uint64_t *trace)
{
    if (!log->has_pairs) {
        if (frame->kind != VMP_LOG_ASSEMBLER)
            put(log, frame->line, frame->id);
        return;
    }
    if (frame->trace && frame->trace != *trace)
        put(log, VMP_LOG_ASSEMBLER, frame->trace);
    *trace = frame->trace;
    put(log, frame->kind, frame->id);
}

/* A frame's row; one that stands for outer frames that were cut has none. */
static struct vmp_log_frame
frame_of(struct vmp_log_encoder *log, uint32_t frame)
{
    const struct vmp_log_frame *const rows = log->frames.rows;
    struct vmp_log_frame found = { .kind = VMP_LOG_CODE };

    if (frame && frame <= log->frames.size && rows[frame - 1].id)
        return rows[frame - 1];
    found.id = vmp_log_synthetic(log, frame ? 0 : VMP_LOG_SYNTHETIC_CUT);
    return found;
}

/* The words of a stack, the innermost frame first. */
static void
lay_out(struct vmp_log_encoder *log, uint32_t node)
{
    const struct vmp_log_node *const nodes = log->nodes.rows;
    uint64_t trace = 0;

    log->word_count = 0;
    log->node = node;
    while (node && node <= log->nodes.size) {
        /* Room for a frame with its trace, and for that of the cut. */
        const bool is_cut = log->word_count > VMP_LOG_DEPTH_MAX - 6;
        const struct vmp_log_frame frame =
            frame_of(log, is_cut ? 0 : nodes[node - 1].frame);

        put_frame(log, &frame, &trace);
        node = is_cut ? 0 : nodes[node - 1].parent;
    }
}

/* A thread that waits, and of which nothing else is known. */
static void
lay_out_waiting(struct vmp_log_encoder *log)
{
    const struct vmp_log_frame frame = {
        .kind = VMP_LOG_CODE,
        .id = vmp_log_synthetic(log, VMP_LOG_SYNTHETIC_OFF_CPU),
    };
    uint64_t trace = 0;

    log->word_count = 0;
    log->node = 0;
    put_frame(log, &frame, &trace);
}

static void
put_stack(struct vmp_log_encoder *log, uint64_t thread)
{
    vmp_log_put_byte(log, VMP_LOG_STACK);
    vmp_log_put_word(log, 1);
    vmp_log_put_word(log, log->word_count);
    for (uint32_t i = 0; i < log->word_count; i++)
        vmp_log_put_word(log, log->words[i]);
    vmp_log_put_word(log, thread);
    if (log->options.memory)
        vmp_log_put_word(log, log->memory_kb);
}

/* How many periods a sample stands for. */
static uint64_t
count_periods(uint64_t period_ns, struct vmp_stream *stream, uint64_t weight_ns)
{
    const int64_t most_debt_ns = (int64_t)period_ns * MOST_DEBT;
    uint64_t count = weight_ns / period_ns;

    if (!count)
        count = 1;
    stream->owed_ns += (int64_t)(weight_ns - count * period_ns);
    if (stream->owed_ns < -most_debt_ns)
        stream->owed_ns = -most_debt_ns;
    if (stream->owed_ns >= (int64_t)period_ns) {
        stream->owed_ns -= (int64_t)period_ns;
        count++;
    }
    return count;
}

/* The same of a gap, which may be left out. By itself: the debts of samples are
 * not to be paid with the time of system calls. */
static uint64_t
count_gap_periods(uint64_t period_ns, struct vmp_stream *stream,
                  uint64_t weight_ns)
{
    const uint64_t owed_ns = stream->gaps_owed_ns + weight_ns;

    stream->gaps_owed_ns = owed_ns % period_ns;
    return owed_ns / period_ns;
}

int
vmp_log_sample(struct vmp_encoder *encoder, const struct vmp_sample *sample)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    struct vmp_stream *const stream = encoder->stream;
    const uint64_t *const threads = log->threads.rows;
    const uint64_t thread =
        stream->thread < log->threads.size ? threads[stream->thread] : 0;
    const uint64_t count = (sample->is_gap ? count_gap_periods : count_periods)(
        log->period_ns, stream, sample->weight_ns);
    int r = 0;

    if (!sample->node && sample->state & VMP_STATE_OFF_CPU)
        lay_out_waiting(log);
    else if (sample->node != log->node || !sample->node)
        lay_out(log, sample->node);
    for (uint64_t i = 0; i < count; i++) {
        const int sent =
            vmp_log_reserve(log, VMP_LOG_STACK_MAX - VMP_LOG_DEPTH_MAX * 8 +
                                     log->word_count * (size_t)8);

        r = sent < 0 ? sent : r;
        put_stack(log, thread);
        if (i == 0 && !sample->is_gap)
            log->samples++;
    }
    if (!sample->is_gap)
        log->repeats += count - 1;
    return r;
}
