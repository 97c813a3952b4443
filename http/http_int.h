/* http_int.h: the debug server's files, among themselves. */
#ifndef HTTP_INT_H
#define HTTP_INT_H

#include <gort/base.h>
#include <gort/sync.h>

#include <stdarg.h>
#include <sys/types.h>

struct MHD_Connection;
struct MHD_Daemon;

/* ---- text.c: text that grows */
struct text {
    char *p; /* of malloc; not terminated */
    size_t len, room;
    bool failed; /* there was no memory: what is there is not all */
};
void text_bytes(struct text *t, const char *p, size_t n);
void text_add(struct text *t, const char *s);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);
/* The bytes as UTF-8 that means the same inside an element or attribute of HTML. */
void text_html(struct text *t, const char *p, size_t n);
/* The bytes as a JSON string, quotes included, that may also stand inside a <script>. */
void text_json(struct text *t, const char *p, size_t n);
/* The bytes as the value of a Prometheus label, without the quotes. */
void text_label(struct text *t, const char *p, size_t n);
/* The shortest digits that read back as `v`; NaN, +Inf, -Inf as Prometheus spells them. */
void text_double(struct text *t, double v);

/* ---- uri.c: what a client may ask for */
/* %XX decoded into `out`, which has room for n + 1; a `+` becomes a blank where `plus`. False at a broken
 * escape and at a zero byte. */
bool uri_decode(const char *p, size_t n, bool plus, char *out);
/* The first value of `key` in the query string, decoded, in a string of malloc; "" where there is none, as
 * Go's FormValue. NULL: no memory. */
char *uri_value(const char *query, const char *key);
/* As Go's strconv: the whole string is one number. Out of range, *v is the nearest and the result false. */
bool uri_int(const char *s, int64_t *v);
bool uri_float(const char *s, double *v);
/* ParseUint with base 0: 0x, 0b, 0o and 0 before the digits, and single underscores between them. */
bool uri_uint_any_base(const char *s, size_t n, uint64_t *v);

/* ---- one request */
enum { METHOD_GET = 1, METHOD_POST = 2 };

struct answer {
    int status;
    const char *type;     /* Content-Type */
    char *disposition;    /* Content-Disposition, of malloc; or NULL */
    const char *location; /* of a redirection; or NULL */
    const char *allow;    /* the methods that are; or NULL */
    bool pprof_error;     /* with X-Go-Pprof: pprof shows the text only then */
    bool page;            /* a page of ours: says what its scripts may do */
    char nonce[33];       /* that its script carries */
    struct text text;     /* the body, or */
    int fd;               /* a file of which it is all; -1: none */
    bool stream;          /* the body comes in parts, from http_stream_write */
};

struct route;
struct connection;

struct request {
    struct server *server;
    /* const, once the job runs: */
    struct MHD_Connection *mhd;
    struct connection *connection;
    const struct route *route;
    char *path;       /* decoded */
    const char *name; /* the end of it, where the route is a folder */
    char *query;      /* as it was sent, without the `?`; "" */
    struct text body; /* of a POST */
    int cancel_fd;    /* readable once nobody waits for the answer any more */
    /* the job, until it has posted it: */
    struct answer answer;
    const char *chunk;
    size_t chunk_len;
    /* the server's goroutine: */
    bool begun;      /* the headers are there */
    bool attached;   /* a connection has it */
    bool job;        /* a goroutine has it */
    bool suspended;  /* its connection is */
    bool ready;      /* the answer, but for the body of a stream */
    bool finished;   /* the job */
    bool have_chunk; /* chunk[chunk_pos, chunk_len) is to be sent */
    size_t chunk_pos;
    unsigned todo; /* TODO_*, after the turn */
    struct request *next_touched, *next_arrived;
    /* server.lock: */
    unsigned posted;
    struct request *next_posted;
    /* atomic: */
    uint32_t gone;
    gort_sema consumed;
};

/* ---- route.c: which function answers which path */
struct route {
    const char *path; /* with a `/` at its end: all below it, too */
    unsigned methods;
    void (*answer)(struct request *r); /* on a goroutine of its own; may take its time */
};
const struct route *http_route(const char *path, const char **name);

