/* SPDX-License-Identifier: MIT */

/* Hits of bytecodes: how many, where, and what they stand for. */

#include "suite.h"

#include <errno.h>

#include "counting.h"

static void
at_period_1_every_count_is_exact(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id number = register_type("int"),
                         text = register_type("str");
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    run(code, 0, OPCODE_PLAIN, NULL);
    assert_int_equal(vmprof_set_profile_interp(1), 0);
    assert_int_equal(vmprof_set_profile_interp(1), 1);
    for (unsigned i = 0; i < 1000; i++) {
        const vmprof_type_id operands[] = { number, i % 4 ? number : text };

        run(code, 1, OPCODE_PLAIN, NULL);
        run(code, 2, OPCODE_TWO, operands);
        if (i % 10 == 0)
            run(code, 3, OPCODE_ONE, operands + 1);
    }
    assert_int_equal(vmprof_set_profile_interp(0), 1);
    run(code, 1, OPCODE_PLAIN, NULL);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 2100);
    assert_int_equal(profile_info(profile).bytecodes, 2100);
    assert_int_equal(profile_info(profile).period, 1);

    row = find_row(profile, code, 0);
    assert_int_equal(row.hits, 0);
    row = find_row(profile, code, 1);
    assert_int_equal(row.untyped, 1000);
    assert_int_equal(row.hits, 1000);
    assert_int_equal(row.line, 11);
    assert_string_equal(row.opcode_name, "PLAIN");
    assert_string_equal(row.name, "b:asked for:3:file.b");

    row = find_row(profile, code, 2);
    assert_int_equal(row.typed, 1000);
    assert_int_equal(row.tuple_count, 2);
    assert_int_equal(row.tuples[0].hits, 750);
    assert_string_equal(row.tuples[0].names[0], "int");
    assert_string_equal(row.tuples[0].names[1], "int");
    assert_int_equal(row.tuples[1].hits, 250);
    assert_string_equal(row.tuples[1].names[1], "str");

    row = find_row(profile, code, 3);
    assert_int_equal(row.typed, 100);
    assert_int_equal(row.tuples[0].hits, 50);
    assert_int_equal(row.tuples[1].hits, 50);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
what_overflows_is_other_and_missing_values_have_a_name(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    vmprof_type_id types[6];
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    for (unsigned i = 0; i < LENGTH(types); i++) {
        char name[16];

        snprintf(name, sizeof(name), "type%u", i);
        types[i] = register_type(name);
    }
    types[1] = 0;
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 600; i++)
        run(code, 5, OPCODE_ONE, &types[i % 6]);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    row = find_row(profile, code, 5);
    assert_int_equal(row.hits, 600);
    assert_int_equal(row.typed, 400);
    assert_int_equal(row.other, 200);
    assert_int_equal(row.tuple_count, 4);
    assert_int_equal(row.tuples[1].types[0], types[1]);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(row.tuples[i].names[0],
                            row.tuples[i].types[0] == 0          ? "<NULL>"
                            : row.tuples[i].types[0] == types[0] ? "type0"
                            : row.tuples[i].types[0] == types[2] ? "type2"
                                                                 : "type3");
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
tuples_differ_by_each_operand_and_by_their_number(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id a = register_type("a"), b = register_type("b");
    const vmprof_type_id types[9] = { a, a, a, a, a, a, a, a, b };
    vmprof_type_id last[8];
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    memcpy(last, types, sizeof(last));
    last[7] = b;
    bytecodes_reset();
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 7; i++) {
        run(code, 1, OPCODE_ALL, types);
        if (i < 4)
            run(code, 1, OPCODE_ALL, last);
        /* As many as there may be, though nine are told. */
        self->bytecode_countdown = vmprof_bytecode_typed(
            self, self->bytecode_countdown - 1, code, 1, OPCODE_ALL, types, 9);
        if (i < 2)
            self->bytecode_countdown =
                vmprof_bytecode_typed(self, self->bytecode_countdown - 1, code,
                                      1, OPCODE_ALL, types, 7);
    }
    vmprof_set_profile_interp(0);
    profile = take_profile();
    row = find_row(profile, code, 1);
    assert_int_equal(row.hits, 20);
    assert_int_equal(row.tuple_count, 3);
    assert_int_equal(row.tuples[0].hits, 14);
    assert_int_equal(row.tuples[0].count, 8);
    assert_int_equal(row.tuples[1].hits, 4);
    assert_string_equal(row.tuples[1].names[7], "b");
    assert_int_equal(row.tuples[2].hits, 2);
    assert_int_equal(row.tuples[2].count, 7);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

