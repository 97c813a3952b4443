/* chan_wait_reasons.c: what goroutines that wait for channels are said to do. */
#include <gort/chan.h>
#include <gort/go.h>
#include <gort/time.h>

static gort_chan *c;

static void sender(void)
{
    gort_chan_send(c, &(int){1});
}
static void selecter(void)
{
    gort_select_case k[] = {GORT_RECV(gort_make_chan(int, 0), NULL), GORT_RECV(NULL, NULL)};
    gort_select(k, 2);
}
static void selecter_of_nil(void)
{
    gort_select_case k[] = {GORT_SEND(NULL, &(int){1}), GORT_RECV(NULL, NULL)};
    gort_select(k, 2);
}
static void selecter_of_nothing(void)
{
    gort_select(NULL, 0);
}

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 0);
    gort_go(sender);
    gort_sleep(2 * GORT_MILLISECOND);
    gort_go(selecter);
    gort_sleep(2 * GORT_MILLISECOND);
    gort_go(selecter_of_nil);
    gort_sleep(2 * GORT_MILLISECOND);
    gort_go(selecter_of_nothing);
    gort_sleep(2 * GORT_MILLISECOND);
    gort_chan_recv(gort_make_chan(int, 0), NULL);
    return 0;
}
GORT_MAIN(start)
// env: GOTRACEBACK=all
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^goroutine 1 \[chan receive\]:$
// expect-re: ^goroutine \d+ \[chan send\]:$
// expect-re: ^goroutine \d+ \[select\]:$
// expect-re: ^goroutine \d+ \[select\]:$
// expect-re: ^goroutine \d+ \[select \(no cases\)\]:$
// exit: 2
