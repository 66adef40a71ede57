/* SPDX-License-Identifier: MIT */

/* Who is registered, and what each wants. */

#include <errno.h>
#include <string.h>

#include "../../os/barrier.h"
#include "../../sized.h"
#include "../thread.h"
#include "events.h"

enum {
    CALLBACKS_SIZE_0_1 =
        VMP_SIZE_UP_TO(vmprof_tool_callbacks, allocation_period),
    INFO_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_tool_info, name),
};

static bool
is_alive(const struct vmp_tool *tool)
{
    return atomic_load(&tool->alive);
}

static struct vmp_tool *
find(vmprof_tool handle)
{
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (is_alive(&vmp_wanted.tools[i]) &&
            vmp_wanted.tools[i].handle == handle)
            return &vmp_wanted.tools[i];
    return NULL;
}

static struct vmp_tool *
find_name(const char *name)
{
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (is_alive(&vmp_wanted.tools[i]) &&
            strcmp(vmp_wanted.tools[i].name, name) == 0)
            return &vmp_wanted.tools[i];
    return NULL;
}

static unsigned
slot_of(const struct vmp_tool *tool)
{
    return (unsigned)(tool - vmp_wanted.tools);
}

static bool
has_layer(unsigned slot)
{
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        if (atomic_load(&t->layers[slot]))
            return true;
    return false;
}

/* A slot that no callback of who had it before is still running in, and whose
 * records are gone. */
static struct vmp_tool *
find_free(void)
{
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (!is_alive(&vmp_wanted.tools[i]) &&
            !vmp_events_is_any_at((uint64_t)1 << i, NULL) && !has_layer(i))
            return &vmp_wanted.tools[i];
    return NULL;
}

unsigned
vmp_events_slot(vmprof_tool handle)
{
    unsigned slot;

    vmp_events_lock();
    slot = slot_of(find(handle));
    vmp_events_unlock();
    return slot;
}

static bool
goes_before(const struct vmp_tool *a, const struct vmp_tool *b)
{
    if (a->callbacks.priority != b->callbacks.priority)
        return a->callbacks.priority > b->callbacks.priority;
    return a->handle < b->handle;
}

static void
rank_all(void)
{
    bool is_in_order = true;
    unsigned count = 0;

    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++) {
        unsigned rank = 0;

        if (!is_alive(&vmp_wanted.tools[i]))
            continue;
        for (unsigned j = 0; j < VMPROF_MAX_TOOLS; j++)
            rank += is_alive(&vmp_wanted.tools[j]) &&
                    goes_before(&vmp_wanted.tools[j], &vmp_wanted.tools[i]);
        atomic_store(&vmp_wanted.tools[i].rank, rank);
        is_in_order = is_in_order && rank == count++;
    }
    atomic_store(&vmp_wanted.is_in_order, is_in_order);
}

static int
add(const char *name, const struct vmprof_tool_callbacks *callbacks,
    vmprof_tool *out)
{
    struct vmp_tool *tool;

    if (find_name(name))
        return -EEXIST;
    tool = find_free();
    if (!tool)
        return -ENOSPC;
    tool->handle = ++vmp_wanted.last;
    tool->callbacks = *callbacks;
    strcpy(tool->name, name);
    atomic_store(&tool->events, 0);
    atomic_store(&tool->codes, 0);
    tool->disabled = 0;
    atomic_store(&tool->errors, 0);
    atomic_store(&tool->last_error, 0);
    atomic_store_explicit(&tool->alive, true, memory_order_release);
    rank_all();
    *out = tool->handle;
    return 0;
}

int
vmprof_register_tool(const char *name,
                     const struct vmprof_tool_callbacks *given,
                     vmprof_tool *out)
{
    struct vmprof_tool_callbacks callbacks = { 0 };
    int r;

    if (!name || !name[0] || strlen(name) >= sizeof(vmp_wanted.tools[0].name) ||
        !given)
        return -EINVAL;
    r = vmp_sized_import(&callbacks, sizeof(callbacks), CALLBACKS_SIZE_0_1,
                         given);
    if (r < 0)
        return r;
    vmp_barrier_prepare();
    vmp_events_lock();
    r = add(name, &callbacks, out);
    vmp_events_unlock();
    return r;
}

/* What it has asked for and disabled goes with it. */
static void
forget(struct vmp_tool *tool)
{
    const unsigned slot = slot_of(tool);

    atomic_store(&tool->alive, false);
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        atomic_store(&t->own[slot], 0);
    vmp_places_clear(&vmp_wanted.sites, (uint64_t)1 << slot);
    vmp_places_drop(&vmp_wanted.codes, slot, VMP_OF_CODE);
    rank_all();
    vmp_events_changed();
}

int
vmp_events_forget(vmprof_tool handle, uint64_t *bits)
{
    struct vmp_tool *tool;

    vmp_events_lock();
    tool = find(handle);
    if (tool)
        forget(tool);
    vmp_events_unlock();
    if (!tool)
        return -ENOENT;
    *bits = (uint64_t)1 << slot_of(tool);
    return 0;
}

int
vmprof_unregister_tool(vmprof_tool handle)
{
    uint64_t bits;
    const int r = vmp_events_forget(handle, &bits);

    if (r < 0)
        return r;
    vmp_events_await(bits);
    vmp_events_tell();
    return 0;
}

