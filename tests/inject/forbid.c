/* SPDX-License-Identifier: MIT */

/*
 * To be preloaded: stands around every handler of SIGPROF, and ends the program
 * when one calls what allocates, locks, writes or loads. How often handlers ran
 * is added up in the file that FORBID_COUNT names, over all processes.
 *
 * It sees calls from one object to another. What libc does inside itself is out
 * of its sight; tests/abi/signal_symbols.txt has what is called of libc.
 */

#include "forbid.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local volatile unsigned in_handler
    __attribute__((tls_model("initial-exec")));
static _Thread_local siginfo_t last_signal
    __attribute__((tls_model("initial-exec")));

static atomic_ulong none_counted;
static atomic_ulong *count = &none_counted;
static struct sigaction wrapped;

static void
refuse(const char *name)
{
    char text[100] = "forbid: ";

    strncat(text, name, 50);
    strcat(text, "() in a signal handler\n");
    in_handler = 0;
    syscall(SYS_write, 2, text, strlen(text));
    abort();
}

static void *
next_of(const char *name)
{
    void *const found = dlsym(RTLD_NEXT, name);

    if (!found)
        refuse(name);
    return found;
}

#define PUBLIC __attribute__((visibility("default")))

#define REFUSE(name)                                                           \
    if (in_handler)                                                            \
    refuse(#name)

/* A wrapper; `next` is the definition that it stands before. */
#define FORBID_AS(type, name, parameters, body)                                \
    PUBLIC type name parameters                                                \
    {                                                                          \
        static __typeof__(name) *next;                                         \
                                                                               \
        REFUSE(name);                                                          \
        if (!next)                                                             \
            *(void **)&next = next_of(#name);                                  \
        body;                                                                  \
    }

#define FORBID(type, name, parameters, ...)                                    \
    FORBID_AS(type, name, parameters, return next(__VA_ARGS__))
#define FORBID_VOID(name, parameters, ...)                                     \
    FORBID_AS(void, name, parameters, next(__VA_ARGS__))

/* dlsym() itself allocates: these are found by the linker. */
#define FORBID_MEMORY(type, name, parameters, ...)                             \
    extern __typeof__(name) __libc_##name;                                     \
    PUBLIC type name parameters                                                \
    {                                                                          \
        REFUSE(name);                                                          \
        return __libc_##name(__VA_ARGS__);                                     \
    }

#pragma GCC diagnostic ignored "-Wpedantic"
#ifdef __clang__
#    pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

FORBID_MEMORY(void *, malloc, (size_t size), size)
FORBID_MEMORY(void *, calloc, (size_t n, size_t size), n, size)
FORBID_MEMORY(void *, realloc, (void *old, size_t size), old, size)
FORBID_MEMORY(void *, memalign, (size_t align, size_t size), align, size)

extern __typeof__(free) __libc_free;
PUBLIC void
free(void *memory)
{
    REFUSE(free);
    __libc_free(memory);
}

PUBLIC void *
aligned_alloc(size_t align, size_t size)
{
    REFUSE(aligned_alloc);
    return __libc_memalign(align, size);
}

FORBID(int, posix_memalign, (void **out, size_t align, size_t size), out, align,
       size)
FORBID(void *, mmap, (void *at, size_t size, int p, int f, int fd, off_t o), at,
       size, p, f, fd, o)
FORBID(int, munmap, (void *at, size_t size), at, size)
FORBID(int, mprotect, (void *at, size_t size, int p), at, size, p)
FORBID(int, madvise, (void *at, size_t size, int advice), at, size, advice)

FORBID(int, pthread_mutex_lock, (pthread_mutex_t * m), m)
FORBID(int, pthread_mutex_trylock, (pthread_mutex_t * m), m)
FORBID(int, pthread_mutex_unlock, (pthread_mutex_t * m), m)
FORBID(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), l)
FORBID(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), l)
FORBID(int, pthread_rwlock_unlock, (pthread_rwlock_t * l), l)
FORBID(int, pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), c, m)
FORBID(int, pthread_cond_signal, (pthread_cond_t * c), c)
FORBID(int, pthread_cond_broadcast, (pthread_cond_t * c), c)
FORBID(int, pthread_once, (pthread_once_t * once, void (*f)(void)), once, f)
FORBID(int, pthread_setspecific, (pthread_key_t key, const void *v), key, v)
FORBID(int, sem_wait, (sem_t * s), s)

