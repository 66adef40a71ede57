/* SPDX-License-Identifier: MIT */

#include "sized.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    MAX_CALLER_SIZE = 4096,
};

static bool
read_size(const void *caller, size_t least, size_t *out)
{
    uint64_t claimed;

    memcpy(&claimed, caller, sizeof(claimed));
    *out = (size_t)claimed;
    return claimed >= least && claimed <= MAX_CALLER_SIZE;
}

int
vmp_sized_import(void *to, size_t known, size_t least, const void *from)
{
    const unsigned char *bytes = from;
    size_t theirs;

    if (!read_size(from, least, &theirs))
        return -EINVAL;
    for (size_t i = known; i < theirs; i++)
        if (bytes[i])
            return -E2BIG;

    memset(to, 0, known);
    memcpy(to, from, theirs < known ? theirs : known);
    return 0;
}

int
vmp_sized_check(const void *to, size_t least)
{
    size_t theirs;

    return read_size(to, least, &theirs) ? 0 : -EINVAL;
}

int
vmp_sized_export(void *to, size_t known, size_t least, const void *from)
{
    uint64_t claimed;
    size_t theirs;

    if (!read_size(to, least, &theirs))
        return -EINVAL;
    claimed = theirs;
    memset(to, 0, theirs);
    memcpy(to, from, theirs < known ? theirs : known);
    memcpy(to, &claimed, sizeof(claimed));
    return 0;
}
