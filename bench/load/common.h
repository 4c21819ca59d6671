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

/* The processes of the server, by the clocks that count their processor time. */
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

static void add_server_process(const char *pid) {
    if (server_processes == MAX_PROCESSES) stop("the server has too many processes");
    errno = clock_getcpuclockid(atoi(pid), &server_clocks[server_processes]);
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
