/*
 * How much memory this process may use: the machine's, or what its control group allows where that is less.
 */
#ifndef CONF_RAM_H
#define CONF_RAM_H

#include <stdint.h>

/*
 * Bytes. `root` stands before every path, for tests; "" for the real files: /proc/meminfo,
 * /proc/self/cgroup, and what stands below /sys/fs/cgroup for the groups of version 2 and 1 that the process
 * is in. What cannot be read limits nothing; UINT64_MAX when nothing can. Thread: any.
 */
uint64_t ram_usable(const char *root);

#endif
