/* SPDX-License-Identifier: MIT */

/*
 * The remote half of libunwind, which asks us for every word and shares no lock
 * with the local one that the program may use.
 *
 * It is loaded when it is first needed and kept out of the program's sight: the
 * local half, which comes with it, would throw the program's C++ exceptions in
 * place of the compiler's library.
 */

#include "step.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

struct vmp_stepper {
    unw_addr_space_t space;
    struct vmp_modules *modules;
    struct vmp_reader *reader;
    const struct vmp_native *stack;
    const unsigned char *copy;
    struct vmp_registers registers;
    unsigned reads; /* in the step in hand */
};

enum {
    LONGEST_STACK = 64 << 20, /* where the end is unknown */

    /* libunwind runs a rule's expression until it ends, and one may jump back
     * for ever. It asks for each instruction's byte. */
    MOST_READS = 1 << 16,
};

/* Exported by libunwind for those who, like perf, find the table themselves. */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space,
                                              unw_word_t address,
                                              unw_dyn_info_t *table,
                                              unw_proc_info_t *info,
                                              int need_unwind_info, void *user);

/* What is called of it; its names have the machine in them. */
static struct {
    __typeof__(&UNW_OBJ(create_addr_space)) create_addr_space;
    __typeof__(&UNW_OBJ(destroy_addr_space)) destroy_addr_space;
    __typeof__(&UNW_OBJ(set_caching_policy)) set_caching_policy;
    __typeof__(&UNW_OBJ(init_remote)) init_remote;
    __typeof__(&UNW_OBJ(step)) step;
    __typeof__(&UNW_OBJ(get_reg)) get_reg;
    __typeof__(&UNW_OBJ(dwarf_search_unwind_table)) dwarf_search_unwind_table;
    bool is_whole;
} unwind;

#define TEXT_OF(name) #name
#define TEXT(name)    TEXT_OF(name)
#define LIBRARY       "libunwind-" TEXT(UNW_TARGET) ".so.8"

static void
load(void)
{
    void *const library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return;
    unwind.is_whole = true;
#define LOAD(name)                                                             \
    do {                                                                       \
        void *const symbol = dlsym(library, TEXT(UNW_OBJ(name)));              \
                                                                               \
        memcpy(&unwind.name, &symbol, sizeof(symbol));                         \
        unwind.is_whole &= symbol != NULL;                                     \
    } while (0)
    LOAD(create_addr_space);
    LOAD(destroy_addr_space);
    LOAD(set_caching_policy);
    LOAD(init_remote);
    LOAD(step);
    LOAD(get_reg);
    LOAD(dwarf_search_unwind_table);
#undef LOAD
}

bool
vmp_step_load(void)
{
    bool is_whole;

    vmp_threads_lock();
    /* Where it failed, for want of descriptors, say, it may do so no more. */
    if (!unwind.is_whole)
        load();
    is_whole = unwind.is_whole;
    vmp_threads_unlock();
    return is_whole;
}

static int
find_function(unw_addr_space_t space, unw_word_t address, unw_proc_info_t *info,
              int need_unwind_info, void *user)
{
    const struct vmp_stepper *const stepper = user;
    const struct vmp_module *const module =
        vmp_modules_find(stepper->modules, address);
    unw_dyn_info_t table = { .format = UNW_INFO_FORMAT_REMOTE_TABLE };
    uint32_t count;

    if (!module || !module->unwind_table ||
        !vmp_read(stepper->reader, module->unwind_table + 8, &count,
                  sizeof(count)))
        return -UNW_ENOINFO;
    table.start_ip = module->start;
    table.end_ip = module->end;
    table.u.rti.segbase = module->unwind_table;
    table.u.rti.table_data = module->unwind_table + 12;
    table.u.rti.table_len = count * 8ul / sizeof(unw_word_t);
    return unwind.dwarf_search_unwind_table(space, address, &table, info,
                                            need_unwind_info, user);
}

static void
forget_function(unw_addr_space_t space, unw_proc_info_t *info, void *user)
{
    (void)space, (void)info, (void)user;
}

