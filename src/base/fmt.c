/* fmt.c: printing without malloc.
 *
 * Owns    the conversion of numbers to text for reports, in the formats of Go's own print; where a copy of what
 *         goes to descriptor 2 goes.
 * Locks   none; one `struct out` belongs to one caller.
 */
#include "base/fmt.h"

#include "base/atomic.h"
#include "base/up.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        int64_t r = os_write(fd, s, n);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return;
        s += r;
        n -= (size_t)r;
    }
}

void out_init_fd(struct out *o, int fd)
{
    o->fd = fd;
    o->len = 0;
    o->dropped = 0;
    o->mem = o->inline_buf;
    o->cap = sizeof o->inline_buf;
}

void out_init_mem(struct out *o, char *mem, size_t cap)
{
    o->fd = -1;
    o->len = 0;
    o->dropped = 0;
    o->mem = mem;
    o->cap = cap;
}

static ai32 copy_fd = {-1};

void out_copy_to(int fd)
{
    store_rlx(&copy_fd, fd);
}

void out_flush(struct out *o)
{
    if (o->fd >= 0 && o->len > 0) {
        write_all(o->fd, o->mem, o->len);
        if (o->fd == 2 && load_rlx(&copy_fd) >= 0)
            write_all(load_rlx(&copy_fd), o->mem, o->len);
        o->len = 0;
    }
}

void out_bytes(struct out *o, const char *s, size_t n)
{
    while (n > 0) {
        size_t room = o->cap - o->len;
        if (room == 0) {
            if (o->fd < 0) {
                o->dropped += n;
                return;
            }
            out_flush(o);
            continue;
        }
        size_t k = n < room ? n : room;
        memcpy(o->mem + o->len, s, k);
        o->len += k;
        s += k;
        n -= k;
    }
}

void out_char(struct out *o, char c)
{
    out_bytes(o, &c, 1);
}

void out_str(struct out *o, const char *s)
{
    if (s != NULL)
        out_bytes(o, s, strlen(s));
}

void out_uint(struct out *o, uint64_t v)
{
    char buf[20];
    size_t i = sizeof buf;
    do {
        buf[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    out_bytes(o, buf + i, sizeof buf - i);
}

void out_int(struct out *o, int64_t v)
{
    if (v < 0) {
        out_char(o, '-');
        out_uint(o, -(uint64_t)v);
        return;
    }
    out_uint(o, (uint64_t)v);
}

void out_hex(struct out *o, uint64_t v)
{
    char buf[18];
    size_t i = sizeof buf;
    do {
        buf[--i] = "0123456789abcdef"[v & 15];
        v >>= 4;
    } while (v != 0);
    buf[--i] = 'x';
    buf[--i] = '0';
    out_bytes(o, buf + i, sizeof buf - i);
}

void out_float(struct out *o, double v)
{
    enum { DIGITS = 7 };
    if (v != v) {
        out_str(o, "NaN");
        return;
    }
    if (v > 1.7976931348623157e308 || v < -1.7976931348623157e308) {
        out_str(o, v > 0 ? "+Inf" : "-Inf");
        return;
    }
    char buf[DIGITS + 7];
    buf[0] = '+';
    int e = 0;
    if (v == 0) {
        if (__builtin_signbit(v))
            buf[0] = '-';
    } else {
        if (v < 0) {
            v = -v;
            buf[0] = '-';
        }
        while (v >= 10) {
            e++;
            v /= 10;
        }
        while (v < 1) {
            e--;
            v *= 10;
        }
        double h = 5;
        for (int i = 0; i < DIGITS; i++)
            h /= 10;
        v += h;
        if (v >= 10) {
            e++;
            v /= 10;
        }
    }
    for (int i = 0; i < DIGITS; i++) {
        int d = (int)v;
        buf[i + 2] = (char)('0' + d);
        v = (v - d) * 10;
    }
    buf[1] = buf[2];
    buf[2] = '.';
    buf[DIGITS + 2] = 'e';
    buf[DIGITS + 3] = e < 0 ? '-' : '+';
    if (e < 0)
        e = -e;
    buf[DIGITS + 4] = (char)('0' + e / 100);
    buf[DIGITS + 5] = (char)('0' + e / 10 % 10);
    buf[DIGITS + 6] = (char)('0' + e % 10);
    out_bytes(o, buf, sizeof buf);
}

void out_ms(struct out *o, int64_t ns)
{
    int64_t us = ns / 1000;
    int64_t cut = 1;
    if (ns >= 10000000) {
        out_int(o, ns / 1000000);
        return;
    }
    while (us / cut >= 100)
        cut *= 10;
    us = us / cut * cut;
    if (us == 0) {
        out_char(o, '0');
        return;
    }
    out_int(o, us / 1000);
    out_char(o, '.');
    char digits[3] = {(char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                      (char)('0' + us % 10)};
    out_bytes(o, digits, cut >= 100 ? 1 : cut >= 10 ? 2 : 3);
}

void print(const char *fmt, ...)
{
    struct out o;
    va_list ap;
    out_init_fd(&o, 2);
    va_start(ap, fmt);
    for (; *fmt != '\0'; fmt++) {
        if (*fmt != '%') {
            out_char(&o, *fmt);
            continue;
        }
        switch (*++fmt) {
        case 's':
            out_str(&o, va_arg(ap, const char *));
            break;
        case 'd':
            out_int(&o, va_arg(ap, int64_t));
            break;
        case 'u':
            out_uint(&o, va_arg(ap, uint64_t));
            break;
        case 'x':
            out_hex(&o, va_arg(ap, uint64_t));
            break;
        default:
            out_char(&o, *fmt);
        }
    }
    va_end(ap);
    out_flush(&o);
}
