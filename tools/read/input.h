/* SPDX-License-Identifier: MIT */

/*
 * The bytes of a file as a window that moves forward, whatever holds them: a
 * file, a pipe, gzip. Reads rather than maps, so that a file that is cut or
 * overwritten meanwhile is an early end and not a SIGBUS.
 */
#ifndef READ_INPUT_H
#define READ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const unsigned char *data; /* what is left of the window */
    size_t size;
    uint64_t offset;    /* of data, in the unpacked bytes */
    uint64_t file_size; /* bytes read of the file, packed or not */
    bool regular;       /* it has an end */
    bool ended;         /* all there is, is in the window */
    bool broken;        /* it ended early: an error, or packed data is cut */
    int error;          /* the errno of that, or 0 */
    struct input_private *private;
};

/* "-" is the standard input. Returns 0 or a negative errno. */
int
input_open(struct input *input, const char *path);

/* Show on stderr how far reading is; for files on a terminal alone. */
void
input_show_progress(struct input *input);

/*
 * Have at least `size` bytes in the window, unless the file ends before. The
 * window grows for that, so a size that the file claims is to be checked first;
 * without memory it is as if the file ended.
 */
void
input_need(struct input *input, size_t size);

static inline void
input_skip(struct input *input, size_t size)
{
    input->data += size;
    input->size -= size;
    input->offset += size;
}

/* A zeroed input is fine. */
void
input_close(struct input *input);

#endif