static int
no_list(unw_addr_space_t space, unw_word_t *list, void *user)
{
    (void)space, (void)list, (void)user;
    return -UNW_ENOINFO;
}

/* The stack as it was then; of it, nothing as it is now. */
static int
access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value,
              int is_write, void *user)
{
    struct vmp_stepper *const stepper = user;
    const struct vmp_native *const stack = stepper->stack;
    const uint64_t end = stack->end ? stack->end : stack->sp + LONGEST_STACK;

    (void)space;
    if (is_write)
        return -UNW_EREADONLYREG;
    if (stepper->reads++ >= MOST_READS)
        return -UNW_EINVAL;
    if (address >= stack->from && address - stack->from < stack->size &&
        stack->size - (address - stack->from) >= sizeof(*value)) {
        memcpy(value, stepper->copy + (address - stack->from), sizeof(*value));
        return 0;
    }
    if (address + sizeof(*value) > stack->from && address < end)
        return -UNW_EINVAL;
    return vmp_read(stepper->reader, address, value, sizeof(*value))
               ? 0
               : -UNW_EINVAL;
}

static int
access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value,
                int is_write, void *user)
{
    struct vmp_stepper *const stepper = user;

    (void)space;
    if (number < 0 || (unsigned)number >= vmp_machine.registers)
        return -UNW_EBADREG;
    if (is_write)
        stepper->registers.value[number] = *value;
    else
        *value = stepper->registers.value[number];
    return 0;
}

static int
access_vector(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value,
              int is_write, void *user)
{
    (void)space, (void)number, (void)value, (void)is_write, (void)user;
    return -UNW_EBADREG;
}

static int
no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *user)
{
    (void)space, (void)cursor, (void)user;
    return -UNW_EINVAL;
}

static int
no_name(unw_addr_space_t space, unw_word_t address, char *name, size_t size,
        unw_word_t *offset, void *user)
{
    (void)space, (void)address, (void)name, (void)size, (void)offset,
        (void)user;
    return -UNW_ENOINFO;
}

int
vmp_stepper_new(struct vmp_stepper **out, struct vmp_modules *modules,
                struct vmp_reader *reader)
{
    static unw_accessors_t accessors = {
        .find_proc_info = find_function,
        .put_unwind_info = forget_function,
        .get_dyn_info_list_addr = no_list,
        .access_mem = access_memory,
        .access_reg = access_register,
        .access_fpreg = access_vector,
        .resume = no_resume,
        .get_proc_name = no_name,
    };
    struct vmp_stepper *stepper;

    *out = NULL;
    /* Frame pointers are followed without it. */
    if (!unwind.is_whole)
        return 0;
    stepper = calloc(1, sizeof(*stepper));
    if (!stepper)
        return -ENOMEM;
    stepper->space = unwind.create_addr_space(&accessors, 0);
    if (!stepper->space) {
        free(stepper);
        return -ENOMEM;
    }
    unwind.set_caching_policy(stepper->space, UNW_CACHE_NONE);
    stepper->modules = modules;
    stepper->reader = reader;
    *out = stepper;
    return 0;
}

void
vmp_stepper_free(struct vmp_stepper *stepper)
{
    if (!stepper)
        return;
    unwind.destroy_addr_space(stepper->space);
    free(stepper);
}

int
vmp_step(struct vmp_stepper *stepper, const struct vmp_native *stack,
         const unsigned char *copy, struct vmp_registers *registers)
{
    unw_cursor_t cursor;
    int r;

    if (!stepper)
        return -UNW_ENOINFO;
    stepper->stack = stack;
    stepper->copy = copy;
    stepper->registers = *registers;
    stepper->reads = 0;
    r = unwind.init_remote(&cursor, stepper->space, stepper);
    if (r == 0)
        r = unwind.step(&cursor);
    if (r <= 0)
        return r;
    for (unsigned i = 0; i < vmp_machine.registers; i++) {
        unw_word_t value;

        /* What is not kept over calls may be unknown. */
        if (unwind.get_reg(&cursor, (unw_regnum_t)i, &value) == 0)
            registers->value[i] = value;
    }
    return 1;
}
