/* SPDX-License-Identifier: MIT */

#include "unwind.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/sampler.h>

#include "instructions.h"
#include "step.h"

enum {
    RECORD = sizeof(struct vmp_frame_record),
};

struct vmp_unwinder {
    struct vmp_instructions known;
    struct vmp_stepper *stepper;
    struct vmp_telling *traces;
};

/* A copy of the stack while it is unwound. */
struct walk {
    struct vmp_unwinder *unwinder;
    const struct vmp_record *record;
    const struct vmp_native *stack;
    const unsigned char *copy;
    struct vmp_registers registers;
};

enum step {
    STEP_DONE,
    STEP_LAST,
    STEP_CUT,
    STEP_FAILED,
};

int
vmp_unwinder_new(struct vmp_unwinder **out, struct vmp_encoder *encoder,
                 struct vmp_telling *traces)
{
    struct vmp_unwinder *const unwinder = calloc(1, sizeof(*unwinder));
    int r;

    if (!unwinder)
        return -ENOMEM;
    unwinder->traces = traces;
    r = vmp_instructions_new(&unwinder->known, encoder);
    if (r == 0)
        r = vmp_stepper_new(&unwinder->stepper, &unwinder->known.modules,
                            &unwinder->known.reader);
    if (r < 0)
        vmp_unwinder_free(unwinder);
    else
        *out = unwinder;
    return r;
}

void
vmp_unwinder_free(struct vmp_unwinder *unwinder)
{
    if (!unwinder)
        return;
    vmp_stepper_free(unwinder->stepper);
    vmp_instructions_free(&unwinder->known);
    free(unwinder);
}

void
vmp_unwinder_begin(struct vmp_unwinder *unwinder)
{
    vmp_instructions_begin(&unwinder->known);
}

/* Why a word is not in the copy. */
static enum step
why_not(const struct walk *walk, uint64_t address)
{
    const struct vmp_native *const stack = walk->stack;

    return stack->is_cut && address >= stack->from &&
                   (!stack->end || address < stack->end)
               ? STEP_CUT
               : STEP_FAILED;
}

static inline bool
read_word(const struct walk *walk, uint64_t address, uint64_t *value)
{
    const uint64_t at = address - walk->stack->from;

    /* Not at + 8: that may be past the last address. */
    if (at >= walk->stack->size || walk->stack->size - at < sizeof(*value))
        return false;
    memcpy(value, walk->copy + at, sizeof(*value));
    return true;
}

/* Registers change only if all that is needed is there. */
static enum step
follow_row(struct walk *walk, const struct vmp_row *row)
{
    uint64_t *const registers = walk->registers.value;
    uint64_t cfa = registers[row->cfa_register] + (uint64_t)row->cfa_offset;
    uint64_t saved[VMP_ROW_SAVED];

    if (row->cfa_is_read && !read_word(walk, cfa, &cfa))
        return why_not(walk, cfa);
    for (unsigned i = 0; i < row->count; i++) {
        const uint64_t at = cfa + (uint64_t)((int64_t)row->at[i] * 8);

        if (!read_word(walk, at, &saved[i]))
            return why_not(walk, at);
    }
    for (unsigned i = 0; i < row->count; i++)
        registers[row->saved[i]] = saved[i];
    registers[vmp_machine.sp] = cfa;
    return row->kind == VMP_ROW_LAST ? STEP_LAST : STEP_DONE;
}

static bool
is_code(const struct walk *walk, uint64_t pc)
{
    return pc && vmp_modules_find(&walk->unwinder->known.modules, pc - 1);
}

/* Code without rules, such as a JIT's: by its frame pointer, if that leads to a
 * return address. */
static enum step
follow_frame_pointer(struct walk *walk)
{
    const uint64_t fp = walk->registers.value[vmp_machine.fp];
    uint64_t before, pc;

    if (fp < walk->registers.value[vmp_machine.sp] || fp % 8)
        return STEP_FAILED;
    if (!read_word(walk, fp, &before) || !read_word(walk, fp + 8, &pc))
        return why_not(walk, fp);
    pc &= vmp_machine.code_bits;
    if (!is_code(walk, pc))
        return STEP_FAILED;
    walk->registers.value[vmp_machine.fp] = before;
    walk->registers.value[vmp_machine.sp] = fp + 16;
    walk->registers.value[vmp_machine.return_address] = pc;
    return STEP_DONE;
}

