/* SPDX-License-Identifier: MIT */

/* vmprof events: what happened when, as the VM told it. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "event_options.h"
#include "report/events_view.h"
#include "report/gathered_view.h"
#include "types_options.h"

static const char help[] =
    "Usage: vmprof events [OPTION]... FILE\n"
    "\n"
    "Show the events of the VM that vmprof record --events recorded, in the\n"
    "order of time: calls and returns, lines, exceptions, collections and "
    "what\n"
    "else the VM tells of; how long each call took, each collection, each "
    "stay\n"
    "in compiled code; and at the end what is missing.\n"
    "\n"
    "What to show:\n"
    "  -c, --code PATTERN    events in functions of that name, or that call "
    "one,\n"
    "                        such as 'parse_*'\n"
    "  -t, --thread THREAD   of one thread, by its name or number\n"
    "  -k, --kind KIND,...   of these kinds, or groups of them, as of vmprof\n"
    "                        record --events\n"
    "      --from TIME       not before, since the start: 1.5s, 20ms, 7us\n"
    "      --until TIME      not after; also called --to\n"
    "  -n, --limit N         so many events; 0: all; default 100, of JSON all\n"
    "\n"
    "In place of the events, what vmprof record --tool gathered:\n"
    "      --counters        how often each event was, by function\n"
    "      --coverage        which lines have run\n"
    "      --annotate SOURCE with --coverage: the lines of a source file, "
    "those\n"
    "                        that ran marked with +, those that did not with "
    "-\n"
    "      --source-name NAME what FILE calls SOURCE, if that is not found\n"
    "      --callgraph       who called whom, and how often\n"
    "\n"
    "How:\n"
    "  -j, --json            as one JSON object\n"
    "      --ndjson          as JSON, an event a line\n"
    "  -h, --help            this text\n";

enum {
    OPTION_NDJSON = 256,
    OPTION_COUNTERS,
    OPTION_COVERAGE,
    OPTION_CALLGRAPH,
    OPTION_ANNOTATE,
    OPTION_SOURCE_NAME,
    DEFAULT_LIMIT = 100,
};

static const struct option long_options[] = {
    EVENT_FILTER_OPTIONS,
    { "to", required_argument, NULL, EVENT_OPTION_UNTIL },
    { "limit", required_argument, NULL, 'n' },
    { "counters", no_argument, NULL, OPTION_COUNTERS },
    { "coverage", no_argument, NULL, OPTION_COVERAGE },
    { "callgraph", no_argument, NULL, OPTION_CALLGRAPH },
    { "annotate", required_argument, NULL, OPTION_ANNOTATE },
    { "source-name", required_argument, NULL, OPTION_SOURCE_NAME },
    { "json", no_argument, NULL, 'j' },
    { "ndjson", no_argument, NULL, OPTION_NDJSON },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    struct events_view events;
    struct gathered_wish gathered;
    const char *source, *source_name;
    bool json, ndjson, help, has_limit, has_filter;
};

static bool
wants_gathered(const struct request *request)
{
    return request->gathered.counters || request->gathered.coverage ||
           request->gathered.callgraph;
}

static int
take_gathered(struct request *request, int option)
{
    switch (option) {
    case OPTION_COUNTERS:
        request->gathered.counters = true;
        return 0;
    case OPTION_COVERAGE:
        request->gathered.coverage = true;
        return 0;
    case OPTION_CALLGRAPH:
        request->gathered.callgraph = true;
        return 0;
    case OPTION_ANNOTATE:
        request->source = optarg;
        return 0;
    case OPTION_SOURCE_NAME:
        request->source_name = optarg;
        return 0;
    }
    return usage_see_help("events");
}

/* Options that would do nothing are mistakes. */
static int
check_gathered(const struct request *request)
{
    const struct gathered_wish *wish = &request->gathered;

    if (request->source && !wish->coverage)
        return usage_error("events", "--annotate needs --coverage");
    if (request->source_name && !request->source)
        return usage_error("events", "--source-name needs --annotate");
    if (request->source && request->json)
        return usage_error("events", "--annotate or --json, not both");
    if (wants_gathered(request) && (request->has_filter || request->ndjson))
        return usage_error("events",
                           "--code, --thread, --kind, --from, --until "
                           "and --ndjson are of the events alone");
    if (wants_gathered(request) && request->has_limit && request->json)
        return usage_error("events", "--limit is of events and of tables: all "
                                     "that was gathered is in the JSON");
    return 0;
}

static int
take_option(struct request *request, int option)
{
    struct events_view *events = &request->events;

    if (is_filter_option(option)) {
        request->has_filter = true;
        return take_filter("events", &events->filter, option);
    }
    switch (option) {
    case 't':
        return take_option(request, EVENT_OPTION_THREAD);
    case 'n':
        request->has_limit = true;
        return take_count("events", "--limit", optarg, 0, &events->view.limit);
    case 'j':
        request->json = true;
        return 0;
    case OPTION_NDJSON:
        request->ndjson = true;
        return 0;
    case 'h':
        request->help = true;
        return 0;
    }
    return take_gathered(request, option);
}

