/* SPDX-License-Identifier: MIT */

/* The names of codes, for as long as the process lives. */
#ifndef RVM_CODES_H
#define RVM_CODES_H

#include <stdint.h>

/* Returns 0, -EINVAL or -ENOMEM. */
int
rvm_register_code(const char *name, intptr_t uid);

/* Around a fork. */
void
rvm_codes_lock(void);
void
rvm_codes_unlock(void);

#endif
