/* SPDX-License-Identifier: MIT */

/* What a command line of `vmprof jit` asks for. */
#ifndef JIT_OPTIONS_H
#define JIT_OPTIONS_H

#include "report/jit_view.h"

struct jit_request {
    const char *pypylog, *jitlog;
    enum inner_policy inner;
    enum call_policy calls;
    unsigned probe;
    bool json, help, has_trace;
};

extern const char jit_help[];

/* Returns 0, or STATUS_USAGE when it has said what is wrong. */
int
jit_options(struct jit_request *request, struct jit_view *jit, int argc,
            char **argv);

#endif
