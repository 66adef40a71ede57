/* SPDX-License-Identifier: MIT */

/* The edges of jit.h as machine code: what may be asked for. */

#include <vmprof/emit.h>

#include <errno.h>

#include "../sized.h"
#include "assembler.h"

enum {
    EMIT_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_emit, reserved),
    ALL_EMITS = VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT,
};

static const struct vmp_emitter *
find_emitter(uint32_t machine)
{
    static const struct vmp_emitter *const emitters[] = {
#if defined(__x86_64__)
        [VMPROF_MACHINE_HOST] = &vmp_emitter_x86_64,
#elif defined(__AARCH64EL__)
        [VMPROF_MACHINE_HOST] = &vmp_emitter_aarch64,
#endif
        [VMPROF_MACHINE_X86_64] = &vmp_emitter_x86_64,
        [VMPROF_MACHINE_AARCH64] = &vmp_emitter_aarch64,
    };

    /* The structs are laid out otherwise there. */
    if (sizeof(void *) != 8)
        return NULL;
    return machine < sizeof(emitters) / sizeof(*emitters) ? emitters[machine]
                                                          : NULL;
}

static bool
is_register(uint32_t number, uint32_t registers)
{
    return number < 32 && registers >> number & 1;
}

static int
check_base(const struct vmprof_emit *emit, const struct vmp_emitter *emitter)
{
    switch (emit->base) {
    case VMPROF_BASE_REGISTER:
        return is_register(emit->base_register, emitter->registers) ? 0
                                                                    : -EINVAL;
    case VMPROF_BASE_MEMORY:
        return is_register(emit->base_register, emitter->base_registers)
                   ? 0
                   : -EINVAL;
    case VMPROF_BASE_ADDRESS:
    case VMPROF_BASE_CELL:
        return emit->address ? 0 : -EINVAL;
    }
    return -EINVAL;
}

static int
check(const struct vmprof_emit *emit, const struct vmp_emitter *emitter)
{
    if (emit->edge > VMPROF_EDGE_RETURN || !emit->id ||
        emit->id >= VMPROF_JIT_MAX_IDS || emit->emits & ~(uint32_t)ALL_EMITS ||
        emit->is_inner > 1 || emit->keep_flags > 1 || emit->is_shared > 1 ||
        emit->reserved || emit->scratch & ~emitter->registers)
        return -EINVAL;
    if (emit->is_inner && emit->edge != VMPROF_EDGE_JUMP)
        return -EINVAL;
    if (emit->emits & VMPROF_EMIT_COUNT && !emit->counter)
        return -EINVAL;
    return check_base(emit, emitter);
}

int
vmprof_emit_edge(const struct vmprof_emit *given, void *code, size_t size)
{
    struct vmp_assembler assembler = { .code = code, .size = size };
    const struct vmp_emitter *emitter;
    struct vmprof_emit emit;
    int r;

    if (!given || !code)
        return -EINVAL;
    r = vmp_sized_import(&emit, sizeof(emit), EMIT_SIZE_0_1, given);
    if (r < 0)
        return r;
    if (emit.machine > VMPROF_MACHINE_AARCH64)
        return -EINVAL;
    emitter = find_emitter(emit.machine);
    if (!emitter)
        return -ENOTSUP;
    r = check(&emit, emitter);
    if (r < 0 || !emit.emits)
        return r;
    emitter->edge(&assembler, &emit);
    return vmp_assembler_fits(&assembler) ? (int)assembler.used : -ENOSPC;
}
