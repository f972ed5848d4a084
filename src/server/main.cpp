// SPDX-License-Identifier: Apache-2.0
// The program.
#include <malloc.h>

#include "server/commands.h"

int main(int argc, char** argv) {
    // Left to itself glibc raises this limit with each large block that is freed, and then keeps what was freed: runs of fresh
    // rows held 500 MiB that nobody used any more.
    mallopt(M_MMAP_THRESHOLD, 512 << 10);
    return xinglin::server::run(argc, argv);
}
