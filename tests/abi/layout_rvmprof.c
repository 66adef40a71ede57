/* SPDX-License-Identifier: MIT */

/*
 * Frozen copies, as layout.h says, of what RPython's machine code and C have
 * compiled in.
 */
#include <assert.h>
#include <stddef.h>

#include <vmprof/rvmprof.h>

struct stack_1 {
    struct stack_1 *next;
    intptr_t value;
    intptr_t kind;
};

struct vm_hooks_0_1 {
    uint64_t size;
    void *(*get_stack)(void);
    const void *main_loop;
    const void *main_loop_end;
    void *(*find_codemap)(long address, long *start);
    long (*yield_codemap)(void *codemap, long address, long *position);
};

#define SAME_MEMBER(ours, public, member)                                      \
    static_assert(offsetof(struct ours, member) ==                             \
                      offsetof(struct public, member),                         \
                  #public "::" #member " moved")

static_assert(sizeof(struct stack_1) == sizeof(struct vmprof_stack_s),
              "the size of a call");
SAME_MEMBER(stack_1, vmprof_stack_s, next);
SAME_MEMBER(stack_1, vmprof_stack_s, value);
SAME_MEMBER(stack_1, vmprof_stack_s, kind);
static_assert(sizeof(struct stack_1) == 3 * sizeof(void *), "three words");

SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, size);
SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, get_stack);
SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, main_loop);
SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, main_loop_end);
SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, find_codemap);
SAME_MEMBER(vm_hooks_0_1, vmprof_vm_hooks, yield_codemap);

static_assert(VMPROF_CODE_TAG == 1, "a tag");
static_assert(VMPROF_BLACKHOLE_TAG == 2, "a tag");
static_assert(VMPROF_JITTED_TAG == 3, "a tag");
static_assert(VMPROF_JITTING_TAG == 4, "a tag");
static_assert(VMPROF_GC_TAG == 5, "a tag");
static_assert(VMPROF_ASSEMBLER_TAG == 6, "a tag");
static_assert(VMPROF_NATIVE_TAG == 7, "a tag");

/* The signatures, as RPython's declarations have them. */
char *(*const init)(int, double, int, int, const char *, int,
                    int) = vmprof_init;
int (*const enable)(int, int, int) = vmprof_enable;
int (*const disable)(void) = vmprof_disable;
int (*const name)(char *, intptr_t, int) = vmprof_register_virtual_function;
void (*const ignore)(int) = vmprof_ignore_signals;
intptr_t (*const traceback)(void *, void *, void **,
                            intptr_t) = vmprof_get_traceback;
long (*const path)(char *, long) = vmprof_get_profile_path;
int (*const stop)(void) = vmprof_stop_sampling;
void (*const start)(void) = vmprof_start_sampling;

int
main(void)
{
    return !(init && enable && disable && name && ignore && traceback && path &&
             stop && start);
}
