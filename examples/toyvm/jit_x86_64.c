/* SPDX-License-Identifier: MIT */

/*
 * The back end for x86-64. Registers that are kept over calls: rbx, the frame
 * that runs; r12, the interpreter; r13, the profiler's record of the thread;
 * rbp, the frame pointer. Each trace has pages of its own, which are never to
 * be written and run at the same time.
 *
 *   the way out     [edge: exit] rax = why, return
 *   the way in      save registers [edge: enter]; of bridges: [edge: jump]
 *   label           where jumps go
 *   operations
 *   a stub for each guard   [edge: exit] pc, sp, rax = the guard, return
 */
#include "interp.h"
#include "jit_profile.h"
#include "jit_trace.h"

#if defined(__x86_64__) && !defined(__ILP32__)

#    include "jit_assembler.h"
#    include "memory.h"

#    include <assert.h>
#    include <errno.h>
#    include <stdio.h>
#    include <stdlib.h>
#    include <sys/mman.h>

enum { /* bytes at most */
    EDGE_SIZE = 64 + JIT_PROFILE_EDGE_MAX,
    OP_SIZE = 96,
    GUARD_SIZE = 64 + EDGE_SIZE,
    CALL_SIZE = 2 * EDGE_SIZE,
    OTHER_SIZE = 256 + 5 * EDGE_SIZE,
    PAGE = 4096,
};

/* A trace that is being assembled. */
struct assembly {
    struct assembler code;
    struct jit_trace *trace;
    uint8_t *way_out;
    uint8_t **tests; /* jumps to the stub of each guard */
};

static size_t
slot(size_t index)
{
    return offsetof(struct frame, slots) + index * sizeof(struct value);
}

static size_t
payload(size_t index)
{
    return slot(index) + offsetof(struct value, integer);
}

static void
edge(struct assembly *assembly, enum jit_edge kind, struct jit_trace *trace,
     struct jit_guard *guard)
{
    struct assembler *code = &assembly->code;
    struct jit_truth *truth = trace->jit->truth;

    if (truth) {
        load_pointer(code, RDI, truth);
        load_number(code, RSI, (uint64_t)kind);
        load_pointer(code, RDX, trace);
        load_pointer(code, RCX, guard);
        call(code, (uintptr_t)jit_truth_edge);
    }
    code->next += jit_profile_emit(kind, trace, guard,
                                   kind == JIT_EDGE_JUMP &&
                                       jit_is_inner(assembly->trace, trace),
                                   code->next);
}

static void
store_state(struct assembly *assembly, const uint32_t *pc, size_t depth)
{
    struct assembler *code = &assembly->code;

    load_pointer(code, RAX, pc);
    store(code, RAX, RBX, offsetof(struct frame, pc));
    load_address(code, RAX, RBX, slot(depth));
    store(code, RAX, RBX, offsetof(struct frame, sp));
}

static void
leave(struct assembly *assembly)
{
    BYTES(&assembly->code, 0x41, 0x5e, /* pop r14 */
          0x41, 0x5d,                  /* pop r13 */
          0x41, 0x5c,                  /* pop r12 */
          0x5b,                        /* pop rbx */
          0x5d,                        /* pop rbp */
          0xc3);                       /* ret */
}

static void
leave_because(struct assembly *assembly, const struct jit_guard *exit)
{
    load_pointer(&assembly->code, RAX, exit);
    leave(assembly);
}

static void
way_out(struct assembly *assembly)
{
    struct jit_trace *trace = assembly->trace;

    assembly->way_out = assembly->code.next;
    edge(assembly, JIT_EDGE_EXIT, trace, NULL);
    load_pointer(&assembly->code, RAX, &trace->jit->exit);
    load(&assembly->code, RAX, RAX, 0);
    leave(assembly);
}