/* A loop of bytecodes of which the first `typed` have a type. */
static uint64_t
run_loop(vmprof_code_id code, unsigned length, uint64_t bytecodes,
         const vmprof_type_id *type)
{
    int64_t countdown = self->bytecode_countdown;
    uint64_t done = 0;

    while (done < bytecodes)
        for (unsigned i = 0; i < length; i++, done++)
            countdown = vmprof_count_bytecode_kept(
                self, countdown, code, i, i ? OPCODE_PLAIN : OPCODE_ONE, type);
    self->bytecode_countdown = countdown;
    return done;
}

static void
scaled_counts_are_right_at_any_period(void **state)
{
    (void)state;
    static const struct {
        unsigned period, length;
    } cases[] = { { 7, 7 }, { 7, 14 }, { 100, 10 }, { 1000, 10 }, { 1000, 8 } };
    const uint64_t hits = is_slow() ? 10000 : 100000;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");

    for (unsigned c = 0; c < LENGTH(cases); c++) {
        const unsigned length = cases[c].length;
        struct vmprof_type_profile *profile;
        uint64_t done, sum = 0;

        bytecodes_reset();
        vmprof_set_profile_interp_period(cases[c].period);
        vmprof_set_profile_interp_jitter(1);
        vmprof_set_profile_interp(1);
        done = run_loop(code, length, hits * cases[c].period, &type);
        vmprof_set_profile_interp(0);
        profile = take_profile();
        /* A tenth of 1e5 hits: five deviations are 5 %. */
        const double most = is_slow() ? 0.16 : 0.05;
        for (unsigned i = 0; i < length; i++) {
            const struct vmprof_type_row row = find_row(profile, code, i);
            const double expected = (double)done / length;
            const double off = (double)row.bytecodes / expected - 1;
            const double by_hits =
                (double)row.hits * cases[c].period / expected - 1;

            if (off > most || off < -most || by_hits > most || by_hits < -most)
                fail_msg("period %u, %u in the loop, bytecode %u: %+.2f %%, by "
                         "hits %+.2f %%",
                         cases[c].period, length, i, 100 * off, 100 * by_hits);
            sum += row.bytecodes;
            assert_int_equal(i ? row.untyped : row.typed, row.hits);
        }
        assert_in_range(done - sum, 0, 2 * cases[c].period);
        vmprof_free_type_profile(profile);
    }
    vmprof_forget_code(code);
}

static void
without_jitter_every_nth_is_a_hit(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(10);
    vmprof_set_profile_interp(1);
    run_loop(code, 5, 1000, &type);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 4).hits, 100);
    assert_int_equal(find_row(profile, code, 4).bytecodes, 1000);
    assert_int_equal(profile_info(profile).hits, 100);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
a_period_beyond_a_count_is_kept(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(100000);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 999999; i++)
        run(code, 1, OPCODE_PLAIN, NULL);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 9);
    assert_int_equal(find_row(profile, code, 1).bytecodes, 900000);
    vmprof_free_type_profile(profile);
    run(code, 1, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 1);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
