/* SPDX-License-Identifier: MIT */

#include "options.h"

#include "events.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/interp.h>

#define THREADS_MAX 1000
#define COUNT_MAX   1000000 /* of a threshold */

static const char usage[] =
    "usage: toyvm [OPTION...] PROGRAM [ARGUMENT...]\n"
    "  --profile FILE      write a profile\n"
    "  --interval SECONDS  between samples, default 0.001\n"
    "  --mode cpu|wall     profile CPU time (default) or time that passes\n"
    "  --threads N         run the program in N threads at once\n"
    "  --truth             print the CPU time of each function, measured by\n"
    "                      clock, as a line of JSON at the end\n"
    "  --types FILE        write the types that operators were used with, a "
    "row\n"
    "                      of JSON a line, at the end\n"
    "  --types-truth FILE  the same, counted by the VM itself, for comparison\n"
    "  -X jit-profile-interp           profile bytecodes and types\n"
    "  -X jit-profile-interp-period=N  one bytecode in N\n"
    "  -X jit-profile-interp-jitter    N on average\n"
    "  --save-types FILE   write these types for the JIT of a later run\n"
    "  --jit-truth FILE    write the traces, the edges between them and the\n"
    "                      times in them, counted by the JIT itself\n"
    "  -X jit=off|on|threaded          compile, to machine code if there is a\n"
    "                                  generator for the machine\n"
    "  -X jit-disable                  the same as jit=off, which is the "
    "default\n"
    "  -X jit-hot=N                    rounds until a loop is compiled\n"
    "  -X jit-bridge=N                 failures until a guard gets a bridge\n"
    "  -X jit-emits=current,count,event  what edges between traces tell the\n"
    "                                  profiler; else what it wants\n"
    "  -X jit-inner=count|ignore|each|auto  of inner bridges, with --profile\n"
    "  -X jit-types=FILE               types that were saved\n"
    "  -X jit-sinks=DIRECTORY          tell perf, gdb and unwinders of traces\n"
    "  -X jit-truth-clock=cpu|ticks|none  the clock of --jit-truth\n"
    "  -X events=NAME,...              print these events on stderr; or all\n"
    "  -X events-once                  each of a place the first time only\n"
    "  -X events-locals                lines with the variables that there "
    "are\n"
    "  -X events-fail                  the tool that prints answers with an "
    "error\n"
    "  --help\n";

static int
misuse(const char *message, const char *value)
{
    fprintf(stderr, "toyvm: %s%s\n%s", message, value, usage);
    return MISUSE;
}

static int
parse_count(const char *text, uint32_t *count)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (!*text || *text == '-' || *end || number < 1 || number > COUNT_MAX)
        return misuse("must be 1 to 1000000: ", text);
    *count = (uint32_t)number;
    return 0;
}

/* One of some words, by its place among them; -1: none of them. */
static int
find_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    return -1;
}

