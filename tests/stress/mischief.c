/* SPDX-License-Identifier: MIT */

/* Processes, threads, libraries and codes. */

#include "mischief.h"

#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>

#include "profiled.h"
#include "suite.h"

atomic_bool stop;
const char *plugin_path;
vmprof_code_id codes[CODES];

static struct vmprof_code_class *code_class;
extern char **environ;

static int
name_it(void *user, void *object, char *buffer, size_t size)
{
    (void)user;
    (void)object;
    return vmprof_format_name(buffer, size, "chaos", "moment", 1, "");
}

static int
locate_it(void *user, void *object, uintptr_t position,
          struct vmprof_location *location)
{
    (void)user;
    (void)object;
    location->offset = position % 1000;
    location->line = (uint32_t)(position % 100);
    return 0;
}

void
register_codes(void)
{
    struct vmprof_code_class_options options;
    char name[VMPROF_NAME_SIZE];

    vmprof_code_class_options_init(&options);
    options.full_name = name_it;
    options.locate = locate_it;
    require(vmprof_register_code_class("chaos", &options, &code_class) == 0);
    for (unsigned i = 0; i < CODES; i++) {
        snprintf(name, sizeof(name), "chaos:level%u:%u:chaos.c", i, i + 1);
        require(vmprof_register_code(code_class, NULL, name, &codes[i]) == 0);
    }
}

void
call(struct vmprof_thread *thread, unsigned depth)
{
    uintptr_t position = depth;
    const vmprof_token token =
        vmprof_execute_code_enter(thread, codes[depth % CODES], &position);

    for (volatile unsigned i = 0; i < 300; i++)
        position = i;
    /* Half of the depths poll: the rest is for the clock to take over. */
    if (depth % 2)
        vmprof_poll(thread);
    if (depth > 1)
        call(thread, depth - 1);
    vmprof_execute_code_leave(thread, token);
}

void
count_and_rest(struct mischief *mischief, unsigned long every)
{
    if (atomic_fetch_add(&mischief->count, 1) % every == 0)
        usleep(1000);
}

static struct mischief *
begin(void *mischief, struct vmprof_thread **thread)
{
    require(vmprof_attach_thread(NULL, thread) == 0);
    return mischief;
}

static void *
compute(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);

    while (!atomic_load(&stop)) {
        call(thread, CODES);
        count_and_rest(mischief, 10);
    }
    return NULL;
}

/* How a thread that is born here ends. */
enum {
    DETACHED,
    FORGOTTEN,
    LEFT_INSIDE,
    CANCELLED,
    WAYS,
};

static void *
short_life(void *way)
{
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    call(thread, 8);
    if ((uintptr_t)way == DETACHED) {
        require(vmprof_detach_thread(thread) == 0);
    } else if ((uintptr_t)way == LEFT_INSIDE) {
        vmprof_execute_code_enter(thread, codes[0], NULL);
        pthread_exit(NULL);
    } else if ((uintptr_t)way == CANCELLED) {
        for (;; pthread_testcancel())
            call(thread, 2);
    }
    return NULL;
}

static void *
give_birth(void *user)
{
    struct mischief *const mischief = user;

    while (!atomic_load(&stop)) {
        const uintptr_t way = atomic_fetch_add(&mischief->count, 1) % WAYS;
        pthread_t thread;

        require(pthread_create(&thread, NULL, short_life, (void *)way) == 0);
        require(way != CANCELLED || pthread_cancel(thread) == 0);
        require(pthread_join(thread, NULL) == 0);
    }
    return NULL;
}

static void
require_that_it_lived(pid_t child)
{
    int status;

    require(child > 0);
    while (waitpid(child, &status, 0) < 0)
        require(errno == EINTR);
    if (status)
        dprintf(2, "a child ended with status %#x\n", (unsigned)status);
    require(status == 0);
}

