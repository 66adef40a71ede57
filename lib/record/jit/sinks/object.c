/* SPDX-License-Identifier: MIT */

/* An ELF object of one trace: its symbol, how it is unwound, and which of its
 * operations each address is of. Addresses in it are absolute. */

#include <elf.h>
#include <string.h>

#include "sink.h"

enum {
    WORD = 8,
    ADDRESS_ATTRIBUTE = 0x01, /* forms of DWARF */
    STRING_ATTRIBUTE = 0x08,
    DATA4_ATTRIBUTE = 0x06,

    AT_NAME = 0x03,
    AT_STMT_LIST = 0x10,
    AT_LOW_PC = 0x11,
    AT_HIGH_PC = 0x12,

    TAG_COMPILE_UNIT = 0x11,

    LINE_COPY = 1,
    LINE_ADVANCE_PC = 2,
    LINE_ADVANCE_LINE = 3,
    LINE_SET_ADDRESS = 2, /* of the extended ones */
    LINE_END = 1,
};

enum section {
    SECTION_NONE,
    SECTION_TEXT,
    SECTION_EH_FRAME,
    SECTION_SYMTAB,
    SECTION_STRTAB,
    SECTION_SHSTRTAB,
    SECTION_INFO,
    SECTION_ABBREV,
    SECTION_LINE,
    SECTIONS,
};

static const char *const names[SECTIONS] = {
    "",          ".text",       ".eh_frame",     ".symtab",     ".strtab",
    ".shstrtab", ".debug_info", ".debug_abbrev", ".debug_line",
};

#if defined(__aarch64__)
static const Elf64_Half machine = EM_AARCH64;
#else
static const Elf64_Half machine = EM_X86_64;
#endif

/* Where a section's contents begin and end in the object. */
struct extent {
    size_t start, end;
};

static void
put_symbols(struct vmp_bytes *out, const struct vmp_sunk *sunk)
{
    const Elf64_Sym symbols[] = {
        { 0 },
        {
            .st_name = 1,
            .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
            .st_shndx = SECTION_TEXT,
            .st_size = sunk->length,
        },
    };

    vmp_bytes_put(out, symbols, sizeof(symbols));
}

static void
put_section_names(struct vmp_bytes *out)
{
    for (unsigned i = 0; i < SECTIONS; i++)
        vmp_bytes_string(out, names[i]);
}

static void
put_info(struct vmp_bytes *out, const struct vmp_sunk *sunk,
         const char *listing)
{
    const size_t at = out->size;

    vmp_bytes_u32(out, 0);
    vmp_bytes_u16(out, 2); /* version */
    vmp_bytes_u32(out, 0); /* where its abbreviations are */
    vmp_bytes_u8(out, WORD);
    vmp_bytes_uleb(out, 1);
    vmp_bytes_string(out, listing);
    vmp_bytes_u64(out, sunk->address);
    vmp_bytes_u64(out, sunk->address + sunk->length);
    vmp_bytes_u32(out, 0); /* where its lines are */
    vmp_bytes_set_u32(out, at, (uint32_t)(out->size - at - 4));
}

static void
put_abbreviations(struct vmp_bytes *out)
{
    static const unsigned char bytes[] = {
        1,
        TAG_COMPILE_UNIT,
        0, /* has no children */
        AT_NAME,
        STRING_ATTRIBUTE,
        AT_LOW_PC,
        ADDRESS_ATTRIBUTE,
        AT_HIGH_PC,
        ADDRESS_ATTRIBUTE,
        AT_STMT_LIST,
        DATA4_ATTRIBUTE,
        0,
        0,
        0,
    };

    vmp_bytes_put(out, bytes, sizeof(bytes));
}

/* A row for each operation. */
static void
put_rows(struct vmp_bytes *out, const struct vmp_sunk *sunk)
{
    const struct vmprof_trace *const trace = sunk->trace;
    uint64_t line = 1, address = 0;

    vmp_bytes_u8(out, 0); /* an extended one */
    vmp_bytes_uleb(out, 1 + WORD);
    vmp_bytes_u8(out, LINE_SET_ADDRESS);
    vmp_bytes_u64(out, sunk->address);
    for (uint64_t i = 0; i < trace->operation_count; i++) {
        vmp_bytes_u8(out, LINE_ADVANCE_PC);
        vmp_bytes_uleb(out, trace->operations[i].offset - address);
        vmp_bytes_u8(out, LINE_ADVANCE_LINE);
        vmp_bytes_sleb(out, (int64_t)(sunk->first_line + i - line));
        vmp_bytes_u8(out, LINE_COPY);
        line = sunk->first_line + i;
        address = trace->operations[i].offset;
    }
    vmp_bytes_u8(out, LINE_ADVANCE_PC);
    vmp_bytes_uleb(out, sunk->length - address);
    vmp_bytes_u8(out, 0);
    vmp_bytes_uleb(out, 1);
    vmp_bytes_u8(out, LINE_END);
}

