/* SPDX-License-Identifier: MIT */

/* Files in directories that others may write to as well. */

#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a file that an earlier process with this number has left. */
static int
remove_own(const char *path)
{
    struct stat found;

    if (lstat(path, &found) < 0)
        return -errno;
    if (!S_ISREG(found.st_mode) || found.st_uid != geteuid())
        return -EEXIST;
    return unlink(path) < 0 ? -errno : 0;
}

static int
create(const char *path)
{
    return open(path,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC,
                S_IRUSR | S_IWUSR);
}

int
vmp_sink_file_new(struct vmp_sink_file *file, const char *directory,
                  const char *stem, const char *end)
{
    int r;

    memset(file, 0, sizeof(*file));
    if (snprintf(file->path, sizeof(file->path), "%s/%s%d.%s", directory, stem,
                 (int)getpid(), end) >= (int)sizeof(file->path))
        return -EINVAL;
    file->fd = create(file->path);
    if (file->fd < 0 && errno == EEXIST) {
        r = remove_own(file->path);
        if (r < 0)
            return r;
        file->fd = create(file->path);
    }
    if (file->fd < 0)
        return -errno;
    file->is_open = true;
    return 0;
}

void
vmp_sink_file_write(struct vmp_sink_file *file, const void *data, size_t size)
{
    const char *from = data;

    while (size && !file->error) {
        const ssize_t written = write(file->fd, from, size);

        if (written < 0 && errno != EINTR)
            file->error = errno;
        if (written > 0) {
            from += written;
            size -= (size_t)written;
        }
    }
}

void
vmp_sink_file_close(struct vmp_sink_file *file)
{
    if (file->is_open)
        close(file->fd);
    file->is_open = false;
}
