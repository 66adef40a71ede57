/* SPDX-License-Identifier: MIT */

/* The command line of `vmprof jit`. */
#include "jit_options.h"

#include <getopt.h>
#include <string.h>

#include "commands.h"
#include "read/jit_log.h"
#include "types_options.h"

const char jit_help[] =
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
set_inner(struct jit_request *request, const char *argument)
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
set_calls(struct jit_request *request, const char *argument)
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
take_policy(struct jit_request *request, int option)
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
take_option(struct jit_request *request, struct jit_view *jit, int option)
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
take_file(struct jit_request *request, struct jit_view *jit, int argc,
          char **argv)
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

int
jit_options(struct jit_request *request, struct jit_view *jit, int argc,
            char **argv)
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
