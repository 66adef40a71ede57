/* SPDX-License-Identifier: MIT */

/* The native format: chunks in their order. Definitions always go out before
 * what uses them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "encoder_state.h"

enum {
    LEAST_UNIT_NS = 1000,
    UNITS_PER_INTERVAL = 64,
    SECTION_MAX = VMP_HEAD_MAX + 2 * VMP_VARINT_MAX,
    SAMPLE_MAX = 6 * VMP_VARINT_MAX,
};

/* A weight may be this much off, to be made good by the next: then it mostly is
 * the time that passed, which is there already. */
static const int64_t MOST_OWED = 2; /* units */

static int
native_chunk(struct vmp_encoder *encoder, enum vmp_chunk_type type)
{
    const size_t size = vmp_chunk_finish(&encoder->chunk, encoder->session,
                                         encoder->number++, type);

    encoder->chunk.used = 0;
    return encoder->sink(encoder->user, encoder->chunk.bytes, size);
}

static int
send_chunk(struct vmp_encoder *encoder, enum vmp_chunk_type type)
{
    return encoder->encoding->chunk(encoder, type);
}

/* The payload of a list or of samples: what stands before the entries. */
static unsigned char *
put_head(const struct vmp_encoder *encoder, const struct vmp_pending *list,
         enum vmp_chunk_type type, unsigned char *to)
{
    if (type == VMP_CHUNK_TRACES)
        return to;
    if (type == VMP_CHUNK_SAMPLES) {
        to = vmp_put_varint(to, encoder->stream->thread);
    } else if (type == VMP_CHUNK_COUNTS) {
        to = vmp_put_varint(to, encoder->counts_time);
    } else if (type == VMP_CHUNK_SITES) {
        memcpy(to, encoder->sites_head, encoder->sites_head_size);
        to += encoder->sites_head_size;
    } else if (type == VMP_CHUNK_EVENT_COUNTS || type == VMP_CHUNK_LINES ||
               type == VMP_CHUNK_CALLS) {
        memcpy(to, encoder->rows_head, encoder->rows_head_size);
        to += encoder->rows_head_size;
    } else if (type != VMP_CHUNK_CODES) {
        to = vmp_put_varint(to, list->first);
    }
    to = vmp_put_varint(to, list->count);
    if (type == VMP_CHUNK_SAMPLES)
        to = vmp_put_varint(to, encoder->samples_from);
    return to;
}

/* Append a payload to the open chunk, as a section of it or as all of it. */
static void
append_list(struct vmp_encoder *encoder, struct vmp_pending *list,
            enum vmp_chunk_type type, bool as_section)
{
    unsigned char head[VMP_HEAD_MAX];
    const size_t size = (size_t)(put_head(encoder, list, type, head) - head);

    if (as_section) {
        vmp_chunk_varint(&encoder->chunk, type);
        vmp_chunk_varint(&encoder->chunk, size + list->used);
    }
    vmp_chunk_bytes(&encoder->chunk, head, size);
    vmp_chunk_bytes(&encoder->chunk, list->bytes, list->used);
    list->first += list->count;
    list->count = 0;
    list->used = 0;
}

static int
first_error(int a, int b)
{
    return a < 0 ? a : b;
}

int
vmp_encoder_send_payload(struct vmp_encoder *encoder, struct vmp_pending *list,
                         enum vmp_chunk_type type)
{
    append_list(encoder, list, type, false);
    return send_chunk(encoder, type);
}

int
vmp_encoder_send_list(struct vmp_encoder *encoder, struct vmp_pending *list,
                      enum vmp_chunk_type type)
{
    return list->count ? vmp_encoder_send_payload(encoder, list, type) : 0;
}

int
vmp_encoder_send_definitions(struct vmp_encoder *encoder)
{
    const struct {
        struct vmp_pending *list;
        enum vmp_chunk_type type;
    } lists[] = {
        { &encoder->new_modules, VMP_CHUNK_MODULES },
        { &encoder->new_codes, VMP_CHUNK_CODES },
        { &encoder->new_frames, VMP_CHUNK_FRAMES },
        { &encoder->new_nodes, VMP_CHUNK_NODES },
        { &encoder->new_words, VMP_CHUNK_WORDS },
    };
    int r = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        r = first_error(
            r, vmp_encoder_send_list(encoder, lists[i].list, lists[i].type));
    return r;
}

/* The samples with all that they need in one chunk, if it holds that much. */
static int
send_samples(struct vmp_encoder *encoder)
{
    const struct {
        struct vmp_pending *list;
        enum vmp_chunk_type type;
    } parts[] = {
        { &encoder->new_modules, VMP_CHUNK_MODULES },
        { &encoder->new_codes, VMP_CHUNK_CODES },
        { &encoder->new_frames, VMP_CHUNK_FRAMES },
        { &encoder->new_nodes, VMP_CHUNK_NODES },
        { &encoder->samples, VMP_CHUNK_SAMPLES },
    };
    const size_t count = sizeof(parts) / sizeof(*parts);
    size_t lists = 0, size = 0;

    for (size_t i = 0; i < count; i++) {
        lists += parts[i].list->count != 0;
        size += SECTION_MAX + parts[i].list->used;
    }
    if (lists == 1)
        return vmp_encoder_send_list(encoder, &encoder->samples,
                                     VMP_CHUNK_SAMPLES);
    if (size > VMP_CHUNK_MAX_PAYLOAD) {
        const int r = vmp_encoder_send_definitions(encoder);
        return first_error(r, vmp_encoder_send_list(encoder, &encoder->samples,
                                                    VMP_CHUNK_SAMPLES));
    }
    for (size_t i = 0; i < count; i++)
        if (parts[i].list->count)
            append_list(encoder, parts[i].list, parts[i].type, true);
    return send_chunk(encoder, VMP_CHUNK_GROUP);
}

