/* SPDX-License-Identifier: MIT */

/* What code is active where in compiled code, as RPython's JIT keeps it. */
#ifndef CODEMAP_H
#define CODEMAP_H

/* Four words a code: its id, where it begins and ends in the machine code, and
 * the index of the next that is not inlined in it. Outer codes come first. The
 * list is kept until the map is taken out. */
void
pypy_jit_codemap_add(unsigned long address, unsigned size, const long *list,
                     unsigned length);
void
pypy_jit_codemap_del(unsigned long address);

/* Whoever forks has to hold it: one thread at a time compiles. */
void
rpy_gil_acquire(void);
void
rpy_gil_release(void);

void *
pypy_find_codemap_at_addr(long address, long *start);
long
pypy_yield_codemap_at_addr(void *map, long address, long *position);

#endif
