/* SPDX-License-Identifier: MIT */

/* What readers of a JIT's logs say of a file that they cannot read. */
#ifndef READ_JIT_FILE_H
#define READ_JIT_FILE_H

#include <stddef.h>

struct jit_file {
    const char *path;
    char *message;
    size_t message_size;
};

/* Sets the message. Returns -1. */
int
jit_file_fail(const struct jit_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a negative errno. */
int
jit_file_cannot_read(const struct jit_file *file, int error);

#endif
