/* SPDX-License-Identifier: MIT */

/*
 * One loop that runs bytecode, the function RUN_LOOP: interp.c compiles it four
 * times. COUNTS: instructions are counted, and calls are told of. Whenever it
 * begins or ends, all that there is to know stands in the frames.
 */

static __attribute__((noinline)) enum outcome
RUN_LOOP(struct interp *interp, struct value *result)
{
    TABLES();
    struct vmprof_thread *const profile = interp->profile;
    struct frame *frame;
    const uint32_t *pc;
    struct value *sp;
    struct value value;
    uint32_t word;

    if (!profile)
        __builtin_unreachable(); /* else each hook asks */
    frame = interp->current->frame;
    TAKE_BACK();
    if (!frame->token)
        profile_enter(profile, frame, HERE());
    LOAD(profile_go_on, 0);
    if (interp->begun != NOT_BEGUN) {
        const bool is_counted = interp->begun == COUNTED;

        interp->begun = NOT_BEGUN;
        __atomic_store_n(&frame->pc, (uintptr_t)pc, __ATOMIC_RELAXED);
        word = word_at(pc);
        if (is_counted)
            GO_ON_COUNTED();
        BEGIN_RUN();
        goto *table[opcode_of(word)];
    }
    BEGIN_RUN();
    DISPATCH();

    OPCODE_AT(CONSTANT)
    *sp++ = frame->function->constants[operand_of(word)];
    NEXT();

    OPCODE_AT(NIL)
    *sp++ = value_nil();
    NEXT();

    OPCODE_AT(TRUE)
    *sp++ = value_bool(true);
    NEXT();

    OPCODE_AT(FALSE)
    *sp++ = value_bool(false);
    NEXT();

    OPCODE_AT(INT)
    *sp++ = value_int(operand_of(word));
    NEXT();

    OPCODE_AT(POP)
    sp--;
    NEXT();

    OPCODE_AT(GET_LOCAL)
    *sp++ = frame->slots[operand_of(word)];
    NEXT();

    OPCODE_AT(SET_LOCAL)
    frame->slots[operand_of(word)] = *--sp;
    NEXT();

    OPCODE_AT(ADD)
    ARITHMETIC(__builtin_add_overflow, +);

    OPCODE_AT(SUBTRACT)
    ARITHMETIC(__builtin_sub_overflow, -);

    OPCODE_AT(MULTIPLY)
    ARITHMETIC(__builtin_mul_overflow, *);

    OPCODE_AT(LESS)
    COMPARE(<);

    OPCODE_AT(LESS_EQUAL)
    COMPARE(<=);

    OPCODE_AT(GREATER)
    COMPARE(>);

    OPCODE_AT(GREATER_EQUAL)
    COMPARE(>=);

    OPCODE_AT(DIVIDE)
    goto slow;

    OPCODE_AT(REMAINDER)
slow:
    TRY(operate(interp, opcode_of(word), sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(NEGATE)
    TRY(operate(interp, OP_SUBTRACT, value_int(0), sp[-1], &value));
    sp[-1] = value;
    NEXT();

    OPCODE_AT(NOT)
    sp[-1] = value_bool(!value_is_true(sp[-1]));
    NEXT();

    OPCODE_AT(EQUAL)
    sp--;
    sp[-1] = value_bool(value_equal(sp[-1], sp[0]));
    NEXT();

    OPCODE_AT(UNEQUAL)
    sp--;
    sp[-1] = value_bool(!value_equal(sp[-1], sp[0]));
    NEXT();

    OPCODE_AT(JUMP)
    JUMP_BY(operand_of(word));

    OPCODE_AT(LOOP)
    TEST(BIT(BACK_EDGE));
    POLL();
    HOOK();
    JUMP_BY(operand_of(word));

    OPCODE_AT(JUMP_IF_FALSE)
    if (!value_is_true(*--sp)) {
        LEAVE_RUN();
        JUMP_BY(operand_of(word));
    }
    NEXT();

    OPCODE_AT(AND)
    if (!value_is_true(sp[-1])) {
        LEAVE_RUN();
        JUMP_BY(operand_of(word));
    }
    sp--;
    NEXT();

    OPCODE_AT(OR)
    if (value_is_true(sp[-1])) {
        LEAVE_RUN();
        JUMP_BY(operand_of(word));
    }
    sp--;
    NEXT();

    OPCODE_AT(LIST)
    value = value_cell(VALUE_LIST, heap_new_list(&interp->heap));
    for (int32_t i = -operand_of(word); i < 0; i++)
        list_push(&interp->heap, value.list, sp[i]);
    sp -= operand_of(word);
    *sp++ = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(OBJECT)
    *sp++ = value_cell(VALUE_OBJECT, heap_new_object(&interp->heap));
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(INIT_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp--;
    NEXT();

    OPCODE_AT(GET_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(get_attribute(interp, sp[-1], value, &sp[-1]));
    NEXT();

    OPCODE_AT(SET_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp -= 2;
    NEXT();

    OPCODE_AT(GET_INDEX)
    TRY(get_index(interp, sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(SET_INDEX)
    TRY(set_index(interp, sp[-3], sp[-2], sp[-1]));
    sp -= 3;
    NEXT();

    OPCODE_AT(CALL)
    {
        size_t count = (size_t)operand_of(word);
        struct value *arguments = sp - count;

        POLL();
        HOOK();
        frame->sp = arguments - 1;
        if (arguments[-1].type == VALUE_NATIVE) {
            bool returned;

            LEND();
            returned = call_native(interp, arguments[-1].native, arguments,
                                   count, &value);
            TAKE_BACK();
            TRY(returned);
            sp = arguments;
            sp[-1] = value;
            COLLECT_IF_DUE();
            pc++;
            LOOK(NOT_BEGUN);
            BEGIN_RUN();
            DISPATCH();
        }
        TRY(call_function(interp, arguments[-1], arguments, count, HERE()));
        LOAD(profile_begin_call, 0);
        TEST(BIT(CALL));
        BEGIN_RUN();
        DISPATCH();
    }

    OPCODE_AT(RETURN)
    TEST(BIT(RETURN));
    POLL();
    value = sp[-1];
    if (COUNTS && VMPROF_EXPECT(vmprof_has_candidates(profile), 0)) {
        TELL(profile_end_call, frame);
        LOOK(COUNTED);
    }
    if (!leave_function(interp)) {
        LEND();
        *result = value;
        return RETURNED;
    }
    *interp->current->frame->sp++ = value;
    LOAD(profile_go_on, 1);
    BEGIN_RUN();
    DISPATCH();

    OPCODE_AT(THROW)
    interp->thrown = sp[-1];
    goto thrown;

    OPCODE_AT(RESUME)
    POLL();
    {
        bool resumed;

        frame->sp = sp - 2;
        LEND();
        resumed =
            coroutine_resume(interp, sp[-2], sp[-1], operand_of(word), HERE());
        TAKE_BACK();
        TRY(resumed);
        LOAD(profile_go_on, 0);
        BEGIN_RUN();
        DISPATCH();
    }

    OPCODE_AT(YIELD)
    POLL();
    frame->sp = sp - 1;
    TRY(coroutine_yield(interp, sp[-1]));
    frame->pc = (uintptr_t)(pc + 1); /* where it is resumed */
    LOAD(profile_go_on, 1);
    BEGIN_RUN();
    DISPATCH();

    OUT_OF_LINE();

#if TOY_EVENTS == 1
told:
    GIVE_BACK_RUN();
    LEND();
    if (!events_at(interp, frame, pc, sp))
        return unwind(interp) ? SWITCHED : THROWN;
    TAKE_BACK();
    LOOK(TOLD);
    BEGIN_RUN();
    goto *table[opcode_of(word)];
#endif

thrown:
    LEAVE_RUN();
    LEND();
    return unwind(interp) ? SWITCHED : THROWN;

other_loop:
    frame->pc = (uintptr_t)pc;
    frame->sp = sp;
    LEND();
    return SWITCHED;
}
