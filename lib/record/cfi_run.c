/* SPDX-License-Identifier: MIT */

#include "cfi_run.h"

enum {
    EXPRESSION_BREG = 0x70, /* and the register */
    EXPRESSION_DEREF = 0x06,
};

/* Factors are of the file, too: a product that does not fit is nonsense, but
 * not an error of ours. */
static int64_t
scaled(uint64_t number, int64_t unit)
{
    return (int64_t)(number * (uint64_t)unit);
}

static void
set_rule(struct vmp_cfi_state *state, uint64_t number, uint8_t rule,
         int64_t offset)
{
    if (!vmp_cfi_knows(number))
        return; /* of no interest: vectors and the like */
    state->rule[number] = rule;
    state->offset[number] = offset;
}

static void
restore(struct vmp_cfi_state *state, const struct vmp_cfi_state *first,
        uint64_t number)
{
    if (vmp_cfi_knows(number))
        set_rule(state, number, first->rule[number], first->offset[number]);
}

/* CFA by an expression: of those only "the word at register + offset". */
static void
set_cfa_expression(struct vmp_cursor *c, struct vmp_cfi_state *state)
{
    const uint64_t size = vmp_take_uleb(c);
    struct vmp_cursor e = *c;
    uint8_t first;

    vmp_take_past(c, size);
    if (c->bad)
        return;
    e.end = c->at;
    first = vmp_take_byte(&e);
    state->cfa_is_other = true;
    if (first < EXPRESSION_BREG || first > EXPRESSION_BREG + 31)
        return;
    state->cfa_register = first - EXPRESSION_BREG;
    state->cfa_offset = vmp_take_sleb(&e);
    state->cfa_is_read = vmp_take_byte(&e) == EXPRESSION_DEREF;
    state->cfa_is_other = e.bad || e.at != e.end || !state->cfa_is_read;
}

static void
set_cfa(struct vmp_cfi_state *state, uint64_t number, int64_t offset)
{
    state->cfa_is_other = !vmp_cfi_knows(number);
    state->cfa_is_read = false;
    state->cfa_register = number;
    state->cfa_offset = offset;
}

/* The instructions that are two bits and an operand; false: none of them. */
static bool
run_short(struct vmp_cursor *c, const struct vmp_cfi_common *common,
          uint8_t code, struct vmp_cfi_state *state,
          const struct vmp_cfi_state *first)
{
    switch (code >> 6) {
    case 2: /* DW_CFA_offset */
        set_rule(state, code & 63, VMP_RULE_OFFSET,
                 scaled(vmp_take_uleb(c), common->data_unit));
        return true;
    case 3: /* DW_CFA_restore */
        restore(state, first, code & 63);
        return true;
    }
    return false;
}

/* Where the rules behind it begin; false: it is no such instruction. */
static bool
move_on(struct vmp_cursor *c, const struct vmp_cfi_common *common, uint8_t code,
        uint64_t *at)
{
    if (code >> 6 == 1) /* DW_CFA_advance_loc */
        *at += (code & 63) * common->code_unit;
    else if (code >= 0x02 && code <= 0x04) /* …1, …2, …4 */
        *at += vmp_take_fixed(c, (size_t)1 << (code - 2)) * common->code_unit;
    else if (code == 0x01) /* DW_CFA_set_loc */
        *at = vmp_take_encoded(c, common->encoding);
    else
        return false;
    return true;
}

static void
run_cfa(struct vmp_cursor *c, const struct vmp_cfi_common *common, uint8_t code,
        struct vmp_cfi_state *state)
{
    uint64_t number = state->cfa_register;

    switch (code) {
    case 0x0c: /* DW_CFA_def_cfa */
        number = vmp_take_uleb(c);
        set_cfa(state, number, (int64_t)vmp_take_uleb(c));
        break;
    case 0x12: /* DW_CFA_def_cfa_sf */
        number = vmp_take_uleb(c);
        set_cfa(state, number,
                scaled((uint64_t)vmp_take_sleb(c), common->data_unit));
        break;
    case 0x0d: /* DW_CFA_def_cfa_register */
        set_cfa(state, vmp_take_uleb(c), state->cfa_offset);
        break;
    case 0x0e: /* DW_CFA_def_cfa_offset */
        set_cfa(state, number, (int64_t)vmp_take_uleb(c));
        break;
    case 0x13: /* DW_CFA_def_cfa_offset_sf */
        set_cfa(state, number,
                scaled((uint64_t)vmp_take_sleb(c), common->data_unit));
        break;
    case 0x0f: /* DW_CFA_def_cfa_expression */
        set_cfa_expression(c, state);
        break;
    default:
        c->bad = true;
    }
}

