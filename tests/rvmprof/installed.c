/* SPDX-License-Identifier: MIT */

/* installed FILE: one session of a VM that was built against what is installed.
 */

#include <fcntl.h>

#include "isolate.h"
#include "vm.h"

static void
count_down(void *unused)
{
    const int64_t end = now_ms() + 300;

    (void)unused;
    while (now_ms() < end)
        for (volatile int i = 0; i < 100000; i++)
            ;
}

int
main(int argc, char **argv)
{
    const int fd =
        argc > 1 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    Signed code;

    require(fd >= 0);
    rpython_thread_begins();
    require(vmprof_init(fd, 0.001, 0, 0, "fake", 0, 0) == NULL);
    code = rpython_register("installed");
    require(vmprof_enable(0, 0, 0) == 0);
    pypy_g___vmprof_eval_vmprof(code, count_down, NULL);
    require(vmprof_disable() == 0);
    require(close(fd) == 0);
    return 0;
}
