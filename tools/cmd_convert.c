/* SPDX-License-Identifier: MIT */

/* vmprof convert: a profile in the format of another tool. */
#include <getopt.h>
#include <string.h>

#include "commands.h"
#include "event_options.h"
#include "export/export.h"
#include "names.h"

static const char help[] =
    "Usage: vmprof convert FILE --to FORMAT [-o OUT] [--value VALUE]\n"
    "\n"
    "Write a profile in the format of another tool. FILE \"-\" is standard\n"
    "input, OUT \"-\" standard output. Without -o the output lies beside FILE\n"
    "and is called like it, with the extension of the format.\n"
    "\n"
    "  -t, --to FORMAT    callgrind   for callgrind_annotate and KCachegrind, "
    "with\n"
    "                                 exact calls after vmprof record --tool\n"
    "                                 callgraph\n"
    "                     chrome      recorded events and samples on their "
    "time\n"
    "                                 line, for chrome://tracing and Perfetto\n"
    "                     collapsed   root;leaf WEIGHT, for flamegraph.pl\n"
    "                     lcov        lines that ran, for genhtml, after "
    "vmprof\n"
    "                                 record --tool coverage\n"
    "                     pprof       for go tool pprof\n"
    "                     pypylog     when each compiled loop was entered and\n"
    "                                 left, of a PYPYLOG or of events\n"
    "                     speedscope  for speedscope.app, in order of time\n"
    "                     vmprof-log  for vmprofshow and what else reads the\n"
    "                                 files of PyPy and vmprof-python\n"
    "  -o, --output OUT   where to write\n"
    "      --value VALUE  what WEIGHT counts in collapsed: time (the default,\n"
    "                     in microseconds) or samples\n"
    "      --lines        in a vmprof log: lines of frames even if there is\n"
    "                     compiled code, which then looks like any other\n"
    "  -c, --code PATTERN, -k, --kind KIND,..., --thread THREAD, --from TIME,\n"
    "      --until TIME   in chrome: only the events that vmprof events would\n"
    "                     show with these, and samples of such functions, of\n"
    "                     that thread and time\n"
    "      --no-native    without machine code: its time is that of the VM's\n"
    "                     function that called it\n"
    "  -h, --help         this text\n";

struct arguments {
    struct export_job job;
    const struct exporter *exporter;
    const char *output;
    struct event_filter filter;
    bool has_value, no_native, help;
};

static int
set_format(struct arguments *arguments, const char *name)
{
    arguments->exporter = exporter_find(name);
    if (!arguments->exporter)
        return usage_error("convert", "there is no format \"%s\"", name);
    return 0;
}

static int
set_value(struct arguments *arguments, const char *name)
{
    if (!strcmp(name, "time"))
        arguments->job.value = EXPORT_TIME;
    else if (!strcmp(name, "samples"))
        arguments->job.value = EXPORT_SAMPLES;
    else
        return usage_error("convert", "\"%s\" is neither time nor samples",
                           name);
    return 0;
}

static int
take_option(struct arguments *arguments, int option)
{
    if (is_filter_option(option)) {
        arguments->job.filter = &arguments->filter;
        return take_filter("convert", &arguments->filter, option);
    }
    switch (option) {
    case 't':
        return set_format(arguments, optarg);
    case 'v':
        arguments->has_value = true;
        return set_value(arguments, optarg);
    case 'o':
        arguments->output = optarg;
        return 0;
    case 'L':
        arguments->job.lines = true;
        return 0;
    case 'N':
        arguments->no_native = true;
        return 0;
    case 'h':
        arguments->help = true;
        return 0;
    }
    return usage_see_help("convert");
}

static int
parse(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        { "to", required_argument, NULL, 't' },
        { "output", required_argument, NULL, 'o' },
        { "value", required_argument, NULL, 'v' },
        { "lines", no_argument, NULL, 'L' },
        { "no-native", no_argument, NULL, 'N' },
        EVENT_FILTER_OPTIONS,
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int option;
    int result = 0;

    optind = 0;
    while (!result &&
           (option = getopt_long(argc, argv, "t:o:c:k:h", options, NULL)) != -1)
        result = take_option(arguments, option);
    if (result || arguments->help)
        return result;
    result = usage_take_file("convert", argc, argv, &arguments->job.input);
    if (result)
        return result;
    if (!arguments->exporter)
        return usage_error("convert", "--to FORMAT is missing");
    if (arguments->has_value && !arguments->exporter->has_value)
        return usage_error("convert", "--value is not for %s",
                           arguments->exporter->name);
    if (arguments->job.lines && !arguments->exporter->has_lines)
        return usage_error("convert", "--lines is not for %s",
                           arguments->exporter->name);
    if (arguments->job.filter && !arguments->exporter->has_filter)
        return usage_error("convert",
                           "--code, --kind, --thread, --from and --until are "
                           "not for %s",
                           arguments->exporter->name);
    return check_filter("convert", &arguments->filter);
}

int
cmd_convert(int argc, char **argv)
{
    struct arguments arguments = { .filter = EVENT_FILTER_ALL };
    struct names names;
    int result = parse(&arguments, argc, argv);

    if (result)
        return result;
    if (arguments.help)
        return fputs(help, stdout) < 0;
    if (names_open(&names, arguments.no_native)) {
        fputs("vmprof: not enough memory\n", stderr);
        return STATUS_FAILED;
    }
    arguments.job.options = &names.options;
    result = export_run(arguments.exporter, &arguments.job, arguments.output);
    names_tell(&names);
    names_close(&names);
    return result;
}
