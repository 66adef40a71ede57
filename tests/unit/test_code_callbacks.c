/* SPDX-License-Identifier: MIT */

/* Names that a class is asked for: when, how often, and what becomes of bad
 * answers. */

#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vmprof/code.h>

#include "isolate.h"
#include "record/code.h"

struct asked {
    int times, result;
    const char *says; /* NULL: nothing is written */
    void (*does)(struct asked *asked);
    vmprof_code_id id;
};

static struct vmprof_code_class *asking;

static int
full_name(void *user, void *code, char *buffer, size_t size)
{
    struct asked *const asked = code;

    assert_ptr_equal(user, &asking);
    assert_int_equal(size, VMPROF_NAME_SIZE);
    asked->times++;
    if (asked->does)
        asked->does(asked);
    if (!asked->says)
        return asked->result;
    const int full = snprintf(buffer, size, "%s", asked->says);
    return asked->result ? asked->result : full;
}

static int
make_class(void **state)
{
    struct vmprof_code_class_options options;

    (void)state;
    vmprof_code_class_options_init(&options);
    options.full_name = full_name;
    options.user = &asking;
    return vmprof_register_code_class("ask", &options, &asking);
}

static vmprof_code_id
add(struct asked *asked)
{
    assert_int_equal(vmprof_register_code(asking, asked, NULL, &asked->id), 0);
    return asked->id;
}

static const char *
name_of(vmprof_code_id id)
{
    static char name[VMPROF_NAME_SIZE + 1];

    name[vmp_code_name(id, name)] = 0;
    return name;
}

static void
names_are_asked_for_once_when_a_profile_needs_them(void **state)
{
    (void)state;
    struct asked before = { .says = "ask:before:1:" };
    struct asked during = { .says = "ask:during:1:" };
    struct asked after = { .says = "ask:after:1:" };

    add(&before);
    assert_int_equal(before.times, 0);
    vmp_codes_name_all();
    assert_int_equal(before.times, 1);
    assert_string_equal(name_of(before.id), "ask:before:1:");
    add(&during);
    assert_int_equal(during.times, 1);
    assert_string_equal(name_of(during.id), "ask:during:1:");
    vmp_codes_name_all_end();
    add(&after);
    assert_int_equal(after.times, 0);
    vmp_codes_name_all();
    vmp_codes_name_all_end();
    assert_int_equal(after.times, 1);
    assert_int_equal(before.times, 1);
    assert_int_equal(vmprof_forget_code(before.id), 0);
    assert_int_equal(vmprof_forget_code(during.id), 0);
    assert_int_equal(vmprof_forget_code(after.id), 0);
}

static void
a_code_that_is_forgotten_unnamed_is_never_asked_for(void **state)
{
    (void)state;
    struct asked gone = { .says = "ask:gone:1:" };
    struct asked kept = { .says = "ask:kept:1:" };

    add(&gone);
    add(&kept);
    assert_int_equal(vmprof_forget_code(gone.id), 0);
    vmp_codes_name_all();
    vmp_codes_name_all_end();
    assert_int_equal(gone.times, 0);
    assert_int_equal(kept.times, 1);
    assert_int_equal(vmprof_forget_code(kept.id), 0);
}

static const char *
name_after(struct asked *asked)
{
    static char name[VMPROF_NAME_SIZE + 1];

    vmp_codes_name_all();
    add(asked);
    strcpy(name, name_of(asked->id));
    vmp_codes_name_all_end();
    assert_int_equal(asked->times, 1);
    assert_int_equal(vmprof_forget_code(asked->id), 0);
    return name;
}

static void
a_failing_function_names_the_code_after_its_class(void **state)
{
    (void)state;
    struct asked fails = { .result = -EIO };
    struct asked lies = { .result = -EIO, .says = "ask:x:1:" };

    assert_string_equal(name_after(&fails), "ask:?:0:");
    assert_string_equal(name_after(&lies), "ask:?:0:");
}

