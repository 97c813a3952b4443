/* usdt.h: probes for bpftrace, perf, SystemTap and gdb: a nop in the code, and a note in the file that says where
 * it is and where its arguments are. With nobody looking they cost the nop.
 *
 * USDT(name, args...)   the probe gort:name. Up to 8 arguments, integers or pointers that are at hand.
 * USDT_HERE name        the same in assembly, without arguments.
 *
 * The list of names, with what their arguments are, is docs/internals/probes.md; scripts for bpftrace are
 * scripts/bpftrace/. Without <sys/sdt.h> (Debian: systemtap-sdt-dev) the library is built without probes.
 */
#ifndef BASE_USDT_H
#define BASE_USDT_H

/* clang-format off */
#ifdef __ASSEMBLER__
/* The note by hand: sys/sdt.h in assembly leaves the assembler in its other macro mode. */
.macro USDT_HERE name
9001:   nop
        .pushsection .note.stapsdt, "", %note
        .balign 4
        .long   9003f - 9002f, 9005f - 9004f, 3
9002:   .asciz  "stapsdt"
9003:   .balign 4
9004:   .quad   9001b, _.stapsdt.base, 0
        .asciz  "gort"
        .asciz  "\name"
        .byte   0
9005:   .balign 4
        .popsection
        .ifndef _.stapsdt.base
        .pushsection .stapsdt.base, "aG", %progbits, .stapsdt.base, comdat
        .weak   _.stapsdt.base
        .hidden _.stapsdt.base
_.stapsdt.base:
        .space  1
        .size   _.stapsdt.base, 1
        .popsection
        .endif
.endm
#elif __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC 1
#include <sys/sdt.h>
#define USDT(name, ...) STAP_PROBEV(gort, name, ##__VA_ARGS__)
#else
#define USDT(name, ...) ((void)0)
#endif
/* clang-format on */

#endif
