/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FIELDS = 7,
    RESIDENT = 1,
    /* These have been 0 for as long as there are threads: so a file that is
     * another one is told. */
    LIBRARIES = 4,
    DIRTY = 6,
};

static const char *
parse_number(const char *at, uint64_t *out)
{
    const char *const begin = at;

    for (*out = 0; *at >= '0' && *at <= '9' && at - begin < 19; at++)
        *out = *out * 10 + (uint64_t)(*at - '0');
    return at == begin ? NULL : at;
}

uint64_t
vmp_resident_pages(int fd)
{
    uint64_t fields[FIELDS];
    char text[160];
    /* On 32-bit machines the offset takes two words, and on some of them one
     * that nobody reads goes before. */
    const long size =
        syscall(SYS_pread64, fd, text, sizeof(text) - 1, 0L, 0L, 0L);
    const char *at = text;

    if (size <= 0)
        return 0;
    text[size] = 0;
    for (unsigned i = 0; i < FIELDS; i++) {
        at = parse_number(at, &fields[i]);
        if (!at || *at++ != (i < FIELDS - 1 ? ' ' : '\n'))
            return 0;
    }
    return fields[LIBRARIES] || fields[DIRTY] ? 0 : fields[RESIDENT];
}
