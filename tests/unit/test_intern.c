/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include <errno.h>

#include "intern.h"
#include "isolate.h"

static void
pairs_are_numbered_as_they_come_through_every_growth(void **state)
{
    (void)state;
    struct vmp_intern set = { 0 };
    const uint64_t count = rounds(300000);
    bool is_new;

    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(vmp_intern(&set, i * 4, i % 7, &is_new), i);
        assert_true(is_new);
    }
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(vmp_intern(&set, i * 4, i % 7, &is_new), i);
        assert_false(is_new);
        assert_int_equal(vmp_intern_find(&set, i * 4, i % 7), i);
        assert_int_equal(vmp_intern_find(&set, i * 4, i % 7 + 7), -ENOENT);
    }
    assert_int_equal(set.count, count);
    vmp_intern_free(&set);
}

/* Same low bits, same sums, swapped halves: what a weak hash confuses. */
static void
pairs_that_look_alike_stay_apart(void **state)
{
    (void)state;
    struct vmp_intern set = { 0 };
    int64_t next = 0;
    bool is_new;

    for (unsigned i = 0; i < 64; i++)
        for (unsigned j = 0; j < 64; j++)
            assert_int_equal(
                vmp_intern(&set, (uint64_t)1 << i, (uint64_t)1 << j, &is_new),
                next++);
    for (uint64_t i = 0; i < 4096; i++)
        assert_int_equal(vmp_intern(&set, i << 40 | 5, ~i << 32, &is_new),
                         next++);
    assert_int_equal(vmp_intern(&set, 0, 0, &is_new), next);
    assert_true(is_new);
    assert_int_equal(vmp_intern_find(&set, 2, 1), 64);
    vmp_intern_free(&set);
}

static void
nothing_is_found_in_an_empty_set(void **state)
{
    (void)state;
    struct vmp_intern set = { 0 };
    bool is_new;

    assert_int_equal(vmp_intern_find(&set, 0, 0), -ENOENT);
    assert_int_equal(vmp_intern(&set, 1, 2, &is_new), 0);
    vmp_intern_free(&set);
    assert_int_equal(vmp_intern_find(&set, 1, 2), -ENOENT);
    vmp_intern_free(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_numbered_as_they_come_through_every_growth),
        cmocka_unit_test(pairs_that_look_alike_stay_apart),
        cmocka_unit_test(nothing_is_found_in_an_empty_set),
    };

    return cmocka_run_group_tests_name("intern", tests, NULL, NULL);
}
