/* SPDX-License-Identifier: MIT */

/*
 * A file that appears when it is complete. What is written goes to a file
 * beside it, which takes its name at the end; pipes, devices and standard
 * output are written directly.
 */
#ifndef EXPORT_OUTPUT_H
#define EXPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct output {
    FILE *file;
    char *path;      /* for messages, and where the file will be */
    char *temporary; /* NULL: written directly */
    int fd;
    int error; /* errno of the first write that failed; 0: none did */
};

/* "-" is standard output. Returns 0, or -1 and a sentence in `message`. */
int
output_open(struct output *output, const char *path, char *message,
            size_t message_size);

/* Complete the file: as above. Frees everything whatever the result. */
int
output_commit(struct output *output, char *message, size_t message_size);

/* Leave no trace of it. */
void
output_discard(struct output *output);

#endif
