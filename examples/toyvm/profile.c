/* SPDX-License-Identifier: MIT */

#include "profile.h"

#include <errno.h>
#include <inttypes.h>

vmprof_code_id profile_collector;

static struct vmprof_code_class *functions; /* "toy:..." */
static struct vmprof_code_class *builtins;  /* "toy-native:..." */

/* Asked when a profile needs the name, so that a VM which is not profiled
 * makes no names. */
static int
full_name(void *user, void *code, char *buffer, size_t size)
{
    const struct function *function = code;

    (void)user;
    return vmprof_format_name(buffer, size, "toy", function->name,
                              (long)function->line, function->file);
}

/* Asked on another thread while the VM runs. It reads the function only, and
 * that does not change. */
static int
locate(void *user, void *code, uintptr_t position,
       struct vmprof_location *location)
{
    const struct function *function = code;
    uintptr_t offset = position - (uintptr_t)function->code;

    (void)user;
    if (offset / sizeof(uint32_t) >= function->count)
        return -EINVAL;
    location->offset = offset / sizeof(uint32_t);
    location->line = function->lines[location->offset];
    return 0;
}

vmprof_type_id profile_types[VALUE_TYPE_COUNT];

/* Asked on the thread that runs, for a bytecode that is counted. */
static int
operands(void *user, uint64_t offset, uint32_t opcode, const void *given,
         vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    const struct profile_operands *operands = given;
    uint32_t count = profile_type_count((enum opcode)opcode, operands->word);
    const struct value *sp = operands->sp - count;

    (void)user, (void)offset;
    if (count > VMPROF_MAX_OPERANDS)
        count = VMPROF_MAX_OPERANDS;
    for (uint32_t i = 0; i < count; i++)
        types[i] = profile_types[sp[i].type];
    return (int)count;
}

/* What a profile calls opcodes is asked when it is read. */
static const char *
opcode_name(void *user, uint32_t opcode)
{
    static const char *const names[] = {
#define NAME(name, effect, types) #name,
        OPCODES(NAME)
#undef NAME
    };

    (void)user;
    return opcode < sizeof(names) / sizeof(*names) ? names[opcode] : NULL;
}

static uint32_t
line(void *user, void *code, uint64_t offset)
{
    const struct function *function = code;

    (void)user;
    return offset < function->count ? function->lines[offset] : 0;
}

/* FNV-1a over the bytecode: another when the function has changed. */
static uint64_t
content_hash(void *user, void *code)
{
    const struct function *function = code;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    (void)user;
    for (size_t i = 0; i < function->count; i++)
        hash = (hash ^ (word_at(&function->code[i]) & ~OPCODE_TOLD)) *
               UINT64_C(0x100000001b3);
    return hash;
}

static int
next_site(void *user, void *code, uint64_t *offset, uint32_t *opcode)
{
    const struct function *function = code;

    (void)user;
    for (; *offset < function->count; ++*offset) {
        *opcode = opcode_of(word_at(&function->code[*offset]));
        if (profile_type_count((enum opcode) * opcode,
                               word_at(&function->code[*offset])))
            return 1;
    }
    return 0;
}

/* What counters of a function stand for. */
static int
known(void *user, void *code, size_t index, uint64_t *offset, uint32_t *opcode,
      vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    const struct function *function = code;
    enum value_type usual[2];
    uint32_t word, count;

    (void)user;
    *offset = index / PROFILE_WAYS;
    if (*offset >= function->count)
        return -1;
    word = word_at(&function->code[*offset]);
    *opcode = opcode_of(word);
    count = profile_usual_types((enum opcode) * opcode, word, usual);
    if (index % PROFILE_WAYS)
        usual[0] = usual[1] = VALUE_FLOAT;
    for (uint32_t i = 0; i < count && i < 2; i++)
        types[i] = profile_types[usual[i]];
    return count <= 2 ? (int)count : -1;
}

void
profile_ask_sites(struct vmprof_thread *thread, const struct function *function,
                  struct profile_sites *sites)
{
    sites->sites = vmprof_hit_sites(thread, function->id, function->count);
    sites->counters = vmprof_hit_counters(thread, function->id,
                                          PROFILE_WAYS * function->count);
    sites->are_asked = true;
}

/* What the library knows an instruction by that has two operands or fewer. */
static uint64_t
key_of(uint32_t count, const struct value *sp)
{
    if (count == 2)
        return vmprof_key_of_two(profile_types[sp[-2].type],
                                 profile_types[sp[-1].type]);
    if (count == 1)
        return vmprof_key_of_one(profile_types[sp[-1].type]);
    return vmprof_key_of_none();
}

/* One that was hit before with the same types: where it has these mostly, or
 * else where many share the room. */
static bool
count_again(struct vmprof_thread *thread, int64_t countdown,
            const struct vmprof_hit_site *site, const uint32_t *pc,
            const struct value *sp)
{
    const uint32_t word = word_at(pc);
    const uint32_t count = profile_type_count(opcode_of(word), word);

    if (count > 2)
        return false;
    return (site && vmprof_count_at_site(site, key_of(count, sp))) ||
           vmprof_count_hit(thread, countdown, (uintptr_t)pc,
                            key_of(count, sp));
}

