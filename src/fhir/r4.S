// SPDX-License-Identifier: Apache-2.0
// The table tables/r4.txt, as it is, in the read-only data of the binary.
        .section .rodata
        .global xinglin_fhir_r4_begin
        .global xinglin_fhir_r4_end
        .balign 16
xinglin_fhir_r4_begin:
        .incbin "fhir/tables/r4.txt"
xinglin_fhir_r4_end:
        .byte 0
        .section .note.GNU-stack, "", %progbits
