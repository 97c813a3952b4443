/* render.c: the page of the goroutines whose text stands on standard input, for a browser to open. */
#include "http/http_int.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct text in = {0}, out = {0};
    struct dump d = {0};
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, stdin)) > 0)
        text_bytes(&in, part, n);
    dump_parse(&d, in.p, in.len, NULL, 0);
    dump_page(&out, &d, "test");
    if (out.failed || d.failed)
        return 1;
    (void)fwrite(out.p, 1, out.len, stdout);
    dump_free(&d);
    text_free(&in);
    text_free(&out);
    return 0;
}
