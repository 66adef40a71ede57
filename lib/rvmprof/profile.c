/* SPDX-License-Identifier: MIT */

#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <vmprof/sampler.h>

#include "hooks.h"
#include "threads.h"

enum {
    MOST_FRAMES = 8192, /* deeper than these VMs let programs recurse */
};

static const double LEAST_INTERVAL = 1e-6;

/* Over what was asked for; nothing else is called with it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rvm_request prepared;
static bool is_prepared;
/* The VM was told that profiling is enabled: so a child of a fork still thinks,
 * where it is not. */
static atomic_int profile_fd = -1;

void
rvm_profile_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void
rvm_profile_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static bool
is_enabled(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    return vmprof_get_stats(&stats) == 0 && stats.enabled;
}

/* Returns 0, -EBADF or -EACCES. */
static int
check_fd(int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -EBADF;
    return (flags & O_ACCMODE) == O_RDONLY ? -EACCES : 0;
}

const char *
rvm_prepare(const struct rvm_request *request)
{
    int r;

    /* NaN is not in the range either. */
    if (!(request->interval >= LEAST_INTERVAL && request->interval < 1.0))
        return "bad value for 'interval'";
    if (is_enabled())
        return "profiling is enabled";
    r = check_fd(request->fd);
    if (r < 0)
        return vmprof_strerror(r);
    rvm_profile_lock();
    prepared = *request;
    is_prepared = true;
    rvm_profile_unlock();
    return NULL;
}

/* VMs ask for native frames by default, and an observer sees none. */
static uint32_t
native_of(const struct rvm_request *request)
{
    return request->native && !request->real_time ? VMPROF_NATIVE_COPY
                                                  : VMPROF_NATIVE_OFF;
}

static int
enable(const struct rvm_request *request)
{
    const struct vmprof_vm_hooks *const hooks = atomic_load(&rvm_hooks);
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.fd = request->fd;
    options.interval = request->interval;
    options.mode = request->real_time ? VMPROF_MODE_WALL : VMPROF_MODE_CPU;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    options.max_frames = MOST_FRAMES;
    options.vm_name = request->vm_name;
    options.native = native_of(request);
    if (hooks) {
        options.main_loop = hooks->main_loop;
        options.main_loop_end = hooks->main_loop_end;
    }
    options.format = VMPROF_FORMAT_LOG;
    options.log_parts =
        VMPROF_LOG_TRACES | (request->memory ? VMPROF_LOG_MEMORY : 0);
    return vmprof_enable_with(&options);
}

int
rvm_begin(bool memory, bool native, bool real_time)
{
    struct rvm_request request;
    bool ready;
    int r;

    rvm_profile_lock();
    request = prepared;
    ready = is_prepared;
    rvm_profile_unlock();
    if (!ready)
        return -EINVAL;
    request.memory = memory;
    request.native = native;
    request.real_time = real_time;
    r = rvm_attach_thread();
    if (r == 0)
        r = enable(&request);
    if (r < 0)
        return r;
    atomic_store(&profile_fd, request.fd);
    rvm_profile_lock();
    is_prepared = false;
    rvm_profile_unlock();
    return 0;
}

int
rvm_end(void)
{
    struct vmprof_stats stats;
    int fd, r;

    vmprof_stats_init(&stats);
    r = vmprof_disable_with(&stats);
    fd = atomic_exchange(&profile_fd, -1);
    if (r == -EALREADY && fd >= 0)
        return 0;
    return r == -EIO && stats.write_error ? -stats.write_error : r;
}

int
rvm_profile_fd(void)
{
    return atomic_load(&profile_fd);
}

void
rvm_pause(void)
{
    vmprof_pause_output();
}

void
rvm_resume(void)
{
    vmprof_resume();
}
