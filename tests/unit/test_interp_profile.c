/* SPDX-License-Identifier: MIT */

/* Profiles of bytecodes and types: their rows, where they go, what outlives
 * types, codes and threads. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "counting.h"
#include "profiled.h"

static void
names_outlive_codes_and_types(void **state)
{
    (void)state;
    struct object object = { .hash = 77 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id dead = register_type("dead"),
                         type = register_type("t");
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    run(code, 5, OPCODE_ONE, &dead);
    assert_int_equal(vmprof_forget_type(dead), 0);
    assert_int_equal(vmprof_forget_type(dead), -ENOENT);
    run(code, 5, OPCODE_ONE, &dead);
    run(code, 6, OPCODE_ONE, &type);
    assert_int_equal(vmprof_forget_code(code), 0);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    row = find_row(profile, code, 5);
    assert_string_equal(row.name, "b:asked for:3:file.b");
    assert_int_equal(row.line, 15);
    assert_int_equal(row.hash, 77);
    assert_int_equal(row.hits, 2);
    assert_string_equal(row.tuples[0].names[0], "dead");
    assert_int_equal(find_row(profile, code, 6).line, 16);
    vmprof_free_type_profile(profile);
    assert_int_equal(vmprof_find_type(bytecodes_class, "dead"), 0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).rows, 0);
    vmprof_free_type_profile(profile);
}

static void
the_youngest_of_a_name_is_found(void **state)
{
    (void)state;
    const vmprof_type_id first = register_type("twin"),
                         second = register_type("twin"),
                         third = register_type("twin");

    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), third);
    assert_int_equal(vmprof_forget_type(second), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), third);
    assert_int_equal(vmprof_forget_type(third), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), first);
    assert_int_equal(vmprof_forget_type(first), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, "twin"), 0);
    assert_int_equal(vmprof_find_type(NULL, "twin"), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, NULL), 0);
}

static void
bad_types_are_refused(void **state)
{
    (void)state;
    char longest[VMPROF_NAME_SIZE + 1];
    vmprof_type_id id;

    memset(longest, 'x', VMPROF_NAME_SIZE);
    longest[VMPROF_NAME_SIZE] = 0;
    assert_int_equal(vmprof_register_type(NULL, "a", &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, "", &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, NULL, &id), -EINVAL);
    assert_int_equal(vmprof_register_type(bytecodes_class, longest, &id),
                     -ENAMETOOLONG);
    longest[VMPROF_NAME_SIZE - 1] = 0;
    assert_int_equal(vmprof_register_type(bytecodes_class, longest, &id), 0);
    assert_int_equal(vmprof_find_type(bytecodes_class, longest), id);
    assert_int_equal(vmprof_forget_type(id), 0);
    assert_int_equal(vmprof_forget_type(0), -ENOENT);
}

static void
sites_that_were_never_hit_are_told(void **state)
{
    (void)state;
    struct object object = { .last = 350 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp(1);
    run(code, 100, OPCODE_ONE, &type);
    run(code, 7, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).rows, 5);
    for (uint64_t i = 0; i < 5; i++) {
        static const uint64_t offsets[] = { 0, 7, 100, 200, 300 };
        const struct vmprof_type_row row = profile_row(profile, i);

        assert_int_equal(row.offset, offsets[i]);
        assert_int_equal(row.hits, i == 1 || i == 2);
        assert_int_equal(row.line, offsets[i] + 10);
    }
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
}

static void
a_full_table_counts_what_has_no_place(void **state)
{
    (void)state;
    struct vmprof_type_limits limits;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    const vmprof_type_id type = register_type("t");
    struct vmprof_type_profile *profile;
    struct vmprof_type_row row;

    bytecodes_reset();
    vmprof_type_limits_init(&limits);
    limits.sites = 100;
    limits.tuples = 2;
    assert_int_equal(vmprof_set_type_limits(&limits), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 3000; i++)
        run(code, 1 + i % 300, i % 3 ? OPCODE_ONE : OPCODE_PLAIN, &type);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 3000);
    assert_int_equal(profile_info(profile).unplaced, 2000);
    row = profile_row(profile, 0);
    assert_int_equal(row.has_place, 0);
    assert_int_equal(row.code, 0);
    assert_int_equal(row.hits, 2000);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(find_row(profile, code, i).hits, 10);
    vmprof_free_type_profile(profile);
    /* What was read makes room. */
    for (unsigned i = 0; i < 100; i++)
        run(code, 200 + i, OPCODE_ONE, &type);
    profile = take_profile();
    assert_int_equal(profile_info(profile).unplaced, 0);
    assert_int_equal(find_row(profile, code, 299).hits, 1);
    vmprof_free_type_profile(profile);
    vmprof_set_profile_interp(0);
    bytecodes_reset();
    vmprof_forget_code(code);
}

