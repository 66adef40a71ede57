/* SPDX-License-Identifier: MIT */

#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PART = 4096,
    MOST_PARTS = 8, /* the kernel makes all before one anew: 2,900 groups */
    LONGEST = 128,  /* a key and its number */
};

int
vmp_status_open(pid_t tid)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The number and the end of its line, or NULL. */
static const char *
find(const char *text, const char *key)
{
    const char *const found = strstr(text, key);

    return found && strchr(found + strlen(key), '\n') ? found + strlen(key)
                                                      : NULL;
}

int
vmp_status_read(int fd, const char *key, int base, uint64_t *out)
{
    char text[PART + 1];

    /* Parts overlap, so that one of them has the line whole. */
    for (unsigned i = 0; i < MOST_PARTS; i++) {
        const ssize_t size = pread(fd, text, PART, i * (PART - LONGEST));
        const char *found;

        if (size < 0)
            return -errno;
        text[size] = '\0';
        found = find(text, key);
        if (found) {
            *out = strtoull(found, NULL, base);
            return 0;
        }
        if (size < PART)
            break;
    }
    return -ENOTSUP;
}