static void
run_rule(struct vmp_cursor *c, const struct vmp_cfi_common *common,
         uint8_t code, struct vmp_cfi_state *state,
         const struct vmp_cfi_state *first)
{
    const uint64_t number = vmp_take_uleb(c);

    switch (code) {
    case 0x05: /* DW_CFA_offset_extended */
        set_rule(state, number, VMP_RULE_OFFSET,
                 scaled(vmp_take_uleb(c), common->data_unit));
        break;
    case 0x11: /* DW_CFA_offset_extended_sf */
        set_rule(state, number, VMP_RULE_OFFSET,
                 scaled((uint64_t)vmp_take_sleb(c), common->data_unit));
        break;
    case 0x2f: /* DW_CFA_GNU_negative_offset_extended */
        set_rule(state, number, VMP_RULE_OFFSET,
                 scaled(-vmp_take_uleb(c), common->data_unit));
        break;
    case 0x06: /* DW_CFA_restore_extended */
        restore(state, first, number);
        break;
    case 0x07: /* DW_CFA_undefined */
        set_rule(state, number, VMP_RULE_UNDEFINED, 0);
        break;
    case 0x08: /* DW_CFA_same_value */
        set_rule(state, number, VMP_RULE_SAME, 0);
        break;
    case 0x09: /* DW_CFA_register */
    case 0x14: /* DW_CFA_val_offset */
        vmp_take_uleb(c);
        set_rule(state, number, VMP_RULE_OTHER, 0);
        break;
    case 0x15: /* DW_CFA_val_offset_sf */
        vmp_take_sleb(c);
        set_rule(state, number, VMP_RULE_OTHER, 0);
        break;
    case 0x10: /* DW_CFA_expression */
    case 0x16: /* DW_CFA_val_expression */
        vmp_take_past(c, vmp_take_uleb(c));
        set_rule(state, number, VMP_RULE_OTHER, 0);
        break;
    default:
        c->bad = true;
    }
}

static bool
is_rule(uint8_t code)
{
    return (code >= 0x05 && code <= 0x09) || code == 0x10 || code == 0x11 ||
           (code >= 0x14 && code <= 0x16) || code == 0x2f;
}

/* DW_CFA_remember_state and DW_CFA_restore_state; false: neither of them. */
static bool
run_stack(struct vmp_cursor *c, uint8_t code, struct vmp_cfi_state *state,
          struct vmp_cfi_state *remembered, unsigned *depth)
{
    if (code == 0x0a && *depth < VMP_CFI_REMEMBERED)
        remembered[(*depth)++] = *state;
    else if (code == 0x0a)
        state->is_too_deep = true;
    else if (code == 0x0b && *depth)
        *state = remembered[--*depth];
    else if (code == 0x0b)
        c->bad = true;
    else
        return false;
    return true;
}

/* All but those that move on. */
static void
run_one(struct vmp_cursor *c, const struct vmp_cfi_common *common, uint8_t code,
        struct vmp_cfi_state *state, const struct vmp_cfi_state *first)
{
    if (!code || code == 0x2d) /* nop; AARCH64_negate_ra_state */
        return;
    if (code == 0x2e) /* GNU_args_size */
        vmp_take_uleb(c);
    else if (is_rule(code))
        run_rule(c, common, code, state, first);
    else if (!run_short(c, common, code, state, first))
        run_cfa(c, common, code, state);
}

bool
vmp_cfi_run(struct vmp_cursor *c, const struct vmp_cfi_common *common,
            uint64_t at, uint64_t address, struct vmp_cfi_state *state,
            const struct vmp_cfi_state *first)
{
    struct vmp_cfi_state remembered[VMP_CFI_REMEMBERED];
    unsigned depth = 0;

    while (!c->bad && !state->is_too_deep && c->at < c->end) {
        const uint8_t code = vmp_take_byte(c);

        if (move_on(c, common, code, &at)) {
            if (at > address)
                break;
        } else if (!run_stack(c, code, state, remembered, &depth)) {
            run_one(c, common, code, state, first);
        }
    }
    return !c->bad;
}
