/* SPDX-License-Identifier: MIT */

/*
 * One instruction that is about to run, with the values that it finds, becomes
 * operations for such values and guards that they are such. Until a guard's
 * instruction has run nothing has changed, so the interpreter can repeat it.
 */
#include "interp.h"
#include "jit_trace.h"
#include "native.h"

/* The instruction, and what it finds. */
struct site {
    struct jit *jit;
    struct jit_level *level;
    struct frame *frame;
    const uint32_t *pc;
    const struct value *slots;
    size_t depth;
    enum opcode opcode;
    int32_t operand;
};

static struct jit_op *
add(struct site *site, enum jit_operation operation, size_t to, size_t a,
    size_t b)
{
    struct jit_op *op = jit_add_op(site->jit, operation);

    op->to = (uint16_t)to;
    op->a = (uint16_t)a;
    op->b = (uint16_t)b;
    return op;
}

static struct jit_op *
add_guard(struct site *site, enum jit_operation operation, size_t a, size_t b)
{
    struct jit_op *op = add(site, operation, 0, a, b);

    jit_add_guard(site->jit, op, site->pc, site->depth);
    return op;
}

/* Another value is in a slot now. */
static struct jit_known *
forget(struct site *site, size_t slot)
{
    struct jit_known *known = site->level->known;

    for (size_t i = 0; i < site->depth; i++) {
        if (known[i].copy_of == slot)
            known[i].copy_of = JIT_NO_SLOT;
    }
    known[slot] =
        (struct jit_known){ .type = JIT_UNKNOWN, .copy_of = JIT_NO_SLOT };
    return &known[slot];
}

static void
set_type(struct site *site, size_t slot, unsigned type)
{
    forget(site, slot)->type = (uint8_t)type;
}

/* What is known of a value is known of the variable that it was read from. */
static void
learn(struct site *site, size_t slot, enum value_type type, const void *pointer)
{
    struct jit_known *known = site->level->known;

    for (; slot != JIT_NO_SLOT; slot = known[slot].copy_of) {
        known[slot].type = (uint8_t)type;
        known[slot].pointer = pointer;
    }
}

/* From here on the type of a value is what it is now. */
static enum value_type
fix_type(struct site *site, size_t slot)
{
    enum value_type type = site->slots[slot].type;

    if (site->level->known[slot].type == JIT_UNKNOWN) {
        add_guard(site, JIT_GUARD_TYPE, slot, 0)->type = type;
        learn(site, slot, type, NULL);
    }
    return type;
}

/* And a function is this one. */
static void
fix_pointer(struct site *site, size_t slot)
{
    const struct value *value = &site->slots[slot];

    if (site->level->known[slot].pointer != value->function) {
        add_guard(site, JIT_GUARD_POINTER, slot, 0)->pointer = value->function;
        learn(site, slot, value->type, value->function);
    }
}

/* And a condition holds, or does not. */
static bool
fix_truth(struct site *site, size_t slot)
{
    bool truth = value_is_true(site->slots[slot]);

    if (fix_type(site, slot) == VALUE_BOOL)
        add_guard(site, truth ? JIT_GUARD_TRUE : JIT_GUARD_FALSE, slot, 0);
    return truth;
}

static void
constant(struct site *site, struct value value)
{
    add(site, JIT_CONSTANT, site->depth, 0, 0)->value = value;
    set_type(site, site->depth, value.type);
    if (value.type == VALUE_FUNCTION || value.type == VALUE_NATIVE)
        site->level->known[site->depth].pointer = value.function;
}

static void
copy(struct site *site, size_t to, size_t from)
{
    struct jit_known known = site->level->known[from];

    add(site, JIT_COPY, to, from, 0);
    known.copy_of = to > from ? (uint16_t)from : JIT_NO_SLOT;
    *forget(site, to) = known;
}

static bool
are_both(const struct site *site, enum value_type type)
{
    return site->slots[site->depth - 2].type == type &&
           site->slots[site->depth - 1].type == type;
}

static bool
compares(enum opcode opcode)
{
    return opcode >= OP_EQUAL && opcode <= OP_GREATER_EQUAL;
}

