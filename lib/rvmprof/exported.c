/* SPDX-License-Identifier: MIT */

/* The names and conventions of rvmprof.h, over what they stand for here. */

#include <vmprof/rvmprof.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codes.h"
#include "profile.h"
#include "quiet.h"
#include "threads.h"

static int
as_errno(int r)
{
    if (r >= 0)
        return 0;
    errno = -r;
    return -1;
}

char *
vmprof_init(int fd, double interval, int memory, int lines,
            const char *interp_name, int native, int real_time)
{
    struct rvm_request request = {
        .fd = fd,
        .interval = interval,
        .memory = memory != 0,
        .native = native != 0,
        .real_time = real_time != 0,
    };
    const char *message;

    if (lines)
        return (char *)(uintptr_t) "this VM tells no lines";
    if (interp_name)
        strncpy(request.vm_name, interp_name, sizeof(request.vm_name) - 1);
    message = rvm_prepare(&request);
    return (char *)(uintptr_t)message;
}

int
vmprof_enable(int memory, int native, int real_time)
{
    return as_errno(rvm_begin(memory != 0, native != 0, real_time != 0));
}

int
vmprof_disable(void)
{
    return as_errno(rvm_end());
}

int
vmprof_register_virtual_function(char *name, intptr_t uid, int auto_retry)
{
    int r = rvm_attach_thread();

    (void)auto_retry;
    if (r == 0)
        r = rvm_register_code(name, uid);
    return as_errno(r);
}

int
vmprof_attach_vm_thread(void)
{
    return rvm_attach_thread();
}

void
vmprof_ignore_signals(int ignored)
{
    if (ignored)
        rvm_begin_change();
    else
        rvm_end_change();
}

long
vmprof_get_profile_path(char *buffer, long size)
{
    const int fd = rvm_profile_fd();
    char link[40];
    ssize_t length;

    if (fd < 0 || size <= 0)
        return -1;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, buffer, (size_t)size);
    return length < size ? length : -1;
}

int
vmprof_stop_sampling(void)
{
    rvm_pause();
    return rvm_profile_fd();
}

void
vmprof_start_sampling(void)
{
    rvm_resume();
}
