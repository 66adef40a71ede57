/* SPDX-License-Identifier: MIT */

/* SAMPLES: the bytes that a file is made of. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "native.h"
#include "native_record.h"
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

/* Where records go, and what is needed to put them there. */
struct target {
    const uint32_t *nodes;
    uint64_t known;
    uint32_t shift; /* of consecutive nodes: what to add to the session's */
    bool consecutive;
    uint64_t unit_ns, time_ns;
    struct native_batch *batch;
};

/* Returns false for what is left to read_unusual(): among others node 0, which
 * is the same in every session. */
static inline __attribute__((always_inline)) bool
put_record(struct target *to, uint32_t at, struct record record)
{
    uint32_t node;

    if (__builtin_expect(record.bad || (int64_t)record.weight < 0 ||
                             record.node - 2 >= to->known - 1,
                         0))
        return false;
    node = to->consecutive ? (uint32_t)record.node + to->shift
                           : to->nodes[record.node - 1];
    if (!to->consecutive && node == INDEX_LOST)
        return false;
    to->time_ns += record.elapsed * to->unit_ns;
    to->batch->nodes[at] = node;
    to->batch->times_ns[at] = to->time_ns;
    to->batch->weights_ns[at] = record.weight * to->unit_ns;
    return true;
}

/*
 * Reads short records of known nodes. Stops at any other, and at `limit`. Two
 * of them fit into one word, so that the second need not wait for where it is
 * to be loaded from.
 */
static inline __attribute__((always_inline)) void
read_short_ones(struct sample_reader *reader, uint32_t limit, bool consecutive,
                short_function short_of)
{
    const struct index_row *const row = reader->session->nodes.rows;
    struct target to = {
        .nodes = row->values,
        .known = row->count,
        .shift = consecutive ? row->values[1] - 2 : 0,
        .consecutive = consecutive,
        .unit_ns = reader->session->unit_ns,
        .time_ns = reader->time_ns,
        .batch = &reader->native->batch,
    };
    const unsigned char *at = reader->at, *const end = reader->end;
    uint64_t word;
    uint32_t count = reader->count;

    while (count < limit && end - at >= (ptrdiff_t)sizeof(word)) {
        struct record first, second;

        memcpy(&word, at, sizeof(word));
        first = short_of(le64toh(word));
        second = short_of(first.next);
        if (!put_record(&to, count, first))
            break;
        count++;
        at += first.size;
        if (count == limit || !put_record(&to, count, second))
            continue;
        count++;
        at += second.size;
    }
    reader->left -= count - reader->count;
    reader->count = count;
    reader->time_ns = to.time_ns;
    reader->at = at;
}

static inline __attribute__((always_inline)) void
read_known(struct sample_reader *reader, uint32_t limit,
           short_function short_of)
{
    const struct index_map *const map = &reader->session->nodes;

    if (!map->count || map->rows[0].count < 2)
        return;
    if (map->rows[0].consecutive)
        read_short_ones(reader, limit, true, short_of);
    else
        read_short_ones(reader, limit, false, short_of);
}

/* Each by itself, so that its loops have the registers. */
static __attribute__((noinline)) void
read_usual_anywhere(struct sample_reader *reader, uint32_t limit)
{
    read_known(reader, limit, short_record);
}

#if defined(__x86_64__)
static __attribute__((noinline, target("bmi2"))) void
read_usual_bmi2(struct sample_reader *reader, uint32_t limit)
{
    read_known(reader, limit, short_record_bmi2);
}
#endif

static void
read_usual(struct sample_reader *reader, uint32_t limit)
{
#if defined(__x86_64__)
    if (has_bmi2()) {
        read_usual_bmi2(reader, limit);
        return;
    }
#endif
    read_usual_anywhere(reader, limit);
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

/* The usual ones that go into sums and not into the batch. */
static int
sum_usual(struct sample_reader *reader)
{
    struct native *native = reader->native;
    struct native_sums_input input = { reader->at, reader->end, reader->left,
                                       0 };
    const struct native_sums_of of = {
        .session = (uint32_t)(reader->session - native->sessions),
        .thread = reader->thread,
        .phase = reader->phase,
        .state = reader->state,
    };
    const int result = native_sums_take(native, &of, &input);

    native->profile->sample_count += reader->left - input.left;
    reader->at = input.at;
    reader->left = input.left;
    reader->time_ns += input.elapsed * reader->session->unit_ns;
    return result;
}

/* Returns 0 at the end of the samples or of the batch. */
static int
read_batch(struct sample_reader *reader)
{
    while (reader->left && reader->count < BATCH_SIZE) {
        const uint32_t room = BATCH_SIZE - reader->count;
        int result = 0;

        if (reader->native->options.summed)
            result = sum_usual(reader);
        else
            read_usual(reader, reader->left < room
                                   ? reader->count + (uint32_t)reader->left
                                   : BATCH_SIZE);
        if (result)
            return result;
        if (reader->left && reader->count < BATCH_SIZE && !read_unusual(reader))
            return -EBADMSG;
    }
    return 0;
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
