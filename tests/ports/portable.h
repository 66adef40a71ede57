/* SPDX-License-Identifier: MIT */

/* What the files of portable share. */
#ifndef PORTABLE_H
#define PORTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "format/encoder.h"

/* The same numbers on every machine. */
uint64_t
draw(void);

/* Of every width, so that none is cut to a machine's word. Draw one by one:
 * compilers differ in which of two operands is evaluated first. */
uint64_t
draw_width(unsigned most_bits);

/* One of a few codes, for what lists them. */
uint64_t
draw_code(void);

/* The name of any, in a buffer of 1024 bytes. Its length. */
size_t
name_of(void *user, uint64_t code, char *buffer);

/* Chunks of all types but samples and what they need. */
int
write_machine_code(struct vmp_encoder *encoder);
int
write_language(struct vmp_encoder *encoder);

void
print_profile(const struct decoded *d);

#endif
