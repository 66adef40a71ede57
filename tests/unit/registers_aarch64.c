/* SPDX-License-Identifier: MIT */

#include "registers.h"

#include <assert.h>
#include <string.h>

const unsigned general_count = 32;
const unsigned stack_register = 31;
const uint64_t flags_mask = 0xf0000000; /* N Z C V */
const uint64_t flags_set = 0;
const unsigned red_zone = 0;

void
come_back(void);

static_assert(offsetof(struct registers, flags) == 256 &&
                  offsetof(struct registers, vectors) == 272,
              "as the code below has it");

__asm__(".text\n"
        ".globl run_code\n"
        ".type run_code, %function\n"
        "run_code:\n"
        "    stp x29, x30, [sp, #-160]!\n"
        "    stp x19, x20, [sp, #16]\n"
        "    stp x21, x22, [sp, #32]\n"
        "    stp x23, x24, [sp, #48]\n"
        "    stp x25, x26, [sp, #64]\n"
        "    stp x27, x28, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    adrp x3, run_code_state\n"
        "    add x3, x3, :lo12:run_code_state\n"
        "    mov x4, sp\n"
        "    stp x4, x2, [x3]\n"
        "    add x4, x1, #272\n"
        "    .irp n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
        "26,27,28,29,30,31\n"
        "    ldr q\\n, [x4], #16\n"
        "    .endr\n"
        "    ldr x4, [x1, #256]\n"
        "    msr nzcv, x4\n"
        "    ldr x4, [x1, #248]\n"
        "    mov sp, x4\n"
        "    mov x30, x0\n"
        "    ldp x28, x29, [x1, #224]\n"
        "    ldp x26, x27, [x1, #208]\n"
        "    ldp x24, x25, [x1, #192]\n"
        "    ldp x22, x23, [x1, #176]\n"
        "    ldp x20, x21, [x1, #160]\n"
        "    ldp x18, x19, [x1, #144]\n"
        "    ldp x16, x17, [x1, #128]\n"
        "    ldp x14, x15, [x1, #112]\n"
        "    ldp x12, x13, [x1, #96]\n"
        "    ldp x10, x11, [x1, #80]\n"
        "    ldp x8, x9, [x1, #64]\n"
        "    ldp x6, x7, [x1, #48]\n"
        "    ldp x4, x5, [x1, #32]\n"
        "    ldp x2, x3, [x1, #16]\n"
        "    ldp x0, x1, [x1]\n"
        "    br x30\n"
        ".globl come_back\n"
        "come_back:\n" /* x29 and x30 are on the stack */
        "    adrp x30, run_code_state\n"
        "    add x30, x30, :lo12:run_code_state\n"
        "    ldr x29, [x30, #8]\n"
        "    stp x0, x1, [x29]\n"
        "    stp x2, x3, [x29, #16]\n"
        "    stp x4, x5, [x29, #32]\n"
        "    stp x6, x7, [x29, #48]\n"
        "    stp x8, x9, [x29, #64]\n"
        "    stp x10, x11, [x29, #80]\n"
        "    stp x12, x13, [x29, #96]\n"
        "    stp x14, x15, [x29, #112]\n"
        "    stp x16, x17, [x29, #128]\n"
        "    stp x18, x19, [x29, #144]\n"
        "    stp x20, x21, [x29, #160]\n"
        "    stp x22, x23, [x29, #176]\n"
        "    stp x24, x25, [x29, #192]\n"
        "    stp x26, x27, [x29, #208]\n"
        "    ldp x0, x1, [sp], #16\n"
        "    stp x28, x0, [x29, #224]\n"
        "    mov x0, sp\n"
        "    stp x1, x0, [x29, #240]\n"
        "    mrs x0, nzcv\n"
        "    str x0, [x29, #256]\n"
        "    add x0, x29, #272\n"
        "    .irp n, "
        "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,"
        "26,27,28,29,30,31\n"
        "    str q\\n, [x0], #16\n"
        "    .endr\n"
        "    ldr x0, [x30]\n"
        "    mov sp, x0\n"
        "    ldp x19, x20, [sp, #16]\n"
        "    ldp x21, x22, [sp, #32]\n"
        "    ldp x23, x24, [sp, #48]\n"
        "    ldp x25, x26, [sp, #64]\n"
        "    ldp x27, x28, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    ldp x29, x30, [sp], #160\n"
        "    ret\n"
        ".local run_code_state\n"
        ".comm run_code_state, 16, 8\n"
        ".text\n");

/* It comes with its own address in x30, and goes on with what that should hold. */
size_t
write_head(unsigned char *at, const struct registers *in)
{
    static const uint32_t code[] = {
        0x5800005e, /* ldr x30, . + 8 */
        0x14000003, /* b . + 12 */
    };

    memcpy(at, code, sizeof(code));
    memcpy(at + sizeof(code), &in->general[30], sizeof(uint64_t));
    return sizeof(code) + sizeof(uint64_t);
}

size_t
write_tail(unsigned char *at)
{
    static const uint32_t code[] = {
        0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
        0x5800005e, /* ldr x30, . + 8 */
        0xd61f03c0, /* br x30 */
    };
    void (*const target)(void) = come_back;

    memcpy(at, code, sizeof(code));
    memcpy(at + sizeof(code), &target, sizeof(target));
    return sizeof(code) + sizeof(target);
}

void
code_was_written(void *code, size_t size)
{
    __builtin___clear_cache(code, (char *)code + size);
}