int64_t
profile_hit(struct vmprof_thread *thread, const struct function *function,
            const uint32_t *pc, const struct value *sp)
{
    const struct profile_operands operands = { word_at(pc), sp };

    return vmprof_bytecode_expired(thread, -1, function->id,
                                   (uint64_t)(pc - function->code),
                                   opcode_of(operands.word), &operands);
}

void
profile_count(struct vmprof_thread *thread, const struct function *function,
              const struct profile_sites *cache, const uint32_t *pc,
              const struct value *sp)
{
    const struct profile_operands operands = { word_at(pc), sp };
    const size_t offset = (size_t)(pc - function->code);
    const int64_t countdown = thread->bytecode_countdown - 1;

    if (vmprof_counts_each(thread)) {
        const struct vmprof_hit_site *const sites =
            cache[function->index].sites;

        if (count_again(thread, countdown, sites ? sites + offset : NULL, pc,
                        sp))
            return;
    }
    thread->bytecode_countdown =
        countdown >= 0
            ? countdown
            : vmprof_bytecode_missed(thread, countdown, (uintptr_t)pc,
                                     function->id, offset,
                                     opcode_of(operands.word), &operands);
}

static int
add_types(void)
{
    struct vmprof_interp_functions interp;
    int error;

    vmprof_interp_functions_init(&interp);
    interp.operands = operands;
    interp.opcode_name = opcode_name;
    interp.line = line;
    interp.hash = content_hash;
    interp.next_site = next_site;
    interp.known = known;
    error = vmprof_set_interp_functions(functions, &interp);
    for (int i = 0; !error && i < VALUE_TYPE_COUNT; i++)
        error = vmprof_register_type(
            functions, value_type_name((enum value_type)i), &profile_types[i]);
    return error;
}

int
profile_write_types(vmprof_write_function write, void *user)
{
    struct vmprof_type_profile *profile;
    int error = vmprof_get_and_clear_type_profiles(&profile);

    if (error)
        return error;
    error = vmprof_write_type_rows(profile, NULL, write, user);
    vmprof_free_type_profile(profile);
    return error;
}

int
profile_save_types(const char *version, vmprof_write_function write, void *user)
{
    struct vmprof_type_profile *profile;
    int error = vmprof_get_and_clear_type_profiles(&profile);

    if (error)
        return error;
    error = vmprof_save_type_profile(profile, version, write, user);
    vmprof_free_type_profile(profile);
    return error;
}

static int
add_builtin(const char *name, vmprof_code_id *id)
{
    char full[VMPROF_NAME_SIZE];
    int length =
        vmprof_format_name(full, sizeof(full), "toy-native", name, 0, "");

    if (length < 0)
        return length;
    return vmprof_register_code(builtins, NULL, full, id);
}

int
profile_init(void)
{
    struct vmprof_code_class_options options;
    int error;

    vmprof_code_class_options_init(&options);
    options.full_name = full_name;
    options.locate = locate;
    error = vmprof_register_code_class("toy", &options, &functions);
    if (!error)
        error = add_types();
    if (!error)
        error = vmprof_register_code_class("toy-native", NULL, &builtins);
    for (size_t i = 0; !error && i < native_count; i++)
        error = add_builtin(natives[i].name, &natives[i].id);
    if (!error)
        error = add_builtin("garbage collector", &profile_collector);
    return error;
}

/* For whoever looks which lines never run: what finds no room is counted there. */
static void
add_lines(const struct function *function)
{
    for (size_t i = 0; i < function->start_count; i++)
        (void)vmprof_add_lines(NULL, function->id, &function->starts[i].line,
                               1);
}

int
profile_add_program(struct program *program)
{
    int error = 0;

    for (size_t i = 0; !error && i < program->function_count; i++) {
        error = vmprof_register_code(functions, program->functions[i], NULL,
                                     &program->functions[i]->id);
        if (!error)
            add_lines(program->functions[i]);
    }
    return error;
}

void
profile_remove_program(const struct program *program)
{
    for (size_t i = 0; i < program->function_count; i++)
        vmprof_forget_code(program->functions[i]->id);
}

int
profile_attach(const char *name, struct vmprof_thread **out)
{
    struct vmprof_thread_options options;

    vmprof_thread_options_init(&options);
    options.name = name;
    return vmprof_attach_thread(&options, out);
}

void
profile_detach(struct vmprof_thread *thread)
{
    (void)vmprof_detach_thread(thread);
}

int
profile_start(int fd, double interval, enum vmprof_mode mode,
              uint32_t jit_emits, enum vmprof_jit_inner jit_inner)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.fd = fd;
    options.interval = interval;
    options.mode = mode;
    options.vm_name = "toyvm";
    options.jit_emits = jit_emits;
    options.jit_inner = jit_inner;
    return vmprof_enable_with(&options);
}

static void
print_summary(FILE *file)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    if (vmprof_get_stats(&stats) == 0)
        fprintf(file,
                "toyvm: %" PRIu64 " samples of %" PRIu64 " due, %" PRIu64
                " stacks cut, %" PRIu64 " bytes\n",
                stats.samples, stats.expirations, stats.stacks_cut,
                stats.bytes_written);
}

int
profile_stop(FILE *summary)
{
    int error = vmprof_disable();

    if (error == -EALREADY)
        return 0;
    if (summary)
        print_summary(summary);
    return error;
}

int
profile_pause(void)
{
    return vmprof_pause();
}

int
profile_resume(void)
{
    return vmprof_resume();
}
