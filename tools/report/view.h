/* SPDX-License-Identifier: MIT */

/* What the parts of `vmprof report` share: one profile, read and summed. */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "analyse/calls.h"
#include "analyse/losses.h"
#include "terminal.h"

struct view {
    struct terminal terminal;
    struct profile profile;
    struct tree tree;
    struct labels functions, lines;
    uint64_t whole_ns; /* what 100 % is: sampled and unsampled time */

    const char *path;
    const char *thread; /* its name or number; NULL: all */
    int phase;          /* -1: all */
    bool held_back;     /* samples that came late alone */
    enum row_order order;
    unsigned limit;     /* rows; 0: all */
    double min_percent; /* of calls in the tree */
};

/* Samples a second of sampled time; 0: nothing was sampled. */
double
achieved_hz(const struct tree *tree);

double
percent_of(uint64_t part_ns, uint64_t whole_ns);

/* "perf task clock" and so on. */
const char *
clock_name(uint32_t clock);
const char *
mode_name(const struct profile *profile);
const char *
phase_name(unsigned phase);

/* The number of a phase, or -1. */
int
find_phase(const char *name);

/* "name (file:line)", clean; to be freed. NULL: no memory. */
char *
code_name(const struct code *code);

/* The same with a line in place of its own, if that is not 0. */
char *
code_title_at(const struct code *code, uint32_t line);

/* The same of a label. */
char *
function_title(const struct view *view, const struct labels *labels,
               uint32_t label);

/* The same with the line of the frame in place of the function's. */
char *
line_title(const struct view *view, const struct labels *labels,
           uint32_t label);

/* "name (thread 123)", clean; to be freed. */
char *
thread_title(const struct profile *profile, uint32_t thread);

/* "2026-11-22 10:11:12 UTC" */
void
format_date(char *buffer, size_t size, uint64_t unix_ns);

/* "12.3 ms": three digits that count, and a unit. */
void
format_time(char buffer[32], uint64_t ns);

/* "1,234,567" */
void
format_count(char buffer[32], uint64_t count);

/* Parts of the header: whose the profile is, and what of it was damaged. */
void
report_sessions(const struct view *view);
void
report_damage(const struct view *view);

/* Each part of the header begins with its title. */
void
print_title(const struct view *view, const char *title);

/* How many of so many rows the limit lets be shown, and what is said of the
 * rest. */
uint32_t
count_shown(const struct view *view, uint32_t count);
void
print_rest(const struct view *view, uint32_t count, uint32_t shown);

/* The parts. Each returns 0 or -ENOMEM. */
int
report_header(const struct view *view);
int
report_functions(const struct view *view);
int
report_lines(const struct view *view);
int
report_tree(const struct view *view);
int
report_threads(const struct view *view);
int
report_phases(const struct view *view);
int
report_json(const struct view *view);

#endif
