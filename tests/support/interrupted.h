/* SPDX-License-Identifier: MIT */

/* A tick by hand that has interrupted an instruction. */
#ifndef INTERRUPTED_H
#define INTERRUPTED_H

#include <ucontext.h>

#include "by_hand.h"

static inline void
set_instruction(ucontext_t *context, const void *address)
{
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)address;
#elif defined(__i386__)
    context->uc_mcontext.gregs[REG_EIP] = (greg_t)(uintptr_t)address;
#elif defined(__aarch64__)
    context->uc_mcontext.pc = (uintptr_t)address;
#elif defined(__arm__)
    context->uc_mcontext.arm_pc = (uintptr_t)address;
#elif defined(__riscv)
    context->uc_mcontext.__gregs[REG_PC] = (uintptr_t)address;
#else
#    error "where is the instruction of this machine?"
#endif
}

static inline void
tick_interrupted(struct vmprof_thread *thread, const void *address)
{
    struct vmp_thread *const ticking = (struct vmp_thread *)thread;
    ucontext_t context;

    memset(&context, 0, sizeof(context));
    set_instruction(&context, address);
    ticking->context = &context;
    tick_by_hand(thread);
    ticking->context = NULL;
}

#endif
