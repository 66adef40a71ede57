/* SPDX-License-Identifier: MIT */

/* Samples in compiled code: which trace they are of. */

#include "suite.h"

#include "traces.h"

static void
tick_in_and_beside_traces(void)
{
    struct vmprof_reserved_trace first, second;
    struct decoded d;
    int file;

    attach();
    first = register_loop(0);
    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    second = register_loop(2);
    tick_at(machine_code);                  /* 0: the first instruction */
    tick_at(machine_code + PIECE - 1);      /* 1: the last byte */
    tick_at(machine_code + PIECE);          /* 2: none */
    tick_at(machine_code + 2 * PIECE + 17); /* 3 */
    thread->trace = first.id;
    tick_at(machine_code + 2 * PIECE + 18); /* 4: the address is stronger */
    tick_at(&d);                            /* 5: in a function that it calls */
    tick_by_hand(thread);                   /* 6: likewise */
    thread->trace = 1 << 24;
    tick_at(&d); /* 7: no trace */
    thread->trace = second.id + 1;
    tick_at(&d); /* 8: one that nobody knows */
    thread->trace = 0;
    finish_profile(file, &d);

    require(d.sample_count == 9);
    require_trace(&d, 0, first.id, 0);
    require_trace(&d, 1, first.id, PIECE - 1);
    require_trace(&d, 3, second.id, 17);
    require_trace(&d, 4, second.id, 18);
    require_trace(&d, 5, first.id, -1);
    require_trace(&d, 6, first.id, -1);
    for (size_t i = 2; i < 9; i += i == 2 ? 5 : 1) {
        require(leaf_of(&d, i)->code == outer);
        require(leaf_of(&d, i)->kind == VMPROF_KIND_CODE);
    }
    require(d.samples[2].phase == VMPROF_PHASE_INTERPRETING);
    decoded_free(&d);
}

static void
a_sample_is_of_the_trace_that_its_instruction_is_of(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_in_and_beside_traces, 30), 0);
}

/* Other phases are the VM's own. */
static void
tick_in_phases(void)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0));
    struct decoded d;
    int file;

    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    for (unsigned phase = 0; phase <= VMPROF_PHASE_NATIVE; phase++) {
        vmprof_set_phase(thread, (enum vmprof_phase)phase);
        thread->trace = loop.id;
        tick_by_hand(thread);
        thread->trace = 0;
        tick_by_hand(thread);
    }
    finish_profile(file, &d);
    require(d.sample_count == 2 * (VMPROF_PHASE_NATIVE + 1));
    for (size_t i = 0; i < d.sample_count; i++) {
        const uint32_t phase = (uint32_t)(i / 2);

        require(d.samples[i].phase ==
                (phase == 0 && i % 2 == 0 ? VMPROF_PHASE_COMPILED : phase));
    }
    decoded_free(&d);
}

static void
compiled_code_is_the_phase_unless_the_vm_says_another(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_in_phases, 30), 0);
}

static bool answers_at_once;

static void
ask(struct vmprof_thread *whom, void *user)
{
    const struct vmprof_walked_frame frame = { .code = outer, .kind = 1 };

    (void)user;
    if (answers_at_once)
        require(vmprof_sample_stack(whom, &frame, 1, 0) == 1);
}

static size_t
read_one(struct vmprof_thread *whom, void *context,
         struct vmprof_linked_frame *frames, size_t room, size_t *cut,
         void *user)
{
    (void)whom;
    (void)context;
    (void)room;
    (void)cut;
    (void)user;
    frames[0] = (struct vmprof_linked_frame){ .code = outer };
    return 1;
}

/* A VM that is walked has left the trace when it answers. */
static void
tick_with_own_frames(void)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0)),
                                       other = register_loop(1);
    const struct vmprof_walked_frame frame = { .code = outer, .kind = 1 };
    struct decoded d;
    int file;

    require(vmprof_request_sample(thread, ask, NULL) == 0);
    file = begin_by_hand(thread, 100);
    tick_at(machine_code + 5);
    thread->trace = other.id;
    tick_by_hand(thread); /* it has been asked */
    thread->trace = 0;
    require(vmprof_sample_stack(thread, &frame, 1, 0) == 1);
    answers_at_once = true;
    thread->trace = other.id;
    tick_by_hand(thread);
    require(vmprof_read_frames(thread, read_one, NULL) == 0);
    stop_clock(thread);
    tick_by_hand(thread);
    tick_at(machine_code + 6);
    thread->trace = 0;
    tick_by_hand(thread);
    finish_profile(file, &d);
    require(d.sample_count == 5);
    require_trace(&d, 0, loop.id, 5);
    require_trace(&d, 1, other.id, -1);
    require_trace(&d, 2, other.id, -1);
    require_trace(&d, 3, loop.id, 6);
    require(leaf_of(&d, 4)->code == outer);
    decoded_free(&d);
}

static void
vms_with_frames_of_their_own_have_traces_too(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_with_own_frames, 30), 0);
}

/* By looks from outside and at polls only what the VM says is known. */
static void
sample_by(bool observed)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0));
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct decoded d;

    if (observed)
        options.clock = VMPROF_CLOCK_OBSERVER;
    /* Before the first sample. */
    vmprof_execute_code_enter(thread, outer, NULL);
    thread->trace = loop.id;
    require(vmprof_enable_with(&options) == 0);
    if (observed)
        require(burn_until(profile_stats().samples >= 5, 20000));
    else
        for (int64_t until = now_ms() + patience(20000);
             profile_stats().polled < 5 && now_ms() < until;)
            for (unsigned i = 0; i < 1000; i++)
                vmprof_poll(thread);
    require(observed || profile_stats().polled >= 5);
    finish_profile(file, &d);
    require(d.sample_count >= 5);
    for (size_t i = 0; i < d.sample_count; i++)
        if (!is_gap(&d, &d.samples[i]))
            require_trace(&d, i, loop.id, -1);
    decoded_free(&d);
}

static void
sample_by_looks(void)
{
    sample_by(true);
}

static void
sample_at_polls(void)
{
    sample_by(false);
}

static void
looks_and_polls_see_the_current_trace(void **state)
{
    (void)state;
    assert_int_equal(isolate(sample_by_looks, 60), 0);
    assert_int_equal(isolate(sample_at_polls, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_of_the_trace_that_its_instruction_is_of),
        cmocka_unit_test(compiled_code_is_the_phase_unless_the_vm_says_another),
        cmocka_unit_test(vms_with_frames_of_their_own_have_traces_too),
        cmocka_unit_test(looks_and_polls_see_the_current_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
