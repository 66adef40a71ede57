/* SPDX-License-Identifier: MIT */

/* Layers: begun, fed, looked at and freed. */

#include "operations.h"

#include "profiled.h"

VMPROF_API void
exported_layer_options_init(struct vmprof_layer_options *options)
    IN_LIBRARY(vmprof_layer_options_init);
VMPROF_API void
exported_layer_info_init(struct vmprof_layer_info *info)
    IN_LIBRARY(vmprof_layer_info_init);

VMPROF_API void
exported_hooks_info_init(struct vmprof_hooks_info *info)
    IN_LIBRARY(vmprof_hooks_info_init);

enum {
    LINE = 12,
};

static struct vmprof_layer *counts, *lines, *calls;

static intptr_t
start(int (*make)(const struct vmprof_layer_options *, struct vmprof_layer **),
      struct vmprof_layer **out)
{
    struct vmprof_layer_options options;

    exported_layer_options_init(&options);
    options.most = 100;
    return make(&options, out);
}

static intptr_t
start_counts(struct world *w)
{
    (void)w;
    return start(vmprof_new_event_counts, &counts);
}

static intptr_t
start_coverage(struct world *w)
{
    (void)w;
    return start(vmprof_new_coverage, &lines);
}

static intptr_t
start_calls(struct world *w)
{
    (void)w;
    return start(vmprof_new_call_graph, &calls);
}

static void
fire(struct world *w, enum vmprof_event_kind kind)
{
    const struct vmprof_event event = {
        .kind = kind,
        .code = code(w, 'B'),
        .line = LINE,
    };

    vmprof_fire_event(w->thread, &event);
}

static void
prepare_layers(struct world *w)
{
    require(start_counts(w) == 0 && start_coverage(w) == 0 &&
            start_calls(w) == 0);
}

static void
prepare_gathered(struct world *w)
{
    prepare_layers(w);
    fire(w, VMPROF_EVENT_CALL);
    fire(w, VMPROF_EVENT_LINE);
}

static intptr_t
feed(struct world *w)
{
    fire(w, VMPROF_EVENT_CALL);
    fire(w, VMPROF_EVENT_LINE);
    fire(w, VMPROF_EVENT_RETURN);
    return 0;
}

static intptr_t
add_lines(struct world *w)
{
    static const uint32_t numbers[] = { 1, 2, 3 };

    return vmprof_add_lines(lines, code(w, 'A'), numbers, 3);
}

static int
add_count(void *user, const struct vmprof_event_count *count)
{
    *(intptr_t *)user += (intptr_t)count->count;
    return 0;
}

static int
add_line(void *user, const struct vmprof_covered_line *line)
{
    *(intptr_t *)user += (intptr_t)line->line;
    return 0;
}

static int
add_call(void *user, const struct vmprof_call *call)
{
    *(intptr_t *)user += (intptr_t)call->calls;
    return 0;
}

static intptr_t
look_at_counts(struct world *w)
{
    intptr_t sum = 0;

    (void)w;
    return vmprof_each_event_count(counts, add_count, &sum) + sum;
}

static intptr_t
look_at_lines(struct world *w)
{
    intptr_t sum = 0;

    (void)w;
    return vmprof_each_covered_line(lines, add_line, &sum) + sum;
}

static intptr_t
look_at_calls(struct world *w)
{
    intptr_t sum = 0;

    (void)w;
    return vmprof_each_call(calls, add_call, &sum) + sum;
}

static intptr_t
look_at_layer(struct world *w)
{
    struct vmprof_layer_info info;

    (void)w;
    exported_layer_info_init(&info);
    return vmprof_get_layer_info(calls, &info) | (intptr_t)info.rows;
}

static intptr_t
free_layer(struct world *w)
{
    (void)w;
    vmprof_free_layer(calls);
    return 0;
}

static struct vmprof_hooks *hooks;

static int
trace(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
      const struct vmprof_event *event, struct vmprof_scope *scope)
{
    (void)user;
    (void)thread;
    (void)what;
    (void)event;
    (void)scope;
    return VMPROF_TRACE_FRAME;
}

static int
profile(void *user, struct vmprof_thread *thread, enum vmprof_hook_event what,
        const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    (void)what;
    (void)event;
    return 0;
}

static intptr_t
hold(struct world *w)
{
    (void)w;
    return vmprof_new_hooks("holder", 0, &hooks);
}

static void
prepare_hooks(struct world *w)
{
    require(hold(w) == 0);
}

static intptr_t
set_functions(struct world *w)
{
    return vmprof_set_trace(hooks, NULL, trace, NULL, 0) |
           vmprof_set_profile(hooks, w->thread, profile, NULL);
}

static void
prepare_functions(struct world *w)
{
    prepare_hooks(w);
    require(set_functions(w) == 0);
}

static intptr_t
look_at_functions(struct world *w)
{
    struct vmprof_hooks_info info, listed;

    exported_hooks_info_init(&info);
    exported_hooks_info_init(&listed);
    return vmprof_get_hooks(hooks, w->thread, &info) |
           vmprof_list_hooks(w->thread, 0, &listed) |
           (info.trace != listed.trace);
}

static intptr_t
let_go(struct world *w)
{
    (void)w;
    return vmprof_free_hooks(hooks);
}

static const struct operation list[] = {
    { "begin to count events",
      "vmprof_new_event_counts vmprof_layer_options_init", start_counts,
      PATH("AB"), IS_LONG, NULL },
    { "begin to cover lines", "vmprof_new_coverage", start_coverage, PATH("AB"),
      IS_LONG, NULL },
    { "begin to follow calls", "vmprof_new_call_graph", start_calls, PATH("AB"),
      IS_LONG, NULL },
    { "feed layers", "vmprof_fire_event", feed, PATH("AB"), IS_LONG,
      prepare_layers },
    { "tell of lines", "vmprof_add_lines", add_lines, PATH("AB"), IS_LONG,
      prepare_layers },
    { "look at counts of events", "vmprof_each_event_count", look_at_counts,
      PATH("AB"), IS_LONG, prepare_gathered },
    { "look at lines", "vmprof_each_covered_line", look_at_lines, PATH("AB"),
      IS_LONG, prepare_gathered },
    { "look at calls", "vmprof_each_call", look_at_calls, PATH("AB"), IS_LONG,
      prepare_gathered },
    { "look at a layer", "vmprof_get_layer_info vmprof_layer_info_init",
      look_at_layer, PATH("AB"), 0, prepare_gathered },
    { "free a layer", "vmprof_free_layer", free_layer, PATH("AB"), IS_LONG,
      prepare_gathered },
    { "hold functions", "vmprof_new_hooks", hold, PATH("AB"), IS_LONG, NULL },
    { "set functions", "vmprof_set_trace vmprof_set_profile", set_functions,
      PATH("AB"), IS_LONG, prepare_hooks },
    { "tell functions", "vmprof_fire_event", feed, PATH("AB"), IS_LONG,
      prepare_functions },
    { "look at functions",
      "vmprof_get_hooks vmprof_list_hooks vmprof_hooks_info_init",
      look_at_functions, PATH("AB"), IS_LONG, prepare_functions },
    { "let functions go", "vmprof_free_hooks", let_go, PATH("AB"), IS_LONG,
      prepare_functions },
};

const struct operations layer_operations = { list,
                                             sizeof(list) / sizeof(*list) };
