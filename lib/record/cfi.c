/* SPDX-License-Identifier: MIT */

/*
 * .eh_frame, as the LSB and DWARF 4 have it. All of it is read by vmp_read(), and
 * nothing that it says can lead out of its entry.
 */

#include "cfi.h"

#include <string.h>

#include "cfi_run.h"

enum {
    TABLE_ENCODING = 0x3b, /* relative to the table, signed, 4 bytes */
    HEADER_SIZE = 12,
    LONGEST_ENTRY = 1 << 20,
};

/* Begin an entry: its length is taken. */
static void
open_entry(struct vmp_cursor *c, struct vmp_reader *reader, uint64_t at)
{
    uint64_t length;

    *c = (struct vmp_cursor){ .reader = reader, .at = at, .end = at + 12 };
    length = vmp_take_fixed(c, 4);
    if (length == 0xffffffff)
        length = vmp_take_fixed(c, 8);
    if (!length || length > LONGEST_ENTRY)
        c->bad = true;
    c->end = c->at + length;
}

/* The letters of a CIE's augmentation, and their data. */
static void
take_augmentation(struct vmp_cursor *c, const char *letters,
                  struct vmp_cfi_common *common)
{
    const uint64_t size = vmp_take_uleb(c);
    const uint64_t end = c->at + size;

    common->has_augmentation = true;
    if (size > c->end - c->at)
        c->bad = true;
    for (; *letters && !c->bad; letters++) {
        if (*letters == 'R')
            common->encoding = vmp_take_byte(c);
        else if (*letters == 'P')
            vmp_take_encoded(c, vmp_take_byte(c) & 15);
        else if (*letters == 'L')
            vmp_take_byte(c);
        else if (*letters == 'S')
            common->is_signal_frame = true;
        else if (*letters != 'B')
            break;
    }
    if (!c->bad)
        c->at = end;
}

static bool
read_common(struct vmp_reader *reader, uint64_t at,
            struct vmp_cfi_common *common)
{
    struct vmp_cursor c;
    char letters[8];
    uint8_t version;
    unsigned i = 0;

    *common = (struct vmp_cfi_common){ 0 };
    open_entry(&c, reader, at);
    if (vmp_take_fixed(&c, 4) != 0)
        return false;
    version = vmp_take_byte(&c);
    do
        letters[i] = (char)vmp_take_byte(&c);
    while (letters[i] && ++i < sizeof(letters));
    if (i == sizeof(letters) || (version != 1 && version != 3))
        return false;
    common->code_unit = vmp_take_uleb(&c);
    common->data_unit = vmp_take_sleb(&c);
    common->return_address =
        version == 1 ? vmp_take_byte(&c) : vmp_take_uleb(&c);
    if (letters[0] == 'z')
        take_augmentation(&c, letters + 1, common);
    else if (letters[0])
        return false;
    common->start = c.at;
    common->end = c.end;
    return !c.bad;
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

/* Begin the entry of a function: what it shares with others, and where it is. */
static bool
open_function(struct vmp_cursor *c, struct vmp_reader *reader, uint64_t at,
              struct vmp_cfi_common *common, uint64_t *start, uint64_t *size)
{
    uint64_t back;

    open_entry(c, reader, at);
    back = c->at;
    back -= vmp_take_fixed(c, 4);
    if (c->bad || !read_common(reader, back, common))
        return false;
    *start = vmp_take_encoded(c, common->encoding);
    *size = vmp_take_encoded(c, common->encoding & 15);
    return !c->bad;
}

static bool
run_entry(struct vmp_reader *reader, uint64_t at, uint64_t address,
          struct vmp_cfi_common *common, struct vmp_cfi_state *state)
{
    struct vmp_cursor c, before;
    struct vmp_cfi_state first;
    uint64_t start, size;

    if (!open_function(&c, reader, at, common, &start, &size) ||
        address < start || address - start >= size)
        return false;
    if (common->has_augmentation)
        vmp_take_past(&c, vmp_take_uleb(&c));

    memset(state, 0, sizeof(*state));
    before = (struct vmp_cursor){ reader, common->start, common->end, false };
    if (c.bad || !vmp_cfi_run(&before, common, 0, UINT64_MAX, state, state))
        return false;
    first = *state;
    return vmp_cfi_run(&c, common, start, address, state, &first);
}

/* Put what a function saved into the row; false if that does not fit. */
static bool
fill_saved(const struct vmp_cfi_state *state, uint64_t return_address,
           struct vmp_row *row)
{
    for (unsigned i = 0; i < vmp_machine.registers; i++) {
        const int64_t words = state->offset[i] / 8;

        if (state->rule[i] == VMP_RULE_OTHER)
            return false;
        if (state->rule[i] == VMP_RULE_UNDEFINED && i == return_address)
            row->kind = VMP_ROW_LAST;
        if (state->rule[i] != VMP_RULE_OFFSET || i == vmp_machine.sp)
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
    struct vmp_cfi_common common;
    struct vmp_cfi_state state;
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
    if (state.is_too_deep || state.cfa_is_other ||
        !vmp_cfi_knows(state.cfa_register) ||
        row->cfa_offset != state.cfa_offset || common.is_signal_frame ||
        common.return_address != vmp_machine.return_address ||
        !fill_saved(&state, common.return_address, row))
        row->kind = VMP_ROW_OTHER;
}

bool
vmp_cfi_extent(struct vmp_reader *reader, uint64_t table, uint64_t address,
               uint64_t *start, uint64_t *end)
{
    const uint64_t at = find_entry(reader, table, address);
    struct vmp_cfi_common common;
    struct vmp_cursor c;
    uint64_t size;

    if (!at || !open_function(&c, reader, at, &common, start, &size))
        return false;
    *end = *start + size;
    return address >= *start && address < *end;
}
