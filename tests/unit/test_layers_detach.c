/* SPDX-License-Identifier: MIT */

/* A thread that detaches while another one gives it a function. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <vmprof/hooks.h>
#include <vmprof/vmprof.h>

#include "record/events/events.h"

static struct vmprof_hooks *hooks;
static struct vmprof_thread *leaving;
static sem_t asked, answered;
static int answer;

static int
profile(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
        const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    (void)what;
    (void)event;
    return 0;
}

static void *
set_for_who_leaves(void *argument)
{
    sem_wait(&asked);
    answer = vmprof_set_profile(hooks, leaving, profile, NULL);
    sem_post(&answered);
    return argument;
}

/* The other thread has its chance as the thread is about to be forgotten: it is
 * done at once, or waits until that is over. */
void
__real_vmp_events_detach(struct vmp_thread_events *events);
void
__wrap_vmp_events_detach(struct vmp_thread_events *events);

void
__wrap_vmp_events_detach(struct vmp_thread_events *events)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200 * 1000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    sem_post(&asked);
    while (sem_timedwait(&answered, &until) != 0 && errno == EINTR)
        continue;
    __real_vmp_events_detach(events);
}

static void
a_thread_that_leaves_is_given_no_function(void **state)
{
    pthread_t other;

    (void)state;
    assert_int_equal(vmprof_new_hooks("late", 0, &hooks), 0);
    assert_int_equal(vmprof_attach_thread(NULL, &leaving), 0);
    sem_init(&asked, 0, 0);
    sem_init(&answered, 0, 0);
    assert_int_equal(pthread_create(&other, NULL, set_for_who_leaves, NULL), 0);
    assert_int_equal(vmprof_detach_thread(leaving), 0);
    pthread_join(other, NULL);
    assert_int_equal(answer, -ESRCH);
    assert_int_equal(vmprof_free_hooks(hooks), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_leaves_is_given_no_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
