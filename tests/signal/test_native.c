/* SPDX-License-Identifier: MIT */

/* Native frames: VM and C frames in one stack, exactly. */

#include "suite.h"

#include "filter.h"
#include "native_profile.h"

/* From `i` on: each loop of the VM, its frame, and the C function it calls. */
static void
require_chain(const struct chain_functions *f, size_t i)
{
    for (unsigned level = 0; level < CHAIN_LEVELS; level++) {
        require_in_stack(is_in(i, &f->run_vm));
        require_in_stack(is_code(i + 1, chain.codes[level]));
        require_in_stack(is_in(i + 2, &f->call_c));
        i += 3;
    }
    require_in_stack(is_in(i, &f->spin));
    require_in_stack(i + 1 == depth);
}

/* How many samples were taken in spin(), each of which is right. */
static size_t
check_chains(const struct chain_functions *f)
{
    size_t found = 0;

    for (size_t i = 0; i < d.sample_count; i++) {
        load(i);
        if (!is_in(depth - 1, &f->spin))
            continue;
        require_chain(f, first_in(&f->run_vm));
        found++;
    }
    return found;
}

static void
alternate(const struct chain_functions *f, uint32_t native)
{
    pthread_t stopper;

    begin(native, 0);
    stopper = start_stopper();
    f->run(&chain, 0);
    pthread_join(stopper, NULL);
    end();
    require(d.sample_count >= ENOUGH);
    require(check_chains(f) > d.sample_count * 9 / 10);
    require(d.module_count > 1);
    require(profile_stats().native_cut == 0);
    require(profile_stats().native_failed <= d.sample_count / 10);
    decoded_free(&d);
}

static void
alternate_by_copy(void)
{
    alternate(&chain_without_frame_pointers, VMPROF_NATIVE_COPY);
}

static void
alternate_by_copy_with_frame_pointers(void)
{
    alternate(&chain_with_frame_pointers, VMPROF_NATIVE_COPY);
}

static void
alternate_by_frame_pointers(void)
{
    alternate(&chain_with_frame_pointers, VMPROF_NATIVE_FRAME_POINTERS);
}

/* The writer has to read rules for unwinding in memory all the same. */
static void
alternate_in_a_sandbox(void)
{
    refuse_system_call(SYS_process_vm_readv, EPERM);
    alternate(&chain_without_frame_pointers, VMPROF_NATIVE_COPY);
}

static void
copies_are_unwound_where_a_sandbox_forbids_to_read_memory(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(alternate_in_a_sandbox, 60), 0);
}

static void
six_loops_through_c_are_exact_in_every_sample(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(alternate_by_copy, 60), 0);
    assert_int_equal(isolate(alternate_by_copy_with_frame_pointers, 60), 0);
}

static void
six_loops_are_exact_by_frame_pointers(void **state)
{
    (void)state;
    assert_int_equal(isolate(alternate_by_frame_pointers, 60), 0);
}

static void *
run_chain(void *user)
{
    const struct chain_functions *const f = user;
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 0);
    stopper = start_stopper();
    f->run(&chain, 0);
    pthread_join(stopper, NULL);
    return NULL;
}

static void
alternate_on_a_thread(void)
{
    pthread_t thread;

    require(pthread_create(&thread, NULL, run_chain,
                           (void *)(uintptr_t)&chain_without_frame_pointers) ==
            0);
    pthread_join(thread, NULL);
    end();
    require(check_chains(&chain_without_frame_pointers) >
            d.sample_count * 9 / 10);
    decoded_free(&d);
}

static void
a_thread_s_stack_ends_where_it_began(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(alternate_on_a_thread, 60), 0);
}

static void
recurse_deep(void)
{
    const struct chain_functions *const f = &chain_without_frame_pointers;
    const unsigned levels = 2000;
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 4096);
    stopper = start_stopper();
    require(f->recurse(&chain, levels) == levels + 1);
    pthread_join(stopper, NULL);
    end();
    require(profile_stats().native_cut > d.sample_count * 9 / 10);
    require(d.stats.number[36] == profile_stats().native_cut);
    require(check_chains(f) > d.sample_count * 9 / 10);
    for (size_t i = 0; i < d.sample_count; i++) {
        load(i);
        require(depth < levels);
    }
    decoded_free(&d);
}

static void
a_deep_stack_is_cut_and_counted(void **state)
{
    (void)state;
    skip_without_copies();
    if (has_asan)
        skip_because("a copy of 4 KiB holds no chain of AddressSanitizer's");
    assert_int_equal(isolate(recurse_deep, 60), 0);
}

/* Every sample in the leaf function has its caller, and that has main(). */
static void
check_leaves(const struct chain_functions *f)
{
    size_t in_leaf = 0;

    for (size_t i = 0; i < d.sample_count; i++) {
        size_t caller;

        load(i);
        in_leaf += is_in(depth - 1, &f->leaf);
        if (!is_in(depth - 1, &f->leaf) && !is_in(depth - 1, &f->leaf_caller))
            continue;
        caller = first_in(&f->leaf_caller);
        require_in_stack(caller < depth && caller > 2);
        require_in_stack(caller == depth - 1 ||
                         (caller == depth - 2 && is_in(depth - 1, &f->leaf)));
    }
    require(in_leaf > 20);
    require(profile_stats().native_failed == 0);
    decoded_free(&d);
}

static void
call_leaves(const struct chain_functions *f)
{
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 0);
    stopper = start_stopper();
    f->call_leaf(&chain);
    pthread_join(stopper, NULL);
    end();
    check_leaves(f);
}

