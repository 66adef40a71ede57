/* SPDX-License-Identifier: MIT */

/* Trace and profile functions that are set and replaced beside other threads. */

#include "holder.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

/* A thread that runs a program and then waits to be let go. */
struct other {
    pthread_t id;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct vmprof_thread *thread;
    const char *program;
    bool is_over;
};

static void *
run_programs(void *user)
{
    struct other *const other = user;

    pthread_mutex_lock(&other->mutex);
    require(vmprof_attach_thread(NULL, &other->thread) == 0);
    pthread_cond_broadcast(&other->wake);
    while (!other->is_over) {
        if (other->program) {
            run_on(other->thread, other->program);
            other->program = NULL;
            pthread_cond_broadcast(&other->wake);
        }
        pthread_cond_wait(&other->wake, &other->mutex);
    }
    vmprof_detach_thread(other->thread);
    pthread_mutex_unlock(&other->mutex);
    return NULL;
}

static void
have_run(struct other *other, const char *program)
{
    pthread_mutex_lock(&other->mutex);
    while (!other->thread)
        pthread_cond_wait(&other->wake, &other->mutex);
    other->program = program;
    pthread_cond_broadcast(&other->wake);
    while (other->program)
        pthread_cond_wait(&other->wake, &other->mutex);
    pthread_mutex_unlock(&other->mutex);
}

static void
a_thread_has_its_own_function_or_that_of_all(void **state)
{
    (void)state;
    struct other other = { .mutex = PTHREAD_MUTEX_INITIALIZER,
                           .wake = PTHREAD_COND_INITIALIZER };
    struct holder a, b;

    begin(&a, "a");
    begin(&b, "b");
    assert_int_equal(pthread_create(&other.id, NULL, run_programs, &other), 0);
    have_run(&other, "");
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, profile, &a), 0);
    /* The same holder's, with another place to note. */
    assert_int_equal(vmprof_set_profile(a.hooks, other.thread, profile, &b), 0);
    have_run(&other, "B)B");
    run_on(self, "A)A");
    expect(&a, "cA rA ");
    expect(&b, "cB rB ");
    assert_int_equal(vmprof_set_profile(a.hooks, other.thread, NULL, NULL), 0);
    have_run(&other, "C)C");
    expect(&a, "cC rC ");
    expect(&b, "");
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, NULL, NULL), 0);
    have_run(&other, "C)C");
    expect(&a, "");
    pthread_mutex_lock(&other.mutex);
    other.is_over = true;
    pthread_cond_broadcast(&other.wake);
    pthread_mutex_unlock(&other.mutex);
    pthread_join(other.id, NULL);
    assert_int_equal(vmprof_set_profile(a.hooks, other.thread, profile, &a),
                     -ESRCH);
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    assert_int_equal(vmprof_free_hooks(b.hooks), 0);
}

static atomic_bool is_over;

static void *
call_on(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&is_over))
        run_on(thread, "AB)BC!C)A");
    vmprof_detach_thread(thread);
    return NULL;
}

static int
count(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
      const struct vmprof_event *event)
{
    (void)thread;
    (void)what;
    (void)event;
    atomic_fetch_add((atomic_int *)user, 1);
    return 0;
}

/* A function that is replaced runs no more when that returns. */
static void
functions_are_replaced_while_threads_run(void **state)
{
    enum {
        THREADS = 3,
        ROUNDS = 200,
    };
    (void)state;
    pthread_t threads[THREADS];
    struct holder a;

    begin(&a, "a");
    atomic_store(&is_over, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        atomic_int *const number = calloc(1, sizeof(*number));

        assert_non_null(number);
        assert_int_equal(vmprof_set_profile(a.hooks, NULL, count, number), 0);
        while (!atomic_load(number))
            sched_yield();
        assert_int_equal(vmprof_set_profile(a.hooks, NULL, NULL, NULL), 0);
        free(number);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static int
set_anew(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
         const struct vmprof_event *event)
{
    struct holder *const holder = user;

    (void)what;
    (void)event;
    return vmprof_set_profile(holder->hooks, thread, set_anew, holder);
}

/* All at the same time, so that none may wait for the others. */
static void
functions_can_set_themselves_anew_on_all_threads(void **state)
{
    enum {
        THREADS = 3,
        ROUNDS = 2000,
    };
    (void)state;
    pthread_t threads[THREADS];
    struct holder a;

    begin(&a, "a");
    assert_int_equal(vmprof_set_profile(a.hooks, NULL, set_anew, &a), 0);
    atomic_store(&is_over, false);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_on, NULL), 0);
    for (int i = 0; i < ROUNDS; i++)
        run_on(self, "A)A");
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
}

static pid_t forked;

/* When the tool is gone, and who frees it waits for this function. */
static void
fork_when_gone(struct holder *holder)
{
    (void)holder;
    atomic_store(&is_over, true);
    while (vmprof_get_tool("a", NULL) == 0)
        sched_yield();
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0xaa);
#endif
    forked = fork();
}

static void *
call_and_fork(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    run_on(thread, "A)");
    vmprof_detach_thread(thread);
    if (!forked)
        _exit(0);
    return NULL;
}

static void
a_function_that_forks_goes_on_in_the_child(void **state)
{
    (void)state;
    struct holder a;
    pthread_t thread;
    int status;

    skip_where_malloc_dies_in_fork();
    begin(&a, "a");
    a.act = fork_when_gone;
    atomic_store(&is_over, false);
    assert_int_equal(vmprof_set_trace(a.hooks, NULL, trace, &a, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, call_and_fork, NULL), 0);
    while (!atomic_load(&is_over))
        sched_yield();
    assert_int_equal(vmprof_free_hooks(a.hooks), 0);
    pthread_join(thread, NULL);
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0);
#endif
    assert_int_equal(waitpid(forked, &status, 0), forked);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thread_has_its_own_function_or_that_of_all),
        TEST(functions_are_replaced_while_threads_run),
        TEST(functions_can_set_themselves_anew_on_all_threads),
        TEST(a_function_that_forks_goes_on_in_the_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