/* So coarse that the time between two samples mostly takes one byte, which is
 * finer than it takes a signal to arrive. */
static uint64_t
unit_for(uint64_t interval_ns)
{
    const uint64_t unit_ns = interval_ns / UNITS_PER_INTERVAL;

    return unit_ns > LEAST_UNIT_NS ? unit_ns : LEAST_UNIT_NS;
}

static int
native_open(struct vmp_encoder *encoder, const struct vmp_session_info *info)
{
    struct vmp_chunk *const chunk = &encoder->chunk;

    encoder->session = info->session;
    encoder->unit_ns = unit_for(info->interval_ns);
    vmp_chunk_number_field(chunk, VMP_SESSION_VERSION, VMP_FORMAT_VERSION);
    vmp_chunk_number_field(chunk, VMP_SESSION_TIME_UNIT, encoder->unit_ns);
    vmp_chunk_number_field(chunk, VMP_SESSION_UNIX_NS, info->unix_ns);
    vmp_chunk_number_field(chunk, VMP_SESSION_MONOTONIC_NS, info->monotonic_ns);
    vmp_chunk_number_field(chunk, VMP_SESSION_INTERVAL_NS, info->interval_ns);
    vmp_chunk_number_field(chunk, VMP_SESSION_MODE, info->mode);
    vmp_chunk_number_field(chunk, VMP_SESSION_CLOCK, info->clock);
    vmp_chunk_number_field(chunk, VMP_SESSION_PID, info->pid);
    vmp_chunk_number_field(chunk, VMP_SESSION_MAX_FRAMES, info->max_frames);
    vmp_chunk_string_field(chunk, VMP_SESSION_VM_NAME, info->vm_name);
    vmp_chunk_string_field(chunk, VMP_SESSION_OS, info->os);
    vmp_chunk_string_field(chunk, VMP_SESSION_MACHINE, info->machine);
    vmp_chunk_string_field(chunk, VMP_SESSION_LIBRARY, info->library);
    vmp_chunk_string_field(chunk, VMP_SESSION_PROGRAM, info->program);
    return send_chunk(encoder, VMP_CHUNK_SESSION);
}

static int
native_thread(struct vmp_encoder *encoder, uint32_t index,
              const struct vmp_thread_info *info)
{
    struct vmp_chunk *const chunk = &encoder->chunk;
    /* The sum over many brief threads is as exact as that of a long one. */
    const uint64_t cpu_ns =
        info->cpu_ns ? info->cpu_ns + encoder->cpu_rest_ns : 0;

    vmp_chunk_string_field(chunk, VMP_THREAD_NAME, info->name);
    vmp_chunk_number_field(chunk, VMP_THREAD_INDEX, index);
    vmp_chunk_number_field(chunk, VMP_THREAD_ID, info->id);
    vmp_chunk_number_field(chunk, VMP_THREAD_START,
                           info->start_ns / encoder->unit_ns);
    vmp_chunk_number_field(chunk, VMP_THREAD_END,
                           info->end_ns ? info->end_ns / encoder->unit_ns + 1
                                        : 0);
    vmp_chunk_number_field(chunk, VMP_THREAD_CPU, cpu_ns / encoder->unit_ns);
    if (cpu_ns)
        encoder->cpu_rest_ns = cpu_ns % encoder->unit_ns;
    return send_chunk(encoder, VMP_CHUNK_THREAD);
}

static void
native_begin(struct vmp_encoder *encoder)
{
    encoder->samples.count = 0;
    encoder->samples.used = 0;
    encoder->samples_from = encoder->stream->time;
    encoder->phase = 0;
    encoder->state = 0;
    encoder->gaps = 0;
}

static int
native_finish(struct vmp_encoder *encoder)
{
    const uint32_t count = encoder->samples.count - encoder->gaps;
    int r;

    if (!encoder->samples.count)
        return 0;
    r = send_samples(encoder);
    if (r < 0)
        encoder->unwritten += count;
    else
        encoder->written += count;
    native_begin(encoder);
    return r;
}

