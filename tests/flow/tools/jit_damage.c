/* SPDX-License-Identifier: MIT */

/*
 * jit_damage FILE: reads and reports every beginning of a log, and the log with
 * each of its bytes changed. Prints how many of either could be read. Whatever
 * is wrong is an error with words, or a result that counts what is missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report/jit_view.h"

static FILE *out;

static void
die(const char *what)
{
    fprintf(stderr, "jit_damage: %s\n", what);
    exit(1);
}

static bool
counts_damage(const struct jit_damage *damage)
{
    return damage->bytes_unread || damage->lines_unknown ||
           damage->lines_too_long || damage->unopened || damage->unclosed ||
           damage->backwards || damage->unmatched || damage->repeated ||
           damage->limited || damage->cut;
}

static void
report(struct jit_view *jit, struct trace_events *events)
{
    if (trace_times_open(&jit->times, &jit->traces))
        die("no memory");
    trace_times_take_events(&jit->times, events);
    if (jit_order_guards(jit) || report_jit_header(jit) ||
        report_jit_table(jit) || report_jit_transitions(jit) ||
        report_jit_guards(jit) || report_jit_sections(jit) ||
        report_jit_json(jit))
        die("no report");
    for (jit->trace = 1; jit->trace < jit->traces.trace_count; jit->trace++)
        if (report_jit_trace(jit))
            die("no report of a trace");
    free(jit->guards);
    trace_times_free(&jit->times);
}

/* Returns whether the file was read; `*whole`: without damage. */
static bool
read_one(const char *path, bool is_jitlog, bool *whole)
{
    struct trace_events events;
    const struct traces_options options = { .on_event = trace_events_add,
                                            .user = &events };
    struct jit_view jit = { .path = path, .bridges = true };
    char message[512];
    int result;

    trace_events_open(&events, INNER_COUNT, CALL_NEST, 0);
    terminal_open(&jit.view.terminal, out);
    result = is_jitlog ? jitlog_read(&jit.traces, path, &options, message,
                                     sizeof(message))
                       : pypylog_read(&jit.traces, path, &options, message,
                                      sizeof(message));
    if (result && !*message)
        die("a failure without words");
    if (!result)
        report(&jit, &events);
    *whole = !result && !counts_damage(&jit.traces.damage);
    traces_free(&jit.traces);
    trace_events_free(&events);
    return result == 0;
}

struct log {
    unsigned char *data;
    size_t size;
    bool is_jitlog;
};

static bool
read_bytes(const struct log *log, size_t size, bool *whole)
{
    const int fd = memfd_create("log", MFD_CLOEXEC);
    char path[64];
    bool was_read;

    if (fd < 0 || write(fd, log->data, size) != (ssize_t)size)
        die("no memory file");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    was_read = read_one(path, log->is_jitlog, whole);
    close(fd);
    return was_read;
}

static void
cut_everywhere(const struct log *log)
{
    size_t was_read = 0, said = 0;
    bool whole;

    for (size_t size = 0; size < log->size; size++) {
        was_read += read_bytes(log, size, &whole);
        said += !whole;
    }
    printf("%zu cuts, %zu read, %zu said\n", log->size, was_read, said);
}

/* A bit, another bit, all bits of a byte, in turn. */
static void
change_everywhere(const struct log *log)
{
    static const unsigned char changes[] = { 0x01, 0x80, 0xff };
    size_t was_read = 0;
    bool whole;

    for (size_t i = 0; i < log->size; i++) {
        const unsigned char change = changes[i % sizeof(changes)];

        log->data[i] ^= change;
        was_read += read_bytes(log, log->size, &whole);
        log->data[i] ^= change;
    }
    printf("%zu changes, %zu read\n", log->size, was_read);
}

int
main(int argc, char **argv)
{
    static unsigned char data[1 << 20];
    struct log log = { .data = data };
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    bool whole;

    out = fopen("/dev/null", "w");
    if (!file || !out)
        die("usage: jit_damage FILE");
    log.size = fread(data, 1, sizeof(data), file);
    fclose(file);
    log.is_jitlog = jitlog_is_at(log.data, log.size);
    if (!read_bytes(&log, log.size, &whole) || !whole)
        die("the file itself is damaged");
    cut_everywhere(&log);
    change_everywhere(&log);
    fclose(out);
    return 0;
}
