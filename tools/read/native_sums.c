/* SPDX-License-Identifier: MIT */

/* The loop that counts, for all that only want to know sums. */
#include "native_sums.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "native.h"

/*
 * A cell is one word, so that a sample is one addition: the samples in the low
 * bits, and above them their weights in units. MOST_SAMPLES of the heaviest
 * short ones fit.
 */
enum {
    COUNT_BITS = 24,
    MOST_SAMPLES = (1 << COUNT_BITS) - 1,
};

/* A cell's number is entered in any case, and kept if it was not there. */
static inline __attribute__((always_inline)) void
add_record(struct native_sums *sums, const struct record *record)
{
    const int64_t weight = (int64_t)record->weight;
    const uint64_t kept = weight < 0 ? 0 : (uint64_t)weight;
    uint64_t *const cell = &sums->cells[record->node];

    sums->used[sums->used_count] = (uint16_t)record->node;
    sums->used_count += *cell == 0;
    *cell += kept << COUNT_BITS | 1;
}

/* Two of them fit into one word, so that the second need not wait for where it
 * is to be loaded from. */
static inline __attribute__((always_inline)) void
take_short_ones(struct native_sums *sums, struct native_sums_input *input,
                uint32_t limit, short_function short_of)
{
    const unsigned char *at = input->at, *const end = input->end;
    uint64_t word, elapsed = 0;
    uint32_t count = 0;

    while (count + 2 <= limit && end - at >= (ptrdiff_t)sizeof(word)) {
        struct record first, second;

        memcpy(&word, at, sizeof(word));
        first = short_of(le64toh(word));
        second = short_of(first.next);
        if (first.bad || !first.node)
            break;
        add_record(sums, &first);
        elapsed += first.elapsed;
        at += first.size;
        count++;
        if (second.bad || !second.node)
            continue;
        add_record(sums, &second);
        elapsed += second.elapsed;
        at += second.size;
        count++;
    }
    input->at = at;
    input->left -= count;
    input->elapsed += elapsed;
    sums->sample_count += count;
}

/* Each by itself, so that its loop has the registers. */
static __attribute__((noinline)) void
take_anywhere(struct native_sums *sums, struct native_sums_input *input,
              uint32_t limit)
{
    take_short_ones(sums, input, limit, short_record);
}

#if defined(__x86_64__)
static __attribute__((noinline, target("bmi2"))) void
take_bmi2(struct native_sums *sums, struct native_sums_input *input,
          uint32_t limit)
{
    take_short_ones(sums, input, limit, short_record_bmi2);
}
#endif

static void
take(struct native_sums *sums, struct native_sums_input *input, uint32_t limit)
{
#if defined(__x86_64__)
    if (has_bmi2()) {
        take_bmi2(sums, input, limit);
        return;
    }
#endif
    take_anywhere(sums, input, limit);
}

static bool
is_same(const struct native_sums_of *a, const struct native_sums_of *b)
{
    return a->session == b->session && a->thread == b->thread &&
           a->phase == b->phase && a->state == b->state;
}

int
native_sums_take(struct native *native, const struct native_sums_of *of,
                 struct native_sums_input *input)
{
    struct native_sums *sums = &native->sums;
    uint32_t room = MOST_SAMPLES - sums->sample_count;

    if (!is_same(&sums->of, of) || room < 2) {
        const int result = native_sums_send(native);

        if (result)
            return result;
        sums->of = *of;
        room = MOST_SAMPLES;
    }
    take(sums, input, input->left < room ? (uint32_t)input->left : room);
    return 0;
}

/* Moves a cell into the batch that is sent. */
static void
put_cell(struct native *native, uint32_t cell, uint32_t at)
{
    struct native_sums *sums = &native->sums;
    const struct native_session *session = &native->sessions[sums->of.session];
    const uint64_t sum = sums->cells[cell];
    const uint32_t node = index_map_get(&session->nodes, cell - 1);
    const uint32_t count = sum & MOST_SAMPLES;

    sums->cells[cell] = 0;
    sums->nodes[at] = node == INDEX_LOST ? native->unknown_node : node;
    sums->counts[at] = count;
    sums->weights_ns[at] = (sum >> COUNT_BITS) * session->unit_ns;
    if (node == INDEX_LOST)
        native->profile->damage.samples_unknown += count;
}

static int
send_some(struct native *native, uint32_t from, uint32_t count)
{
    struct native_sums *sums = &native->sums;
    const struct batch batch = {
        .thread = sums->of.thread,
        .count = count,
        .nodes = sums->nodes,
        .counts = sums->counts,
        .weights_ns = sums->weights_ns,
        .phases = sums->phases,
        .states = sums->states,
    };

    for (uint32_t i = 0; i < count; i++)
        put_cell(native, sums->used[from + i], i);
    if (native->on_batch && !native->stopped)
        native->stopped =
            native->on_batch(native->user, native->profile, &batch);
    return native->stopped ? -ECANCELED : 0;
}

int
native_sums_send(struct native *native)
{
    struct native_sums *sums = &native->sums;
    const uint32_t count = sums->used_count;
    int result = 0;

    memset(sums->phases, sums->of.phase, sizeof(sums->phases));
    memset(sums->states, sums->of.state, sizeof(sums->states));
    for (uint32_t i = 0; i < count; i += SUMS_BATCH_SIZE)
        result = send_some(native, i,
                           count - i < SUMS_BATCH_SIZE ? count - i
                                                       : SUMS_BATCH_SIZE);
    sums->used_count = sums->sample_count = 0;
    return result;
}
