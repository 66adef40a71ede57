/* SPDX-License-Identifier: MIT */

/* Linux, which counts switches of a thread that wanted them. */

#include "naps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
forget(struct vmp_naps_files *files, unsigned i)
{
    if (files->kept[i].tid)
        close(files->kept[i].fd);
    files->kept[i].tid = 0;
}

static int
open_status(pid_t tid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int64_t
find_naps(const char *text)
{
    static const char key[] = "\nvoluntary_ctxt_switches:";
    const char *const found = strstr(text, key);

    return found ? strtoll(found + sizeof(key) - 1, NULL, 10) : -ENOTSUP;
}

/* To open and close it takes as long as to read it. The file of a thread that has
 * ended stays its own, whoever has the number now, and cannot be read any more:
 * then it is opened again. */
int64_t
vmp_thread_naps(struct vmp_naps_files *files, pid_t tid)
{
    const unsigned i = (unsigned)tid % VMP_NAPS_FILES;
    const bool is_kept = files->kept[i].tid == tid;
    char text[4096];
    ssize_t size;

    if (!is_kept) {
        forget(files, i);
        files->kept[i].fd = open_status(tid);
        if (files->kept[i].fd < 0)
            return -errno;
        files->kept[i].tid = tid;
    }
    size = pread(files->kept[i].fd, text, sizeof(text) - 1, 0);
    if (size <= 0) {
        forget(files, i);
        return is_kept ? vmp_thread_naps(files, tid) : -EIO;
    }
    text[size] = '\0';
    return find_naps(text);
}

int64_t
vmp_others_naps(void)
{
    struct rusage own, all;

    if (getrusage(RUSAGE_THREAD, &own) < 0 || getrusage(RUSAGE_SELF, &all) < 0)
        return -errno;
    return own.ru_nvcsw ? all.ru_nvcsw - own.ru_nvcsw : -ENOTSUP;
}