/* ---- answer.c: for those who answer */
void http_text(struct request *r, int status, const char *type);
/* A line of plain text; `%s` and so on are allowed. */
void http_error(struct request *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, as Go's net/http/pprof says it. */
void http_pprof_error(struct request *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void http_attachment(struct request *r, const char *name);
/* A page with a fresh nonce for its script. */
void http_page(struct request *r);
/* Lets `ns` pass. False, early, when nobody waits for the answer any more. */
bool http_wait(struct request *r, int64_t ns);
/* An empty file in memory, or -1 with the answer set to an error. */
int http_file(struct request *r);
/* The file is the answer. Gives up `fd`. */
void http_send_file(struct request *r, int fd);
/* All of a file of the system, such as one in /proc, into t; false if it cannot be read. */
bool http_read_file(struct text *t, const char *path);

/* ---- the pages */
void http_root(struct request *r);
void http_index(struct request *r);
void http_cmdline(struct request *r);
void http_symbol(struct request *r);
void http_profile(struct request *r);
void http_trace(struct request *r);
void http_named(struct request *r);
void http_metrics(struct request *r);
void http_vars(struct request *r);
void http_goroutines(struct request *r);

extern const char http_page_goroutines[], http_page_goroutines_end[];
extern const char http_page_script[], http_page_script_end[];
extern const char http_page_style[], http_page_style_end[];

/* ---- process.c: Prometheus' process collector */
void http_process_metrics(struct text *t);

/* ---- prometheus.c: what /metrics is made of */
/* The name of a metric of Go's package for Prometheus: "/a/b-c:unit-x" is go_a_b_c_unit_x. */
void prometheus_name(struct text *t, const char *name, bool total);
/* The bounds that are left when only those about `base` times apart are kept; `bounds` is overwritten.
 * Returns how many. `to_one`: those above 1 are one. */
size_t prometheus_rebucket(double *bounds, size_t n, double base, bool to_one);
void prometheus_head(struct text *t, const char *name, const char *type, const char *help);
void prometheus_u64(struct text *t, const char *name, const char *type, const char *help,
                    uint64_t v);
void prometheus_double(struct text *t, const char *name, const char *type, const char *help,
                       double v);

/* ---- dump.c: all goroutines, read from the text of gort_stack and put into groups */
struct piece {
    const char *p;
    size_t n;
};
struct dump_frame {
    struct piece function, file; /* file: with its line; empty if unknown */
};
enum { DUMP_STUCK = 1, DUMP_LEAKED = 2, DUMP_LEAK = 4, DUMP_CONVOY = 8 };
struct dump_goroutine {
    uint64_t id;
    struct piece state; /* without what stands behind the first comma */
    uint64_t minutes;
    bool locked;
    bool leaked; /* as gort_goroutine_leaks found */
    bool ours;   /* of the debug server */
    size_t frame, nframes;
    struct dump_frame created; /* the function is empty if nobody did */
    uint64_t creator;          /* 0: unknown */
    uint32_t hash;
    size_t group;
};
struct dump_group {
    size_t first, n;  /* in dump.order */
    uint64_t minutes; /* the longest wait */
    unsigned suspicion;
    bool ours;
};
struct dump {
    struct dump_goroutine *g; /* as printed */
    size_t n, room;
    struct dump_frame *frames;
    size_t nframes, frames_room;
    struct dump_group *groups; /* the most interesting first */
    size_t ngroups;
    size_t *order; /* indices of g: groups one after the other, the longest wait first */
    bool failed;   /* no memory */
    bool truncated;
    bool deadlock; /* nobody but the server can go on by itself */
};
/* `ours` are the numbers of the server's goroutines. The text must live as long as the dump. */
void dump_parse(struct dump *d, const char *text, size_t n, const uint64_t *ours, size_t nours);
void dump_json(struct text *t, const struct dump *d);
void dump_page(struct text *t, const struct dump *d, const char *nonce);
void dump_free(struct dump *d);

/* ---- jobs.c: what the server's goroutine and the jobs tell each other */
#define HTTP_MAX_JOBS 32
struct server {
    /* const: */
    struct MHD_Daemon *daemon;
    int listen_fd, wake_fd, poll_fd;
    gort_sema ended;
    /* the server's goroutine: */
    struct connection *connections;
    struct request *touched; /* by the last turn */
    struct request *arrived; /* jobs posted something about them */
    size_t njobs;
    bool quiet; /* stopping has begun */
    bool again; /* another turn is to follow at once */
    int64_t timeout_ms;
    /* atomic: */
    uint32_t stopping;
    gort_mutex lock;
    /* lock: */
    struct request *posted;
    uint64_t ids[2 * HTTP_MAX_JOBS + 2]; /* numbers of our goroutines; 0: free */
};
enum { POST_ANSWER = 1, POST_CHUNK = 2, POST_FINISHED = 4 };
void http_wake(struct server *s);
void http_post(struct request *r, unsigned what);
void http_job(struct request *r);
/* Our goroutines say when they begin and end, so that the page can tell them from the program's. */
size_t http_enter(struct server *s);
void http_leave(struct server *s, size_t place);
size_t http_ids(struct server *s, uint64_t *ids, size_t n);
/* The answer is complete but for its body, which follows. */
void http_stream_begin(struct request *r);
/* The next part; returns when it was taken. False: nobody wants any more. */
bool http_stream_write(struct request *r, const char *p, size_t n);
bool http_gone(struct request *r);
void http_cancel(struct request *r);
void request_free(struct request *r);

/* ---- daemon.c: libmicrohttpd, which runs in http_turn only */
void http_daemon_start(void *server); /* sets daemon, or NULL */
enum { TODO_START = 1, TODO_CONSUMED = 2, TODO_LEFT = 4 };
void http_turn(void *server);
void http_daemon_stop(void *server);
/* The sockets to watch for clients that hang up; returns how many. */
struct pollfd;
size_t http_watched(struct server *s, struct pollfd *fds, struct connection **who, size_t n);
void http_hung_up(struct connection *c); /* that one has */
/* Tells the jobs for which nobody waits any more. */
void http_cancel_unwanted(struct server *s);

#endif
