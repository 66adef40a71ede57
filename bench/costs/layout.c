/* SPDX-License-Identifier: MIT */

/* PADDING bytes before all other code: how that lies in memory decides on more
 * than a hook costs. */

#define WORDS(number) #number
#define SKIP(number)  ".skip " WORDS(number) "\n"

__asm__(".section .text.hot,\"ax\",%progbits\n" SKIP(PADDING) ".previous\n");
