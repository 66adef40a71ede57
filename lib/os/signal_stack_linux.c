/* SPDX-License-Identifier: MIT */

#include "signal_stack.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "spare.h"

#ifndef AT_MINSIGSTKSZ
#    define AT_MINSIGSTKSZ 51
#endif

enum {
    /* Beside the kernel's frame. Our handler takes 2 KiB of it, a handler of the
     * host's that a signal is forwarded to may take more. */
    ROOM = 64 << 10,
    LITTLE = 32 << 10, /* what held more is not left to the next thread */
};

static size_t
round_up(size_t size, size_t page)
{
    return (size + page - 1) / page * page;
}

/* A page that nobody may touch, and the stack; NULL if memory is short. */
static char *
map_stack(size_t page, size_t size)
{
    /* Of one size: the kernel's part of it does not change. */
    char *map = vmp_spare_take(VMP_SPARE_SIGNAL_STACK, page + size);

    if (map)
        return map;
    map = vmp_spare_map(page + size);
    if (!map || mprotect(map, page, PROT_NONE) == 0)
        return map;
    munmap(map, page + size);
    return NULL;
}

/* Whoever takes more of a stack than that leaves something in the page below. */
static bool
held_little(const char *stack, size_t page, size_t size)
{
    const char *const below = stack + size - LITTLE - page;

    for (size_t i = 0; i < page; i++)
        if (below[i])
            return false;
    return true;
}

static void
unmap_stack(char *map, size_t page, size_t size)
{
    if (!held_little(map + page, page, size) ||
        !vmp_spare_give(VMP_SPARE_SIGNAL_STACK, map, page + size, page))
        munmap(map, page + size);
}

int
vmp_signal_stack_give(struct vmp_signal_stack *stack)
{
    const size_t page = getauxval(AT_PAGESZ);
    /* 0 where the kernel does not say: then a frame is small. */
    const size_t size = round_up(ROOM + getauxval(AT_MINSIGSTKSZ), page);
    stack_t ours = { .ss_size = size }, now;
    char *map;

    *stack = (struct vmp_signal_stack){ 0 };
    if (sigaltstack(NULL, &now) < 0 || !(now.ss_flags & SS_DISABLE))
        return 0;
    map = map_stack(page, size);
    if (!map)
        return -ENOMEM;
    ours.ss_sp = map + page;
    if (sigaltstack(&ours, NULL) < 0) {
        unmap_stack(map, page, size);
        return 0;
    }
    *stack = (struct vmp_signal_stack){ map, page + size };
    return 0;
}

void
vmp_signal_stack_take(const struct vmp_signal_stack *stack)
{
    const stack_t none = { .ss_flags = SS_DISABLE };
    const size_t page = getauxval(AT_PAGESZ);
    const char *const map = stack->map;
    stack_t now;

    if (!map || sigaltstack(NULL, &now) < 0 || now.ss_flags & SS_DISABLE)
        return;
    if ((const char *)now.ss_sp <= map ||
        (const char *)now.ss_sp >= map + stack->size)
        return;
    if (sigaltstack(&none, NULL) == 0)
        unmap_stack(stack->map, page, stack->size - page);
}
