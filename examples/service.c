/* service.c: a shop that takes orders, with four faults that the tools find. docs/diagnose.md is the walk.
 *
 *     service [-http ADDRESS] [-orders N] [-fixed leak,convoy,stuck,loop]
 *
 * Serves the debug pages on ADDRESS (localhost:6060; `-` for none), takes N orders (0: until it is killed) from customers that it
 * invents, and says at the end what it did. The faults:
 *
 *   leak     each order is kept in a journal that nobody ever empties           heap profile
 *   convoy   the price list is locked while a slow supplier is asked            block and mutex profile
 *   stuck    a courier reports to a customer who has stopped waiting            goroutine profile, /debug/goroutines
 *   loop     receipts are signed a bit at a time                                CPU profile
 *
 * -fixed names those that are to be mended, `all` for all of them.
 */
// link: http
#include <gort.h>
#include <gort/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ll

enum { CUSTOMERS = 8, ARTICLES = 64, RECEIPT_BYTES = 2048 };

static struct {
    bool leak, convoy, stuck, loop;
} fixed;

/* ---- the journal */
typedef struct entry entry;
struct entry {
    entry *older;
    char *receipt;
    int article;
};
GORT_TYPE(entry, older, receipt)

static gort_mutex journal_lock;
static entry *journal;
static int journal_length;

static void forget_old_orders(void)
{
    enum { KEEP = 100 };
    entry *e = journal;
    for (int i = 1; e != NULL && i < KEEP; i++)
        e = e->older;
    if (e == NULL)
        return;
    e->older = NULL;
    journal_length = KEEP;
}

static __attribute__((noinline)) void remember_order(int article, const char *receipt)
{
    entry *e = gort_new(entry);
    e->article = article;
    e->receipt = gort_strdup(receipt);
    gort_mutex_lock(&journal_lock);
    e->older = journal;
    journal = e;
    journal_length++;
    if (fixed.leak)
        forget_old_orders();
    gort_mutex_unlock(&journal_lock);
}

/* ---- the price list */
static gort_mutex prices_lock;
static int prices[ARTICLES];

static int ask_supplier(int article)
{
    gort_sleep(2 * MS);
    return article * 3 + 1;
}

static __attribute__((noinline)) int price_of(int article)
{
    gort_mutex_lock(&prices_lock);
    int price = prices[article];
    if (price != 0) {
        gort_mutex_unlock(&prices_lock);
        return price;
    }
    if (fixed.convoy)
        gort_mutex_unlock(&prices_lock); /* two may ask for the same: no harm */
    price = ask_supplier(article);
    if (fixed.convoy)
        gort_mutex_lock(&prices_lock);
    prices[article] =
        article % 4 == 0 ? 0 : price; /* every fourth article has a new price each time */
    gort_mutex_unlock(&prices_lock);
    return price;
}

/* ---- receipts */
static uint32_t table[256];

static inline uint32_t one_bit(uint32_t sum)
{
    return sum & 1 ? sum >> 1 ^ 0xedb88320u : sum >> 1;
}

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t sum = i;
        for (int bit = 0; bit < 8; bit++)
            sum = one_bit(sum);
        table[i] = sum;
    }
}

static __attribute__((noinline)) uint32_t sign_receipt(const char *text, size_t n)
{
    uint32_t sum = ~0u;
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < n; i++) {
            sum ^= (unsigned char)text[i];
            if (fixed.loop) {
                sum = table[sum & 255] ^ sum >> 8;
                continue;
            }
            for (int bit = 0; bit < 8; bit++)
                sum = one_bit(sum);
        }
    return ~sum;
}

/* ---- deliveries */
static void courier(gort_chan *done, int article)
{
    int days = article % 10;
    gort_sleep(days * MS / 2);
    gort_chan_send(done, &days);
}

