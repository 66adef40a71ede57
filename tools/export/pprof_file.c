/* SPDX-License-Identifier: MIT */

#include "pprof_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void
keep_error(struct pprof_file *file, int error)
{
    if (!file->error)
        file->error = error ? error : EIO;
}

static void
append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    struct pprof_file *file = (struct pprof_file *)buffer;

    if (size && !file->error &&
        gzwrite(file->gz, data, (unsigned)size) != (int)size)
        keep_error(file, errno);
}

static int64_t
put_string(struct pprof_file *file, uint64_t key, const char *string)
{
    Pprof__Profile part = PPROF__PROFILE__INIT;
    uint32_t before = file->strings.count;
    uint32_t number = dense_put(&file->strings, key);
    char *clean;

    if (number == DENSE_NONE || !text_clean(&file->text, string)) {
        keep_error(file, ENOMEM);
        return 0;
    }
    if (number == before) {
        clean = file->text.data;
        part.n_string_table = 1;
        part.string_table = &clean;
        pprof_file_write(file, &part);
    }
    return number;
}

int
pprof_file_open(struct pprof_file *file, int fd)
{
    int own = dup(fd);

    *file = (struct pprof_file){ .buffer.append = append };
    file->gz = own < 0 ? NULL : gzdopen(own, "wb");
    if (!file->gz) {
        if (own >= 0)
            close(own);
        return own < 0 ? -errno : -ENOMEM;
    }
    put_string(file, 0, ""); /* the format wants it first */
    return file->error ? -file->error : 0;
}

void
pprof_file_write(struct pprof_file *file, const Pprof__Profile *part)
{
    protobuf_c_message_pack_to_buffer(&part->base, &file->buffer);
}

int64_t
pprof_file_string(struct pprof_file *file, const char *string)
{
    return string && *string ? put_string(file, (uintptr_t)string, string) : 0;
}

int64_t
pprof_file_format(struct pprof_file *file, const char *format, ...)
{
    char string[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(string, sizeof(string), format, arguments);
    va_end(arguments);
    /* No address is that high. */
    return put_string(file, UINT64_MAX - file->formatted++, string);
}

int
pprof_file_close(struct pprof_file *file)
{
    errno = 0;
    if (file->gz && gzclose(file->gz) != Z_OK)
        keep_error(file, errno);
    dense_free(&file->strings);
    text_free(&file->text);
    return -file->error;
}
