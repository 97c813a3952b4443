/* page.c: the parts of the page, as files of their own kind, in the library's read-only data. */
#include "http_int.h"

#define PART(name, file)                                                                           \
    __asm__(".pushsection .rodata\n"                                                               \
            ".globl http_page_" #name "\n.hidden http_page_" #name "\nhttp_page_" #name ":\n"      \
            ".incbin \"http/page/" file "\"\n"                                                     \
            ".globl http_page_" #name "_end\n.hidden http_page_" #name "_end\n"                    \
            "http_page_" #name "_end:\n"                                                           \
            ".byte 0\n.popsection\n")

PART(style, "style.css");
PART(goroutines, "goroutines.html");
PART(script, "goroutines.js");