static void
way_in(struct assembly *assembly)
{
    struct assembler *code = &assembly->code;
    struct jit_trace *trace = assembly->trace;

    trace->label = code->next;
    if (trace->kind == JIT_BRIDGE) {
        edge(assembly, JIT_EDGE_JUMP, trace, NULL);
        return;
    }
    BYTES(code, 0x55,       /* push rbp */
          0x48, 0x89, 0xe5, /* mov rbp, rsp */
          0x53,             /* push rbx */
          0x41, 0x54,       /* push r12 */
          0x41, 0x55,       /* push r13 */
          0x41, 0x56);      /* push r14: the stack stays aligned */
    move(code, RBX, RSI);
    BYTES(code, 0x49, 0x89, 0xfc); /* mov r12, rdi */
    BYTES(code, 0x4c, 0x8b);       /* mov r13, [rdi + profile] */
    put_memory(code, R13, RDI, offsetof(struct interp, profile));
    edge(assembly, JIT_EDGE_ENTER, trace, NULL);
    trace->label = code->next;
}

/* Leaves the trace if the helper returns NULL, else goes on in its frame. */
static void
call_helper(struct assembly *assembly, const struct jit_op *op)
{
    struct assembler *code = &assembly->code;

    store_state(assembly, op->pc, op->depth);
    if (op->operation == JIT_CALL_TRACE)
        edge(assembly, JIT_EDGE_CALL, assembly->trace, NULL);
    BYTES(code, 0x4c, 0x89, 0xe7); /* mov rdi, r12 */
    move(code, RSI, RBX);
    load_pointer(code, RDX, op);
    call(code, (uintptr_t)jit_helpers[op->operation - JIT_FIRST_HELPER]);
    move(code, RBX, RAX);
    if (op->operation == JIT_CALL_TRACE)
        edge(assembly, JIT_EDGE_RETURN, assembly->trace, NULL);
    test(code, RBX);
    land(jump_if(code, EQUAL), assembly->way_out);
}

static void
guard(struct assembly *assembly, const struct jit_op *op, int condition)
{
    struct jit_guard *failed = &assembly->trace->guards[op->guard - 1];

    failed->offset = (uint32_t)(assembly->code.next - assembly->code.start);
    assembly->tests[op->guard - 1] = jump_if(&assembly->code, condition);
}

static void
assemble_guard(struct assembly *assembly, const struct jit_op *op)
{
    struct assembler *code = &assembly->code;

    switch (op->operation) {
    case JIT_GUARD_TYPE:
        BYTES(code, 0x83); /* cmp dword [a], type */
        put_memory(code, 7, RBX, slot(op->a));
        BYTES(code, (uint8_t)op->type);
        guard(assembly, op, UNEQUAL);
        break;
    case JIT_GUARD_TRUE:
    case JIT_GUARD_FALSE:
        BYTES(code, 0x80); /* cmp byte [a], 0 */
        put_memory(code, 7, RBX, payload(op->a));
        BYTES(code, 0);
        guard(assembly, op, op->operation == JIT_GUARD_TRUE ? EQUAL : UNEQUAL);
        break;
    case JIT_GUARD_POINTER:
        load_pointer(code, RAX, op->pointer);
        BYTES(code, 0x48, 0x39); /* cmp [a], rax */
        put_memory(code, RAX, RBX, payload(op->a));
        guard(assembly, op, UNEQUAL);
        break;
    case JIT_GUARD_DIVISOR:
        load(code, RAX, RBX, payload(op->a));
        BYTES(code, 0x48, 0xff, 0xc0,  /* inc rax */
              0x48, 0x83, 0xf8, 0x01); /* cmp rax, 1 */
        guard(assembly, op, BELOW_EQUAL);
        break;
    case JIT_GUARD_INDEX:
        load(code, RAX, RBX, payload(op->a));
        load(code, RCX, RBX, payload(op->b));
        BYTES(code, 0x48, 0x3b); /* cmp rcx, [rax + count] */
        put_memory(code, RCX, RAX, offsetof(struct list, count));
        guard(assembly, op, ABOVE_EQUAL);
        break;
    default: /* JIT_GUARD_VALID */
        load_pointer(code, RAX, &assembly->trace->is_invalid);
        BYTES(code, 0x80, 0x38, 0); /* cmp byte [rax], 0 */
        guard(assembly, op, UNEQUAL);
    }
}

