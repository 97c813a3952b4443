/* uri.c: paths, queries and numbers, as a client may have written them.
 *
 * Owns    the reading of what came from outside, in the way of Go's net/url and strconv.
 * Holds   1. Nothing is read behind the end of its string, whatever stands in it.
 */
#include "http_int.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uri_decode(const char *p, size_t n, bool plus, char *out)
{
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p[i];
        if (c == '%') {
            if (n - i < 3 || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
                return false;
            c = hex(p[i + 1]) * 16 + hex(p[i + 2]);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == 0)
            return false;
        *out++ = (char)c;
    }
    *out = 0;
    return true;
}

/* One `key=value` of a query: true if it is that key's; broken escapes make it nobody's. */
static bool value_of(const char *p, size_t n, const char *key, char *out)
{
    const char *eq = memchr(p, '=', n);
    size_t key_len = eq == NULL ? n : (size_t)(eq - p);
    if (memchr(p, ';', n) != NULL || !uri_decode(p, key_len, true, out) || strcmp(out, key) != 0)
        return false;
    return eq == NULL ? uri_decode("", 0, true, out)
                      : uri_decode(eq + 1, n - key_len - 1, true, out);
}

char *uri_value(const char *query, const char *key)
{
    char *out = malloc(strlen(query) + 1);
    for (const char *p = query; out != NULL;) {
        size_t n = strcspn(p, "&");
        if (value_of(p, n, key, out))
            return out;
        if (p[n] == 0)
            break;
        p += n + 1;
    }
    if (out != NULL)
        *out = 0;
    return out;
}

bool uri_int(const char *s, int64_t *v)
{
    const char *digits = s + (*s == '-' || *s == '+');
    char *end;
    *v = 0;
    if (!isdigit((unsigned char)*digits))
        return false;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    int err = errno;
    if (*end != 0)
        return false;
    *v = n;
    return err == 0;
}

bool uri_float(const char *s, double *v)
{
    const char *digits = s + (*s == '-' || *s == '+');
    char *end;
    *v = 0;
    if (!isdigit((unsigned char)*digits) && *digits != '.')
        return false;
    double d = strtod(s, &end);
    if (end == s || *end != 0)
        return false;
    *v = d;
    return isfinite(d);
}

bool uri_uint_any_base(const char *s, size_t n, uint64_t *v)
{
    unsigned base = 10;
    bool prefixed = false;
    size_t i = 0;
    if (n >= 3 && s[0] == '0' && !isdigit((unsigned char)s[1]) && s[1] != '_') {
        char c = (char)(s[1] | 0x20);
        base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
        prefixed = true;
        i = 2;
    } else if (n >= 2 && s[0] == '0') {
        base = 8;
        prefixed = true;
        i = 1;
    }
    if (base == 0 || i == n)
        return false;
    uint64_t sum = 0;
    bool digit = i == 1 || prefixed; /* an underscore may follow */
    for (; i < n; i++) {
        if (s[i] == '_' && digit && prefixed && i + 1 < n) {
            digit = false;
            continue;
        }
        int d = hex(s[i]);
        if (d < 0 || (unsigned)d >= base || __builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)d, &sum))
            return false;
        digit = true;
    }
    *v = sum;
    return true;
}
