/* SPDX-License-Identifier: MIT */

/* Which of the logs of a JIT compiler a file is. */
#ifndef READ_JIT_LOG_H
#define READ_JIT_LOG_H

enum jit_log_kind {
    JIT_LOG_NONE, /* or it cannot be read */
    JIT_LOG_PYPYLOG,
    JIT_LOG_JITLOG,
};

/* By its beginning. Standard input, which is read only once, is none. */
enum jit_log_kind
jit_log_kind(const char *path);

#endif
