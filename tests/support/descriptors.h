/* SPDX-License-Identifier: MIT */

/* How many descriptors the process has open, the one that counts included. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <dirent.h>

#include "isolate.h"

static inline unsigned
open_descriptors(void)
{
    DIR *const directory = opendir("/proc/self/fd");
    unsigned count = 0;

    require(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

#endif
