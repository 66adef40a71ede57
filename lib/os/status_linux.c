/* SPDX-License-Identifier: MIT */

#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

/* Returns how many are found. */
static unsigned
find_all(const char *text, struct vmp_status_word *words, unsigned count)
{
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *const at =
            words[i].is_found ? NULL : find(text, words[i].key);

        if (at)
            words[i].value = strtoull(at, NULL, words[i].base);
        words[i].is_found |= at != NULL;
        found += words[i].is_found;
    }
    return found;
}

int
vmp_status_read(int fd, struct vmp_status_word *words, unsigned count)
{
    char text[PART + 1];

    for (unsigned i = 0; i < count; i++)
        words[i].is_found = false;
    /* Parts overlap, so that one of them has a line whole. */
    for (unsigned i = 0; i < MOST_PARTS; i++) {
        const ssize_t size = pread(fd, text, PART, i * (PART - LONGEST));

        if (size < 0)
            return -errno;
        text[size] = '\0';
        if (find_all(text, words, count) == count)
            return 0;
        if (size < PART)
            break;
    }
    return -ENOTSUP;
}

static void
forget(struct vmp_status_files *files, unsigned i)
{
    if (files->kept[i].tid)
        close(files->kept[i].fd);
    files->kept[i].tid = 0;
}

/* To open and close it takes as long as to read it. */
static int
read_kept(struct vmp_status_files *files, pid_t tid,
          struct vmp_status_word *words, unsigned count)
{
    const unsigned i = (unsigned)tid % VMP_STATUS_FILES;
    const bool is_kept = files->kept[i].tid == tid;
    int r;

    if (!is_kept) {
        forget(files, i);
        r = vmp_status_open(tid);
        if (r < 0)
            return r;
        files->kept[i].fd = r;
        files->kept[i].tid = tid;
    }
    r = vmp_status_read(files->kept[i].fd, words, count);
    if (r == 0)
        return 0;
    forget(files, i);
    /* One that has ended may have left its number to another. */
    return is_kept ? read_kept(files, tid, words, count) : r;
}

int
vmp_status(struct vmp_status_files *files, pid_t tid,
           struct vmp_status_word *words, unsigned count)
{
    int fd, r;

    if (files)
        return read_kept(files, tid, words, count);
    fd = vmp_status_open(tid);
    if (fd < 0)
        return fd;
    r = vmp_status_read(fd, words, count);
    close(fd);
    return r;
}
