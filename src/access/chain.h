// SPDX-License-Identifier: Apache-2.0
// The audit as a chain: each line carries the SM3 of the one before; checkpoints are signed (SM2).
#pragma once
