/* SPDX-License-Identifier: MIT */

/* Codes all of whose bytecodes are profiled for some calls. */

#include "suite.h"

#include <errno.h>

#include "counting.h"

struct done {
    unsigned times;
    uint64_t calls;
    int error;
};

static void
note_done(void *user, vmprof_code_id code, uint64_t calls, int error)
{
    struct done *const done = user;

    (void)code;
    done->times++;
    done->calls = calls;
    done->error = error;
}

static void
a_candidate_is_done_when_its_last_call_has_ended(void **state)
{
    (void)state;
    struct object object = { 0 }, callee = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         leaf = register_object(&callee, NULL);
    struct done done = { 0 };
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    assert_int_equal(vmprof_add_candidate(code, 0, note_done, &done), -EINVAL);
    assert_int_equal(vmprof_add_candidate(3, 1, note_done, &done), -ENOENT);
    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), 0);
    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), -EEXIST);
    for (unsigned i = 0; i < 5; i++) {
        const uint64_t mark = vmprof_count_call(self, code);
        uint64_t inner;

        assert_int_equal(mark != 0, i < 3);
        run(code, 1, OPCODE_PLAIN, NULL);
        inner = vmprof_count_call(self, leaf);
        for (unsigned j = 0; j < 20; j++)
            run(leaf, 1, OPCODE_PLAIN, NULL);
        vmprof_count_return(self, inner);
        vmprof_count_resume(self, mark);
        run(code, 2, OPCODE_PLAIN, NULL);
        assert_int_equal(done.times, i >= 3);
        vmprof_count_return(self, mark);
        vmprof_count_resume(self, 0);
        run(leaf, 2, OPCODE_PLAIN, NULL);
    }
    assert_int_equal(done.times, 1);
    assert_int_equal(done.calls, 3);
    assert_int_equal(done.error, 0);
    profile = take_profile();
    assert_int_equal(find_row(profile, code, 1).hits, 3);
    assert_int_equal(find_row(profile, code, 2).hits, 3);
    assert_int_equal(profile_info(profile).hits, 6);
    vmprof_free_type_profile(profile);

    assert_int_equal(vmprof_add_candidate(code, 3, note_done, &done), 0);
    vmprof_count_return(self, vmprof_count_call(self, code));
    assert_int_equal(vmprof_forget_code(code), 0);
    assert_int_equal(done.times, 2);
    assert_int_equal(done.calls, 1);
    assert_int_equal(done.error, -ECANCELED);
    assert_int_equal(vmprof_remove_candidate(code), -ENOENT);
    assert_int_equal(self->candidates, 0);
    vmprof_forget_code(leaf);
}

static void
candidates_do_not_disturb_the_period(void **state)
{
    (void)state;
    struct object object = { 0 }, caller = { 0 };
    const vmprof_code_id code = register_object(&object, NULL),
                         outer = register_object(&caller, NULL);
    struct vmprof_type_profile *profile;

    bytecodes_reset();
    vmprof_set_profile_interp_period(100);
    vmprof_set_profile_interp(1);
    assert_int_equal(vmprof_add_candidate(code, 10, NULL, NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t mark;

        for (unsigned j = 0; j < 10; j++)
            run(outer, j, OPCODE_PLAIN, NULL);
        if (i >= 10)
            continue;
        mark = vmprof_count_call(self, code);
        for (unsigned j = 0; j < 7; j++)
            run(code, j, OPCODE_PLAIN, NULL);
        vmprof_count_return(self, mark);
        vmprof_count_resume(self, 0);
    }
    vmprof_set_profile_interp(0);
    profile = take_profile();
    for (unsigned j = 0; j < 7; j++)
        assert_int_equal(find_row(profile, code, j).hits, 10);
    assert_int_equal(find_row(profile, outer, 9).hits, 5);
    assert_int_equal(profile_info(profile).bytecodes, 500 + 70);
    vmprof_free_type_profile(profile);
    vmprof_forget_code(code);
    vmprof_forget_code(outer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_candidate_is_done_when_its_last_call_has_ended),
        cmocka_unit_test(candidates_do_not_disturb_the_period),
    };

    return cmocka_run_group_tests_name("interp_candidates", tests, set_up,
                                       tear_down);
}
