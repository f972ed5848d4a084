// SPDX-License-Identifier: Apache-2.0
// The program.
#include "server/commands.h"

int main(int argc, char** argv) { return xinglin::server::run(argc, argv); }
