/* SPDX-License-Identifier: MIT */

/* What every subcommand says to wrong usage. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"

int
usage_error(const char *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "vmprof %s: ", command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; see vmprof %s --help\n", command);
    return STATUS_USAGE;
}

int
usage_see_help(const char *command)
{
    fprintf(stderr, "vmprof: see vmprof %s --help\n", command);
    return STATUS_USAGE;
}

int
usage_take_file(const char *command, int argc, char **argv, const char **file)
{
    if (optind == argc)
        return usage_error(command, "FILE is missing");
    if (optind + 1 < argc)
        return usage_error(command, "\"%s\" is one file too many",
                           argv[optind + 1]);
    *file = argv[optind];
    return 0;
}
