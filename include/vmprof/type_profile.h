/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Hits of bytecodes after they were counted: read out as rows, written as lines
 * of JSON, saved for a later run's JIT and loaded there. interp.h, which counts
 * them, includes this.
 */
#ifndef VMPROF_TYPE_PROFILE_H
#define VMPROF_TYPE_PROFILE_H

#include <vmprof/interp.h>

VMPROF_BEGIN_DECLS

/** What was read out: rows that do not change any more. @since 0.1 */
struct vmprof_type_profile;

/** Operands of these types, and how often. Frozen. @since 0.1 */
struct vmprof_type_tuple {
    uint64_t hits;
    uint64_t count;                            /**< of operands */
    vmprof_type_id types[VMPROF_MAX_OPERANDS]; /**< the deepest first */
    const char *names[VMPROF_MAX_OPERANDS];    /**< of these */
};

/**
 * A site, or the hits that have none. hits = typed + other + untyped.
 * Only grows at the end. @since 0.1
 */
struct vmprof_type_row {
    uint64_t size;       /**< set by ..._init() */
    vmprof_code_id code; /**< 0: hits of any code, without a place */
    const char *name;    /**< of the code: "class:function:line:file" */
    uint64_t hash;       /**< of its content; 0: unknown */
    uint64_t offset;
    uint32_t opcode;
    uint32_t line;           /**< 0: unknown */
    uint64_t has_place;      /**< 0: no offset, opcode and line */
    const char *opcode_name; /**< NULL: unknown */
    uint64_t hits;           /**< 0: a site that was never hit */
    uint64_t typed;          /**< of these, with types that are in a tuple */
    uint64_t other;          /**< with types that no tuple was free for */
    uint64_t untyped;        /**< without types */
    uint64_t bytecodes;      /**< that the hits stand for */
    uint64_t tuple_count;
    const struct vmprof_type_tuple *tuples; /**< the most frequent first */
};

/** Zero @p row and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_type_row_init(struct vmprof_type_row *row)
{
    memset(row, 0, sizeof(*row));
    row->size = sizeof(*row);
}

/**
 * Take the hits of all threads since they were taken or cleared last.
 *
 * No hit is in two results, and none is lost: a hit that is counted meanwhile
 * is in this one or in the next. While a session runs, what is taken goes into
 * its file, too.
 *
 * @param[out] out  To be freed with vmprof_free_type_profile().
 *
 * @retval -ENOMEM  Out of memory; nothing was taken.
 * @par Context
 * Any thread, not from a function of a class.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_get_and_clear_type_profiles(struct vmprof_type_profile **out);

/**
 * Drop the hits of all threads since they were taken or cleared last, and count
 * anew up to the next one.
 *
 * @return 0.
 * @retval -ENOMEM  Out of memory; nothing was dropped.
 * @par Context
 * Any thread, not from a function of a class.
 * @since 0.1
 */
VMPROF_API int
vmprof_clear_type_profiles(void);

/** What is true of a profile as a whole. Only grows at the end. @since 0.1 */
struct vmprof_type_profile_info {
    uint64_t size;     /**< set by ..._init() */
    uint64_t period;   /**< when it was taken */
    uint64_t jitter;   /**< 1 if on, then */
    uint64_t from_ns;  /**< since 1970-01-01 UTC */
    uint64_t until_ns; /**< likewise */
    uint64_t rows;
    uint64_t hits;      /**< of all rows */
    uint64_t bytecodes; /**< that they stand for */
    uint64_t unplaced;  /**< hits in rows without a place */
};

/** Zero @p info and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_type_profile_info_init(struct vmprof_type_profile_info *info)
{
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
}

/**
 * Tell about a profile.
 *
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_type_profile_info(const struct vmprof_type_profile *profile,
                             struct vmprof_type_profile_info *info);

/**
 * The row of index @p index, from 0, in the order of codes and offsets. Its
 * strings and tuples live as long as the profile.
 *
 * @return 1, or 0: there are no more.
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_type_row(const struct vmprof_type_profile *profile, uint64_t index,
                    struct vmprof_type_row *row);

/**
 * Free a profile. NULL is allowed.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API void
vmprof_free_type_profile(struct vmprof_type_profile *profile);

/**
 * Takes bytes that the library writes.
 *
 * @return 0, or a negative errno, which ends the writing.
 * @par Context
 * Runs in the function that it was given to. @since 0.1
 */
typedef int (*vmprof_write_function)(void *user, const void *data, size_t size);

/** What rows say of where they come from. Only grows at the end. @since 0.1 */
struct vmprof_type_origin {
    uint64_t size;       /**< set by ..._init() */
    const char *host;    /**< NULL: the machine's name */
    const char *service; /**< NULL: left out */
    const char *version; /**< of it; NULL: left out */
};

/** Zero @p origin and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_type_origin_init(struct vmprof_type_origin *origin)
{
    memset(origin, 0, sizeof(*origin));
    origin->size = sizeof(*origin);
}

/**
 * Write a profile as JSON, a row a line, one for each tuple of types, with
 * Cinder's columns; doc/format.md says what they are.
 *
 * @param origin  NULL for the defaults.
 *
 * @return 0, or what @p write returned.
 * @retval -EINVAL  A bad size.
 * @retval -E2BIG   @p origin asks for something this library is too old for.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_write_type_rows(const struct vmprof_type_profile *profile,
                       const struct vmprof_type_origin *origin,
                       vmprof_write_function write, void *user);

/**
 * Write a profile for a later run's JIT: one section, for one version of the
 * VM. Sections may follow each other in a file.
 *
 * Codes without a hash are left out: nobody could tell whether they have
 * changed.
 *
 * @param vm_version  What has to be the same for the profile to be of use.
 *
 * @return 0, or what @p write returned.
 * @retval -EINVAL  @p vm_version is NULL, empty or over 255 bytes.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_save_type_profile(const struct vmprof_type_profile *profile,
                         const char *vm_version, vmprof_write_function write,
                         void *user);

/** A profile of an earlier run. @since 0.1 */
struct vmprof_loaded_profile;

/**
 * Read what vmprof_save_type_profile() wrote: the sections of @p vm_version.
 * Where a code is in more than one, the last counts.
 *
 * @param data  Anything; it may be freed afterwards.
 *
 * @retval -EINVAL   A NULL pointer.
 * @retval -EBADMSG  It is no such profile, or damaged.
 * @retval -ENOENT   It has no section of that version.
 * @retval -ENOMEM   Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_load_type_profile(const void *data, size_t size, const char *vm_version,
                         struct vmprof_loaded_profile **out);

/**
 * Look up what was seen at a place of a code object of this process. Codes are
 * told by their full name and the hash of their content.
 *
 * @param[out] row  As of vmprof_get_type_row(), valid until the profile is freed.
 *                  Types are told by name, their ids are 0: a type of that name
 *                  may be yet to come, see vmprof_find_type().
 *
 * @return 1, or 0: nothing was seen there.
 * @retval -EINVAL  A bad size.
 * @retval -ENOENT  The profile does not have the code, or no such code lives.
 * @retval -ESTALE  The code has changed since.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a function of a class.
 * @since 0.1
 */
VMPROF_API int
vmprof_find_loaded_site(struct vmprof_loaded_profile *profile,
                        vmprof_code_id code, uint64_t offset,
                        struct vmprof_type_row *row);

/**
 * Free a loaded profile. NULL is allowed.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API void
vmprof_free_loaded_profile(struct vmprof_loaded_profile *profile);

VMPROF_END_DECLS

#endif
