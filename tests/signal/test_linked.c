/* SPDX-License-Identifier: MIT */

/* A VM that links its frames through the C stack, as RPython's do, and reads
 * them in the handler. */

#include "suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <ucontext.h>

#include "by_hand.h"
#include "format/format.h"

enum {
    CODES = 64,
    DEEP = 5000,
};

struct node {
    struct node *caller;
    vmprof_code_id code;
    uintptr_t position;
};

static struct vmprof_thread *thread;
static struct node *volatile innermost;
static volatile sig_atomic_t reads, with_context, unreadable;
static vmprof_code_id codes[CODES];

static size_t
read_nodes(struct vmprof_thread *whom, void *context,
           struct vmprof_linked_frame *frames, size_t room, size_t *cut,
           void *user)
{
    const struct node *node = innermost;
    size_t count = 0;

    if (whom != thread || user != (void *)codes || unreadable)
        return VMPROF_UNREADABLE;
    reads = reads + 1;
    if (context && ((ucontext_t *)context)->uc_stack.ss_flags != -1)
        with_context = with_context + 1;
    for (; node && count < room; node = node->caller)
        frames[count++] = (struct vmprof_linked_frame){
            .code = node->code,
            .position = node->position,
            .stack_pointer = (uintptr_t)node,
            .has_position = node->position != 0,
        };
    for (; node; node = node->caller)
        ++*cut;
    return count;
}

static int
line_of(void *user, void *object, uintptr_t position,
        struct vmprof_location *location)
{
    (void)user;
    (void)object;
    location->offset = position;
    location->line = (uint32_t)position * 10;
    return 0;
}

/* Code i is called "l:i:i:". */
static void
attach(void)
{
    struct vmprof_code_class_options options;
    struct vmprof_code_class *linked;

    vmprof_code_class_options_init(&options);
    options.locate = line_of;
    require(vmprof_register_code_class("l", &options, &linked) == 0);
    for (int i = 0; i < CODES; i++) {
        char name[32];

        snprintf(name, sizeof(name), "l:%d:%d:", i, i);
        require(vmprof_register_code(linked, NULL, name, &codes[i]) == 0);
    }
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_read_frames(thread, read_nodes, codes) == 0);
}

/* The node is whole before it can be seen. */
static void
push(struct node *node, vmprof_code_id code)
{
    node->caller = innermost;
    node->code = code;
    node->position = 0;
    atomic_signal_fence(memory_order_seq_cst);
    innermost = node;
}

static void
pop(const struct node *node)
{
    innermost = node->caller;
}

static void
tick(void)
{
    tick_by_hand(thread);
}

static void
call(int depth, int end)
{
    struct node node;

    push(&node, codes[depth]);
    if (depth + 1 < end)
        call(depth + 1, end);
    for (volatile int i = 0; i < 20; i++)
        ;
    pop(&node);
}

/* Frame i of each stack is code i, whatever was interrupted. */
static void
require_possible_stacks(const struct decoded *d)
{
    uint32_t frames[CODES];

    for (size_t i = 0; i < d->sample_count; i++) {
        const size_t depth =
            decoded_stack(d, d->samples[i].node, frames, CODES);

        require(depth <= CODES);
        for (size_t k = 0; k < depth; k++)
            require(d->frames[frames[k]].code == codes[k]);
    }
}

static bool
is_there(uint32_t clock)
{
    return vmp_clock_check((enum vmprof_clock)clock) == 0;
}

static void
call_under_ticks_of(uint32_t clock)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0002);
    struct decoded d;

    options.clock = clock;
    reads = with_context = 0;
    require(vmprof_enable_with(&options) == 0);
    require(burn_until((call(0, CODES), reads >= 200), 20000));
    finish_profile(file, &d);
    require(profile_stats().clock == clock);
    require(with_context == reads);
    require(d.sample_count >= 200);
    require_possible_stacks(&d);
    decoded_free(&d);
}

static void
read_under_ticks(void)
{
    unsigned rungs = 0;

    attach();
    for (uint32_t clock = VMPROF_CLOCK_PERF; clock <= VMPROF_CLOCK_CPU_TIMER;
         clock++)
        if (clock != VMPROF_CLOCK_OBSERVER && is_there(clock)) {
            call_under_ticks_of(clock);
            rungs++;
        }
    require(rungs >= 1);
}

/* Which rungs were tried; an emulator has timers. */
static void
say_rungs(void)
{
    static const struct {
        const char *name;
        enum vmprof_clock clock;
    } rungs[] = {
        { "perf's task clock", VMPROF_CLOCK_PERF },
        { "timer of monotonic time", VMPROF_CLOCK_MONOTONIC },
        { "timer of CPU time", VMPROF_CLOCK_CPU_TIMER },
    };

    for (size_t i = 0; i < sizeof(rungs) / sizeof(*rungs); i++) {
        const bool here = is_there((uint32_t)rungs[i].clock);

        print_message("# rung: %s: %s\n", rungs[i].name,
                      here ? "tried" : "not here");
        assert_true(here || !is_emulated() ||
                    rungs[i].clock == VMPROF_CLOCK_PERF);
    }
}