a_new_period_takes_effect_at_once_whatever_was_counted(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(1000);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 900; i++)
        run(code, 1, OPCODE_PLAIN, NULL);
    /* Below what has been counted. */
    vmprof_set_profile_interp_period(10);
    run(code, 2, OPCODE_PLAIN, NULL);
    for (unsigned i = 0; i < 10; i++)
        run(code, 3, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp_period(5);
    for (unsigned i = 0; i < 5; i++)
        run(code, 4, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 0);
    assert_int_equal(find_row(profile, code, 2).hits, 1);
    assert_int_equal(find_row(profile, code, 2).bytecodes, 901);
    assert_int_equal(find_row(profile, code, 3).hits, 1);
    assert_int_equal(find_row(profile, code, 4).hits, 1);
    assert_int_equal(find_row(profile, code, 4).bytecodes, 5);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
being_on_now_and_then_adds_up(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(1000);
    for (unsigned i = 0; i < 1000; i++) {
        vmprof_set_profile_interp(1);
        for (unsigned j = 0; j < 10; j++)
            run(code, 1, OPCODE_PLAIN, NULL);
        vmprof_set_profile_interp(0);
        for (unsigned j = 0; j < 100; j++)
            run(code, 2, OPCODE_PLAIN, NULL);
    }
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 10);
    assert_int_equal(find_row(profile, code, 2).hits, 0);
    assert_int_equal(profile_info(profile).bytecodes, 10000);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
bad_arguments_are_refused(void **state)
{
    (void)state;
    struct vmprof_type_limits limits;

    vmprof_type_limits_init(&limits);
    assert_int_equal(vmprof_set_profile_interp_period(0), -EINVAL);
    assert_int_equal(vmprof_set_profile_interp_period(VMPROF_MAX_PERIOD + 1),
                     -EINVAL);
    assert_int_equal(vmprof_set_profile_interp_period(VMPROF_MAX_PERIOD), 0);
    assert_int_equal(vmprof_set_profile_interp_period(1), 0);
    limits.tuples = 65;
    assert_int_equal(vmprof_set_type_limits(&limits), -EINVAL);
    limits.tuples = 0;
    limits.sites = (1 << 20) + 1;
    assert_int_equal(vmprof_set_type_limits(&limits), -EINVAL);
    assert_int_equal(vmprof_set_type_limits(NULL), -EINVAL);
    assert_true(vmprof_bytecode_expired(NULL, 0, 0, 0, 0, NULL) > 1 << 30);
    assert_int_equal(vmprof_set_interp_functions(NULL, NULL), -EINVAL);
}

static void
hits_of_every_one_are_counted_without_a_call(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id a = register_type("a"), b = register_type("b");
    static const char positions[64];
    struct vmprof_type_profile *profile;
    uint64_t inlined = 0;
    int64_t countdown;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    countdown = self->bytecode_countdown;
    for (unsigned i = 0; i < 100000; i++) {
        const unsigned at = i % 60;
        const uint32_t opcode = at % 3;
        const vmprof_type_id types[] = { a, i % 7 ? a : b };
        const uint64_t key =
            opcode == OPCODE_TWO   ? vmprof_key_of_two(types[0], types[1])
            : opcode == OPCODE_ONE ? vmprof_key_of_one(types[0])
                                   : vmprof_key_of_none();

        if (--countdown >= 0)
            continue;
        if (vmprof_count_hit(self, countdown, (uintptr_t)&positions[at], key))
            inlined++;
        else
            countdown = vmprof_bytecode_missed(self, countdown,
                                               (uintptr_t)&positions[at], code,
                                               at, opcode, types);
    }
    self->bytecode_countdown = countdown;
    vmprof_set_profile_interp(0);
    assert_true(inlined > 80000);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 100000);
    assert_int_equal(profile_info(profile).bytecodes, 100000);
    for (unsigned at = 0; at < 60; at++) {
        const struct vmprof_type_row row = find_row(profile, code, at);
        uint64_t expected = 0, with_b = 0;

        for (unsigned i = at; i < 100000; i += 60) {
            expected++;
            with_b += i % 7 == 0;
        }
        assert_int_equal(row.hits, expected);
        assert_int_equal(row.tuple_count, at % 3);
        if (at % 3 == 2)
            assert_int_equal(row.tuples[1].hits, with_b);
    }
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
a_place_that_is_used_again_is_another_code(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id first = register_object(&object, NULL);
    static const char position;
    struct vmprof_type_profile *profile;
    vmprof_code_id code = first;
    int64_t countdown;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    countdown = self->bytecode_countdown;
    for (unsigned i = 0; i < 200; i++) {
        if (i == 100) {
            vmprof_forget_code(code);
            code = register_object(&object, NULL);
        }
        if (!vmprof_count_hit(self, --countdown, (uintptr_t)&position,
                              vmprof_key_of_none()))
            countdown =
                vmprof_bytecode_missed(self, countdown, (uintptr_t)&position,
                                       code, 1, OPCODE_PLAIN, NULL);
    }
    self->bytecode_countdown = countdown;
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(find_row(profile, first, 1).hits, 100);
    assert_int_equal(find_row(profile, code, 1).hits, 100);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_period_1_every_count_is_exact),
        cmocka_unit_test(
            what_overflows_is_other_and_missing_values_have_a_name),
        cmocka_unit_test(tuples_differ_by_each_operand_and_by_their_number),
        cmocka_unit_test(scaled_counts_are_right_at_any_period),
        cmocka_unit_test(without_jitter_every_nth_is_a_hit),
        cmocka_unit_test(a_period_beyond_a_count_is_kept),
        cmocka_unit_test(
            a_new_period_takes_effect_at_once_whatever_was_counted),
        cmocka_unit_test(being_on_now_and_then_adds_up),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(hits_of_every_one_are_counted_without_a_call),
        cmocka_unit_test(a_place_that_is_used_again_is_another_code),
    };

    return cmocka_run_group_tests_name("interp_counts", tests, set_up,
                                       tear_down);
}
