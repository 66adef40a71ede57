/* SPDX-License-Identifier: MIT */

/* The window over a file's bytes; gzip is unpacked on the way. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "bar.h"

enum {
    /* Fits the second-level cache, and is large beside a chunk. */
    WINDOW_SIZE = 512 * 1024,
    PACKED_SIZE = 64 * 1024,
};

struct input_private {
    int fd;
    bool packed;
    bool member_open; /* in the middle of a gzip member */
    z_stream stream;
    struct bar bar;
    uint64_t whole_size; /* of a regular file when it was opened */
    unsigned char packed_bytes[PACKED_SIZE];
    unsigned char *window;
    size_t window_size;
};

static size_t
read_some(struct input *input, unsigned char *to, size_t size)
{
    ssize_t got;

    do
        got = read(input->private->fd, to, size);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        input->error = errno;
        input->broken = true;
        return 0;
    }
    input->file_size += (uint64_t)got;
    return (size_t)got;
}

static bool
refill_packed(struct input *input)
{
    struct input_private *private = input->private;

    if (private->stream.avail_in)
        return true;
    private->stream.next_in = private->packed_bytes;
    private->stream.avail_in =
        (uInt)read_some(input, private->packed_bytes, PACKED_SIZE);
    return private->stream.avail_in > 0;
}

/* A gzip file is a row of members; what follows them may be anything. */
static size_t
unpack_some(struct input *input, unsigned char *to, size_t size)
{
    struct input_private *private = input->private;
    z_stream *stream = &private->stream;

    stream->next_out = to;
    stream->avail_out = (uInt)size;
    while (stream->avail_out == size) {
        int result;

        if (!refill_packed(input)) {
            input->broken |= private->member_open;
            break;
        }
        private->member_open = true;
        result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_STREAM_END) {
            private->member_open = false;
            inflateReset(stream);
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            input->broken = true;
            break;
        }
    }
    return size - stream->avail_out;
}

static size_t
produce(struct input *input, unsigned char *to, size_t size)
{
    return input->private->packed ? unpack_some(input, to, size)
                                  : read_some(input, to, size);
}

/* What is left comes to the front, and `size` bytes fit. */
static bool
make_room(struct input *input, size_t size)
{
    struct input_private *private = input->private;

    memmove(private->window, input->data, input->size);
    input->data = private->window;
    if (size > private->window_size) {
        unsigned char *bigger = realloc(private->window, size);

        if (!bigger)
            return false;
        input->data = private->window = bigger;
        private->window_size = size;
    }
    return true;
}

void
input_need(struct input *input, size_t size)
{
    struct input_private *private = input->private;

    if (input->size >= size || input->ended)
        return;
    if (!make_room(input, size)) {
        input->error = ENOMEM;
        input->broken = input->ended = true;
        return;
    }
    while (input->size < private->window_size && !input->ended) {
        const size_t got = produce(input, private->window + input->size,
                                   private->window_size - input->size);
        input->ended = got == 0;
        input->size += got;
        bar_step(&private->bar, input->file_size, private->whole_size);
        if (input->size >= size)
            return;
    }
}

void
input_show_progress(struct input *input)
{
    input->private->bar.enabled = input->regular && isatty(STDERR_FILENO) == 1;
}

/* What was read to look at becomes the first packed bytes. */
static int
start_unpacking(struct input *input)
{
    struct input_private *private = input->private;
    const size_t size = input->size < PACKED_SIZE ? input->size : PACKED_SIZE;

    if (inflateInit2(&private->stream, 16 + MAX_WBITS) != Z_OK)
        return -ENOMEM;
    private->packed = true;
    memcpy(private->packed_bytes, input->data, size);
    private->stream.next_in = private->packed_bytes;
    private->stream.avail_in = (uInt)size;
    input->size = 0;
    input->ended = false;
    return 0;
}

static int
look_at_start(struct input *input)
{
    struct input_private *private = input->private;

    input->data = private->window;
    input->size = read_some(input, private->window, PACKED_SIZE);
    while (input->size == 1 && !input->ended) {
        const size_t got = read_some(input, private->window + 1, 1);
        input->ended = got == 0;
        input->size += got;
    }
    if (input->error)
        return -input->error;
    if (input->size < 2 || input->data[0] != 0x1f || input->data[1] != 0x8b)
        return 0;
    return start_unpacking(input);
}

static int
open_path(struct input *input, const char *path)
{
    struct stat status;
    const int fd = strcmp(path, "-") == 0
                       ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                       : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    input->private->fd = fd;
    if (fstat(fd, &status) != 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    input->regular = S_ISREG(status.st_mode);
    input->private->whole_size = (uint64_t)status.st_size;
    return 0;
}

int
input_open(struct input *input, const char *path)
{
    int result;

    memset(input, 0, sizeof(*input));
    input->private = calloc(1, sizeof(*input->private));
    if (!input->private)
        return -ENOMEM;
    input->private->fd = -1;
    input->private->window_size = WINDOW_SIZE;
    input->private->window = malloc(WINDOW_SIZE);
    result = input->private->window ? open_path(input, path) : -ENOMEM;
    if (result == 0)
        result = look_at_start(input);
    if (result < 0)
        input_close(input);
    return result;
}

void
input_close(struct input *input)
{
    if (!input->private)
        return;
    if (input->private->packed)
        inflateEnd(&input->private->stream);
    if (input->private->fd >= 0)
        close(input->private->fd);
    bar_end(&input->private->bar);
    free(input->private->window);
    free(input->private);
    memset(input, 0, sizeof(*input));
}
