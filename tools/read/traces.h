/* SPDX-License-Identifier: MIT */

/*
 * What a JIT compiler made, as every reader hands it over, whatever the file
 * was: traces with their operations, machine code, guards and labels, and what
 * was counted. Times come by as events, see jit_event.
 *
 * Indexes are into the arrays here; entry 0 of each stands for none. Texts are
 * never NULL and hold whatever the file held: any byte but NUL, not always
 * UTF-8. Who prints them escapes them.
 */
#ifndef READ_TRACES_H
#define READ_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of these and of ends are those of the native format. */
enum trace_kind {
    TRACE_UNKNOWN, /* counted or sampled, but never described */
    TRACE_LOOP,
    TRACE_ENTRY_BRIDGE, /* from the interpreter to code of others */
    TRACE_BRIDGE,       /* from a guard */
    TRACE_METHOD,
    TRACE_STUB, /* of the compiler's own; not of the program */
};

enum trace_end {
    TRACE_END_UNKNOWN,
    TRACE_END_LOOPS,       /* jumps to a label of its own */
    TRACE_END_JUMPS,       /* to another trace */
    TRACE_END_RETURNS,     /* to whoever called it */
    TRACE_END_INTERPRETER, /* which goes on */
};

/* Where in the program something is; what was inlined has a place outside. */
struct trace_place {
    const char *function, *file; /* "": unknown */
    const char *opcode;          /* "": unknown */
    uint32_t line;               /* 0: unknown */
    uint32_t first_line;         /* of the function; 0: unknown */
    uint32_t outer;              /* place of the call it is inlined at */
    uint32_t code;               /* index into a profile's codes */
    uint64_t bytecode;           /* offset */
    bool has_bytecode;
};

enum operation_kind {
    OPERATION_OTHER,
    OPERATION_LABEL, /* target: into labels */
    OPERATION_GUARD, /* target: into guards */
    OPERATION_JUMP,  /* target: into labels */
    OPERATION_CALL,  /* call_assembler; target: into traces */
    OPERATION_FINISH,
};

struct trace_operation {
    const char *text;
    uint32_t place;
    uint32_t offset; /* of its machine code from the trace's code_start */
    uint32_t size;   /* bytes of that; 0: none, or not known */
    uint32_t target; /* 0: none, or not known */
    uint8_t kind;    /* enum operation_kind */
    bool has_offset;
};

/* From this offset of the machine code on it is of that place. */
struct trace_position {
    uint32_t offset;
    uint32_t place;
};

struct trace_label {
    uint64_t id;
    uint32_t trace;
    uint32_t operation;
    uint64_t count; /* how often it was passed */
    bool has_count;
};

struct trace_guard {
    uint64_t id;
    uint32_t trace;
    uint32_t operation; /* 0: not known */
    uint32_t place;
    const char *text; /* what it tests; "": not known */
    uint32_t bridge;  /* the trace that was stitched to it; 0: none yet */
    uint32_t offset;  /* of its machine code */
    uint64_t fails;   /* how often, all ways out */
    bool has_offset, has_fails;
};

struct trace {
    uint64_t id; /* as the format numbers it: unique in its session, of its
                    kind; of a bridge that is all, its guard's */
    uint32_t session;
    uint8_t kind;     /* enum trace_kind */
    uint8_t end;      /* enum trace_end */
    const char *name; /* for people, and as PYPYLOG writes it */
    uint32_t place;   /* where it begins */
    uint32_t guard;   /* of a bridge: it leaves there */
    uint32_t parent;  /* of a bridge: the trace of that guard */
    uint32_t root;    /* the loop it is folded under: itself if it is none */
    uint32_t target;  /* label that it jumps to at its end */
    uint32_t into;    /* trace that it jumps to at its end */

    uint64_t code_start, code_size; /* size 0: not known */
    uint64_t entry_offset;          /* where it is entered */
    uint64_t body_offset;           /* where the operations begin */
    uint64_t loop_offset;           /* where the label of its end is */
    uint64_t cold_offset;           /* what is behind is ways out; 0: none */
    unsigned char *code;            /* known_size bytes; NULL: not known */
    uint64_t known_size;            /* of code_size, from the start */

    uint32_t first_operation, operation_count;
    uint32_t first_position, position_count; /* by offset */
    uint32_t recorded_count;                 /* operations before optimising */
    uint32_t guard_count, label_count;

    uint64_t entries; /* counted by the VM */
    bool has_entries;
    bool aborted;       /* never made to code */
    const char *reason; /* of that; "": not known */
    uint32_t emits;     /* bits of enum vmprof_emits; of native files */
    bool freed;
};

/* A stretch of machine code. The same address may be of one after another. */
struct trace_range {
    uint64_t start, size;
    uint32_t trace;
    uint32_t session;
    uint64_t furthest_end; /* of it and all before it */
};

/* What the JIT and the collector did, as sections of a log. */
enum section_kind {
    SECTION_OTHER,
    SECTION_TRACING,
    SECTION_OPTIMISING,
    SECTION_BACKEND,
    SECTION_GC,
    SECTION_LOGGING, /* what writing the log took */
};

struct jit_section {
    const char *name;
    uint8_t kind; /* enum section_kind */
    uint64_t count;
    uint64_t total, self; /* ticks; self: without sections inside */
};

