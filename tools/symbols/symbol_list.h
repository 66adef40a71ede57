/* SPDX-License-Identifier: MIT */

/* The functions at one address, the outermost first. */
#ifndef SYMBOLS_SYMBOL_LIST_H
#define SYMBOLS_SYMBOL_LIST_H

#include <stdint.h>

#include "../read/profile.h"

enum {
    /* More calls than this inlined into each other are hostile. */
    MAX_SYMBOLS = 256,
};

struct symbol_list {
    uint32_t count;
    struct symbol symbols[MAX_SYMBOLS];
};

#endif
