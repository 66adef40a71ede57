/* SPDX-License-Identifier: MIT */

#include "jit_truth.h"

#include "jit_trace.h"
#include "memory.h"
#include "text.h"

#include <vmprof/jit.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An edge that was taken. */
struct cell {
    struct cell *next;
    const struct jit_trace *to; /* NULL: the interpreter */
    enum jit_edge edge;
    uint64_t count;
};

/* Of a trace, or of the interpreter. */
struct jit_truth_row {
    struct cell *cells;
    uint64_t entries;
    uint64_t self;   /* time in it alone */
    uint64_t caller; /* and in what it calls, unless it is called itself */
};

struct jit_truth {
    char thread[32];
    enum jit_truth_clock clock;
    uint64_t since;
    uint64_t unexpected; /* exits from a trace that did not run */
    struct jit_truth_row interpreter;
    struct jit_trace *current; /* NULL: the interpreter */
    struct jit_trace *callers[JIT_NESTING_MAX + 1];
    size_t depth;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct text kept;

static uint64_t
read_clock(enum jit_truth_clock clock)
{
    struct timespec now;

    if (clock == JIT_TRUTH_NO_CLOCK)
        return 0;
    if (clock == JIT_TRUTH_TICKS)
        return vmprof_jit_ticks();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct jit_truth *
jit_truth_start(const char *thread, enum jit_truth_clock clock)
{
    struct jit_truth *truth = allocate(sizeof(*truth));

    snprintf(truth->thread, sizeof(truth->thread), "%s", thread);
    truth->clock = clock;
    truth->since = read_clock(clock);
    return truth;
}

static struct jit_truth_row *
row_of(struct jit_truth *truth, struct jit_trace *trace)
{
    if (!trace)
        return &truth->interpreter;
    if (!trace->truth)
        trace->truth = allocate(sizeof(*trace->truth));
    return trace->truth;
}

static void
count(struct jit_truth_row *row, enum jit_edge edge, const struct jit_trace *to)
{
    struct cell *cell = row->cells;

    while (cell && (cell->to != to || cell->edge != edge))
        cell = cell->next;
    if (!cell) {
        cell = allocate(sizeof(*cell));
        *cell = (struct cell){ row->cells, to, edge, 0 };
        row->cells = cell;
    }
    cell->count++;
}

/* Whose time passes: of what runs, and of the call that it is part of. */
struct account {
    struct jit_truth_row *self, *caller;
};

static struct account
account_of(struct jit_truth *truth)
{
    struct jit_trace *const outer =
        truth->depth > 0 ? truth->callers[0] : truth->current;

    return (struct account){ row_of(truth, truth->current),
                             row_of(truth, outer) };
}

/* The time since the last edge was what ran until now. */
static void
charge(struct jit_truth *truth, struct account account)
{
    const uint64_t now = read_clock(truth->clock);

    account.self->self += now - truth->since;
    account.caller->caller += now - truth->since;
    truth->since = now;
}

/* Ends with the clock, which is then read an instant before the event's, whatever
 * there was to count. */
void
jit_truth_edge(struct jit_truth *truth, enum jit_edge edge,
               struct jit_trace *trace, struct jit_guard *guard)
{
    const struct account account = account_of(truth);
    struct jit_trace *from = truth->current, *to = trace;

    if (edge == JIT_EDGE_EXIT || edge == JIT_EDGE_CALL) {
        truth->unexpected += from != trace;
        to = NULL;
    }
    if (edge == JIT_EDGE_CALL)
        truth->callers[truth->depth++] = trace;
    else if (edge == JIT_EDGE_RETURN)
        truth->unexpected += truth->callers[--truth->depth] != trace;
    else if (to)
        row_of(truth, to)->entries++;
    if (guard)
        guard->exits++;
    count(row_of(truth, from), edge, to);
    truth->current = to;
    charge(truth, account);
}

static void
add_number(const char *key, uint64_t number)
{
    text_format(&kept, "\"%s\": %" PRIu64 ", ", key, number);
}

/* Ends an object or a list that has a comma behind its last member. */
static void
close_list(const char *end)
{
    if (kept.bytes[kept.length - 1] == ' ')
        kept.length -= 2;
    text_add(&kept, end, strlen(end));
}

static uint32_t
id_of(const struct jit_trace *trace)
{
    return trace ? trace->id : 0;
}

static void
add_cells(const struct jit_trace *from, const struct jit_truth_row *row)
{
    static const char *const edges[] = { "enter", "jump", "exit", "call",
                                         "return" };

    for (const struct cell *cell = row->cells; cell; cell = cell->next)
        text_format(&kept,
                    "{\"from\": %u, \"to\": %u, \"edge\": \"%s\", "
                    "\"count\": %" PRIu64 "}, ",
                    id_of(from), id_of(cell->to), edges[cell->edge],
                    cell->count);
}

static void
add_guards(const struct jit_trace *trace)
{
    char op[128];

    text_format(&kept, "\"guards\": [");
    for (size_t i = 0; i < trace->guard_count; i++) {
        const struct jit_guard *guard = &trace->guards[i];

        jit_format_op(&trace->ops[guard->op], op, sizeof(op));
        text_format(&kept, "{\"id\": %u, \"text\": \"%s\", ",
                    (unsigned)(trace->first_guard + i), op);
        add_number("line", jit_line(trace, trace->ops[guard->op].place));
        add_number("exits", guard->exits);
        add_number("bridge", id_of(guard->bridge));
        close_list("}, ");
    }
    close_list("]");
}

static void
add_trace(struct jit_truth *truth, struct jit_trace *trace)
{
    static const char *const kinds[] = { "", "loop", "entry bridge", "bridge",
                                         "method" };
    static const char *const ends[] = { "", "loop", "jump", "return",
                                        "interpreter" };
    const struct jit_truth_row *row = row_of(truth, trace);

    add_number("id", trace->id);
    text_format(&kept,
                "\"name\": \"%s\", \"kind\": \"%s\", \"end\": \"%s\", "
                "\"function\": \"%s\", ",
                trace->name, kinds[trace->kind], ends[trace->end],
                trace->function->name);
    add_number("line", function_line(trace->function, (uintptr_t)trace->start));
    add_number("offset", (uint64_t)(trace->start - trace->function->code));
    add_number("target", id_of(trace->target));
    add_number("parent", trace->from ? trace->from->trace->id : 0);
    add_number("root", id_of(trace->root));
    add_number("guard", trace->from ? trace->from->trace->first_guard +
                                          trace->from->number
                                    : 0);
    add_number("freed", trace->is_freed);
    add_number("machine_code", trace->code_size);
    add_number("entries", row->entries);
    add_number("self", row->self);
    add_number("caller", row->caller);
    add_guards(trace);
}

/* The traces of a thread, the last one first, and what was between them. */
static void
add_thread(struct jit *jit)
{
    struct jit_truth *truth = jit->truth;

    text_format(&kept, "{\"thread\": \"%s\", ", truth->thread);
    text_format(&kept, "\"clock\": \"%s\", ",
                truth->clock == JIT_TRUTH_TICKS ? "ticks" : "ns");
    add_number("unexpected", truth->unexpected);
    add_number("interpreter", truth->interpreter.self);
    text_format(&kept, "\"traces\": [");
    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next) {
        text_format(&kept, "{");
        add_trace(truth, trace);
        text_format(&kept, "}, ");
    }
    close_list("], \"edges\": [");
    add_cells(NULL, &truth->interpreter);
    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next)
        add_cells(trace, row_of(truth, trace));
    close_list("]}, ");
}

static void
free_cells(struct jit_truth_row *row)
{
    struct cell *next;

    for (struct cell *cell = row->cells; cell; cell = next) {
        next = cell->next;
        free(cell);
    }
}

void
jit_truth_stop(struct jit *jit)
{
    charge(jit->truth, account_of(jit->truth));
    pthread_mutex_lock(&lock);
    add_thread(jit);
    pthread_mutex_unlock(&lock);
    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next)
        free_cells(trace->truth);
    free_cells(&jit->truth->interpreter);
    free(jit->truth);
    jit->truth = NULL;
}

void
jit_truth_print(FILE *file)
{
    if (kept.length > 0)
        kept.length -= 2;
    fprintf(file, "{\"threads\": [%.*s]}\n", (int)kept.length,
            kept.bytes ? kept.bytes : "");
    free(kept.bytes);
    kept = (struct text){ 0 };
}
