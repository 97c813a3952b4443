/* process.c: Prometheus' process collector: what the kernel says of this process.
 *
 * Holds   1. What the kernel does not tell is left out, not 0.
 */
#include "http_int.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The text of a file, ended by a zero byte; NULL: none. */
static char *file(const char *path)
{
    struct text t = {0};
    if (http_read_file(&t, path))
        text_bytes(&t, "", 1);
    else
        t.failed = true;
    if (t.failed)
        text_free(&t);
    return t.p;
}

static void counter(struct text *t, const char *name, const char *help, double v)
{
    prometheus_double(t, name, "counter", help, v);
}

static void gauge(struct text *t, const char *name, const char *help, double v)
{
    prometheus_double(t, name, "gauge", help, v);
}

/* When the system was started, in seconds since 1970; 0: not told. */
static double boot_time(void)
{
    char *text = file("/proc/stat");
    const char *p = text == NULL ? NULL : strstr(text, "\nbtime ");
    double t = p == NULL ? 0 : strtod(p + 7, NULL);
    free(text);
    return t;
}

/* /proc/self/stat; the name in parentheses may hold anything, so what counts begins behind the last one. */
static void from_stat(struct text *t)
{
    unsigned long long user, sys, start, bytes, pages;
    const double tick = (double)sysconf(_SC_CLK_TCK);
    char *text = file("/proc/self/stat");
    const char *p = text == NULL ? NULL : strrchr(text, ')');
    int n =
        p == NULL
            ? 0
            : sscanf(p + 1,
                     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
                     "%*d %llu %llu %llu",
                     &user, &sys, &start, &bytes, &pages);
    free(text);
    if (n != 5)
        return;
    counter(t, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
            (double)(user + sys) / tick);
    gauge(t, "process_virtual_memory_bytes", "Virtual memory size in bytes.", (double)bytes);
    gauge(t, "process_resident_memory_bytes", "Resident memory size in bytes.",
          (double)pages * (double)sysconf(_SC_PAGESIZE));
    double boot = boot_time();
    if (boot > 0)
        gauge(t, "process_start_time_seconds", "Start time of the process since 1970 in seconds.",
              boot + (double)start / tick);
}

static void open_files(struct text *t)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    gauge(t, "process_open_fds", "Number of open file descriptors.", (double)(n - 1));
}

static double limit_of(int what)
{
    struct rlimit l;
    if (getrlimit((__rlimit_resource_t)what, &l) != 0 || l.rlim_cur == RLIM_INFINITY)
        return 18446744073709551615.0;
    return (double)l.rlim_cur;
}

/* The number in the column of `line` that `head` names; both lines begin with the same word. */
static bool column(const char *head, const char *line, const char *name, double *v)
{
    size_t n = strlen(name);
    for (;;) {
        size_t a = strcspn(head, " \n"), b = strcspn(line, " \n");
        if (a == n && memcmp(head, name, n) == 0) {
            *v = strtod(line, NULL);
            return b > 0;
        }
        if (head[a] != ' ' || line[b] != ' ')
            return false;
        head += a + 1;
        line += b + 1;
    }
}

static void network(struct text *t)
{
    char *text = file("/proc/self/net/netstat");
    const char *head = text == NULL ? NULL : strstr(text, "IpExt: ");
    const char *line = head == NULL ? NULL : strstr(head + 1, "IpExt: ");
    double v;
    if (line != NULL && column(head, line, "InOctets", &v))
        counter(t, "process_network_receive_bytes_total",
                "Number of bytes received by the process over the network.", v);
    if (line != NULL && column(head, line, "OutOctets", &v))
        counter(t, "process_network_transmit_bytes_total",
                "Number of bytes sent by the process over the network.", v);
    free(text);
}

void http_process_metrics(struct text *t)
{
    from_stat(t);
    open_files(t);
    gauge(t, "process_max_fds", "Maximum number of open file descriptors.",
          limit_of(RLIMIT_NOFILE));
    gauge(t, "process_virtual_memory_max_bytes",
          "Maximum amount of virtual memory available in bytes.", limit_of(RLIMIT_AS));
    network(t);
}
