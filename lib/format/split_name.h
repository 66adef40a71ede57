/* SPDX-License-Identifier: MIT */

/* A code object's full name taken apart. */
#ifndef VMP_FORMAT_SPLIT_NAME_H
#define VMP_FORMAT_SPLIT_NAME_H

#include <stddef.h>
#include <stdint.h>

struct vmp_name_part {
    char *text; /* unescaped, no NUL at the end */
    size_t size;
};

struct vmp_name_parts {
    struct vmp_name_part language, function, file;
    uint32_t line;
};

/*
 * Takes "class:function:line:file" apart, in place. What has no three colons is
 * a function's name as a whole.
 */
void
vmp_split_name(struct vmp_name_parts *parts, char *name, size_t size);

#endif
