/* SPDX-License-Identifier: MIT */

/* What the command toyvm is asked for. */
#ifndef TOY_OPTIONS_H
#define TOY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <vmprof/sampler.h>

#include "jit.h"

#define FAILED 1 /* exit codes, as of other commands */
#define MISUSE 2

struct settings {
    const char *profile;
    double interval;
    enum vmprof_mode mode;
    size_t threads;
    bool truth;
    const char *types;
    const char *types_truth;
    const char *saved_types;
    const char *jit_truth;
    const char *jit_types;
    const char *sinks; /* a directory */
    uint64_t events;   /* to be printed: bits */
    enum vmprof_jit_inner jit_inner;
    struct jit_settings jit;
};

/* Returns 0 or, when it has said what is wrong, the exit code. The program is
 * at optind. */
int
parse_options(struct settings *settings, int argc, char **argv);

#endif
