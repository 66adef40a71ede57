/* SPDX-License-Identifier: MIT */

/* SAMPLES: the bytes that a file is made of. */
#include <errno.h>
#include <string.h>

#include "native.h"
#include "store.h"

struct sample_reader {
    struct native *native;
    const struct native_session *session;
    const unsigned char *at, *end;
    uint64_t left; /* samples */
    uint64_t time_ns;
    uint32_t thread; /* index in the profile */
    uint8_t phase, state;
    uint32_t count; /* in the batch */
    uint32_t run;   /* those of the batch from here on have phase, state */
};

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
    uint64_t both;

    end_run(reader);
    if (!vmp_get_varint(&reader->at, reader->end, &both))
        return false;
    reader->phase = both & ((1 << VMP_STATE_SHIFT) - 1);
    reader->state = (uint8_t)(both >> VMP_STATE_SHIFT);
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

/* Reads any one record. Returns false if it is not valid. */
static bool
read_unusual(struct sample_reader *reader)
{
    const uint64_t unit_ns = reader->session->unit_ns;
    struct native_batch *batch = &reader->native->batch;
    uint64_t head, elapsed, difference = 0, weight;

    if (!vmp_get_varint(&reader->at, reader->end, &head))
        return false;
    if (head == 0)
        return change_state(reader);
    if (head == 1 || !vmp_get_varint(&reader->at, reader->end, &elapsed))
        return false;
    if (head & 1 && !vmp_get_varint(&reader->at, reader->end, &difference))
        return false;
    weight = elapsed + (uint64_t)vmp_unzigzag(difference);
    reader->time_ns += elapsed * unit_ns;
    batch->nodes[reader->count] = find_node(reader, (head >> 1) - 1);
    batch->times_ns[reader->count] = reader->time_ns;
    batch->weights_ns[reader->count] =
        (int64_t)weight < 0 ? 0 : weight * unit_ns;
    reader->count++;
    reader->left--;
    return true;
}

/* As read_unusual(), into the batch, until that is full or a node unknown. */
static uint32_t
take_short_ones(struct sample_reader *reader, const struct short_block *block,
                uint32_t *at)
{
    struct native_batch *batch = &reader->native->batch;
    const struct index_map *nodes = &reader->session->nodes;
    const uint64_t unit_ns = reader->session->unit_ns;
    const uint32_t room = BATCH_SIZE - reader->count;
    const uint64_t end =
        short_block_end(block, *at, reader->left < room ? reader->left : room);
    uint32_t i = *at, count = 0;

    while (i < end && block->size[i]) {
        const uint32_t to = reader->count + count;

        batch->nodes[to] = index_map_get(nodes, block->node[i] - UINT64_C(1));
        if (batch->nodes[to] == INDEX_LOST)
            break;
        reader->time_ns += block->elapsed[i] * unit_ns;
        batch->times_ns[to] = reader->time_ns;
        batch->weights_ns[to] = block->weight[i] * unit_ns;
        i += block->size[i];
        count++;
    }
    *at = i;
    reader->count += count;
    return count;
}

/* The same into the sums. */
static int
sum_short_ones(struct sample_reader *reader, const struct short_block *block,
               uint32_t *at, uint32_t *count)
{
    struct native *native = reader->native;
    const struct native_sums_of of = {
        .session = (uint32_t)(reader->session - native->sessions),
        .thread = reader->thread,
        .phase = reader->phase,
        .state = reader->state,
    };
    uint64_t room, elapsed = 0;
    const int result = native_sums_begin(native, &of, &room);

    if (result)
        return result;
    *count = native_sums_add(&native->sums, block,
                             reader->left < room ? reader->left : room, at,
                             &elapsed);
    native->profile->sample_count += *count;
    reader->time_ns += elapsed * reader->session->unit_ns;
    return 0;
}

static bool
sums_are_enough(const struct native *native)
{
    return native->options.summed && !(native->options.traces_need_times &&
                                       native->profile->traces.private);
}

/* What is left of a block, but for one that fits no longer. */
static int
read_block(struct sample_reader *reader, const struct short_block *block)
{
    const unsigned char *const start = reader->at;
    uint32_t at = 0;
    int result = 0;

    do {
        uint32_t count = 0;

        if (!sums_are_enough(reader->native))
            count = take_short_ones(reader, block, &at);
        else if (at < block->count)
            result = sum_short_ones(reader, block, &at, &count);
        reader->at = start + at;
        reader->left -= count;
        if (!result && !count && reader->left && !read_unusual(reader))
            result = -EBADMSG;
        at = (uint32_t)(reader->at - start);
    } while (!result && reader->left && reader->count < BATCH_SIZE &&
             at < block->count);
    return result;
}

/* Returns 0 at the end of the samples or of the batch. */
static int
read_batch(struct sample_reader *reader)
{
    struct short_block block;
    int result = 0;

    while (!result && reader->left && reader->count < BATCH_SIZE) {
        short_block_fill(&block, reader->at, reader->end);
        result = read_block(reader, &block);
    }
    return result;
}

static int
send_batch(struct sample_reader *reader)
{
    struct native *native = reader->native;
    const struct batch batch = {
        .thread = reader->thread,
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
        .time_ns = start * native->sessions[chunk->session].unit_ns,
    };
    const int64_t thread =
        payload->bad ? -EBADMSG
                     : native_thread(native, chunk->session, thread_index);
    int result = thread < 0 ? (int)thread : 0;

    reader.thread = (uint32_t)thread;
    reader.at = payload->at;
    reader.end = payload->end;
    while (reader.left && !result) {
        const int valid = read_batch(&reader);
        result = send_batch(&reader);
        if (!result)
            result = valid;
    }
    native_saw_time(native, chunk->session, reader.time_ns);
    return result ? result : reader.at == reader.end ? 0 : -EBADMSG;
}
