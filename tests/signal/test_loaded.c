/* SPDX-License-Identifier: MIT */

/* The library as a plug-in: loaded by a program that was not linked with it,
 * whose threads run already. test_loaded LIBRARY */

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"

static __typeof__(vmprof_attach_thread_1) *attach_thread;
static __typeof__(vmprof_detach_thread) *detach_thread;
static __typeof__(vmprof_enable) *enable;
static __typeof__(vmprof_disable) *disable;
static __typeof__(vmprof_get_stats) *get_stats;
static pthread_barrier_t loaded;

static void *
symbol(void *library, const char *name)
{
    void *const found = dlsym(library, name);

    if (!found)
        dprintf(2, "no %s\n", name);
    require(found);
    return found;
}

static void
load(const char *path)
{
    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        dprintf(2, "%s\n", dlerror());
    require(library);
    *(void **)&attach_thread = symbol(library, "vmprof_attach_thread_1");
    *(void **)&detach_thread = symbol(library, "vmprof_detach_thread");
    *(void **)&enable = symbol(library, "vmprof_enable");
    *(void **)&disable = symbol(library, "vmprof_disable");
    *(void **)&get_stats = symbol(library, "vmprof_get_stats");
}

static void *
run_after_loading(void *user)
{
    struct vmprof_thread *thread;

    pthread_barrier_wait(&loaded);
    require(attach_thread(NULL, sizeof(struct vmprof_frame), &thread) == 0);
    burn_cpu_ms(100);
    require(detach_thread(thread) == 0);
    return user;
}

int
main(int argc, char **argv)
{
    const int file = profile_file();
    struct vmprof_stats stats;
    struct decoded d;
    pthread_t older;

    require(argc == 2);
    require(pthread_barrier_init(&loaded, NULL, 2) == 0);
    require(pthread_create(&older, NULL, run_after_loading, NULL) == 0);
    load(argv[1]);
    require(enable(file, 0.001) == 0);
    pthread_barrier_wait(&loaded);
    require(pthread_join(older, NULL) == 0);
    require(disable() == 0);
    vmprof_stats_init(&stats);
    require(get_stats(&stats) == 0);
    require(decode_fd(&d, file) == 0 && d.ended);
    require(d.sample_count >= 5 && d.sample_count >= stats.samples);
    decoded_free(&d);
    return 0;
}
