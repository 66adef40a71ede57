/* SPDX-License-Identifier: MIT */

/* What `vmprof record` is asked for. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>

#include "environment.h"

struct record_options {
    struct recording recording; /* but for its path and interval */
    const char *output;         /* NULL: named after the command */
    double interval;            /* seconds */
    bool has_interval, has_rate;
    bool quiet, help;
    unsigned tools; /* bits */
    char tool_list[64];
    char **argv; /* the command */
};

/* With the defaults in `options` at first. Returns 0 or, when it has said what
 * is wrong, the exit status. */
int
record_options_parse(struct record_options *options, int argc, char **argv);

#endif
