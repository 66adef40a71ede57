/* SPDX-License-Identifier: MIT */

/* vmprof types: which types the bytecodes of a program met. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report/types_view.h"
#include "types_options.h"

static const char help[] =
    "Usage: vmprof types [OPTION]... FILE\n"
    "\n"
    "Show which types the operands of bytecodes had, by function and line. "
    "FILE\n"
    "may be \"-\", the standard input.\n"
    "\n"
    "What to write (without any of these: a table):\n"
    "  -j, --json             everything, as JSON\n"
    "      --ndjson           a row a line for each tuple of types, for "
    "stores\n"
    "                         such as DuckDB and ClickHouse\n"
    "      --annotate SOURCE  the lines of a source file, their types beside "
    "them\n"
    "      --source-name NAME what FILE calls SOURCE, if that is not found\n"
    "\n"
    "How:\n"
    "  -f, --function PATTERN functions whose names fit a shell pattern, such "
    "as\n"
    "                         'parse_*'\n"
    "  -k, --kind KIND,...    sites of these kinds: mono, poly, mega, none or\n"
    "                         unseen; default: all but none, whose hits had "
    "no\n"
    "                         types; all\n"
    "  -s, --sort ORDER       hits (default), line, or kind: most types first\n"
    "  -n, --limit N          sites in the table; 0: all; default 50\n"
    "      --min-percent P    tuples of types with a smaller share of a site "
    "do\n"
    "                         not count for its kind; default 1\n"
    "      --poly N           more tuples than this make a site megamorphic, "
    "as\n"
    "                         <other> does; default 4\n"
    "      --host NAME        what the rows of --ndjson say of their origin\n"
    "      --service NAME\n"
    "      --service-version NAME\n"
    "  -h, --help             this text\n";

enum {
    OPTION_NDJSON = 256,
    OPTION_ANNOTATE,
    OPTION_SOURCE_NAME,
    OPTION_HOST,
    OPTION_SERVICE,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    { "json", no_argument, NULL, 'j' },
    { "ndjson", no_argument, NULL, OPTION_NDJSON },
    { "annotate", required_argument, NULL, OPTION_ANNOTATE },
    { "source-name", required_argument, NULL, OPTION_SOURCE_NAME },
    { "function", required_argument, NULL, 'f' },
    { "kind", required_argument, NULL, 'k' },
    { "sort", required_argument, NULL, 's' },
    { "limit", required_argument, NULL, 'n' },
    { "min-percent", required_argument, NULL, 'm' },
    { "poly", required_argument, NULL, 'p' },
    { "host", required_argument, NULL, OPTION_HOST },
    { "service", required_argument, NULL, OPTION_SERVICE },
    { "service-version", required_argument, NULL, OPTION_VERSION },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

struct request {
    const char *source, *source_name;
    bool json, ndjson, help;
};

static int
usage(const char *message, const char *argument)
{
    return usage_error("types", "%s \"%s\"", message, argument);
}

static int
set_order(struct types_view *types, const char *argument)
{
    static const char *const names[] = {
        [BY_HITS] = "hits",
        [BY_LINE] = "line",
        [BY_KIND] = "kind",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(argument, names[i]) == 0) {
            types->order = (enum site_order)i;
            return 0;
        }
    return usage("--sort is hits, line or kind, not", argument);
}

static int
set_kinds(struct types_view *types, char *argument)
{
    char *rest = argument;

    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        const enum site_kind kind = find_site_kind(name);

        if (strcmp(name, "all") == 0)
            types->kinds = (1u << SITE_KINDS) - 1;
        else if (kind == SITE_KINDS)
            return usage("--kind is mono, poly, mega, none, unseen or all, not",
                         name);
        else
            types->kinds |= 1u << kind;
    }
    return 0;
}

static int
take_origin(struct types_view *types, int option)
{
    switch (option) {
    case OPTION_HOST:
        types->host = optarg;
        return 0;
    case OPTION_SERVICE:
        types->service = optarg;
        return 0;
    case OPTION_VERSION:
        types->version = optarg;
        return 0;
    }
    return usage_see_help("types");
}

static int
take_option(struct request *request, struct types_view *types, int option)
{
    switch (option) {
    case 'j':
        request->json = true;
        return 0;
    case OPTION_NDJSON:
        request->ndjson = true;
        return 0;
    case OPTION_ANNOTATE:
        request->source = optarg;
        return 0;
    case OPTION_SOURCE_NAME:
        request->source_name = optarg;
        return 0;
    case 'f':
        types->function = optarg;
        return 0;
    case 'k':
        return set_kinds(types, optarg);
    case 's':
        return set_order(types, optarg);
    case 'n':
        return take_count("types", "--limit", optarg, 0, &types->view.limit);
    case 'm':
        return take_min_percent("types", optarg, &types->rule);
    case 'p':
        return take_poly("types", optarg, &types->rule);
    case 'h':
        request->help = true;
        return 0;
    }
    return take_origin(types, option);
}

/* Options that would do nothing are mistakes. */
static int
check(const struct request *request, struct types_view *types)
{
    if (request->json + request->ndjson + (request->source != NULL) > 1)
        return usage_error(
            "types", "only one of --json, --ndjson and --annotate is possible");
    if (request->source_name && !request->source)
        return usage_error("types", "--source-name needs --annotate");
    if (request->json && !types->kinds)
        types->kinds = (1u << SITE_KINDS) - 1;
    if (request->ndjson && types->kinds)
        return usage_error("types", "--kind is not for --ndjson");
    if (!request->ndjson && (types->host || types->service || types->version))
        return usage_error(
            "types", "--host, --service and --service-version need --ndjson");
    return 0;
}

static int
parse(struct request *request, struct types_view *types, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    while (!result && (option = getopt_long(argc, argv, "jf:k:s:n:h",
                                            long_options, NULL)) != -1)
        result = take_option(request, types, option);
    if (result || request->help)
        return result;
    result = check(request, types);
    return result ? result
                  : usage_take_file("types", argc, argv, &types->view.path);
}

static int
print_text(const struct request *request, const struct types_view *types)
{
    int result = report_types_header(types);

    if (result)
        return result;
    if (request->source)
        return report_types_source(types, request->source,
                                   request->source_name);
    return report_types(types);
}

static int
print_any(const struct request *request, const struct types_view *types)
{
    if (request->json)
        return report_types_json(types);
    if (request->ndjson)
        return report_types_rows(types);
    return print_text(request, types);
}

static int
show(const struct request *request, struct types_view *types)
{
    int result = types_read(types);

    if (!result)
        result = print_any(request, types);
    if (result == -ENOMEM)
        fputs("vmprof: not enough memory\n", stderr);
    return result ? STATUS_FAILED : STATUS_DONE;
}

int
cmd_types(int argc, char **argv)
{
    struct request request = { 0 };
    struct types_view types = {
        .view = { .limit = 50, .phase = -1 },
        .rule = { USUAL_MIN_PERCENT, USUAL_MOST },
    };
    int result = parse(&request, &types, argc, argv);

    if (result)
        return result;
    if (request.help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    terminal_open(&types.view.terminal, stdout);
    result = show(&request, &types);
    types_free(&types);
    return result;
}