/* A line of a summary that the VM made itself. */
struct jit_total {
    const char *name;
    uint64_t count;
    double seconds;
    bool has_seconds, has_count;
};

/* What was wrong with the file, and what it cost. All zero: nothing. */
struct jit_damage {
    uint64_t first_line;     /* in text, of what is counted here */
    uint64_t first_offset;   /* in bytes, the same */
    uint64_t bytes_unread;   /* that are no record */
    uint64_t lines_unknown;  /* of sections that are read */
    uint64_t lines_too_long; /* shortened or left out */
    uint64_t unopened;       /* ends of sections that never began */
    uint64_t unclosed;       /* and sections that never ended */
    uint64_t backwards;      /* times before the one before */
    uint64_t unmatched;      /* counts and links of what is not in the file */
    uint64_t repeated;       /* ids that were used again */
    uint64_t limited;        /* left out, as it would not fit in memory */
    uint64_t untimed;        /* events whose times are not known */
    bool cut;                /* the file ends in the middle of something */
};

enum trace_clock {
    TRACE_CLOCK_NONE,
    TRACE_CLOCK_TICKS, /* of unknown length */
    TRACE_CLOCK_NS,
};

struct traces {
    const char *format;  /* "PYPYLOG", "jitlog 4" */
    const char *machine; /* "x86_64"; "": unknown */
    uint8_t clock;       /* enum trace_clock: of sections and events */
    bool has_counts;
    struct trace *traces;
    struct trace_operation *operations;
    struct trace_position *positions;
    struct trace_place *places;
    struct trace_guard *guards;
    struct trace_label *labels;
    struct trace_range *ranges; /* without an entry 0; by start */
    struct jit_section *sections;
    struct jit_total *totals;
    uint32_t trace_count, operation_count, position_count, place_count;
    uint32_t guard_count, label_count, range_count;
    uint32_t section_count, total_count;
    uint64_t event_count, lost_count; /* lost: events that had no room */
    uint64_t off_cpu_ns;              /* left out of the times of events */
    uint64_t shortest_ns; /* time between two events of a thread, not 0; 0:
                             there are none */
    uint64_t first_time, last_time; /* of sections and events */
    uint64_t file_size;
    struct jit_damage damage;
    struct traces_private *private;
};

enum jit_event_kind {
    JIT_ENTER,   /* `trace` runs, in place of what ran before */
    JIT_JUMP,    /* the same, from another trace */
    JIT_EXIT,    /* from `trace` (0: whichever) to the interpreter */
    JIT_CALL,    /* `trace` calls: what is called comes next */
    JIT_RETURN,  /* `trace` (0: the last that called) goes on after a call */
    JIT_LOST,    /* from here to the next nothing is known */
    JIT_SUSPEND, /* off the CPU */
    JIT_RESUME,
    JIT_START, /* before the first event of a thread: it interprets */
    JIT_END,   /* after the last */
};

struct jit_event {
    uint64_t time;  /* of enum trace_clock; of a native file the thread's
                          CPU time */
    uint64_t at_ns; /* the same as time since the session's start */
    uint64_t ticks; /* of the processor, where `time` was made of them; or 0 */
    uint64_t end_time; /* when the writer had written it; 0: not known */
    uint64_t lost;     /* of JIT_LOST: how many, where known */
    uint32_t thread;   /* index into a profile's threads, or 0 */
    uint32_t trace;
    uint32_t guard;   /* of JIT_EXIT: that failed; 0: none, or not known */
    uint8_t kind;     /* enum jit_event_kind */
    const char *line; /* what the log says, where it is text; or NULL */
    size_t line_size;
};

/* Returning other than 0 stops the reading with that result. */
typedef int (*jit_event_function)(void *user, const struct traces *traces,
                                  const struct jit_event *event);

/* Zeroed: none of it. */
struct traces_options {
    jit_event_function on_event; /* in the order of the file */
    void *user;
    bool show_progress;
};

/*
 * Read a whole file ("-": standard input). Returns 0, also for a file with
 * damage, whose readable part it holds; else writes one sentence to `message`
 * (what is wrong, where, what to do) and returns -1; or what `on_event`
 * returned. The message is empty then.
 */
int
pypylog_read(struct traces *traces, const char *path,
             const struct traces_options *options, char *message,
             size_t message_size);
int
jitlog_read(struct traces *traces, const char *path,
            const struct traces_options *options, char *message,
            size_t message_size);

/* What a file's first bytes are of. */
bool
pypylog_is_at(const unsigned char *data, size_t size);
bool
jitlog_is_at(const unsigned char *data, size_t size);

/* The trace that has code at an address, the one that had it last; 0: none. */
uint32_t
traces_find_address(const struct traces *traces, uint32_t session,
                    uint64_t address);

/* The operation whose machine code an offset of a trace is of; 0: none. */
uint32_t
traces_operation_at(const struct traces *traces, uint32_t trace,
                    uint64_t offset);

/* The place of an offset of a trace; 0: not known. */
uint32_t
traces_place_at(const struct traces *traces, uint32_t trace, uint64_t offset);

/* How often the loop of a trace went round, if the VM counted that. */
bool
trace_iterations(const struct traces *traces, uint32_t trace,
                 uint64_t *iterations);

/* A zeroed one is fine. */
void
traces_free(struct traces *traces);

#endif