/* xmm0 = a whole value, and back */
static void
load_value(struct assembly *assembly, int base, size_t offset)
{
    BYTES(&assembly->code, 0x0f, 0x10); /* movups */
    put_memory(&assembly->code, 0, base, offset);
}

static void
store_value(struct assembly *assembly, int base, size_t offset)
{
    BYTES(&assembly->code, 0x0f, 0x11);
    put_memory(&assembly->code, 0, base, offset);
}

static void
set_type(struct assembly *assembly, size_t index, enum value_type type)
{
    BYTES(&assembly->code, 0xc7); /* mov dword [slot], type */
    put_memory(&assembly->code, 0, RBX, slot(index));
    put_32(&assembly->code, (int32_t)type);
}

/* The result is in rax. */
static void
store_result(struct assembly *assembly, size_t index, enum value_type type)
{
    set_type(assembly, index, type);
    store(&assembly->code, RAX, RBX, payload(index));
}

static void
assemble_int(struct assembly *assembly, const struct jit_op *op)
{
    struct assembler *code = &assembly->code;

    load(code, RAX, RBX, payload(op->a));
    switch (op->operation) {
    case JIT_INT_ADD:
        BYTES(code, 0x48, 0x03);
        put_memory(code, RAX, RBX, payload(op->b));
        break;
    case JIT_INT_SUBTRACT:
        BYTES(code, 0x48, 0x2b);
        put_memory(code, RAX, RBX, payload(op->b));
        break;
    case JIT_INT_MULTIPLY:
        BYTES(code, 0x48, 0x0f, 0xaf);
        put_memory(code, RAX, RBX, payload(op->b));
        break;
    default:
        BYTES(code, 0x48, 0x99, /* cqo */
              0x48, 0xf7);      /* idiv [b] */
        put_memory(code, 7, RBX, payload(op->b));
        if (op->operation == JIT_INT_REMAINDER)
            move(code, RAX, RDX);
    }
    store_result(assembly, op->to, VALUE_INT);
}

/* rax = whether the flags say so */
static void
set_if(struct assembly *assembly, const struct jit_op *op, int condition)
{
    BYTES(&assembly->code, 0x0f, (uint8_t)(0x90 | condition), 0xc0, 0x0f, 0xb6,
          0xc0); /* movzx eax, al */
    store_result(assembly, op->to, VALUE_BOOL);
}

static void
compare_ints(struct assembly *assembly, const struct jit_op *op)
{
    static const uint8_t conditions[] = {
        [JIT_INT_EQUAL - JIT_INT_EQUAL] = 0x4,
        [JIT_INT_UNEQUAL - JIT_INT_EQUAL] = 0x5,
        [JIT_INT_LESS - JIT_INT_EQUAL] = 0xc,
        [JIT_INT_LESS_EQUAL - JIT_INT_EQUAL] = 0xe,
        [JIT_INT_GREATER - JIT_INT_EQUAL] = 0xf,
        [JIT_INT_GREATER_EQUAL - JIT_INT_EQUAL] = 0xd,
    };

    load(&assembly->code, RAX, RBX, payload(op->a));
    BYTES(&assembly->code, 0x48, 0x3b);
    put_memory(&assembly->code, RAX, RBX, payload(op->b));
    set_if(assembly, op, conditions[op->operation - JIT_INT_EQUAL]);
}

static void
assemble_float(struct assembly *assembly, const struct jit_op *op)
{
    static const uint8_t opcodes[] = { 0x58, 0x5c, 0x59, 0x5e };
    struct assembler *code = &assembly->code;

    BYTES(code, 0xf2, 0x0f, 0x10); /* movsd xmm0, [a] */
    put_memory(code, 0, RBX, payload(op->a));
    BYTES(code, 0xf2, 0x0f, opcodes[op->operation - JIT_FLOAT_ADD]);
    put_memory(code, 0, RBX, payload(op->b));
    set_type(assembly, op->to, VALUE_FLOAT);
    BYTES(code, 0xf2, 0x0f, 0x11);
    put_memory(code, 0, RBX, payload(op->to));
}

