/* SPDX-License-Identifier: MIT */

/* Events of a JIT as a PYPYLOG. */
#include "pypylog.h"

#include <inttypes.h>
#include <string.h>

#include "../read/jit_log.h"
#include "export.h"

/* A name with a line end would be two lines. */
static void
write_line(FILE *out, const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putc(line[i] == '\n' || line[i] == '\r' ? '?' : line[i], out);
    putc('\n', out);
}

static void
write_section(struct pypylog_writer *writer, const struct traces *traces,
              const struct jit_event *event)
{
    const char *what =
        event->kind == JIT_EXIT ? "jit-profile-exit" : "jit-profile-enter";
    const char *name = traces->traces[event->trace].name;
    const uint64_t end = event->end_time ? event->end_time : event->time;

    fprintf(writer->out, "[%" PRIx64 "] {%s\n", event->time, what);
    if (event->line)
        write_line(writer->out, event->line, event->line_size);
    else
        write_line(writer->out, name, strlen(name));
    fprintf(writer->out, "[%" PRIx64 "] %s}\n", end, what);
    writer->written++;
}

static bool
is_inside_call(struct pypylog_writer *writer, const struct jit_event *event)
{
    const bool is_inside = writer->calls > 0;

    if (event->kind == JIT_CALL)
        writer->calls++;
    if (event->kind == JIT_RETURN && writer->calls)
        writer->calls--;
    return is_inside;
}

int
pypylog_write(void *user, const struct traces *traces,
              const struct jit_event *event)
{
    struct pypylog_writer *writer = user;

    if (!writer->written && !writer->calls)
        writer->thread = event->thread;
    if (event->thread != writer->thread) {
        writer->other_threads++;
    } else if (event->kind == JIT_LOST) {
        writer->calls = 0;
        writer->lost++;
    } else if (is_inside_call(writer, event)) {
        writer->inside_calls++;
    } else if (event->kind == JIT_ENTER || event->kind == JIT_JUMP ||
               event->kind == JIT_EXIT) {
        write_section(writer, traces, event);
    }
    return 0;
}

void
pypylog_tell(const struct pypylog_writer *writer, const char *path)
{
    if (writer->other_threads)
        fprintf(stderr,
                "vmprof: %s: %" PRIu64 " events of other threads than the "
                "first are left out, as the format has none\n",
                path, writer->other_threads);
    if (writer->inside_calls)
        fprintf(stderr,
                "vmprof: %s: %" PRIu64 " events in what a trace called are "
                "left out: that time is the caller's\n",
                path, writer->inside_calls);
    if (writer->lost)
        fprintf(stderr,
                "vmprof: %s: events were lost %" PRIu64 " times; the trace "
                "that ran before seems to go on\n",
                path, writer->lost);
}

int
export_pypylog(struct export_job *job)
{
    struct pypylog_writer writer = { .out = job->output->file };
    const struct traces_options options = {
        .on_event = pypylog_write,
        .user = &writer,
        .show_progress = job->options->show_progress,
    };
    struct traces traces = { 0 };
    int result;

    if (strcmp(job->input, "-") != 0 &&
        jit_log_kind(job->input) != JIT_LOG_PYPYLOG) {
        snprintf(job->message, sizeof(job->message),
                 "%s has no events of a JIT, which a PYPYLOG has", job->input);
        return -1;
    }
    result = pypylog_read(&traces, job->input, &options, job->message,
                          sizeof(job->message));
    if (!result && !writer.written) {
        snprintf(job->message, sizeof(job->message),
                 "%s has no section jit-profile-enter or jit-profile-exit",
                 job->input);
        result = -1;
    }
    if (!result)
        pypylog_tell(&writer, job->input);
    traces_free(&traces);
    return result;
}
