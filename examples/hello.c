/* SPDX-License-Identifier: MIT */

/*
 * The least that a VM does to be profiled: ten calls, each marked with its
 * number. It writes hello.vmprof, for `vmprof report hello.vmprof`.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <vmprof/vmprof.h>

/* The VM: functions made of instructions, and a loop that runs them. */
struct function {
    const char *name;          /* class:function:line:file */
    struct function *calls[3]; /* one instruction each */
    int work;                  /* done by the function itself */
    vmprof_code_id id;
};

static struct function add = { "hello:add:1:hello.toy", { 0 }, 60000, 0 };
static struct function sum = { "hello:sum:4:hello.toy", { &add }, 40000, 0 };
static struct function top = { "hello:top:9:hello.toy", { &sum, &sum }, 0, 0 };
static struct function *const functions[] = { &add, &sum, &top };

static void
interpret(struct vmprof_thread *thread, const struct function *function)
{
    vmprof_token token =
        vmprof_execute_code_enter(thread, function->id, NULL); /* 1 */

    for (volatile int i = 0; i < function->work; i++)
        continue;
    for (struct function *const *pc = function->calls; *pc; pc++)
        interpret(thread, *pc);
    vmprof_execute_code_leave(thread, token); /* 2 */
}

static void
check(int result)
{
    if (result < 0) {
        fprintf(stderr, "hello: %s\n", vmprof_strerror(result));
        exit(1);
    }
}

int
main(void)
{
    struct vmprof_code_class *code_class;
    struct vmprof_thread *thread;
    struct vmprof_stats stats;
    int fd = open("hello.vmprof", O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0) {
        perror("hello.vmprof");
        return 1;
    }

    /* When the VM starts, when it makes a function, when a thread starts. */
    check(vmprof_register_code_class("hello", NULL, &code_class)); /* 3 */
    for (int i = 0; i < 3; i++)
        check(vmprof_register_code(code_class, functions[i], /* 4 */
                                   functions[i]->name, &functions[i]->id));
    check(vmprof_attach_thread(NULL, &thread)); /* 5 */

    /* Around what is to be profiled. */
    check(vmprof_enable(fd, 0.001)); /* 6 */
    for (int i = 0; i < 20000; i++)
        interpret(thread, &top);
    check(vmprof_disable()); /* 7 */

    /* When the thread ends. */
    check(vmprof_detach_thread(thread)); /* 8 */

    vmprof_stats_init(&stats);       /* 9 */
    check(vmprof_get_stats(&stats)); /* 10 */
    printf("%" PRIu64 " samples, %" PRIu64 " bytes\n", stats.samples,
           stats.bytes_written);
    return 0;
}