/* Out of a trace, by what the VM has told of its frame. */
static enum step
follow_trace(struct walk *walk, vmprof_jit_id trace)
{
    uint64_t *const registers = walk->registers.value;
    uint64_t size, at, pc;

    if (vmp_traces_frame(trace, &size) != VMPROF_TRACE_FRAME_FIXED)
        return follow_frame_pointer(walk);
    at = registers[vmp_machine.sp] + size;
    if (!read_word(walk, at, &pc))
        return why_not(walk, at);
    pc &= vmp_machine.code_bits;
    if (!is_code(walk, pc))
        return STEP_FAILED;
    registers[vmp_machine.sp] = at + sizeof(pc);
    registers[vmp_machine.return_address] = pc;
    return STEP_DONE;
}

static enum step
follow_other(struct walk *walk)
{
    const int r = vmp_step(walk->unwinder->stepper, walk->stack, walk->copy,
                           &walk->registers);

    if (r > 0) /* its RA is the PC already */
        walk->registers.value[vmp_machine.return_address] =
            walk->registers.value[vmp_machine.pc];
    return r > 0 ? STEP_DONE : r == 0 ? STEP_LAST : STEP_FAILED;
}

static enum step
follow_function(struct walk *walk, const struct vmp_row *row)
{
    switch (row->kind) {
    case VMP_ROW_PLAIN:
    case VMP_ROW_LAST:
        return follow_row(walk, row);
    case VMP_ROW_OTHER:
        return follow_other(walk);
    default:
        return follow_frame_pointer(walk);
    }
}

/* Libunwind sets the PC itself. */
static enum step
follow(struct walk *walk, const struct vmp_row *row, vmprof_jit_id trace)
{
    const enum step step =
        trace ? follow_trace(walk, trace) : follow_function(walk, row);

    if (trace || row->kind != VMP_ROW_OTHER)
        walk->registers.value[vmp_machine.pc] =
            walk->registers.value[vmp_machine.return_address] &
            vmp_machine.code_bits;
    return step;
}

/* Whether a step led on: up the stack, or out of a function that has put
 * nothing there, or off an alternate stack by a signal's frame. */
static bool
has_moved(const struct walk *walk, uint64_t sp, uint64_t pc, bool is_signal,
          bool is_exact)
{
    const uint64_t now = walk->registers.value[vmp_machine.sp];

    if (now > sp)
        return true;
    if (is_signal)
        return now != sp;
    return now == sp && is_exact && walk->registers.value[vmp_machine.pc] != pc;
}

/* The trace that an instruction was of: of the innermost the handler has found
 * out, and nobody can be wrong about that. */
static uint64_t
trace_at(const struct walk *walk, uint64_t address, bool is_innermost)
{
    uint64_t offset;
    vmprof_jit_id id;

    if (is_innermost)
        return walk->record->trace & VMP_RUNS_AT ? walk->record->trace : 0;
    if (!vmp_traces_find(address, walk->record->time_ns, &id, &offset))
        return 0;
    return id | VMP_RUNS_AT | offset << VMP_RUNS_AT_SHIFT;
}

/* The frame of an instruction, and how to unwind from it unless it is a trace's.
 */
static inline struct vmp_unwound
unwound(const struct walk *walk, uint64_t address, uint64_t cfa,
        bool is_innermost, const struct vmp_row **row)
{
    static const struct vmp_row nothing = { .kind = VMP_ROW_NONE };
    const uint64_t running = trace_at(walk, address, is_innermost);
    const int64_t frame =
        running ? vmp_tell_frame(walk->unwinder->traces, running) : 0;
    const struct vmp_instruction *code;

    *row = &nothing;
    if (frame > 0)
        return (struct vmp_unwound){
            .cfa = cfa,
            .pc = address,
            .frame = (uint32_t)frame,
            .trace = running & (VMPROF_JIT_MAX_IDS - 1),
        };
    code = vmp_instruction_at(&walk->unwinder->known, address);
    *row = &code->row;
    return (struct vmp_unwound){
        .cfa = cfa,
        .pc = code->address,
        .frame = code->frame,
        .is_of_no_file = code->is_of_no_file,
        .is_lost = code->is_lost,
    };
}

