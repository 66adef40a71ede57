/* SPDX-License-Identifier: MIT */

/* Names of C++ and Rust functions as their authors wrote them. */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

/*
 * To be freed. NULL: the name is not mangled, cannot be read, or would become
 * so long that it is better left as it is.
 */
char *
demangle(const char *name);

#endif
