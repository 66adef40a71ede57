/* SPDX-License-Identifier: MIT */

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unfinished.h"

static int
fail(char *message, size_t message_size, const char *path, int error)
{
    snprintf(message, message_size, "cannot write %s: %s", path,
             strerror(error));
    return -1;
}

/* Keeps the first error, which stdio would have lost by the end. */
static ssize_t
write_all(void *cookie, const char *bytes, size_t size)
{
    struct output *output = cookie;

    for (size_t done = 0; done < size && !output->error;) {
        ssize_t n = write(output->fd, bytes + done, size - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            output->error = errno;
    }
    return output->error ? 0 : (ssize_t)size;
}

/* Devices and pipes keep no half file, and must not be replaced. */
static bool
is_direct(const char *path)
{
    struct stat status;

    return !stat(path, &status) && !S_ISREG(status.st_mode);
}

/* As open() would have set it: a temporary file is its owner's alone. */
static void
copy_mode(int fd, const char *path)
{
    struct stat status;
    mode_t mask = umask(0);

    umask(mask);
    if (stat(path, &status))
        status.st_mode = 0666 & ~mask;
    if (fchmod(fd, status.st_mode & 0777))
        return; /* A file system without modes: it has what it gives all. */
}

/* No signal finds the file without its name. */
static int
make_temporary(struct output *output)
{
    sigset_t before;

    unfinished_enter(&before);
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd >= 0)
        unfinished_set(output->temporary);
    unfinished_leave(&before);
    return output->fd;
}

static int
open_beside(struct output *output)
{
    if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
        output->temporary = NULL;
        return -1;
    }
    if (make_temporary(output) < 0) {
        free(output->temporary);
        output->temporary = NULL;
        return -1;
    }
    copy_mode(output->fd, output->path);
    return 0;
}

static int
open_fd(struct output *output)
{
    if (!strcmp(output->path, "-"))
        output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (is_direct(output->path))
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
    else
        return open_beside(output);
    return output->fd < 0 ? -1 : 0;
}

int
output_open(struct output *output, const char *path, char *message,
            size_t message_size)
{
    cookie_io_functions_t functions = { .write = write_all };
    /* A link stays a link: what it points to is replaced. */
    char *target = realpath(path, NULL);

    *output =
        (struct output){ .fd = -1, .path = target ? target : strdup(path) };
    if (output->path && !open_fd(output)) {
        output->file = fopencookie(output, "w", functions);
        if (output->file)
            return 0;
    }
    fail(message, message_size, path, errno);
    output_discard(output);
    return -1;
}

/* Gives the file its name, or removes it. Returns 0, or -1 and errno: it is still
 * there. */
static int
end_temporary(struct output *output, bool is_complete)
{
    sigset_t before;
    int result;

    unfinished_enter(&before);
    result = is_complete ? rename(output->temporary, output->path)
                         : unlink(output->temporary);
    if (!result || !is_complete) {
        unfinished_set(NULL);
        free(output->temporary);
        output->temporary = NULL;
    }
    unfinished_leave(&before);
    return result;
}

int
output_commit(struct output *output, char *message, size_t message_size)
{
    int result = 0;

    if (fclose(output->file) && !output->error)
        output->error = errno;
    output->file = NULL;
    if (close(output->fd) && !output->error)
        output->error = errno;
    output->fd = -1;
    if (!output->error && output->temporary && end_temporary(output, true))
        output->error = errno;
    if (output->error)
        result =
            fail(message, message_size,
                 strcmp(output->path, "-") ? output->path : "standard output",
                 output->error);
    output_discard(output);
    return result;
}

void
output_discard(struct output *output)
{
    if (output->file)
        fclose(output->file);
    if (output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        end_temporary(output, false);
    free(output->path);
    *output = (struct output){ .fd = -1 };
}
