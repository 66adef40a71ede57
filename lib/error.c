/* SPDX-License-Identifier: MIT */

/* What an error code of this library means. */

#include <vmprof/base.h>

#include <errno.h>

const char *
vmprof_strerror(int error)
{
    switch (error) {
    case 0:
        return "success";
    case -E2BIG:
        return "the options ask for something this library is too old for";
    case -EACCES:
        return "the descriptor is open for reading only";
    case -EAGAIN:
        return "no thread or timer is left; try again later";
    case -EALREADY:
        return "this is the state already";
    case -EBADF:
        return "the descriptor is not open";
    case -EBADMSG:
        return "the data is damaged, or is something else";
    case -EBUSY:
        return "it is in use";
    case -ECANCELED:
        return "it was withdrawn before it was done";
    case -EEXIST:
        return "it is registered already";
    case -EINVAL:
        return "bad argument";
    case -EIO:
        return "the profile could not be written whole";
    case -EMFILE:
        return "too many open files";
    case -ENAMETOOLONG:
        return "the name is too long";
    case -ENOENT:
        return "there is no such id";
    case -ENOMEM:
        return "out of memory";
    case -ENOTSUP:
        return "none of the sampling clocks works here";
    case -EPERM:
        return "a sandbox or a lack of rights forbids it";
    case -EOVERFLOW:
        return "there are too many";
    case -ESRCH:
        return "this thread is not attached";
    case -ESTALE:
        return "the code has changed since";
    default:
        return "system error";
    }
}
