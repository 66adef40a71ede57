/* SPDX-License-Identifier: MIT */

/* Period 1: bytecodes that are counted in place. */

#include "suite.h"

#include <pthread.h>

#include "counting.h"

enum {
    OFFSETS = 10,
};

/* Bytecodes of one operand, by their sites. Returns how many needed no call. */
static unsigned
run_at_sites(vmprof_code_id code, unsigned count, vmprof_type_id usual,
             vmprof_type_id rare)
{
    static const char positions[OFFSETS];
    const struct vmprof_hit_site *const sites =
        vmprof_hit_sites(self, code, OFFSETS);
    int64_t countdown = self->bytecode_countdown;
    unsigned inlined = 0;

    assert_non_null(sites);
    for (unsigned i = 0; i < count; i++) {
        const vmprof_type_id type = i % 70 >= 60 ? rare : usual;

        if (vmprof_counts_each(self) &&
            vmprof_count_at_site(&sites[i % OFFSETS], vmprof_key_of_one(type)))
            inlined++;
        else if (--countdown < 0)
            countdown = vmprof_bytecode_missed(
                self, countdown, (uintptr_t)&positions[i % OFFSETS], code,
                i % OFFSETS, OPCODE_ONE, &type);
    }
    self->bytecode_countdown = countdown;
    return inlined;
}

static void
require_hits_at(vmprof_code_id code, uint64_t count)
{
    struct vmprof_type_profile *const profile = take_profile();
    uint64_t typed = 0;

    for (unsigned at = 0; at < OFFSETS; at++) {
        const struct vmprof_type_row row = find_row(profile, code, at);

        assert_int_equal(row.hits, count / OFFSETS);
        assert_int_equal(row.tuple_count, 2);
        typed += row.tuples[0].hits;
    }
    assert_int_equal(typed, count - count / 7);
    assert_int_equal(profile_info(profile).hits, count);
    assert_int_equal(profile_info(profile).bytecodes, count);
    vmprof_free_type_profile(profile);
}

static void
hits_are_counted_where_they_are(void **state)
{
    (void)state;
    struct object object = { 0 };
    vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id a = register_type("a"), b = register_type("b");

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    assert_true(vmprof_counts_each(self));
    /* Each site is met once, and then it is known by its first type. */
    assert_int_equal(run_at_sites(code, 700, a, b), 700 - 10 - 100);
    require_hits_at(code, 700);
    /* What was read out is forgotten, and counted anew. */
    vmprof_look_at_counts(self);
    assert_true(run_at_sites(code, 70000, a, b) < 70000 * 6 / 7);
    require_hits_at(code, 70000);
    /* Another code in its place has sites of its own. */
    vmprof_forget_code(code);
    code = register_object(&object, NULL);
    (void)run_at_sites(code, 700, a, b);
    require_hits_at(code, 700);

    vmprof_set_profile_interp_period(10);
    assert_false(vmprof_counts_each(self));
    assert_int_equal(run_at_sites(code, 700, a, b), 0);
    vmprof_set_profile_interp(0);
    vmprof_set_profile_interp_period(1);
    vmprof_forget_code(code);
}

static void
sites_are_as_many_as_the_limit_allows(void **state)
{
    (void)state;
    struct object object = { 0 }, another = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_code_id other = register_object(&another, NULL);
    struct vmprof_hit_site *sites;

    bytecodes_reset();
    sites = vmprof_hit_sites(self, code, 16384 - OFFSETS + 1);
    assert_non_null(sites);
    assert_ptr_equal(vmprof_hit_sites(self, code, 1), sites);
    assert_null(vmprof_hit_sites(self, code, 16384));
    assert_null(vmprof_hit_sites(self, other, OFFSETS));
    assert_null(vmprof_hit_sites(NULL, other, 1));
    assert_null(vmprof_hit_sites(self, 0, 1));
    vmprof_forget_code(code);
    assert_non_null(vmprof_hit_sites(self, other, OFFSETS));
    vmprof_forget_code(other);
}

static uint64_t *
counters_of(vmprof_code_id code)
{
    uint64_t *const counters = vmprof_hit_counters(self, code, 2 * OFFSETS);

    assert_non_null(counters);
    return counters;
}

static void
count_known(uint64_t *counter, unsigned count)
{
    while (count--)
        vmprof_count_known(counter);
}

static void
what_a_vm_counts_itself_is_added_to_what_it_tells(void **state)
{
    (void)state;
    const vmprof_type_id number = register_type("int"),
                         text = register_type("str");
    struct object object = { .known = number };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;
    uint64_t *counters;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    counters = counters_of(code);
    for (unsigned round = 1; round < 4; round++) {
        count_known(&counters[2 * 3], 100 * round);
        count_known(&counters[2 * 4 + 1], 1000 * round);
        run(code, 4, OPCODE_ONE, &number);
        run(code, 4, OPCODE_ONE, &text);
        run(code, 5, OPCODE_PLAIN, NULL);

        profile = take_profile();
        assert_int_equal(profile_info(profile).hits, 1100 * round + 3);
        assert_int_equal(profile_info(profile).bytecodes, 1100 * round + 3);
        row = find_row(profile, code, 3);
        assert_int_equal(row.untyped, 100 * round);
        assert_int_equal(row.hits, 100 * round);
        assert_int_equal(row.line, 13);
        row = find_row(profile, code, 4);
        assert_int_equal(row.typed, 1000 * round + 2);
        assert_int_equal(row.tuple_count, 2);
        assert_int_equal(row.tuples[0].hits, 1000 * round + 1);
        assert_string_equal(row.tuples[0].names[0], "int");
        assert_string_equal(row.opcode_name, "ONE");
        assert_int_equal(find_row(profile, code, 5).hits, 1);
        vmprof_free_type_profile(profile);
    }
    /* Nothing is new. */
    profile = take_profile();
    assert_int_equal(profile_info(profile).rows, 0);
    vmprof_free_type_profile(profile);
    vmprof_set_profile_interp(0);
    vmprof_forget_code(code);
}

