/* SPDX-License-Identifier: MIT */

#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (status.st_size && !scan_is_profile(file->fd)) {
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

void
output_file_scan(struct output_file *file)
{
    if (file->fd >= 0)
        scan_file(&file->scan, file->fd);
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
