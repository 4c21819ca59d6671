/* wsload: many WebSocket clients in one process, to measure a chat server with.
 *
 * All clients connect, some of them talk, and every message comes back to everybody. Each
 * message carries its number, as # and eight digits, so that a message is known for what it is
 * whatever a server wraps around it. Lines of JSON on standard output say what was seen.
 *
 * While it measures it never sleeps (unless --patient), so that the server does not pay for
 * waking it; what it spends on looking in vain does not count as its work. Linux only.
 */
#include "common.h"

enum { NUMBER = 9, MAX_FRAME = 1 << 20, MAX_EVENTS = 512, MAX_SECONDS = 600 };

static struct {
    int port, clients, at_once, senders, window, text_bytes, stalled;
    double rate, seconds, warm_up;
    double patience; /* seconds without a sign of life, or for what is slow */
    const char *path, *header, *before, *after, *hello, *ready;
    bool patient, hold;
} options = {
    .clients = 10, .at_once = 64, .senders = 1, .window = 1, .text_bytes = 16,
    .seconds = 1, .warm_up = 0.3, .patience = 10, .path = "/ws", .header = "",
    .before = "{\"type\": \"message\", \"text\": \"", .after = "\"}",
};

enum state { CONNECTING, SHAKING_HANDS, GREETING, OPEN, CLOSED };

struct client {
    int fd;
    enum state state;
    bool stalled;   /* once it is open, it never reads */
    char *rest;     /* of a frame that has not arrived as a whole */
    size_t rest_size;
    unsigned char *unsent; /* the end of a message that did not fit */
    size_t unsent_size;
};

static struct client *clients;
static int epoll, open_clients, closed_clients;

static unsigned char *frame; /* the message, masked, except for its number */
static size_t frame_size, number_at, payload_at;
static const unsigned char MASK[4] = {0x12, 0x34, 0x56, 0x78};

static double *sent_at; /* when each message was sent, or should have been */
static long sent, sent_room, first_measured, blocked;
static uint64_t deliveries, timely;
static bool measuring;
static double measured_since, clock_now;
static uint64_t per_second[MAX_SECONDS];

/* How long each delivery took, in microseconds: enough for percentiles. */
enum { LONGEST = 10 * 1000 * 1000 };
static uint32_t histogram[LONGEST + 1];

static void add_time(double seconds) {
    long us = seconds * 1e6;
    histogram[us < 0 ? 0 : us > LONGEST ? LONGEST : us]++;
}

/* The time, in milliseconds, that so many of `total` did not exceed; what was never timed
 * took longer than anything. Negative: there is no such time. */
static double percentile(double percent, uint64_t total) {
    uint64_t enough = total * percent / 100, sum = 0;
    for (long us = 0; us <= LONGEST; us++)
        if ((sum += histogram[us]) > enough) return us / 1000.0;
    return -1;
}

/* --- messages ------------------------------------------------------------------------------ */

static void prepare_frame(void) {
    size_t before = strlen(options.before), after = strlen(options.after);
    size_t text = options.text_bytes < NUMBER ? NUMBER : options.text_bytes;
    size_t size = before + text + after;
    frame = malloc(size + 14);
    frame[0] = 0x81; /* a whole message of text */
    if (size < 126) {
        frame[1] = 0x80 | size;
        payload_at = 2;
    } else if (size < 65536) {
        frame[1] = 0x80 | 126;
        frame[2] = size >> 8;
        frame[3] = size & 255;
        payload_at = 4;
    } else {
        fprintf(stderr, "--text-bytes: that is too long\n");
        exit(2);
    }
    memcpy(frame + payload_at, MASK, 4);
    payload_at += 4;
    unsigned char *payload = frame + payload_at;
    memcpy(payload, options.before, before);
    memset(payload + before, 'x', text);
    payload[before] = '#';
    memcpy(payload + before + text, options.after, after);
    for (size_t i = 0; i < size; i++) payload[i] ^= MASK[i & 3];
    number_at = before + 1;
    frame_size = payload_at + size;
}

static void write_number(long number) {
    for (int i = NUMBER - 2; i >= 0; i--, number /= 10) {
        size_t at = number_at + i;
        frame[payload_at + at] = ('0' + number % 10) ^ MASK[at & 3];
    }
}

static long read_number(const char *text) {
    long number = 0;
    for (int i = 0; i < NUMBER - 1; i++) number = number * 10 + (text[i] - '0');
    return number;
}

