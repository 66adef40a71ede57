/* SPDX-License-Identifier: MIT */

/* A function of the VM that does not return to the handler. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "isolate.h"
#include "profiled.h"

static atomic_bool is_kept, is_inside, is_over;

static size_t
keep_the_handler(struct vmprof_thread *thread, void *context,
                 struct vmprof_linked_frame *frames, size_t room, size_t *cut,
                 void *user)
{
    (void)thread, (void)context, (void)frames, (void)room, (void)cut,
        (void)user;
    atomic_store(&is_inside, true);
    while (atomic_load(&is_kept))
        ;
    return 0;
}

static void *
run_vm(void *user)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_read_frames(thread, keep_the_handler, NULL) == 0);
    while (!atomic_load(&is_over))
        burn_cpu_ms(1);
    require(vmprof_detach_thread(thread) == 0);
    return user;
}

static int
begin(void)
{
    const int file = profile_file();

    require(vmprof_enable(file, 0.001) == 0);
    return file;
}

static void
keep_it_through_two_sessions(void)
{
    struct decoded d;
    pthread_t vm;
    int64_t begun_ms;
    int file;

    atomic_store(&is_kept, true);
    require(pthread_create(&vm, NULL, run_vm, NULL) == 0);
    file = begin();
    require(wait_until(atomic_load(&is_inside), 20000));
    begun_ms = now_ms();
    finish_profile(file, &d);
    require(now_ms() - begun_ms >= 1900);
    decoded_free(&d);

    file = begin();
    require(profile_stats().clock_error == EBUSY);
    require(profile_stats().expirations == 0);
    /* It has a part again as soon as its handler has ended. */
    atomic_store(&is_kept, false);
    require(wait_until(profile_stats().samples > 10, 20000));
    finish_profile(file, &d);
    require(profile_stats().lost_walker == 0);
    decoded_free(&d);

    atomic_store(&is_over, true);
    pthread_join(vm, NULL);
}

static void
disabling_does_not_wait_for_a_handler_for_ever(void **state)
{
    (void)state;
    assert_int_equal(isolate(keep_it_through_two_sessions, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disabling_does_not_wait_for_a_handler_for_ever),
    };

    return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
