/* The program dies; its flight recorder leaves a trace of the last moments. The file is read by whoever runs
 * this with TRACE_FILE set; here, only that it is one. */
// expect-re: panic: doomed
// expect-re: trace of at least
#include <gort.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static gort_chan *c;

static void echo(void)
{
    int v;
    while (gort_chan_recv(c, &v))
        gort_chan_send(c, &v);
}

static char path[4096];

static int doomed(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 0);
    gort_go(echo);
    if (gort_trace_flight_start(&(gort_trace_flight_options){.crash_path = path}) != 0)
        perror("start");
    for (int i = 0; i < 3000; i++) {
        gort_chan_send(c, &i);
        gort_chan_recv(c, &i);
    }
    gort_panic(gort_any_string("doomed"));
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("TRACE_FILE");
    struct stat st = {0};
    char head[16] = "";
    strcpy(path, wanted != NULL ? wanted : "/tmp/exec_crash.XXXXXX");
    if (wanted == NULL)
        close(mkstemp(path));
    pid_t pid = fork();
    if (pid == 0)
        _exit(gort_run(doomed, argc, argv));
    int status, fd;
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) != 2 || (fd = open(path, O_RDONLY)) < 0 || fstat(fd, &st) != 0 ||
        read(fd, head, 16) != 16 || memcmp(head, "go 1.23 trace\0\0", 15) != 0)
        printf("exit status %d\n", WEXITSTATUS(status));
    if (st.st_size > 10000)
        printf("trace of at least 10000 bytes\n");
    if (wanted == NULL)
        unlink(path);
    return 0;
}
