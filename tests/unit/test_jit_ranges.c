/* SPDX-License-Identifier: MIT */

/* Where machine code is: changed by one thread, looked up by others. */

#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "isolate.h"
#include "record/jit/ranges.h"

enum {
    SLOTS = 3000, /* of memory that ranges can be in */
    SLOT = 64,
    BASE = 1 << 20,
};

/* Which trace has each slot; 0: none. */
static uint32_t model[SLOTS];

static uintptr_t
address_of(uint32_t slot)
{
    return BASE + (uintptr_t)slot * SLOT;
}

static uint32_t
trace_at(uintptr_t address)
{
    struct vmp_range range;

    return vmp_find_range(address, &range) ? range.trace : 0;
}

static uint32_t
slots_of(uint32_t slot)
{
    const uint32_t trace = model[slot];
    uint32_t count = 0;

    while (slot + count < SLOTS && model[slot + count] == trace)
        count++;
    return count;
}

static bool
is_free(uint32_t slot, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (model[slot + i])
            return false;
    return true;
}

static void
set(uint32_t slot, uint32_t count, uint32_t trace)
{
    for (uint32_t i = 0; i < count; i++)
        model[slot + i] = trace;
}

static uint32_t
first_slot(uint32_t slot)
{
    while (slot && model[slot - 1] == model[slot])
        slot--;
    return slot;
}

/* Take the range away at a slot, or put one there, or bring one there. */
static void
change(uint64_t *state, uint32_t trace)
{
    const uint32_t slot = (uint32_t)(draw(state) % (SLOTS - 9));
    const uint32_t count = 1 + (uint32_t)(draw(state) % 9);
    const uint32_t from = first_slot((uint32_t)(draw(state) % SLOTS));

    if (model[slot]) {
        vmp_ranges_remove(address_of(first_slot(slot)));
        set(first_slot(slot), slots_of(first_slot(slot)), 0);
        return;
    }
    if (!is_free(slot, count)) {
        assert_int_not_equal(
            vmp_ranges_overlap(address_of(slot), count * SLOT, 0), 0);
        return;
    }
    assert_int_equal(vmp_ranges_overlap(address_of(slot), count * SLOT, 0), 0);
    if (model[from] && draw(state) % 2) {
        const uint32_t moved = model[from];

        assert_int_equal(
            vmp_ranges_move(address_of(from), address_of(slot), count * SLOT),
            0);
        set(from, slots_of(from), 0);
        set(slot, count, moved);
        return;
    }
    assert_int_equal(vmp_ranges_add(address_of(slot), count * SLOT, trace), 0);
    set(slot, count, trace);
}

static void
remove_all(void)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (model[i]) {
            vmp_ranges_remove(address_of(i));
            set(i, slots_of(i), 0);
        }
    assert_null(atomic_load(&vmp_ranges.map));
}

static void
each_address_is_of_the_range_that_is_there(void **state)
{
    (void)state;
    uint64_t seed = 1;

    for (uint32_t i = 1; i <= rounds(40000); i++) {
        change(&seed, i);
        if (i % 500)
            continue;
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            assert_int_equal(trace_at(address_of(slot)), model[slot]);
            assert_int_equal(trace_at(address_of(slot) + SLOT - 1),
                             model[slot]);
        }
        assert_int_equal(trace_at(0), 0);
        assert_int_equal(trace_at(BASE - 1), 0);
        assert_int_equal(trace_at(address_of(SLOTS)), 0);
        assert_int_equal(trace_at(UINTPTR_MAX), 0);
    }
    remove_all();
    assert_int_equal(trace_at(BASE), 0);
}

static void
a_range_that_goes_beyond_its_block_is_found(void **state)
{
    (void)state;

    /* Enough for two blocks, and then none where the second began. */
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(vmp_ranges_add(address_of(i), SLOT, i + 1), 0);
    for (uint32_t i = 60; i < 140; i++)
        vmp_ranges_remove(address_of(i));
    assert_int_equal(vmp_ranges_add(address_of(60), 80 * SLOT, 1000), 0);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(trace_at(address_of(i)),
                         i < 60 || i >= 140 ? i + 1 : 1000);
    assert_int_equal(vmp_ranges_overlap(address_of(139), 1, 0), 1000);
    assert_int_equal(vmp_ranges_overlap(address_of(139), 1, 1000), 0);
    assert_int_equal(vmp_ranges_overlap(address_of(139), SLOT + 1, 1000), 141);
    for (uint32_t i = 0; i < 60; i++)
        vmp_ranges_remove(address_of(i));
    for (uint32_t i = 140; i < 200; i++)
        vmp_ranges_remove(address_of(i));
    vmp_ranges_remove(address_of(60));
    assert_null(atomic_load(&vmp_ranges.map));
}

