/* knobs.c: GODEBUG, GOTRACEBACK, GOMAXPROCS, GOGC, GOMEMLIMIT, GOROOT.
 *
 * Owns    the parsed environment. Written by conf_init before the first goroutine, read plainly
 *         afterwards; only the traceback setting may grow later (conf_set_traceback), and the largest
 *         stack is a setting of the program (debug.SetMaxStack).
 */
#include "conf/conf.h"
#include "conf/cpu.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/fmt.h"
#include "os/os.h"

#include <string.h>

struct knobs knobs = {
#define KNOB(name, def, text) .name = def,
#include "conf/knobs.def"
#undef KNOB
};

/* GOTRACEBACK as Go keeps it: flags in the low bits, the level above. */
enum { TB_CRASH = 1, TB_ALL = 2, TB_SHIFT = 2 };
static au32 traceback = {2u << TB_SHIFT}; /* until the environment is read */
static uint32_t traceback_env;
static const char *goroot = "";
au64 conf_max_stack = {1000000000};

bool conf_parse_int32(const char *s, size_t n, int32_t *out)
{
    bool minus = n > 0 && s[0] == '-';
    int64_t v = 0;
    if (n == 0)
        return false;
    for (size_t i = minus ? 1 : 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (s[i] - '0');
        if (v > (int64_t)INT32_MAX + 1)
            return false;
    }
    if (minus)
        v = -v;
    if (v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

static void set_knob(const char *key, size_t nkey, const char *value, size_t nvalue)
{
    static const struct {
        const char *name;
        int32_t *at;
    } table[] = {
#define KNOB(name, def, text) {#name, &knobs.name},
#include "conf/knobs.def"
#undef KNOB
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        int32_t v;
        if (strlen(table[i].name) == nkey && memcmp(table[i].name, key, nkey) == 0 &&
            conf_parse_int32(value, nvalue, &v))
            *table[i].at = v;
    }
}

static void parse_godebug(const char *s)
{
    while (s != NULL && *s != '\0') {
        const char *end = strchrnul(s, ',');
        const char *eq = memchr(s, '=', (size_t)(end - s));
        if (eq != NULL)
            set_knob(s, (size_t)(eq - s), eq + 1, (size_t)(end - eq - 1));
        s = *end == ',' ? end + 1 : end;
    }
}

bool conf_godebug_string(const char *name, char *value, size_t n)
{
    const char *s = os_env("GODEBUG");
    size_t nname = strlen(name);
    while (s != NULL) {
        const char *end = strchrnul(s, ',');
        if (strncmp(s, name, nname) == 0 && s[nname] == '=') {
            s += nname + 1;
            size_t len = (size_t)(end - s);
            if (len == 0 || len >= n)
                return false;
            memcpy(value, s, len);
            value[len] = '\0';
            return true;
        }
        s = *end == ',' ? end + 1 : NULL;
    }
    return false;
}

static bool parse_uint32(const char *s, uint32_t *out)
{
    uint64_t v = 0;
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (uint64_t)(*s - '0');
        if (v > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)v;
    return true;
}

static uint32_t parse_traceback(const char *s)
{
    uint32_t n;
    if (s == NULL || *s == '\0' || strcmp(s, "single") == 0)
        return 1u << TB_SHIFT;
    if (strcmp(s, "none") == 0)
        return 0;
    if (strcmp(s, "all") == 0)
        return (1u << TB_SHIFT) | TB_ALL;
    if (strcmp(s, "system") == 0)
        return (2u << TB_SHIFT) | TB_ALL;
    if (strcmp(s, "crash") == 0)
        return (2u << TB_SHIFT) | TB_ALL | TB_CRASH;
    if (parse_uint32(s, &n))
        return ((n > 0xffffff ? 0xffffff : n) << TB_SHIFT) | TB_ALL;
    return TB_ALL;
}

struct traceback_conf conf_traceback(void)
{
    uint32_t t = load_rlx(&traceback);
    return (struct traceback_conf){t >> TB_SHIFT, (t & TB_ALL) != 0, (t & TB_CRASH) != 0};
}

void conf_set_traceback(const char *level)
{
    store_rlx(&traceback, parse_traceback(level) | traceback_env);
}

void conf_init(void)
{
    const char *godebug = os_env("GODEBUG");
    cpu_init(godebug);
    parse_godebug(godebug);
    traceback_env = parse_traceback(os_env("GOTRACEBACK"));
    store_rlx(&traceback, traceback_env);
    const char *root = os_env("GOROOT");
    if (root != NULL && *root != '\0')
        goroot = root;
}

int conf_gomaxprocs(int cpus)
{
    const char *s = os_env("GOMAXPROCS");
    int32_t n;
    if (s != NULL && conf_parse_int32(s, strlen(s), &n) && n > 0)
        return n;
    return cpus;
}

int32_t conf_gogc(void)
{
    const char *s = os_env("GOGC");
    int32_t n;
    if (s == NULL)
        return 100;
    if (strcmp(s, "off") == 0)
        return -1;
    if (!conf_parse_int32(s, strlen(s), &n))
        return 100;
    return n < 0 ? -1 : n;
}

static int unit_shift(const char *suffix)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (*suffix == '\0')
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(suffix, units[i]) == 0)
            return 10 * (int)i;
    return -1;
}

bool conf_parse_bytes(const char *s, int64_t *out)
{
    int64_t v = 0;
    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_add_overflow(v, (int64_t)(*s - '0'), &v))
            return false;
    int shift = unit_shift(s);
    if (shift < 0 || v > INT64_MAX >> shift)
        return false;
    *out = v << shift;
    return true;
}

int64_t conf_memory_limit(void)
{
    const char *s = os_env("GOMEMLIMIT");
    int64_t bytes;
    if (s == NULL || *s == '\0' || strcmp(s, "off") == 0)
        return INT64_MAX;
    if (!conf_parse_bytes(s, &bytes)) {
        print("GOMEMLIMIT=%s\n", s);
        throw("malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`");
    }
    return bytes;
}

size_t conf_stack_bytes(void)
{
    static const struct {
        const char *suffix;
        size_t unit;
    } units[] = {{"", 1}, {"B", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}};
    const char *s = os_env("GORT_STACK");
    size_t v = 0;
    if (s == NULL || *s < '0' || *s > '9')
        return 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (v > STACK_BYTES_MAX)
            return 0;
        v = v * 10 + (size_t)(*s - '0');
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(s, units[i].suffix) == 0 && v <= STACK_BYTES_MAX / units[i].unit)
            return v * units[i].unit;
    return 0;
}

const char *conf_goroot(void)
{
    return goroot;
}
