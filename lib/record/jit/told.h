/* SPDX-License-Identifier: MIT */

/* What a VM has told of a trace: checked, and copied into memory of ours. It
 * never changes, so whoever has a share of it reads it without a lock. */
#ifndef VMP_JIT_TOLD_H
#define VMP_JIT_TOLD_H

#include <stdatomic.h>

#include <vmprof/trace.h>

enum {
    VMP_MOST_CODE = 64 << 10, /* bytes that are kept of machine code */
    VMP_TRACE_TEXT = 1024,    /* of a text, with a NUL */
};

struct vmp_told {
    atomic_uint users;
    struct vmprof_trace is; /* what it points to is ours, but for the code */
};

/* Bytes of machine code. */
struct vmp_machine_code {
    atomic_uint users;
    uint32_t size;
    unsigned char bytes[];
};

/* Returns 0, -EINVAL or -E2BIG. */
int
vmp_told_check(const struct vmprof_trace *given, uint64_t guard_count,
               struct vmprof_trace *out);

/* A copy of all that it points to; NULL: no memory. */
struct vmp_told *
vmp_told_new(const struct vmprof_trace *trace);

/* Without its lists, for a trace that is gone; NULL: no memory. */
struct vmp_told *
vmp_told_brief(const struct vmp_told *told);

struct vmp_told *
vmp_told_share(struct vmp_told *told);
void
vmp_told_free(struct vmp_told *told);

/* As much as is kept of what is there now; NULL: no memory. */
struct vmp_machine_code *
vmp_machine_code_new(const void *address, uint64_t length);
struct vmp_machine_code *
vmp_machine_code_share(struct vmp_machine_code *code);
void
vmp_machine_code_free(struct vmp_machine_code *code);

#endif
