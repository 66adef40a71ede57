/* SPDX-License-Identifier: MIT */

/*
 * program FILE PERIOD: writes the profile of a few bytecodes, whose counts are
 * known, into a file, and the same rows as JSON to standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmprof/vmprof.h>

enum {
    LOAD,
    ADD,
    JUMP,
    UNNAMED
};

static struct vmprof_code_class *class;
static vmprof_type_id number, text, odd;

static void
check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "program: %s: %s\n", what, vmprof_strerror(result));
    exit(1);
}

static int
operands_of(void *user, uint64_t offset, uint32_t opcode, const void *operands,
            vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    const int round = *(const int *)operands;

    (void)user;
    (void)offset;
    if (opcode == JUMP)
        return 0;
    types[0] = opcode == LOAD ? odd
               : round % 10   ? number
               : round % 20   ? text
                              : 0;
    types[1] = number;
    return opcode == LOAD ? 1 : 2;
}

static const char *
opcode_name(void *user, uint32_t opcode)
{
    static const char *const names[] = { "LOAD", "ADD", "JUMP" };

    (void)user;
    return opcode < UNNAMED ? names[opcode] : NULL;
}

static uint32_t
line_of(void *user, void *code, uint64_t offset)
{
    (void)user;
    (void)code;
    return offset < 100 ? 10 + (uint32_t)offset / 4 : 0;
}

static uint64_t
hash_of(void *user, void *code)
{
    (void)user;
    /* The second code has none. */
    return *(const int *)code ? 0 : UINT64_MAX - 5;
}

static int
next_site(void *user, void *code, uint64_t *offset, uint32_t *opcode)
{
    (void)user;
    (void)code;
    if (*offset > 40)
        return 0;
    *offset = 40;
    *opcode = ADD;
    return 1;
}

static void
set_up(vmprof_code_id codes[2])
{
    static int objects[2] = { 0, 1 };
    struct vmprof_code_class_options options;
    struct vmprof_interp_functions functions;

    vmprof_code_class_options_init(&options);
    check(vmprof_register_code_class("test", &options, &class), "class");
    vmprof_interp_functions_init(&functions);
    functions.operands = operands_of;
    functions.opcode_name = opcode_name;
    functions.line = line_of;
    functions.hash = hash_of;
    functions.next_site = next_site;
    check(vmprof_set_interp_functions(class, &functions), "functions");
    check(vmprof_register_type(class, "int", &number), "type");
    check(vmprof_register_type(class, "a \"text\"", &text), "type");
    check(vmprof_register_type(class, "\xc3\xa9\n\xff", &odd), "type");
    check(vmprof_register_code(class, &objects[0], "test:f:10:a.x", &codes[0]),
          "code");
    check(vmprof_register_code(class, &objects[1], "test:g%3Ah:0:", &codes[1]),
          "code");
}

static void
run(struct vmprof_thread *thread, const vmprof_code_id codes[2])
{
    for (int i = 0; i < 10000; i++) {
        vmprof_count_bytecode(thread, codes[0], 0, LOAD, &i);
        vmprof_count_bytecode(thread, codes[0], 4, ADD, &i);
        vmprof_count_bytecode(thread, codes[1], 104, UNNAMED, &i);
        vmprof_count_bytecode(thread, codes[0], 8, JUMP, &i);
    }
}

static int
write_out(void *user, const void *data, size_t size)
{
    return fwrite(data, 1, size, user) == size ? 0 : -EIO;
}

int
main(int argc, char **argv)
{
    const int fd =
        argc == 3 ? open(argv[1], O_CREAT | O_RDWR | O_TRUNC, 0600) : -1;
    struct vmprof_type_profile *profile;
    struct vmprof_type_origin origin;
    struct vmprof_thread *thread;
    vmprof_code_id codes[2];

    check(fd, "open");
    set_up(codes);
    check(vmprof_attach_thread(NULL, &thread), "attach");
    check(vmprof_set_profile_interp_period(strtoull(argv[2], NULL, 10)),
          "period");
    check(vmprof_enable(fd, 0.01), "enable");
    vmprof_set_profile_interp(1);
    run(thread, codes);
    vmprof_set_profile_interp(0);
    check(vmprof_get_and_clear_type_profiles(&profile), "read out");
    vmprof_type_origin_init(&origin);
    origin.host = "h1";
    origin.service = "web";
    check(vmprof_write_type_rows(profile, &origin, write_out, stdout), "write");
    vmprof_free_type_profile(profile);
    check(vmprof_disable(), "disable");
    vmprof_detach_thread(thread);
    return 0;
}
