/* SPDX-License-Identifier: MIT */

/*
 * Events for tracers and debuggers. What instructions have to tell is written
 * into the bytecode: one that somebody wants an event of has OPCODE_TOLD in its
 * opcode, and the loop comes to it by another label. So a program that nobody
 * looks at pays nothing. What is rare or slow anyway looks at the thread's word:
 * coroutines, exceptions, allocation, collections, compilation, threads.
 *
 * TOY_EVENTS, for comparison: 0, there are none; 2, the loop looks at the word
 * where it calls, returns and jumps back, as a VM does that cannot change its
 * code, and tells of no other instruction.
 */
#ifndef TOY_EVENTS_H
#define TOY_EVENTS_H

#include "interp.h"

#ifndef TOY_EVENTS
#    define TOY_EVENTS 1
#endif

/* The VM's own numbers. */
enum {
    EVENT_SPAWN = VMPROF_EVENT_VM,     /* a coroutine was made */
    EVENT_PRINT = VMPROF_EVENT_VM + 1, /* so many bytes were printed */
};

/* Once, before anything else. */
void
events_init(void);

/* A program whose functions have ids: there is one at a time. */
void
events_add_program(struct program *program);
void
events_remove_program(void);

/* So many more threads will run it, or fewer. Each does so between the other
 * two; the number is its own. */
void
events_expect_threads(int more);
void
events_begin_thread(struct interp *interp, unsigned number);
void
events_end_thread(struct interp *interp);

extern _Thread_local unsigned events_thread;

/* Whether an instruction has anything to tell: then no trace that has it may
 * run. The version changes whenever that has. */
static inline bool
events_are_told(const uint32_t *pc)
{
    return word_at(pc) & OPCODE_TOLD;
}
uint64_t
events_version(void);

/* An instruction is about to run. False: a tool has failed, and that is thrown.
 */
bool
events_at(struct interp *interp, struct frame *frame, const uint32_t *pc,
          struct value *sp);

static inline bool
events_want(const struct interp *interp, int kind)
{
    return TOY_EVENTS &&
           vmprof_wants_event(interp->profile, VMPROF_EVENT_BIT(kind));
}

/* Of the function that runs; what tools answer is not looked at. */
void
events_tell(struct interp *interp, int kind, uint64_t target,
            const struct value *object);

/* The same of a frame. */
void
events_tell_of(struct interp *interp, int kind, const struct frame *frame,
               const struct value *object);

/* The same, and an error is thrown: false. */
bool
events_tell_and_ask(struct interp *interp, int kind,
                    const struct value *object);

/* An exception is thrown or on its way. */
static inline void
events_thrown(struct interp *interp, int kind, const struct frame *frame)
{
    if (VMPROF_EXPECT(events_want(interp, kind), 0))
        events_tell_of(interp, kind, frame, &interp->thrown);
}

/* It is caught, on a line, and the frame goes on where it says. */
void
events_handled(struct interp *interp, const struct frame *frame, uint32_t line);

/* All frames of a coroutine are left, the innermost first. */
void
events_unwind(struct interp *interp, const struct coroutine *coroutine);

void
events_tell_allocation(struct interp *interp, struct cell *cell, size_t size);

/* A cell was made: maybe in the heap of a thread that does not run yet. */
static inline void
events_allocated(struct heap *heap, struct cell *cell, size_t size)
{
    struct interp *const interp =
        (struct interp *)(void *)((char *)heap - offsetof(struct interp, heap));

    if (interp->profile && events_want(interp, VMPROF_EVENT_ALLOCATION))
        events_tell_allocation(interp, cell, size);
}

/* events_value.c */
int
events_get_value(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event, enum vmprof_value_name name,
                 uint64_t index, struct vmprof_value *out);

/* events_print.c: a tool that prints what happens on stderr. Names with commas
 * between them, "all", or "" for none. */

/* False: there is no such event, at `*wrong`. */
bool
events_parse(const char *names, uint64_t *events, const char **wrong);

/* What the tool answers to each event, before there are any. */
void
events_answer(int answer);

/* With each line the variables that there are. */
void
events_print_locals(void);

/* 0 or a negative errno. */
int
events_print(uint64_t events);
int
events_print_function(const struct function *function, uint64_t events);

#endif
