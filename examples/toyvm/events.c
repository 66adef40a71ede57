/* SPDX-License-Identifier: MIT */

/* Which instruction has what to tell, and telling it. */
#include "events.h"

#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BIT(kind)   VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)
#define OF_BUILTINS (BIT(C_CALL) | BIT(C_RETURN) | BIT(C_RAISE))

/* Of a LOOP: the line that it jumps to begins. No event has this number. */
#define LINE_OF_TURN ((uint64_t)1 << 63)

struct site {
    atomic_uint_least64_t told; /* bits, of what somebody wants to be told */
    uint32_t line;              /* that begins here; 0: none does */
    uint32_t turn;              /* that begins when it is jumped back to */
};

/* Held while words and sites are changed. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct program *known; /* NULL: none */
static atomic_uint_least64_t version = 1;
static atomic_int expected; /* threads that run it, or will */
static atomic_bool is_told_of;

_Thread_local unsigned events_thread;

static void
lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void
unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

uint64_t
events_version(void)
{
    return atomic_load_explicit(&version, memory_order_acquire);
}

static struct site *
make_sites(const struct function *function)
{
    struct site *sites = allocate(function->count * sizeof(*sites));

    for (size_t i = 0; i < function->start_count; i++)
        sites[function->starts[i].offset].line = function->starts[i].line;
    for (size_t i = 0; i < function->turn_count; i++) {
        struct site *site = &sites[function->turns[i].offset];

        if (!site->line)
            site->turn = function->turns[i].line;
    }
    return sites;
}

static size_t
target_of(const struct function *function, size_t offset)
{
    return (size_t)((int64_t)offset + 1 +
                    operand_of(word_at(&function->code[offset])));
}

/* What can happen at an instruction because of what it is. */
static uint64_t
events_of_opcode(const struct function *function, size_t offset)
{
    switch (opcode_of(word_at(&function->code[offset]))) {
    case OP_CALL:
        return OF_BUILTINS;
    case OP_RETURN:
        return BIT(RETURN);
    case OP_JUMP: /* by 0: where parse_while() wants no jump */
        return target_of(function, offset) > offset + 1 ? BIT(JUMP) : 0;
    case OP_JUMP_IF_FALSE:
    case OP_AND:
    case OP_OR:
        return BIT(BRANCH_TAKEN) | BIT(BRANCH_NOT_TAKEN);
    case OP_LOOP:
        return BIT(BACK_EDGE);
    default:
        return 0;
    }
}

static bool
is_turn(const struct function *function, size_t offset)
{
    return opcode_of(word_at(&function->code[offset])) == OP_LOOP &&
           function->sites[target_of(function, offset)].turn;
}

static uint64_t
told_at(const struct function *function, size_t offset, uint64_t wanted)
{
    uint64_t events = events_of_opcode(function, offset) | BIT(INSTRUCTION);

    if (offset == 0)
        events |= BIT(CALL);
    if (function->sites[offset].line)
        events |= BIT(LINE);
    events &= wanted;
    if (wanted & BIT(LINE) && is_turn(function, offset))
        events |= LINE_OF_TURN;
    return events;
}

/* Under the lock. Builtins tell of themselves: see call_and_tell(). */
static void
mark(const struct function *function, size_t offset, uint64_t told)
{
    uint32_t *const word = &function->code[offset];
    uint32_t marked = word_at(word) & ~OPCODE_TOLD;

    if (TOY_EVENTS == 1 && told & ~OF_BUILTINS)
        marked |= OPCODE_TOLD;
    atomic_store_explicit(&function->sites[offset].told, told,
                          memory_order_relaxed);
    __atomic_store_n(word, marked, __ATOMIC_RELAXED);
}

static uint64_t
mark_function(const struct function *function)
{
    uint64_t wanted = vmprof_wanted_events(function->id);

    if (TOY_EVENTS == 2)
        wanted &= OF_BUILTINS | BIT(CALL) | BIT(RETURN) | BIT(BACK_EDGE);
    for (size_t i = 0; i < function->count; i++)
        mark(function, i, told_at(function, i, wanted));
    return wanted;
}

