/* SPDX-License-Identifier: MIT */

/* What a VM does on the edges of its traces, in C and in machine code. */

#include <stdlib.h>
#include <sys/mman.h>

#include "isolate.h"
#include "operations.h"

VMPROF_API uint64_t
exported_ticks(void) IN_LIBRARY(vmprof_jit_ticks);
VMPROF_API void
exported_event(struct vmprof_thread *thread, enum vmprof_edge edge,
               vmprof_jit_id id) IN_LIBRARY(vmprof_jit_event);
VMPROF_API void
exported_edge(struct vmprof_thread *thread, enum vmprof_edge edge,
              vmprof_jit_id id, vmprof_jit_id current, uint32_t emits)
    IN_LIBRARY(vmprof_jit_edge);
VMPROF_API void
exported_enter(struct vmprof_thread *thread, vmprof_jit_id trace,
               uint32_t emits) IN_LIBRARY(vmprof_jit_enter);
VMPROF_API void
exported_jump(struct vmprof_thread *thread, vmprof_jit_id trace, uint32_t emits)
    IN_LIBRARY(vmprof_jit_jump);
VMPROF_API void
exported_jump_inner(struct vmprof_thread *thread, vmprof_jit_id trace,
                    uint32_t emits) IN_LIBRARY(vmprof_jit_jump_inner);
VMPROF_API void
exported_exit(struct vmprof_thread *thread, vmprof_jit_id from, uint32_t emits)
    IN_LIBRARY(vmprof_jit_exit);
VMPROF_API void
exported_call(struct vmprof_thread *thread, vmprof_jit_id caller,
              uint32_t emits) IN_LIBRARY(vmprof_jit_call);
VMPROF_API void
exported_return(struct vmprof_thread *thread, vmprof_jit_id caller,
                uint32_t emits) IN_LIBRARY(vmprof_jit_return);
VMPROF_API void
exported_emit_init(struct vmprof_emit *emit) IN_LIBRARY(vmprof_emit_init);

VMPROF_API void
exported_sinks_init(struct vmprof_jit_sink_options *options)
    IN_LIBRARY(vmprof_jit_sink_options_init);

enum {
    ALL = VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT,
    LOOP = 11,
    BRIDGE = 12,
    GUARD = 13,
};

static void (*edges)(void); /* machine code */
static char directory[] = "/tmp/vmprof-step-XXXXXX";
static uint64_t counter;
static uint64_t index_before;

/* The session that wants events comes in the place of the one there is. */
static void
want_events(struct world *w)
{
    struct vmprof_options options;

    require(vmprof_disable() == 0);
    require(ftruncate(w->file, 0) == 0);
    require(lseek(w->file, 0, SEEK_SET) == 0);
    vmprof_options_init(&options);
    options.fd = w->file;
    options.interval = 1e-6;
    options.clock = VMPROF_CLOCK_CPU_TIMER;
    options.jit_emits = ALL;
    options.jit_inner = VMPROF_JIT_INNER_EACH;
    require(vmprof_enable_with(&options) == 0);
    index_before = w->thread->jit_ring->index;
}

static uint64_t
events_since(const struct world *w)
{
    return w->thread->jit_ring->index - index_before;
}

static void
require_one_event(struct world *w)
{
    require(events_since(w) == 1);
}

static void
require_two_events(struct world *w)
{
    require(events_since(w) == 2);
}

static void
prepare_first(struct world *w)
{
    want_events(w);
    w->check = require_one_event;
}

/* There is a ring, with room. */
static void
prepare(struct world *w)
{
    want_events(w);
    vmprof_jit_enter(w->thread, LOOP, ALL);
    w->check = require_two_events;
}

