/* SPDX-License-Identifier: MIT */

/* The registry of codes: ids, errors, and forgetting. */

#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/code.h>

#include "isolate.h"
#include "record/code.h"

static struct vmprof_code_class *plain;
static int objects[4096];

static int
make_class(void **state)
{
    (void)state;
    return vmprof_register_code_class("plain", NULL, &plain);
}

static void
a_class_has_a_short_plain_name_of_its_own(void **state)
{
    (void)state;
    const char *const bad[] = { NULL,       "",   "a:b", "a b",
                                "\xc3\xa9", "a%", "a\n", "plain" };
    struct vmprof_code_class *out = plain, *const before = plain;
    char name[70];

    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(vmprof_register_code_class(bad[i], NULL, &out),
                         i + 1 == LENGTH(bad) ? -EEXIST : -EINVAL);
    memset(name, 'n', sizeof(name));
    name[64] = 0;
    assert_int_equal(vmprof_register_code_class(name, NULL, &out), -EINVAL);
    assert_ptr_equal(out, before);
    name[63] = 0;
    assert_int_equal(vmprof_register_code_class(name, NULL, &out), 0);
    assert_ptr_not_equal(out, before);
    assert_int_equal(vmprof_register_code_class("aZ09_-.", NULL, &out), 0);
}

static void
bad_class_options_change_nothing(void **state)
{
    (void)state;
    struct {
        struct vmprof_code_class_options known;
        uint64_t unknown;
    } newer = { .unknown = 1 };
    struct vmprof_code_class *out = NULL;
    struct vmprof_code_class_options options;

    vmprof_code_class_options_init(&options);
    options.size = 8;
    assert_int_equal(vmprof_register_code_class("sized", &options, &out),
                     -EINVAL);
    newer.known.size = sizeof(newer);
    assert_int_equal(vmprof_register_code_class("sized", &newer.known, &out),
                     -E2BIG);
    assert_null(out);
    newer.unknown = 0;
    assert_int_equal(vmprof_register_code_class("sized", &newer.known, &out),
                     0);
}

static void
a_bad_name_is_refused_and_a_correct_one_still_works(void **state)
{
    (void)state;
    const char *const bad[] = { "", "a", "a:b:1", "a:b:1:c:d", NULL };
    char name[VMPROF_NAME_SIZE + 1];
    vmprof_code_id id = 42;

    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(vmprof_register_code(plain, &objects[0], bad[i], &id),
                         -EINVAL);
    memset(name, 'n', sizeof(name));
    memcpy(name, "p:f:1:", 6);
    name[VMPROF_NAME_SIZE] = 0;
    assert_int_equal(vmprof_register_code(plain, &objects[0], name, &id),
                     -ENAMETOOLONG);
    assert_int_equal(vmprof_register_code(NULL, &objects[0], "a:b:1:c", &id),
                     -EINVAL);
    assert_int_equal(id, 42);
    assert_int_equal(vmprof_get_unique_id(plain, &objects[0]), 0);
    name[VMPROF_NAME_SIZE - 1] = 0;
    assert_int_equal(vmprof_register_code(plain, &objects[0], name, &id), 0);
    assert_int_equal(vmprof_get_unique_id(plain, &objects[0]), id);
    assert_int_equal(vmprof_forget_code(id), 0);
}

static void
an_object_is_registered_once_in_each_class(void **state)
{
    (void)state;
    struct vmprof_code_class *other;
    vmprof_code_id id, second = 7, third;

    assert_int_equal(vmprof_register_code_class("other", NULL, &other), 0);
    assert_int_equal(vmprof_register_code(plain, &objects[1], "p:a:1:", &id),
                     0);
    assert_int_equal(
        vmprof_register_code(plain, &objects[1], "p:b:1:", &second), -EEXIST);
    assert_int_equal(second, 7);
    assert_int_equal(vmprof_register_code(other, &objects[1], "o:a:1:", &third),
                     0);
    assert_int_equal(vmprof_get_unique_id(plain, &objects[1]), id);
    assert_int_equal(vmprof_get_unique_id(other, &objects[1]), third);
    assert_int_equal(vmprof_forget_code(id), 0);
    assert_int_equal(vmprof_get_unique_id(plain, &objects[1]), 0);
    assert_int_equal(vmprof_get_unique_id(other, &objects[1]), third);
    assert_int_equal(vmprof_forget_code(third), 0);
}