/* As "above", with the operands in the order that makes it false of a NaN. */
static void
compare_floats(struct assembly *assembly, const struct jit_op *op)
{
    bool less = op->operation == JIT_FLOAT_LESS ||
                op->operation == JIT_FLOAT_LESS_EQUAL;
    bool equal = op->operation == JIT_FLOAT_LESS_EQUAL ||
                 op->operation == JIT_FLOAT_GREATER_EQUAL;
    struct assembler *code = &assembly->code;

    BYTES(code, 0xf2, 0x0f, 0x10); /* movsd */
    put_memory(code, 0, RBX, payload(less ? op->b : op->a));
    BYTES(code, 0x66, 0x0f, 0x2e); /* ucomisd */
    put_memory(code, 0, RBX, payload(less ? op->a : op->b));
    set_if(assembly, op, equal ? ABOVE_EQUAL : 0x7);
}

static void
assemble_constant(struct assembly *assembly, const struct jit_op *op)
{
    load_number(&assembly->code, RAX, (uint64_t)op->value.integer);
    store_result(assembly, op->to, op->value.type);
}

/* rax = the address of an item */
static void
find_item(struct assembly *assembly, const struct jit_op *op)
{
    struct assembler *code = &assembly->code;

    load(code, RAX, RBX, payload(op->a));
    load(code, RAX, RAX, offsetof(struct list, items));
    load(code, RCX, RBX, payload(op->b));
    BYTES(code, 0x48, 0xc1, 0xe1, 0x04, /* shl rcx, 4 */
          0x48, 0x01, 0xc8);            /* add rax, rcx */
}

_Static_assert(sizeof(struct value) == 16, "items are found by a shift");

static void
assemble_jump(struct assembly *assembly, const struct jit_op *op)
{
    struct jit_trace *target = op->target;

    if (target == assembly->trace) {
        land(jump(&assembly->code), target->label);
        return;
    }
    edge(assembly, JIT_EDGE_JUMP, target, NULL);
    jump_far(&assembly->code, target->label);
}

static void
assemble_end(struct assembly *assembly, const struct jit_op *op)
{
    if (op->operation == JIT_JUMP) {
        assemble_jump(assembly, op);
        return;
    }
    if (op->operation == JIT_FINISH)
        call_helper(assembly, op);
    else
        store_state(assembly, op->pc, op->depth);
    edge(assembly, JIT_EDGE_EXIT, assembly->trace, NULL);
    leave_because(assembly,
                  op->operation == JIT_FINISH ? &jit_finished : &jit_left);
}

static void
assemble_op(struct assembly *assembly, const struct jit_op *op)
{
    switch (op->operation) {
    case JIT_CONSTANT:
        assemble_constant(assembly, op);
        break;
    case JIT_COPY:
        load_value(assembly, RBX, slot(op->a));
        store_value(assembly, RBX, slot(op->to));
        break;
    case JIT_NOT:
        BYTES(&assembly->code, 0x80); /* xor byte [a], 1 */
        put_memory(&assembly->code, 6, RBX, payload(op->a));
        BYTES(&assembly->code, 1);
        break;
    case JIT_LOAD_ITEM:
        find_item(assembly, op);
        load_value(assembly, RAX, 0);
        store_value(assembly, RBX, slot(op->to));
        break;
    case JIT_STORE_ITEM:
        find_item(assembly, op);
        load_value(assembly, RBX, slot(op->to));
        store_value(assembly, RAX, 0);
        break;
    case JIT_JUMP:
    case JIT_LEAVE:
    case JIT_FINISH:
        assemble_end(assembly, op);
        break;
    default:
        if (op->operation >= JIT_FIRST_HELPER)
            call_helper(assembly, op);
        else if (op->operation >= JIT_GUARD_TYPE)
            assemble_guard(assembly, op);
        else if (op->operation >= JIT_FLOAT_LESS)
            compare_floats(assembly, op);
        else if (op->operation >= JIT_FLOAT_ADD)
            assemble_float(assembly, op);
        else if (op->operation >= JIT_INT_EQUAL)
            compare_ints(assembly, op);
        else
            assemble_int(assembly, op);
    }
}

