/* SPDX-License-Identifier: MIT */

#include "vm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "codemap.h"
#include "isolate.h"

__thread struct pypy_threadlocal_s pypy_threadlocal;
struct vm_looks vm_looks;

static void
count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* What the C that RPython came with made of it. */
static void
look_at_stale_word(const vmprof_stack_t *call)
{
    long start, position = 0, uid, last = 0;
    Signed address;
    void *map;

    if (!vm_looks.wanted || !call || call->kind != VMPROF_JITTED_TAG)
        return;
    count(&vm_looks.compiled);
    address = ((Signed *)call->value)[-1];
    map = pypy_find_codemap_at_addr(address, &start);
    while (map &&
           (uid = pypy_yield_codemap_at_addr(map, address, &position)) != -1)
        last = uid ? uid : last;
    if (last / 4 < 64)
        count(&vm_looks.stale[last / 4]);
}

static vmprof_stack_t *
get_vmprof_stack(void)
{
    count(&vm_looks.asked);
    while (vm_looks.hold && gettid() != getpid()) {
        vm_looks.held = true;
        usleep(100);
    }
    if (pypy_threadlocal.ready != 42)
        return NULL;
    if (pypy_threadlocal.vmprof_tl_stack &&
        pypy_threadlocal.vmprof_tl_stack->kind == VMPROF_CODE_TAG)
        vm_looks.innermost = pypy_threadlocal.vmprof_tl_stack->value;
    look_at_stale_word(pypy_threadlocal.vmprof_tl_stack);
    return pypy_threadlocal.vmprof_tl_stack;
}

__attribute__((constructor)) static void
hand_over(void)
{
    struct vmprof_vm_hooks hooks;

    vmprof_vm_hooks_init(&hooks);
    hooks.get_stack = get_vmprof_stack;
    hooks.main_loop = (const void *)(uintptr_t)pypy_g___vmprof_eval_vmprof;
    hooks.find_codemap = pypy_find_codemap_at_addr;
    hooks.yield_codemap = pypy_yield_codemap_at_addr;
    require(vmprof_set_vm_hooks(&hooks) == 0);
}

void
rpython_thread_begins(void)
{
    pypy_threadlocal.ready = 42;
    require(vmprof_attach_vm_thread() == 0);
}

Signed
rpython_register(const char *name)
{
    static atomic_long last = 4;
    const Signed uid = atomic_fetch_add(&last, 4) + 4;
    char full[128];

    snprintf(full, sizeof(full), "py:%s:1:fake.py", name);
    require(vmprof_register_virtual_function(full, uid, 500000) == 0);
    return uid;
}

vmprof_stack_t *
pypy_g_enter_code(Signed l_unique_id_1)
{
    vmprof_stack_t *l_s_2 = malloc(sizeof(*l_s_2));

    require(l_s_2 != NULL);
    l_s_2->next = pypy_threadlocal.vmprof_tl_stack;
    l_s_2->value = l_unique_id_1;
    l_s_2->kind = VMPROF_CODE_TAG;
    atomic_signal_fence(memory_order_seq_cst);
    pypy_threadlocal.vmprof_tl_stack = l_s_2;
    return l_s_2;
}

void
pypy_g_leave_code(vmprof_stack_t *l_s_3)
{
    require(pypy_threadlocal.vmprof_tl_stack == l_s_3);
    pypy_threadlocal.vmprof_tl_stack = l_s_3->next;
    atomic_signal_fence(memory_order_seq_cst);
    free(l_s_3);
}

__attribute__((noinline)) void
pypy_g___vmprof_eval_vmprof(Signed l_unique_id_4, void (*l_func_5)(void *),
                            void *l_arg_6)
{
    vmprof_stack_t *const l_s_7 = pypy_g_enter_code(l_unique_id_4);

    l_func_5(l_arg_6);
    pypy_g_leave_code(l_s_7);
}

void *
vm_forbidden(void)
{
    static void *page;

    if (!page)
        page =
            mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(page != MAP_FAILED);
    return page;
}