/* Send what did not fit before; say whether there is nothing left of it. */
static bool send_rest(struct client *sender) {
    if (!sender->unsent_size) return true;
    ssize_t size = send(sender->fd, sender->unsent, sender->unsent_size, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sender->unsent_size -= size;
    memmove(sender->unsent, sender->unsent + size, sender->unsent_size);
    return !sender->unsent_size;
}

/* Send the next message, if its sender's connection takes it; say whether it did. */
static bool send_message(double when) {
    struct client *sender = &clients[sent % options.senders];
    if (sender->state != OPEN) {
        blocked++; /* what was due and cannot be sent counts as missing */
        return false;
    }
    write_number(sent);
    ssize_t size = send_rest(sender) ? send(sender->fd, frame, frame_size, MSG_NOSIGNAL) : -1;
    if (size < 0) {
        blocked++;
        return false;
    }
    if ((size_t)size < frame_size) {
        sender->unsent_size = frame_size - size;
        sender->unsent = realloc(sender->unsent, frame_size);
        memcpy(sender->unsent, frame + size, sender->unsent_size);
    }
    if (sent == sent_room) {
        sent_room = sent_room ? 2 * sent_room : 1 << 16;
        sent_at = realloc(sent_at, sent_room * sizeof *sent_at);
    }
    sent_at[sent++] = when;
    return true;
}

static void send_control(struct client *client, int opcode, const char *text, size_t size) {
    char control[6 + 125] = {0x80 | opcode, 0x80 | size}; /* masked with zeros */
    memcpy(control + 6, text, size);
    (void)!send(client->fd, control, 6 + size, MSG_NOSIGNAL);
}

static void deliver(const char *number) {
    deliveries++;
    long which = read_number(number);
    if (!measuring || which < first_measured || which >= sent) return;
    timely++;
    add_time(clock_now - sent_at[which]);
    size_t second = clock_now - measured_since;
    if (second < MAX_SECONDS) per_second[second]++;
}

/* --- connections --------------------------------------------------------------------------- */

static void close_client(struct client *client) {
    if (client->state == OPEN && !client->stalled) open_clients--;
    client->state = CLOSED;
    closed_clients++;
    close(client->fd);
}

static void open_client(struct client *client) {
    client->state = OPEN;
    if (client->stalled) epoll_ctl(epoll, EPOLL_CTL_DEL, client->fd, NULL);
    else open_clients++;
}

static void handle_frame(struct client *client, int opcode, const char *payload, size_t size) {
    if (opcode == 9) send_control(client, 10, payload, size);
    if (opcode != 1 && opcode != 2) return;
    if (client->state == GREETING) {
        if (strncmp(payload, options.ready, strlen(options.ready)) == 0) open_client(client);
        return;
    }
    if (options.ready && size == 1 && *payload == '2') send_control(client, 1, "3", 1); /* a ping */
    const char *number = memchr(payload, '#', size);
    if (number) deliver(number + 1);
}

/* Handle all frames that are there as a whole; return how many bytes they took. */
static size_t handle_frames(struct client *client, const unsigned char *data, size_t size) {
    size_t at = 0;
    while (size - at >= 2) {
        size_t length = data[at + 1] & 127, header = 2;
        if (length == 126) {
            if (size - at < 4) break;
            length = data[at + 2] << 8 | data[at + 3];
            header = 4;
        } else if (length == 127) {
            if (size - at < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | data[at + i];
            header = 10;
        }
        if (size - at < header + length) break;
        handle_frame(client, data[at] & 15, (const char *)data + at + header, length);
        at += header + length;
    }
    return at;
}

/* Handle what the server answers to the handshake; return how many bytes that took. */
static size_t handle_handshake(struct client *client, char *data, size_t size) {
    data[size] = 0;
    char *end = strstr(data, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(data, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "the handshake was refused: %.*s\n", (int)strcspn(data, "\r"), data);
        exit(1);
    }
    if (options.hello) {
        client->state = GREETING;
        send_control(client, 1, options.hello, strlen(options.hello));
    } else {
        open_client(client);
    }
    return end + 4 - data;
}

static void receive(struct client *client) {
    static char data[2 * MAX_FRAME + 1];
    if (client->rest_size) memcpy(data, client->rest, client->rest_size);
    ssize_t got = recv(client->fd, data + client->rest_size, MAX_FRAME, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) close_client(client);
        return;
    }
    clock_now = now(); /* more may have arrived since the last look */
    size_t size = client->rest_size + got, at = 0;
    if (client->state == SHAKING_HANDS) at = handle_handshake(client, data, size);
    if (client->state >= GREETING)
        at += handle_frames(client, (unsigned char *)data + at, size - at);
    client->rest_size = size - at;
    if (client->rest_size > MAX_FRAME) {
        fprintf(stderr, "a frame is too long\n");
        exit(1);
    }
    if (client->rest_size) {
        client->rest = realloc(client->rest, client->rest_size);
        memcpy(client->rest, data + at, client->rest_size);
    }
}

static void shake_hands(struct client *client) {
    if (connection_error(client->fd)) {
        close_client(client);
        return;
    }
    char request[4096];
    int size = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:%d\r\n%s%s\r\n",
        options.path, options.port, options.port, options.header, *options.header ? "\r\n" : "");
    if (send(client->fd, request, size, MSG_NOSIGNAL) != size) {
        close_client(client);
        return;
    }
    client->state = SHAKING_HANDS;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &event);
}