FORBID_AS(int, printf, (const char *format, ...), (void)next; va_list list;
          va_start(list, format); const int r = vprintf(format, list);
          va_end(list); return r)
FORBID_AS(int, fprintf, (FILE * file, const char *format, ...), (void)next;
          va_list list; va_start(list, format);
          const int r = vfprintf(file, format, list); va_end(list); return r)
FORBID_AS(int, snprintf, (char *to, size_t size, const char *format, ...),
          (void)next;
          va_list list; va_start(list, format);
          const int r = vsnprintf(to, size, format, list); va_end(list);
          return r)
FORBID(int, vprintf, (const char *format, va_list list), format, list)
FORBID(int, vfprintf, (FILE * file, const char *format, va_list list), file,
       format, list)
FORBID(int, vsnprintf, (char *to, size_t n, const char *f, va_list list), to, n,
       f, list)
FORBID(int, puts, (const char *text), text)
FORBID(int, fputs, (const char *text, FILE *file), text, file)
FORBID(int, fputc, (int c, FILE *file), c, file)
FORBID(size_t, fwrite, (const void *from, size_t size, size_t n, FILE *file),
       from, size, n, file)
FORBID(FILE *, fopen, (const char *path, const char *mode), path, mode)
FORBID(int, fclose, (FILE * file), file)
FORBID(int, fflush, (FILE * file), file)

FORBID(ssize_t, write, (int fd, const void *from, size_t size), fd, from, size)
FORBID(ssize_t, read, (int fd, void *to, size_t size), fd, to, size)
FORBID(int, close, (int fd), fd)
FORBID(int, poll, (struct pollfd * fds, nfds_t n, int ms), fds, n, ms)
FORBID(int, nanosleep, (const struct timespec *t, struct timespec *rest), t,
       rest)

FORBID(void *, dlopen, (const char *path, int flags), path, flags)
FORBID(int, dlclose, (void *handle), handle)
FORBID(int, dladdr, (const void *at, Dl_info *info), at, info)
FORBID(int, dl_iterate_phdr,
       (int (*f)(struct dl_phdr_info *, size_t, void *), void *user), f, user)
FORBID(char *, getenv, (const char *name), name)

/* A host's handler, which ours calls, may leave by it. */
PUBLIC void
siglongjmp(sigjmp_buf to, int value)
{
    static __typeof__(siglongjmp) *next;

    in_handler = 0;
    if (!next)
        *(void **)&next = next_of("siglongjmp");
    next(to, value);
    abort(); /* it does not come back */
}

static void
stand_around(int number, siginfo_t *info, void *context)
{
    const unsigned before = in_handler;

    last_signal = *info;
    in_handler = before + 1;
    if (wrapped.sa_flags & SA_SIGINFO)
        wrapped.sa_sigaction(number, info, context);
    else
        wrapped.sa_handler(number);
    in_handler = before;
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

static bool
is_handler(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

PUBLIC int
sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
    static __typeof__(sigaction) *next;
    const struct sigaction wrapped_before = wrapped;
    struct sigaction around;
    int r;

    if (!next)
        *(void **)&next = next_of("sigaction");
    if (number != SIGPROF)
        return next(number, new, old);
    if (new &&is_handler(new)) {
        wrapped = around = *new;
        around.sa_sigaction = stand_around;
        around.sa_flags |= SA_SIGINFO;
        new = &around;
    }
    r = next(number, new, old);
    if (r == 0 && old && is_handler(old))
        *old = wrapped_before;
    return r;
}

PUBLIC bool
forbid_last_signal(siginfo_t *info)
{
    *info = last_signal;
    return info->si_signo != 0;
}

/* Before any other constructor could start to profile. */
__attribute__((constructor(101))) static void
open_count(void)
{
    const char *const path = getenv("FORBID_COUNT");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *const map =
        mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0 && map != MAP_FAILED)
        count = map;
    if (fd >= 0)
        close(fd);
}
