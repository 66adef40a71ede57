/* SPDX-License-Identifier: MIT */

/* From who has samples to the format that they are written in. */

#include "encoder.h"

#include <stdlib.h>

#include "encoder_state.h"

void
vmp_encoder_free(struct vmp_encoder *encoder)
{
    if (!encoder)
        return;
    vmp_intern_free(&encoder->codes);
    vmp_intern_free(&encoder->keys);
    vmp_intern_free(&encoder->places);
    vmp_intern_free(&encoder->frames);
    vmp_intern_free(&encoder->nodes);
    vmp_intern_free(&encoder->words);
    free(encoder->frame_of_key);
    encoder->encoding->free(encoder);
}

int
vmp_encoder_open(struct vmp_encoder *encoder,
                 const struct vmp_session_info *info)
{
    return encoder->encoding->open(encoder, info);
}

int
vmp_encoder_thread(struct vmp_encoder *encoder, uint32_t index,
                   const struct vmp_thread_info *info)
{
    return encoder->encoding->thread(encoder, index, info);
}

void
vmp_encoder_memory(struct vmp_encoder *encoder, uint64_t memory_kb)
{
    encoder->encoding->memory(encoder, memory_kb);
}

void
vmp_encoder_begin(struct vmp_encoder *encoder, struct vmp_stream *stream)
{
    encoder->stream = stream;
    encoder->encoding->begin(encoder);
}

int
vmp_encoder_sample(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                   uint64_t weight_ns, uint32_t phase, uint32_t state)
{
    const struct vmp_sample sample = {
        .time_ns = time_ns,
        .weight_ns = weight_ns,
        .node = node,
        .phase = phase,
        .state = state,
    };

    return encoder->encoding->sample(encoder, &sample);
}

int
vmp_encoder_gap(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                uint64_t weight_ns, uint32_t phase)
{
    const struct vmp_sample gap = {
        .time_ns = time_ns,
        .weight_ns = weight_ns,
        .node = node,
        .phase = phase,
        .is_gap = true,
    };

    return encoder->encoding->sample(encoder, &gap);
}

int
vmp_encoder_finish(struct vmp_encoder *encoder)
{
    return encoder->encoding->finish(encoder);
}

int
vmp_encoder_stats(struct vmp_encoder *encoder, uint64_t time_ns,
                  const struct vmp_counters *counters)
{
    return encoder->encoding->stats(encoder, time_ns, counters);
}

int
vmp_encoder_end(struct vmp_encoder *encoder, uint64_t time_ns)
{
    return encoder->encoding->end(encoder, time_ns);
}

void
vmp_encoder_count(const struct vmp_encoder *encoder, uint64_t *written,
                  uint64_t *unwritten)
{
    *written = encoder->written;
    *unwritten = encoder->unwritten;
}
