/* SPDX-License-Identifier: MIT */

#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    /* What did not fit was as large, and half of it may have been taken back. */
    CLOSE_TO_FULL = 64 * 1024,
};

struct message {
    char *text;
    size_t size;
};

static char *
make_absolute(const char *path)
{
    /* A link stays a link: what it points to is replaced. */
    char *absolute = realpath(path, NULL);
    char *directory;
    int size;

    if (absolute || *path == '/')
        return absolute ? absolute : strdup(path);
    directory = getcwd(NULL, 0);
    if (!directory)
        return NULL;
    size = asprintf(&absolute, "%s/%s", directory, path);
    free(directory);
    return size < 0 ? NULL : absolute;
}

static int
check_profile(const struct output_file *file, const struct message *message)
{
    const int fd = open(file->path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    bool is_profile;

    if (fd < 0)
        return -errno;
    is_profile = scan_is_profile(fd);
    close(fd);
    if (is_profile)
        return 0;
    snprintf(message->text, message->size,
             "%s exists and is not a profile: remove it first, or choose "
             "another name with -o",
             file->path);
    return -EEXIST;
}

/* Programs open the file by its path, so it is the old one that moves. */
static int
set_aside(struct output_file *file)
{
    char *name;
    int fd, result = 0;

    if (asprintf(&name, "%s.old.XXXXXX", file->path) < 0)
        return -ENOMEM;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        result = -errno;
    } else {
        close(fd);
        if (rename(file->path, name) != 0) {
            result = -errno;
            unlink(name);
        }
    }
    if (result)
        free(name);
    else
        file->previous = name;
    return result;
}

static void
bring_back(struct output_file *file)
{
    if (rename(file->previous, file->path) != 0)
        fprintf(stderr, "vmprof: what was in %s is now in %s: %s\n", file->path,
                file->previous, strerror(errno));
}

/* See to what has the path already. */
static int
make_room(struct output_file *file, const struct message *message)
{
    struct stat status;
    int result;

    if (stat(file->path, &status) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(status.st_mode)) {
        snprintf(message->text, message->size,
                 "%s is not a file, and a recording needs one: name a file "
                 "with -o",
                 file->path);
        return -EINVAL;
    }
    if (!status.st_size)
        return 0;
    result = check_profile(file, message);
    return result ? result : set_aside(file);
}

/* Names and stacks are nobody else's business: no rights for others. */
static int
open_file(struct output_file *file, const struct message *message)
{
    int result = make_room(file, message);

    if (result)
        return result;
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (file->fd >= 0)
        return 0;
    result = -errno;
    if (file->previous)
        bring_back(file);
    return result;
}

int
output_file_open(struct output_file *file, const char *path, char *message,
                 size_t message_size)
{
    int result;

    memset(file, 0, sizeof(*file));
    *message = '\0';
    file->path = make_absolute(path);
    result = file->path
                 ? open_file(file, &(struct message){ message, message_size })
                 : -ENOMEM;
    if (result == 0)
        return 0;
    if (!*message)
        snprintf(message, message_size, "%s cannot be written: %s", path,
                 strerror(-result));
    free(file->previous);
    free(file->path);
    return result;
}

void
output_file_scan(struct output_file *file)
{
    scan_file(&file->scan, file->fd);
}

bool
output_file_stops_early(const struct output_file *file)
{
    const struct scan *scan = &file->scan;
    struct stat status;

    return scan->ends < scan->sessions ||
           (fstat(file->fd, &status) == 0 &&
            (uint64_t)status.st_size > scan->offset);
}

int
output_file_error(const struct output_file *file)
{
    struct stat status;
    struct statvfs disk;
    struct rlimit limit;

    if (fstat(file->fd, &status) == 0 && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        (rlim_t)status.st_size + CLOSE_TO_FULL > limit.rlim_cur)
        return EFBIG;
    if (fstatvfs(file->fd, &disk) == 0 && disk.f_blocks &&
        disk.f_bavail * disk.f_frsize < CLOSE_TO_FULL)
        return ENOSPC;
    return 0;
}

void
output_file_close(struct output_file *file)
{
    struct stat status;

    if (file->previous && (file->scan.entries || file->scan.events))
        unlink(file->previous);
    else if (file->previous)
        bring_back(file);
    else if (fstat(file->fd, &status) == 0 && status.st_size == 0)
        unlink(file->path);
    close(file->fd);
    scan_free(&file->scan);
    free(file->previous);
    free(file->path);
}