static int
parse(struct request *request, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    while (!result && (option = getopt_long(argc, argv, "c:t:k:n:jh",
                                            long_options, NULL)) != -1)
        result = take_option(request, option);
    if (result || request->help)
        return result;
    if (request->json && request->ndjson)
        return usage_error("events", "--json or --ndjson, not both");
    result = check_gathered(request);
    if (result)
        return result;
    result = check_filter("events", &request->events.filter);
    if (result)
        return result;
    if (!request->has_limit && !request->json && !request->ndjson)
        request->events.view.limit = DEFAULT_LIMIT;
    return usage_take_file("events", argc, argv, &request->events.view.path);
}

static int
show(struct request *request)
{
    struct events_view *events = &request->events;
    int result = events_view_finish(events);

    if (result)
        return result;
    if (request->json)
        return report_events_json(events);
    if (request->ndjson)
        return report_events_ndjson(events);
    return report_events(events);
}

static int
show_gathered(struct request *request)
{
    const struct view *view = &request->events.view;
    const struct gathered_wish *wish = &request->gathered;
    int result = 0;

    if (request->json)
        return report_gathered_json(view, wish);
    if (wish->counters)
        result = report_event_counts(view);
    if (wish->coverage && !result)
        result = request->source ? report_coverage_source(view, request->source,
                                                          request->source_name)
                                 : report_coverage(view);
    if (wish->callgraph && !result)
        result = report_call_graph(view);
    if (!result)
        report_damage(view);
    return result;
}

/* The first tool whose rows are asked for and not there, or NULL. */
static const char *
find_missing(const struct request *request)
{
    const struct gathered *gathered = &request->events.view.profile.gathered;
    const struct gathered_wish *wish = &request->gathered;

    if (wish->counters && !gathered->has_counts)
        return "counters";
    if (wish->coverage && !gathered->has_lines)
        return "coverage";
    if (wish->callgraph && !gathered->has_calls)
        return "callgraph";
    return NULL;
}

static int
run_gathered(struct request *request)
{
    struct view *view = &request->events.view;
    const struct read_options options = {
        .no_native = true,
        .show_progress = true,
        .summed = true,
    };
    const char *missing;
    char message[512] = "";
    int result = profile_read(&view->profile, view->path, &options, NULL, NULL,
                              message, sizeof(message));

    if (result && *message) {
        fprintf(stderr, "vmprof: %s\n", message);
        return STATUS_FAILED;
    }
    missing = result ? NULL : find_missing(request);
    if (missing) {
        fprintf(stderr,
                "vmprof: %s has nothing of the tool %s: vmprof record --tool "
                "%s begins it, of VMs that tell of events\n",
                view->path, missing, missing);
        return STATUS_FAILED;
    }
    if (!result)
        result = show_gathered(request);
    if (result == -ENOMEM)
        fprintf(stderr, "vmprof: %s: not enough memory\n", view->path);
    return result ? STATUS_FAILED : STATUS_DONE;
}

/* Why a file holds none. */
static int
fail_without_events(const struct events_view *events)
{
    fprintf(stderr,
            "vmprof: %s holds no events: vmprof record --events KIND,... "
            "records them, of VMs that tell of events\n",
            events->view.path);
    return STATUS_FAILED;
}

static bool
has_recorder(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->session_count; i++)
        if (profile->sessions[i].recorded)
            return true;
    return false;
}

static int
run(struct request *request)
{
    struct events_view *events = &request->events;
    const struct read_options options = {
        .no_native = true,
        .show_progress = true,
        .summed = true,
        .on_recorded = recorded_add,
        .recorded_user = &events->list,
    };
    char message[512] = "";
    int result = profile_read(&events->view.profile, events->view.path,
                              &options, NULL, NULL, message, sizeof(message));

    if (result && *message) {
        fprintf(stderr, "vmprof: %s\n", message);
        return STATUS_FAILED;
    }
    if (!result && !has_recorder(&events->view.profile))
        return fail_without_events(events);
    if (!result &&
        event_filter_check(&events->filter, &events->view.profile,
                           events->view.path, message, sizeof(message))) {
        fprintf(stderr, "vmprof: %s\n", message);
        return STATUS_FAILED;
    }
    if (!result)
        result = show(request);
    if (!result)
        return STATUS_DONE;
    fprintf(stderr, "vmprof: %s: not enough memory\n", events->view.path);
    return STATUS_FAILED;
}

int
cmd_events(int argc, char **argv)
{
    struct request request = {
        .events = { .filter = EVENT_FILTER_ALL, .view = { .phase = -1 } },
    };
    int status = parse(&request, argc, argv);

    if (status)
        return status;
    if (request.help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    terminal_open(&request.events.view.terminal, stdout);
    status = wants_gathered(&request) ? run_gathered(&request) : run(&request);
    events_view_free(&request.events);
    return status;
}
