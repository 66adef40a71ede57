/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../commands.h"
#include "../event_options.h"

static const struct option long_options[] = {
    { "output", required_argument, NULL, 'o' },
    { "interval", required_argument, NULL, 'i' },
    { "rate", required_argument, NULL, 'r' },
    { "mode", required_argument, NULL, 'm' },
    { "clock", required_argument, NULL, 'c' },
    { "sampling", required_argument, NULL, 's' },
    { "native", optional_argument, NULL, 'g' },
    { "format", required_argument, NULL, 'f' },
    { "memory", no_argument, NULL, 'M' },
    { "lines", no_argument, NULL, 'L' },
    { "jit", optional_argument, NULL, 'J' },
    { "jit-inner", required_argument, NULL, 'I' },
    { "jit-overflow", required_argument, NULL, 'O' },
    { "events", required_argument, NULL, 'E' },
    { "event-period", required_argument, NULL, 'P' },
    { "event-rate", required_argument, NULL, 'R' },
    { "tool", required_argument, NULL, 'T' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

static int
usage(const char *message, const char *argument)
{
    return usage_error("record", "%s \"%s\"", message, argument);
}

static int
set_interval(struct record_options *options, const char *argument)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 } };
    char *end;
    const double number = strtod(argument, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != argument && strcmp(end, units[i].name) == 0)
            options->interval = number * units[i].seconds;
    /* 0.001ms is a bit less than 1us in binary. */
    if (options->interval > 0.999999e-6 && options->interval < 1)
        return 0;
    return usage("--interval is at least 1us and below 1 s, not", argument);
}

static int
set_rate(struct record_options *options, const char *argument)
{
    char *end;
    const double rate = strtod(argument, &end);

    if (end == argument || *end || !(rate > 1 && rate <= 1e6))
        return usage("--rate is above 1 and at most 1000000, not", argument);
    options->interval = 1 / rate;
    return 0;
}

static int
set_word(const char **to, const char *argument, const char *const words[],
         const char *message)
{
    for (; *words; words++)
        if (strcmp(argument, *words) == 0) {
            *to = *words;
            return 0;
        }
    return usage(message, argument);
}

static int
set_format(struct record_options *options, const char *argument)
{
    static const char *const formats[] = { "native", "vmprof-log", NULL };
    const int result = set_word(&options->recording.format, argument, formats,
                                "--format is native or vmprof-log, not");

    if (!result && strcmp(options->recording.format, "native") == 0)
        options->recording.format = NULL;
    return result;
}

static const char *const tools[] = { "coverage", "callgraph", "counters",
                                     NULL };

/* The place of a tool in the list, or -1. */
static int
find_tool(const char *name, size_t size)
{
    for (int i = 0; tools[i]; i++)
        if (strlen(tools[i]) == size && memcmp(tools[i], name, size) == 0)
            return i;
    return -1;
}

/* Names with commas in between; further ones add to them. */
static int
add_tools(struct record_options *options, const char *argument)
{
    for (const char *at = argument;; at++) {
        const size_t size = strcspn(at, ",");
        const int tool = find_tool(at, size);

        if (tool < 0)
            return usage("--tool is coverage, callgraph or counters, not",
                         argument);
        options->tools |= 1u << tool;
        at += size;
        if (!*at)
            return 0;
    }
}

/* All of them in one list. */
static void
join_tools(struct record_options *options)
{
    char *to = options->tool_list;

    for (int i = 0; tools[i]; i++)
        if (options->tools >> i & 1) {
            to = stpcpy(to, to == options->tool_list ? "" : ",");
            to = stpcpy(to, tools[i]);
        }
    options->recording.tools = options->tools ? options->tool_list : NULL;
}

static int
set_events(struct record_options *options, const char *argument)
{
    uint64_t events;

    options->recording.events = argument;
    return take_events("record", "--events", argument, &events);
}

/* As it stands there: autostart takes the same digits. */
static int
set_count(const char **to, const char *argument, uint64_t most,
          const char *message)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(argument, &end, 10);
    if (*argument < '0' || *argument > '9' || *end || errno || !number ||
        number > most)
        return usage(message, argument);
    *to = argument;
    return 0;
}

