/* SPDX-License-Identifier: MIT */

/* vmprof flamegraph: a profile as one page for a browser. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "names.h"
#include "view/flamegraph.h"

static const char help[] =
    "Usage: vmprof flamegraph FILE [-o OUT] [--title TITLE]\n"
    "\n"
    "Write a flame graph as one HTML page that needs no network. FILE \"-\" "
    "is\n"
    "standard input, OUT \"-\" standard output. Without -o the page lies\n"
    "beside FILE and is called like it, with the extension .html.\n"
    "\n"
    "  -o, --output OUT   where to write\n"
    "      --title TITLE  what stands above it; else the program's name\n"
    "      --source DIR   with the lines of the program that the JIT's loops "
    "are\n"
    "                     made of, from files below DIR\n"
    "      --no-native    without machine code: its time is that of the VM's\n"
    "                     function that called it\n"
    "  -h, --help         this text\n";

struct arguments {
    struct export_job job;
    const char *output;
    bool no_native, help;
};

static int
take_option(struct arguments *arguments, int option)
{
    switch (option) {
    case 't':
        arguments->job.title = optarg;
        return 0;
    case 's':
        arguments->job.source = optarg;
        return 0;
    case 'o':
        arguments->output = optarg;
        return 0;
    case 'N':
        arguments->no_native = true;
        return 0;
    case 'h':
        arguments->help = true;
        return 0;
    }
    return usage_see_help("flamegraph");
}

static int
parse(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        { "title", required_argument, NULL, 't' },
        { "output", required_argument, NULL, 'o' },
        { "source", required_argument, NULL, 's' },
        { "no-native", no_argument, NULL, 'N' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int option;
    int result = 0;

    optind = 0;
    while (!result &&
           (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1)
        result = take_option(arguments, option);
    if (result || arguments->help)
        return result;
    return usage_take_file("flamegraph", argc, argv, &arguments->job.input);
}

int
cmd_flamegraph(int argc, char **argv)
{
    struct arguments arguments = { 0 };
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
    result = export_run(&flamegraph_exporter, &arguments.job, arguments.output);
    names_tell(&names);
    names_close(&names);
    return result;
}
