/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Code objects: the functions of the VM's language, and their names.
 *
 * The idea, the ids and the form of the names are rvmprof's (RPython). New
 * here: ids are never reused, names with colons or of any length are no error
 * for a VM that formats them with vmprof_format_name(), and a code object may
 * die while it is being profiled.
 */
#ifndef VMPROF_CODE_H
#define VMPROF_CODE_H

#include <string.h>

#include <vmprof/base.h>

VMPROF_BEGIN_DECLS

/** The size of a buffer that holds any full name with its NUL. @since 0.1 */
#define VMPROF_NAME_SIZE 1024

/** A kind of code objects: those that are named in the same way. @since 0.1 */
struct vmprof_code_class;

/** Where in its code object a frame is. Frozen. @since 0.1 */
struct vmprof_location {
    uint64_t offset;   /**< of the instruction, in the VM's own units */
    uint32_t line;     /**< in the source file; 0: unknown */
    uint32_t reserved; /**< set to 0 */
};

/**
 * Write the full name of @p code, "class:function:line:file", into @p buffer;
 * vmprof_format_name() does it right.
 *
 * @return The length, as snprintf() does, or a negative errno: the code is then
 * named after its class. A name with too few or too many colons is repaired; a
 * too long one is cut visibly.
 * @par Context
 * Runs inside vmprof_register_code() and vmprof_enable() on the thread that
 * called these. It may register and forget codes; other threads that want to
 * forget one wait until it returns, so it must not wait for another thread: a
 * VM with a lock around its interpreter holds it when it calls these.
 * @since 0.1
 */
typedef int (*vmprof_name_function)(void *user, void *code, char *buffer,
                                    size_t size);

/**
 * Tell where @p position, what the frame's position cell held, is in @p code.
 *
 * @return 0, or a negative errno if it is unknown.
 * @par Context
 * Runs on a thread of the library while the VM runs, so it may only read what
 * does not change while the code object lives. vmprof_forget_code() waits for
 * it; so it must neither call the library nor wait for another thread.
 * @since 0.1
 */
typedef int (*vmprof_locate_function)(void *user, void *code,
                                      uintptr_t position,
                                      struct vmprof_location *location);

/** How a class treats its code objects. Only grows at the end. @since 0.1 */
struct vmprof_code_class_options {
    uint64_t size;                  /**< set by ..._init() */
    vmprof_name_function full_name; /**< for codes registered without one */
    vmprof_locate_function locate;  /**< NULL: positions are offsets */
    void *user;                     /**< passed to both */
};

/** Zero @p options and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_code_class_options_init(struct vmprof_code_class_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Make a class of code objects. It lives as long as the process.
 *
 * @param name     Short and unique, such as "py" or "lua": the first part of
 *                 its codes' names. Letters, digits, '_', '-' and '.' only.
 * @param options  NULL for none.
 * @param[out] out The class.
 *
 * @retval -EINVAL  A bad name or size.
 * @retval -EEXIST  There is a class of that name.
 * @retval -E2BIG   @p options asks for something this library is too old for.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_register_code_class(const char *name,
                           const struct vmprof_code_class_options *options,
                           struct vmprof_code_class **out);

/**
 * Give a code object its id.
 *
 * @param code       The VM's object: only ever handed back to the class's
 *                   functions. NULL for a code without an object.
 * @param full_name  "class:function:line:file", copied; NULL to have the
 *                   class's name function asked when a profile needs it: at
 *                   once while profiling is enabled, else in vmprof_enable().
 * @param[out] out   The id.
 *
 * @retval -EINVAL        Not exactly three colons, or no name and no way to ask
 *                        for one.
 * @retval -ENAMETOOLONG  The name is longer than VMPROF_NAME_SIZE - 1 bytes.
 * @retval -EEXIST        @p code is registered in this class.
 * @retval -ENOMEM        Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_register_code(struct vmprof_code_class *code_class, void *code,
                     const char *full_name, vmprof_code_id *out);

/**
 * The id of a registered code object, or 0 if it has none.
 * VMs do better to keep the id in the object.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API vmprof_code_id
vmprof_get_unique_id(const struct vmprof_code_class *code_class,
                     const void *code);

/**
 * Say that a code object dies. Its name stays for the samples already taken.
 *
 * Positions of samples that wait to be written lose their line; they are
 * counted in vmprof_stats::locations_lost.
 *
 * @retval -ENOENT  There is no such id.
 * @par Context
 * Any thread, not from a vmprof_locate_function.
 * @since 0.1
 */
VMPROF_API int
vmprof_forget_code(vmprof_code_id id);

/**
 * Write "class:function:line:file", colons and percent signs within a part as
 * %3A and %25, into a buffer of VMPROF_NAME_SIZE bytes. What is too long is
 * cut between two characters and ends in "...". NULL parts are empty.
 *
 * @return The length of the name, or -EINVAL: @p size is under
 * VMPROF_NAME_SIZE.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API int
vmprof_format_name(char *buffer, size_t size, const char *class_name,
                   const char *function, long line, const char *file);

VMPROF_END_DECLS

#endif
