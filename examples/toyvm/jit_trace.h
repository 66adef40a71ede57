/* SPDX-License-Identifier: MIT */

/*
 * What the files of the JIT share: traces, of operations on the slots of a
 * frame, and the guards that they are left through.
 *
 * A trace works on the interpreter's own frames, in memory. How high the stack
 * is at each instruction is known when it is compiled, so a guard that fails
 * stores pc and sp, and the interpreter goes on.
 *
 *   jit.c            counts, records, runs, leaves
 *   jit_record.c     follows the interpreter
 *   jit_translate.c  an instruction into operations
 *   jit_optimise.c   before they are compiled
 *   jit_link.c       installs, stitches, invalidates, frees
 *   jit_helper.c     operations in C
 *   jit_threaded.c, jit_x86_64.c, jit_no_machine.c   back ends
 *   jit_text.c       operations as text
 *   jit_truth.c      what really happens
 *   jit_profile.c    what the profiler is told
 *   jit_events.c     what events are hidden and told
 */
#ifndef TOY_JIT_TRACE_H
#define TOY_JIT_TRACE_H

#include "frame.h"
#include "jit.h"

/* Of the operations that call C: where it stands in jit_helpers. */
#define JIT_HELPERS(X)                                                         \
    X(OPERATE)       /* to = operator of the instruction (a, b) */             \
    X(NEGATE)        /* a = 0 - a */                                           \
    X(EQUAL)         /* to = a equals b, or not, as the instruction says */    \
    X(LIST)          /* to = a list of the values from there on */             \
    X(OBJECT)        /* to = an object */                                      \
    X(GET_INDEX)     /* to = a[b] */                                           \
    X(SET_INDEX)     /* a[b] = to */                                           \
    X(GET_ATTRIBUTE) /* to = a.value */                                        \
    X(SET_ATTRIBUTE) /* a.value = b */                                         \
    X(POLL)                                                                    \
    X(CALL_NATIVE) /* a = native a (the values behind it) */                   \
    X(PUSH)        /* a frame for function a */                                \
    X(RETURN)      /* of value a from a frame that PUSH made */                \
    X(FINISH)      /* of value a from the function that it began in */         \
    X(CALL_TRACE)  /* run another trace in this frame until that returns */

#define JIT_OPERATIONS(X)                                                      \
    X(CONSTANT) /* to = value */                                               \
    X(COPY)     /* to = a */                                                   \
    X(INT_ADD)  /* to = a + b, and so on */                                    \
    X(INT_SUBTRACT)                                                            \
    X(INT_MULTIPLY)                                                            \
    X(INT_DIVIDE)                                                              \
    X(INT_REMAINDER)                                                           \
    X(INT_EQUAL)                                                               \
    X(INT_UNEQUAL)                                                             \
    X(INT_LESS)                                                                \
    X(INT_LESS_EQUAL)                                                          \
    X(INT_GREATER)                                                             \
    X(INT_GREATER_EQUAL)                                                       \
    X(FLOAT_ADD)                                                               \
    X(FLOAT_SUBTRACT)                                                          \
    X(FLOAT_MULTIPLY)                                                          \
    X(FLOAT_DIVIDE)                                                            \
    X(FLOAT_LESS)                                                              \
    X(FLOAT_LESS_EQUAL)                                                        \
    X(FLOAT_GREATER)                                                           \
    X(FLOAT_GREATER_EQUAL)                                                     \
    X(NOT)           /* a = not a, of a bool */                                \
    X(LOAD_ITEM)     /* to = list a [b] */                                     \
    X(STORE_ITEM)    /* list a [b] = to */                                     \
    X(GUARD_TYPE)    /* of a */                                                \
    X(GUARD_TRUE)    /* a, a bool */                                           \
    X(GUARD_FALSE)   /* likewise */                                            \
    X(GUARD_POINTER) /* a is that function or builtin */                       \
    X(GUARD_DIVISOR) /* a is neither 0 nor -1 */                               \
    X(GUARD_INDEX)   /* b lies in list a */                                    \
    X(GUARD_VALID)   /* nobody has invalidated the trace */                    \
    X(JUMP)          /* to the label of the target */                          \
    X(LEAVE)         /* to the interpreter */                                  \
    JIT_HELPERS(X)

enum jit_operation {
#define OPERATION(name) JIT_##name,
    JIT_OPERATIONS(OPERATION)
#undef OPERATION
    JIT_OPERATION_COUNT,
    JIT_FIRST_HELPER = JIT_OPERATE,
};

