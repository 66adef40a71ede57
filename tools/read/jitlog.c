/* SPDX-License-Identifier: MIT */

/* A jitlog from its beginning to its end, and around damage. */
#include "jitlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/varint.h"
#include "jit_file.h"

enum {
    HEADER = 0x1e,
    START_TRACE = 0x1b,
    NEWEST_VERSION = 4,
    /* Most records are whole when so much is in the window. */
    USUAL_RECORD = 64 * 1024,
    LONGEST_RECORD = 64 << 20,
    SMALLEST_HEADER = 8,
    LONGEST_START = 1 + 8 + 4 + 6,
};

/* A header, whatever its version: 1e, version, is it of 32 bits, machine. */
static bool
has_header(const unsigned char *data, size_t size)
{
    return size >= SMALLEST_HEADER && data[0] == HEADER && data[3] <= 1 &&
           vmp_get_u16(data + 1) && vmp_get_u16(data + 1) < 256 &&
           vmp_get_u32(data + 4) < 256;
}

bool
jitlog_is_at(const unsigned char *data, size_t size)
{
    return has_header(data, size);
}

static bool
starts_trace(const struct jitlog *log, const unsigned char *data)
{
    const unsigned char *type = data + 1 + log->address_size;

    return data[0] == START_TRACE &&
           ((vmp_get_u32(type) == 4 && !memcmp(type + 4, "loop", 4)) ||
            (vmp_get_u32(type) == 6 && !memcmp(type + 4, "bridge", 6)));
}

static void
count_unread(struct jitlog *log, size_t size)
{
    struct jit_damage *damage = &log->traces->damage;

    if (!damage->bytes_unread)
        damage->first_offset = log->input.offset;
    damage->bytes_unread += size;
    input_skip(&log->input, size);
}

/* Go to where the next trace begins: records have nothing else to tell them. */
static void
skip_damage(struct jitlog *log)
{
    struct input *input = &log->input;

    count_unread(log, 1);
    for (;;) {
        size_t i = 0;

        input_need(input, USUAL_RECORD);
        while (i + LONGEST_START <= input->size &&
               !starts_trace(log, input->data + i))
            i++;
        if (i + LONGEST_START <= input->size) {
            count_unread(log, i);
            return;
        }
        if (input->ended) {
            count_unread(log, input->size);
            return;
        }
        count_unread(log, i);
    }
}

/* Returns 0 with the record taken, 1 if it is damaged, or -ENOMEM. */
static int
read_one(struct jitlog *log)
{
    struct input *input = &log->input;
    size_t wanted = USUAL_RECORD;

    for (;;) {
        struct jitlog_record record;
        int result;

        input_need(input, wanted);
        record = (struct jitlog_record){
            .at = input->data,
            .end = input->data + input->size,
            .address_size = log->address_size,
        };
        result = jitlog_record(log, &record);
        if (result)
            return result;
        if (!record.is_short && !record.is_wrong) {
            input_skip(input, (size_t)(record.at - input->data));
            log->records++;
            return 0;
        }
        if (record.is_wrong || input->size > LONGEST_RECORD)
            return 1;
        if (input->ended) {
            log->traces->damage.cut = true;
            return 1;
        }
        wanted = input->size * 2;
    }
}

static int
read_records(struct jitlog *log)
{
    struct input *input = &log->input;
    int result = 0;

    while (result >= 0) {
        input_need(input, 1);
        if (!input->size)
            break;
        result = read_one(log);
        if (result == 1) {
            result = jitlog_end_trace(log);
            skip_damage(log);
        }
    }
    if (result >= 0)
        result = jitlog_end_trace(log);
    log->traces->damage.cut |= input->broken;
    return result;
}

static int
read_file(struct jitlog *log)
{
    struct traces *traces = log->traces;
    char format[32];
    int result = traces_open(traces);

    log->opcodes = calloc(OPCODES, sizeof(*log->opcodes));
    if (!result && !log->opcodes)
        result = -ENOMEM;
    if (!result)
        result = read_records(log);
    if (!result)
        result = jitlog_finish_links(log);
    if (result)
        return result;
    snprintf(format, sizeof(format), "jitlog %u", log->version);
    traces->format = traces_name(traces, format, strlen(format));
    traces->file_size = log->input.file_size;
    if (!traces->format)
        return -ENOMEM;
    traces_finish(traces);
    return 0;
}

static int
refuse(const struct jitlog *log, const struct jit_file *file)
{
    const struct input *input = &log->input;

    if (input->error)
        return jit_file_cannot_read(file, -input->error);
    if (!input->size && !input->offset)
        return jit_file_fail(file,
                             "%s is empty: PyPy's jitlog writes it when it is "
                             "enabled",
                             file->path);
    if (input->size < SMALLEST_HEADER && input->data[0] == HEADER)
        return jit_file_fail(file, "%s ends within the header of a jitlog",
                             file->path);
    return jit_file_fail(file,
                         "%s is not a jitlog: it does not begin with the "
                         "header of one",
                         file->path);
}

static int
read_checked(void *from, const struct jit_file *file)
{
    struct jitlog *log = from;
    struct input *input = &log->input;
    int result;

    input_need(input, SMALLEST_HEADER);
    if (!has_header(input->data, input->size))
        return refuse(log, file);
    if (vmp_get_u16(input->data + 1) > NEWEST_VERSION)
        return jit_file_fail(file,
                             "%s is a jitlog of version %u; vmprof reads those "
                             "up to %d",
                             file->path, vmp_get_u16(input->data + 1),
                             NEWEST_VERSION);
    log->address_size = input->data[3] ? 4 : 8;
    result = read_file(log);
    if (result < 0)
        return jit_file_fail(file, "%s: not enough memory", file->path);
    if (!log->records)
        return jit_file_fail(file, "%s ends within the header of a jitlog",
                             file->path);
    return 0;
}

static void
free_log(struct jitlog *log)
{
    id_map_free(&log->ids);
    free(log->opcodes);
    free(log->optimised);
    free(log->code);
}

int
jitlog_read(struct traces *traces, const char *path,
            const struct traces_options *options, char *message,
            size_t message_size)
{
    const struct jit_file file = { path, message, message_size };
    struct jitlog log = { .traces = traces, .options = options };
    const int result =
        jit_file_read(&file, &log.input, traces, options, read_checked, &log);

    free_log(&log);
    return result;
}