/* Called in place of a builtin while its calls are told of. Its own value lies
 * below its arguments. */
static bool
call_and_tell(struct interp *interp, const struct value *arguments,
              size_t count, struct value *result)
{
    const struct value *builtin = &arguments[-1];
    bool returned;

    if (!events_tell_and_ask(interp, VMPROF_EVENT_C_CALL, builtin))
        return false;
    returned = builtin->native->function(interp, arguments, count, result);
    if (returned)
        return events_tell_and_ask(interp, VMPROF_EVENT_C_RETURN, result);
    events_thrown(interp, VMPROF_EVENT_C_RAISE, interp->current->frame);
    return false;
}

static void
mark_builtins(bool are_told)
{
    for (size_t i = 0; i < native_count; i++)
        __atomic_store_n(&natives[i].call,
                         are_told ? call_and_tell : natives[i].function,
                         __ATOMIC_RELAXED);
}

/* Under the lock. */
static void
mark_all(void)
{
    uint64_t wanted = 0;

    for (size_t i = 0; known && i < known->function_count; i++)
        wanted |= mark_function(known->functions[i]);
    mark_builtins(TOY_EVENTS && wanted & OF_BUILTINS);
    atomic_fetch_add(&version, 1);
}

/* On the thread that has changed it. Whoever comes last marks what holds last. */
static void
on_mask_change(void *user, uint64_t epoch)
{
    (void)user, (void)epoch;
    lock();
    mark_all();
    unlock();
}

void
events_init(void)
{
    mark_builtins(false);
    pthread_atfork(lock, unlock, unlock);
    vmprof_on_mask_change(on_mask_change, NULL);
    vmprof_set_value_function(events_get_value, NULL);
}

void
events_add_program(struct program *program)
{
    for (size_t i = 0; i < program->function_count; i++)
        program->functions[i]->sites = make_sites(program->functions[i]);
    lock();
    known = program;
    mark_all();
    unlock();
}

void
events_remove_program(void)
{
    struct program *program;

    lock();
    program = known;
    known = NULL;
    mark_builtins(false);
    unlock();
    for (size_t i = 0; i < program->function_count; i++) {
        free(program->functions[i]->sites);
        program->functions[i]->sites = NULL;
    }
}

/* All who wanted an event have disabled it there: it is told no more until
 * something else is wanted. */
static void
clear(const struct function *function, size_t offset, uint64_t events,
      uint64_t epoch)
{
    lock();
    if (vmprof_events_epoch() == epoch) {
        mark(function, offset,
             atomic_load_explicit(&function->sites[offset].told,
                                  memory_order_relaxed) &
                 ~events);
        atomic_fetch_add(&version, 1);
    }
    unlock();
}

/* What is told of one instruction. */
struct teller {
    struct interp *interp;
    const struct function *function;
    struct frame *frame;
    size_t offset;
    uint64_t told;
    uint64_t epoch;
    int error; /* the first */
};

static struct teller
teller_at(struct interp *interp, struct frame *frame, const uint32_t *pc)
{
    struct teller teller = {
        .interp = interp,
        .function = frame->function,
        .frame = frame,
        .offset = (size_t)(pc - frame->function->code),
        .epoch = vmprof_events_epoch(),
    };

    teller.told = atomic_load_explicit(
        &teller.function->sites[teller.offset].told, memory_order_relaxed);
    return teller;
}

static void
fire(struct teller *teller, uint64_t bit, struct vmprof_event *event)
{
    int result;

    event->code = teller->function->id;
    event->frame = teller->frame;
    if (!event->line)
        event->line = teller->function->lines[teller->offset];
    result = vmprof_fire_event(teller->interp->profile, event);
    if (result == 1)
        clear(teller->function, teller->offset, bit, teller->epoch);
    if (result < 0 && !teller->error)
        teller->error = result;
}

