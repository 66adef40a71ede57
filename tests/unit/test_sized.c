/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "sized.h"

/* One struct as an old program, this library, and a newer program know it. */
struct old {
    uint64_t size, a;
};

struct ours {
    uint64_t size, a, b;
};

struct newer {
    uint64_t size, a, b, c;
};

enum {
    LEAST = sizeof(struct old),
};

static int
import(struct ours *to, const void *from)
{
    return vmp_sized_import(to, sizeof(*to), LEAST, from);
}

static int
export_(void *to, const struct ours *from)
{
    return vmp_sized_export(to, sizeof(*from), LEAST, from);
}

static void
what_an_old_program_does_not_know_is_zero(void **state)
{
    (void)state;
    const struct old theirs = { sizeof(theirs), 7 };
    struct ours to = { 1, 2, 3 };

    assert_int_equal(import(&to, &theirs), 0);
    assert_int_equal(to.a, 7);
    assert_int_equal(to.b, 0);
}

static void
a_newer_program_is_welcome_while_it_asks_for_nothing_new(void **state)
{
    (void)state;
    const struct newer theirs = { sizeof(theirs), 7, 8, 0 };
    struct ours to;

    assert_int_equal(import(&to, &theirs), 0);
    assert_int_equal(to.a, 7);
    assert_int_equal(to.b, 8);
}

static void
a_request_that_is_too_new_is_refused_and_nothing_is_set(void **state)
{
    (void)state;
    const struct newer theirs = { sizeof(theirs), 7, 8, 9 };
    struct ours to = { 1, 2, 3 };

    assert_int_equal(import(&to, &theirs), -E2BIG);
    assert_int_equal(to.size, 1);
    assert_int_equal(to.a, 2);
    assert_int_equal(to.b, 3);
}

static void
a_size_that_cannot_be_is_refused(void **state)
{
    (void)state;
    const uint64_t sizes[] = { 0, 8, LEAST - 1, 4097, UINT64_MAX };
    struct ours to = { 1, 2, 3 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct ours theirs = { sizes[i], 7, 8 };

        assert_int_equal(import(&to, &theirs), -EINVAL);
        assert_int_equal(export_(&theirs, &to), -EINVAL);
        assert_int_equal(theirs.a, 7);
    }
    assert_int_equal(to.a, 2);
}

static void
an_old_program_gets_what_it_has_room_for_and_no_byte_more(void **state)
{
    (void)state;
    const struct ours from = { sizeof(from), 7, 8 };
    struct ours theirs = { sizeof(struct old), 0, 99 };

    assert_int_equal(export_(&theirs, &from), 0);
    assert_int_equal(theirs.size, sizeof(struct old));
    assert_int_equal(theirs.a, 7);
    assert_int_equal(theirs.b, 99);
}

static void
a_newer_program_gets_zeroes_for_what_we_do_not_know(void **state)
{
    (void)state;
    const struct ours from = { sizeof(from), 7, 8 };
    struct newer theirs = { sizeof(theirs), 0, 0, 99 };

    assert_int_equal(export_(&theirs, &from), 0);
    assert_int_equal(theirs.size, sizeof(theirs));
    assert_int_equal(theirs.b, 8);
    assert_int_equal(theirs.c, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_old_program_does_not_know_is_zero),
        cmocka_unit_test(
            a_newer_program_is_welcome_while_it_asks_for_nothing_new),
        cmocka_unit_test(
            a_request_that_is_too_new_is_refused_and_nothing_is_set),
        cmocka_unit_test(a_size_that_cannot_be_is_refused),
        cmocka_unit_test(
            an_old_program_gets_what_it_has_room_for_and_no_byte_more),
        cmocka_unit_test(a_newer_program_gets_zeroes_for_what_we_do_not_know),
    };

    return cmocka_run_group_tests_name("sized", tests, NULL, NULL);
}