static int
parse_backend(struct settings *settings, const char *text)
{
    static const char *const words[] = { "off", "on", "threaded", NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit must be off, on or threaded, not ", text);
    settings->jit.backend = (enum jit_backend)word;
    return 0;
}

static int
parse_clock(struct settings *settings, const char *text)
{
    static const char *const words[] = { "none", "cpu", "ticks", NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit-truth-clock must be cpu, ticks or none, not ", text);
    settings->jit.clock = (enum jit_truth_clock)word;
    return 0;
}

static int
parse_inner(struct settings *settings, const char *text)
{
    static const char *const words[] = { "count", "ignore", "each", "auto",
                                         NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit-inner must be count, ignore, each or auto, not ",
                      text);
    settings->jit_inner = (enum vmprof_jit_inner)word;
    return 0;
}

static int
parse_types(struct settings *settings, const char *text)
{
    settings->jit_types = text;
    return 0;
}

static int
parse_sinks(struct settings *settings, const char *text)
{
    settings->sinks = text;
    return *text == '/' ? 0
                        : misuse("jit-sinks must begin with a /, not ", text);
}

/* Some of these, with commas between them. */
static int
parse_emits(struct settings *settings, const char *text)
{
    static const char *const words[] = { "current", "count", "event" };
    const char *rest = text;

    settings->jit.emits = 0;
    while (*rest) {
        size_t length = strcspn(rest, ","), i = 0;

        while (i < 3 &&
               (strncmp(rest, words[i], length) != 0 || words[i][length]))
            i++;
        if (i == 3)
            return misuse("jit-emits must be some of current, count and event, "
                          "not ",
                          text);
        settings->jit.emits |= 1u << i;
        rest += length + (rest[length] == ',');
    }
    return 0;
}

static int
parse_hot(struct settings *settings, const char *text)
{
    return parse_count(text, &settings->jit.hot);
}

static int
parse_bridge(struct settings *settings, const char *text)
{
    return parse_count(text, &settings->jit.bridge);
}

static int
parse_period(struct settings *settings, const char *text)
{
    char *end;

    (void)settings;
    if (!*text || *text == '-' ||
        vmprof_set_profile_interp_period(strtoull(text, &end, 10)) || *end)
        return misuse("not a period: ", text);
    return 0;
}

static int
parse_events(struct settings *settings, const char *text)
{
    const char *wrong;

    return events_parse(text, &settings->events, &wrong)
               ? 0
               : misuse("there is no event called ", wrong);
}

static int
parse_extra(struct settings *settings, const char *option)
{
    static const struct {
        const char *name;
        int (*parse)(struct settings *settings, const char *text);
    } values[] = {
        { "jit-profile-interp-period=", parse_period },
        { "jit=", parse_backend },
        { "jit-hot=", parse_hot },
        { "jit-bridge=", parse_bridge },
        { "jit-emits=", parse_emits },
        { "jit-inner=", parse_inner },
        { "jit-types=", parse_types },
        { "jit-sinks=", parse_sinks },
        { "jit-truth-clock=", parse_clock },
        { "events=", parse_events },
    };

    if (strcmp(option, "jit-profile-interp") == 0) {
        (void)vmprof_set_profile_interp_all(1);
        return 0;
    }
    if (strcmp(option, "jit-profile-interp-jitter") == 0) {
        (void)vmprof_set_profile_interp_jitter(1);
        return 0;
    }
    if (strcmp(option, "events-once") == 0) {
        events_answer(VMPROF_EVENT_DISABLE);
        return 0;
    }
    if (strcmp(option, "events-locals") == 0) {
        events_print_locals();
        return 0;
    }
    if (strcmp(option, "events-fail") == 0) {
        events_answer(-ECANCELED);
        return 0;
    }
    if (strcmp(option, "jit-disable") == 0) {
        settings->jit.backend = JIT_OFF;
        return 0;
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        size_t length = strlen(values[i].name);

        if (strncmp(option, values[i].name, length) == 0)
            return values[i].parse(settings, option + length);
    }
    return misuse("no such -X option: ", option);
}

static int
parse_option(struct settings *settings, int option)
{
    char *end = NULL;

    switch (option) {
    case 'p':
        settings->profile = optarg;
        return 0;
    case 'i':
        settings->interval = strtod(optarg, &end);
        if (*end || !(settings->interval > 0 && settings->interval < 1))
            return misuse("--interval must be between 0 and 1, not ", optarg);
        return 0;
    case 'm':
        if (strcmp(optarg, "cpu") && strcmp(optarg, "wall"))
            return misuse("--mode must be cpu or wall, not ", optarg);
        settings->mode = *optarg == 'w' ? VMPROF_MODE_WALL : VMPROF_MODE_CPU;
        return 0;
    case 'n':
        settings->threads = strtoul(optarg, &end, 10);
        if (*end || settings->threads < 1 || settings->threads > THREADS_MAX)
            return misuse("--threads must be 1 to 1000, not ", optarg);
        return 0;
    case 't':
        settings->truth = true;
        return 0;
    case 'y':
        settings->types = optarg;
        return 0;
    case 'Y':
        settings->types_truth = optarg;
        return 0;
    case 's':
        settings->saved_types = optarg;
        return 0;
    case 'j':
        settings->jit_truth = optarg;
        settings->jit.truth = true;
        return 0;
    case 'X':
        return parse_extra(settings, optarg);
    default:
        fputs(usage, stderr);
        return MISUSE;
    }
}

int
parse_options(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
        { "profile", required_argument, NULL, 'p' },
        { "interval", required_argument, NULL, 'i' },
        { "mode", required_argument, NULL, 'm' },
        { "threads", required_argument, NULL, 'n' },
        { "truth", no_argument, NULL, 't' },
        { "types", required_argument, NULL, 'y' },
        { "types-truth", required_argument, NULL, 'Y' },
        { "save-types", required_argument, NULL, 's' },
        { "jit-truth", required_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option, status = 0;

    while (!status &&
           (option = getopt_long(argc, argv, "+X:", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        status = parse_option(settings, option);
    }
    if (!status && optind == argc)
        status = misuse("no program given", "");
    if (!status && settings->types_truth && settings->jit.backend != JIT_OFF)
        status = misuse("--types-truth wants all to be interpreted", "");
    if (!status && settings->types && settings->saved_types)
        status = misuse("--types and --save-types exclude each other", "");
    return status;
}