static int
native_sample(struct vmp_encoder *encoder, const struct vmp_sample *sample)
{
    struct vmp_pending *const samples = &encoder->samples;
    struct vmp_stream *const stream = encoder->stream;
    const int64_t unit_ns = (int64_t)encoder->unit_ns;
    const uint64_t time = sample->time_ns / encoder->unit_ns;
    const uint64_t passed = time > stream->time ? time - stream->time : 0;
    const int64_t owed_ns = stream->owed_ns + (int64_t)sample->weight_ns;
    const int64_t rest_ns = owed_ns - (int64_t)passed * unit_ns;
    const bool as_passed = llabs(rest_ns) < MOST_OWED * unit_ns;
    /* The VM may have set any number. */
    const uint32_t phase = sample->phase & ((1 << VMP_STATE_SHIFT) - 1);
    int64_t weight = (int64_t)passed;
    int r = 0;

    if (!as_passed)
        weight = owed_ns > 0 ? owed_ns / unit_ns : 0;
    stream->owed_ns = owed_ns - weight * unit_ns;

    if (!vmp_pending_fits(samples, SAMPLE_MAX))
        r = native_finish(encoder);
    if (phase != encoder->phase || sample->state != encoder->state) {
        vmp_pending_put(samples, 0);
        vmp_pending_put(samples, phase | sample->state << VMP_STATE_SHIFT);
        encoder->phase = phase;
        encoder->state = sample->state;
    }
    vmp_pending_put(samples, ((uint64_t)sample->node + 1) << 1 | !as_passed);
    vmp_pending_put(samples, passed);
    if (!as_passed)
        vmp_pending_put(samples, vmp_zigzag(weight - (int64_t)passed));
    samples->count++;
    encoder->gaps += sample->is_gap;
    stream->time += passed;
    return r;
}

/* The format has no place for it. */
static void
native_memory(struct vmp_encoder *encoder, uint64_t memory_kb)
{
    (void)encoder;
    (void)memory_kb;
}

static int
native_stats(struct vmp_encoder *encoder, uint64_t time_ns,
             const struct vmp_counters *c)
{
    const struct {
        unsigned key;
        uint64_t value;
    } fields[] = {
        { VMP_STATS_TIME, time_ns / encoder->unit_ns },
        { VMP_STATS_EXPIRATIONS, c->expirations },
        { VMP_STATS_SAMPLES, c->samples },
        { VMP_STATS_LOST_RING_FULL, c->lost_ring_full },
        { VMP_STATS_LOST_BUSY, c->lost_busy },
        { VMP_STATS_LOST_SWITCHING, c->lost_switching },
        { VMP_STATS_LOST_WALKER, c->lost_walker },
        { VMP_STATS_STACKS_CUT, c->stacks_cut },
        { VMP_STATS_FRAMES_CUT, c->frames_cut },
        { VMP_STATS_OVERFLOWS, c->overflows },
        { VMP_STATS_LOCATIONS_LOST, c->locations_lost },
        { VMP_STATS_CLOCK_FAILURES, c->clock_failures },
        { VMP_STATS_SAMPLED_NS, c->sampled_ns },
        { VMP_STATS_UNWRITTEN, encoder->unwritten },
        { VMP_STATS_POLLED, c->polled },
        { VMP_STATS_HELD_BACK, c->held_back },
        { VMP_STATS_SYSTEM_TICKS, c->system_ticks },
        { VMP_STATS_NATIVE_CUT, c->native_cut },
        { VMP_STATS_NATIVE_FAILED, c->native_failed },
        { VMP_STATS_CLOCK_RETRIES, c->clock_retries },
        { VMP_STATS_LOST_OVERRUN, c->lost_overrun },
        { VMP_STATS_JIT_EVENTS, c->jit_events },
        { VMP_STATS_JIT_LOST, c->jit_lost },
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        vmp_chunk_number_field(&encoder->chunk, fields[i].key, fields[i].value);
    return send_chunk(encoder, VMP_CHUNK_STATS);
}

static int
native_end(struct vmp_encoder *encoder, uint64_t time_ns)
{
    vmp_chunk_number_field(&encoder->chunk, VMP_END_TIME,
                           time_ns / encoder->unit_ns);
    return send_chunk(encoder, VMP_CHUNK_END);
}

static void
native_free(struct vmp_encoder *encoder)
{
    free(encoder);
}

static const struct vmp_encoding encoding = {
    .open = native_open,
    .code = vmp_native_code,
    .frame = vmp_native_frame,
    .address = vmp_native_address,
    .module = vmp_native_module,
    .node = vmp_native_node,
    .thread = native_thread,
    .memory = native_memory,
    .begin = native_begin,
    .sample = native_sample,
    .finish = native_finish,
    .stats = native_stats,
    .end = native_end,
    .chunk = native_chunk,
    .free = native_free,
};

int
vmp_encoder_new(struct vmp_encoder **out, vmp_sink_function sink,
                vmp_name_of_function name_of, void *user)
{
    struct vmp_encoder *const encoder = calloc(1, sizeof(*encoder));

    if (!encoder)
        return -ENOMEM;
    encoder->encoding = &encoding;
    encoder->sink = sink;
    encoder->name_of = name_of;
    encoder->user = user;
    encoder->new_modules.first = 1;
    encoder->new_frames.first = 1;
    encoder->new_nodes.first = 1;
    encoder->new_words.first = 1;
    *out = encoder;
    return 0;
}
