/* What both load generators need: clocks, and the processor time of the server. */
#ifndef COMMON_H
#define COMMON_H

#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROCESSES = 64 };

/* The processes of the server, and the clocks that count their processor time. */
static int server_pids[MAX_PROCESSES];
static clockid_t server_clocks[MAX_PROCESSES];
static int server_processes;

static void stop(const char *why) {
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static double read_clock(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t) < 0) stop("a process of the server has ended");
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double now(void) { return read_clock(CLOCK_MONOTONIC); }

static double own_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static double server_cpu(void) {
    double sum = 0;
    for (int i = 0; i < server_processes; i++) sum += read_clock(server_clocks[i]);
    return sum;
}

/* Where the server has spent its time, in clock ticks: coarser than the clocks above, which do not
 * tell its own code and the kernel's apart (proc_pid_stat(5), fields 14 and 15). */
struct ticks {
    unsigned long own, kernel;
};

static struct ticks server_ticks(void) {
    struct ticks sum = {0};
    for (int i = 0; i < server_processes; i++) {
        char path[32];
        snprintf(path, sizeof path, "/proc/%d/stat", server_pids[i]);
        FILE *file = fopen(path, "r");
        unsigned long own, kernel;
        if (!file || fscanf(file, "%*d (%*[^)]) %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
                            &own, &kernel) != 2)
            stop("a process of the server has ended");
        fclose(file);
        sum.own += own;
        sum.kernel += kernel;
    }
    return sum;
}

/* The part of the server's processor time that was the kernel's. */
static double kernel_share(struct ticks before) {
    struct ticks after = server_ticks();
    double own = after.own - before.own, kernel = after.kernel - before.kernel;
    return own + kernel > 0 ? kernel / (own + kernel) : 0;
}

static void add_server_process(const char *pid) {
    if (server_processes == MAX_PROCESSES) stop("the server has too many processes");
    server_pids[server_processes] = atoi(pid);
    errno = clock_getcpuclockid(server_pids[server_processes], &server_clocks[server_processes]);
    if (errno) fail("the server's clock");
    server_processes++;
}

/* A socket that connects to the server, without waiting for it. */
static int start_connecting(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) fail("socket");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* Closed with a reset: thousands of sockets in TIME_WAIT would use up the ports. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect");
    return fd;
}

static int connection_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

#endif
