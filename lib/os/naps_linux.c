/* SPDX-License-Identifier: MIT */

/* Linux, which counts switches of a thread that wanted them. */

#include "naps.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "status.h"

static void
forget(struct vmp_naps_files *files, unsigned i)
{
    if (files->kept[i].tid)
        close(files->kept[i].fd);
    files->kept[i].tid = 0;
}

/* To open and close it takes as long as to read it. */
int64_t
vmp_thread_naps(struct vmp_naps_files *files, pid_t tid)
{
    const unsigned i = (unsigned)tid % VMP_NAPS_FILES;
    const bool is_kept = files->kept[i].tid == tid;
    uint64_t naps;
    int r;

    if (!is_kept) {
        forget(files, i);
        r = vmp_status_open(tid);
        if (r < 0)
            return r;
        files->kept[i].fd = r;
        files->kept[i].tid = tid;
    }
    r = vmp_status_read(files->kept[i].fd, "\nvoluntary_ctxt_switches:", 10,
                        &naps);
    if (r == 0)
        return (int64_t)naps;
    forget(files, i);
    /* One that has ended may have left its number to another. */
    return is_kept ? vmp_thread_naps(files, tid) : r;
}

int64_t
vmp_others_naps(void)
{
    struct rusage own, all;

    if (getrusage(RUSAGE_THREAD, &own) < 0 || getrusage(RUSAGE_SELF, &all) < 0)
        return -errno;
    return own.ru_nvcsw ? all.ru_nvcsw - own.ru_nvcsw : -ENOTSUP;
}
