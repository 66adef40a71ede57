/* SPDX-License-Identifier: MIT */

/* The child of a fork finds our locks free, and waits for no thread of its
 * parent's. What else there is to do libvmprof does. */

#include <pthread.h>

#include "codes.h"
#include "profile.h"
#include "quiet.h"

static void
before(void)
{
    rvm_profile_lock();
    rvm_codes_lock();
}

static void
after(void)
{
    rvm_codes_unlock();
    rvm_profile_unlock();
}

static void
after_in_child(void)
{
    rvm_forget_lookers();
    after();
}

__attribute__((constructor)) static void
prepare(void)
{
    pthread_atfork(before, after, after_in_child);
}
