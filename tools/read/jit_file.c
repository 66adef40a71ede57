/* SPDX-License-Identifier: MIT */

#include "jit_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
jit_file_fail(const struct jit_file *file, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(file->message, file->message_size, format, arguments);
    va_end(arguments);
    return -1;
}

int
jit_file_cannot_read(const struct jit_file *file, int error)
{
    if (error == -ENOENT)
        return jit_file_fail(file, "%s does not exist", file->path);
    if (error == -EISDIR)
        return jit_file_fail(file, "%s is a directory; name a file in it",
                             file->path);
    return jit_file_fail(file, "%s cannot be read: %s", file->path,
                         strerror(-error));
}

int
jit_file_read(const struct jit_file *file, struct input *input,
              struct traces *traces, const struct traces_options *options,
              int (*read)(void *log, const struct jit_file *file), void *log)
{
    int result;

    memset(traces, 0, sizeof(*traces));
    if (file->message_size)
        file->message[0] = '\0';
    result = input_open(input, file->path);
    if (result < 0) {
        result = jit_file_cannot_read(file, result);
    } else {
        if (options->show_progress)
            input_show_progress(input);
        result = read(log, file);
    }
    input_close(input);
    if (result)
        traces_free(traces);
    return result;
}