static void start_client(struct client *client) {
    client->fd = start_connecting(options.port);
    client->state = CONNECTING;
    int small = 4096;
    if (client->stalled)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
}

/* Handle what has happened, or will within so many milliseconds; return how much it was. */
static int look(int patience) {
    struct epoll_event events[MAX_EVENTS];
    int found = epoll_wait(epoll, events, MAX_EVENTS, patience);
    clock_now = now();
    for (int i = 0; i < found; i++) {
        struct client *client = events[i].data.ptr;
        if (client->state == CONNECTING) shake_hands(client);
        else if (client->state != CLOSED) receive(client);
    }
    return found;
}

/* --- one run ------------------------------------------------------------------------------- */

static void connect_all(void) {
    double began = now();
    int all = options.clients + options.stalled, started = 0, stalled_open = 0;
    while (open_clients + stalled_open < all) {
        /* Those who will stall come last: nobody should wait for them to get in. */
        while (started < all && started - open_clients - stalled_open < options.at_once) {
            clients[started].stalled = started >= options.clients;
            start_client(&clients[started++]);
        }
        look(100);
        stalled_open = 0;
        for (int i = options.clients; i < all; i++) stalled_open += clients[i].state == OPEN;
        if (closed_clients || now() - began > 60) {
            fprintf(stderr, "%d of %d clients got in\n", open_clients, options.clients);
            exit(1);
        }
    }
    printf("{\"event\": \"connected\", \"seconds\": %.5f}\n", now() - began);
    fflush(stdout);
}

static void hold(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int found = epoll_wait(epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < found; i++) {
            if (!events[i].data.ptr) return; /* standard input has ended: so may we */
            receive(events[i].data.ptr);
        }
    }
}

/* Send what is due: by the clock, or as soon as fewer than `window` are under way (counted by what
 * has arrived, divided by the clients: a mean). */
static bool send_due(double *next) {
    long before = sent;
    if (options.rate > 0) {
        for (; *next <= clock_now; *next += 1 / options.rate) send_message(*next);
    } else {
        while (sent - (long)(deliveries / options.clients) < options.window)
            if (!send_message(clock_now)) break;
    }
    return sent > before;
}

/* Let everybody talk; return whether it went on to the end. */
static bool talk(double until, double *idle) {
    static double next, progress;
    static uint64_t seen;
    clock_now = now();
    if (!next) next = progress = clock_now;
    double cpu = own_cpu();
    while (clock_now < until) {
        bool busy = send_due(&next);
        busy |= look(options.patient ? 1 : 0) > 0;
        double cpu_before = cpu;
        cpu = own_cpu(); /* once a round: to ask costs more than a look in vain */
        if (!busy) *idle += cpu - cpu_before;
        if (deliveries != seen) {
            seen = deliveries;
            progress = clock_now;
        }
        if (options.rate <= 0 && clock_now - progress > options.patience) return false;
        if (open_clients == 0) return false;
    }
    return true;
}

/* The same, and then on until everybody has heard so many messages: who is slow must not be judged
 * by a part of what is under way. That, too, has an end. */
static bool talk_enough(double seconds, int messages, double *idle) {
    double began = now();
    uint64_t enough = deliveries + (uint64_t)messages * options.clients;
    bool alive = talk(began + seconds, idle);
    while (alive && options.rate <= 0 && deliveries < enough && now() - began < options.patience)
        alive = talk(now() + 0.1, idle);
    return alive;
}