/* Of two operands of one type; others are for a helper. */
static void
specialise(struct site *site, enum jit_operation operation)
{
    size_t a = site->depth - 2, b = site->depth - 1;
    enum value_type type = fix_type(site, a);

    (void)fix_type(site, b);
    if (operation == JIT_INT_DIVIDE || operation == JIT_INT_REMAINDER)
        add_guard(site, JIT_GUARD_DIVISOR, b, 0);
    add(site, operation, a, a, b);
    set_type(site, a, compares(site->opcode) ? VALUE_BOOL : type);
}

/* Of those that division of ints is not compiled for. */
static bool
is_odd_divisor(const struct site *site)
{
    const struct value *divisor = &site->slots[site->depth - 1];

    return (site->opcode == OP_DIVIDE || site->opcode == OP_REMAINDER) &&
           (divisor->integer == 0 || divisor->integer == -1);
}

static void
binary(struct site *site)
{
    static const enum jit_operation ints[] = {
        [OP_ADD] = JIT_INT_ADD,
        [OP_SUBTRACT] = JIT_INT_SUBTRACT,
        [OP_MULTIPLY] = JIT_INT_MULTIPLY,
        [OP_DIVIDE] = JIT_INT_DIVIDE,
        [OP_REMAINDER] = JIT_INT_REMAINDER,
        [OP_EQUAL] = JIT_INT_EQUAL,
        [OP_UNEQUAL] = JIT_INT_UNEQUAL,
        [OP_LESS] = JIT_INT_LESS,
        [OP_LESS_EQUAL] = JIT_INT_LESS_EQUAL,
        [OP_GREATER] = JIT_INT_GREATER,
        [OP_GREATER_EQUAL] = JIT_INT_GREATER_EQUAL,
    };
    static const enum jit_operation floats[OP_GREATER_EQUAL + 1] = {
        [OP_ADD] = JIT_FLOAT_ADD,
        [OP_SUBTRACT] = JIT_FLOAT_SUBTRACT,
        [OP_MULTIPLY] = JIT_FLOAT_MULTIPLY,
        [OP_DIVIDE] = JIT_FLOAT_DIVIDE,
        [OP_LESS] = JIT_FLOAT_LESS,
        [OP_LESS_EQUAL] = JIT_FLOAT_LESS_EQUAL,
        [OP_GREATER] = JIT_FLOAT_GREATER,
        [OP_GREATER_EQUAL] = JIT_FLOAT_GREATER_EQUAL,
    };
    enum jit_operation helper =
        site->opcode == OP_EQUAL || site->opcode == OP_UNEQUAL ? JIT_EQUAL
                                                               : JIT_OPERATE;
    size_t a = site->depth - 2;

    if (are_both(site, VALUE_INT) && !is_odd_divisor(site)) {
        specialise(site, ints[site->opcode]);
    } else if (are_both(site, VALUE_FLOAT) && floats[site->opcode]) {
        specialise(site, floats[site->opcode]);
    } else {
        add(site, helper, a, a, a + 1);
        set_type(site, a, compares(site->opcode) ? VALUE_BOOL : JIT_UNKNOWN);
    }
}

static void
negate(struct site *site)
{
    add(site, JIT_NEGATE, 0, site->depth - 1, 0);
    set_type(site, site->depth - 1, JIT_UNKNOWN);
}

static void
not_operator(struct site *site)
{
    size_t slot = site->depth - 1;

    if (fix_type(site, slot) == VALUE_BOOL) {
        add(site, JIT_NOT, 0, slot, 0);
        return;
    }
    add(site, JIT_CONSTANT, slot, 0, 0)->value =
        value_bool(!value_is_true(site->slots[slot]));
    set_type(site, slot, VALUE_BOOL);
}

/* Whether a list has the item, so that no exception is to be thrown. */
static bool
is_item(const struct value *list, const struct value *index)
{
    return list->type == VALUE_LIST && index->type == VALUE_INT &&
           (uint64_t)index->integer < list->list->count;
}

static void
index_of(struct site *site, enum jit_operation operation,
         enum jit_operation helper, size_t list, size_t to)
{
    if (is_item(&site->slots[list], &site->slots[list + 1])) {
        (void)fix_type(site, list);
        (void)fix_type(site, list + 1);
        add_guard(site, JIT_GUARD_INDEX, list, list + 1);
        add(site, operation, to, list, list + 1);
    } else {
        add(site, helper, to, list, list + 1);
    }
    set_type(site, list, JIT_UNKNOWN);
}

