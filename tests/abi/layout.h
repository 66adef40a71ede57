/* SPDX-License-Identifier: MIT */

/*
 * Frozen copies of what programs have compiled in. NEVER edit a copy: if one of
 * these files stops compiling, the change to the public header is the mistake.
 *
 * OLD_1 is frozen; OLD_0_1 is a sized struct as 0.1 has it: later ones begin in
 * the same way.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <assert.h>
#include <stddef.h>

#define SAME(type, old, member)                                                \
    static_assert(offsetof(struct type, member) ==                             \
                          offsetof(struct old, member) &&                      \
                      sizeof(((struct type *)0)->member) ==                    \
                          sizeof(((struct old *)0)->member),                   \
                  #type "." #member " moved")

#define SAME_SIZE(type, old)                                                   \
    static_assert(sizeof(struct type) == sizeof(struct old),                   \
                  #type " is frozen and changed its size")

#define STILL_FITS(type, old)                                                  \
    static_assert(sizeof(struct type) >= sizeof(struct old),                   \
                  #type " became smaller than it was released")

#endif
