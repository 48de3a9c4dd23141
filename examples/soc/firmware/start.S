/* From reset: a stack and zeros, and nothing behind main. */
    .section .start, "ax"
    .globl _start
_start:
    la sp, _stack
    la t0, _zeros
    la t1, _zeros_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call main
3:  j 3b

/* A network: its blob, its arena with the inputs in it, and what has to come out. */
    .section .network, "aw"
    .balign 64
    .globl network_blob, network_blob_end, network_arena, network_arena_end, network_expected
network_blob:
    .incbin "network.bpa"
network_blob_end:
    .balign 64
network_arena:
    .incbin "arena.bin"
network_arena_end:
    .balign 4
network_expected:
    .incbin "expected.bin"
