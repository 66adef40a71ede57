/* SPDX-License-Identifier: MIT */

#include "barrier.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

atomic_bool vmp_barriers_are_own = true;

static long
membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

static void
prepare(void)
{
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
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
    const struct timespec moment = { 0, 1000 * 1000 };

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&vmp_barriers_are_own))
        return;
    /* A sandbox may forbid now what was allowed before. What threads wrote
     * without a barrier is long seen when they have had this time. */
    if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
        atomic_store(&vmp_barriers_are_own, true);
        nanosleep(&moment, NULL);
    }
}
