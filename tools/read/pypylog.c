/* SPDX-License-Identifier: MIT */

/* A PYPYLOG's lines, and the sections that they open and close. */
#include "pypylog.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "jit_file.h"

enum {
    /* How far into a file its first section may begin. */
    LOOK_AT = 64 * 1024,
};

void
pypylog_damaged(struct pypylog *log, uint64_t *counter)
{
    if (!log->traces->damage.first_line)
        log->traces->damage.first_line = log->line;
    ++*counter;
}

/* Colours, which a log on a terminal has, and what is left of a CRLF. */
static void
strip(struct span *line)
{
    if (line->size && line->at[line->size - 1] == '\r')
        line->size--;
    while (line->size > 2 && line->at[0] == '\033' && line->at[1] == '[') {
        const char *end = memchr(line->at, 'm', line->size);

        if (!end || end - line->at > 16)
            return;
        span_skip(line, (size_t)(end + 1 - line->at));
    }
    if (line->size >= 4 && !memcmp(line->at + line->size - 4, "\033[0m", 4))
        line->size -= 4;
}

static bool
is_name(const struct span *text)
{
    for (size_t i = 0; i < text->size; i++)
        if (!isalnum((unsigned char)text->at[i]) && text->at[i] != '_' &&
            text->at[i] != '-')
            return false;
    return text->size > 0;
}

/* "[time] {name" or "[time] name}" */
static bool
parse_tag(struct span line, struct pypylog_tag *tag)
{
    if (!span_take(&line, "[") || !span_take_number(&line, 16, &tag->time) ||
        !span_take(&line, "] "))
        return false;
    tag->is_start = span_take(&line, "{");
    if (!tag->is_start) {
        if (!line.size || line.at[line.size - 1] != '}')
            return false;
        line.size--;
    }
    tag->name = line;
    return is_name(&line);
}

/* Colours of the last line end on a line of their own. */
static bool
is_empty(struct span line)
{
    strip(&line);
    return line.size == 0;
}

static int
take_line(struct pypylog *log, struct span line)
{
    struct pypylog_tag tag;

    log->line++;
    strip(&line);
    if (parse_tag(line, &tag))
        return pypylog_tag(log, &tag);
    return pypylog_line(log, line);
}

/* The bytes up to the next newline, or those that are left. */
static size_t
find_line_end(struct input *input, bool *has_end)
{
    size_t looked = 0;

    for (;;) {
        const unsigned char *end =
            input->size > looked
                ? memchr(input->data + looked, '\n', input->size - looked)
                : NULL;

        *has_end = end != NULL;
        if (end)
            return (size_t)(end - input->data);
        if (input->ended || input->size >= LONGEST_LINE)
            return input->size;
        looked = input->size;
        input_need(input, input->size + 1 + input->size / 2);
    }
}

/* The rest of a line that is longer than any may be. */
static void
skip_line(struct pypylog *log)
{
    struct input *input = &log->input;
    bool has_end = false;

    pypylog_damaged(log, &log->traces->damage.lines_too_long);
    while (!has_end && (input->size || !input->ended)) {
        const unsigned char *end =
            input->size ? memchr(input->data, '\n', input->size) : NULL;

        has_end = end != NULL;
        input_skip(input, end ? (size_t)(end + 1 - input->data) : input->size);
        if (!has_end)
            input_need(input, 1);
    }
}

static int
read_lines(struct pypylog *log)
{
    struct input *input = &log->input;
    int result = 0;

    input_need(input, 1);
    while (input->size && !result) {
        bool has_end;
        const size_t size = find_line_end(input, &has_end);

        if (!has_end && !input->ended) {
            log->line++;
            skip_line(log);
        } else {
            const struct span line = { (const char *)input->data, size };

            log->traces->damage.cut |= !has_end && !is_empty(line);
            result = take_line(log, line);
            input_skip(input, size + has_end);
        }
        if (!input->size)
            input_need(input, 1);
    }
    return result;
}

static int
finish(struct pypylog *log)
{
    int result;

    log->traces->damage.cut |= log->input.broken;
    result = pypylog_drop_sections(log);
    if (!result)
        result = pypylog_finish_links(log);
    if (result)
        return result;
    traces_finish(log->traces);
    return pypylog_finish_code(log);
}

/* Whether some line of the beginning of a file is a tag. */
bool
pypylog_is_at(const unsigned char *data, size_t size)
{
    struct span rest = { (const char *)data, size < LOOK_AT ? size : LOOK_AT };
    struct span line;
    struct pypylog_tag tag;

    while (span_take_until(&rest, "\n", &line)) {
        strip(&line);
        if (parse_tag(line, &tag))
            return true;
    }
    return false;
}

static int
read_file(struct pypylog *log)
{
    struct traces *traces = log->traces;
    int result = traces_open(traces);

    traces->format = "PYPYLOG";
    traces->clock = TRACE_CLOCK_TICKS;
    if (!result)
        result = read_lines(log);
    if (!result)
        result = finish(log);
    traces->file_size = log->input.file_size;
    return result;
}

static void
free_log(struct pypylog *log)
{
    id_map_free(&log->ids);
    free(log->dumps);
    free(log->operand_counts);
    free(log->event_line);
}

static int
read_checked(void *from, const struct jit_file *file)
{
    struct pypylog *log = from;
    const int result = read_file(log);

    if (result == -ECANCELED)
        return log->stopped;
    if (result < 0)
        return jit_file_fail(file, "%s: not enough memory", file->path);
    if (log->input.error)
        return jit_file_cannot_read(file, -log->input.error);
    if (!log->input.offset)
        return jit_file_fail(
            file, "%s is empty: PYPYLOG=:FILE makes PyPy write it", file->path);
    if (!log->tags)
        return jit_file_fail(
            file,
            "%s is not a PYPYLOG: none of its %llu lines begins or ends a "
            "section, as \"[1a2b] {jit-summary\" does",
            file->path, (unsigned long long)log->line);
    return 0;
}

int
pypylog_read(struct traces *traces, const char *path,
             const struct traces_options *options, char *message,
             size_t message_size)
{
    const struct jit_file file = { path, message, message_size };
    struct pypylog log = { .traces = traces, .options = options };
    const int result =
        jit_file_read(&file, &log.input, traces, options, read_checked, &log);

    free_log(&log);
    return result;
}
