/* SPDX-License-Identifier: MIT */

/* Two objects that are loaded and unloaded in turn, mostly at one address. */

#include <stdint.h>

uint64_t
plugin_work(uint64_t rounds);

static __attribute__((noinline)) uint64_t
inner(uint64_t i)
{
    __asm__ volatile("" ::: "memory");
    return i * PLUGIN;
}

uint64_t
plugin_work(uint64_t rounds)
{
    volatile uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++)
        sum += inner(i);
    return sum;
}
