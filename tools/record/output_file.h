/* SPDX-License-Identifier: MIT */

/* The file that a recording goes to. */
#ifndef RECORD_OUTPUT_FILE_H
#define RECORD_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "read/scan.h"

struct output_file {
    char *path; /* absolute */
    int fd;     /* for reading; -1: it is no regular file */
    struct scan scan;
};

/*
 * Make the file empty. An existing one is overwritten only if it is a profile,
 * empty, or not a regular file. Returns 0, or -1 and a sentence in `message`.
 */
int
output_file_open(struct output_file *file, const char *path, char *message,
                 size_t message_size);

/* Count what the chunks say that were written since the last time. */
void
output_file_scan(struct output_file *file);

/* Remove it if nothing was written. */
void
output_file_close(struct output_file *file);

#endif