struct crowd {
    vmprof_code_id code;
    const vmprof_type_id *types;
};

static void *
run_a_little(void *user)
{
    const struct crowd *const crowd = user;
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; i < 10; i++)
        vmprof_count_bytecode(thread, crowd->code, i, OPCODE_ONE, crowd->types);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
threads_that_have_ended_keep_their_hits(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_type_id type = register_type("t");
    struct crowd crowd = { register_object(&object, NULL), &type };
    const unsigned threads = rounds(200);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_all(1);
    for (unsigned i = 0; i < threads; i++) {
        pthread_t thread;

        pthread_create(&thread, NULL, run_a_little, &crowd);
        pthread_join(thread, NULL);
    }
    vmprof_set_profile_interp_all(0);
    profile = take_profile();
    assert_int_equal(profile_info(profile).hits, 10 * threads);
    assert_int_equal(find_row(profile, crowd.code, 3).typed, threads);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(crowd.code);
}

static void
codes_and_types_are_born_and_die(void **state)
{
    (void)state;
    const unsigned codes = rounds(100000), types_each = 10;
    struct vmprof_type_limits limits;
    struct vmprof_type_profile *profile;
    struct object object = { 0 };
    uint64_t hits = 0, named = 0;

    bytecodes_reset();
    vmprof_type_limits_init(&limits);
    limits.sites = 1000;
    assert_int_equal(vmprof_set_type_limits(&limits), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < codes; i++) {
        const vmprof_code_id code = register_object(&object, "b:f:1:x");
        vmprof_type_id types[10];

        for (unsigned j = 0; j < types_each; j++) {
            char name[32];

            snprintf(name, sizeof(name), "type %u %u", i, j);
            types[j] = register_type(name);
            run(code, j % 3, OPCODE_ONE, &types[j]);
        }
        for (unsigned j = 0; j < types_each; j++)
            assert_int_equal(vmprof_forget_type(types[j]), 0);
        assert_int_equal(vmprof_forget_code(code), 0);
    }
    vmprof_set_profile_interp(0);
    profile = take_profile();
    for (uint64_t i = 0; i < profile_info(profile).rows; i++) {
        const struct vmprof_type_row row = profile_row(profile, i);

        hits += row.hits;
        named += row.has_place && strcmp(row.name, "b:f:1:x") == 0;
    }
    assert_int_equal(hits, (uint64_t)codes * types_each);
    assert_in_range(named, codes < 334 ? 3 * codes : 1000, 1000);
    vmprof_free_type_profile(profile);
    bytecodes_reset();
}

