/* SPDX-License-Identifier: MIT */

/* A C++ exception that passes through vmprof_execute_code(). Prints TAP. */

#include <cstdio>
#include <stdexcept>

#include <vmprof/vmprof.h>

static vmprof_thread *thread;

static void *
throw_from(void *depth)
{
    if (!depth)
        throw std::runtime_error("thrown");
    return vmprof_execute_code(thread, 8, throw_from,
                               static_cast<char *>(depth) - 1);
}

int
main()
{
    bool caught = false, left = false, again = false;

    if (vmprof_attach_thread(nullptr, &thread) < 0)
        return 1;
    vmprof_frame *const top = thread->top;
    try {
        vmprof_execute_code(thread, 4, throw_from,
                            reinterpret_cast<void *>(50));
    } catch (const std::runtime_error &) {
        caught = true;
        left = thread->top == top;
    }
    try {
        vmprof_execute_code(nullptr, 4, throw_from, nullptr);
    } catch (const std::runtime_error &) {
        again = thread->top == top;
    }
    std::printf("1..3\n%sok 1 - an exception passes through 50 wrapped calls\n"
                "%sok 2 - and leaves all of them\n"
                "%sok 3 - and through one without a thread\n",
                caught ? "" : "not ", left ? "" : "not ", again ? "" : "not ");
    return caught && left && again ? 0 : 1;
}
