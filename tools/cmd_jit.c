/* SPDX-License-Identifier: MIT */

/* vmprof jit: which compiled loops the time went to. */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "jit_options.h"
#include "names.h"

static int
read_log(const struct jit_request *request, struct jit_view *jit,
         struct trace_events *events, char *message, size_t message_size)
{
    const struct traces_options options = { .on_event = trace_events_add,
                                            .user = events,
                                            .show_progress = true };

    trace_events_open(events, request->inner, request->calls, request->probe);
    jit->path = request->pypylog ? request->pypylog : request->jitlog;
    return request->pypylog ? pypylog_read(&jit->traces, jit->path, &options,
                                           message, message_size)
                            : jitlog_read(&jit->traces, jit->path, &options,
                                          message, message_size);
}

static int
read_profile(struct jit_view *jit, char *message, size_t message_size)
{
    struct view *view = &jit->view;
    struct names names;
    int result = names_open(&names, false);

    if (result)
        return result;
    names.options.summed = true;
    result = profile_read(&view->profile, view->path, &names.options, tree_add,
                          &view->tree, message, message_size);
    names_close(&names);
    return result ? result : tree_finish(&view->tree, &view->profile);
}

/* Its traces are its own then. */
static int
read_native(const struct jit_request *request, struct jit_view *jit,
            struct jit_reading *reading, char *message, size_t message_size)
{
    struct view *view = &jit->view;
    struct names names;
    int result = names_open(&names, false);

    if (result)
        return result;
    jit_reading_open(reading, &view->tree, request->inner, request->calls);
    jit_reading_probe(reading, request->probe);
    jit_reading_options(reading, &names.options);
    result = profile_read(&view->profile, view->path, &names.options,
                          jit_reading_batch, reading, message, message_size);
    names_close(&names);
    if (!result)
        result = tree_finish(&view->tree, &view->profile);
    if (!result && !view->profile.traces.private) {
        snprintf(message, message_size,
                 "%s says nothing of traces; name the log that does with "
                 "--pypylog or --jitlog",
                 view->path);
        return -1;
    }
    if (!result)
        result = jit_reading_finish(reading, &jit->times, &view->profile);
    jit->reading = reading;
    jit->path = view->path;
    jit->traces = view->profile.traces;
    view->profile.traces = (struct traces){ 0 };
    return result;
}

/* The samples' frames may add traces, of which only the address is known. */
static int
take_times(struct jit_view *jit, const struct trace_events *events)
{
    uint32_t *frames = NULL;
    int result;

    if (jit->view.path) {
        frames = frame_traces(&jit->traces, &jit->view.profile);
        if (!frames)
            return -ENOMEM;
    }
    result = trace_times_open(&jit->times, &jit->traces);
    if (!result)
        trace_times_take_events(&jit->times, events);
    if (!result && frames)
        result = trace_times_take_samples(&jit->times, &jit->traces,
                                          &jit->view.profile, &jit->view.tree,
                                          frames);
    free(frames);
    return result;
}

static int
print_text(const struct jit_view *jit)
{
    int result = report_jit_header(jit);

    if (!result && jit->trace)
        result = report_jit_trace(jit);
    if (result || jit->trace)
        return result ? result : report_jit_guards(jit);
    result = report_jit_phases(jit);
    if (!result)
        result = report_jit_table(jit);
    if (!result)
        result = report_jit_doubts(jit);
    if (!result)
        result = report_jit_transitions(jit);
    if (!result)
        result = report_jit_guards(jit);
    if (!result)
        result = report_jit_sections(jit);
    return result;
}

static int
fail(const char *message)
{
    fprintf(stderr, "vmprof: %s\n", message);
    return STATUS_FAILED;
}

static int
read_logs(const struct jit_request *request, struct jit_view *jit,
          struct trace_events *events, char *message, size_t message_size)
{
    int result = read_log(request, jit, events, message, message_size);

    if (!result && jit->view.path)
        result = read_profile(jit, message, message_size);
    return result ? result : take_times(jit, events);
}

static int
show(const struct jit_request *request, struct jit_view *jit,
     struct trace_events *events, struct jit_reading *reading)
{
    char message[512] = "";
    int result;

    if (request->pypylog || request->jitlog)
        result = read_logs(request, jit, events, message, sizeof(message));
    else
        result = read_native(request, jit, reading, message, sizeof(message));
    if (result && *message)
        return fail(message);
    if (!result && jit->trace >= jit->traces.trace_count) {
        snprintf(message, sizeof(message), "%s has no trace %u; it has %u",
                 jit->path, jit->trace, jit->traces.trace_count - 1);
        return fail(message);
    }
    if (!result)
        result = jit_order_guards(jit);
    if (!result)
        result = request->json ? report_jit_json(jit) : print_text(jit);
    return result ? fail("not enough memory") : STATUS_DONE;
}

int
cmd_jit(int argc, char **argv)
{
    struct jit_request request = { 0 };
    struct jit_view jit = { .view = { .limit = 30, .phase = -1 } };
    struct trace_events events = { 0 };
    struct jit_reading reading = { 0 };
    int result = jit_options(&request, &jit, argc, argv);

    if (result)
        return result;
    if (request.help) {
        fputs(jit_help, stdout);
        return STATUS_DONE;
    }
    terminal_open(&jit.view.terminal, stdout);
    result = show(&request, &jit, &events, &reading);
    free(jit.guards);
    trace_times_free(&jit.times);
    trace_events_free(&events);
    jit_reading_free(&reading);
    traces_free(&jit.traces);
    tree_free(&jit.view.tree);
    profile_free(&jit.view.profile);
    return result;
}
