/* SPDX-License-Identifier: MIT */

/*
 * Chrome's trace event format, for chrome://tracing, Perfetto and what else reads
 * it: recorded events on the time line of their threads, and samples with their
 * stacks. What begins has an end in every case: a call whose return is missing ends
 * where it is last known to have lasted, and an end of nothing known is an instant.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../analyse/extra.h"
#include "chrome_choice.h"
#include "chrome_ids.h"
#include "export.h"
#include "fold.h"
#include "text.h"

struct sample {
    uint64_t time_ns, weight_ns;
    uint32_t thread, node;
};

struct chrome {
    struct export_job *job;
    FILE *out;
    struct recorded_list list;
    struct chrome_ids ids;
    struct chrome_choice choice;
    struct sample *samples;
    size_t sample_count, sample_room;
    const char *between; /* two members of an array */
};

static int
add_sample(struct chrome *chrome, const struct sample *sample)
{
    if (chrome->sample_count == chrome->sample_room) {
        const size_t room = chrome->sample_room ? chrome->sample_room * 2 : 256;
        struct sample *samples =
            reallocarray(chrome->samples, room, sizeof(*samples));

        if (!samples)
            return -ENOMEM;
        chrome->samples = samples;
        chrome->sample_room = room;
    }
    chrome->samples[chrome->sample_count++] = *sample;
    return 0;
}

static int
add_batch(void *user, const struct profile *profile, const struct batch *batch)
{
    int result = 0;

    (void)profile;
    for (uint32_t i = 0; !result && i < batch->count; i++) {
        const struct sample sample = {
            .time_ns = batch->times_ns ? batch->times_ns[i] : 0,
            .weight_ns = batch->weights_ns ? batch->weights_ns[i] : 0,
            .thread = batch->thread,
            .node = batch->nodes[i],
        };

        result = add_sample(user, &sample);
    }
    return result;
}

static void
write_microseconds(uint64_t ns, FILE *out)
{
    fprintf(out, "%" PRIu64 ".%03u", ns / 1000, (unsigned)(ns % 1000));
}

static void
write_text(FILE *out, const char *key, const char *value)
{
    fprintf(out, "\"%s\":", key);
    text_write_json(out, value);
}

/* What an event is called: what is called, where that is what happens. */
static const char *
name_of(const struct chrome *chrome, const struct recorded_event *event)
{
    const struct code *codes = chrome->job->profile.codes;
    const char *name = vmprof_event_name(event->kind);

    switch (event->kind) {
    case VMPROF_EVENT_CALL:
    case VMPROF_EVENT_RESUME:
    case VMPROF_EVENT_THROW_INTO:
        if (event->has_code)
            name = codes[event->code].function;
        break;
    case VMPROF_EVENT_C_CALL:
        if (event->has_callee)
            name = codes[event->callee].function;
        break;
    case VMPROF_EVENT_GC_START:
        return "GC";
    case VMPROF_EVENT_JIT_ENTERED:
        return "JIT";
    default:
        break;
    }
    return name && *name ? name : no_name;
}

/* Who, when, and what kind: the same members of all. */
static void
write_head(struct chrome *chrome, char phase,
           const struct recorded_event *event, uint64_t time_ns)
{
    const struct thread *thread = &chrome->job->profile.threads[event->thread];
    FILE *out = chrome->out;

    fprintf(out, "%s{\"ph\":\"%c\",", chrome->between, phase);
    write_text(out, "name", name_of(chrome, event));
    fprintf(out,
            ",\"cat\":\"%s\",\"pid\":%" PRIu64 ",\"tid\":%" PRIu64 ",\"ts\":",
            vmprof_event_name(event->kind) ? vmprof_event_name(event->kind)
                                           : "event",
            chrome_pid(&chrome->ids, thread->session),
            chrome_tid(&chrome->ids, event->thread));
    write_microseconds(chrome_time(&chrome->ids, thread->session, time_ns),
                       out);
    chrome->between = ",\n";
}