static void measure(void) {
    double ignored = 0, idle = 0;
    /* When half of the first messages have been heard, all of them have long been taken in. */
    if (!talk_enough(options.warm_up, (options.window + 1) / 2, &ignored))
        stop("nothing came back while it warmed up");
    struct ticks ticks = server_ticks();
    double server = server_cpu(), own = own_cpu();
    uint64_t deliveries_before = deliveries;
    long blocked_before = blocked;
    first_measured = sent;
    measuring = true;
    measured_since = now();
    bool alive = talk_enough(options.seconds, options.window, &idle);
    double seconds = now() - measured_since;
    server = server_cpu() - server;
    own = own_cpu() - own - idle;
    double kernel = kernel_share(ticks);
    uint64_t got = deliveries - deliveries_before;
    long messages = sent - first_measured;
    /* What is still under way counts for latency, and as missing if it never comes; so does
     * what was due and could not even be sent. */
    long due = messages + (options.rate > 0 ? blocked - blocked_before : 0);
    uint64_t expected = (uint64_t)due * options.clients;
    double patience = now() + 2;
    while (alive && timely < (uint64_t)messages * options.clients && now() < patience) look(10);
    int stalled_closed = 0;
    for (int i = options.clients; i < options.clients + options.stalled; i++) {
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        getsockopt(clients[i].fd, IPPROTO_TCP, TCP_INFO, &info, &size);
        stalled_closed += info.tcpi_state != TCP_ESTABLISHED;
    }
    printf("{\"event\": \"result\", \"seconds\": %.4f, \"messages\": %ld, \"sent\": %ld, ", seconds,
           messages, sent);
    printf("\"deliveries\": %lu, \"missing\": %lu, ", got, expected - timely);
    printf("\"server_cpu\": %.5f, \"kernel_share\": %.3f, ", server, kernel);
    printf("\"load_cpu\": %.5f, ", own < 0 ? 0 : own);
    printf("\"p50_ms\": %.3f, \"p99_ms\": %.3f, ", percentile(50, expected),
           percentile(99, expected));
    printf("\"stalled_closed\": %d, ", stalled_closed);
    printf("\"went_on\": %s, \"per_second\": [", alive ? "true" : "false");
    for (int i = 0; i < (int)options.seconds && i < MAX_SECONDS; i++)
        printf("%s%lu", i ? ", " : "", per_second[i]);
    printf("]}\n");
}

enum { PORT = 1, PATH, HEADER, CLIENTS, AT_ONCE, SENDERS, WINDOW, RATE, SECONDS, WARM_UP, PATIENCE,
       TEXT_BYTES, STALLED, BEFORE, AFTER, HELLO, READY, PATIENT, HOLD, SERVER_PID };

static void read_options(int count, char **words) {
    static const struct option known[] = {
        {"port", 1, 0, PORT}, {"path", 1, 0, PATH}, {"header", 1, 0, HEADER},
        {"clients", 1, 0, CLIENTS}, {"at-once", 1, 0, AT_ONCE}, {"senders", 1, 0, SENDERS},
        {"window", 1, 0, WINDOW}, {"rate", 1, 0, RATE}, {"seconds", 1, 0, SECONDS},
        {"warm-up", 1, 0, WARM_UP}, {"text-bytes", 1, 0, TEXT_BYTES}, {"stalled", 1, 0, STALLED},
        {"patience", 1, 0, PATIENCE}, {"before", 1, 0, BEFORE}, {"after", 1, 0, AFTER},
        {"hello", 1, 0, HELLO}, {"ready", 1, 0, READY}, {"patient", 0, 0, PATIENT},
        {"hold", 0, 0, HOLD}, {"server-pid", 1, 0, SERVER_PID}, {0},
    };
    for (int word; (word = getopt_long(count, words, "", known, NULL)) != -1;) switch (word) {
        case PORT: options.port = atoi(optarg); break;
        case PATH: options.path = optarg; break;
        case HEADER: options.header = optarg; break;
        case CLIENTS: options.clients = atoi(optarg); break;
        case AT_ONCE: options.at_once = atoi(optarg); break;
        case SENDERS: options.senders = atoi(optarg); break;
        case WINDOW: options.window = atoi(optarg); break;
        case RATE: options.rate = atof(optarg); break;
        case SECONDS: options.seconds = atof(optarg); break;
        case WARM_UP: options.warm_up = atof(optarg); break;
        case PATIENCE: options.patience = atof(optarg); break;
        case TEXT_BYTES: options.text_bytes = atoi(optarg); break;
        case STALLED: options.stalled = atoi(optarg); break;
        case BEFORE: options.before = optarg; break;
        case AFTER: options.after = optarg; break;
        case HELLO: options.hello = optarg; break;
        case READY: options.ready = optarg; break;
        case PATIENT: options.patient = true; break;
        case HOLD: options.hold = true; break;
        case SERVER_PID: add_server_process(optarg); break;
        default: exit(2);
    }
    if (options.senders > options.clients) options.senders = options.clients;
}

int main(int count, char **words) {
    read_options(count, words);
    prepare_frame();
    epoll = epoll_create1(0);
    clients = calloc(options.clients + options.stalled, sizeof *clients);
    connect_all();
    if (options.hold) hold();
    else if (options.seconds > 0) measure();
    return 0;
}
