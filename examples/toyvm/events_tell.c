/* SPDX-License-Identifier: MIT */

/* Telling tools of what happens. */
#include "events.h"

#include "events_sites.h"

static atomic_int expected; /* threads that run it, or will */
static atomic_bool is_told_of;

_Thread_local unsigned events_thread;

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
        events_clear(teller->function, teller->offset, bit, teller->epoch);
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
