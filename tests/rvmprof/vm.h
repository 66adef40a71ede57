/* SPDX-License-Identifier: MIT */

/*
 * A small virtual machine in the shape of what RPython translates to: a
 * thread-local struct that holds the head of its calls, calls linked on the
 * heap, a codemap of compiled code, and stacklets. Its names are RPython's.
 */
#ifndef VM_H
#define VM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <vmprof/rvmprof.h>

typedef long Signed;

/* Packed, so that the head of the calls is nowhere in particular. */
struct pypy_threadlocal_s {
    Signed ready; /* 42: it is */
    char *stack_end;
    struct pypy_threadlocal_s *prev, *next;
    char rpy_saved_byte;
    vmprof_stack_t *vmprof_tl_stack;
    Signed thread_ident;
} __attribute__((packed));

extern __thread struct pypy_threadlocal_s pypy_threadlocal;

/* The thread begins to run VM code. */
void
rpython_thread_begins(void);

/* Register a code of that name, "py:NAME:1:fake.py". Returns its id. */
Signed
rpython_register(const char *name);

/* What the decorated main loop does around the code that it runs. */
vmprof_stack_t *
pypy_g_enter_code(Signed unique_id);
void
pypy_g_leave_code(vmprof_stack_t *s);

/* Run function(argument) as code `unique_id`, as the main loop does. */
void
pypy_g___vmprof_eval_vmprof(Signed unique_id, void (*function)(void *),
                            void *argument);

/* An address that nobody can write to. */
void *
vm_forbidden(void);

/* What a handler found so far: how often it asked for the stack, and what the
 * innermost code was by the word that compiled code leaves behind. */
struct vm_looks {
    bool wanted;            /* the second of these */
    atomic_bool hold, held; /* handlers stay there, but for the first
                               thread's */
    uint64_t asked;
    _Atomic(Signed) innermost; /* the code then, if it was interpreted */
    uint64_t compiled;         /* the innermost call was compiled code's */
    uint64_t stale[64];        /* by id / 4 */
};

extern struct vm_looks vm_looks;

#endif
