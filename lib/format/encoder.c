/* SPDX-License-Identifier: MIT */

/* Chunks in their order: definitions always go out before what uses them. */

#include "encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../intern.h"
#include "chunk.h"
#include "varint.h"

enum {
    NAME_SIZE = 1024,
    KIND_SHIFT = 56,
    KIND_CODE = 1,
    LEAST_UNIT_NS = 1000,
    UNITS_PER_INTERVAL = 64,
    HEAD_MAX = 3 * VMP_VARINT_MAX,
    SECTION_MAX = HEAD_MAX + 2 * VMP_VARINT_MAX,
    CODE_MAX = 2 * VMP_VARINT_MAX + NAME_SIZE,
    FRAME_MAX = 4 * VMP_VARINT_MAX,
    NODE_MAX = 2 * VMP_VARINT_MAX,
    SAMPLE_MAX = 6 * VMP_VARINT_MAX,
};

/* A weight may be this much off, to be made good by the next: then it mostly is
 * the time that passed, which is there already. */
static const int64_t MOST_OWED = 2; /* units */

static const uint64_t CODE_MASK = ((uint64_t)1 << KIND_SHIFT) - 1;

/* Definitions that are yet to be written: entries `first` and up. */
struct pending {
    uint32_t first, count;
    size_t used;
    unsigned char bytes[VMP_CHUNK_MAX_PAYLOAD - HEAD_MAX];
};

struct vmp_encoder {
    vmp_sink_function sink;
    vmp_name_of_function name_of;
    void *user;
    uint32_t session, number;
    uint64_t unit_ns;

    struct vmp_intern codes; /* (id, 0) */
    struct vmp_intern keys;  /* (code and kind, key) → frame_of_key */
    uint32_t *frame_of_key;
    uint32_t frame_of_key_size;
    struct vmp_intern places; /* (offset, line) */
    struct vmp_intern frames; /* (code and kind, place + 1, or 0 for none) */
    struct vmp_intern nodes;  /* (parent, frame) */

    struct pending new_codes, new_frames, new_nodes, samples;
    struct vmp_stream *stream;
    uint64_t samples_from; /* the start time of the open SAMPLES chunk */
    uint32_t phase, state; /* of the last sample in it */
    uint32_t gaps;         /* in it */
    uint64_t written, unwritten;

    struct vmp_chunk chunk;
};

static void
put(struct pending *pending, uint64_t value)
{
    unsigned char *const at = pending->bytes + pending->used;

    pending->used += (size_t)(vmp_put_varint(at, value) - at);
}

static bool
fits(const struct pending *pending, size_t size)
{
    return sizeof(pending->bytes) - pending->used >= size;
}

static int
send_chunk(struct vmp_encoder *encoder, enum vmp_chunk_type type)
{
    const size_t size = vmp_chunk_finish(&encoder->chunk, encoder->session,
                                         encoder->number++, type);

    encoder->chunk.used = 0;
    return encoder->sink(encoder->user, encoder->chunk.bytes, size);
}

/* The payload of a list or of samples: what stands before the entries. */
static unsigned char *
put_head(const struct vmp_encoder *encoder, const struct pending *list,
         enum vmp_chunk_type type, unsigned char *to)
{
    if (type == VMP_CHUNK_SAMPLES)
        to = vmp_put_varint(to, encoder->stream->thread);
    else if (type != VMP_CHUNK_CODES)
        to = vmp_put_varint(to, list->first);
    to = vmp_put_varint(to, list->count);
    if (type == VMP_CHUNK_SAMPLES)
        to = vmp_put_varint(to, encoder->samples_from);
    return to;
}