static void
linked_frames_are_read_at_any_instruction_on_each_rung(void **state)
{
    (void)state;
    say_rungs();
    assert_int_equal(isolate(read_under_ticks, 60), 0);
}

struct catcher {
    jmp_buf jump;
    struct node node;
};

static void
call_and_jump(struct catcher *catcher, int depth, bool jumps)
{
    struct node node;

    if (depth == CODES && !jumps)
        return;
    if (depth == CODES) {
        /* Not after the jump: the next signal's own frame is written where the
         * nodes are that it skips. */
        innermost = &catcher->node;
        longjmp(catcher->jump, 1);
    }
    push(&node, codes[depth]);
    call_and_jump(catcher, depth + 1, jumps);
    pop(&node);
}

static void
call_and_catch(void)
{
    struct catcher catcher;

    push(&catcher.node, codes[0]);
    call_and_jump(&catcher, 1, false);
    if (setjmp(catcher.jump) == 0)
        call_and_jump(&catcher, 1, true);
    call(1, 10);
    pop(&catcher.node);
}

static void
jump_under_ticks(void)
{
    const int file = profile_file();
    struct decoded d;

    attach();
    require(vmprof_enable(file, 0.0002) == 0);
    require(burn_until((call_and_catch(), reads >= 300), 20000));
    finish_profile(file, &d);
    require(d.sample_count >= 300);
    require_possible_stacks(&d);
}

static void
nodes_that_a_longjmp_skipped_are_never_read(void **state)
{
    (void)state;
    assert_int_equal(isolate(jump_under_ticks, 60), 0);
}

static void
read_positions(void)
{
    struct node outer, inner;
    struct decoded d;
    uint32_t frames[4];
    int file;

    attach();
    file = begin_by_hand(thread, 0);
    push(&outer, codes[3]);
    push(&inner, 0);
    outer.position = 7;
    tick();
    outer.position = 8;
    tick();
    pop(&inner);
    pop(&outer);
    tick();
    finish_profile(file, &d);
    require(d.sample_count == 3);
    require(decoded_stack(&d, d.samples[0].node, frames, 4) == 2);
    require(d.frames[frames[0]].code == codes[3]);
    require(d.frames[frames[0]].kind == VMPROF_KIND_CODE);
    require(d.frames[frames[0]].offset == 7 && d.frames[frames[0]].line == 70);
    require(d.frames[frames[1]].code == 0 && !d.frames[frames[1]].has_offset);
    require(decoded_stack(&d, d.samples[1].node, frames, 4) == 2);
    require(d.frames[frames[0]].line == 80);
    require(decoded_stack(&d, d.samples[2].node, frames, 4) == 0);
}

static void
positions_become_lines_as_those_of_the_shadow_stack_do(void **state)
{
    (void)state;
    assert_int_equal(isolate(read_positions, 20), 0);
}

static void
read_deep_stack(void)
{
    static struct node nodes[DEEP];
    struct decoded d;
    uint32_t frames[20];
    int file;

    attach();
    file = begin_by_hand(thread, 10);
    for (int i = 0; i < DEEP; i++)
        push(&nodes[i], codes[i % CODES]);
    tick();
    finish_profile(file, &d);
    require(d.sample_count == 1);
    require(decoded_stack(&d, d.samples[0].node, frames, 20) == 11);
    require(frames[0] == 0);
    for (int i = 0; i < 10; i++)
        require(d.frames[frames[1 + i]].code == codes[(DEEP - 10 + i) % CODES]);
    require(profile_stats().stacks_cut == 1);
    require(profile_stats().frames_cut == DEEP - 10);
}

static void
a_deep_list_keeps_its_innermost_frames_and_counts_the_others(void **state)
{
    (void)state;
    assert_int_equal(isolate(read_deep_stack, 20), 0);
}

static size_t
claim_too_many(struct vmprof_thread *whom, void *context,
               struct vmprof_linked_frame *frames, size_t room, size_t *cut,
               void *user)
{
    (void)whom;
    (void)context;
    (void)user;
    memset(frames, 0, room * sizeof(*frames));
    *cut = 2;
    return room + 5;
}

static void
read_too_many(void)
{
    struct decoded d;
    int file;

    attach();
    require(vmprof_read_frames(thread, claim_too_many, NULL) == 0);
    file = begin_by_hand(thread, 10);
    tick();
    finish_profile(file, &d);
    require(d.sample_count == 1);
    require(profile_stats().frames_cut == 7);
}

static void
a_count_beyond_the_room_is_cut(void **state)
{
    (void)state;
    assert_int_equal(isolate(read_too_many, 20), 0);
}

static void
refuse_to_read(void)
{
    struct node node;
    struct decoded d;
    int file;

    attach();
    file = begin_by_hand(thread, 0);
    push(&node, codes[1]);
    unreadable = 1;
    for (int i = 0; i < 3; i++)
        tick();
    unreadable = 0;
    tick();
    finish_profile(file, &d);
    require(profile_stats().lost_switching == 3);
    require(profile_stats().expirations == 4);
    require(d.sample_count == 1);
    require(profile_stats().sampled_ns >= 4 * 1000000);
}