static intptr_t
enter(struct world *w)
{
    exported_enter(w->thread, LOOP, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
jump(struct world *w)
{
    exported_jump(w->thread, BRIDGE, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
jump_inner(struct world *w)
{
    exported_jump_inner(w->thread, BRIDGE, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
leave(struct world *w)
{
    exported_exit(w->thread, GUARD, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
call(struct world *w)
{
    exported_call(w->thread, LOOP, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
return_to(struct world *w)
{
    exported_return(w->thread, LOOP, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
take_edge(struct world *w)
{
    exported_edge(w->thread, VMPROF_EDGE_JUMP, BRIDGE, LOOP, ALL);
    return (intptr_t)w->thread->trace;
}

static intptr_t
record(struct world *w)
{
    const uint64_t before = exported_ticks();

    exported_event(w->thread, VMPROF_EDGE_JUMP, BRIDGE);
    return exported_ticks() > before;
}

static intptr_t
make_room(struct world *w)
{
    return vmprof_jit_make_room(w->thread->jit_ring);
}

static void
require_no_event(struct world *w)
{
    require(events_since(w) == 0);
}

static void
prepare_room(struct world *w)
{
    want_events(w);
    w->check = require_no_event;
}

static intptr_t
make_none(struct world *w)
{
    return vmprof_jit_make_room(w->thread->jit_ring);
}

static void
prepare_emit(struct vmprof_emit *emit, struct world *w, uint32_t edge,
             vmprof_jit_id id)
{
    exported_emit_init(emit);
    emit->edge = edge;
    emit->id = id;
    emit->emits = ALL;
    emit->counter = &counter;
    emit->base = VMPROF_BASE_ADDRESS;
    emit->address = (uintptr_t)w->thread;
    emit->keep_flags = 1;
}

static intptr_t
emit_edge(struct world *w)
{
    unsigned char code[VMPROF_EMIT_MOST];
    struct vmprof_emit emit;

    prepare_emit(&emit, w, VMPROF_EDGE_JUMP, BRIDGE);
    return vmprof_emit_edge(&emit, code, sizeof(code));
}

/* Into the loop, and out again, with nothing of the VM's saved. */
static void
assemble(struct world *w)
{
    unsigned char *const code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct vmprof_emit emit;
    int length, more;

    require(code != MAP_FAILED);
    prepare_emit(&emit, w, VMPROF_EDGE_ENTER, LOOP);
    length = vmprof_emit_edge(&emit, code, VMPROF_EMIT_MOST);
    require(length > 0);
    prepare_emit(&emit, w, VMPROF_EDGE_EXIT, GUARD);
    more = vmprof_emit_edge(&emit, code + length, VMPROF_EMIT_MOST);
    require(more > 0);
    code[length + more] = 0xc3; /* ret */
    *(void **)&edges = code;
}

static void
prepare_machine_code(struct world *w)
{
    prepare_first(w);
    assemble(w);
    w->check = require_two_events;
}

static intptr_t
run_machine_code(struct world *w)
{
    edges();
    return (intptr_t)w->thread->trace + (intptr_t)counter;
}

static intptr_t
open_sinks(struct world *w)
{
    struct vmprof_jit_sink_options options;

    (void)w;
    exported_sinks_init(&options);
    options.sinks = VMPROF_SINK_GDB | VMPROF_SINK_PERF_MAP;
    options.directory = directory;
    return vmprof_open_jit_sinks(&options);
}

static void
remove_directory(struct world *w)
{
    char command[100];

    (void)w;
    vmprof_close_jit_sinks();
    snprintf(command, sizeof(command), "rm -r %s", directory);
    require(system(command) == 0);
}

static void
prepare_sinks(struct world *w)
{
    require(mkdtemp(directory));
    w->check = remove_directory;
}

static void
prepare_open_sinks(struct world *w)
{
    prepare_sinks(w);
    require(open_sinks(w) == 0);
}

static intptr_t
close_sinks(struct world *w)
{
    (void)w;
    return vmprof_close_jit_sinks();
}

static const struct operation list[] = {
    { "open sinks", "vmprof_open_jit_sinks vmprof_jit_sink_options_init",
      open_sinks, PATH("AB"), IS_LONG, prepare_sinks },
    { "close sinks", "vmprof_close_jit_sinks", close_sinks, PATH("AB"), IS_LONG,
      prepare_open_sinks },
    { "enter a trace, the first event", "vmprof_jit_enter", enter,
      PATH("AB", "AB!4"), 0, prepare_first },
    { "enter a trace", "vmprof_jit_enter", enter, PATH("AB!4"), 0, prepare },
    { "jump to a trace", "vmprof_jit_jump", jump, PATH("AB!4"), IS_LONG,
      prepare },
    { "jump to an inner bridge", "vmprof_jit_jump_inner", jump_inner,
      PATH("AB!4"), 0, prepare },
    { "exit from a trace", "vmprof_jit_exit", leave, PATH("AB!4", "AB"),
      IS_LONG, prepare },
    { "call from a trace", "vmprof_jit_call", call, PATH("AB!4", "AB"), IS_LONG,
      prepare },
    { "return to a trace", "vmprof_jit_return", return_to, PATH("AB!4"),
      IS_LONG, prepare },
    { "take any edge", "vmprof_jit_edge", take_edge, PATH("AB!4"), IS_LONG,
      prepare },
    { "record an event", "vmprof_jit_event vmprof_jit_ticks", record,
      PATH("AB!4"), 0, prepare },
    { "make room for an event", "vmprof_jit_make_room", make_room, PATH("AB"),
      0, prepare_room },
    { "make room where none is wanted", "vmprof_jit_make_room", make_none,
      PATH("AB"), 0, NULL },
    { "emit an edge", "vmprof_emit_edge vmprof_emit_init", emit_edge,
      PATH("AB"), IS_LONG, NULL },
    { "run emitted edges", "vmprof_emit_edge", run_machine_code,
      PATH("AB", "AB!4", "AB"), 0, prepare_machine_code },
};

const struct operations jit_operations = { list, sizeof(list) / sizeof(*list) };
