/* SPDX-License-Identifier: MIT */

#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

/* The session belongs to the process, whichever state began it. */
static pthread_mutex_t session = PTHREAD_MUTEX_INITIALIZER;
static int session_fd = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

int
vmprof_shim_close_session(void)
{
    int error = -EALREADY;

    pthread_mutex_lock(&session);
    if (session_fd >= 0) {
        error = vmprof_disable();
        if (close(session_fd) && !error)
            error = -errno;
        session_fd = -1;
    }
    pthread_mutex_unlock(&session);
    return error;
}

/* A program that calls os.exit() does not close its state. */
static void
at_exit(void)
{
    vmprof_shim_close_session();
}

static void
register_exit(void)
{
    /* If there is no room for it, vmprof.stop() has to be called. */
    (void)atexit(at_exit);
}

/* Returns NULL, or why not. */
static const char *
open_session(const struct start_options *options)
{
    struct vmprof_options library = options->library;
    const int fd =
        open(options->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error;

    if (fd < 0)
        return strerror(errno);
    pthread_once(&once, register_exit);
    library.fd = fd;
    error = vmprof_enable_with(&library);
    if (error) {
        close(fd);
        return vmprof_strerror(error);
    }
    session_fd = fd;
    return NULL;
}

static bool
is_enabled(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    return vmprof_get_stats(&stats) == 0 && stats.enabled;
}

void
vmprof_shim_start_session(lua_State *L, const struct start_options *options)
{
    const char *problem = NULL;
    bool enabled;

    pthread_mutex_lock(&session);
    /* Before the file is opened, which would empty that of the session. */
    enabled = is_enabled();
    if (!enabled)
        problem = open_session(options);
    pthread_mutex_unlock(&session);
    if (enabled)
        luaL_error(L, "profiling is already on; it must be stopped before it "
                      "can be started again");
    if (problem)
        luaL_error(L, "cannot profile into '%s': %s", options->file, problem);
}

void
vmprof_shim_stop_session(lua_State *L)
{
    struct vmprof_stats stats;
    const int error = vmprof_shim_close_session();

    if (error == -EALREADY)
        luaL_error(L, "profiling is not on, or was not started by "
                      "vmprof.start()");
    if (error == -EIO) {
        vmprof_stats_init(&stats);
        vmprof_get_stats(&stats);
        luaL_error(L, "the profile is not whole: %s",
                   strerror(stats.write_error));
    }
    if (error)
        luaL_error(L, "cannot stop profiling: %s", vmprof_strerror(error));
}