static size_t
unwind_copy(struct walk *walk, struct vmp_unwound *frames,
            enum vmp_unwind_end *end)
{
    const uint64_t *const pc = &walk->registers.value[vmp_machine.pc];
    const uint64_t *const sp = &walk->registers.value[vmp_machine.sp];
    bool is_exact = true; /* the PC is no return address */
    size_t count = 0;

    *end = VMP_UNWIND_WHOLE;
    while (*pc && count < VMP_MOST_NATIVE_FRAMES) {
        const uint64_t from_pc = *pc, from_sp = *sp;
        const struct vmp_row *row;
        enum step step;
        bool is_signal;

        frames[count] = unwound(walk, is_exact ? from_pc : from_pc - 1, from_sp,
                                !count, &row);
        if (!frames[count].frame)
            return count; /* no memory for it */
        is_signal = row->is_signal_frame;
        step = follow(walk, row, frames[count].trace);
        if (step == STEP_DONE &&
            !has_moved(walk, from_sp, from_pc, is_signal, is_exact))
            step = STEP_FAILED;
        if ((step == STEP_DONE || step == STEP_LAST) && *sp > from_sp &&
            !frames[count].trace)
            frames[count].cfa = *sp;
        count++;
        if (step == STEP_CUT)
            *end = VMP_UNWIND_CUT;
        else if (step == STEP_FAILED)
            *end = VMP_UNWIND_FAILED;
        if (step != STEP_DONE)
            return count;
        is_exact = is_signal;
    }
    if (*pc)
        *end = VMP_UNWIND_CUT;
    return count;
}

/* A word that the handler took from the top of the stack. */
static bool
leaf_word(const struct vmp_native_chain *chain, uint64_t address,
          uint64_t *value)
{
    const uint64_t at = (address - chain->head.sp) / 8;

    if ((address - chain->head.sp) % 8 || at >= chain->word_count)
        return false;
    *value = chain->words[at];
    return true;
}

/* A function without a frame of its own yet: where it returns to, and where its
 * caller's frame begins. */
struct leaf {
    uint64_t pc, cfa;
};

/* Whether the frame pointer is not that of the innermost function, but of its
 * caller. If so, where the function returns to and where its frame ends. */
static bool
find_caller(const struct vmp_native_chain *chain, const struct vmp_row *row,
            struct leaf *leaf)
{
    uint64_t pc = chain->link;

    if (row->kind != VMP_ROW_PLAIN || row->cfa_is_read ||
        row->cfa_register != vmp_machine.sp)
        return false;
    leaf->cfa = chain->head.sp + (uint64_t)row->cfa_offset;
    for (unsigned i = 0; i < row->count; i++) {
        const uint64_t at = leaf->cfa + (uint64_t)((int64_t)row->at[i] * 8);

        if (row->saved[i] == vmp_machine.fp && at == chain->fp)
            return false;
        if (row->saved[i] == vmp_machine.return_address &&
            !leaf_word(chain, at, &pc))
            return false;
    }
    leaf->pc = pc & vmp_machine.code_bits;
    return leaf->cfa <= chain->fp;
}

/* The same of a trace that says where its return address is. */
static bool
find_trace_caller(const struct vmp_native_chain *chain, vmprof_jit_id trace,
                  struct leaf *leaf)
{
    uint64_t size, pc;

    if (!trace || vmp_traces_frame(trace, &size) != VMPROF_TRACE_FRAME_FIXED)
        return false;
    leaf->cfa = chain->head.sp + size + sizeof(pc);
    if (!leaf_word(chain, leaf->cfa - sizeof(pc), &pc))
        return false;
    leaf->pc = pc & vmp_machine.code_bits;
    return leaf->cfa <= chain->fp;
}

