/* SPDX-License-Identifier: MIT */

/* Threads with hardly any C stack left are sampled on another one. */

#include "suite.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "native_profile.h"
#include "os/machine.h"

enum {
    LEFT = 1500, /* bytes: less than any signal takes */
    INTERRUPTED = 50,
};

static uintptr_t low;
static unsigned char its_own[64 << 10];

/* The frames of ASan, and its own signal stacks, are another matter. */
#define skip_with_asan()                                                       \
    do {                                                                       \
        if (has_asan)                                                          \
            skip_because("AddressSanitizer has alternate stacks of its own");  \
    } while (0)

static void *
lowest_of_stack(void)
{
    pthread_attr_t attributes;
    void *lowest;
    size_t size;

    require(pthread_getattr_np(pthread_self(), &attributes) == 0);
    require(pthread_attr_getstack(&attributes, &lowest, &size) == 0);
    pthread_attr_destroy(&attributes);
    return lowest;
}

static __attribute__((noinline)) unsigned
descend(struct vmprof_thread *thread, unsigned level)
{
    const vmprof_token token = vmprof_execute_code_enter(
        thread, chain.codes[level % CHAIN_LEVELS], NULL);
    unsigned levels = 1;

    if ((uintptr_t)__builtin_frame_address(0) > low + LEFT)
        levels += descend(thread, level + 1);
    else
        while (!stop)
            ;
    vmprof_execute_code_leave(thread, token);
    return levels;
}

static void *
run_out_of_stack(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    low = (uintptr_t)lowest_of_stack();
    require(descend(thread, 0) > 20);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
sample_at_the_end_of_a_stack(uint32_t native)
{
    unsigned enough = INTERRUPTED;
    pthread_attr_t attributes;
    pthread_t thread, stopper;

    begin(native, 0);
    require(pthread_attr_init(&attributes) == 0);
    require(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) ==
            0);
    require(pthread_create(&stopper, NULL, stop_soon, &enough) == 0);
    require(pthread_create(&thread, &attributes, run_out_of_stack, NULL) == 0);
    pthread_join(thread, NULL);
    pthread_join(stopper, NULL);
    pthread_attr_destroy(&attributes);
    end();
    require(d.sample_count >= INTERRUPTED);
    decoded_free(&d);
}

static void
sample_vm_frames(void)
{
    sample_at_the_end_of_a_stack(VMPROF_NATIVE_OFF);
}

static void
sample_copies(void)
{
    sample_at_the_end_of_a_stack(VMPROF_NATIVE_COPY);
}

static void
sample_frame_pointers(void)
{
    sample_at_the_end_of_a_stack(VMPROF_NATIVE_FRAME_POINTERS);
}

static void
a_thread_at_the_end_of_16_kib_survives_its_samples(void **state)
{
    (void)state;
    skip_with_asan();
    assert_int_equal(isolate(sample_vm_frames, 60), 0);
    /* There are native frames on some machines only. */
    if (vmp_machine.is_known)
        assert_int_equal(isolate(sample_frame_pointers, 60), 0);
    if (vmp_step_load())
        assert_int_equal(isolate(sample_copies, 60), 0);
}

static stack_t
signal_stack(void)
{
    stack_t now;

    require(sigaltstack(NULL, &now) == 0);
    return now;
}

static void
set_its_own(void)
{
    const stack_t mine = { .ss_sp = its_own, .ss_size = sizeof(its_own) };

    require(sigaltstack(&mine, NULL) == 0);
}

static void
attach_and_detach(void)
{
    struct vmprof_thread *thread;
    stack_t ours;

    file = profile_file();
    for (unsigned i = 0; i < 3; i++) {
        require(signal_stack().ss_flags & SS_DISABLE);
        require(vmprof_attach_thread(NULL, &thread) == 0);
        ours = signal_stack();
        require(!(ours.ss_flags & SS_DISABLE) && ours.ss_size >= 64 << 10);
        memset(ours.ss_sp, 1, ours.ss_size);
        require(vmprof_detach_thread(thread) == 0);
        require(signal_stack().ss_flags & SS_DISABLE);
        /* Unmapped: there is nothing to read. */
        require(write(file, ours.ss_sp, 1) < 0 && errno == EFAULT);
    }
}

static void
attach_with_its_own(void)
{
    struct vmprof_thread *thread;

    set_its_own();
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(signal_stack().ss_sp == its_own);
    require(vmprof_detach_thread(thread) == 0);
    require(signal_stack().ss_sp == its_own);
    require(!(signal_stack().ss_flags & SS_DISABLE));
}

static void
set_its_own_later(void)
{
    struct vmprof_thread *thread;
    stack_t ours;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    ours = signal_stack();
    set_its_own();
    require(vmprof_detach_thread(thread) == 0);
    require(signal_stack().ss_sp == its_own);
    /* What a host put aside, it may put back. */
    require(sigaltstack(&ours, NULL) == 0);
    memset(ours.ss_sp, 1, ours.ss_size);
}

static void
a_thread_without_a_signal_stack_has_one_while_attached(void **state)
{
    (void)state;
    skip_with_asan();
    assert_int_equal(isolate(attach_and_detach, 30), 0);
}

static void
a_signal_stack_of_the_hosts_stays(void **state)
{
    (void)state;
    skip_with_asan();
    assert_int_equal(isolate(attach_with_its_own, 30), 0);
    assert_int_equal(isolate(set_its_own_later, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_at_the_end_of_16_kib_survives_its_samples),
        cmocka_unit_test(
            a_thread_without_a_signal_stack_has_one_while_attached),
        cmocka_unit_test(a_signal_stack_of_the_hosts_stays),
    };
    return cmocka_run_group_tests_name("small stacks", tests, NULL, NULL);
}
