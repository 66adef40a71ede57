/* SPDX-License-Identifier: MIT */

/*
 * .eh_frame, as the LSB and DWARF 4 have it. All of it is read by vmp_read(), and
 * nothing that it says can lead out of its entry.
 */

#include "cfi.h"

#include <string.h>

#include "../os/machine.h"

enum {
    TABLE_ENCODING = 0x3b, /* relative to the table, signed, 4 bytes */
    HEADER_SIZE = 12,
    REMEMBERED = 8,
    LONGEST_ENTRY = 1 << 20,

    ENCODED_OMIT = 0xff,
    ENCODED_INDIRECT = 0x80,
    ENCODED_RELATIVE = 0x70,
    ENCODED_TO_ITSELF = 0x10,

    EXPRESSION_BREG = 0x70, /* and the register */
    EXPRESSION_DEREF = 0x06,
};

enum rule {
    RULE_SAME,
    RULE_UNDEFINED,
    RULE_OFFSET,
    RULE_OTHER,
};

/* A row while it is being computed. */
struct state {
    bool cfa_is_other, cfa_is_read;
    uint64_t cfa_register;
    int64_t cfa_offset;
    uint8_t rule[VMP_MAX_REGISTERS];
    int64_t offset[VMP_MAX_REGISTERS];
};

/* Bytes of an entry that are yet to be read; `bad` once they were too few. */
struct cursor {
    struct vmp_reader *reader;
    uint64_t at, end;
    bool bad;
};

/* What a CIE says of its functions. */
struct common {
    uint64_t code_unit;
    int64_t data_unit;
    uint64_t return_address;
    uint8_t encoding; /* of addresses */
    bool has_augmentation, is_signal_frame;
    uint64_t start, end; /* instructions that come first */
};

static void
take(struct cursor *c, void *to, size_t size)
{
    memset(to, 0, size);
    if (c->bad || c->end - c->at < size ||
        !vmp_read(c->reader, c->at, to, size)) {
        c->bad = true;
        return;
    }
    c->at += size;
}

static uint8_t
take_byte(struct cursor *c)
{
    uint8_t value;

    take(c, &value, sizeof(value));
    return value;
}

static uint64_t
take_fixed(struct cursor *c, size_t size)
{
    uint64_t value = 0;

    take(c, &value, size); /* both machines are little-endian */
    return value;
}

static uint64_t
take_uleb(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = take_byte(c);

        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    c->bad = true;
    return 0;
}

static int64_t
take_sleb(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = take_byte(c);

        value |= (uint64_t)(byte & 127) << shift;
        if (byte >= 128)
            continue;
        if (byte & 64 && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        return (int64_t)value;
    }
    c->bad = true;
    return 0;
}

/* Factors are of the file, too: a product that does not fit is nonsense, but
 * not an error of ours. */
static int64_t
scaled(uint64_t number, int64_t unit)
{
    return (int64_t)(number * (uint64_t)unit);
}

static void
skip(struct cursor *c, uint64_t size)
{
    if (c->end - c->at < size)
        c->bad = true;
    else
        c->at += size;
}

static uint64_t
take_encoded(struct cursor *c, uint8_t encoding)
{
    const uint64_t here = c->at;
    uint64_t value = 0;

    switch (encoding & 15) {
    case 0x0:
    case 0x4:
    case 0xc:
        value = take_fixed(c, 8);
        break;
    case 0x1:
        value = take_uleb(c);
        break;
    case 0x2:
        value = take_fixed(c, 2);
        break;
    case 0x3:
        value = take_fixed(c, 4);
        break;
    case 0x9:
        value = (uint64_t)take_sleb(c);
        break;
    case 0xa:
        value = (uint64_t)(int16_t)take_fixed(c, 2);
        break;
    case 0xb:
        value = (uint64_t)(int32_t)take_fixed(c, 4);
        break;
    default:
        c->bad = true;
    }
    if ((encoding & ENCODED_RELATIVE) == ENCODED_TO_ITSELF)
        return value + here;
    if (encoding & (ENCODED_RELATIVE | ENCODED_INDIRECT))
        c->bad = true;
    return value;
}

