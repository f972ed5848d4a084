// SPDX-License-Identifier: Apache-2.0
// content/, packed by tools/embed_content.py (which describes the format), as it stands in the binary.
    .section .rodata
    .balign 16
    .global xinglin_content_begin
    .global xinglin_content_end
xinglin_content_begin:
    .incbin XINGLIN_CONTENT_BIN
xinglin_content_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