static void
write_place(const struct code *code, const char *prefix, FILE *out)
{
    fprintf(out, ",\"%sfunction\":", prefix);
    text_write_json(out, *code->function ? code->function : no_name);
    if (*code->file) {
        fprintf(out, ",\"%sfile\":", prefix);
        text_write_json(out, code->file);
    }
}

static void
write_arguments(const struct chrome *chrome, const struct recorded_event *event)
{
    const struct code *codes = chrome->job->profile.codes;
    FILE *out = chrome->out;

    fprintf(out, ",\"args\":{\"number\":%" PRIu64, event->number);
    if (event->has_code)
        write_place(&codes[event->code], "", out);
    if (event->line)
        fprintf(out, ",\"line\":%" PRIu32, event->line);
    if (event->has_callee)
        write_place(&codes[event->callee], "callee_", out);
    if (event->offset)
        fprintf(out, ",\"offset\":%" PRIu64, event->offset);
    if (event->target)
        fprintf(out, ",\"target\":%" PRIu64, event->target);
    putc('}', out);
}

/* Whether to write an event: not if what is written does not arrive. */
static bool
is_written(const struct chrome *chrome, size_t index)
{
    return !chrome->job->output->error &&
           chrome_has_event(&chrome->choice, index);
}

static void
begin(void *user, size_t index)
{
    struct chrome *chrome = user;
    const struct recorded_event *event = &chrome->list.events[index];

    if (!is_written(chrome, index))
        return;
    write_head(chrome, 'B', event, event->time_ns);
    write_arguments(chrome, event);
    putc('}', chrome->out);
}

static void
end(void *user, size_t begin, size_t by, uint64_t time_ns)
{
    struct chrome *chrome = user;

    if (!is_written(chrome, begin))
        return;
    write_head(chrome, 'E', &chrome->list.events[begin], time_ns);
    fputs(by == SIZE_MAX ? ",\"args\":{\"end\":\"not seen\"}}" : "}",
          chrome->out);
}

static void
instant(void *user, size_t index)
{
    struct chrome *chrome = user;
    const struct recorded_event *event = &chrome->list.events[index];

    if (!is_written(chrome, index))
        return;
    write_head(chrome, 'i', event, event->time_ns);
    fputs(",\"s\":\"t\"", chrome->out);
    write_arguments(chrome, event);
    putc('}', chrome->out);
}

static void
write_name(struct chrome *chrome, const char *what, uint64_t pid, uint64_t tid,
           const char *name)
{
    fprintf(chrome->out,
            "%s{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%" PRIu64
            ",\"tid\":%" PRIu64 ",\"args\":{",
            chrome->between, what, pid, tid);
    write_text(chrome->out, "name", name);
    fputs("}}", chrome->out);
    chrome->between = ",\n";
}

static void
write_names(struct chrome *chrome)
{
    const struct profile *profile = &chrome->job->profile;

    for (uint32_t i = 0; i < profile->session_count; i++)
        write_name(chrome, "process_name", chrome_pid(&chrome->ids, i), 0,
                   profile->sessions[i].program);
    for (uint32_t i = 0; i < profile->thread_count; i++)
        if (chrome_has_thread(&chrome->choice, i))
            write_name(chrome, "thread_name",
                       chrome_pid(&chrome->ids, profile->threads[i].session),
                       chrome_tid(&chrome->ids, i),
                       profile->threads[i].name ? profile->threads[i].name
                                                : "");
}

static int
write_events(struct chrome *chrome)
{
    const struct recorded_pairing pairing = {
        .profile = &chrome->job->profile,
        .list = &chrome->list,
        .user = chrome,
        .on_begin = begin,
        .on_end = end,
        .on_instant = instant,
    };

    chrome->between = "";
    fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"exporter\":\"vmprof\","
          "\"title\":",
          chrome->out);
    text_write_json(chrome->out, export_title(chrome->job));
    fputs("},\n\"traceEvents\":[\n", chrome->out);
    write_names(chrome);
    if (recorded_pair(&pairing))
        return -1;
    fputs("\n],\n", chrome->out);
    return 0;
}