static __attribute__((noinline)) void
call_leaves_at(uintptr_t offset)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    volatile char *const room = __builtin_alloca(here % 4096 + offset);
    unsigned some = 20;
    pthread_t stopper;

    *room = 1;
    stop = false;
    require(pthread_create(&stopper, NULL, stop_soon, &some) == 0);
    chain_without_frame_pointers.call_leaf(&chain);
    pthread_join(stopper, NULL);
}

/* The handler runs elsewhere, and what an epilogue has restored already lies on
 * the page below the stack pointer's. */
static void
call_leaves_at_the_edge_of_a_page(void)
{
    static unsigned char handlers[64 << 10];
    const stack_t alternate = { .ss_sp = handlers,
                                .ss_size = sizeof(handlers) };

    require(sigaltstack(&alternate, NULL) == 0);
    begin(VMPROF_NATIVE_COPY, 0);
    for (unsigned i = 0; i < 16; i++)
        call_leaves_at(3840 + 16 * i);
    end();
    check_leaves(&chain_without_frame_pointers);
}

static void
call_leaves_with_frame_pointers(void)
{
    call_leaves(&chain_with_frame_pointers);
}

static void
call_leaves_without_frame_pointers(void)
{
    call_leaves(&chain_without_frame_pointers);
}

static void
prologues_and_epilogues_are_unwound_like_all_else(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(call_leaves_with_frame_pointers, 60), 0);
    assert_int_equal(isolate(call_leaves_without_frame_pointers, 60), 0);
}

static void
a_handler_on_another_stack_sees_all_that_was_saved(void **state)
{
    (void)state;
    skip_without_copies();
    if (has_asan)
        skip_because("AddressSanitizer has alternate stacks of its own");
    assert_int_equal(isolate(call_leaves_at_the_edge_of_a_page, 60), 0);
}

/* At each turn the VM's frame says which way was gone; the C frame has to be that
 * one's. Returns the way as a number, if all turns were taken. */
static unsigned
check_way(const struct chain_functions *f)
{
    unsigned way = 1;

    for (size_t i = 0; i < depth; i++) {
        const bool is_left = is_code(i, chain.codes[0]);

        if (is_left || is_code(i, chain.codes[1])) {
            require_in_stack(is_in(i - 1, is_left ? &f->left : &f->right));
            require_in_stack(is_in(i - 2, &f->turn));
            way = 2 * way + is_left;
        } else if (is_in(i, &f->left) || is_in(i, &f->right)) {
            require_in_stack(i + 1 == depth || !is_native(i + 1));
        }
    }
    return way >> CHAIN_TURNS == 1 ? way : 0;
}

/* Frames of other calls stand where those of the last sample stood. */
static void
wander(void)
{
    const struct chain_functions *const f = &chain_with_frame_pointers;
    size_t found = 0, different = 0;
    unsigned last = 0;
    pthread_t stopper;

    begin(VMPROF_NATIVE_FRAME_POINTERS, 0);
    stopper = start_stopper();
    f->wander(&chain);
    pthread_join(stopper, NULL);
    end();
    for (size_t i = 0; i < d.sample_count; i++) {
        unsigned way;

        load(i);
        way = check_way(f);
        found += way != 0;
        different += way && way != last;
        last = way;
    }
    require(found > d.sample_count * 8 / 10);
    require(different > found * 8 / 10);
    decoded_free(&d);
}

static void
another_way_to_the_same_place_is_told_in_every_sample(void **state)
{
    (void)state;
    assert_int_equal(isolate(wander, 60), 0);
}

/* The library's own copy of it, as programs call it that are not in C. */
VMPROF_API vmprof_token
enter_by_call(struct vmprof_thread *thread, vmprof_code_id code,
              const uintptr_t *position) __asm__("vmprof_execute_code_enter");

static __attribute__((noinline, section("called"))) void
spin_below(void)
{
    while (!stop)
        __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline, section("entering"))) void
enter_and_spin(void)
{
    const vmprof_token token =
        enter_by_call(chain.thread, chain.codes[0], NULL);

    spin_below();
    vmprof_execute_code_leave(chain.thread, token);
}

static void
enter_by_a_copy(void)
{
    extern const char __start_called[], __stop_called[], __start_entering[],
        __stop_entering[];
    const struct extent called = { __start_called, __stop_called },
                        entering = { __start_entering, __stop_entering };
    size_t found = 0;
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 0);
    stopper = start_stopper();
    enter_and_spin();
    pthread_join(stopper, NULL);
    end();
    for (size_t i = 0; i < d.sample_count; i++) {
        size_t at;

        load(i);
        at = first_in(&entering);
        if (first_in(&called) == depth)
            continue;
        require_in_stack(is_code(at + 1, chain.codes[0]));
        require_in_stack(is_in(at + 2, &called));
        found++;
    }
    require(found > d.sample_count * 9 / 10);
    decoded_free(&d);
}

static void
a_call_entered_by_a_copy_stands_in_who_called_that(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(enter_by_a_copy, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_loops_through_c_are_exact_in_every_sample),
        cmocka_unit_test(six_loops_are_exact_by_frame_pointers),
        cmocka_unit_test(another_way_to_the_same_place_is_told_in_every_sample),
        cmocka_unit_test(
            copies_are_unwound_where_a_sandbox_forbids_to_read_memory),
        cmocka_unit_test(a_thread_s_stack_ends_where_it_began),
        cmocka_unit_test(a_deep_stack_is_cut_and_counted),
        cmocka_unit_test(prologues_and_epilogues_are_unwound_like_all_else),
        cmocka_unit_test(a_handler_on_another_stack_sees_all_that_was_saved),
        cmocka_unit_test(a_call_entered_by_a_copy_stands_in_who_called_that),
    };

    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
