/* SPDX-License-Identifier: MIT */

/* perf's format of compiled code. The operations take the place of a source. */

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../../os/clock.h"
#include "sink.h"

enum {
    MAGIC = 0x4a695444,
    VERSION = 1,
    HEADER_SIZE = 40,
    CODE_LOAD = 0,
    CODE_DEBUG_INFO = 2,
    CODE_CLOSE = 3,
    CODE_UNWINDING_INFO = 4,
};

#if defined(__x86_64__)
static const uint32_t elf_machine = EM_X86_64;
#elif defined(__aarch64__)
static const uint32_t elf_machine = EM_AARCH64;
#elif defined(__i386__)
static const uint32_t elf_machine = EM_386;
#elif defined(__arm__)
static const uint32_t elf_machine = EM_ARM;
#elif defined(__riscv)
static const uint32_t elf_machine = EM_RISCV;
#else
static const uint32_t elf_machine = EM_NONE;
#endif

static void
begin_record(struct vmp_bytes *out, uint32_t type)
{
    vmp_bytes_u32(out, type);
    vmp_bytes_u32(out, 0); /* its size */
    vmp_bytes_u64(out, vmp_now_ns(CLOCK_MONOTONIC));
}

static void
write_record(struct vmp_jitdump *dump, struct vmp_bytes *record)
{
    vmp_bytes_set_u32(record, 4, (uint32_t)record->size);
    if (record->is_short && !dump->file.error)
        dump->file.error = ENOMEM;
    vmp_sink_file_write(&dump->file, record->data, record->size);
    vmp_bytes_free(record);
}

static void
write_header(struct vmp_jitdump *dump)
{
    struct vmp_bytes header = { 0 };

    vmp_bytes_u32(&header, MAGIC);
    vmp_bytes_u32(&header, VERSION);
    vmp_bytes_u32(&header, HEADER_SIZE);
    vmp_bytes_u32(&header, elf_machine);
    vmp_bytes_u32(&header, 0);
    vmp_bytes_u32(&header, (uint32_t)getpid());
    vmp_bytes_u64(&header, vmp_now_ns(CLOCK_MONOTONIC));
    vmp_bytes_u64(&header, 0);
    vmp_sink_file_write(&dump->file, header.data, header.size);
    vmp_bytes_free(&header);
}

int
vmp_jitdump_open(struct vmp_jitdump *dump, const char *directory)
{
    int r;

    memset(dump, 0, sizeof(*dump));
    r = vmp_sink_file_new(&dump->file, directory, "jit-", "dump");
    if (r < 0)
        return r;
    write_header(dump);
    /* perf knows of the file by this mapping, which it sees as code. */
    dump->marker = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE),
                        PROT_READ | PROT_EXEC, MAP_PRIVATE, dump->file.fd, 0);
    if (dump->marker != MAP_FAILED)
        return 0;
    r = -errno;
    dump->marker = NULL;
    vmp_sink_file_close(&dump->file);
    return r;
}

/* Which operation each address is of. */
static void
add_lines(struct vmp_jitdump *dump, const struct vmp_sunk *sunk,
          const char *listing)
{
    const struct vmprof_trace *const trace = sunk->trace;
    struct vmp_bytes record = { 0 };

    begin_record(&record, CODE_DEBUG_INFO);
    vmp_bytes_u64(&record, sunk->address);
    vmp_bytes_u64(&record, trace->operation_count);
    for (uint64_t i = 0; i < trace->operation_count; i++) {
        vmp_bytes_u64(&record, sunk->address + trace->operations[i].offset);
        vmp_bytes_u32(&record, sunk->first_line + (uint32_t)i);
        vmp_bytes_u32(&record, 0);
        vmp_bytes_string(&record, listing);
    }
    write_record(dump, &record);
}

/* perf puts it into the object that it makes of the code. */
static void
add_unwinding(struct vmp_jitdump *dump, const struct vmp_sunk *sunk)
{
    struct vmp_bytes record = { 0 }, rules = { 0 };
    const size_t header_size = vmp_sink_eh_frame_behind(&rules, sunk);

    if (header_size) {
        begin_record(&record, CODE_UNWINDING_INFO);
        vmp_bytes_u64(&record, rules.size);
        vmp_bytes_u64(&record, header_size);
        vmp_bytes_u64(&record, 0); /* none of it is in memory */
        vmp_bytes_put(&record, rules.data, rules.size);
        vmp_bytes_align(&record, 8);
        record.is_short |= rules.is_short;
        write_record(dump, &record);
    }
    vmp_bytes_free(&rules);
}

void
vmp_jitdump_add(struct vmp_jitdump *dump, const struct vmp_sunk *sunk,
                const char *listing)
{
    struct vmp_bytes record = { 0 };

    if (sunk->first_line)
        add_lines(dump, sunk, listing);
    add_unwinding(dump, sunk);
    begin_record(&record, CODE_LOAD);
    vmp_bytes_u32(&record, (uint32_t)getpid());
    vmp_bytes_u32(&record, (uint32_t)gettid());
    vmp_bytes_u64(&record, sunk->address);
    vmp_bytes_u64(&record, sunk->address);
    vmp_bytes_u64(&record, sunk->length);
    vmp_bytes_u64(&record, ++dump->number);
    vmp_bytes_string(&record, sunk->name);
    vmp_bytes_put(&record, (const void *)sunk->address, sunk->length);
    write_record(dump, &record);
}

void
vmp_jitdump_close(struct vmp_jitdump *dump)
{
    struct vmp_bytes record = { 0 };

    if (!dump->file.is_open)
        return;
    begin_record(&record, CODE_CLOSE);
    write_record(dump, &record);
    munmap(dump->marker, (size_t)sysconf(_SC_PAGESIZE));
    vmp_sink_file_close(&dump->file);
}
