/* SPDX-License-Identifier: MIT */

/* Linux, which counts switches of a thread that wanted them. */

#include "naps.h"

#include <errno.h>
#include <sys/resource.h>

int64_t
vmp_thread_naps(struct vmp_status_files *files, pid_t tid)
{
    uint64_t naps;
    const int r =
        vmp_status(files, tid, "\nvoluntary_ctxt_switches:", 10, &naps);

    return r < 0 ? r : (int64_t)naps;
}

bool
vmp_thread_naps_now(struct vmp_status_files *files, pid_t tid)
{
    enum {
        LETTERS = 36, /* as digits */
        RUNNING = 27,
    };
    uint64_t state;

    return vmp_status(files, tid, "\nState:", LETTERS, &state) == 0 &&
           state != RUNNING;
}

int64_t
vmp_others_naps(void)
{
    struct rusage own, all;

    if (getrusage(RUSAGE_THREAD, &own) < 0 || getrusage(RUSAGE_SELF, &all) < 0)
        return -errno;
    return own.ru_nvcsw ? all.ru_nvcsw - own.ru_nvcsw : -ENOTSUP;
}
