// SPDX-License-Identifier: Apache-2.0
// The built web pages, packed by tools/embed_web.py (which describes the format), as they stand in the binary.
    .section .rodata
    .balign 16
    .global xinglin_pages_begin
    .global xinglin_pages_end
xinglin_pages_begin:
    .incbin XINGLIN_PAGES_BIN
xinglin_pages_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
