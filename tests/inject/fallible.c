/* SPDX-License-Identifier: MIT */

/* A call in neither list is one that the library did not make before: the test
 * fails until it is in one. */

#include "fallible.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

const struct call fallible_calls[] = {
    { SYS_fcntl, "fcntl", false, false, { EMFILE, EBADF, EINVAL, EPERM } },
    { SYS_newfstatat, "fstat", false, false, { EOVERFLOW, EBADF, EACCES } },
    { SYS_fstat, "fstat", false, false, { EOVERFLOW, EBADF } },
    { SYS_close, "close", true, false, { EIO, EINTR, ENOSPC } },
    { SYS_close_range,
      "close_range",
      false,
      false,
      { ENOSYS, EPERM, ENOMEM, EMFILE } },
    { SYS_rt_sigaction, "sigaction", false, false, { EINVAL, EPERM } },
    { SYS_rt_sigtimedwait, "sigtimedwait", false, false, { EINTR, EAGAIN } },
    { SYS_rt_sigpending, "sigpending", false, false, { EPERM, ENOSYS } },
    { SYS_perf_event_open,
      "perf_event_open",
      false,
      false,
      { EACCES, EMFILE, ENOSYS, ENODEV, ENOENT, EPERM, EINVAL, ENOMEM, ESRCH,
        EBUSY } },
    { SYS_ioctl, "ioctl", false, true, { ENOTTY, EBADF, EINVAL, EPERM } },
    { SYS_timer_create,
      "timer_create",
      false,
      false,
      { EAGAIN, ENOMEM, EPERM, EINVAL, ENOSYS, EOPNOTSUPP } },
    { SYS_timer_settime,
      "timer_settime",
      false,
      true,
      { EINVAL, EPERM, ENOSYS } },
    { SYS_timer_gettime, "timer_gettime", false, false, { EINVAL, EPERM } },
    { SYS_kcmp, "kcmp", false, false, { EPERM, ENOSYS } },
    { SYS_timer_delete, "timer_delete", true, false, { EINVAL, EPERM } },
    { SYS_clock_gettime, "clock_gettime", false, false, { EINVAL, EPERM } },
    { SYS_sigaltstack, "sigaltstack", false, false, { EPERM, ENOMEM } },
    { SYS_getrusage, "getrusage", false, true, { EINVAL, EPERM } },
    { SYS_mmap, "mmap", false, false, { ENOMEM, EAGAIN, EPERM } },
    { SYS_munmap, "munmap", true, false, { ENOMEM, EINVAL } },
    { SYS_mprotect, "mprotect", false, false, { ENOMEM, EACCES } },
    { SYS_madvise, "madvise", false, false, { EINVAL, ENOMEM, EPERM } },
    { SYS_clone3, "clone3", false, false, { EAGAIN, ENOMEM, ENOSYS, EPERM } },
    { SYS_clone, "clone", false, false, { EAGAIN, ENOMEM } },
    { SYS_prctl, "prctl", false, false, { EINVAL, EPERM } },
    { SYS_getrandom,
      "getrandom",
      false,
      false,
      { EAGAIN, ENOSYS, EPERM, EINTR } },
    { SYS_uname, "uname", false, false, { EPERM, EFAULT } },
    { SYS_membarrier, "membarrier", false, false, { ENOSYS, EPERM } },
    { SYS_sched_getaffinity,
      "sched_getaffinity",
      false,
      false,
      { EPERM, EINVAL } },
    { SYS_sched_getattr,
      "sched_getattr",
      false,
      false,
      { EINVAL, EPERM, ENOSYS } },
    { SYS_sched_setattr,
      "sched_setattr",
      false,
      false,
      { EINVAL, EPERM, ENOSYS, EBUSY } },
    { SYS_prlimit64, "getrlimit", false, false, { EPERM, ENOSYS } },
    { SYS_write,
      "write",
      false,
      false,
      { ENOSPC, EIO, EFBIG, EPIPE, EINTR, EAGAIN, EBADF, EDQUOT, EPERM,
        ESTALE } },
    { SYS_pwritev2,
      "pwritev2",
      false,
      false,
      { EOPNOTSUPP, ENOSPC, ENOSYS, EPIPE, EAGAIN, EINTR, EBADF, EPERM } },
    { SYS_sendto,
      "sendto",
      false,
      false,
      { EPIPE, ECONNRESET, EAGAIN, EINTR, ENOBUFS, ENOTCONN, EBADF } },
    { SYS_poll, "poll", false, false, { EINTR, ENOMEM, EINVAL } },
    { SYS_lseek, "lseek", false, false, { ESPIPE, EBADF } },
    { SYS_ftruncate, "ftruncate", false, false, { EPERM, EIO } },
    { SYS_readlink, "readlink", false, false, { EACCES, ENOENT } },
    { SYS_openat,
      "openat",
      false,
      false,
      { EMFILE, ENOENT, EACCES, ENFILE, ENOMEM } },
    { SYS_read, "read", false, false, { EIO, EINTR, EAGAIN } },
    { SYS_pread64, "pread", false, true, { EIO, ESRCH, EBADF } },
    { SYS_process_vm_readv,
      "process_vm_readv",
      false,
      false,
      { EPERM, ENOSYS, EFAULT, ESRCH, ENOMEM } },
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
    SYS_brk,          SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_gettid,       SYS_getpid,         SYS_set_robust_list,
    SYS_rseq,         SYS_exit,           SYS_exit_group,
    SYS_sched_yield,  SYS_tgkill,         SYS_restart_syscall,
    SYS_clock_getres, SYS_gettimeofday,   SYS_getuid,
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