/* The innermost frame, and its caller if that is not the next of the chain. */
static size_t
take_innermost(const struct walk *walk, const struct vmp_native_chain *chain,
               uint64_t cfa, struct vmp_unwound *frames)
{
    const struct vmp_row *row;
    struct leaf leaf;

    frames[0] =
        unwound(walk, chain->pc & vmp_machine.code_bits, cfa, true, &row);
    if (frames[0].trace)
        frames[0].cfa = chain->head.sp;
    if (!frames[0].frame || (!find_caller(chain, row, &leaf) &&
                             !find_trace_caller(chain, frames[0].trace, &leaf)))
        return 1;
    if (!frames[0].trace)
        frames[0].cfa = leaf.cfa;
    frames[1] = unwound(walk, leaf.pc - 1, cfa, false, &row);
    return 2;
}

/* One more frame of a chain, which a return address leads to. */
static bool
take_next(const struct walk *walk, uint64_t pc, uint64_t cfa,
          struct vmp_unwound *frame)
{
    const struct vmp_row *row;

    *frame = unwound(walk, (pc & vmp_machine.code_bits) - 1, cfa, false, &row);
    if (frame->trace)
        frame->cfa = frame[-1].cfa;
    return frame->frame;
}

/* The frames of a chain, innermost first. The innermost is where the registers
 * say; each other one ends where its frame record does, or begins there if that
 * is all that is known. */
static size_t
take_frames(const struct walk *walk, const struct vmp_native_chain *innermost,
            const struct vmp_chain *chain, struct vmp_unwound *frames)
{
    uint64_t cfa = chain->count ? innermost->fp + RECORD : innermost->head.sp;
    size_t made;

    if (!innermost->pc)
        return 0;
    made = take_innermost(walk, innermost, cfa, frames);
    if (!frames[made - 1].frame)
        return made - 1;
    for (size_t i = chain->count; i-- && made < VMP_MOST_NATIVE_FRAMES;) {
        const struct vmp_frame_record *const record = &chain->records[i];

        if (i)
            cfa = record->fp + RECORD;
        if (!record->pc || !take_next(walk, record->pc, cfa, &frames[made]))
            break;
        made++;
    }
    return made;
}

/* The whole chain, of what was known and what a record has. */
static size_t
take_chain(const struct walk *walk, struct vmp_chain *chain,
           struct vmp_unwound *frames, enum vmp_unwind_end *end)
{
    const struct vmp_native_chain *const added = (const void *)walk->stack;

    assert(added->kept <= chain->count);
    vmp_chain_replace(chain, (uint32_t)added->kept, (const void *)(added + 1),
                      added->head.size / RECORD, added->fp);
    *end = added->head.is_cut ? VMP_UNWIND_CUT : VMP_UNWIND_WHOLE;
    return take_frames(walk, added, chain, frames);
}

uint64_t
vmp_unwinder_end(struct vmp_unwinder *unwinder, uint64_t function)
{
    return vmp_instructions_end(&unwinder->known, function);
}

const struct vmp_native *
vmp_record_native(const struct vmp_record *record)
{
    const size_t frame_size =
        record->type == VMP_RECORD_LINKED
            ? sizeof(struct vmprof_linked_frame)
            : sizeof(struct vmp_sampled_frame) + sizeof(uint64_t);

    return (const void *)((const unsigned char *)(record + 1) +
                          record->added * frame_size);
}

size_t
vmp_unwind(struct vmp_unwinder *unwinder, const struct vmp_record *record,
           struct vmp_chain *chain, struct vmp_unwound *frames,
           enum vmp_unwind_end *end)
{
    const struct vmp_native *const native = vmp_record_native(record);
    struct walk walk = {
        .unwinder = unwinder,
        .record = record,
        .stack = native,
    };

    *end = VMP_UNWIND_WHOLE;
    if (!(record->parts & (VMP_PART_CHAIN | VMP_PART_COPY)))
        return 0;
    vmp_instructions_turn_to(&unwinder->known, record->time_ns);
    if (record->parts & VMP_PART_CHAIN)
        return take_chain(&walk, chain, frames, end);
    walk.registers = ((const struct vmp_native_copy *)native)->registers;
    walk.copy = (const unsigned char *)native + sizeof(struct vmp_native_copy);
    return unwind_copy(&walk, frames, end);
}
