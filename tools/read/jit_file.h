/* SPDX-License-Identifier: MIT */

/* What readers of a JIT's logs do alike, and what they say of a file that they
 * cannot read. */
#ifndef READ_JIT_FILE_H
#define READ_JIT_FILE_H

#include <stddef.h>

#include "input.h"
#include "traces.h"

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

/*
 * Open the file as `input`, have `read` read `log` out of it, and close it.
 * Returns what `read` does, or -1 with the message; no traces are left unless
 * that is 0.
 */
int
jit_file_read(const struct jit_file *file, struct input *input,
              struct traces *traces, const struct traces_options *options,
              int (*read)(void *log, const struct jit_file *file), void *log);

#endif
