/* SPDX-License-Identifier: MIT */

/* What every subcommand says to wrong usage. */
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