static void *
fork_children(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);

    while (!atomic_load(&stop)) {
        const vmprof_token token =
            vmprof_execute_code_enter(thread, codes[1], NULL);
        const pid_t child = fork();

        if (child == 0) {
            alarm(patience(20));
            if (atomic_load(&mischief->count) % 4 == 0)
                profile_in_child();
            vmprof_execute_code_leave(thread, token);
            _exit(0);
        }
        vmprof_execute_code_leave(thread, token);
        require_that_it_lived(child);
        count_and_rest(mischief, 1);
    }
    return NULL;
}

static char *const arguments[] = {
    (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
    (char *)(uintptr_t) "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done", NULL
};

static pid_t
spawn_one(unsigned long count)
{
    pid_t child = 0;

    if (count % 3 == 0) {
        require(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments,
                            environ) == 0);
    } else if (count % 3 == 1) {
        child = vfork();
        if (child == 0) {
            execve("/bin/true", arguments, environ);
            _exit(1);
        }
    } else {
        child = fork();
        if (child == 0) {
            execve("/bin/sh", arguments, environ);
            _exit(1);
        }
    }
    return child;
}

static void *
spawn_programs(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);

    while (!atomic_load(&stop)) {
        call(thread, 2);
        require_that_it_lived(spawn_one(atomic_fetch_add(&mischief->count, 1)));
    }
    return NULL;
}

/* Code, and the cells of its positions, that are there for a moment. */
static void *
load_and_unload(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);

    while (!atomic_load(&stop)) {
        void *const plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
        void (*run)(struct vmprof_thread *, vmprof_code_id, unsigned);

        require(plugin != NULL);
        *(void **)&run = dlsym(plugin, "run_plugin");
        require(run != NULL);
        for (unsigned i = 0; i < 20; i++)
            run(thread, codes[i], 10);
        require(dlclose(plugin) == 0);
        count_and_rest(mischief, 3);
    }
    return NULL;
}

static void *
name_and_forget(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);
    static char objects[64];

    while (!atomic_load(&stop)) {
        vmprof_code_id ids[sizeof(objects)];
        uintptr_t position = 7;

        for (unsigned i = 0; i < sizeof(objects); i++) {
            require(vmprof_register_code(code_class, &objects[i], NULL,
                                         &ids[i]) == 0);
            const vmprof_token token =
                vmprof_execute_code_enter(thread, ids[i], &position);
            call(thread, 1);
            vmprof_execute_code_leave(thread, token);
        }
        for (unsigned i = 0; i < sizeof(objects); i++)
            require(vmprof_forget_code(ids[i]) == 0);
        count_and_rest(mischief, 1);
    }
    return NULL;
}

static void *
block_the_signal(void *user)
{
    struct vmprof_thread *thread;
    struct mischief *const mischief = begin(user, &thread);
    sigset_t signals, before;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    while (!atomic_load(&stop)) {
        pthread_sigmask(SIG_BLOCK, &signals, &before);
        call(thread, 20);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        call(thread, 20);
        count_and_rest(mischief, 5);
    }
    return NULL;
}

static void *
pause_and_ask(void *user)
{
    struct mischief *const mischief = user;
    struct vmprof_stats stats;

    while (!atomic_load(&stop)) {
        if (vmprof_pause() > 0) {
            usleep(200);
            vmprof_resume();
        }
        vmprof_stats_init(&stats);
        require(vmprof_get_stats(&stats) == 0);
        usleep(3000);
        count_and_rest(mischief, 1000000);
    }
    return NULL;
}

struct mischief all_mischief[] = {
    { .name = "calls", .body = compute },
    { .name = "threads", .body = give_birth },
    { .name = "forks", .body = fork_children },
    { .name = "programs", .body = spawn_programs },
    { .name = "libraries", .body = load_and_unload },
    { .name = "codes", .body = name_and_forget },
    { .name = "blocked signals", .body = block_the_signal },
    { .name = "pauses", .body = pause_and_ask },
    { .name = "coroutines", .body = move_between_coroutines },
    { .name = "contexts", .body = switch_contexts },
    { .name = "signal stacks", .body = run_on_signal_stacks },
    { .name = "jumps", .body = jump_out },
    { .name = NULL },
};
