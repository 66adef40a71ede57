/* SPDX-License-Identifier: MIT */

/* The kernel's code in every process, which is in no file. */
#ifndef SYMBOLS_VDSO_H
#define SYMBOLS_VDSO_H

/*
 * A descriptor of a copy of this process's; a build id tells whether it is that
 * of a recording. -1: there is none.
 */
int
vdso_open(void);

#endif