static void
a_tuple_that_is_counted_in_place_never_overflows(void **state)
{
    (void)state;
    vmprof_type_id types[5];
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    for (unsigned i = 0; i < LENGTH(types); i++)
        types[i] = register_type("a type");
    object.known = types[4];
    bytecodes_reset();
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 4; i++)
        run(code, 7, OPCODE_ONE, &types[i]);
    count_known(&counters_of(code)[2 * 7 + 1], 50);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    row = find_row(profile, code, 7);
    assert_int_equal(row.hits, 54);
    assert_int_equal(row.tuple_count, 4);
    assert_int_equal(row.tuples[0].types[0], types[4]);
    assert_int_equal(row.tuples[0].hits, 50);
    assert_int_equal(row.other, 1);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
what_was_counted_in_place_outlives_its_code(void **state)
{
    (void)state;
    const vmprof_type_id number = register_type("int");
    struct object object = { .known = number };
    vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;
    uint64_t *counters;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    counters = counters_of(code);
    count_known(&counters[2 * 3], 10);
    count_known(&counters[2 * 3 + 1], 20);
    vmprof_forget_code(code);
    object.known = 0; /* nobody asks now */
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 30);
    assert_int_equal(find_row(profile, code, 3).untyped, 10);
    assert_string_equal(find_row(profile, code, 3).tuples[0].names[0], "int");
    assert_int_equal(find_row(profile, code, 3).line, 13);
    vmprof_free_type_profile(profile);

    /* Dropped with the rest. */
    code = register_object(&object, NULL);
    count_known(&counters_of(code)[2 * 3], 10);
    assert_int_equal(vmprof_clear_type_profiles(), 0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 0);
    vmprof_free_type_profile(profile);
    vmprof_set_profile_interp(0);
    vmprof_forget_code(code);
}

static void *
count_and_end(void *user)
{
    const vmprof_code_id *const code = user;
    struct vmprof_thread *thread;
    uint64_t *counters;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_set_profile_interp(1) == 0);
    counters = vmprof_hit_counters(thread, *code, 2 * OFFSETS);
    require(counters != NULL);
    count_known(&counters[2 * 3], 40);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
what_ended_threads_counted_in_place_stays(void **state)
{
    (void)state;
    struct object object = { 0 };
    vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;
    pthread_t threads[3];

    bytecodes_reset();
    for (unsigned i = 0; i < LENGTH(threads); i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, count_and_end, &code), 0);
    for (unsigned i = 0; i < LENGTH(threads); i++)
        pthread_join(threads[i], NULL);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 3).hits, 120);
    assert_int_equal(profile_info(profile).hits, 120);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
counters_that_stand_for_nothing_have_no_place(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;
    uint64_t *counters;

    bytecodes_reset();
    counters = vmprof_hit_counters(self, code, 2 * 100 + 1);
    assert_non_null(counters);
    count_known(&counters[2 * 100], 5);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 5);
    assert_int_equal(profile_info(profile).unplaced, 5);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
counters_are_as_many_as_the_limit_allows(void **state)
{
    (void)state;
    struct object object = { 0 }, another = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_code_id other = register_object(&another, NULL);
    struct vmprof_code_class *silent;
    vmprof_code_id untold;
    uint64_t *counters;

    bytecodes_reset();
    counters = vmprof_hit_counters(self, code, 4 * 16384 - OFFSETS + 1);
    assert_non_null(counters);
    assert_ptr_equal(vmprof_hit_counters(self, code, 1), counters);
    assert_null(vmprof_hit_counters(self, code, 4 * 16384));
    assert_null(vmprof_hit_counters(self, other, OFFSETS));
    assert_null(vmprof_hit_counters(NULL, other, 1));
    assert_null(vmprof_hit_counters(self, 0, 1));
    vmprof_forget_code(code);
    assert_non_null(vmprof_hit_counters(self, other, OFFSETS));
    vmprof_forget_code(other);

    assert_int_equal(vmprof_register_code_class("silent", NULL, &silent), 0);
    assert_int_equal(vmprof_register_code(silent, &object, "s:f:1:x", &untold),
                     0);
    assert_null(vmprof_hit_counters(self, untold, 1));
    vmprof_forget_code(untold);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_are_counted_where_they_are),
        cmocka_unit_test(sites_are_as_many_as_the_limit_allows),
        cmocka_unit_test(what_a_vm_counts_itself_is_added_to_what_it_tells),
        cmocka_unit_test(a_tuple_that_is_counted_in_place_never_overflows),
        cmocka_unit_test(what_was_counted_in_place_outlives_its_code),
        cmocka_unit_test(what_ended_threads_counted_in_place_stays),
        cmocka_unit_test(counters_that_stand_for_nothing_have_no_place),
        cmocka_unit_test(counters_are_as_many_as_the_limit_allows),
    };

    return cmocka_run_group_tests_name("interp_sites", tests, set_up,
                                       tear_down);
}