static __attribute__((noinline)) bool deliver(int article)
{
    gort_chan *done =
        gort_make_chan(int, fixed.stuck ? 1 : 0); /* with room for one, a report waits for nobody */
    int days;
    gort_go(courier, done, article);
    gort_select_case cases[] = {GORT_RECV(done, &days), GORT_RECV(gort_after(3 * MS), NULL)};
    return gort_select(cases, 2) == 0;
}

/* ---- orders */
static gort_chan *orders;
static gort_waitgroup shop;
static gort_mutex totals_lock;
static struct {
    int orders, late;
    long turnover;
    uint32_t signatures;
} totals;

static void take_order(int article)
{
    char receipt[RECEIPT_BYTES];
    gort_trace_task task = gort_trace_task_begin((gort_trace_task){0}, "order");
    gort_trace_region_begin(task, "price");
    int price = price_of(article);
    gort_trace_region_end(task, "price");
    memset(receipt, '.', sizeof receipt - 1);
    receipt[sizeof receipt - 1] = '\0';
    receipt[snprintf(receipt, sizeof receipt, "article %d, price %d", article, price)] = ' ';
    uint32_t signature = sign_receipt(receipt, sizeof receipt);
    remember_order(article, receipt);
    gort_trace_region_begin(task, "delivery");
    bool in_time = deliver(article);
    gort_trace_region_end(task, "delivery");
    gort_trace_task_end(task);
    gort_mutex_lock(&totals_lock);
    totals.orders++;
    totals.late += !in_time;
    totals.turnover += price;
    totals.signatures ^= signature;
    gort_mutex_unlock(&totals_lock);
}

static void customer_loop(void *arg)
{
    int article;
    (void)arg;
    while (gort_chan_recv(orders, &article))
        take_order(article);
}

static void customer(int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    gort_pprof_do(gort_pprof_with_labels(NULL, "customer", text, NULL), customer_loop, NULL);
    gort_waitgroup_done(&shop);
}

static void mend(const char *names)
{
    bool all = strcmp(names, "all") == 0;
    fixed.leak = all || strstr(names, "leak") != NULL;
    fixed.convoy = all || strstr(names, "convoy") != NULL;
    fixed.stuck = all || strstr(names, "stuck") != NULL;
    fixed.loop = all || strstr(names, "loop") != NULL;
}

static int run(int argc, char **argv)
{
    const char *address = "localhost:6060";
    long n = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-http") == 0)
            address = argv[i + 1];
        else if (strcmp(argv[i], "-orders") == 0)
            n = atol(argv[i + 1]);
        else if (strcmp(argv[i], "-fixed") == 0)
            mend(argv[i + 1]);
        else
            argc = 0;
    }
    if (argc % 2 == 0) {
        fputs("usage: service [-http ADDRESS] [-orders N] [-fixed leak,convoy,stuck,loop|all]\n",
              stderr);
        return 2;
    }
    gort_set_block_profile_rate(1000 * 1000);
    gort_set_mutex_profile_fraction(10);
    if (strcmp(address, "-") != 0) {
        int port = gort_debug_serve(address);
        if (port < 0) {
            perror("service: gort_debug_serve");
            return 1;
        }
        fprintf(stderr, "service: see http://localhost:%d/debug/pprof/ and /debug/goroutines\n",
                port);
    }
    make_table();
    orders = gort_make_chan(int, 16);
    gort_waitgroup_add(&shop, CUSTOMERS);
    for (int i = 0; i < CUSTOMERS; i++)
        gort_go(customer, i);
    for (long i = 0; n == 0 || i < n; i++) {
        int article = (int)(i * 7 % ARTICLES);
        gort_chan_send(orders, &article);
    }
    gort_chan_close(orders);
    gort_waitgroup_wait(&shop);
    printf("%d orders, turnover %ld, %d late, journal of %d, %d goroutines\n", totals.orders,
           totals.turnover, totals.late, journal_length, gort_num_goroutine());
    return 0;
}

GORT_MAIN(run)