static void
codes_without_an_object_may_be_many(void **state)
{
    (void)state;
    vmprof_code_id a, b;

    assert_int_equal(vmprof_register_code(plain, NULL, "p:a:1:", &a), 0);
    assert_int_equal(vmprof_register_code(plain, NULL, "p:a:1:", &b), 0);
    assert_int_not_equal(a, b);
    assert_int_equal(vmprof_get_unique_id(plain, NULL), 0);
    assert_int_equal(vmprof_forget_code(a), 0);
    assert_int_equal(vmprof_forget_code(b), 0);
}

static void
ids_are_multiples_of_4_and_never_used_again(void **state)
{
    (void)state;
    const unsigned count = rounds(LENGTH(objects));
    vmprof_code_id last = 0, id;

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(
                vmprof_register_code(plain, &objects[i], "p:f:1:", &id), 0);
            assert_int_equal(id % 4, 0);
            assert_true(id > last && id < (vmprof_code_id)1 << 56);
            last = id;
        }
        for (unsigned i = 0; i < count; i++) {
            id = vmprof_get_unique_id(plain, &objects[i]);
            assert_int_equal(vmprof_forget_code(id), 0);
            assert_int_equal(vmprof_forget_code(id), -ENOENT);
        }
    }
}

static void
forgetting_what_never_was_says_so(void **state)
{
    (void)state;
    assert_int_equal(vmprof_forget_code(0), -ENOENT);
    assert_int_equal(vmprof_forget_code(1), -ENOENT);
    assert_int_equal(vmprof_forget_code(UINT64_MAX), -ENOENT);
}

static void
expect_name(uint64_t id, const char *expected)
{
    char name[VMPROF_NAME_SIZE + 1] = { 0 };

    name[vmp_code_name(id, name)] = 0;
    assert_string_equal(name, expected);
}

static void
a_forgotten_name_stays_until_the_samples_before_it_are_written(void **state)
{
    (void)state;
    struct vmp_place place;
    vmprof_code_id id;
    uint64_t before, after;

    vmp_codes_keep_forgotten(true);
    assert_int_equal(vmprof_register_code(plain, &objects[2], "p:x:1:", &id),
                     0);
    assert_int_equal(vmp_code_place(id, 9, &place), 0);
    assert_int_equal(place.offset, 9);
    before = vmp_codes_mark();
    assert_int_equal(vmprof_forget_code(id), 0);
    assert_int_equal(vmprof_get_unique_id(plain, &objects[2]), 0);
    assert_int_equal(vmp_code_place(id, 9, &place), -ENOENT);
    vmp_codes_bury(before);
    expect_name(id, "p:x:1:");
    after = vmp_codes_mark();
    vmp_codes_bury(after);
    expect_name(id, "?:unknown:0:");
    vmp_codes_keep_forgotten(false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_has_a_short_plain_name_of_its_own),
        cmocka_unit_test(bad_class_options_change_nothing),
        cmocka_unit_test(a_bad_name_is_refused_and_a_correct_one_still_works),
        cmocka_unit_test(an_object_is_registered_once_in_each_class),
        cmocka_unit_test(codes_without_an_object_may_be_many),
        cmocka_unit_test(ids_are_multiples_of_4_and_never_used_again),
        cmocka_unit_test(forgetting_what_never_was_says_so),
        cmocka_unit_test(
            a_forgotten_name_stays_until_the_samples_before_it_are_written),
    };

    return cmocka_run_group_tests_name("code", tests, make_class, NULL);
}
