/* SPDX-License-Identifier: MIT */

#include "barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

atomic_bool vmp_barriers_are_own = true;

/* Also while threads have begun to make their own, until it is sure that what they
 * wrote before is seen: others may call vmp_barrier_all() meanwhile. */
static atomic_bool asks_kernel;

static long
membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

static void
prepare(void)
{
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0)
        return;
    atomic_store(&asks_kernel, true);
    atomic_store(&vmp_barriers_are_own, false);
}

void
vmp_barrier_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, prepare);
}

void
vmp_barrier_all(void)
{
    struct timespec left = { 0, 1000 * 1000 };

    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load(&asks_kernel))
        return;
    /* A sandbox may forbid now what was allowed before. What threads wrote
     * without a barrier is long seen when they have had this time. */
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
        atomic_store(&vmp_barriers_are_own, true);
        /* A tick of our own ends it early. */
        while (nanosleep(&left, &left) < 0 && errno == EINTR)
            ;
        atomic_store(&asks_kernel, false);
    }
}