static void
get_attribute_of(struct site *site)
{
    size_t slot = site->depth - 1;

    add(site, JIT_GET_ATTRIBUTE, slot, slot, 0)->value =
        site->frame->function->constants[site->operand];
    set_type(site, slot, JIT_UNKNOWN);
}

static void
set_attribute_of(struct site *site)
{
    add(site, JIT_SET_ATTRIBUTE, 0, site->depth - 2, site->depth - 1)->value =
        site->frame->function->constants[site->operand];
}

static void
make_list(struct site *site)
{
    size_t to = site->depth - (size_t)site->operand;

    add(site, JIT_LIST, to, 0, 0);
    set_type(site, to, VALUE_LIST);
}

static void
make_object(struct site *site)
{
    add(site, JIT_OBJECT, site->depth, 0, 0);
    set_type(site, site->depth, VALUE_OBJECT);
}

/* What comes next if a condition is so. */
static void
branch(struct site *site, bool jumps)
{
    site->jit->recorder.expected = site->pc + 1 + (jumps ? site->operand : 0);
}

/* Back to where this began, or to what has been compiled: a loop inside that has
 * not is hot before the one around it is. */
static bool
loop(struct site *site)
{
    struct jit *jit = site->jit;
    const uint32_t *header = site->pc + 1 + site->operand;

    add(site, JIT_POLL, 0, 0, 0);
    branch(site, true);
    if (jit_loop_spot(jit, site->frame->function, header)->trace ||
        (jit->recorder.level == 0 && header == jit->recorder.trace->start))
        return true;
    jit_abort(jit, "a loop inside is not compiled");
    return false;
}

static bool
has_loop(const struct function *function)
{
    for (size_t i = 0; i < function->count; i++) {
        if (opcode_of(word_at(&function->code[i])) == OP_LOOP)
            return true;
    }
    return false;
}

static bool
is_inlined(const struct jit *jit, const struct function *function)
{
    for (int i = 0; i <= jit->recorder.level; i++) {
        if (jit->recorder.levels[i].function == function)
            return true;
    }
    return false;
}

/* What is to be called as a whole: recursion, and functions with loops. */
static struct jit_trace *
find_method(struct jit *jit, const struct function *function)
{
    struct jit_trace *trace = jit->recorder.trace;

    if (!is_inlined(jit, function) && !has_loop(function))
        return NULL;
    if (trace->kind == JIT_METHOD && trace->function == function)
        return trace;
    return jit->calls[function->index].trace;
}

static bool
call_function_of(struct site *site, size_t callee)
{
    struct jit *jit = site->jit;
    const struct function *function = site->slots[callee].function;
    struct jit_trace *method = find_method(jit, function);
    bool recurses = is_inlined(jit, function);
    struct jit_level *level;

    fix_pointer(site, callee);
    add(site, JIT_PUSH, 0, callee, 0)->pointer = function;
    set_type(site, callee, JIT_UNKNOWN);
    level = jit_push_level(jit, function, jit->recorder.place + 1,
                           (uint32_t)callee);
    if (!level || (recurses && !method)) {
        jit_abort(jit, "calls are nested too deeply");
        return false;
    }
    for (size_t i = 0; i < function->arity; i++) {
        level->known[i] = site->level->known[callee + 1 + i];
        level->known[i].copy_of = JIT_NO_SLOT;
    }
    jit->recorder.expected = function->code;
    if (method) {
        jit_record_place(jit, function, function->code, function->arity);
        jit_record_call(jit, method);
    }
    return true;
}

static bool
call(struct site *site)
{
    size_t count = (size_t)site->operand;
    size_t callee = site->depth - count - 1;
    const struct value *value = &site->slots[callee];

    (void)fix_type(site, callee);
    if (value->type == VALUE_FUNCTION && value->function->arity == count)
        return call_function_of(site, callee);
    if (value->type != VALUE_NATIVE) {
        jit_abort(site->jit, "a call that throws");
        return false;
    }
    fix_pointer(site, callee);
    add(site, JIT_CALL_NATIVE, 0, callee, 0)->pointer = value->native;
    set_type(site, callee, JIT_UNKNOWN);
    jit_add_guard(site->jit, add(site, JIT_GUARD_VALID, 0, 0, 0), site->pc + 1,
                  callee + 1);
    return true;
}

