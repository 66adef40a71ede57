/* SPDX-License-Identifier: MIT */

/* A code object's full name taken apart. */
#ifndef READ_NAME_H
#define READ_NAME_H

#include <stddef.h>
#include <stdint.h>

struct name_part {
    char *text; /* unescaped, no NUL at the end */
    size_t size;
};

struct name_parts {
    struct name_part language, function, file;
    uint32_t line;
};

/*
 * Takes "class:function:line:file" apart, in place. What has no three colons is
 * a function's name as a whole.
 */
void
name_split(struct name_parts *parts, char *name, size_t size);

#endif