struct jit_op {
    enum jit_operation operation;
    uint32_t place;  /* its index */
    uint16_t a, b;   /* slots of the frame that runs then */
    uint16_t to;     /* likewise */
    uint16_t depth;  /* values in its slots before the instruction */
    uint32_t guard;  /* number + 1; 0: none */
    uint32_t offset; /* in the machine code */
    enum value_type type;
    const uint32_t *pc; /* the instruction it was made of */
    struct value value;
    const void *pointer; /* a function or builtin */
    struct jit_trace *target;
};

/* An instruction in the tree of what a trace has inlined. */
struct jit_place {
    const struct function *function;
    const uint32_t *pc;
    uint32_t parent; /* 1 + index of the call's; 0: what the trace began in */
};

enum {
    JIT_PATCH_SIZE = 12, /* bytes that lead from a guard to a bridge */
};

struct jit_guard {
    struct jit_trace *trace;
    struct jit_trace *bridge; /* NULL: the interpreter goes on */
    uint32_t number;          /* in the trace */
    uint32_t op;              /* its index */
    const uint32_t *pc;       /* where the interpreter goes on */
    uint16_t depth;           /* with so many values in the frame's slots */
    uint32_t failures;        /* since a recording was tried */
    uint32_t tries;
    uint64_t exits;  /* for the truth */
    uint32_t offset; /* of the test in the machine code */
    uint8_t *stub;   /* where a failure goes */
    uint8_t kept[JIT_PATCH_SIZE];
};

/* How a trace was left, besides through a guard. */
extern const struct jit_guard jit_finished; /* it has returned */
extern const struct jit_guard jit_thrown;   /* interp->thrown is to be caught */
extern const struct jit_guard jit_left;     /* the frame says where to go on */

enum jit_kind {
    JIT_LOOP = 1,
    JIT_ENTRY_BRIDGE,
    JIT_BRIDGE,
    JIT_METHOD
};
enum jit_end {
    JIT_TO_LABEL = 1,
    JIT_TO_TARGET,
    JIT_RETURNS,
    JIT_LEAVES
};

struct jit_trace {
    struct jit_trace *next; /* of the thread's, the last one first */
    struct jit *jit;
    enum jit_kind kind;
    enum jit_end end;
    char name[64];
    uint32_t id; /* as the profiler has it */
    uint32_t first_guard;
    uint32_t emits;         /* VMPROF_EMIT_... */
    uint64_t *counters;     /* of entries and exits, or NULL */
    struct jit_trace *root; /* itself, but of bridges */
    struct jit_guard *from; /* of a bridge */
    struct jit_trace *target;
    struct jit_spot *spot; /* of a root: what enters it */
    const struct function *function;
    const uint32_t *start;
    struct jit_op *ops;
    size_t op_count, op_capacity;
    struct jit_guard *guards;
    size_t guard_count, guard_capacity;
    struct jit_place *places;
    size_t place_count, place_capacity;
    const struct jit_guard *(*enter)(struct interp *interp, struct frame *frame,
                                     struct jit_trace *trace);
    uint8_t *code; /* NULL: threaded */
    size_t code_size, map_size;
    uint8_t *label;  /* where jumps to it go */
    bool is_invalid; /* not to be entered any more */
    bool is_told;    /* not for now: it would hide events */
    bool is_freed;
    struct jit_truth_row *truth;
};

/* A place that can become hot: where a loop or a function begins. */
struct jit_spot {
    uint32_t count;
    uint32_t threshold; /* 0: not known yet */
    uint32_t tries;
    struct jit_trace *trace; /* NULL: none yet */
};

enum {
    JIT_LEVELS = 8,     /* calls that are inlined into each other */
    JIT_OPS_MAX = 2000, /* of a trace */
    JIT_TRIES_MAX = 6,
    JIT_SKIPPED_MAX = 1000000, /* instructions of a call that is not recorded */
    JIT_NESTING_MAX = 100,     /* of traces that call traces, on the C stack */
};

/* What is known of a value. */
struct jit_known {
    const void *pointer; /* which function; NULL: unknown */
    uint16_t copy_of;    /* a slot below that holds the same, or none */
    uint8_t type;        /* or JIT_UNKNOWN */
};

enum {
    JIT_UNKNOWN = 0xff,
    JIT_NO_SLOT = 0xffff,
};

/* What is known of a frame at some point of a recording. */
struct jit_level {
    struct frame *frame;
    const struct function *function;
    uint32_t place;      /* 1 + index of the call's; 0: it began here */
    uint32_t call_depth; /* slots of the caller that stay */
    struct jit_known known[FUNCTION_DEPTH_MAX + 1]; /* by slot */
};

