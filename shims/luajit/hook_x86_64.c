/* SPDX-License-Identifier: MIT */

/* lua_gethookmask() says where the mask is, and luaJIT_profile_stop(), which
   clears the bit, what has to be called then. */
#include "edges_x86_64.h"
#include "hook.h"

#include <string.h>

#include <luajit.h>

enum {
    /* Of lj_obj.h. */
    IN_EVENT = 0x20,
    IN_COLLECTOR = 0x40,
    ASKED = 0x80,
    STATE_GLOBAL = 0x10,
    FARTHEST = 256, /* into luaJIT_profile_stop() */
};

/* The displacement of the mask; 0: the function is not as expected. */
static int32_t
find_mask(void)
{
    /* mov rax, [rdi+16]; movzx eax, byte [rax+d]; and eax, 15; ret */
    static const uint8_t load[] = { 0x48, 0x8b, 0x47, STATE_GLOBAL,
                                    0x0f, 0xb6, 0x80 };
    static const uint8_t mask[] = { 0x83, 0xe0, 0x0f, 0xc3 };
    const uint8_t *const code = (const uint8_t *)(uintptr_t)lua_gethookmask;

    if (memcmp(code, load, sizeof(load)) != 0 ||
        memcmp(code + sizeof(load) + 4, mask, sizeof(mask)) != 0)
        return 0;
    return vmprof_luajit_read_32(code + sizeof(load));
}

/* and byte [r+d], 0x7f; mov rdi, r; call update */
static const uint8_t *
update_called_at(const uint8_t *at, int32_t displacement)
{
    enum {
        AND_SIZE = 7,
        MOVE_SIZE = 3,
    };
    const uint8_t *const move = at + AND_SIZE, *const call = move + MOVE_SIZE;
    const unsigned base = at[1] & 7;

    if (at[0] != 0x80 || (at[1] & 0xf8) != 0xa0 || base == 4 ||
        vmprof_luajit_read_32(at + 2) != displacement || at[6] != 0x7f ||
        move[0] != 0x48 || move[1] != 0x89 || move[2] != (0xc7 | base << 3) ||
        call[0] != 0xe8)
        return NULL;
    return vmprof_luajit_target_of(call + 1);
}

void
vmprof_luajit_find_hook(lua_State *L, struct hook *hook)
{
    const uint8_t *const code = (const uint8_t *)(uintptr_t)luaJIT_profile_stop;
    const int32_t displacement = find_mask();
    const uint8_t *update = NULL;

    *hook = (struct hook){ .mask = NULL };
    if (!displacement)
        return;
    for (int i = 0; i < FARTHEST && !update; i++)
        update = update_called_at(code + i, displacement);
    if (!update || !vmprof_luajit_is_luajit(update))
        return;
    memcpy(&hook->global, (const char *)L + STATE_GLOBAL, sizeof(hook->global));
    hook->mask = (uint8_t *)hook->global + displacement;
    hook->update = (void (*)(void *))(uintptr_t)update;
}

void
vmprof_luajit_take_back_hook(const struct hook *hook)
{
    if (!hook->mask || !(*hook->mask & ASKED) ||
        *hook->mask & (IN_EVENT | IN_COLLECTOR))
        return;
    *hook->mask &= (uint8_t)~ASKED;
    hook->update(hook->global);
}