/* An event of the instruction itself, if anybody on this thread wants it. */
static void
tell(struct teller *teller, int kind, struct vmprof_event event)
{
    const uint64_t bit = VMPROF_EVENT_BIT(kind);

    if (!(teller->told & bit) ||
        !vmprof_wants_event(teller->interp->profile, bit))
        return;
    event.kind = (uint32_t)kind;
    event.offset = teller->offset;
    fire(teller, bit, &event);
}

static void
tell_call(struct teller *teller)
{
    struct value value = { .type = VALUE_FUNCTION,
                           .function = teller->function };

    tell(teller, VMPROF_EVENT_CALL,
         (struct vmprof_event){ .callee = teller->function->id,
                                .line = teller->function->line,
                                .object = &value });
}

/* Which way a condition goes. */
static void
tell_branch(struct teller *teller, bool jumps)
{
    size_t target = jumps ? target_of(teller->function, teller->offset)
                          : teller->offset + 1;

    tell(teller,
         jumps ? VMPROF_EVENT_BRANCH_TAKEN : VMPROF_EVENT_BRANCH_NOT_TAKEN,
         (struct vmprof_event){ .target = target });
}

/* The line that a LOOP jumps to, where that is not told at what it jumps to. */
static void
tell_turn(struct teller *teller)
{
    size_t target = target_of(teller->function, teller->offset);
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_LINE,
        .offset = target,
        .line = teller->function->sites[target].turn,
    };

    if (teller->told & LINE_OF_TURN &&
        vmprof_wants_event(teller->interp->profile, BIT(LINE)))
        fire(teller, LINE_OF_TURN, &event);
}

static void
tell_opcode(struct teller *teller, const uint32_t *pc, struct value *sp)
{
    size_t target = target_of(teller->function, teller->offset);

    switch (opcode_of(word_at(pc))) {
    case OP_RETURN:
        tell(teller, VMPROF_EVENT_RETURN,
             (struct vmprof_event){ .callee = teller->function->id,
                                    .object = &sp[-1] });
        break;
    case OP_JUMP:
        tell(teller, VMPROF_EVENT_JUMP,
             (struct vmprof_event){ .target = target });
        break;
    case OP_LOOP:
        tell(teller, VMPROF_EVENT_BACK_EDGE,
             (struct vmprof_event){ .target = target });
        tell_turn(teller);
        break;
    case OP_JUMP_IF_FALSE:
    case OP_AND:
        tell_branch(teller, !value_is_true(sp[-1]));
        break;
    case OP_OR:
        tell_branch(teller, value_is_true(sp[-1]));
        break;
    default:
        break;
    }
}

static bool
raise_error(struct interp *interp, int error)
{
    return error == 0 ||
           throw_error(interp, "a tool failed: %s", vmprof_strerror(error));
}

bool
events_at(struct interp *interp, struct frame *frame, const uint32_t *pc,
          struct value *sp)
{
    struct teller teller = teller_at(interp, frame, pc);

    frame->sp = sp;
    tell_call(&teller);
    tell(&teller, VMPROF_EVENT_LINE,
         (struct vmprof_event){
             .line = teller.function->sites[teller.offset].line });
    tell(&teller, VMPROF_EVENT_INSTRUCTION, (struct vmprof_event){ 0 });
    tell_opcode(&teller, pc, sp);
    return raise_error(interp, teller.error);
}

static vmprof_code_id
callee_of(int kind, const struct frame *frame, const struct value *object)
{
    if (kind == VMPROF_EVENT_C_CALL)
        return object->native->id;
    if (kind == VMPROF_EVENT_C_RETURN || kind == VMPROF_EVENT_C_RAISE)
        return frame->sp->native->id; /* below its arguments */
    return kind == VMPROF_EVENT_RAISE || kind == VMPROF_EVENT_RERAISE
               ? 0
               : frame->function->id;
}

bool
events_tell_and_ask(struct interp *interp, int kind, const struct value *object)
{
    struct frame *frame = interp->current->frame;
    struct teller teller =
        teller_at(interp, frame, (const uint32_t *)frame->pc);

    tell(&teller, kind,
         (struct vmprof_event){ .callee = callee_of(kind, frame, object),
                                .object = (void *)(uintptr_t)object });
    return raise_error(interp, teller.error);
}

