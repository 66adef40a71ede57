/* SPDX-License-Identifier: MIT */

/*
 * Compiled into a VM by RPython, in place of its own profiler: hands over to
 * librvmprof what only the VM's own C can tell.
 */
#define _GNU_SOURCE 1

#ifndef RPYTHON_LL2CTYPES /* a test that was not translated has none of this */
#    include "common_header.h"
#    include "forwarddecl.h"
#    include "src/threadlocal.h"
#    include "structdef.h"
#endif

#include <stdio.h>
#include <stdlib.h>

#include <vmprof/rvmprof.h>

#ifdef PYPY_JIT_CODEMAP
void *
pypy_find_codemap_at_addr(long addr, long *start_addr);
long
pypy_yield_codemap_at_addr(void *codemap, long addr, long *position);
#endif

static vmprof_stack_t *
get_stack(void)
{
#ifdef RPYTHON_LL2CTYPES
    return NULL;
#else
    struct pypy_threadlocal_s *own;

    _OP_THREADLOCALREF_ADDR_SIGHANDLER(own);
    return own ? own->vmprof_tl_stack : NULL;
#endif
}

__attribute__((constructor)) static void
hand_over(void)
{
    struct vmprof_vm_hooks hooks;

    vmprof_vm_hooks_init(&hooks);
    hooks.get_stack = get_stack;
#ifndef RPYTHON_LL2CTYPES
    hooks.main_loop = (const void *)__vmprof_eval_vmprof;
#endif
#ifdef PYPY_JIT_CODEMAP
    hooks.find_codemap = pypy_find_codemap_at_addr;
    hooks.yield_codemap = pypy_yield_codemap_at_addr;
#endif
    if (vmprof_set_vm_hooks(&hooks) < 0) {
        fprintf(stderr, "librvmprof serves another virtual machine already\n");
        abort();
    }
}
