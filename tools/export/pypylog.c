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
    if (!memchr(line, '\n', size) && !memchr(line, '\r', size))
        fwrite(line, 1, size, out);
    else
        for (size_t i = 0; i < size; i++)
            putc(line[i] == '\n' || line[i] == '\r' ? '?' : line[i], out);
    putc('\n', out);
}

/* Who leaves some trace leaves the one that ran. */
static const char *
name_of(const struct pypylog_writer *writer, const struct traces *traces,
        const struct jit_event *event)
{
    const struct traces *named = writer->names ? writer->names : traces;
    const uint32_t index = event->trace ? event->trace : writer->running;
    const char *name =
        index < named->trace_count ? named->traces[index].name : "";

    return *name ? name : "?";
}

static void
close_section(struct pypylog_writer *writer, uint64_t latest)
{
    const uint64_t end = writer->open_end < latest ? writer->open_end : latest;

    if (writer->open)
        fprintf(writer->out, "[%" PRIx64 "] %s}\n", end, writer->open);
    writer->open = NULL;
}

/* Where an event has one time, its section ends a tick later, as in the plan,
 * unless the next begins before. */
static void
write_section(struct pypylog_writer *writer, const struct traces *traces,
              const struct jit_event *event)
{
    const char *what =
        event->kind == JIT_EXIT ? "jit-profile-exit" : "jit-profile-enter";
    const char *name = name_of(writer, traces, event);
    const uint64_t start = event->ticks ? event->ticks : event->time;

    close_section(writer, event->end_time ? UINT64_MAX : start);
    fprintf(writer->out, "[%" PRIx64 "] {%s\n", start, what);
    if (event->line)
        write_line(writer->out, event->line, event->line_size);
    else
        write_line(writer->out, name, strlen(name));
    writer->running = event->kind == JIT_EXIT ? 0 : event->trace;
    writer->open = what;
    writer->open_end = event->end_time ? event->end_time : start + 1;
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
        writer->other_threads += event->kind <= JIT_RETURN;
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
pypylog_write_end(struct pypylog_writer *writer)
{
    close_section(writer, UINT64_MAX);
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

static int
convert_log(struct export_job *job, struct pypylog_writer *writer)
{
    const struct traces_options options = {
        .on_event = pypylog_write,
        .user = writer,
        .show_progress = job->options->show_progress,
    };
    struct traces traces = { 0 };
    const int result = pypylog_read(&traces, job->input, &options, job->message,
                                    sizeof(job->message));

    traces_free(&traces);
    return result;
}

/* Names are complete only at the end of a profile, so it is read twice. */
static int
convert_profile(struct export_job *job, struct pypylog_writer *writer)
{
    struct read_options options = *job->options;
    struct profile again = { 0 };
    int result = export_read(job, true, NULL, NULL);

    if (result || !job->profile.traces.trace_count)
        return result;
    writer->names = &job->profile.traces;
    options.summed = true;
    options.on_event = pypylog_write;
    options.event_user = writer;
    result = profile_read(&again, job->input, &options, NULL, NULL,
                          job->message, sizeof(job->message));
    profile_free(&again);
    return result;
}

int
export_pypylog(struct export_job *job)
{
    struct pypylog_writer writer = { .out = job->output->file };
    const bool is_log = strcmp(job->input, "-") == 0 ||
                        jit_log_kind(job->input) == JIT_LOG_PYPYLOG;
    const int result =
        is_log ? convert_log(job, &writer) : convert_profile(job, &writer);

    if (result)
        return -1;
    pypylog_write_end(&writer);
    if (!writer.written) {
        snprintf(job->message, sizeof(job->message),
                 "%s does not say when traces were entered and left",
                 job->input);
        return -1;
    }
    pypylog_tell(&writer, job->input);
    return 0;
}
