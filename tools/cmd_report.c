/* SPDX-License-Identifier: MIT */

/* vmprof report: where the time went. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/filter.h"
#include "commands.h"
#include "names.h"
#include "report/view.h"

static const char help[] =
    "Usage: vmprof report [OPTION]... FILE\n"
    "\n"
    "Show where the time went. FILE may be \"-\", the standard input.\n"
    "\n"
    "What to show (without any of these: functions):\n"
    "  -f, --functions      time by function\n"
    "  -l, --lines          time by line\n"
    "  -t, --tree           the call tree, from the outermost functions\n"
    "  -T, --threads        time by thread\n"
    "  -p, --phases         time by what the VM was doing\n"
    "  -j, --json           everything, as JSON\n"
    "\n"
    "How:\n"
    "  -s, --sort ORDER     self (default) or total\n"
    "  -n, --limit N        rows of a table; 0: all; default 30\n"
    "  -m, --min-percent P  leave smaller branches of the tree out; default 1\n"
    "      --thread NAME    one thread alone, by its name or number\n"
    "      --no-native      without machine code: its time is that of the "
    "VM's\n"
    "                       function that called it\n"
    "      --phase PHASE    one phase alone: interpreting, tracing, "
    "optimising,\n"
    "                       backend, compiled, blackhole, gc or native\n"
    "      --held-back      samples that came late alone, as their signal was\n"
    "                       blocked\n"
    "  -h, --help           this text\n";

static const struct option long_options[] = {
    { "functions", no_argument, NULL, 'f' },
    { "lines", no_argument, NULL, 'l' },
    { "tree", no_argument, NULL, 't' },
    { "threads", no_argument, NULL, 'T' },
    { "phases", no_argument, NULL, 'p' },
    { "json", no_argument, NULL, 'j' },
    { "sort", required_argument, NULL, 's' },
    { "limit", required_argument, NULL, 'n' },
    { "min-percent", required_argument, NULL, 'm' },
    { "thread", required_argument, NULL, 'O' },
    { "no-native", no_argument, NULL, 'N' },
    { "phase", required_argument, NULL, 'P' },
    { "held-back", no_argument, NULL, 'H' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    bool functions, lines, tree, threads, phases, json, no_native, help;
};

static int
usage(const char *message, const char *argument)
{
    return usage_error("report", "%s \"%s\"", message, argument);
}

static int
set_order(struct view *view, const char *argument)
{
    if (strcmp(argument, "self") == 0)
        view->order = BY_SELF;
    else if (strcmp(argument, "total") == 0)
        view->order = BY_TOTAL;
    else
        return usage("--sort is self or total, not", argument);
    return 0;
}

static int
set_limit(struct view *view, const char *argument)
{
    char *end;
    unsigned long limit;

    errno = 0;
    limit = strtoul(argument, &end, 10);
    if (*argument < '0' || *argument > '9' || *end || errno || limit > 1000000)
        return usage("--limit is a number up to 1000000, not", argument);
    view->limit = (unsigned)limit;
    return 0;
}

static int
set_min_percent(struct view *view, const char *argument)
{
    char *end;
    const double percent = strtod(argument, &end);

    if (end == argument || *end || !(percent >= 0 && percent <= 100))
        return usage("--min-percent is from 0 to 100, not", argument);
    view->min_percent = percent;
    return 0;
}

static int
set_phase(struct view *view, const char *argument)
{
    view->phase = find_phase(argument);
    return view->phase < 0 ? usage("there is no phase", argument) : 0;
}

static int
take_option(struct request *request, struct view *view, int option)
{
    switch (option) {
    case 'f':
        request->functions = true;
        return 0;
    case 'l':
        request->lines = true;
        return 0;
    case 't':
        request->tree = true;
        return 0;
    case 'T':
        request->threads = true;
        return 0;
    case 'p':
        request->phases = true;
        return 0;
    case 'j':
        request->json = true;
        return 0;
    case 's':
        return set_order(view, optarg);
    case 'n':
        return set_limit(view, optarg);
    case 'm':
        return set_min_percent(view, optarg);
    case 'N':
        request->no_native = true;
        return 0;
    case 'O':
        view->thread = optarg;
        return 0;
    case 'P':
        return set_phase(view, optarg);
    case 'H':
        view->held_back = true;
        return 0;
    case 'h':
        request->help = true;
        return 0;
    }
    return usage_see_help("report");
}

static int
parse(struct request *request, struct view *view, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    while (!result && (option = getopt_long(argc, argv, "fltTpjs:n:m:h",
                                            long_options, NULL)) != -1)
        result = take_option(request, view, option);
    if (result || request->help)
        return result;
    if (!request->lines && !request->tree && !request->threads &&
        !request->phases)
        request->functions = true;
    return usage_take_file("report", argc, argv, &view->path);
}

static int
print_parts(const struct request *request, const struct view *view)
{
    int result;

    if (request->json)
        return report_json(view);
    result = report_header(view);
    if (!result && request->functions)
        result = report_functions(view);
    if (!result && request->lines)
        result = report_lines(view);
    if (!result && request->tree)
        result = report_tree(view);
    if (!result && request->threads)
        result = report_threads(view);
    if (!result && request->phases)
        result = report_phases(view);
    return result;
}

static int
analyse(struct view *view)
{
    int result = tree_finish(&view->tree, &view->profile);

    if (!result)
        result = labels_by_function(&view->functions, &view->profile);
    if (!result)
        result = labels_by_line(&view->lines, &view->profile);
    if (!result)
        view->whole_ns =
            view->tree.sum_ns + unsampled_ns(&view->profile, &view->tree);
    return result;
}

static int
read_file(struct view *view, bool no_native, char *message, size_t message_size)
{
    struct sample_filter filter = { &view->tree, view->phase, view->held_back };
    const bool is_filtered = view->phase >= 0 || view->held_back;
    struct names names;
    int result = names_open(&names, no_native);

    if (result)
        return result;
    result = profile_read(&view->profile, view->path, &names.options,
                          is_filtered ? sample_filter_add : tree_add,
                          is_filtered ? (void *)&filter : &view->tree, message,
                          message_size);
    names_tell(&names);
    names_close(&names);
    return result;
}

static int
fail(const char *message)
{
    fprintf(stderr, "vmprof: %s\n", message);
    return STATUS_FAILED;
}

static int
report(const struct request *request, struct view *view)
{
    char message[512];
    int result = read_file(view, request->no_native, message, sizeof(message));

    if (result && *message)
        return fail(message);
    if (!result && view->thread &&
        !tree_keep_thread(&view->tree, &view->profile, view->thread)) {
        snprintf(message, sizeof(message),
                 "%s has no thread \"%s\"; --threads lists them", view->path,
                 view->thread);
        return fail(message);
    }
    if (!result)
        result = analyse(view);
    if (!result)
        result = print_parts(request, view);
    return result ? fail("not enough memory for the report") : STATUS_DONE;
}

int
cmd_report(int argc, char **argv)
{
    struct request request = { 0 };
    struct view view = { .limit = 30, .min_percent = 1, .phase = -1 };
    int result = parse(&request, &view, argc, argv);

    if (result)
        return result;
    if (request.help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    terminal_open(&view.terminal, stdout);
    result = report(&request, &view);
    labels_free(&view.functions);
    labels_free(&view.lines);
    tree_free(&view.tree);
    profile_free(&view.profile);
    return result;
}