/* Append a payload to the open chunk, as a section of it or as all of it. */
static void
append_list(struct vmp_encoder *encoder, struct pending *list,
            enum vmp_chunk_type type, bool as_section)
{
    unsigned char head[HEAD_MAX];
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

static int
send_list(struct vmp_encoder *encoder, struct pending *list,
          enum vmp_chunk_type type)
{
    if (!list->count)
        return 0;
    append_list(encoder, list, type, false);
    return send_chunk(encoder, type);
}

static int
send_definitions(struct vmp_encoder *encoder)
{
    int r = send_list(encoder, &encoder->new_codes, VMP_CHUNK_CODES);

    r = first_error(r,
                    send_list(encoder, &encoder->new_frames, VMP_CHUNK_FRAMES));
    return first_error(
        r, send_list(encoder, &encoder->new_nodes, VMP_CHUNK_NODES));
}

/* The samples with all that they need in one chunk, if it holds that much. */
static int
send_samples(struct vmp_encoder *encoder)
{
    const struct {
        struct pending *list;
        enum vmp_chunk_type type;
    } parts[] = {
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
        return send_list(encoder, &encoder->samples, VMP_CHUNK_SAMPLES);
    if (size > VMP_CHUNK_MAX_PAYLOAD) {
        const int r = send_definitions(encoder);
        return first_error(
            r, send_list(encoder, &encoder->samples, VMP_CHUNK_SAMPLES));
    }
    for (size_t i = 0; i < count; i++)
        if (parts[i].list->count)
            append_list(encoder, parts[i].list, parts[i].type, true);
    return send_chunk(encoder, VMP_CHUNK_GROUP);
}

static int
define_code(struct vmp_encoder *encoder, uint64_t id)
{
    char name[NAME_SIZE];
    size_t size;
    bool is_new;
    int64_t r;

    if (!id)
        return 0;
    r = vmp_intern(&encoder->codes, id, 0, &is_new);
    if (r < 0 || !is_new)
        return (int)(r < 0 ? r : 0);
    size = encoder->name_of(encoder->user, id, name);
    if (!fits(&encoder->new_codes, CODE_MAX))
        send_definitions(encoder);
    put(&encoder->new_codes, id / 4);
    put(&encoder->new_codes, size);
    memcpy(encoder->new_codes.bytes + encoder->new_codes.used, name, size);
    encoder->new_codes.used += size;
    encoder->new_codes.count++;
    return 0;
}

static void
define_frame(struct vmp_encoder *encoder, uint64_t code,
             const struct vmp_place *place)
{
    struct pending *const list = &encoder->new_frames;
    const uint64_t kind = code >> KIND_SHIFT ? code >> KIND_SHIFT : KIND_CODE;

    if (!fits(list, FRAME_MAX))
        send_definitions(encoder);
    put(list, (code & CODE_MASK) / 4);
    put(list, (kind & VMP_FRAME_KIND_MASK) |
                  (place->line ? VMP_FRAME_HAS_LINE : 0) |
                  (place->has_offset ? VMP_FRAME_HAS_OFFSET : 0));
    if (place->line)
        put(list, place->line);
    if (place->has_offset)
        put(list, place->offset);
    list->count++;
}

int64_t
vmp_encoder_frame(struct vmp_encoder *encoder, uint64_t code,
                  const struct vmp_place *place)
{
    int64_t where = 0, frame;
    bool is_new;

    if (place->line || place->has_offset) {
        /* An offset of 0 is not the same as none. */
        where =
            vmp_intern(&encoder->places, place->offset,
                       (uint64_t)place->line << 1 | place->has_offset, &is_new);
        if (where < 0)
            return where;
        where++;
    }
    frame = define_code(encoder, code & CODE_MASK);
    if (frame < 0)
        return frame;
    frame = vmp_intern(&encoder->frames, code, (uint64_t)where, &is_new);
    if (frame < 0)
        return frame;
    if (is_new)
        define_frame(encoder, code, place);
    return frame + 1;
}

int64_t
vmp_encoder_find_frame(struct vmp_encoder *encoder, uint64_t code, uint64_t key)
{
    const int64_t slot = vmp_intern_find(&encoder->keys, code, key);

    return slot < 0 ? slot : (int64_t)encoder->frame_of_key[slot];
}

static int
grow_keys(struct vmp_encoder *encoder)
{
    const uint32_t size =
        encoder->frame_of_key_size ? encoder->frame_of_key_size * 2 : 256;
    uint32_t *const grown =
        realloc(encoder->frame_of_key, size * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    encoder->frame_of_key = grown;
    encoder->frame_of_key_size = size;
    return 0;
}

int64_t
vmp_encoder_add_frame(struct vmp_encoder *encoder, uint64_t code, uint64_t key,
                      const struct vmp_place *place)
{
    const int64_t frame = vmp_encoder_frame(encoder, code, place);
    int64_t slot;
    bool is_new;

    if (frame < 0)
        return frame;
    if (encoder->keys.count >= encoder->frame_of_key_size &&
        grow_keys(encoder) < 0)
        return -ENOMEM;
    slot = vmp_intern(&encoder->keys, code, key, &is_new);
    if (slot < 0)
        return slot;
    encoder->frame_of_key[slot] = (uint32_t)frame;
    return frame;
}

int64_t
vmp_encoder_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame)
{
    struct pending *const list = &encoder->new_nodes;
    bool is_new;
    const int64_t node = vmp_intern(&encoder->nodes, parent, frame, &is_new);

    if (node < 0)
        return node;
    if (is_new) {
        if (!fits(list, NODE_MAX))
            send_definitions(encoder);
        put(list, (uint64_t)node + 1 - parent);
        put(list, frame);
        list->count++;
    }
    return node + 1;
}

/* So coarse that the time between two samples mostly takes one byte, which is
 * finer than it takes a signal to arrive. */
static uint64_t
unit_for(uint64_t interval_ns)
{
    const uint64_t unit_ns = interval_ns / UNITS_PER_INTERVAL;

    return unit_ns > LEAST_UNIT_NS ? unit_ns : LEAST_UNIT_NS;
}

int
vmp_encoder_open(struct vmp_encoder *encoder,
                 const struct vmp_session_info *info)
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

int
vmp_encoder_new(struct vmp_encoder **out, vmp_sink_function sink,
                vmp_name_of_function name_of, void *user)
{
    struct vmp_encoder *const encoder = calloc(1, sizeof(*encoder));

    if (!encoder)
        return -ENOMEM;
    encoder->sink = sink;
    encoder->name_of = name_of;
    encoder->user = user;
    encoder->new_frames.first = 1;
    encoder->new_nodes.first = 1;
    *out = encoder;
    return 0;
}

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
    free(encoder->frame_of_key);
    free(encoder);
}

int
vmp_encoder_thread(struct vmp_encoder *encoder, uint32_t index,
                   const struct vmp_thread_info *info)
{
    struct vmp_chunk *const chunk = &encoder->chunk;

    vmp_chunk_string_field(chunk, VMP_THREAD_NAME, info->name);
    vmp_chunk_number_field(chunk, VMP_THREAD_INDEX, index);
    vmp_chunk_number_field(chunk, VMP_THREAD_ID, info->id);
    vmp_chunk_number_field(chunk, VMP_THREAD_START,
                           info->start_ns / encoder->unit_ns);
    vmp_chunk_number_field(chunk, VMP_THREAD_END,
                           info->end_ns ? info->end_ns / encoder->unit_ns + 1
                                        : 0);
    vmp_chunk_number_field(chunk, VMP_THREAD_CPU,
                           info->cpu_ns / encoder->unit_ns);
    return send_chunk(encoder, VMP_CHUNK_THREAD);
}

static void
open_samples(struct vmp_encoder *encoder)
{
    encoder->samples.count = 0;
    encoder->samples.used = 0;
    encoder->samples_from = encoder->stream->time;
    encoder->phase = 0;
    encoder->state = 0;
    encoder->gaps = 0;
}

void
vmp_encoder_begin(struct vmp_encoder *encoder, struct vmp_stream *stream)
{
    encoder->stream = stream;
    open_samples(encoder);
}

int
vmp_encoder_finish(struct vmp_encoder *encoder)
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
    open_samples(encoder);
    return r;
}