/* From a frame that was inlined, or from the one where it began. */
static bool
return_from(struct site *site)
{
    struct jit_recorder *recorder = &site->jit->recorder;
    const struct jit_level *callee = site->level;
    struct jit_level *caller;

    if (recorder->level == 0) {
        if (recorder->trace->kind == JIT_LOOP) {
            jit_abort(site->jit, "the function returns");
            return false;
        }
        add(site, JIT_FINISH, 0, site->depth - 1, 0);
        recorder->trace->end = JIT_RETURNS;
        recorder->ends = true;
        return true;
    }
    add(site, JIT_RETURN, 0, site->depth - 1, 0);
    caller = &recorder->levels[--recorder->level];
    caller->known[callee->call_depth] = callee->known[site->depth - 1];
    caller->known[callee->call_depth].copy_of = JIT_NO_SLOT;
    recorder->expected = recorder->trace->places[callee->place - 1].pc + 1;
    return true;
}

/* Coroutines and exceptions are the interpreter's. */
static bool
give_up(struct site *site)
{
    struct jit_recorder *recorder = &site->jit->recorder;

    if (recorder->trace->kind != JIT_BRIDGE) {
        jit_abort(site->jit, "an instruction that is not compiled");
        return false;
    }
    add(site, JIT_LEAVE, 0, 0, 0);
    recorder->trace->end = JIT_LEAVES;
    recorder->ends = true;
    return true;
}

/* Those that always go on with the next instruction. */
static void
translate_simple(struct site *site)
{
    switch (site->opcode) {
    case OP_CONSTANT:
        constant(site, site->frame->function->constants[site->operand]);
        break;
    case OP_NIL:
        constant(site, value_nil());
        break;
    case OP_TRUE:
        constant(site, value_bool(true));
        break;
    case OP_FALSE:
        constant(site, value_bool(false));
        break;
    case OP_INT:
        constant(site, value_int(site->operand));
        break;
    case OP_GET_LOCAL:
        copy(site, site->depth, (size_t)site->operand);
        break;
    case OP_SET_LOCAL:
        copy(site, (size_t)site->operand, site->depth - 1);
        break;
    case OP_NEGATE:
        negate(site);
        break;
    case OP_NOT:
        not_operator(site);
        break;
    case OP_LIST:
        make_list(site);
        break;
    case OP_OBJECT:
        make_object(site);
        break;
    case OP_GET_ATTRIBUTE:
        get_attribute_of(site);
        break;
    case OP_INIT_ATTRIBUTE:
    case OP_SET_ATTRIBUTE:
        set_attribute_of(site);
        break;
    case OP_GET_INDEX:
        index_of(site, JIT_LOAD_ITEM, JIT_GET_INDEX, site->depth - 2,
                 site->depth - 2);
        break;
    case OP_SET_INDEX:
        index_of(site, JIT_STORE_ITEM, JIT_SET_INDEX, site->depth - 3,
                 site->depth - 1);
        break;
    case OP_POP:
        break;
    default:
        binary(site);
    }
}

bool
jit_translate(struct jit *jit, struct frame *frame, const uint32_t *pc,
              struct value *sp)
{
    struct site site = {
        .jit = jit,
        .level = &jit->recorder.levels[jit->recorder.level],
        .frame = frame,
        .pc = pc,
        .slots = frame->slots,
        .depth = (size_t)(sp - frame->slots),
        .opcode = opcode_of(word_at(pc)),
        .operand = operand_of(word_at(pc)),
    };
    size_t top = site.depth - 1;

    branch(&site, false);
    switch (site.opcode) {
    case OP_JUMP:
        branch(&site, true);
        return true;
    case OP_JUMP_IF_FALSE:
    case OP_AND:
        branch(&site, !fix_truth(&site, top));
        return true;
    case OP_OR:
        branch(&site, fix_truth(&site, top));
        return true;
    case OP_LOOP:
        return loop(&site);
    case OP_CALL:
        return call(&site);
    case OP_RETURN:
        return return_from(&site);
    case OP_THROW:
    case OP_RESUME:
    case OP_YIELD:
        return give_up(&site);
    default:
        translate_simple(&site);
        return true;
    }
}
