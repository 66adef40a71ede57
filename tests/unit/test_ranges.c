/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include "symbols/ranges.h"

enum {
    ADDRESSES = 200,
    NOTHING = -1,
};

/* By address: the value that counts there, worked out the plain way. */
struct plain {
    int64_t values[ADDRESSES];
    uint64_t priorities[ADDRESSES];
};

static void
add_plainly(struct plain *plain, uint64_t low, uint64_t high, uint64_t priority,
            uint32_t value)
{
    for (uint64_t i = low; i < high; i++) {
        if (plain->values[i] != NOTHING && plain->priorities[i] > priority)
            continue;
        plain->values[i] = value;
        plain->priorities[i] = priority;
    }
}

static void
check_all(const struct ranges *ranges, const struct plain *plain)
{
    for (uint64_t i = 0; i < ADDRESSES; i++) {
        uint32_t value;

        if (plain->values[i] == NOTHING) {
            assert_false(ranges_find(ranges, i, &value));
        } else {
            assert_true(ranges_find(ranges, i, &value));
            assert_int_equal(value, plain->values[i]);
        }
    }
}

static void
what_overlaps_is_as_if_written_address_by_address(void **state)
{
    (void)state;
    uint64_t seed = 1;

    for (unsigned round = 0; round < 2000; round++) {
        const unsigned count = (unsigned)(draw(&seed) % 20);
        struct ranges ranges = { 0 };
        struct plain plain;

        for (unsigned i = 0; i < ADDRESSES; i++)
            plain.values[i] = NOTHING;
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t low = draw(&seed) % ADDRESSES;
            const uint64_t high = draw(&seed) % (ADDRESSES + 1);
            const uint64_t priority = draw(&seed) % 4;

            assert_int_equal(ranges_add(&ranges, low, high, priority, i), 0);
            add_plainly(&plain, low, high, priority, i);
        }
        assert_int_equal(ranges_finish(&ranges), 0);
        check_all(&ranges, &plain);
        ranges_free(&ranges);
    }
}

static void
the_last_address_of_all_can_be_found(void **state)
{
    (void)state;
    struct ranges ranges = { 0 };
    uint32_t value;

    assert_int_equal(ranges_add(&ranges, 5, UINT64_MAX, 0, 1), 0);
    assert_int_equal(ranges_add(&ranges, UINT64_MAX - 1, UINT64_MAX, 1, 2), 0);
    assert_int_equal(ranges_finish(&ranges), 0);
    assert_true(ranges_find(&ranges, UINT64_MAX - 1, &value));
    assert_int_equal(value, 2);
    assert_true(ranges_find(&ranges, UINT64_MAX - 2, &value));
    assert_int_equal(value, 1);
    assert_false(ranges_find(&ranges, UINT64_MAX, &value));
    assert_false(ranges_find(&ranges, 4, &value));
    ranges_free(&ranges);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_overlaps_is_as_if_written_address_by_address),
        cmocka_unit_test(the_last_address_of_all_can_be_found),
    };

    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
