/* SPDX-License-Identifier: MIT */

/* Which instruction has what to tell. */
#include "events.h"

#include "events_sites.h"
#include "memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define OF_BUILTINS (BIT(C_CALL) | BIT(C_RETURN) | BIT(C_RAISE))

/* Held while words and sites are changed. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct program *known; /* NULL: none */
static atomic_uint_least64_t version = 1;

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

void
events_clear(const struct function *function, size_t offset, uint64_t events,
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
