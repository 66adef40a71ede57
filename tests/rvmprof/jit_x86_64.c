/* SPDX-License-Identifier: MIT */

/* Real machine code, whose frame is that of RPython's backend: 23 words, of
 * which the call is in the uppermost four. */

#include "jit.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "codemap.h"
#include "isolate.h"

enum {
    ROOM = 4096,
    FRAME = 23 * 8,
    SAVED_RBP = 12 * 8,
    THREADLOCAL = FRAME - 8,
    CALL = FRAME - 4 * 8,
    HEAD = offsetof(struct pypy_threadlocal_s, vmprof_tl_stack),
};

static void
emit(struct jit_trace *trace, const char *bytes, size_t size)
{
    require(trace->size + size <= ROOM);
    memcpy(trace->code + trace->size, bytes, size);
    trace->size += size;
}

#define EMIT(trace, bytes) emit(trace, bytes, sizeof(bytes) - 1)

static void
emit_number(struct jit_trace *trace, uint64_t number, size_t size)
{
    emit(trace, (const char *)&number, size);
}

static void
emit_with(struct jit_trace *trace, const char *opcode, size_t size,
          uint32_t number)
{
    emit(trace, opcode, size);
    emit_number(trace, number, 4);
}

#define EMIT_WITH(trace, bytes, number)                                        \
    emit_with(trace, bytes, sizeof(bytes) - 1, number)

/* rdi: nothing; rsi: the thread-local struct. */
void
jit_begin(struct jit_trace *trace, Signed unique_id)
{
    *trace = (struct jit_trace){ .size = 0 };
    trace->code = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(trace->code != MAP_FAILED);
    jit_list_enter(trace, unique_id, 0);
    EMIT_WITH(trace, "\x48\x81\xec", FRAME);           /* sub rsp, */
    EMIT_WITH(trace, "\x48\x89\xac\x24", SAVED_RBP);   /* mov [rsp+], rbp */
    EMIT_WITH(trace, "\x48\x89\xb4\x24", THREADLOCAL); /* mov [rsp+], rsi */
    EMIT_WITH(trace, "\x48\x8d\x84\x24", CALL);        /* lea rax, [rsp+] */
    EMIT_WITH(trace, "\x4c\x8b\x96", HEAD);            /* mov r10, [rsi+] */
    EMIT(trace, "\x4c\x89\x10");                       /* mov [rax], r10 */
    EMIT(trace, "\x48\x89\x60\x08");                   /* mov [rax+8], rsp */
    EMIT_WITH(trace, "\x48\xc7\x40\x10", VMPROF_JITTED_TAG);
    EMIT_WITH(trace, "\x48\x89\x86", HEAD); /* mov [rsi+], rax */
    EMIT(trace, "\x48\x89\xfd");            /* mov rbp, rdi */
}

void
jit_enter(struct jit_trace *trace, Signed unique_id)
{
    jit_list_enter(trace, unique_id, trace->size);
}

void
jit_leave(struct jit_trace *trace)
{
    jit_list_leave(trace, trace->size);
}

void
jit_spin(struct jit_trace *trace, unsigned long count)
{
    EMIT(trace, "\x48\xb9"); /* mov rcx, */
    emit_number(trace, count, 8);
    EMIT(trace, "\x48\xff\xc9\x75\xfb"); /* dec rcx; jnz back */
}

void
jit_call(struct jit_trace *trace, void (*function)(void *), void *argument)
{
    EMIT(trace, "\x48\xbf"); /* mov rdi, */
    emit_number(trace, (uintptr_t)argument, 8);
    EMIT(trace, "\x48\xb8"); /* mov rax, */
    emit_number(trace, (uintptr_t)function, 8);
    EMIT(trace, "\xff\xd0"); /* call rax */
}

void
jit_crash(struct jit_trace *trace)
{
    EMIT(trace, "\x48\xb8"); /* mov rax, */
    emit_number(trace, (uintptr_t)vm_forbidden(), 8);
    EMIT(trace, "\x89\x00"); /* mov [rax], eax */
}

void
jit_end(struct jit_trace *trace)
{
    EMIT_WITH(trace, "\x48\x8b\x94\x24", THREADLOCAL); /* mov rdx, [rsp+] */
    EMIT_WITH(trace, "\x48\x8b\x84\x24", CALL);        /* mov rax, [rsp+] */
    EMIT_WITH(trace, "\x48\x89\x82", HEAD);            /* mov [rdx+], rax */
    EMIT(trace, "\x48\x89\xe8");                       /* mov rax, rbp */
    EMIT_WITH(trace, "\x48\x8b\xac\x24", SAVED_RBP);   /* mov rbp, [rsp+] */
    EMIT_WITH(trace, "\x48\x81\xc4", FRAME);           /* add rsp, */
    EMIT(trace, "\xc3");
    while (trace->depth)
        jit_list_leave(trace, trace->size);
    require(mprotect(trace->code, ROOM, PROT_READ | PROT_EXEC) == 0);
    pypy_jit_codemap_add((unsigned long)trace->code, (unsigned)trace->size,
                         trace->list, trace->length);
}

void
jit_run(const struct jit_trace *trace)
{
    void *(*run)(void *, void *);

    memcpy(&run, &trace->code, sizeof(run));
    run(NULL, &pypy_threadlocal);
}

void
jit_free(struct jit_trace *trace)
{
    pypy_jit_codemap_del((unsigned long)trace->code);
    require(munmap(trace->code, ROOM) == 0);
}
