/* SPDX-License-Identifier: MIT */

/* What the parts of `vmprof jit` share: traces, and the time in them. */
#ifndef REPORT_JIT_VIEW_H
#define REPORT_JIT_VIEW_H

#include "../analyse/jit_reading.h"
#include "view.h"

struct jit_view {
    struct view view; /* its profile is zeroed where there is none */
    const char *path; /* of the file that the traces are from */
    struct traces traces;
    struct trace_times times;
    const struct jit_reading *reading; /* of a profile; NULL: logs alone */
    uint32_t *guards; /* all, by trace; see jit_order_guards() */
    bool bridges;     /* show those under each loop as well */
    uint32_t trace;   /* that alone, with its operations; 0: all */
};

/* A row of a table. */
struct jit_row {
    uint32_t trace;
    bool folded; /* with its bridges */
};

const struct trace_figures *
jit_figures(const struct jit_view *jit, const struct jit_row *row);

/* The loops, or else what has no loop, those that take most first; `count`
 * of them. To be freed; NULL: no memory. */
uint32_t *
jit_order(const struct jit_view *jit, uint32_t *count);

/* Traces by their roots: those of one are from first[root] to before
 * first[root + 1] in members. */
struct jit_groups {
    uint32_t *first, *members;
};

/* Returns 0 or -ENOMEM; to be freed in either case. */
int
jit_groups_make(struct jit_groups *groups, const struct traces *traces);
void
jit_groups_free(struct jit_groups *groups);

/* "spin (/samples/workload.py:10)", clean; to be freed. NULL: no memory. */
char *
trace_title(const struct traces *traces, uint32_t trace);

const char *
trace_kind_name(uint8_t kind);
const char *
trace_end_name(uint8_t end);
const char *
section_kind_name(uint8_t kind);
const char *
trace_clock_name(uint8_t clock);

/* What a section's kind took of the log's time. */
struct section_sum {
    uint64_t self, count;
};
enum {
    SECTION_KINDS = SECTION_LOGGING + 1,
};
void
sum_sections(const struct traces *traces, struct section_sum *sums);

/* Once, after the reading: puts the guards of each trace together. Returns 0 or
 * -ENOMEM. */
int
jit_order_guards(struct jit_view *jit);

/* How often a guard failed, by counts, or else how often it was an exit, by
 * events. False: neither is known. */
bool
guard_fails(const struct jit_view *jit, uint32_t guard, uint64_t *times,
            bool *counted);

/* What operations of a native file add to JSON. */
struct json_object;
struct json_object *
json_jit_phases(const struct jit_view *jit);
void
json_jit_doubts(struct json_object *object, const struct jit_view *jit,
                uint32_t trace);
struct json_object *
json_jit_guards(const struct jit_view *jit, uint32_t trace);

/* The parts. Each returns 0 or -ENOMEM. */
int
report_jit_header(const struct jit_view *jit);
int
report_jit_table(const struct jit_view *jit);
int
report_jit_transitions(const struct jit_view *jit);
int
report_jit_sections(const struct jit_view *jit);
int
report_jit_trace(const struct jit_view *jit);
int
report_jit_phases(const struct jit_view *jit);
int
report_jit_doubts(const struct jit_view *jit);
int
report_jit_guards(const struct jit_view *jit);
int
report_jit_json(const struct jit_view *jit);

#endif
