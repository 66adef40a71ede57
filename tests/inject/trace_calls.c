/* SPDX-License-Identifier: MIT */

/* What a JIT tells of its traces. */

#include "operations.h"

#include <errno.h>

#include <vmprof/trace.h>

#include "profiled.h"

VMPROF_API void
exported_trace_init(struct vmprof_trace *trace) IN_LIBRARY(vmprof_trace_init);

enum {
    GUARDS = 2,
    SIZE = 64,
};

static unsigned char machine_code[2 * SIZE];
static struct vmprof_reserved_trace reserved;
static const struct vmprof_trace_guard guards[GUARDS] = { { 1, 0, "a" },
                                                          { 2, 0, "b" } };

static intptr_t
reserve(struct world *w)
{
    (void)w;
    return vmprof_reserve_trace(GUARDS, &reserved);
}

static void
describe(struct vmprof_trace *trace)
{
    vmprof_trace_init(trace);
    trace->kind = VMPROF_TRACE_LOOP;
    trace->address = machine_code;
    trace->length = SIZE;
    trace->guards = guards;
    trace->guard_count = GUARDS;
}

static void
require_registered(struct world *w)
{
    (void)w;
    require(vmprof_unregister_trace(reserved.id) == 0);
}

static void
require_gone(struct world *w)
{
    (void)w;
    require(vmprof_unregister_trace(reserved.id) == -ENOENT);
}

static void
reserve_first(struct world *w)
{
    require(reserve(w) == 0);
    w->check = require_registered;
}

static void
reserve_to_abort(struct world *w)
{
    reserve_first(w);
    w->check = require_gone;
}

static intptr_t
register_trace(struct world *w)
{
    struct vmprof_trace trace;

    (void)w;
    describe(&trace);
    return vmprof_register_trace(reserved.id, &trace);
}

static void
register_first(struct world *w)
{
    reserve_first(w);
    require(register_trace(w) == 0);
}

static void
register_to_unregister(struct world *w)
{
    register_first(w);
    w->check = require_gone;
}

static intptr_t
move_trace(struct world *w)
{
    (void)w;
    return vmprof_move_trace(reserved.id, machine_code + SIZE);
}

static intptr_t
stitch(struct world *w)
{
    (void)w;
    return vmprof_stitch_bridge(reserved.first_guard, reserved.id);
}

static intptr_t
unregister_trace(struct world *w)
{
    (void)w;
    return vmprof_unregister_trace(reserved.id);
}

static intptr_t
abort_trace(struct world *w)
{
    return vmprof_abort_trace(reserved.id, code(w, 'A'), 1, "why not");
}

static intptr_t
wanted_emits(struct world *w)
{
    (void)w;
    return (intptr_t)vmprof_wanted_emits();
}

static intptr_t
init(struct world *w)
{
    struct vmprof_trace trace;

    (void)w;
    exported_trace_init(&trace);
    return (intptr_t)trace.size;
}

static const struct operation list[] = {
    { "reserve a trace", "vmprof_reserve_trace", reserve, PATH("AB"), IS_LONG,
      NULL },
    { "register a trace", "vmprof_register_trace", register_trace, PATH("AB"),
      IS_LONG, reserve_first },
    { "register it again", "vmprof_register_trace", register_trace, PATH("AB"),
      IS_LONG, register_first },
    { "move a trace", "vmprof_move_trace", move_trace, PATH("AB"), IS_LONG,
      register_first },
    { "stitch a bridge", "vmprof_stitch_bridge", stitch, PATH("AB"), IS_LONG,
      register_first },
    { "unregister a trace", "vmprof_unregister_trace", unregister_trace,
      PATH("AB"), IS_LONG, register_to_unregister },
    { "abort a trace", "vmprof_abort_trace", abort_trace, PATH("AB"), IS_LONG,
      reserve_to_abort },
    { "ask what to emit", "vmprof_wanted_emits", wanted_emits, PATH("AB"), 0,
      NULL },
    { "a trace's defaults", "vmprof_trace_init", init, PATH("AB"), 0, NULL },
};

const struct operations trace_operations = { list,
                                             sizeof(list) / sizeof(*list) };
