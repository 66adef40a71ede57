/* SPDX-License-Identifier: MIT */

#include "common.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int
memory_file(void)
{
    const int fd = memfd_create("profile", MFD_CLOEXEC);

    require(fd >= 0);
    return fd;
}

void
begin_session(int fd, double interval, int real_time)
{
    const char *const message =
        vmprof_init(fd, interval, 0, 0, "pypy", 0, real_time);

    if (message)
        dprintf(2, "vmprof_init: %s\n", message);
    require(message == NULL);
    if (vmprof_enable(0, 0, real_time) != 0) {
        dprintf(2, "vmprof_enable: %s\n", strerror(errno));
        _exit(1);
    }
}

void
end_session(int fd, struct seen *seen)
{
    struct accounts a;

    require(vmprof_disable() == 0);
    a = accounts();
    require(a.expirations == a.samples + a.lost + a.system_ticks);
    require(a.samples == a.written);
    see(seen, fd);
    require(seen->ended);
}

static void
append_name(char *text, size_t size, const char *name, bool is_compiled)
{
    const char *const from = strchr(name, ':');
    const size_t length = from ? strcspn(from + 1, ":") : 0;
    const size_t used = strlen(text);

    snprintf(text + used, size - used, is_compiled ? "%s[%.*s]" : "%s%.*s",
             used ? " " : "", (int)length, from ? from + 1 : "");
}

const char *
stack_text(const struct seen *seen, const struct seen_sample *sample)
{
    static char text[4096];

    text[0] = 0;
    for (size_t i = 0; i < sample->depth; i += 2) {
        const uint64_t kind = sample->words[i];

        if (kind == 1 || kind == 3)
            append_name(text, sizeof(text),
                        seen_name(seen, sample->words[i + 1]), kind == 3);
    }
    return text;
}

void
burn(void *ms)
{
    struct timespec now;
    int64_t end = 0;

    do {
        for (volatile unsigned i = 0; i < 20000; i++)
            ;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        if (!end)
            end = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec +
                  (int64_t)(intptr_t)ms * 1000000;
    } while ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec < end);
}

void
run_until_seen(Signed unique_id)
{
    vm_looks.innermost = 0;
    require(burn_until((pypy_g___vmprof_eval_vmprof(unique_id, burn, (void *)1),
                        vm_looks.innermost == unique_id),
                       20000));
}
