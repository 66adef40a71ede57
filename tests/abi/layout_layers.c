/* SPDX-License-Identifier: MIT */

/* Of layers on top of events. */

#include "layout.h"

#include <vmprof/call_graph.h>
#include <vmprof/coverage.h>
#include <vmprof/event_counts.h>
#include <vmprof/hooks.h>

struct layer_options_0_1 {
    uint64_t size;
    const char *name;
    uint64_t events;
    uint64_t most;
    int64_t priority;
    uint32_t in_profile;
    uint32_t no_times;
};

SAME(vmprof_layer_options, layer_options_0_1, size);
SAME(vmprof_layer_options, layer_options_0_1, name);
SAME(vmprof_layer_options, layer_options_0_1, events);
SAME(vmprof_layer_options, layer_options_0_1, most);
SAME(vmprof_layer_options, layer_options_0_1, priority);
SAME(vmprof_layer_options, layer_options_0_1, in_profile);
SAME(vmprof_layer_options, layer_options_0_1, no_times);
STILL_FITS(vmprof_layer_options, layer_options_0_1);

struct layer_info_0_1 {
    uint64_t size;
    uint64_t tool;
    uint64_t rows;
    uint64_t lost;
    uint64_t unmatched;
    uint64_t abandoned;
};

SAME(vmprof_layer_info, layer_info_0_1, size);
SAME(vmprof_layer_info, layer_info_0_1, tool);
SAME(vmprof_layer_info, layer_info_0_1, rows);
SAME(vmprof_layer_info, layer_info_0_1, lost);
SAME(vmprof_layer_info, layer_info_0_1, unmatched);
SAME(vmprof_layer_info, layer_info_0_1, abandoned);
STILL_FITS(vmprof_layer_info, layer_info_0_1);

struct event_count_1 {
    uint64_t code;
    uint32_t kind;
    uint32_t reserved;
    uint64_t count;
};

SAME(vmprof_event_count, event_count_1, code);
SAME(vmprof_event_count, event_count_1, kind);
SAME(vmprof_event_count, event_count_1, reserved);
SAME(vmprof_event_count, event_count_1, count);
SAME_SIZE(vmprof_event_count, event_count_1);

struct covered_line_1 {
    uint64_t code;
    uint32_t line;
    uint32_t has_run;
};

SAME(vmprof_covered_line, covered_line_1, code);
SAME(vmprof_covered_line, covered_line_1, line);
SAME(vmprof_covered_line, covered_line_1, has_run);
SAME_SIZE(vmprof_covered_line, covered_line_1);

struct call_1 {
    uint64_t caller;
    uint64_t callee;
    uint64_t calls;
    uint64_t resumes;
    uint64_t self_ns;
    uint64_t inclusive_ns;
};

SAME(vmprof_call, call_1, caller);
SAME(vmprof_call, call_1, callee);
SAME(vmprof_call, call_1, calls);
SAME(vmprof_call, call_1, resumes);
SAME(vmprof_call, call_1, self_ns);
SAME(vmprof_call, call_1, inclusive_ns);
SAME_SIZE(vmprof_call, call_1);

struct scope_1 {
    void *data;
    uint32_t lines;
    uint32_t opcodes;
};

SAME(vmprof_scope, scope_1, data);
SAME(vmprof_scope, scope_1, lines);
SAME(vmprof_scope, scope_1, opcodes);
SAME_SIZE(vmprof_scope, scope_1);

struct hooks_info_0_1 {
    uint64_t size;
    struct vmprof_hooks *hooks;
    vmprof_trace_function trace;
    vmprof_profile_function profile;
    void *trace_user;
    void *profile_user;
    char name[64];
};

SAME(vmprof_hooks_info, hooks_info_0_1, size);
SAME(vmprof_hooks_info, hooks_info_0_1, hooks);
SAME(vmprof_hooks_info, hooks_info_0_1, trace);
SAME(vmprof_hooks_info, hooks_info_0_1, profile);
SAME(vmprof_hooks_info, hooks_info_0_1, trace_user);
SAME(vmprof_hooks_info, hooks_info_0_1, profile_user);
SAME(vmprof_hooks_info, hooks_info_0_1, name);
STILL_FITS(vmprof_hooks_info, hooks_info_0_1);
