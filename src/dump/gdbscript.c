/* gdbscript.c: scripts/gort-gdb.py inside every program that contains this library, where gdb finds it: goroutines
 * in gdb without a word in a start-up file. The section is not loaded into memory. */

__asm__(".pushsection .debug_gdb_scripts, \"MS\", %progbits, 1\n"
        "\t.byte 4\n" /* a script in Python, in place */
        "\t.ascii \"gort-gdb\\n\"\n"
        "\t.incbin \"scripts/gort-gdb.py\"\n"
        "\t.byte 0\n"
        "\t.popsection");