/* Begin an entry: its length is taken. */
static void
open_entry(struct cursor *c, struct vmp_reader *reader, uint64_t at)
{
    uint64_t length;

    *c = (struct cursor){ .reader = reader, .at = at, .end = at + 12 };
    length = take_fixed(c, 4);
    if (length == 0xffffffff)
        length = take_fixed(c, 8);
    if (!length || length > LONGEST_ENTRY)
        c->bad = true;
    c->end = c->at + length;
}

/* The letters of a CIE's augmentation, and their data. */
static void
take_augmentation(struct cursor *c, const char *letters, struct common *common)
{
    const uint64_t size = take_uleb(c);
    const uint64_t end = c->at + size;

    common->has_augmentation = true;
    if (size > c->end - c->at)
        c->bad = true;
    for (; *letters && !c->bad; letters++) {
        if (*letters == 'R')
            common->encoding = take_byte(c);
        else if (*letters == 'P')
            take_encoded(c, take_byte(c) & 15);
        else if (*letters == 'L')
            take_byte(c);
        else if (*letters == 'S')
            common->is_signal_frame = true;
        else if (*letters != 'B')
            break;
    }
    if (!c->bad)
        c->at = end;
}

static bool
read_common(struct vmp_reader *reader, uint64_t at, struct common *common)
{
    struct cursor c;
    char letters[8];
    uint8_t version;
    unsigned i = 0;

    *common = (struct common){ 0 };
    open_entry(&c, reader, at);
    if (take_fixed(&c, 4) != 0)
        return false;
    version = take_byte(&c);
    do
        letters[i] = (char)take_byte(&c);
    while (letters[i] && ++i < sizeof(letters));
    if (i == sizeof(letters) || (version != 1 && version != 3))
        return false;
    common->code_unit = take_uleb(&c);
    common->data_unit = take_sleb(&c);
    common->return_address = version == 1 ? take_byte(&c) : take_uleb(&c);
    if (letters[0] == 'z')
        take_augmentation(&c, letters + 1, common);
    else if (letters[0])
        return false;
    common->start = c.at;
    common->end = c.end;
    return !c.bad;
}

static bool
is_known(uint64_t number)
{
    return number < VMP_MAX_REGISTERS && number < vmp_machine.registers;
}

static void
set_rule(struct state *state, uint64_t number, uint8_t rule, int64_t offset)
{
    if (!is_known(number))
        return; /* of no interest: vectors and the like */
    state->rule[number] = rule;
    state->offset[number] = offset;
}

static void
restore(struct state *state, const struct state *first, uint64_t number)
{
    if (is_known(number))
        set_rule(state, number, first->rule[number], first->offset[number]);
}

/* CFA by an expression: of those only "the word at register + offset". */
static void
set_cfa_expression(struct cursor *c, struct state *state)
{
    const uint64_t size = take_uleb(c);
    struct cursor e = *c;
    uint8_t first;

    skip(c, size);
    if (c->bad)
        return;
    e.end = c->at;
    first = take_byte(&e);
    state->cfa_is_other = true;
    if (first < EXPRESSION_BREG || first > EXPRESSION_BREG + 31)
        return;
    state->cfa_register = first - EXPRESSION_BREG;
    state->cfa_offset = take_sleb(&e);
    state->cfa_is_read = take_byte(&e) == EXPRESSION_DEREF;
    state->cfa_is_other = e.bad || e.at != e.end || !state->cfa_is_read;
}

static void
set_cfa(struct state *state, uint64_t number, int64_t offset)
{
    state->cfa_is_other = !is_known(number);
    state->cfa_is_read = false;
    state->cfa_register = number;
    state->cfa_offset = offset;
}

/* The instructions that are two bits and an operand; false: none of them. */
static bool
run_short(struct cursor *c, const struct common *common, uint8_t code,
          struct state *state, const struct state *first)
{
    switch (code >> 6) {
    case 2: /* DW_CFA_offset */
        set_rule(state, code & 63, RULE_OFFSET,
                 scaled(take_uleb(c), common->data_unit));
        return true;
    case 3: /* DW_CFA_restore */
        restore(state, first, code & 63);
        return true;
    }
    return false;
}

