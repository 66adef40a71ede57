/* SPDX-License-Identifier: MIT */

/* vmprof diff: what became of the types that bytecodes met. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "commands.h"
#include "report/types_diff.h"
#include "types_options.h"

static const char help[] =
    "Usage: vmprof diff [OPTION]... BEFORE AFTER\n"
    "\n"
    "Show what changed between two type profiles: which bytecodes met more "
    "types\n"
    "and which fewer, in what shares, and where only one of the profiles has "
    "any.\n"
    "\n"
    "  -j, --json             the same as JSON\n"
    "  -f, --function PATTERN functions whose names fit a shell pattern\n"
    "  -n, --limit N          sites of each kind of change; 0: all; default "
    "20\n"
    "      --points P         by how many percentage points a share differs "
    "at\n"
    "                         least; default 10\n"
    "      --min-hits N       sites with fewer hits are not compared, unless "
    "each\n"
    "                         of their bytecodes was a hit; default 10\n"
    "      --min-percent P    tuples of types with a smaller share of a site "
    "do\n"
    "                         not count for its kind; default 1\n"
    "      --poly N           more tuples than this make a site megamorphic, "
    "as\n"
    "                         <other> does; default 4\n"
    "  -h, --help             this text\n";

static const struct option long_options[] = {
    { "json", no_argument, NULL, 'j' },
    { "function", required_argument, NULL, 'f' },
    { "limit", required_argument, NULL, 'n' },
    { "points", required_argument, NULL, 'P' },
    { "min-hits", required_argument, NULL, 'H' },
    { "min-percent", required_argument, NULL, 'm' },
    { "poly", required_argument, NULL, 'p' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    struct types_view before, after;
    struct diff_rule rule;
    bool json, help;
};

static int
take_option(struct request *request, int option)
{
    switch (option) {
    case 'j':
        request->json = true;
        return 0;
    case 'f':
        request->before.function = request->after.function = optarg;
        return 0;
    case 'n':
        return take_count("diff", "--limit", optarg, 0,
                          &request->after.view.limit);
    case 'P':
        return take_percent("diff", "--points", optarg, &request->rule.points);
    case 'H':
        return take_count("diff", "--min-hits", optarg, 1,
                          &request->rule.min_hits);
    case 'm':
        return take_min_percent("diff", optarg, &request->rule.kinds);
    case 'p':
        return take_poly("diff", optarg, &request->rule.kinds);
    case 'h':
        request->help = true;
        return 0;
    }
    return usage_see_help("diff");
}

static int
parse(struct request *request, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    while (!result && (option = getopt_long(argc, argv, "jf:n:h", long_options,
                                            NULL)) != -1)
        result = take_option(request, option);
    if (result || request->help)
        return result;
    if (argc - optind != 2)
        return usage_error("diff", "it takes two files, BEFORE and AFTER");
    request->before.view.path = argv[optind];
    request->after.view.path = argv[optind + 1];
    if (strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
        return usage_error("diff", "only one file can be standard input");
    request->before.rule = request->after.rule = request->rule.kinds;
    return 0;
}

static int
show(const struct request *request)
{
    struct types_diff diff = {
        .before = { &request->before.view.profile, &request->before.groups },
        .after = { &request->after.view.profile, &request->after.groups },
        .rule = request->rule,
    };
    int result = types_diff_make(&diff);

    if (!result && request->json)
        result =
            report_types_diff_json(&diff, &request->before, &request->after);
    else if (!result)
        result = report_types_diff(&diff, &request->before, &request->after);
    types_diff_free(&diff);
    if (!result)
        return STATUS_DONE;
    fputs("vmprof: not enough memory\n", stderr);
    return STATUS_FAILED;
}

int
cmd_diff(int argc, char **argv)
{
    struct request request = {
        .before = { .view = { .phase = -1 } },
        .after = { .view = { .limit = 20, .phase = -1 } },
        .rule = { { USUAL_MIN_PERCENT, USUAL_MOST }, 10, 10 },
    };
    int result = parse(&request, argc, argv);

    if (result)
        return result;
    if (request.help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    terminal_open(&request.before.view.terminal, stdout);
    terminal_open(&request.after.view.terminal, stdout);
    result = STATUS_FAILED;
    if (!types_read(&request.before) && !types_read(&request.after))
        result = show(&request);
    types_free(&request.before);
    types_free(&request.after);
    return result;
}
