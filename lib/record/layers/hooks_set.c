/* SPDX-License-Identifier: MIT */

/* Trace and profile functions as they are set and asked for. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../os/barrier.h"
#include "../../sized.h"
#include "hooks.h"

#define INFO_SIZE_0_1 VMP_SIZE_UP_TO(vmprof_hooks_info, name)

#define CALLS                                                                  \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |                                     \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RESUME) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_YIELD) |                                    \
     VMPROF_EVENT_BIT(VMPROF_EVENT_THROW_INTO) |                               \
     VMPROF_EVENT_BIT(VMPROF_EVENT_UNWIND))
#define C_CALLS                                                                \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_C_CALL) |                                   \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RETURN) |                                 \
     VMPROF_EVENT_BIT(VMPROF_EVENT_C_RAISE))
#define LINES                                                                  \
    (VMPROF_EVENT_BIT(VMPROF_EVENT_LINE) |                                     \
     VMPROF_EVENT_BIT(VMPROF_EVENT_RAISE) |                                    \
     VMPROF_EVENT_BIT(VMPROF_EVENT_HANDLED))

static struct vmp_hooks_record *
hooks_record(struct vmp_layer_record *record)
{
    return (struct vmp_hooks_record *)record;
}

/* A thread ends: the next one begins without functions of its own. */
static void
end(struct vmp_layer_record *base)
{
    struct vmp_hooks_record *const record = hooks_record(base);

    vmp_frames_free(&record->frames);
    for (unsigned i = 0; i < VMP_HOOK_KINDS; i++) {
        free(atomic_exchange(&record->own[i], NULL));
        atomic_store(&record->failed[i], 0);
    }
}

static void
free_all(struct vmp_function *list)
{
    while (list) {
        struct vmp_function *const next = list->next;

        free(list);
        list = next;
    }
}

static void
close_hooks(struct vmprof_layer *layer)
{
    struct vmprof_hooks *const hooks = (struct vmprof_hooks *)layer;

    for (unsigned i = 0; i < VMP_HOOK_KINDS; i++)
        free(atomic_load(&hooks->all[i]));
    free_all(hooks->replaced);
}

static const struct vmp_layer_kind kind = {
    .event = vmp_hooks_event,
    .layer_size = sizeof(struct vmprof_hooks),
    .record_size = sizeof(struct vmp_hooks_record),
    .end = end,
    .close = close_hooks,
};

int
vmprof_new_hooks(const char *name, int64_t priority, struct vmprof_hooks **out)
{
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;
    int r;

    vmprof_layer_options_init(&options);
    options.name = name;
    options.priority = priority;
    r = name ? vmp_layer_new(&kind, &options, &layer) : -EINVAL;
    if (r == 0)
        *out = (struct vmprof_hooks *)layer;
    return r;
}

static bool
is_in_callback(const struct vmprof_hooks *hooks)
{
    const struct vmprof_thread *const own = vmprof_current_thread();

    return own && vmprof_running_callbacks(own) >> hooks->layer.slot & 1;
}

int
vmprof_free_hooks(struct vmprof_hooks *hooks)
{
    if (!hooks)
        return 0;
    if (is_in_callback(hooks))
        return -EBUSY;
    vmprof_free_layer(&hooks->layer);
    return 0;
}

/* Where the functions of a thread, or of all, are. Under the lock. */
static int
find_place(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
           _Atomic(struct vmp_function *) **out)
{
    struct vmp_layer_record *record;
    int r = 0;

    *out = hooks->all;
    if (thread) {
        r = vmp_layer_record_of(&hooks->layer, thread, &record);
        *out = r < 0 ? NULL : hooks_record(record)->own;
    }
    return r;
}

static int
replace(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
        enum vmp_hook_kind which, struct vmp_function *function)
{
    _Atomic(struct vmp_function *) *functions;
    struct vmp_function *before;
    int r;

    vmp_layers_lock();
    r = find_place(hooks, thread, &functions);
    before = r == 0 ? atomic_exchange(&functions[which], function) : NULL;
    if (before) {
        before->next = hooks->replaced;
        hooks->replaced = before;
    }
    vmp_layers_unlock();
    return r;
}

static bool
is_in_others_callback(const struct vmprof_hooks *hooks)
{
    bool is_any;

    vmp_barrier_all();
    vmp_events_lock();
    is_any = vmp_events_is_any_at((uint64_t)1 << hooks->layer.slot,
                                  vmprof_current_thread());
    vmp_events_unlock();
    return is_any;
}

static struct vmp_function *
take_replaced(struct vmprof_hooks *hooks)
{
    struct vmp_function *list;

    vmp_layers_lock();
    list = hooks->replaced;
    hooks->replaced = NULL;
    vmp_layers_unlock();
    return list;
}

static void
put_back(struct vmprof_hooks *hooks, struct vmp_function *list)
{
    struct vmp_function **end = &list;

    while (*end)
        end = &(*end)->next;
    vmp_layers_lock();
    *end = hooks->replaced;
    hooks->replaced = list;
    vmp_layers_unlock();
}

/* When nobody runs what was replaced: wait for that, but in a callback, of any
 * holder, where two would wait for each other; then a later one frees it, or the
 * end. */