int
vmp_encoder_sample(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                   uint64_t weight_ns, uint32_t phase, uint32_t state)
{
    struct pending *const samples = &encoder->samples;
    struct vmp_stream *const stream = encoder->stream;
    const int64_t unit_ns = (int64_t)encoder->unit_ns;
    const uint64_t time = time_ns / encoder->unit_ns;
    const uint64_t passed = time > stream->time ? time - stream->time : 0;
    const int64_t owed_ns = stream->owed_ns + (int64_t)weight_ns;
    const int64_t rest_ns = owed_ns - (int64_t)passed * unit_ns;
    const bool as_passed = llabs(rest_ns) < MOST_OWED * unit_ns;
    int64_t weight = (int64_t)passed;
    int r = 0;

    if (!as_passed)
        weight = owed_ns > 0 ? owed_ns / unit_ns : 0;
    stream->owed_ns = owed_ns - weight * unit_ns;

    if (!fits(samples, SAMPLE_MAX))
        r = vmp_encoder_finish(encoder);
    phase &= (1 << VMP_STATE_SHIFT) - 1; /* any number that the VM set */
    if (phase != encoder->phase || state != encoder->state) {
        put(samples, 0);
        put(samples, phase | state << VMP_STATE_SHIFT);
        encoder->phase = phase;
        encoder->state = state;
    }
    put(samples, ((uint64_t)node + 1) << 1 | !as_passed);
    put(samples, passed);
    if (!as_passed)
        put(samples, vmp_zigzag(weight - (int64_t)passed));
    samples->count++;
    stream->time += passed;
    return r;
}

int
vmp_encoder_gap(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                uint64_t weight_ns, uint32_t phase)
{
    const int r =
        vmp_encoder_sample(encoder, node, time_ns, weight_ns, phase, 0);

    encoder->gaps++;
    return r;
}

int
vmp_encoder_stats(struct vmp_encoder *encoder, uint64_t time_ns,
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
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        vmp_chunk_number_field(&encoder->chunk, fields[i].key, fields[i].value);
    return send_chunk(encoder, VMP_CHUNK_STATS);
}

int
vmp_encoder_end(struct vmp_encoder *encoder, uint64_t time_ns)
{
    vmp_chunk_number_field(&encoder->chunk, VMP_END_TIME,
                           time_ns / encoder->unit_ns);
    return send_chunk(encoder, VMP_CHUNK_END);
}

void
vmp_encoder_count(const struct vmp_encoder *encoder, uint64_t *written,
                  uint64_t *unwritten)
{
    *written = encoder->written;
    *unwritten = encoder->unwritten;
}