/* How far an instruction moves on, or 0: it is no such. */
static uint64_t
advance(struct cursor *c, const struct common *common, uint8_t code)
{
    if (code >> 6 == 1) /* DW_CFA_advance_loc */
        return (code & 63) * common->code_unit;
    if (code >= 0x02 && code <= 0x04) /* …1, …2, …4 */
        return take_fixed(c, (size_t)1 << (code - 2)) * common->code_unit;
    return 0;
}

static void
run_cfa(struct cursor *c, const struct common *common, uint8_t code,
        struct state *state)
{
    uint64_t number = state->cfa_register;

    switch (code) {
    case 0x0c: /* DW_CFA_def_cfa */
        number = take_uleb(c);
        set_cfa(state, number, (int64_t)take_uleb(c));
        break;
    case 0x12: /* DW_CFA_def_cfa_sf */
        number = take_uleb(c);
        set_cfa(state, number,
                scaled((uint64_t)take_sleb(c), common->data_unit));
        break;
    case 0x0d: /* DW_CFA_def_cfa_register */
        set_cfa(state, take_uleb(c), state->cfa_offset);
        break;
    case 0x0e: /* DW_CFA_def_cfa_offset */
        set_cfa(state, number, (int64_t)take_uleb(c));
        break;
    case 0x13: /* DW_CFA_def_cfa_offset_sf */
        set_cfa(state, number,
                scaled((uint64_t)take_sleb(c), common->data_unit));
        break;
    case 0x0f: /* DW_CFA_def_cfa_expression */
        set_cfa_expression(c, state);
        break;
    default:
        c->bad = true;
    }
}

static void
run_rule(struct cursor *c, const struct common *common, uint8_t code,
         struct state *state, const struct state *first)
{
    const uint64_t number = take_uleb(c);

