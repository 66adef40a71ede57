/* SPDX-License-Identifier: MIT */

/* The sections of a PYPYLOG: their time, and whose their lines are. */
#include <errno.h>
#include <stdlib.h>

#include "pypylog.h"

static enum pypylog_content
content_of(const char *name)
{
    static const struct {
        const char *name;
        enum pypylog_content content;
    } contents[] = {
        { "jit-profile-enter", CONTENT_ENTER },
        { "jit-profile-exit", CONTENT_EXIT },
        { "jit-log-opt-loop", CONTENT_TRACE },
        { "jit-log-opt-bridge", CONTENT_TRACE },
        { "jit-backend-addr", CONTENT_ADDRESS },
        { "jit-backend-dump", CONTENT_DUMP },
        { "jit-backend-counts", CONTENT_COUNTS },
        { "jit-summary", CONTENT_SUMMARY },
    };

    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
        if (!strcmp(name, contents[i].name))
            return contents[i].content;
    return CONTENT_SKIPPED;
}

/* By how the name begins; the first that fits. */
static enum section_kind
section_kind(const char *name)
{
    static const struct {
        const char *prefix;
        enum section_kind kind;
    } kinds[] = {
        { "gc-", SECTION_GC },
        { "jit-log-", SECTION_LOGGING },
        { "jit-backend-", SECTION_LOGGING },
        { "jit-summary", SECTION_LOGGING },
        { "jit-profile-", SECTION_LOGGING },
        { "jit-tracing", SECTION_TRACING },
        { "jit-optimize", SECTION_OPTIMISING },
        { "jit-backend", SECTION_BACKEND },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)))
            return kinds[i].kind;
    return SECTION_OTHER;
}

static void
take_time(struct pypylog *log, uint64_t time)
{
    struct traces *traces = log->traces;

    if (!log->tags)
        traces->first_time = traces->last_time = time;
    if (time < traces->last_time)
        pypylog_damaged(log, &traces->damage.backwards);
    traces->last_time = time;
    log->tags++;
}

static int
open_section(struct pypylog *log, const struct pypylog_tag *tag)
{
    struct traces *traces = log->traces;
    const char *name = traces_name(traces, tag->name.at, tag->name.size);
    const int64_t index = name ? traces_section(traces, name) : -ENOMEM;
    struct open_section *section;

    if (index < 0)
        return -ENOMEM;
    if (log->open_count == MOST_DEPTH) {
        log->too_deep++;
        pypylog_damaged(log, &traces->damage.limited);
        return 0;
    }
    traces->sections[index].kind = (uint8_t)section_kind(name);
    section = &log->open[log->open_count++];
    *section = (struct open_section){ .section = (uint32_t)index,
                                      .start = tag->time,
                                      .content = (uint8_t)content_of(name) };
    return 0;
}

static bool
is_open_below(const struct pypylog *log, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        if (log->open[i].section == log->open[depth].section)
            return true;
    return false;
}

/* Count the innermost section, which has its end. */
static void
count_section(struct pypylog *log, uint64_t time)
{
    const uint32_t depth = log->open_count - 1;
    const struct open_section *open = &log->open[depth];
    struct jit_section *section = &log->traces->sections[open->section];
    const uint64_t passed = time > open->start ? time - open->start : 0;

    section->count++;
    section->self += passed > open->inside ? passed - open->inside : 0;
    if (!is_open_below(log, depth))
        section->total += passed;
    if (depth)
        log->open[depth - 1].inside += passed;
}

static int
send_event(struct pypylog *log, const struct open_section *section,
           uint64_t end_time)
{
    struct jit_event *event = &log->event;

    if (!section->has_line) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    event->time = section->start;
    event->end_time = end_time;
    event->kind = section->content == CONTENT_ENTER ? JIT_ENTER : JIT_EXIT;
    event->trace = section->trace;
    event->line = log->event_line;
    log->traces->event_count++;
    if (!log->options->on_event)
        return 0;
    log->stopped =
        log->options->on_event(log->options->user, log->traces, event);
    return log->stopped ? -ECANCELED : 0;
}

