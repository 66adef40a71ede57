/* SPDX-License-Identifier: MIT */

#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/varint.h"

enum {
    /* Of a chunk: its header, and the first two numbers of the payload. */
    HEAD_SIZE = VMP_CHUNK_HEADER_SIZE + 2 * VMP_VARINT_MAX,
};

static char *
make_absolute(const char *path)
{
    char *directory, *absolute;
    int size;

    if (*path == '/')
        return strdup(path);
    directory = getcwd(NULL, 0);
    if (!directory)
        return NULL;
    size = asprintf(&absolute, "%s/%s", directory, path);
    free(directory);
    return size < 0 ? NULL : absolute;
}

/* Whether losing what is in the file is what the user wants. */
static bool
may_overwrite(int fd, const struct stat *status)
{
    unsigned char magic[4];

    if (status->st_size == 0)
        return true;
    return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
           vmp_get_u32(magic) == VMP_CHUNK_MAGIC;
}

static int
empty_file(struct output_file *file, char *message, size_t message_size)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode)) {
        close(file->fd);
        file->fd = -1;
        return 0;
    }
    if (!may_overwrite(file->fd, &status)) {
        snprintf(message, message_size,
                 "%s exists and is not a profile: remove it first, or choose "
                 "another name with -o",
                 file->path);
        return -EEXIST;
    }
    return ftruncate(file->fd, 0) == 0 ? 0 : -errno;
}

/* Names and stacks are nobody else's business: no rights for others. */
static int
open_file(struct output_file *file, char *message, size_t message_size)
{
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (file->fd < 0)
        return -errno;
    return empty_file(file, message, message_size);
}

int
output_file_open(struct output_file *file, const char *path, char *message,
                 size_t message_size)
{
    int result;

    memset(file, 0, sizeof(*file));
    file->fd = -1;
    *message = '\0';
    file->path = make_absolute(path);
    result = file->path ? open_file(file, message, message_size) : -ENOMEM;
    if (result == 0)
        return 0;
    if (!*message)
        snprintf(message, message_size, "%s cannot be written: %s", path,
                 strerror(-result));
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    return -1;
}

static uint64_t
count_samples(const unsigned char *head, size_t size)
{
    const unsigned char *at = head + VMP_CHUNK_HEADER_SIZE, *end = head + size;
    uint64_t thread, count;

    if (vmp_get_u16(head + 16) != VMP_CHUNK_SAMPLES ||
        !vmp_get_varint(&at, end, &thread) || !vmp_get_varint(&at, end, &count))
        return 0;
    return count;
}

/* Looks at one chunk. Returns false if there is no whole one yet. */
static bool
scan_chunk(struct output_file *file, uint64_t end)
{
    unsigned char head[HEAD_SIZE];
    const ssize_t size =
        pread(file->fd, head, sizeof(head), (off_t)file->offset);
    uint64_t next;

    if (size < VMP_CHUNK_HEADER_SIZE || vmp_get_u32(head) != VMP_CHUNK_MAGIC)
        return false;
    next = file->offset + VMP_CHUNK_HEADER_SIZE + vmp_get_u32(head + 20);
    if (next > end)
        return false;
    file->samples += count_samples(head, (size_t)size);
    file->sessions += vmp_get_u16(head + 16) == VMP_CHUNK_SESSION;
    file->offset = next;
    return true;
}

void
output_file_scan(struct output_file *file)
{
    struct stat status;

    if (file->fd < 0 || fstat(file->fd, &status) != 0)
        return;
    while (scan_chunk(file, (uint64_t)status.st_size))
        ;
}

void
output_file_close(struct output_file *file)
{
    struct stat status;

    if (file->fd >= 0) {
        if (fstat(file->fd, &status) == 0 && status.st_size == 0)
            unlink(file->path);
        close(file->fd);
    }
    free(file->path);
}
