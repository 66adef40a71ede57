/* SPDX-License-Identifier: MIT */

/*
 * Runs the handler as often as it is told to, by sending itself copies of a
 * tick that came from the clock. Needs forbid.so, which has seen one.
 *
 *     handler_runs COUNT          shadow stacks, coroutines, walkers
 *     handler_runs COUNT PLANTED  and a walker that calls the function PLANTED
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "forbid.h"
#include "profiled.h"

enum {
    DEPTH = 50,
    INNER = 8, /* frames that come and go */
};

static struct vmprof_thread *thread;
static siginfo_t tick;

static void
send_ticks(unsigned long count)
{
    const pid_t process = getpid(), self = (pid_t)syscall(SYS_gettid);

    while (count--)
        require(syscall(SYS_rt_tgsigqueueinfo, process, self, SIGPROF, &tick) ==
                0);
}

static void
learn_a_tick(void)
{
    bool (*last_signal)(siginfo_t *);

    *(void **)&last_signal = dlsym(RTLD_DEFAULT, "forbid_last_signal");
    require(last_signal);
    require(burn_until(last_signal(&tick), 10000));
}

static void
enter_some(vmprof_code_id code, unsigned count)
{
    static uintptr_t cell;

    while (count--)
        vmprof_execute_code_enter(thread, code, count & 1 ? &cell : NULL);
}

/* Each tick finds another stack. */
static void
run_on_shadow_stacks(unsigned long count)
{
    const vmprof_code_id outer = code_named("outer"),
                         inner = code_named("inner");
    struct vmprof_stack *stack;
    vmprof_token token;

    require(vmprof_new_stack(0, &stack) == 0);
    token = vmprof_execute_code_enter(thread, outer, NULL);
    enter_some(outer, DEPTH);
    for (unsigned long i = 0; i < count; i += INNER) {
        if (i % (4 * INNER) == 0)
            require(vmprof_resume_stack(thread, stack) == 0);
        for (unsigned j = 0; j < INNER; j++) {
            enter_some(inner, 1);
            send_ticks(1);
        }
        if (i % (4 * INNER) == 0)
            require(vmprof_yield_stack(thread) == 0);
        vmprof_execute_code_leave(thread, token);
        enter_some(outer, DEPTH);
    }
    vmprof_execute_code_leave(thread, token);
}

static void
request(struct vmprof_thread *asked, void *user)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const char *const planted = user;
    void *volatile memory;

    (void)asked;
    if (!planted)
        return;
    if (!strcmp(planted, "malloc"))
        memory = malloc(100), (void)memory;
    else if (!strcmp(planted, "free"))
        memory = NULL, free(memory);
    else if (!strcmp(planted, "mmap"))
        require(mmap(NULL, 1, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    else if (!strcmp(planted, "pthread_mutex_lock"))
        pthread_mutex_lock(&mutex);
    else if (!strcmp(planted, "printf"))
        printf("%d\n", thread != NULL);
    else if (!strcmp(planted, "write"))
        require(write(-1, "", 1) < 0);
    else if (!strcmp(planted, "dlopen"))
        require(dlopen(NULL, RTLD_LAZY));
    else
        require(planted == NULL);
}

static void
run_on_walkers(unsigned long count, char *planted)
{
    const struct vmprof_walked_frame frame = { .code = code_named("walked") };

    require(vmprof_request_sample(thread, request, planted) == 0);
    for (unsigned long i = 0; i < count; i += 4) {
        send_ticks(4);
        require(vmprof_sample_stack(thread, &frame, 1, 0) >= 0);
    }
    require(vmprof_request_sample(thread, NULL, NULL) == 0);
}

static void
profile(unsigned long count, char *planted)
{
    const int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct vmprof_options options = profile_options(file, 1e-6);
    struct vmprof_stats stats;

    options.clock = VMPROF_CLOCK_CPU_TIMER;
    require(vmprof_enable_with(&options) == 0);
    learn_a_tick();
    if (!planted)
        run_on_shadow_stacks(count / 2);
    run_on_walkers(count / 2, planted);
    require(vmprof_disable() == 0);
    stats = profile_stats();
    require(stats.expirations >= count / 4);
    require(stats.expirations == stats.samples + stats.lost_ring_full +
                                     stats.lost_busy + stats.lost_switching +
                                     stats.lost_walker + stats.lost_overrun +
                                     stats.system_ticks);
    printf("%lu sent, %llu due, %llu samples\n", count,
           (unsigned long long)stats.expirations,
           (unsigned long long)stats.samples);
}

int
main(int argc, char **argv)
{
    require(argc == 2 || argc == 3);
    require(vmprof_attach_thread(NULL, &thread) == 0);
    profile(strtoul(argv[1], NULL, 10), argv[2]);
    return 0;
}
