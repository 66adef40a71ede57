/* SPDX-License-Identifier: MIT */

/* Linux, which counts switches of a thread that wanted them. */

#include "naps.h"

#include <errno.h>
#include <sys/resource.h>

int64_t
vmp_thread_naps(struct vmp_status_files *files, pid_t tid, bool *naps_now)
{
    enum {
        RUNNING = 'R' - 'A' + 10, /* or waiting for a CPU */
    };
    struct vmp_status_word words[] = {
        { .key = "\nState:", .base = 36 },
        { .key = "\nvoluntary_ctxt_switches:", .base = 10 },
    };
    const int r = vmp_status(files, tid, words, 2);

    *naps_now = r == 0 && words[0].value != RUNNING;
    return r < 0 ? r : (int64_t)words[1].value;
}

int64_t
vmp_others_naps(void)
{
    struct rusage own, all;

    if (getrusage(RUSAGE_THREAD, &own) < 0 || getrusage(RUSAGE_SELF, &all) < 0)
        return -errno;
    return own.ru_nvcsw ? all.ru_nvcsw - own.ru_nvcsw : -ENOTSUP;
}
