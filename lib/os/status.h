/* SPDX-License-Identifier: MIT */

/* What the kernel tells of a thread of this process. */
#ifndef VMP_STATUS_H
#define VMP_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    VMP_STATUS_FILES = 64,
};

/* Files that were asked before; all zero: none. They are in the table of
 * descriptors of the thread that asks, which has to be its own, and end with it. */
struct vmp_status_files {
    struct {
        pid_t tid;
        int fd;
    } kept[VMP_STATUS_FILES];
};

/* Returns a descriptor or a negative errno. It stays the thread's, whoever has its
 * number later, and cannot be read once that has ended. */
int
vmp_status_open(pid_t tid);

/* What stands behind `key` ("\nName:"): a number in `base`, or with one of 36 a letter,
 * 'A' as 10. */
struct vmp_status_word {
    const char *key;
    int base;
    uint64_t value;
    bool is_found;
};

/* Each anew: the kernel makes all of the text for one of them, too. Returns 0 or a
 * negative errno, -ENOTSUP if this kernel lacks one. */
int
vmp_status_read(int fd, struct vmp_status_word *words, unsigned count);

/* Both, of a thread that may have been asked before; `files` may be NULL. */
int
vmp_status(struct vmp_status_files *files, pid_t tid,
           struct vmp_status_word *words, unsigned count);

#endif
