/* SPDX-License-Identifier: MIT */

/* One profile after the other, by libvmprof. Results are negative errnos. */
#ifndef RVM_PROFILE_H
#define RVM_PROFILE_H

#include <stdbool.h>

struct rvm_request {
    int fd;
    double interval;
    bool memory, native, real_time;
    char vm_name[64];
};

/* Keep what rvm_begin() is to do. Returns NULL, or a static message. */
const char *
rvm_prepare(const struct rvm_request *request);

/* As vmprof_enable() of rvmprof.h, and vmprof_disable(). */
int
rvm_begin(bool memory, bool native, bool real_time);
int
rvm_end(void);

/* The descriptor of the profile; -1: none is under way. Any context. */
int
rvm_profile_fd(void);

/* As vmprof_stop_sampling() and vmprof_start_sampling(). */
void
rvm_pause(void);
void
rvm_resume(void);

/* Around a fork. */
void
rvm_profile_lock(void);
void
rvm_profile_unlock(void);

#endif
