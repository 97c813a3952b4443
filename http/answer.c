/* answer.c: how those who answer say it. */
#include "http_int.h"

#include <gort/io.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

void http_text(struct request *r, int status, const char *type)
{
    r->answer.status = status;
    r->answer.type = type;
}

__attribute__((format(printf, 3, 0))) static void error_text(struct request *r, int status,
                                                             const char *fmt, va_list args)
{
    char line[512];
    text_free(&r->answer.text);
    free(r->answer.disposition);
    r->answer.disposition = NULL;
    (void)vsnprintf(line, sizeof line, fmt, args);
    text_add(&r->answer.text, line);
    text_add(&r->answer.text, "\n");
    http_text(r, status, "text/plain; charset=utf-8");
}

void http_error(struct request *r, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_text(r, status, fmt, args);
    va_end(args);
}

void http_pprof_error(struct request *r, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    error_text(r, status, fmt, args);
    va_end(args);
    r->answer.pprof_error = true;
}

void http_attachment(struct request *r, const char *name)
{
    static const char form[] = "attachment; filename=\"%s\"";
    size_t n = strlen(name) + sizeof form;
    http_text(r, 200, "application/octet-stream");
    r->answer.disposition = malloc(n);
    if (r->answer.disposition == NULL)
        return;
    (void)snprintf(r->answer.disposition, n, form, name);
    /* A header is one line, and the name ends at a quote. */
    char *end = r->answer.disposition + strlen(r->answer.disposition) - 1;
    for (char *p = strchr(r->answer.disposition, '"') + 1; p < end; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\')
            *p = '_';
}

void http_page(struct request *r)
{
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        http_error(r, 500, "no random numbers");
        return;
    }
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(r->answer.nonce + 2 * i, 3, "%02x", random[i]);
    r->answer.page = true;
    http_text(r, 200, "text/html; charset=utf-8");
}

int http_file(struct request *r)
{
    int fd = memfd_create("gort", MFD_CLOEXEC);
    if (fd < 0)
        http_pprof_error(r, 500, "no file for the answer: %s", strerror(errno));
    return fd;
}

void http_send_file(struct request *r, int fd)
{
    /* gort knows `fd` and must see it closed; what the daemon closes is a copy. */
    r->answer.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    (void)gort_close(fd);
    if (r->answer.fd < 0)
        http_pprof_error(r, 500, "no file for the answer: %s", strerror(errno));
}

bool http_read_file(struct text *t, const char *path)
{
    char part[4096];
    ssize_t n;
    int fd = gort_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    while ((n = gort_read(fd, part, sizeof part)) > 0)
        text_bytes(t, part, (size_t)n);
    (void)gort_close(fd);
    return n == 0 && !t->failed;
}
