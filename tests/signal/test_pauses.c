/* SPDX-License-Identifier: MIT */

/* A pause at each of whose instructions profiling ends and begins again. */

#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/utsname.h>
#include <ucontext.h>

#include "profiled.h"

enum {
    SINGLE_STEP = 0x100, /* a flag of the processor's */
    MOST_STEPS = 2000,
};

static volatile sig_atomic_t steps, held_at, is_stepping;
static atomic_bool is_held, is_half_enabled, may_enable, lets_wait;
static int file;

int
__wrap_uname(struct utsname *out);
int
__real_uname(struct utsname *out);

/* Enabling calls it when the new session is set up, and does not run yet. */
int
__wrap_uname(struct utsname *out)
{
    if (atomic_load(&lets_wait)) {
        atomic_store(&is_half_enabled, true);
        while (!atomic_load(&may_enable))
            sched_yield();
    }
    return __real_uname(out);
}

/* After each instruction; at one of them the other thread comes in between. */
static void
trap(int number, siginfo_t *info, void *context)
{
    ucontext_t *const interrupted = context;

    (void)number;
    (void)info;
    if (!is_stepping)
        interrupted->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)SINGLE_STEP;
    else if (++steps == held_at) {
        atomic_store(&is_held, true);
        while (!atomic_load(&is_half_enabled))
            sched_yield();
    }
}

static void
handle_traps(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_sigaction = trap;
    action.sa_flags = SA_SIGINFO;
    require(sigaction(SIGTRAP, &action, NULL) == 0);
}

static void
begin_steps(void)
{
    is_stepping = 1;
    __asm__ volatile("pushfq\n\torq %0, (%%rsp)\n\tpopfq"
                     :
                     : "i"(SINGLE_STEP)
                     : "memory", "cc");
}

static void *
restart(void *user)
{
    while (!atomic_load(&is_held))
        sched_yield();
    require(vmprof_disable() == 0);
    require(vmprof_enable(file, 0.9) == 0);
    return user;
}

/* Returns false if there is no such step. */
static bool
restart_at(int step, int (*pause)(void))
{
    pthread_t other;
    int paused, resumed;

    steps = 0;
    held_at = step;
    is_held = is_half_enabled = may_enable = lets_wait = false;
    require(vmprof_enable(file, 0.9) == 0);
    lets_wait = true;
    require(pthread_create(&other, NULL, restart, NULL) == 0);
    begin_steps();
    paused = pause();
    is_stepping = 0;
    resumed = vmprof_resume();
    if (!atomic_load(&is_held))
        require(paused == 1 && resumed == 0);
    is_held = may_enable = true;
    require(pthread_join(other, NULL) == 0);
    /* It was in force in the session that has ended, or not at all. */
    require(paused == 1 || paused == -EALREADY);
    require(steps < held_at || resumed == -EALREADY);
    require(vmprof_resume() == -EALREADY);
    require(vmprof_pause() == 1);
    require(vmprof_disable() == 0);
    return steps >= held_at;
}

static int (*pause_by)(void);

static void
restart_at_each_step(void)
{
    int step = 1;

    handle_traps();
    file = profile_file();
    while (restart_at(step, pause_by))
        step++;
    require(step > 5 && step < MOST_STEPS);
}

static void
profiling_that_begins_again_has_no_pause_of_before(void **state)
{
    (void)state;
    pause_by = vmprof_pause;
    assert_int_equal(isolate(restart_at_each_step, 60), 0);
    pause_by = vmprof_pause_output;
    assert_int_equal(isolate(restart_at_each_step, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiling_that_begins_again_has_no_pause_of_before),
    };

    return cmocka_run_group_tests_name("pauses", tests, NULL, NULL);
}
