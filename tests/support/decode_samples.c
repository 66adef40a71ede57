/* SPDX-License-Identifier: MIT */

/* Chunks THREAD and SAMPLES. */

#include "decode_parts.h"

#include <string.h>

void
decode_thread(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_fields fields = { 0 };
    size_t index;

    decode_fields(c, &fields);
    index = (size_t)fields.number[2];
    decode_need(c, index <= d->thread_count,
                "threads are not numbered in a row");
    if (c->bad) {
        decode_free_fields(&fields);
        return;
    }
    if (index == d->thread_count) {
        d->threads = decode_grow(d->threads, index, sizeof(*d->threads));
        memset(&d->threads[index], 0, sizeof(*d->threads));
        d->thread_count++;
    }
    decode_free_fields(&d->threads[index].fields);
    d->threads[index].fields = fields;
    d->threads[index].known = 1;
}

static void
add_sample(struct decoded *d, const struct decoded_sample *sample)
{
    d->samples = decode_grow(d->samples, d->sample_count, sizeof(*sample));
    d->samples[d->sample_count++] = *sample;
}

void
decode_samples(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_sample sample = { .thread = (uint32_t)decode_varint(c) };
    uint64_t left = decode_varint(c);

    sample.time = decode_varint(c);
    decode_need(c, sample.thread < d->thread_count,
                "samples of an unknown thread");
    if (c->bad)
        return;
    decode_need(c, sample.time >= d->threads[sample.thread].time,
                "samples run backwards");
    while (left && !c->bad) {
        const uint64_t v = decode_varint(c);

        decode_need(c, v != 1, "a sample of node -1");
        if (!v) {
            const uint64_t both = decode_varint(c);

            sample.phase = both & 15;
            sample.state = (uint32_t)(both >> 4);
            continue;
        }
        const uint64_t passed = decode_varint(c);
        decode_need(c, (v >> 1) - 1 < d->node_count,
                    "a sample of an undefined node");
        sample.node = (uint32_t)((v >> 1) - 1);
        sample.time += passed;
        sample.weight = v & 1 ? passed + (uint64_t)decode_zigzag(c) : passed;
        if (!c->bad)
            add_sample(d, &sample);
        left--;
    }
    d->threads[sample.thread].time = sample.time;
}
