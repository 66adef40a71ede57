/* SPDX-License-Identifier: MIT */

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disassemble.h"

struct machine {
    const char *name;
    cs_arch architecture;
    cs_mode mode;
};

static const struct machine machines[] = {
    { "x86_64", CS_ARCH_X86, CS_MODE_64 },
    { "i686", CS_ARCH_X86, CS_MODE_32 },
    { "i386", CS_ARCH_X86, CS_MODE_32 },
    { "x86", CS_ARCH_X86, CS_MODE_32 },
    { "aarch64", CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN },
    { "arm64", CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN },
    { "armv7l", CS_ARCH_ARM, CS_MODE_ARM },
    { "arm", CS_ARCH_ARM, CS_MODE_ARM },
    { 0 },
};

static const struct machine *
find_machine(const char *name)
{
    for (const struct machine *at = machines; at->name; at++)
        if (strcmp(at->name, name) == 0)
            return at;
    return NULL;
}

static int
hand_over(csh handle, uint64_t address, const unsigned char *code, size_t size,
          instruction_function on_instruction, void *user)
{
    cs_insn *one = cs_malloc(handle);
    const uint8_t *at = code;
    uint64_t where = address;
    int result = one ? 0 : -ENOMEM;

    while (!result && size && cs_disasm_iter(handle, &at, &size, &where, one)) {
        char text[sizeof(one->mnemonic) + sizeof(one->op_str) + 2];
        const struct instruction instruction = {
            .offset = one->address - address,
            .size = one->size,
            .text = text,
        };

        snprintf(text, sizeof(text), "%s %s", one->mnemonic, one->op_str);
        result = on_instruction(user, &instruction);
    }
    if (one)
        cs_free(one, 1);
    return result;
}

int
disassemble(const char *name, uint64_t address, const unsigned char *code,
            size_t size, instruction_function on_instruction, void *user)
{
    const struct machine *machine = find_machine(name);
    csh handle;
    int result;

    if (!machine)
        return -ENOTSUP;
    if (cs_open(machine->architecture, machine->mode, &handle) != CS_ERR_OK)
        return -ENOTSUP;
    /* Constants between instructions end nothing. */
    cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    result = hand_over(handle, address, code, size, on_instruction, user);
    cs_close(&handle);
    return result;
}