static void
ranges_reach_to_both_ends_of_memory(void **state)
{
    (void)state;
    const uintptr_t last = UINTPTR_MAX - 4095;

    assert_int_equal(vmp_ranges_add(4096, 4096, 1), 0);
    assert_int_equal(vmp_ranges_add(last - 1, 4096, 2), 0);
    assert_int_equal(trace_at(4095), 0);
    assert_int_equal(trace_at(4096), 1);
    assert_int_equal(trace_at(last), 2);
    assert_int_equal(trace_at(UINTPTR_MAX - 1), 2);
    vmp_ranges_remove(4096);
    vmp_ranges_remove(last - 1);
}

static int64_t
add_ns(uint32_t count, bool descending)
{
    struct timespec from, to;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(
            vmp_ranges_add(address_of(descending ? count - 1 - i : i), SLOT,
                           i + 1),
            0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    for (uint32_t i = 0; i < count; i++)
        vmp_ranges_remove(address_of(i));
    return (to.tv_sec - from.tv_sec) * (int64_t)1000000000 + to.tv_nsec -
           from.tv_nsec;
}

/* Thirty times as many, which would take 900 times as long if each addition
 * touched all: less than 200 times. */
static void
additions_are_not_quadratic(void **state)
{
    (void)state;
    const uint32_t many = rounds(100000);

    for (unsigned descending = 0; descending < 2; descending++) {
        const int64_t few_ns = add_ns(many / 30, descending),
                      many_ns = add_ns(many, descending);

        print_message("# %u: %lld ns each, %u: %lld ns each\n", many / 30,
                      (long long)few_ns / (many / 30), many,
                      (long long)many_ns / many);
        assert_true(many_ns < 200 * few_ns);
    }
}

static atomic_bool is_over;

enum {
    FIXED =
        400, /* ranges that stay, each with another beside it that does not */
    READERS = 3,
};

/* What stays is always found, and what comes and goes is itself or nothing. */
static void *
look_up(void *user)
{
    uint64_t state = (uintptr_t)&user | 1;
    uintptr_t found = 0;

    while (!atomic_load(&is_over)) {
        const uint32_t i = (uint32_t)(draw(&state) % FIXED);
        const uintptr_t address = address_of(2 * i) + draw(&state) % SLOT;
        struct vmp_range range;

        if (!vmp_find_range(address, &range) || range.trace != i + 1 ||
            range.start != address_of(2 * i))
            return (void *)1;
        if (vmp_find_range(address + SLOT, &range)) {
            found++;
            if (range.start > address + SLOT ||
                address + SLOT - range.start >= range.size ||
                range.trace <= FIXED ||
                (range.trace - FIXED) % SLOT != range.start % SLOT)
                return (void *)2;
        }
    }
    *(uintptr_t *)user = found;
    return NULL;
}

/* Another range at each turn, at an offset that its trace tells. */
static void
come_and_go(uint64_t *state)
{
    const uint32_t i = (uint32_t)(draw(state) % FIXED);
    static uint32_t offsets[FIXED], trace;
    const uintptr_t from = address_of(2 * i + 1);

    if (offsets[i]) {
        vmp_ranges_remove(from + offsets[i] - 1);
        offsets[i] = 0;
        return;
    }
    trace++;
    offsets[i] = 1 + trace % SLOT;
    assert_int_equal(vmp_ranges_add(from + offsets[i] - 1,
                                    SLOT - (offsets[i] - 1), FIXED + trace),
                     0);
}

static void
readers_never_see_half_a_change(void **state)
{
    (void)state;
    pthread_t readers[READERS];
    uintptr_t found[READERS];
    uint64_t seed = 1;
    void *wrong;

    for (uint32_t i = 0; i < FIXED; i++)
        assert_int_equal(vmp_ranges_add(address_of(2 * i), SLOT, i + 1), 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, look_up, &found[i]),
                         0);
    for (unsigned i = 0; i < rounds(100000); i++)
        come_and_go(&seed);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(atomic_load(&vmp_ranges.readers), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_is_of_the_range_that_is_there),
        cmocka_unit_test(a_range_that_goes_beyond_its_block_is_found),
        cmocka_unit_test(ranges_reach_to_both_ends_of_memory),
        cmocka_unit_test(additions_are_not_quadratic),
        cmocka_unit_test(readers_never_see_half_a_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
