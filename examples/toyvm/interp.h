/* SPDX-License-Identifier: MIT */

/* The state of one VM thread, and the loop that runs bytecode. */
#ifndef TOY_INTERP_H
#define TOY_INTERP_H

#include "coroutine.h"
#include "frame.h"
#include "heap.h"
#include "profile.h"
#include "truth.h"
#include "type_truth.h"

/* What the last loop has done of the instruction that the next one begins with. */
enum begun {
    NOT_BEGUN,
    TOLD,
    COUNTED, /* and told */
};

struct interp {
    const struct program *program;
    struct heap heap;
    struct coroutine main;      /* the thread's own frames */
    struct coroutine *current;  /* the coroutine that runs */
    struct segment *segments;   /* not in use */
    struct value thrown;        /* the exception on its way */
    struct vm_thread *children; /* threads that it has yet to join */
    struct vmprof_thread *profile;
    struct profile_sites *sites; /* by function */
    enum begun begun;
    struct truth *truth;           /* NULL: nobody asked */
    struct type_truth *type_truth; /* likewise */
    struct jit *jit;               /* NULL: off */
    unsigned number;               /* of the thread */
};

/* state.c */
void
interp_init(struct interp *interp, const struct program *program);

void
interp_free(struct interp *interp);

/* Whether a value can be called with so many arguments. */
bool
check_call(struct interp *interp, struct value callee, size_t count);

/* Sets interp->thrown to a string; always false. */
__attribute__((format(printf, 2, 3))) bool
throw_error(struct interp *interp, const char *format, ...);

/* interp.c: run a function whose frame was pushed to main. False: nobody caught
 * interp->thrown, and the frames are as they were then. */
bool
interp_run(struct interp *interp, struct value *result);

/* operator.c: what the loop does not do itself. All return false after
 * throw_error(). */
bool
operate(struct interp *interp, enum opcode opcode, struct value a,
        struct value b, struct value *result);
bool
get_index(struct interp *interp, struct value list, struct value index,
          struct value *result);
bool
set_index(struct interp *interp, struct value list, struct value index,
          struct value value);
bool
get_attribute(struct interp *interp, struct value object, struct value name,
              struct value *result);
bool
set_attribute(struct interp *interp, struct value object, struct value name,
              struct value value);

/* unwind.c: make the frame that catches interp->thrown the running one; NULL
 * if there is none, and then nothing has changed. */
struct frame *
unwind(struct interp *interp);

/* Leave the frames that an uncaught exception has left behind. */
void
interp_abandon(struct interp *interp);

/* The exception and where it comes from. */
struct text;
void
describe_uncaught(const struct interp *interp, struct text *text);

#endif