static void
what_cannot_be_read_is_a_loss_and_the_next_sample_has_its_time(void **state)
{
    (void)state;
    assert_int_equal(isolate(refuse_to_read, 20), 0);
}

static void
ask_nobody(struct vmprof_thread *whom, void *user)
{
    (void)whom;
    (void)user;
}

static void
change_sources(void)
{
    vmprof_token token;
    struct node node;
    struct decoded d;
    uint32_t frames[2];
    int file;

    require(vmprof_read_frames(NULL, read_nodes, codes) == -ESRCH);
    attach();
    file = begin_by_hand(thread, 0);
    push(&node, codes[1]);
    token = vmprof_execute_code_enter(thread, codes[2], NULL);
    tick();
    require(vmprof_request_sample(thread, ask_nobody, NULL) == 0);
    stop_clock(thread);
    tick();
    require(vmprof_read_frames(thread, read_nodes, codes) == 0);
    stop_clock(thread);
    tick();
    require(vmprof_read_frames(thread, NULL, NULL) == 0);
    stop_clock(thread);
    tick();
    vmprof_execute_code_leave(thread, token);
    finish_profile(file, &d);
    require(reads == 2);
    require(profile_stats().lost_walker == 1);
    require(d.sample_count == 3);
    for (int i = 0; i < 3; i++) {
        require(decoded_stack(&d, d.samples[i].node, frames, 2) == 1);
        require(d.frames[frames[0]].code == codes[i < 2 ? 1 : 2]);
    }
}

static void
a_thread_has_one_source_of_frames_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(isolate(change_sources, 20), 0);
}

/* Nothing is on the shadow stack: a sample of that would have no frames. */
static void
poll_with_own_frames(void)
{
    const int file = profile_file();
    struct node node;
    struct decoded d;
    uint64_t polled;
    size_t with_frames = 0;

    attach();
    push(&node, codes[0]);
    require(vmprof_enable(file, 0.0005) == 0);
    require(burn_until((vmprof_poll(thread), reads >= 50), 20000));
    require(profile_stats().polled == 0);
    require(vmprof_read_frames(thread, NULL, NULL) == 0);
    require(
        burn_until((vmprof_poll(thread), profile_stats().polled >= 20), 20000));
    require(vmprof_read_frames(thread, read_nodes, codes) == 0);
    polled = profile_stats().polled;
    reads = 0;
    require(burn_until((vmprof_poll(thread), reads >= 50), 20000));
    require(profile_stats().polled == polled);
    finish_profile(file, &d);
    for (size_t i = 0; i < d.sample_count; i++) {
        uint32_t frames[2];
        const size_t depth = decoded_stack(&d, d.samples[i].node, frames, 2);
        const bool by_poll = d.samples[i].state & VMP_STATE_POLLED;

        require(!by_poll || depth == 0);
        require(depth <= 1);
        with_frames += depth;
    }
    require(with_frames >= 100);
    decoded_free(&d);
}

static void
polls_leave_a_thread_with_frames_of_its_own_to_its_clock(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_with_own_frames, 60), 0);
}

static void
sleep_between_calls(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct lived from, to;
    uint64_t off_cpu = 0;
    struct decoded d;

    attach();
    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    from = lived_so_far();
    require(burn_until((call(0, 10), reads >= 20), 20000));
    sleep_ms(300);
    reads = 0;
    require(burn_until((call(0, 10), reads >= 20), 20000));
    to = lived_so_far();
    finish_profile(file, &d);
    require_possible_stacks(&d);
    require_all_that_was_lived(&d, from, to, 1000000);
    for (size_t i = 0; i < d.sample_count; i++)
        if (d.samples[i].state & 1)
            off_cpu += d.samples[i].weight;
    require(off_cpu * d.session.number[4] >= 270000000);
}

static void
in_wall_mode_they_are_read_on_the_cpu_and_the_rest_is_weighed(void **state)
{
    (void)state;
    assert_int_equal(isolate(sleep_between_calls, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            linked_frames_are_read_at_any_instruction_on_each_rung),
        cmocka_unit_test(nodes_that_a_longjmp_skipped_are_never_read),
        cmocka_unit_test(
            positions_become_lines_as_those_of_the_shadow_stack_do),
        cmocka_unit_test(
            a_deep_list_keeps_its_innermost_frames_and_counts_the_others),
        cmocka_unit_test(a_count_beyond_the_room_is_cut),
        cmocka_unit_test(
            what_cannot_be_read_is_a_loss_and_the_next_sample_has_its_time),
        cmocka_unit_test(a_thread_has_one_source_of_frames_at_a_time),
        cmocka_unit_test(
            in_wall_mode_they_are_read_on_the_cpu_and_the_rest_is_weighed),
        cmocka_unit_test(
            polls_leave_a_thread_with_frames_of_its_own_to_its_clock),
    };

    return cmocka_run_group_tests_name("linked", tests, NULL, NULL);
}
