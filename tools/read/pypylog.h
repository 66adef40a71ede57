/* SPDX-License-Identifier: MIT */

/*
 * Reading a PYPYLOG: lines of text in sections, which nest. pypylog.c has the
 * lines and sections, pypylog_*.c what is in those that say something of traces.
 */
#ifndef READ_PYPYLOG_H
#define READ_PYPYLOG_H

#include "id_map.h"
#include "input.h"
#include "span.h"
#include "traces_store.h"

/* Kinds of ids. */
enum {
    ID_LOOP,
    ID_GUARD,
    ID_LABEL,
    ID_BRIDGE, /* by the id of its guard */
    ID_NAME,   /* by the address of the text */
};

enum {
    MOST_DEPTH = 256,
    /* The longest lines hold a trace's machine code, in hexadecimal. */
    LONGEST_LINE = 64 << 20,
};

/* What a section's lines are of. */
enum pypylog_content {
    CONTENT_SKIPPED,
    CONTENT_ENTER,
    CONTENT_EXIT,
    CONTENT_TRACE,
    CONTENT_ADDRESS,
    CONTENT_DUMP,
    CONTENT_COUNTS,
    CONTENT_SUMMARY,
};

struct open_section {
    uint32_t section;
    uint64_t start;
    uint64_t inside; /* ticks of sections in it */
    uint32_t trace;  /* that its lines are of; 0: none yet */
    uint8_t content; /* enum pypylog_content */
    bool has_line;
};

/* A piece of machine code, written to memory at that time. */
struct code_dump {
    uint64_t address;
    const unsigned char *bytes;
    size_t size;
};

struct pypylog {
    struct traces *traces;
    struct input input;
    struct id_map ids;
    struct open_section open[MOST_DEPTH];
    uint32_t open_count;
    uint32_t too_deep; /* sections that are open on top of these */
    struct code_dump *dumps;
    uint32_t dump_count, dump_capacity;
    uint32_t *operand_counts; /* by operation that is a label or a jump */
    uint32_t operand_capacity;
    uint64_t line;               /* number of the one at hand */
    uint64_t tags;               /* beginnings and ends of sections */
    uint32_t places[MOST_DEPTH]; /* of the trace at hand, by inlining depth */
    uint32_t place;
    uint64_t end_offset;    /* of the trace at hand; 0: not known */
    struct jit_event event; /* of the section at hand */
    char *event_line;       /* a copy of its */
    size_t event_line_capacity;
    const struct traces_options *options;
    int stopped; /* what on_event returned */
};

struct pypylog_tag {
    uint64_t time;
    struct span name;
    bool is_start;
};

/* The beginning or end of a section, and what is in the innermost one. Return
 * 0, -ENOMEM, or -ECANCELED when on_event has `stopped`. */
int
pypylog_tag(struct pypylog *log, const struct pypylog_tag *tag);
int
pypylog_line(struct pypylog *log, struct span line);

/* Those whose end is missing, at the end of the file. As above. */
int
pypylog_drop_sections(struct pypylog *log);

/* Something about the line at hand is wrong; counts in one of the damage. */
void
pypylog_damaged(struct pypylog *log, uint64_t *counter);

/* The trace of a kind and id, made and named if there is none. */
int64_t
pypylog_trace(struct pypylog *log, unsigned kind, uint64_t id,
              struct span name);

/* The same, but always made: the id is used again. */
int64_t
pypylog_new_trace(struct pypylog *log, unsigned kind, uint64_t id,
                  struct span name);

/* A bridge out of a guard, which may not be known either. */
int64_t
pypylog_bridge(struct pypylog *log, uint64_t guard, struct span name);

/* What stands for a label, which may not be known yet. */
int64_t
pypylog_label(struct pypylog *log, uint64_t id);

/* The lines of a section. Return 0 or -ENOMEM. */
int
pypylog_trace_line(struct pypylog *log, struct open_section *section,
                   struct span line);
void
pypylog_trace_end(struct pypylog *log, const struct open_section *section);
int
pypylog_address_line(struct pypylog *log, struct open_section *section,
                     struct span line);
int
pypylog_dump_line(struct pypylog *log, struct span line);
int
pypylog_counts_line(struct pypylog *log, struct span line);
int
pypylog_summary_line(struct pypylog *log, struct span line);

/* What can be done when all is read. Return 0 or -ENOMEM. */
int
pypylog_finish_code(struct pypylog *log);
int
pypylog_finish_links(struct pypylog *log);

#endif
