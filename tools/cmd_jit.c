/* SPDX-License-Identifier: MIT */

/* vmprof jit: which compiled loops the time went to. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "names.h"
#include "read/jit_log.h"
#include "report/jit_view.h"
#include "types_options.h"

static const char help[] =
    "Usage: vmprof jit [OPTION]... FILE\n"
    "       vmprof jit [OPTION]... [FILE] --pypylog LOG\n"
    "       vmprof jit [OPTION]... [FILE] --jitlog LOG\n"
    "\n"
    "Show which loops and bridges of a JIT compiler the time went to. FILE is\n"
    "a profile whose samples are joined with the log by the addresses of the\n"
    "traces; or a log, of either kind, for what it says alone. Each column "
    "says\n"
    "what its figures come from: events, samples, or counts of the VM.\n"
    "\n"
    "Where the traces are described:\n"
    "      --pypylog LOG     what PyPy writes with PYPYLOG=jit:LOG\n"
    "      --jitlog LOG      what PyPy's jitlog writes\n"
    "\n"
    "What to show (without any of these: loops, each with its bridges):\n"
    "  -b, --bridges         the bridges of each loop as well\n"
    "      --trace N, --loop N\n"
    "                        one trace, by its number: its operations\n"
    "  -j, --json            everything, as JSON\n"
    "\n"
    "How:\n"
    "  -s, --sort ORDER      self (default) or total\n"
    "  -n, --limit N         rows of a table; 0: all; default 30\n"
    "      --inner POLICY    whose the time of a bridge back to its loop is, "
    "by\n"
    "                        events: count (default: the loop's, but its "
    "entries\n"
    "                        are counted), ignore, each (its own)\n"
    "      --calls POLICY    whose the time of a trace that is called by "
    "another\n"
    "                        is, by events: caller (default) or nest (its "
    "own)\n"
    "      --probe TICKS     what writing an event takes; that is taken off\n"
    "  -h, --help            this text\n";

enum {
    OPTION_PYPYLOG = 256,
    OPTION_JITLOG,
    OPTION_TRACE,
    OPTION_INNER,
    OPTION_CALLS,
    OPTION_PROBE,
};

static const struct option long_options[] = {
    { "pypylog", required_argument, NULL, OPTION_PYPYLOG },
    { "jitlog", required_argument, NULL, OPTION_JITLOG },
    { "bridges", no_argument, NULL, 'b' },
    { "trace", required_argument, NULL, OPTION_TRACE },
    { "loop", required_argument, NULL, OPTION_TRACE },
    { "json", no_argument, NULL, 'j' },
    { "sort", required_argument, NULL, 's' },
    { "limit", required_argument, NULL, 'n' },
    { "inner", required_argument, NULL, OPTION_INNER },
    { "calls", required_argument, NULL, OPTION_CALLS },
    { "probe", required_argument, NULL, OPTION_PROBE },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    const char *pypylog, *jitlog;
    enum inner_policy inner;
    enum call_policy calls;
    unsigned probe;
    bool json, help, has_trace;
};

/* The number of a word in a list that ends with NULL, or -1. */
static int
find_word(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static int
set_inner(struct request *request, const char *argument)
{
    static const char *const words[] = {
        [INNER_COUNT] = "count",
        [INNER_IGNORE] = "ignore",
        [INNER_EACH] = "each",
        NULL,
    };
    const int found = find_word(words, argument);

    if (found < 0)
        return usage_error(
            "jit", "--inner is count, ignore or each, not \"%s\"", argument);
    request->inner = (enum inner_policy)found;
    return 0;
}

static int
set_calls(struct request *request, const char *argument)
{
    static const char *const words[] = {
        [CALL_CALLER] = "caller",
        [CALL_NEST] = "nest",
        NULL,
    };
    const int found = find_word(words, argument);

    if (found < 0)
        return usage_error("jit", "--calls is caller or nest, not \"%s\"",
                           argument);
    request->calls = (enum call_policy)found;
    return 0;
}

static int
set_order(struct jit_view *jit, const char *argument)
{
    static const char *const words[] = { "self", "total", NULL };
    const int found = find_word(words, argument);

    if (found < 0)
        return usage_error("jit", "--sort is self or total, not \"%s\"",
                           argument);
    jit->view.order = found ? BY_TOTAL : BY_SELF;
    return 0;
}

static int
take_policy(struct request *request, int option)
{
    switch (option) {
    case OPTION_INNER:
        return set_inner(request, optarg);
    case OPTION_CALLS:
        return set_calls(request, optarg);
    case OPTION_PROBE:
        return take_count("jit", "--probe", optarg, 0, &request->probe);
    }
    return usage_see_help("jit");
}

static int
take_option(struct request *request, struct jit_view *jit, int option)
{
    switch (option) {
    case OPTION_PYPYLOG:
        request->pypylog = optarg;
        return 0;
    case OPTION_JITLOG:
        request->jitlog = optarg;
        return 0;
    case OPTION_TRACE:
        request->has_trace = true;
        return take_count("jit", "--trace", optarg, 1, &jit->trace);
    case 'b':
        jit->bridges = true;
        return 0;
    case 'j':
        request->json = true;
        return 0;
    case 's':
        return set_order(jit, optarg);
    case 'n':
        return take_count("jit", "--limit", optarg, 0, &jit->view.limit);
    case 'h':
        request->help = true;
        return 0;
    }
    return take_policy(request, option);
}

/* A file that is a log itself takes the place of the option. */
static int
take_file(struct request *request, struct jit_view *jit, int argc, char **argv)
{
    const char *file;

    if (request->pypylog && request->jitlog)
        return usage_error("jit",
                           "only one of --pypylog and --jitlog is possible");
    if (optind == argc && (request->pypylog || request->jitlog))
        return 0;
    if (usage_take_file("jit", argc, argv, &file))
        return STATUS_USAGE;
    if (request->pypylog || request->jitlog) {
        jit->view.path = file;
        return 0;
    }
    switch (jit_log_kind(file)) {
    case JIT_LOG_PYPYLOG:
        request->pypylog = file;
        return 0;
    case JIT_LOG_JITLOG:
        request->jitlog = file;
        return 0;
    case JIT_LOG_NONE:
        break;
    }
    jit->view.path = file;
    return 0;
}

static int
parse(struct request *request, struct jit_view *jit, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    while (!result && (option = getopt_long(argc, argv, "bjs:n:h", long_options,
                                            NULL)) != -1)
        result = take_option(request, jit, option);
    if (result || request->help)
        return result;
    return take_file(request, jit, argc, argv);
}

static int
read_log(const struct request *request, struct jit_view *jit,
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
read_native(const struct request *request, struct jit_view *jit,
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
read_logs(const struct request *request, struct jit_view *jit,
          struct trace_events *events, char *message, size_t message_size)
{
    int result = read_log(request, jit, events, message, message_size);

    if (!result && jit->view.path)
        result = read_profile(jit, message, message_size);
    return result ? result : take_times(jit, events);
}

static int
show(const struct request *request, struct jit_view *jit,
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
    struct request request = { 0 };
    struct jit_view jit = { .view = { .limit = 30, .phase = -1 } };
    struct trace_events events = { 0 };
    struct jit_reading reading = { 0 };
    int result = parse(&request, &jit, argc, argv);

    if (result)
        return result;
    if (request.help) {
        fputs(help, stdout);
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