/* A node is a frame on that of its parent; the root has none. */
static void
write_stacks(struct chrome *chrome)
{
    const struct profile *profile = &chrome->job->profile;

    fputs("\"stackFrames\":{\n\"0\":{", chrome->out);
    write_text(chrome->out, "name", extra_name(EXTRA_NATIVE));
    putc('}', chrome->out);
    for (uint32_t i = 1; i < profile->node_count; i++) {
        const struct node *node = &profile->nodes[i];
        const struct code *code =
            &profile->codes[profile->frames[node->frame].code];

        if (!chrome_has_node(&chrome->choice, i))
            continue;
        fprintf(chrome->out, ",\n\"%" PRIu32 "\":{", i);
        write_text(chrome->out, "name",
                   *code->function ? code->function : no_name);
        if (*code->file) {
            putc(',', chrome->out);
            write_text(chrome->out, "category", code->file);
        }
        if (node->parent)
            fprintf(chrome->out, ",\"parent\":\"%" PRIu32 "\"", node->parent);
        putc('}', chrome->out);
    }
    fputs("\n},\n", chrome->out);
}

static void
write_sample(struct chrome *chrome, const struct sample *sample)
{
    const uint32_t session =
        chrome->job->profile.threads[sample->thread].session;

    fprintf(chrome->out,
            "%s{\"cpu\":0,\"name\":\"sample\",\"pid\":%" PRIu64
            ",\"tid\":%" PRIu64 ",\"sf\":\"%" PRIu32 "\",\"ts\":",
            chrome->between, chrome_pid(&chrome->ids, session),
            chrome_tid(&chrome->ids, sample->thread), sample->node);
    write_microseconds(chrome_time(&chrome->ids, session, sample->time_ns),
                       chrome->out);
    fputs(",\"weight\":", chrome->out);
    write_microseconds(sample->weight_ns, chrome->out);
    putc('}', chrome->out);
    chrome->between = ",\n";
}

static void
write_samples(struct chrome *chrome)
{
    fputs("\"samples\":[\n", chrome->out);
    chrome->between = "";
    for (size_t i = 0; i < chrome->sample_count; i++)
        write_sample(chrome, &chrome->samples[i]);
    fputs("\n]}\n", chrome->out);
}

static void
choose_samples(struct chrome *chrome)
{
    size_t count = 0;

    for (size_t i = 0; i < chrome->sample_count; i++) {
        const struct sample *sample = &chrome->samples[i];

        if (chrome_take_sample(&chrome->choice, sample->thread, sample->node,
                               sample->time_ns))
            chrome->samples[count++] = *sample;
    }
    chrome->sample_count = count;
}

static int
write_all(struct chrome *chrome)
{
    if (chrome_ids_find(&chrome->ids, &chrome->job->profile) ||
        chrome_choose(&chrome->choice) || write_events(chrome))
        return -1;
    choose_samples(chrome);
    write_stacks(chrome);
    write_samples(chrome);
    return 0;
}

int
export_chrome(struct export_job *job)
{
    struct read_options options = *job->options;
    const struct read_options *const given = job->options;
    struct chrome chrome = {
        .job = job,
        .out = job->output->file,
        .choice = { .filter = job->filter, .profile = &job->profile },
    };
    int result;

    chrome.choice.list = &chrome.list;

    options.on_recorded = recorded_add;
    options.recorded_user = &chrome.list;
    job->options = &options;
    result = export_read(job, false, add_batch, &chrome);
    job->options = given;
    if (!result && job->filter)
        result = event_filter_check(job->filter, &job->profile, job->input,
                                    job->message, sizeof(job->message));
    if (!result && write_all(&chrome))
        result = export_out_of_memory(job);
    if (!result && !job->output->error)
        chrome_choice_tell(&chrome.choice);
    chrome_choice_free(&chrome.choice);
    recorded_free(&chrome.list);
    chrome_ids_free(&chrome.ids);
    free(chrome.samples);
    return result;
}
