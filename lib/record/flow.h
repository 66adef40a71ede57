/* SPDX-License-Identifier: MIT */

/* Whether a ring of events should be looked at soon. */
#ifndef VMP_FLOW_H
#define VMP_FLOW_H

enum vmp_flow {
    VMP_FLOW_STILL,
    VMP_FLOW_COMES,
    VMP_FLOW_FILLS, /* the ring */
};

#endif