static void
an_answer_that_writes_nothing_is_an_empty_name(void **state)
{
    (void)state;
    struct asked silent = { .result = 0 };
    struct asked boasts = { .result = 20 };

    assert_string_equal(name_after(&silent), "ask::0:");
    assert_string_equal(name_after(&boasts), "ask::0:");
}

static void
too_few_and_too_many_colons_are_repaired(void **state)
{
    (void)state;
    struct asked none = { .says = "main" }, many = { .says = "a:b:c:d:e" };

    assert_string_equal(name_after(&none), "ask:main:0:");
    assert_string_equal(name_after(&many), "ask:a%3Ab%3Ac%3Ad%3Ae:0:");
}

static unsigned
colons(const char *name)
{
    unsigned count = 0;

    for (; *name; name++)
        count += *name == ':';
    return count;
}

static void
a_name_of_any_length_is_cut_visibly_and_keeps_three_colons(void **state)
{
    (void)state;
    char says[1200];

    for (size_t colon = 900; colon < 1100; colon++)
        for (size_t size = colon + 8; size < 1150; size += 13) {
            struct asked asked = { .says = says };
            const char *name;

            memset(says, 'n', size);
            memcpy(says, "ask:", 4);
            memcpy(says + colon, ":12:", 4);
            says[size] = 0;
            name = name_after(&asked);
            assert_int_equal(colons(name), 3);
            assert_int_equal(strncmp(name, "ask:", 4), 0);
            if (size < VMPROF_NAME_SIZE)
                assert_string_equal(name, says);
            else
                assert_non_null(strstr(name, "..."));
        }
}

static struct asked child = { .says = "ask:child:1:" };

static void
register_child(struct asked *asked)
{
    (void)asked;
    if (!vmprof_get_unique_id(asking, &child))
        add(&child);
}

static void
forget_itself(struct asked *asked)
{
    assert_int_equal(vmprof_forget_code(asked->id), 0);
}

static void
a_name_function_may_register_codes_and_each_is_asked_once(void **state)
{
    (void)state;
    struct asked parent = { .says = "ask:parent:1:", .does = register_child };

    add(&parent);
    vmp_codes_name_all();
    assert_int_equal(parent.times, 1);
    assert_int_equal(child.times, 1);
    assert_string_equal(name_of(parent.id), "ask:parent:1:");
    assert_string_equal(name_of(child.id), "ask:child:1:");
    vmp_codes_name_all_end();
    assert_int_equal(vmprof_forget_code(parent.id), 0);
    assert_int_equal(vmprof_forget_code(child.id), 0);
}

static void
a_name_function_may_forget_the_code_it_names(void **state)
{
    (void)state;
    struct asked gone = { .says = "ask:gone:1:", .does = forget_itself };
    struct asked next = { .says = "ask:next:1:" };

    add(&gone);
    add(&next);
    vmp_codes_name_all();
    vmp_codes_name_all_end();
    assert_int_equal(gone.times, 1);
    assert_string_equal(name_of(gone.id), "?:unknown:0:");
    assert_string_equal(name_of(next.id), "ask:next:1:");
    assert_int_equal(vmprof_forget_code(next.id), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_asked_for_once_when_a_profile_needs_them),
        cmocka_unit_test(a_code_that_is_forgotten_unnamed_is_never_asked_for),
        cmocka_unit_test(a_failing_function_names_the_code_after_its_class),
        cmocka_unit_test(an_answer_that_writes_nothing_is_an_empty_name),
        cmocka_unit_test(too_few_and_too_many_colons_are_repaired),
        cmocka_unit_test(
            a_name_of_any_length_is_cut_visibly_and_keeps_three_colons),
        cmocka_unit_test(
            a_name_function_may_register_codes_and_each_is_asked_once),
        cmocka_unit_test(a_name_function_may_forget_the_code_it_names),
    };

    return cmocka_run_group_tests_name("code_callbacks", tests, make_class,
                                       NULL);
}