static int
describe(struct vmp_tool *tool, struct vmprof_tool_info *out)
{
    struct vmprof_tool_info info = {
        .size = out->size,
        .tool = tool->handle,
        .events = atomic_load(&tool->events),
        .priority = tool->callbacks.priority,
        .errors = atomic_load(&tool->errors),
        .last_error = atomic_load(&tool->last_error),
    };

    memcpy(info.name, tool->name, sizeof(info.name));
    return vmp_sized_export(out, sizeof(info), INFO_SIZE_0_1, &info);
}

int
vmprof_get_tool(const char *name, struct vmprof_tool_info *info)
{
    struct vmp_tool *tool;
    int r = 0;

    if (!name)
        return -EINVAL;
    vmp_events_lock();
    tool = find_name(name);
    if (!tool)
        r = -ENOENT;
    else if (info)
        r = describe(tool, info);
    vmp_events_unlock();
    return r;
}

int
vmprof_list_tool(uint64_t index, struct vmprof_tool_info *info)
{
    int r = -ENOENT;

    if (!info)
        return -EINVAL;
    vmp_events_lock();
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (is_alive(&vmp_wanted.tools[i]) &&
            atomic_load(&vmp_wanted.tools[i].rank) == index) {
            r = describe(&vmp_wanted.tools[i], info);
            break;
        }
    vmp_events_unlock();
    return r;
}

/* Do something for a tool under the lock. */
static int
apply_to(vmprof_tool handle, int (*apply)(struct vmp_tool *tool, void *user),
         void *user)
{
    struct vmp_tool *tool;
    int r = -ENOENT;

    vmp_events_lock();
    tool = find(handle);
    if (tool)
        r = apply(tool, user);
    if (r == 0)
        vmp_events_changed();
    vmp_events_unlock();
    return r;
}

/* The same, and tell of it. */
static int
change(vmprof_tool handle, int (*apply)(struct vmp_tool *tool, void *user),
       void *user)
{
    const int r = apply_to(handle, apply, user);

    if (r == 0)
        vmp_events_tell();
    return r;
}

static int
set_all(struct vmp_tool *tool, void *user)
{
    atomic_store(&tool->events, *(const uint64_t *)user);
    return 0;
}

int
vmp_events_set(vmprof_tool tool, uint64_t events)
{
    return apply_to(tool, set_all, &events);
}

int
vmprof_set_events(vmprof_tool tool, uint64_t events)
{
    if (events & ~VMPROF_EVENTS_ALL)
        return -EINVAL;
    return change(tool, set_all, &events);
}

struct wish {
    struct vmprof_thread *thread;
    vmprof_code_id code;
    uint64_t events;
};

static int
set_thread(struct vmp_tool *tool, void *user)
{
    const struct wish *const wish = user;

    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        if (t->head == wish->thread) {
            atomic_store(&t->own[slot_of(tool)], wish->events);
            return 0;
        }
    return -ESRCH;
}

int
vmprof_set_thread_events(vmprof_tool tool, struct vmprof_thread *thread,
                         uint64_t events)
{
    struct wish wish = { .thread = thread, .events = events };

    if (events & ~VMPROF_EVENTS_ALL)
        return -EINVAL;
    return change(tool, set_thread, &wish);
}

struct sum {
    unsigned slot;
    uint64_t events;
};

static void
add_code(void *user, uint64_t code, uint64_t offset, uint32_t kind,
         uint64_t bits)
{
    struct sum *const sum = user;

    (void)code;
    (void)kind;
    if (offset == sum->slot)
        sum->events |= bits;
}

static int
set_code(struct vmp_tool *tool, void *user)
{
    const struct wish *const wish = user;
    struct sum sum = { .slot = slot_of(tool) };
    const int r = vmp_places_change(&vmp_wanted.codes, wish->code, sum.slot,
                                    VMP_OF_CODE, UINT64_MAX, wish->events);

    if (r < 0)
        return r;
    vmp_places_each(&vmp_wanted.codes, add_code, &sum);
    atomic_store(&tool->codes, sum.events);
    return 0;
}

int
vmprof_set_code_events(vmprof_tool tool, vmprof_code_id code, uint64_t events)
{
    struct wish wish = { .code = code, .events = events };

    if (events & ~VMPROF_EVENTS_ALL || !code)
        return -EINVAL;
    return change(tool, set_code, &wish);
}

static int
restart(struct vmp_tool *tool, void *user)
{
    (void)user;
    tool->disabled = 0;
    vmp_places_clear(&vmp_wanted.sites, (uint64_t)1 << slot_of(tool));
    return 0;
}

int
vmprof_restart_events(vmprof_tool tool)
{
    return change(tool, restart, NULL);
}

uint64_t
vmprof_wanted_events(vmprof_code_id code)
{
    uint64_t events = 0;

    vmp_events_lock();
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (is_alive(&vmp_wanted.tools[i]))
            events |= vmp_events_wanted_of(i, code);
    vmp_events_unlock();
    return events;
}

uint64_t
vmprof_events_epoch(void)
{
    return atomic_load_explicit(&vmp_wanted.epoch, memory_order_acquire);
}

void
vmprof_on_mask_change(vmprof_mask_function function, void *user)
{
    vmp_events_lock();
    vmp_wanted.on_mask_change = function;
    vmp_wanted.on_mask_change_user = user;
    vmp_events_unlock();
}