static void
tell_frame(struct interp *interp, struct vmprof_event *event,
           const struct frame *frame)
{
    const struct function *function = frame->function;

    event->code = function->id;
    event->offset = (uint64_t)((const uint32_t *)frame->pc - function->code);
    if (!event->line)
        event->line = function->lines[event->offset];
    event->frame = (void *)(uintptr_t)frame;
    (void)vmprof_fire_event(interp->profile, event);
}

void
events_tell_of(struct interp *interp, int kind, const struct frame *frame,
               const struct value *object)
{
    struct vmprof_event event = {
        .kind = (uint32_t)kind,
        .callee = callee_of(kind, frame, object),
        .object = (void *)(uintptr_t)object,
    };

    tell_frame(interp, &event, frame);
}

void
events_tell(struct interp *interp, int kind, uint64_t target,
            const struct value *object)
{
    struct vmprof_event event = {
        .kind = (uint32_t)kind,
        .target = target,
        .object = (void *)(uintptr_t)object,
    };

    tell_frame(interp, &event, interp->current->frame);
}

void
events_handled(struct interp *interp, const struct frame *frame, uint32_t line)
{
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_HANDLED,
        .line = line,
        .object = &interp->thrown,
    };

    if (VMPROF_EXPECT(events_want(interp, VMPROF_EVENT_HANDLED), 0))
        tell_frame(interp, &event, frame);
}

void
events_unwind(struct interp *interp, const struct coroutine *coroutine)
{
    for (const struct frame *frame = coroutine->frame; frame;
         frame = frame->caller)
        events_thrown(interp, VMPROF_EVENT_UNWIND, frame);
}

void
events_tell_allocation(struct interp *interp, struct cell *cell, size_t size)
{
    const struct frame *const frame = interp->current->frame;
    const struct function *const function = frame->function;
    const size_t offset =
        (size_t)((const uint32_t *)frame->pc - function->code);
    struct value value = value_cell(cell->type, cell);
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_ALLOCATION,
        .line = function->lines[offset],
        .code = function->id,
        .offset = offset,
        .target = size,
        .object = &value,
        .frame = (void *)(uintptr_t)frame,
    };

    (void)vmprof_event_allocation(interp->profile, &event);
}

/* The functions of a program were made before any thread that could tell of it:
 * the first does, and the last when they go. */
static void
tell_of_program(struct interp *interp, int kind)
{
    const struct program *program = interp->program;

    if (!events_want(interp, kind))
        return;
    for (size_t i = 0; i < program->function_count; i++) {
        struct value value = { .type = VALUE_FUNCTION,
                               .function = program->functions[i] };
        struct vmprof_event event = {
            .kind = (uint32_t)kind,
            .code = value.function->id,
            .callee = value.function->id,
            .line = value.function->line,
            .object = &value,
        };

        (void)vmprof_fire_event(interp->profile, &event);
    }
}

static void
tell_of_thread(struct interp *interp, int kind)
{
    const struct vmprof_event event = { .kind = (uint32_t)kind };

    if (events_want(interp, kind))
        (void)vmprof_fire_event(interp->profile, &event);
}

void
events_expect_threads(int more)
{
    atomic_fetch_add(&expected, more);
}

void
events_begin_thread(struct interp *interp, unsigned number)
{
    events_thread = number;
    tell_of_thread(interp, VMPROF_EVENT_THREAD_STARTED);
    if (!atomic_exchange(&is_told_of, true))
        tell_of_program(interp, VMPROF_EVENT_CODE_CREATED);
}

void
events_end_thread(struct interp *interp)
{
    if (atomic_fetch_sub(&expected, 1) == 1)
        tell_of_program(interp, VMPROF_EVENT_CODE_DESTROYED);
    tell_of_thread(interp, VMPROF_EVENT_THREAD_ENDED);
}
