/* SPDX-License-Identifier: MIT */

#include "further_logs.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    /* Files beyond these are only counted. */
    MOST_NAMES = 8,
};

/* "demo.prof.123", and of what it ran by exec() "demo.prof.123.2". */
static bool
is_further(const char *name, const char *base)
{
    const size_t size = strlen(base);

    return strncmp(name, base, size) == 0 && name[size] == '.' &&
           name[size + 1] &&
           strspn(name + size, ".0123456789") == strlen(name + size);
}

static bool
is_new(int directory, const char *name, const struct timespec *since)
{
    struct stat status;

    return fstatat(directory, name, &status, 0) == 0 &&
           S_ISREG(status.st_mode) &&
           (status.st_mtim.tv_sec > since->tv_sec ||
            (status.st_mtim.tv_sec == since->tv_sec &&
             status.st_mtim.tv_nsec >= since->tv_nsec));
}

static void
tell(DIR *directory, const char *path, const char *base,
     const struct timespec *since)
{
    const struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(directory)) != NULL)
        if (is_further(entry->d_name, base) &&
            is_new(dirfd(directory), entry->d_name, since) &&
            count++ < MOST_NAMES)
            fprintf(stderr, "vmprof: a further process: %.*s%s\n",
                    (int)(base - path), path, entry->d_name);
    if (count > MOST_NAMES)
        fprintf(stderr, "vmprof: and %u more\n", count - MOST_NAMES);
}

void
further_logs_tell(const char *path, const struct timespec *since)
{
    const char *const base = strrchr(path, '/') + 1;
    char *const name = strndup(path, (size_t)(base - path));
    DIR *const directory = name ? opendir(name) : NULL;

    if (directory) {
        tell(directory, path, base, since);
        closedir(directory);
    }
    free(name);
}
