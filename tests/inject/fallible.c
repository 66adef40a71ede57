/* SPDX-License-Identifier: MIT */

/* A call in neither list is one that the library did not make before: the test
 * fails until it is in one. */

#include "fallible.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

const struct call fallible_calls[] = {
    { SYS_fcntl, "fcntl", false, false, { EMFILE, EBADF } },
    { SYS_newfstatat, "fstat", false, false, { EOVERFLOW } },
    { SYS_fstat, "fstat", false, false, { EOVERFLOW } },
    { SYS_close, "close", true, false, { EIO, EINTR } },
    { SYS_close_range, "close_range", false, false, { ENOSYS } },
    { SYS_rt_sigaction, "sigaction", false, false, { EINVAL } },
    { SYS_rt_sigtimedwait, "sigtimedwait", false, false, { EINTR } },
    { SYS_perf_event_open,
      "perf_event_open",
      false,
      false,
      { EACCES, EMFILE, ENOSYS, ENODEV, ENOENT } },
    { SYS_ioctl, "ioctl", false, true, { ENOTTY } },
    { SYS_timer_create,
      "timer_create",
      false,
      false,
      { EAGAIN, ENOMEM, EPERM } },
    { SYS_timer_settime, "timer_settime", false, true, { EINVAL } },
    { SYS_timer_delete, "timer_delete", true, false, { EINVAL } },
    { SYS_clock_gettime, "clock_gettime", false, false, { EINVAL } },
    { SYS_sigaltstack, "sigaltstack", false, false, { EPERM } },
    { SYS_getrusage, "getrusage", false, true, { EINVAL } },
    { SYS_mmap, "mmap", false, false, { ENOMEM } },
    { SYS_munmap, "munmap", true, false, { ENOMEM } },
    { SYS_mprotect, "mprotect", false, false, { ENOMEM } },
    { SYS_madvise, "madvise", false, false, { EINVAL } },
    { SYS_clone3, "clone3", false, false, { EAGAIN, ENOMEM } },
    { SYS_clone, "clone", false, false, { EAGAIN } },
    { SYS_prctl, "prctl", false, false, { EINVAL } },
    { SYS_getrandom, "getrandom", false, false, { EAGAIN, ENOSYS } },
    { SYS_uname, "uname", false, false, { EPERM } },
    { SYS_write,
      "write",
      false,
      false,
      { ENOSPC, EIO, EFBIG, EPIPE, EINTR, EAGAIN } },
    { SYS_pwritev2, "pwritev2", false, false, { EOPNOTSUPP, ENOSPC } },
    { SYS_sendto, "sendto", false, false, { EPIPE } },
    { SYS_poll, "poll", false, false, { EINTR, ENOMEM } },
    { SYS_lseek, "lseek", false, false, { ESPIPE } },
    { SYS_readlink, "readlink", false, false, { EACCES } },
    { SYS_openat, "openat", false, false, { EMFILE, ENOENT } },
    { SYS_read, "read", false, false, { EIO } },
    { SYS_process_vm_readv,
      "process_vm_readv",
      false,
      false,
      { EPERM, ENOSYS, EFAULT } },
    { SYS_nanosleep, "nanosleep", false, false, { EINTR } },
    { SYS_clock_nanosleep, "clock_nanosleep", false, false, { EINTR } },
    { SYS_futex, "futex, to wait", false, false, { EINTR, EAGAIN } },
};

const unsigned fallible_call_count =
    sizeof(fallible_calls) / sizeof(*fallible_calls);

static_assert(sizeof(fallible_calls) / sizeof(*fallible_calls) <= MOST_CALLS,
              "there is a count for each");

/* These cannot fail with the arguments that they are given, and brk() says in
 * another way that there is no memory. */
static const long never_fail[] = {
    SYS_brk,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_gettid,
    SYS_getpid,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    SYS_sched_yield,
    SYS_tgkill,
    SYS_restart_syscall,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getuid,
    SYS_membarrier,
    SYS_sched_getaffinity,
};

const struct call *
fallible_call(long number)
{
    for (unsigned i = 0; i < fallible_call_count; i++)
        if (fallible_calls[i].number == number)
            return &fallible_calls[i];
    return NULL;
}

bool
never_fails(long number)
{
    for (size_t i = 0; i < sizeof(never_fail) / sizeof(*never_fail); i++)
        if (never_fail[i] == number)
            return true;
    return false;
}