static int
end_content(struct pypylog *log, const struct open_section *section,
            uint64_t end_time)
{
    if (section->content == CONTENT_ENTER || section->content == CONTENT_EXIT)
        return send_event(log, section, end_time);
    if (section->content == CONTENT_TRACE)
        pypylog_trace_end(log, section);
    return 0;
}

/* Whose end is missing has no time; what it holds counts all the same. */
static int
drop_section(struct pypylog *log)
{
    struct open_section *section = &log->open[--log->open_count];

    pypylog_damaged(log, &log->traces->damage.unclosed);
    if (log->open_count)
        log->open[log->open_count - 1].inside += section->inside;
    return end_content(log, section, 0);
}

static int64_t
find_open(const struct pypylog *log, const struct pypylog_tag *tag)
{
    for (uint32_t i = log->open_count; i-- > 0;)
        if (span_is(&tag->name,
                    log->traces->sections[log->open[i].section].name))
            return i;
    return -1;
}

static int
close_section(struct pypylog *log, const struct pypylog_tag *tag)
{
    int64_t index;
    int result = 0;

    if (log->too_deep) {
        log->too_deep--;
        return 0;
    }
    index = find_open(log, tag);
    if (index < 0) {
        pypylog_damaged(log, &log->traces->damage.unopened);
        return 0;
    }
    while (log->open_count > (uint32_t)index + 1 && !result)
        result = drop_section(log);
    if (result)
        return result;
    count_section(log, tag->time);
    log->open_count--;
    return end_content(log, &log->open[index], tag->time);
}

/* The name of a trace; behind it there may be a remark. */
static struct span
name_in(struct span line)
{
    struct span name;

    if (span_take_until(&line, "  # ", &name))
        line = name;
    span_trim(&line);
    return line;
}

static int
keep_event_line(struct pypylog *log, struct span line)
{
    if (line.size > log->event_line_capacity) {
        char *bigger = realloc(log->event_line, line.size);

        if (!bigger)
            return -ENOMEM;
        log->event_line = bigger;
        log->event_line_capacity = line.size;
    }
    memcpy(log->event_line, line.at, line.size);
    log->event.line_size = line.size;
    return 0;
}

static int
profile_line(struct pypylog *log, struct open_section *section,
             struct span line)
{
    const struct span name = name_in(line);
    const char *text;
    int64_t trace;

    if (section->has_line || !name.size) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    text = traces_name(log->traces, name.at, name.size);
    if (!text)
        return -ENOMEM;
    trace = pypylog_trace(log, ID_NAME, (uintptr_t)text, name);
    if (trace < 0 || keep_event_line(log, line))
        return -ENOMEM;
    section->trace = (uint32_t)trace;
    section->has_line = true;
    return 0;
}

static int
content_line(struct pypylog *log, struct open_section *section,
             struct span line)
{
    switch (section->content) {
    case CONTENT_ENTER:
    case CONTENT_EXIT:
        return profile_line(log, section, line);
    case CONTENT_TRACE:
        return pypylog_trace_line(log, section, line);
    case CONTENT_ADDRESS:
        return pypylog_address_line(log, section, line);
    case CONTENT_DUMP:
        return pypylog_dump_line(log, line);
    case CONTENT_COUNTS:
        return pypylog_counts_line(log, line);
    case CONTENT_SUMMARY:
        return pypylog_summary_line(log, line);
    }
    return 0;
}

int
pypylog_tag(struct pypylog *log, const struct pypylog_tag *tag)
{
    take_time(log, tag->time);
    return tag->is_start ? open_section(log, tag) : close_section(log, tag);
}

int
pypylog_line(struct pypylog *log, struct span line)
{
    if (!log->open_count || log->too_deep || !line.size)
        return 0;
    return content_line(log, &log->open[log->open_count - 1], line);
}

int
pypylog_drop_sections(struct pypylog *log)
{
    int result = 0;

    while (log->open_count && !result) {
        log->traces->damage.cut = true;
        result = drop_section(log);
    }
    return result;
}
