/* SPDX-License-Identifier: MIT */

/* System calls that a sandbox refuses, or never answers. In an isolated child:
 * there is no way back. */
#ifndef FILTER_H
#define FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "isolate.h"

static inline int
install_filter(struct sock_filter *filter, unsigned short count, unsigned flags)
{
    struct sock_fprog program = { count, filter };
    long r;

    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    require(r >= 0);
    return (int)r;
}

static inline void
answer_system_call(int number, unsigned answer)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    install_filter(filter, sizeof(filter) / sizeof(*filter), 0);
}

/* From now on, and on threads yet to come, `number` fails with `error`; 0: it
 * does nothing, and says that it has. */
static inline void
refuse_system_call(int number, int error)
{
    answer_system_call(number, SECCOMP_RET_ERRNO | (unsigned)error);
}

/* And ends the process. */
static inline void
die_at_system_call(int number)
{
    answer_system_call(number, SECCOMP_RET_KILL_PROCESS);
}

/* From now on a write() to a descriptor above `fd` does not return until the
 * descriptor that this returns is closed. */
static inline int
hold_writes_above(unsigned fd)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, fd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    return install_filter(filter, sizeof(filter) / sizeof(*filter),
                          SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

#endif
