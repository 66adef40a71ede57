/* SPDX-License-Identifier: MIT */

/* Of bytecodes and types. */

#include "layout.h"

#include <vmprof/vmprof.h>

struct hit_cell_1 {
    uint64_t position;
    uint64_t key;
    uint64_t *hits;
    uint64_t code;
};

SAME(vmprof_hit_cell, hit_cell_1, position);
SAME(vmprof_hit_cell, hit_cell_1, key);
SAME(vmprof_hit_cell, hit_cell_1, hits);
SAME(vmprof_hit_cell, hit_cell_1, code);
SAME_SIZE(vmprof_hit_cell, hit_cell_1);

struct hit_site_1 {
    uint64_t key;
    uint64_t *hits;
};

SAME(vmprof_hit_site, hit_site_1, key);
SAME(vmprof_hit_site, hit_site_1, hits);
SAME_SIZE(vmprof_hit_site, hit_site_1);

struct interp_functions_0_1 {
    uint64_t size;
    vmprof_operands_function operands;
    vmprof_opcode_name_function opcode_name;
    vmprof_line_function line;
    vmprof_hash_function hash;
    vmprof_next_site_function next_site;
    void *user;
};

SAME(vmprof_interp_functions, interp_functions_0_1, size);
SAME(vmprof_interp_functions, interp_functions_0_1, operands);
SAME(vmprof_interp_functions, interp_functions_0_1, opcode_name);
SAME(vmprof_interp_functions, interp_functions_0_1, line);
SAME(vmprof_interp_functions, interp_functions_0_1, hash);
SAME(vmprof_interp_functions, interp_functions_0_1, next_site);
SAME(vmprof_interp_functions, interp_functions_0_1, user);
STILL_FITS(vmprof_interp_functions, interp_functions_0_1);

struct type_limits_0_1 {
    uint64_t size;
    uint32_t sites;
    uint32_t tuples;
};

SAME(vmprof_type_limits, type_limits_0_1, size);
SAME(vmprof_type_limits, type_limits_0_1, sites);
SAME(vmprof_type_limits, type_limits_0_1, tuples);
STILL_FITS(vmprof_type_limits, type_limits_0_1);

struct type_tuple_1 {
    uint64_t hits;
    uint64_t count;
    uint32_t types[8];
    const char *names[8];
};

SAME(vmprof_type_tuple, type_tuple_1, hits);
SAME(vmprof_type_tuple, type_tuple_1, count);
SAME(vmprof_type_tuple, type_tuple_1, types);
SAME(vmprof_type_tuple, type_tuple_1, names);
SAME_SIZE(vmprof_type_tuple, type_tuple_1);

struct type_row_0_1 {
    uint64_t size;
    uint64_t code;
    const char *name;
    uint64_t hash;
    uint64_t offset;
    uint32_t opcode;
    uint32_t line;
    uint64_t has_place;
    const char *opcode_name;
    uint64_t hits;
    uint64_t typed;
    uint64_t other;
    uint64_t untyped;
    uint64_t bytecodes;
    uint64_t tuple_count;
    const struct vmprof_type_tuple *tuples;
};

SAME(vmprof_type_row, type_row_0_1, size);
SAME(vmprof_type_row, type_row_0_1, code);
SAME(vmprof_type_row, type_row_0_1, name);
SAME(vmprof_type_row, type_row_0_1, hash);
SAME(vmprof_type_row, type_row_0_1, offset);
SAME(vmprof_type_row, type_row_0_1, opcode);
SAME(vmprof_type_row, type_row_0_1, line);
SAME(vmprof_type_row, type_row_0_1, has_place);
SAME(vmprof_type_row, type_row_0_1, opcode_name);
SAME(vmprof_type_row, type_row_0_1, hits);
SAME(vmprof_type_row, type_row_0_1, typed);
SAME(vmprof_type_row, type_row_0_1, other);
SAME(vmprof_type_row, type_row_0_1, untyped);
SAME(vmprof_type_row, type_row_0_1, bytecodes);
SAME(vmprof_type_row, type_row_0_1, tuple_count);
SAME(vmprof_type_row, type_row_0_1, tuples);
STILL_FITS(vmprof_type_row, type_row_0_1);

struct type_profile_info_0_1 {
    uint64_t size;
    uint64_t period;
    uint64_t jitter;
    uint64_t from_ns;
    uint64_t until_ns;
    uint64_t rows;
    uint64_t hits;
    uint64_t bytecodes;
    uint64_t unplaced;
};

SAME(vmprof_type_profile_info, type_profile_info_0_1, size);
SAME(vmprof_type_profile_info, type_profile_info_0_1, period);
SAME(vmprof_type_profile_info, type_profile_info_0_1, jitter);
SAME(vmprof_type_profile_info, type_profile_info_0_1, from_ns);
SAME(vmprof_type_profile_info, type_profile_info_0_1, until_ns);
SAME(vmprof_type_profile_info, type_profile_info_0_1, rows);
SAME(vmprof_type_profile_info, type_profile_info_0_1, hits);
SAME(vmprof_type_profile_info, type_profile_info_0_1, bytecodes);
SAME(vmprof_type_profile_info, type_profile_info_0_1, unplaced);
STILL_FITS(vmprof_type_profile_info, type_profile_info_0_1);

struct type_origin_0_1 {
    uint64_t size;
    const char *host;
    const char *service;
    const char *version;
};

SAME(vmprof_type_origin, type_origin_0_1, size);
SAME(vmprof_type_origin, type_origin_0_1, host);
SAME(vmprof_type_origin, type_origin_0_1, service);
SAME(vmprof_type_origin, type_origin_0_1, version);
STILL_FITS(vmprof_type_origin, type_origin_0_1);

/* Values are compiled in too. */
static_assert(VMPROF_MAX_OPERANDS == 8 && VMPROF_COUNT_MOST == 16384 &&
                  VMPROF_COUNTING == 256 && VMPROF_HIT_CELLS == 1024,
              "a bound of interp.h changed its value");