    switch (code) {
    case 0x05: /* DW_CFA_offset_extended */
        set_rule(state, number, RULE_OFFSET,
                 scaled(take_uleb(c), common->data_unit));
        break;
    case 0x11: /* DW_CFA_offset_extended_sf */
        set_rule(state, number, RULE_OFFSET,
                 scaled((uint64_t)take_sleb(c), common->data_unit));
        break;
    case 0x2f: /* DW_CFA_GNU_negative_offset_extended */
        set_rule(state, number, RULE_OFFSET,
                 scaled(-take_uleb(c), common->data_unit));
        break;
    case 0x06: /* DW_CFA_restore_extended */
        restore(state, first, number);
        break;
    case 0x07: /* DW_CFA_undefined */
        set_rule(state, number, RULE_UNDEFINED, 0);
        break;
    case 0x08: /* DW_CFA_same_value */
        set_rule(state, number, RULE_SAME, 0);
        break;
    case 0x09: /* DW_CFA_register */
    case 0x14: /* DW_CFA_val_offset */
        take_uleb(c);
        set_rule(state, number, RULE_OTHER, 0);
        break;
    case 0x15: /* DW_CFA_val_offset_sf */
        take_sleb(c);
        set_rule(state, number, RULE_OTHER, 0);
        break;
    case 0x10: /* DW_CFA_expression */
    case 0x16: /* DW_CFA_val_expression */
        skip(c, take_uleb(c));
        set_rule(state, number, RULE_OTHER, 0);
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

/* Run instructions up to those for `address`, from the one at `at` on. */
static bool
run(struct cursor *c, const struct common *common, uint64_t at,
    uint64_t address, struct state *state, const struct state *first)
{
    struct state remembered[REMEMBERED];
    unsigned depth = 0;

    while (!c->bad && c->at < c->end) {
        const uint8_t code = take_byte(c);
        const uint64_t step = advance(c, common, code);

        if (step) {
            at += step;
            if (at > address)
                break;
        } else if (code == 0x0a && depth < REMEMBERED) { /* remember_state */
            remembered[depth++] = *state;
        } else if (code == 0x0b && depth) { /* restore_state */
            *state = remembered[--depth];
        } else if (code == 0x2e) { /* GNU_args_size */
            take_uleb(c);
        } else if (is_rule(code)) {
            run_rule(c, common, code, state, first);
        } else if (code && code != 0x2d && /* nop; AARCH64_negate_ra_state */
                   !(code >> 6 == 1 || (code >= 0x02 && code <= 0x04)) &&
                   !run_short(c, common, code, state, first)) {
            run_cfa(c, common, code, state);
        }
    }
    return !c->bad;
}

/* The address of the entry for `address`, by binary search. */
static uint64_t
find_entry(struct vmp_reader *reader, uint64_t table, uint64_t address)
{
    uint8_t head[HEADER_SIZE];
    const int64_t wanted = (int64_t)(address - table);
    uint32_t count, low = 0, high;
    int32_t entry[2];

    if (!vmp_read(reader, table, head, sizeof(head)) || head[0] != 1 ||
        head[2] != 0x03 || head[3] != TABLE_ENCODING || (head[1] & 15) != 0x0b)
        return 0;
    memcpy(&count, head + 8, sizeof(count));
    for (high = count; low < high;) {
        const uint32_t middle = low + (high - low) / 2;

        if (!vmp_read(reader, table + HEADER_SIZE + 8 * (uint64_t)middle, entry,
                      sizeof(entry)))
            return 0;
        if (entry[0] <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || !vmp_read(reader, table + HEADER_SIZE + 8 * (uint64_t)(low - 1),
                          entry, sizeof(entry)))
        return 0;
    return table + (uint64_t)(int64_t)entry[1];
}

static bool
run_entry(struct vmp_reader *reader, uint64_t at, uint64_t address,
          struct common *common, struct state *state)
{
    struct cursor c, before;
    struct state first;
    uint64_t back, start, size;

    open_entry(&c, reader, at);
    back = c.at;
    back -= take_fixed(&c, 4);
    if (c.bad || !read_common(reader, back, common))
        return false;
    start = take_encoded(&c, common->encoding);
    size = take_encoded(&c, common->encoding & 15);
    if (c.bad || address < start || address - start >= size)
        return false;
    if (common->has_augmentation)
        skip(&c, take_uleb(&c));

    memset(state, 0, sizeof(*state));
    before = (struct cursor){ reader, common->start, common->end, false };
    if (c.bad || !run(&before, common, 0, UINT64_MAX, state, state))
        return false;
    first = *state;
    return run(&c, common, start, address, state, &first);
}

/* Put what a function saved into the row; false if that does not fit. */
static bool
fill_saved(const struct state *state, uint64_t return_address,
           struct vmp_row *row)
{
    for (unsigned i = 0; i < vmp_machine.registers; i++) {
        const int64_t words = state->offset[i] / 8;

        if (state->rule[i] == RULE_OTHER)
            return false;
        if (state->rule[i] == RULE_UNDEFINED && i == return_address)
            row->kind = VMP_ROW_LAST;
        if (state->rule[i] != RULE_OFFSET || i == vmp_machine.sp)
            continue;
        if (state->offset[i] % 8 || words != (int16_t)words ||
            row->count == VMP_ROW_SAVED)
            return false;
        row->saved[row->count] = (uint8_t)i;
        row->at[row->count++] = (int16_t)words;
    }
    return true;
}

void
vmp_cfi_row(struct vmp_reader *reader, uint64_t table, uint64_t address,
            struct vmp_row *row)
{
    struct common common;
    struct state state;
    uint64_t at;

    *row = (struct vmp_row){ .kind = VMP_ROW_NONE };
    at = find_entry(reader, table, address);
    if (!at || !run_entry(reader, at, address, &common, &state))
        return;
    row->kind = VMP_ROW_PLAIN;
    row->is_signal_frame = common.is_signal_frame;
    row->cfa_is_read = state.cfa_is_read;
    row->cfa_register = (uint8_t)state.cfa_register;
    row->cfa_offset = (int32_t)state.cfa_offset;
    if (state.cfa_is_other || !is_known(state.cfa_register) ||
        row->cfa_offset != state.cfa_offset || common.is_signal_frame ||
        common.return_address != vmp_machine.return_address ||
        !fill_saved(&state, common.return_address, row))
        row->kind = VMP_ROW_OTHER;
}