static void
free_replaced(struct vmprof_hooks *hooks)
{
    struct vmp_function *const list = take_replaced(hooks);
    const struct vmprof_thread *const own = vmprof_current_thread();

    if (!list)
        return;
    if (!own || !vmprof_running_callbacks(own)) {
        vmp_events_await((uint64_t)1 << hooks->layer.slot);
    } else if (is_in_others_callback(hooks)) {
        put_back(hooks, list);
        return;
    }
    free_all(list);
}

static int
find_events(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
            uint64_t *events)
{
    _Atomic(struct vmp_function *) *functions;
    int r;

    *events = 0;
    vmp_layers_lock();
    r = find_place(hooks, thread, &functions);
    for (unsigned i = 0; i < VMP_HOOK_KINDS && r == 0; i++) {
        const struct vmp_function *const function = atomic_load(&functions[i]);

        *events |= function ? function->events : 0;
    }
    vmp_layers_unlock();
    return r;
}

/* Have the events that the functions take. Without the lock: whoever is told of
 * changes may wait for a thread that waits for it. */
static int
ask(struct vmprof_hooks *hooks, struct vmprof_thread *thread)
{
    uint64_t events, asked;
    int r = find_events(hooks, thread, &events);

    do {
        asked = events;
        if (r == 0)
            r = thread
                    ? vmprof_set_thread_events(hooks->layer.tool, thread, asked)
                    : vmprof_set_events(hooks->layer.tool, asked);
        if (r == 0)
            r = find_events(hooks, thread, &events);
    } while (r == 0 && events != asked);
    return r;
}

static int
set(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
    enum vmp_hook_kind which, const struct vmp_function *wish)
{
    static atomic_uint_least64_t last;
    struct vmp_function *function = NULL;
    int r;

    if (wish->trace || wish->profile) {
        function = malloc(sizeof(*function));
        if (!function)
            return -ENOMEM;
        *function = *wish;
        function->number = atomic_fetch_add(&last, 1) + 1;
    }
    r = replace(hooks, thread, which, function);
    if (r < 0) {
        free(function);
        return r;
    }
    r = ask(hooks, thread);
    free_replaced(hooks);
    return r;
}

int
vmprof_set_trace(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                 vmprof_trace_function function, void *user, uint32_t flags)
{
    const struct vmp_function wish = {
        .trace = function,
        .user = user,
        .events = CALLS | LINES |
                  (flags & VMPROF_TRACE_OPCODES
                       ? VMPROF_EVENT_BIT(VMPROF_EVENT_INSTRUCTION)
                       : 0),
    };

    if (flags & ~(uint32_t)VMPROF_TRACE_OPCODES)
        return -EINVAL;
    return set(hooks, thread, VMP_HOOK_TRACE, &wish);
}

int
vmprof_set_profile(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                   vmprof_profile_function function, void *user)
{
    const struct vmp_function wish = {
        .profile = function,
        .user = user,
        .events = CALLS | C_CALLS,
    };

    return set(hooks, thread, VMP_HOOK_PROFILE, &wish);
}

static void
find(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
     enum vmp_hook_kind which, struct vmp_function *out)
{
    static const struct vmp_hooks_record none;
    struct vmp_layer_record *const record =
        thread ? vmp_layer_record_if(&hooks->layer, thread) : NULL;

    if (!vmp_hooks_find(hooks, record ? hooks_record(record) : &none, which,
                        out))
        memset(out, 0, sizeof(*out));
}

static int
describe(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
         const char *name, struct vmprof_hooks_info *out)
{
    struct vmp_function trace, profile;
    struct vmprof_hooks_info info = { .size = out->size, .hooks = hooks };

    find(hooks, thread, VMP_HOOK_TRACE, &trace);
    find(hooks, thread, VMP_HOOK_PROFILE, &profile);
    info.trace = trace.trace;
    info.trace_user = trace.user;
    info.profile = profile.profile;
    info.profile_user = profile.user;
    memcpy(info.name, name, sizeof(info.name));
    return vmp_sized_export(out, sizeof(info), INFO_SIZE_0_1, &info);
}

int
vmprof_get_hooks(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                 struct vmprof_hooks_info *info)
{
    struct vmprof_tool_info tool;
    int r = -ENOENT;

    vmp_layers_lock();
    vmprof_tool_info_init(&tool);
    for (uint64_t i = 0; vmprof_list_tool(i, &tool) == 0; i++)
        if (tool.tool == hooks->layer.tool) {
            r = describe(hooks, thread, tool.name, info);
            break;
        }
    vmp_layers_unlock();
    return r;
}

static bool
has_function(struct vmprof_hooks *hooks, struct vmprof_thread *thread)
{
    struct vmp_function trace, profile;

    find(hooks, thread, VMP_HOOK_TRACE, &trace);
    find(hooks, thread, VMP_HOOK_PROFILE, &profile);
    return trace.trace || profile.profile;
}

int
vmprof_list_hooks(struct vmprof_thread *thread, uint64_t index,
                  struct vmprof_hooks_info *info)
{
    struct vmprof_tool_info tool;
    int r = -ENOENT;

    vmp_layers_lock();
    vmprof_tool_info_init(&tool);
    for (uint64_t i = 0; r == -ENOENT && vmprof_list_tool(i, &tool) == 0; i++) {
        struct vmprof_hooks *const hooks =
            (struct vmprof_hooks *)vmp_layer_of_tool(tool.tool, &kind);

        if (hooks && has_function(hooks, thread) && !index--)
            r = describe(hooks, thread, tool.name, info);
    }
    vmp_layers_unlock();
    return r;
}
