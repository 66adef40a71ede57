/* SPDX-License-Identifier: MIT */

/*
 * A test body in a child of its own, so that its signals, timers and crashes
 * stay there; and waiting for a condition with a deadline.
 */
#ifndef ISOLATE_H
#define ISOLATE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the child: end the test with the condition that does not hold. */
#define require(condition)                                                     \
    do {                                                                       \
        if (!(condition)) {                                                    \
            dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

/* Whether the program runs many times slower: valgrind and the sanitizers. */
static inline bool
is_slow(void)
{
    return getenv("VMPROF_TEST_SLOW") != NULL;
}

/* Whether an emulator stands between the program and the kernel. */
static inline bool
is_emulated(void)
{
    return getenv("VMPROF_TEST_EMULATED") != NULL;
}

/*
 * Leave a cmocka test that cannot run here. Its own skip() says so in a way
 * that Meson takes for a failure; script/summary.py counts this one.
 */
#define skip_because(reason)                                                   \
    do {                                                                       \
        print_message("# skip: %s\n", reason);                                 \
        return;                                                                \
    } while (0)

/* A lock of AddressSanitizer's allocator that another thread holds when the
 * process forks stays locked in the child. */
#ifdef __SANITIZE_ADDRESS__
#    define skip_where_malloc_dies_in_fork()                                   \
        skip_because("AddressSanitizer's malloc() hangs in forked children")
#else
#    define skip_where_malloc_dies_in_fork() ((void)0)
#endif

/* How often to repeat something: less where everything is slow. */
static inline unsigned
rounds(unsigned usual)
{
    return is_slow() && usual >= 20 ? usual / 20 : usual;
}

/* How long to allow for something, in milliseconds or seconds. */
static inline unsigned
patience(unsigned usual)
{
    return is_slow() ? usual * 10 : usual;
}

static inline int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Look every millisecond until the condition holds; false after `ms`. */
#define wait_until(condition, ms)                                              \
    __extension__({                                                            \
        const int64_t deadline_ = now_ms() + (int64_t)patience(ms);            \
        bool holds_ = (condition);                                             \
        while (!holds_ && now_ms() < deadline_) {                              \
            usleep(1000);                                                      \
            holds_ = (condition);                                              \
        }                                                                      \
        holds_;                                                                \
    })

/* Use CPU time until the condition holds; false after `ms`. */
#define burn_until(condition, ms)                                              \
    __extension__({                                                            \
        const int64_t deadline_ = now_ms() + (int64_t)patience(ms);            \
        bool holds_ = (condition);                                             \
        while (!holds_ && now_ms() < deadline_)                                \
            holds_ = (condition);                                              \
        holds_;                                                                \
    })

/* Sleep through signals: a clock of time that passes interrupts. */
static inline void
sleep_ms(int64_t ms)
{
    const int64_t end = now_ms() + ms;
    const struct timespec until = { (time_t)(end / 1000),
                                    (long)(end % 1000 * 1000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}

/* A child that crashes must die of it, not come back into the test runner. */
static inline void
restore_fatal_signals(void)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

    for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
        signal(fatal[i], SIG_DFL);
}

/*
 * Run `body` in a child and return its wait status: 0 if it returned. After
 * `seconds` it is killed by SIGALRM.
 */
static inline int
isolate(void (*body)(void), unsigned seconds)
{
    int status;

    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        restore_fatal_signals();
        alarm(patience(seconds));
        body();
        _exit(0);
    }
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    /* What it forked and left behind. */
    kill(-child, SIGKILL);
    return status;
}

#endif