static int
take_option(struct record_options *options, int option)
{
    static const char *const modes[] = { "cpu", "wall", NULL };
    static const char *const clocks[] = { "auto", "perf",     "monotonic",
                                          "cpu",  "observer", NULL };
    static const char *const samplings[] = { "auto", "signal", NULL };
    static const char *const natives[] = { "copy", "fp", NULL };
    static const char *const emits[] = { "current", "count", "event", NULL };
    static const char *const inners[] = { "count", "ignore", "each", "auto",
                                          NULL };
    static const char *const overflows[] = { "drop", "newest", "block", NULL };

    switch (option) {
    case 'o':
        options->output = optarg;
        return *optarg && strcmp(optarg, "-") != 0
                   ? 0
                   : usage("--output is the name of a file, not", optarg);
    case 'i':
        options->interval = 0;
        options->has_interval = true;
        return set_interval(options, optarg);
    case 'r':
        options->has_rate = true;
        return set_rate(options, optarg);
    case 'm':
        return set_word(&options->recording.mode, optarg, modes,
                        "--mode is cpu or wall, not");
    case 'c':
        return set_word(&options->recording.clock, optarg, clocks,
                        "--clock is auto, perf, monotonic, cpu or observer, "
                        "not");
    case 's':
        return set_word(&options->recording.sampling, optarg, samplings,
                        "--sampling is auto or signal, not");
    case 'g':
        return set_word(&options->recording.native, optarg ? optarg : "copy",
                        natives, "--native is copy or fp, not");
    case 'f':
        return set_format(options, optarg);
    case 'M':
        options->recording.memory = true;
        return 0;
    case 'L':
        options->recording.lines = true;
        return 0;
    case 'J':
        return set_word(&options->recording.jit, optarg ? optarg : "event",
                        emits, "--jit is current, count or event, not");
    case 'I':
        return set_word(&options->recording.jit_inner, optarg, inners,
                        "--jit-inner is count, ignore, each or auto, not");
    case 'O':
        return set_word(&options->recording.jit_overflow, optarg, overflows,
                        "--jit-overflow is drop, newest or block, not");
    case 'E':
        return set_events(options, optarg);
    case 'P':
        return set_count(&options->recording.event_period, optarg,
                         UINT64_C(1) << 31,
                         "--event-period is a number from 1 to 2147483648, "
                         "not");
    case 'R':
        return set_count(&options->recording.event_rate, optarg, 1000000000,
                         "--event-rate is a number from 1 to 1000000000, not");
    case 'T':
        return add_tools(options, optarg);
    case 'q':
        options->quiet = true;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    }
    return usage_see_help("record");
}

/* There are events in the native format alone. */
static int
check_jit(const struct record_options *options)
{
    const struct recording *const recording = &options->recording;
    const bool has_events =
        recording->jit && strcmp(recording->jit, "event") == 0;

    if (recording->jit && recording->format)
        return usage_error("record", "--jit is of --format native");
    if (!has_events && (recording->jit_inner || recording->jit_overflow))
        return usage_error("record", "--jit-inner and --jit-overflow are of "
                                     "--jit=event");
    return 0;
}

static int
check_events(const struct record_options *options)
{
    const struct recording *const recording = &options->recording;

    if (recording->events && recording->format)
        return usage_error("record", "--events is of --format native");
    if (recording->tools && recording->format)
        return usage_error("record", "--tool is of --format native");
    if (!recording->events &&
        (recording->event_period || recording->event_rate))
        return usage_error("record", "--event-period and --event-rate are of "
                                     "--events");
    return 0;
}

static int
parse(struct record_options *options, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    /* "+": options behind COMMAND are COMMAND's. */
    while (!result && (option = getopt_long(argc, argv, "+o:i:r:m:c:s:g::f:qh",
                                            long_options, NULL)) != -1)
        result = take_option(options, option);
    join_tools(options);
    if (result || options->help)
        return result;
    if (optind == argc)
        return usage_error("record", "COMMAND is missing");
    if (options->has_interval && options->has_rate)
        return usage_error("record", "--interval and --rate say the same: "
                                     "leave one out");
    if (strcmp(options->recording.mode, "wall") == 0 &&
        strcmp(options->recording.clock, "auto") != 0)
        return usage("--mode wall needs no --clock; leave out",
                     options->recording.clock);
    if (strcmp(options->recording.mode, "wall") == 0 &&
        strcmp(options->recording.sampling, "auto") != 0)
        return usage("--mode wall needs no --sampling; leave out",
                     options->recording.sampling);
    if (strcmp(options->recording.mode, "wall") == 0 &&
        options->recording.native)
        return usage_error("record", "--native needs the signals of --mode "
                                     "cpu");
    if (!options->recording.format &&
        (options->recording.memory || options->recording.lines))
        return usage_error("record", "--memory and --lines are of --format "
                                     "vmprof-log");
    result = check_jit(options);
    return result ? result : check_events(options);
}

int
record_options_parse(struct record_options *options, int argc, char **argv)
{
    const int result = parse(options, argc, argv);

    options->argv = argv + optind;
    return result;
}
