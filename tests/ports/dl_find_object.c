/* SPDX-License-Identifier: MIT */

/*
 * Debian's libgcc is glibc's: to find a frame's unwind table it asks this
 * function, which musl does not have, and dl_iterate_phdr() if it fails. Linked
 * only where musl-gcc is used.
 */

int
_dl_find_object(void *address, void *result);

int
_dl_find_object(void *address, void *result)
{
    (void)address;
    (void)result;
    return -1;
}