struct jit_recorder {
    struct jit_trace *trace;    /* NULL: nothing is recorded */
    struct jit_spot *spot;      /* that it is for, or */
    struct jit_guard *guard;    /* this one */
    const struct frame *caller; /* of the first frame, until that is there */
    int phase;                  /* before */
    bool skips;                 /* what runs is a trace that was called */
    bool ends;                  /* the last instruction was translated */
    uint32_t skipped;           /* instructions meanwhile */
    const uint32_t *expected;   /* the next instruction */
    uint32_t place;             /* of the instruction, its index */
    uint32_t depth;             /* values in the frame's slots before it */
    int level;                  /* of the frame that runs */
    struct jit_level levels[JIT_LEVELS];
};

struct jit {
    struct interp *interp;
    struct jit_settings settings;
    struct jit_trace *traces;
    struct jit_spot **loops; /* by function and offset of what is jumped to */
    struct jit_spot *calls;  /* by function */
    uintptr_t stack_pointer; /* that calls are entered with */
    int nesting;
    bool has_invalid;
    uint64_t events_version;      /* when it was seen what traces would hide */
    const struct jit_guard *exit; /* why a helper returned NULL */
    struct jit_truth *truth;      /* NULL: nobody asked */
    struct jit_recorder recorder;
};

/* jit.c */
struct jit_spot *
jit_loop_spot(struct jit *jit, const struct function *function,
              const uint32_t *header);

/* jit_events.c: whether a trace may be entered, as far as events go; whether the
 * trace that runs may, for something has changed since, and telling events. */
bool
jit_hides_events(struct jit *jit, const struct jit_trace *trace);
bool
jit_must_look(const struct jit *jit);
void
jit_tell(struct jit *jit, int kind, const struct jit_trace *trace);

/* jit_record.c: from the next instruction on. */
void
jit_record_root(struct jit *jit, struct jit_spot *spot, enum jit_kind kind,
                struct frame *frame, const struct function *function,
                const uint32_t *start);
void
jit_record_bridge(struct jit *jit, struct jit_guard *guard);
/* An instruction is about to run. */
void
jit_record(struct jit *jit, struct frame *frame, const uint32_t *pc,
           struct value *sp);
void
jit_abort(struct jit *jit, const char *reason);

/* For jit_translate.c. */
struct jit_op *
jit_add_op(struct jit *jit, enum jit_operation operation);
void
jit_add_guard(struct jit *jit, struct jit_op *op, const uint32_t *pc,
              size_t depth);
struct jit_level *
jit_push_level(struct jit *jit, const struct function *function, uint32_t place,
               uint32_t call_depth);
/* What is added now is of this instruction of the inner frame. */
void
jit_record_place(struct jit *jit, const struct function *function,
                 const uint32_t *pc, size_t depth);
/* The inner frame is left to a trace. */
void
jit_record_call(struct jit *jit, struct jit_trace *target);

/* jit_translate.c: false after jit_abort(). Sets what instruction comes next. */
bool
jit_translate(struct jit *jit, struct frame *frame, const uint32_t *pc,
              struct value *sp);

/* jit_optimise.c */
void
jit_optimise(struct jit_trace *trace);

/* jit_link.c */
struct jit_trace *
jit_new_trace(struct jit *jit, enum jit_kind kind);
bool
jit_install(struct jit *jit, struct jit_trace *trace);
void
jit_name(struct jit_trace *trace);
void
jit_reap(struct jit *jit);
void
jit_free_trace(struct jit_trace *trace);
/* Nothing goes there any more, and the profiler knows. */
void
jit_retire(struct jit_trace *trace);
bool
jit_is_inner(const struct jit_trace *from, const struct jit_trace *to);

/* jit_helper.c: returns the frame to go on in, or NULL after setting jit->exit:
 * the trace is to be left. */
typedef struct frame *(*jit_helper)(struct interp *interp, struct frame *frame,
                                    const struct jit_op *op);
extern const jit_helper jit_helpers[];

/* Back ends. False, and a message, where the system does not want to. */
void
jit_thread(struct jit_trace *trace);
bool
jit_has_machine(void);
bool
jit_assemble(struct jit_trace *trace);
/* A guard goes to its bridge, or to the interpreter again. */
void
jit_patch(struct jit_guard *guard);
void
jit_free_code(struct jit_trace *trace);

/* jit_text.c */
const char *
jit_operation_name(enum jit_operation operation);
void
jit_format_op(const struct jit_op *op, char *buffer, size_t size);
uint32_t
jit_line(const struct jit_trace *trace, uint32_t place);

#endif