static void
put_lines(struct vmp_bytes *out, const struct vmp_sunk *sunk,
          const char *listing)
{
    /* The shortest instruction, is_stmt, line_base, line_range, opcode_base, and
     * how many operands each standard opcode has. */
    static const unsigned char head[] = { 1, 1, 0xfb, 14, 10, 0, 1,
                                          1, 1, 1,    0,  0,  0, 1 };
    const size_t at = out->size;
    size_t header;

    vmp_bytes_u32(out, 0);
    vmp_bytes_u16(out, 2); /* version */
    header = out->size;
    vmp_bytes_u32(out, 0);
    vmp_bytes_put(out, head, sizeof(head));
    vmp_bytes_u8(out, 0); /* no directories */
    vmp_bytes_string(out, listing);
    for (unsigned i = 0; i < 3; i++)
        vmp_bytes_uleb(out, 0);
    vmp_bytes_u8(out, 0); /* no more files */
    vmp_bytes_set_u32(out, header, (uint32_t)(out->size - header - 4));
    put_rows(out, sunk);
    vmp_bytes_set_u32(out, at, (uint32_t)(out->size - at - 4));
}

static void
put_contents(struct vmp_bytes *out, enum section section,
             const struct vmp_sunk *sunk, const char *listing)
{
    const bool has_lines = sunk->first_line != 0;

    if (section == SECTION_EH_FRAME) {
        vmp_sink_eh_frame(out, sunk);
    } else if (section == SECTION_SYMTAB) {
        put_symbols(out, sunk);
    } else if (section == SECTION_STRTAB) {
        vmp_bytes_u8(out, 0);
        vmp_bytes_string(out, sunk->name);
    } else if (section == SECTION_SHSTRTAB) {
        put_section_names(out);
    } else if (section == SECTION_INFO && has_lines) {
        put_info(out, sunk, listing);
    } else if (section == SECTION_ABBREV && has_lines) {
        put_abbreviations(out);
    } else if (section == SECTION_LINE && has_lines) {
        put_lines(out, sunk, listing);
    }
}

static Elf64_Shdr
header_of(enum section section, uint32_t name, const struct extent *extent,
          const struct vmp_sunk *sunk)
{
    Elf64_Shdr header = {
        .sh_name = name,
        .sh_type = SHT_PROGBITS,
        .sh_offset = extent->start,
        .sh_size = extent->end - extent->start,
        .sh_addralign = 1,
    };

    if (section == SECTION_NONE)
        return (Elf64_Shdr){ 0 };
    if (section == SECTION_TEXT) {
        header.sh_type = SHT_NOBITS;
        header.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
        header.sh_addr = sunk->address;
        header.sh_size = sunk->length;
    } else if (section == SECTION_EH_FRAME) {
        header.sh_flags = SHF_ALLOC;
        header.sh_addralign = WORD;
    } else if (section == SECTION_SYMTAB) {
        header.sh_type = SHT_SYMTAB;
        header.sh_link = SECTION_STRTAB;
        header.sh_info = 1;
        header.sh_entsize = sizeof(Elf64_Sym);
        header.sh_addralign = WORD;
    } else if (section == SECTION_STRTAB || section == SECTION_SHSTRTAB) {
        header.sh_type = SHT_STRTAB;
    }
    return header;
}

static void
put_headers(struct vmp_bytes *out, const struct extent *extents,
            const struct vmp_sunk *sunk)
{
    uint32_t name = 0;

    for (unsigned i = 0; i < SECTIONS; i++) {
        const Elf64_Shdr header =
            header_of((enum section)i, name, &extents[i], sunk);

        vmp_bytes_put(out, &header, sizeof(header));
        name += (uint32_t)strlen(names[i]) + 1;
    }
}

void
vmp_sink_object(struct vmp_bytes *out, const struct vmp_sunk *sunk,
                const char *listing)
{
    Elf64_Ehdr head = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                     ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_REL,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(head),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = SECTION_SHSTRTAB,
    };
    struct extent extents[SECTIONS];

    vmp_bytes_put(out, &head, sizeof(head));
    for (unsigned i = 0; i < SECTIONS; i++) {
        vmp_bytes_align(out, WORD);
        extents[i].start = out->size;
        put_contents(out, (enum section)i, sunk, listing);
        extents[i].end = out->size;
    }
    vmp_bytes_align(out, WORD);
    head.e_shoff = out->size;
    put_headers(out, extents, sunk);
    if (!out->is_short)
        memcpy(out->data, &head, sizeof(head));
}