static void
rows_go_into_the_file_of_a_session(void **state)
{
    (void)state;
    struct object object = { .hash = 5, .last = 100 }, brief = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         dead = register_object(&brief, "b:brief:1:x");
    const vmprof_type_id type = register_type("t");
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    uint64_t typed = 0, untyped = 0, rows_without_hits = 0, dead_rows = 0;
    struct decoded d;

    bytecodes_reset();
    assert_int_equal(vmprof_enable_with(&options), 0);
    vmprof_set_profile_interp(1);
    for (unsigned i = 0; i < 100; i++)
        run(code, 0, OPCODE_ONE, &type);
    run(dead, 9, OPCODE_PLAIN, NULL);
    vmprof_forget_code(dead);
    vmprof_free_type_profile(take_profile());
    /* What the program drops is not written, what nobody takes is. */
    run(code, 1, OPCODE_PLAIN, NULL);
    vmprof_clear_type_profiles();
    for (unsigned i = 0; i < 7; i++)
        run(code, 2, OPCODE_PLAIN, NULL);
    vmprof_set_profile_interp(0);
    finish_profile(file, &d);
    for (size_t i = 0; i < d.site_count; i++) {
        const struct decoded_site *const site = &d.sites[i];

        typed += site->typed;
        untyped += site->untyped;
        assert_int_equal(site->period, 1);
        if (site->code == dead) {
            assert_string_equal(decoded_name(&d, dead), "b:brief:1:x");
            assert_int_equal(site->line, 19);
            dead_rows++;
        } else {
            assert_int_equal(site->hash, 5);
            assert_string_equal(decoded_name(&d, code), "b:asked for:3:file.b");
            assert_int_equal(site->line, site->offset + 10);
            rows_without_hits += !(site->typed + site->untyped + site->other);
        }
        if (site->typed) {
            assert_string_equal(d.words[site->tuples[0].words[0]], "t");
            assert_string_equal(d.words[site->opname], "ONE");
        }
    }
    assert_int_equal(typed, 100);
    assert_int_equal(untyped, 8);
    assert_int_equal(dead_rows, 1);
    assert_int_equal(rows_without_hits, 3); /* 100, and then 0 and 100 */
    decoded_free(&d);
    vmprof_free_type_profile(take_profile());
    vmprof_forget_code(code);
}

static void
be_a_child(void)
{
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);

    require(vmprof_set_profile_interp(1) == 0); /* it was forked itself */
    run(code, 1, OPCODE_PLAIN, NULL);
    const pid_t child = fork();
    require(child >= 0);
    if (child == 0) {
        struct vmprof_type_profile *profile;

        /* It starts off, and what was counted is the parent's. */
        require(self->counting == 0);
        run(code, 1, OPCODE_PLAIN, NULL);
        profile = take_profile();
        require(profile_info(profile).hits == 0);
        vmprof_free_type_profile(profile);
        require(vmprof_set_profile_interp(1) == 0);
        run(code, 2, OPCODE_PLAIN, NULL);
        profile = take_profile();
        require(find_row(profile, code, 2).hits == 1);
        vmprof_free_type_profile(profile);
        _exit(0);
    }
    int status;
    require(waitpid(child, &status, 0) == child && status == 0);
    run(code, 1, OPCODE_PLAIN, NULL);
    struct vmprof_type_profile *const own = take_profile();
    require(find_row(own, code, 1).hits == 2);
    vmprof_free_type_profile(own);
}

static void
a_forked_child_starts_off_and_empty(void **state)
{
    (void)state;
    bytecodes_reset();
    vmprof_set_profile_interp(1);
    assert_int_equal(isolate(be_a_child, 20), 0);
    vmprof_set_profile_interp(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_outlive_codes_and_types),
        cmocka_unit_test(the_youngest_of_a_name_is_found),
        cmocka_unit_test(bad_types_are_refused),
        cmocka_unit_test(sites_that_were_never_hit_are_told),
        cmocka_unit_test(a_full_table_counts_what_has_no_place),
        cmocka_unit_test(threads_that_have_ended_keep_their_hits),
        cmocka_unit_test(codes_and_types_are_born_and_die),
        cmocka_unit_test(rows_go_into_the_file_of_a_session),
        cmocka_unit_test(a_forked_child_starts_off_and_empty),
    };

    return cmocka_run_group_tests_name("interp_profile", tests, set_up,
                                       tear_down);
}