/* Where a guard goes that fails, until it has a bridge. */
static void
assemble_stub(struct assembly *assembly, struct jit_guard *failed)
{
    failed->stub = assembly->code.next;
    land(assembly->tests[failed->number], failed->stub);
    store_state(assembly, failed->pc, failed->depth);
    edge(assembly, JIT_EDGE_EXIT, failed->trace, failed);
    leave_because(assembly, failed);
    memcpy(failed->kept, failed->stub, JIT_PATCH_SIZE);
}

static void
assemble(struct assembly *assembly)
{
    struct jit_trace *trace = assembly->trace;
    uint8_t *entry;

    way_out(assembly);
    entry = assembly->code.next;
    memcpy(&trace->enter, &entry, sizeof(entry));
    way_in(assembly);
    for (size_t i = 0; i < trace->op_count; i++) {
        trace->ops[i].offset =
            (uint32_t)(assembly->code.next - assembly->code.start);
        assemble_op(assembly, &trace->ops[i]);
    }
    for (size_t i = 0; i < trace->guard_count; i++)
        assemble_stub(assembly, &trace->guards[i]);
}

static size_t
bound(const struct jit_trace *trace)
{
    size_t size = OTHER_SIZE + trace->op_count * OP_SIZE +
                  trace->guard_count * GUARD_SIZE;

    for (size_t i = 0; i < trace->op_count; i++) {
        if (trace->ops[i].operation == JIT_CALL_TRACE)
            size += CALL_SIZE;
    }
    return size;
}

static size_t
whole_pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Give back what was not needed, and let the rest be run. */
static bool
finish(struct jit_trace *trace, size_t map_size)
{
    trace->map_size = whole_pages(trace->code_size);
    if (map_size > trace->map_size)
        munmap(trace->code + trace->map_size, map_size - trace->map_size);
    return mprotect(trace->code, trace->map_size, PROT_READ | PROT_EXEC) == 0;
}

bool
jit_has_machine(void)
{
    return true;
}

bool
jit_assemble(struct jit_trace *trace)
{
    size_t size = whole_pages(bound(trace));
    struct assembly assembly = { .trace = trace };

    trace->code = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (trace->code == MAP_FAILED) {
        trace->code = NULL;
        return false;
    }
    assembly.code.start = assembly.code.next = trace->code;
    assembly.tests =
        allocate((trace->guard_count + 1) * sizeof(*assembly.tests));
    assemble(&assembly);
    free(assembly.tests);
    trace->code_size = (size_t)(assembly.code.next - assembly.code.start);
    assert(trace->code_size <= size);
    return finish(trace, size);
}

static void
protect(const struct jit_trace *trace, int protection)
{
    if (mprotect(trace->code, trace->map_size, protection) == 0)
        return;
    perror("toyvm: cannot change machine code");
    exit(EXIT_FAILURE);
}

/* The thread that does it is the only one that runs the code. */
void
jit_patch(struct jit_guard *patched)
{
    struct assembler code = { .next = patched->stub };

    if (!patched->trace->code)
        return;
    protect(patched->trace, PROT_READ | PROT_WRITE);
    if (patched->bridge)
        jump_far(&code, patched->bridge->label);
    else
        put(&code, patched->kept, JIT_PATCH_SIZE);
    protect(patched->trace, PROT_READ | PROT_EXEC);
}

void
jit_free_code(struct jit_trace *trace)
{
    if (trace->code)
        munmap(trace->code, trace->map_size);
    trace->code = NULL;
}

#endif
