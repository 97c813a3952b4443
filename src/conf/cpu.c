/* cpu.c: instruction sets, and GODEBUG=cpu.*.
 *
 * Owns    the table of features. Written once by cpu_init, read plainly.
 */
#include "conf/cpu.h"

#include "base/fmt.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>

static bool cpuid_bit(unsigned leaf, unsigned reg, unsigned bit)
{
    unsigned r[4] = {0};
    return __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]) != 0 && (r[reg] >> bit & 1) != 0;
}
static bool cpu_has_erms(void)
{
    return cpuid_bit(7, 1, 9);
}
static bool cpu_has_sha(void)
{
    return cpuid_bit(7, 1, 29);
}
static bool cpu_has_rdtscp(void)
{
    return cpuid_bit(0x80000001u, 3, 27);
}
#else
#include <sys/auxv.h>
static bool cpu_hwcap(unsigned bit)
{
    return (getauxval(AT_HWCAP) >> bit & 1) != 0;
}
#endif

static struct {
    const char *name;
    bool here; /* the processor has it */
    bool use;
    bool named; /* GODEBUG speaks of it */
    bool want;
} features[CPU_FEATURES] = {
#define CPU(n, builtin) [CPU_##n] = {.name = #n},
#include "conf/cpu.def"
#undef CPU
};

static void probe(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#define CPU(n, builtin) features[CPU_##n].here = features[CPU_##n].use = (builtin) != 0;
#include "conf/cpu.def"
#undef CPU
}

static void complain(const char *before, const char *word, size_t n, const char *after)
{
    struct out o;
    out_init_fd(&o, 2);
    out_str(&o, before);
    out_bytes(&o, word, n);
    out_str(&o, after);
    out_flush(&o);
}

static void complain_value(const char *value, size_t nvalue, const char *key, size_t nkey)
{
    struct out o;
    out_init_fd(&o, 2);
    out_str(&o, "GODEBUG: value \"");
    out_bytes(&o, value, nvalue);
    out_str(&o, "\" not supported for cpu option \"");
    out_bytes(&o, key, nkey);
    out_str(&o, "\"\n");
    out_flush(&o);
}

static void want_feature(const char *key, size_t nkey, bool on)
{
    bool known = nkey == 3 && memcmp(key, "all", 3) == 0;
    bool all = known;
    for (size_t i = 0; i < CPU_FEATURES; i++) {
        if (all || (strlen(features[i].name) == nkey && memcmp(features[i].name, key, nkey) == 0)) {
            features[i].named = true;
            features[i].want = on;
            known = true;
        }
    }
    if (!known)
        complain("GODEBUG: unknown cpu feature \"", key, nkey, "\"\n");
}

/* One entry cpu.KEY=VALUE, without the "cpu.". */
static void entry(const char *s, const char *end)
{
    const char *eq = memchr(s, '=', (size_t)(end - s));
    if (eq == NULL) {
        complain("GODEBUG: no value specified for \"cpu.", s, (size_t)(end - s), "\"\n");
        return;
    }
    size_t n = (size_t)(end - eq - 1);
    if (n == 2 && memcmp(eq + 1, "on", 2) == 0)
        want_feature(s, (size_t)(eq - s), true);
    else if (n == 3 && memcmp(eq + 1, "off", 3) == 0)
        want_feature(s, (size_t)(eq - s), false);
    else
        complain_value(eq + 1, n, s, (size_t)(eq - s));
}

void cpu_init(const char *godebug)
{
    probe();
    for (const char *s = godebug; s != NULL && *s != '\0';) {
        const char *end = strchrnul(s, ',');
        if (strncmp(s, "cpu.", 4) == 0 && end - s >= 4)
            entry(s + 4, end);
        s = *end == ',' ? end + 1 : end;
    }
    for (size_t i = 0; i < CPU_FEATURES; i++) {
        if (!features[i].named)
            continue;
        if (features[i].want && !features[i].here)
            complain("GODEBUG: can not enable \"", features[i].name, strlen(features[i].name),
                     "\", missing CPU support\n");
        else
            features[i].use = features[i].want;
    }
}

bool cpu_has(enum cpu_feature f)
{
    return features[f].use;
}
