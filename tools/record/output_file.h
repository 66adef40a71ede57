/* SPDX-License-Identifier: MIT */

/* The file that a recording goes to. */
#ifndef RECORD_OUTPUT_FILE_H
#define RECORD_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "read/scan.h"

struct output_file {
    char *path;     /* absolute */
    char *previous; /* where the profile is that had this path; NULL: none */
    int fd;         /* for reading */
    struct scan scan;
};

/*
 * Make an empty file. A profile that has this path is set aside, and every
 * other file left alone. Returns 0, or a negative errno and a sentence in
 * `message`; -EINVAL: the path is that of something that is not a file.
 */
int
output_file_open(struct output_file *file, const char *path, char *message,
                 size_t message_size);

/* Count what the chunks say that were written since the last time. */
void
output_file_scan(struct output_file *file);

/* Whether a session has no end, or the last chunk is not whole. */
bool
output_file_stops_early(const struct output_file *file);

/* Why nothing more can be written, as an errno; 0: nobody knows a reason. */
int
output_file_error(const struct output_file *file);

/*
 * If there are no samples, the profile that was set aside comes back. Without
 * one, an empty file is removed.
 */
void
output_file_close(struct output_file *file);

#endif
