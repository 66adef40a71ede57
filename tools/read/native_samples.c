/* SPDX-License-Identifier: MIT */

/* SAMPLES: the bytes that a file is made of, and so the loop that counts. */
#include <errno.h>
#include <string.h>

#include "native.h"
#include "store.h"

enum {
    /* What a record can be long, so that its end may be checked afterwards. */
    RECORD_MAX = 3 * VMP_VARINT_MAX,
};

_Static_assert(RECORD_MAX + VMP_VARINT_MAX <= INPUT_PADDING,
               "a record that begins in the payload is readable");

struct sample_reader {
    struct native *native;
    const struct native_session *session;
    const unsigned char *at, *end;
    uint64_t left; /* samples */
    uint64_t time; /* units */
    uint8_t phase, state;
    uint32_t count; /* in the batch */
    uint32_t run;   /* those of the batch from here on have phase, state */
};

static const unsigned char *
long_varint(const unsigned char *at, uint64_t *out)
{
    return vmp_get_varint(&at, at + VMP_VARINT_MAX, out) ? at : NULL;
}

/* Reads without looking for the end. NULL: not valid. */
static inline const unsigned char *
quick_varint(const unsigned char *at, uint64_t *out)
{
    const uint64_t first = at[0], second = at[1];

    if (__builtin_expect(first < 0x80, 1)) {
        *out = first;
        return at + 1;
    }
    if (__builtin_expect(second < 0x80, 1)) {
        *out = (first & 0x7f) | second << 7;
        return at + 2;
    }
    return long_varint(at, out);
}

/* Phases and states change seldom: they are filled in run by run. */
static void
end_run(struct sample_reader *reader)
{
    const uint32_t size = reader->count - reader->run;

    memset(reader->native->batch.phases + reader->run, reader->phase, size);
    memset(reader->native->batch.states + reader->run, reader->state, size);
    reader->run = reader->count;
}

static bool
change_state(struct sample_reader *reader)
{
    uint64_t phase, state;

    end_run(reader);
    if (!vmp_get_varint(&reader->at, reader->end, &phase) ||
        !vmp_get_varint(&reader->at, reader->end, &state))
        return false;
    reader->phase = phase > UINT8_MAX ? 0 : (uint8_t)phase;
    reader->state = (uint8_t)state;
    return true;
}

static uint32_t
find_node(struct sample_reader *reader, uint64_t index)
{
    const uint32_t node = index_map_get(&reader->session->nodes, index);

    if (node != INDEX_LOST)
        return node;
    reader->native->profile->damage.samples_unknown++;
    return reader->native->unknown_node;
}

/*
 * Reads samples up to the end of the payload, a full batch or a change of
 * state. Returns false if the payload is not valid.
 */
static bool
read_run(struct sample_reader *reader)
{
    struct native *native = reader->native;
    const struct index_map *map = &reader->session->nodes;
    const uint32_t *nodes = map->count ? map->rows[0].values : NULL;
    const uint32_t known = map->count ? map->rows[0].count : 0;
    const uint64_t unit_ns = reader->session->unit_ns;
    const unsigned char *at = reader->at, *end = reader->end;
    uint64_t time = reader->time;
    uint32_t count = reader->count;
    const uint32_t limit = reader->left < BATCH_SIZE - count
                               ? count + (uint32_t)reader->left
                               : BATCH_SIZE;

    reader->left -= limit - count;
    for (; count < limit && at < end; count++) {
        uint64_t node, elapsed, difference, weight;

        if (*at == 0)
            break;
        at = quick_varint(at, &node);
        if (!at)
            break;
        at = quick_varint(at, &elapsed);
        if (!at)
            break;
        at = quick_varint(at, &difference);
        if (!at || at > end)
            break;
        node--;
        weight = elapsed + (uint64_t)vmp_unzigzag(difference);
        time += elapsed;
        native->batch.nodes[count] = node < known && nodes[node] != INDEX_LOST
                                         ? nodes[node]
                                         : find_node(reader, node);
        native->batch.times_ns[count] = time * unit_ns;
        native->batch.weights_ns[count] =
            (int64_t)weight < 0 ? 0 : weight * unit_ns;
    }
    reader->left += limit - count;
    reader->time = time;
    reader->count = count;
    reader->at = at;
    return at && at <= end;
}

static int
send_batch(struct sample_reader *reader, uint32_t thread)
{
    struct native *native = reader->native;
    const struct batch batch = {
        .thread = thread,
        .count = reader->count,
        .nodes = native->batch.nodes,
        .times_ns = native->batch.times_ns,
        .weights_ns = native->batch.weights_ns,
        .phases = native->batch.phases,
        .states = native->batch.states,
    };

    end_run(reader);
    reader->count = reader->run = 0;
    native->profile->sample_count += batch.count;
    if (native->on_batch && batch.count)
        native->stopped =
            native->on_batch(native->user, native->profile, &batch);
    return native->stopped ? -ECANCELED : 0;
}

/* Returns 0 at the end of the samples or of the batch. */
static int
read_batch(struct sample_reader *reader)
{
    while (reader->left && reader->count < BATCH_SIZE) {
        if (!read_run(reader) || reader->at == reader->end)
            return reader->left || !reader->at ? -EBADMSG : 0;
        if (reader->left && *reader->at == 0) {
            reader->at++;
            if (!change_state(reader))
                return -EBADMSG;
        }
    }
    return 0;
}

int
native_samples_chunk(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t thread_index = cursor_varint(payload);
    const uint64_t count = cursor_varint(payload);
    const uint64_t start = cursor_varint(payload);
    struct sample_reader reader = {
        .native = native,
        .session = &native->sessions[chunk->session],
        .left = count,
        .time = start,
    };
    const int64_t thread =
        payload->bad ? -EBADMSG
                     : native_thread(native, chunk->session, thread_index);
    int result = thread < 0 ? (int)thread : 0;

    reader.at = payload->at;
    reader.end = payload->end;
    while (reader.left && !result) {
        const int valid = read_batch(&reader);
        result = send_batch(&reader, (uint32_t)thread);
        if (!result)
            result = valid;
    }
    native_saw_time(native, chunk->session,
                    reader.time * reader.session->unit_ns);
    return result ? result : reader.at == reader.end ? 0 : -EBADMSG;
}
