/* SPDX-License-Identifier: MIT */

/*
 * Where readers put what they find of a JIT compiler. A function that adds
 * returns the index or -ENOMEM, and what it gave out before may have moved.
 */
#ifndef READ_TRACES_STORE_H
#define READ_TRACES_STORE_H

#include "traces.h"

/* Give a zeroed one its private part and the entries 0. */
int
traces_open(struct traces *traces);

/* A lasting copy; NUL bytes become '?'. NULL: no memory. `name`: each text is
 * kept once, for those that come often. */
const char *
traces_text(struct traces *traces, const void *bytes, size_t size);
const char *
traces_name(struct traces *traces, const void *bytes, size_t size);

/* Bytes that live as long as the traces, zeroed. NULL: no memory. */
unsigned char *
traces_bytes(struct traces *traces, size_t size);

int64_t
traces_add(struct traces *traces, const struct trace *trace);
int64_t
traces_add_operation(struct traces *traces,
                     const struct trace_operation *operation);
int64_t
traces_add_position(struct traces *traces,
                    const struct trace_position *position);
int64_t
traces_add_guard(struct traces *traces, const struct trace_guard *guard);
int64_t
traces_add_label(struct traces *traces, const struct trace_label *label);
int64_t
traces_add_range(struct traces *traces, const struct trace_range *range);

/* Equal ones are one; file and function are from traces_name(). */
int64_t
traces_add_place(struct traces *traces, const struct trace_place *place);

/* What stands for a name, made when it is new; from traces_name(). */
int64_t
traces_section(struct traces *traces, const char *name);
int64_t
traces_add_total(struct traces *traces, const struct jit_total *total);

/* Parents, roots, ends and ranges, once all is there. */
void
traces_finish(struct traces *traces);

#endif
