/* httpload: many HTTP clients in one process, to measure a server with.
 *
 * Each asks for a page, reads the answer and asks for the next; the paths go round. A server
 * that closes the connection is connected to again. A line of JSON says what was seen.
 */
#include "common.h"

enum { MAX_PATHS = 1000, ANSWER = 1 << 18, MAX_EVENTS = 512 };

static struct {
    int port, clients, paths;
    double seconds, warm_up;
    bool patient; /* sleep while there is nothing to do */
    const char *header, *path[MAX_PATHS];
} options = {.clients = 64, .seconds = 1, .warm_up = 0.3, .header = ""};

struct client {
    int fd;
    bool connected;
    size_t size;       /* of what has arrived of the answer */
    long length;       /* of the whole answer; negative while it is not known */
    bool closes;       /* the server said that it will close the connection */
    char data[ANSWER];
};

static struct client *clients;
static int epoll;
static long asked, answers, refused;

static void watch(struct client *client, int how, int what) {
    struct epoll_event event = {.events = what, .data.ptr = client};
    epoll_ctl(epoll, how, client->fd, &event);
}

static void start(struct client *client) {
    client->fd = start_connecting(options.port);
    client->connected = false;
    watch(client, EPOLL_CTL_ADD, EPOLLOUT);
}

static void ask(struct client *client) {
    char request[4096];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n",
                        options.path[asked++ % options.paths], options.port, options.header,
                        *options.header ? "\r\n" : "");
    client->size = 0;
    client->length = -1;
    client->closes = false;
    if (send(client->fd, request, size, MSG_NOSIGNAL) != size) fail("send");
}

/* Read the head of an answer, once all of it is there. */
static void read_head(struct client *client) {
    client->data[client->size] = 0;
    char *end = strstr(client->data, "\r\n\r\n");
    if (!end) return;
    char *length = strcasestr(client->data, "\r\ncontent-length:");
    if (!length || length > end) stop("an answer does not say how long it is");
    client->length = end + 4 - client->data + atol(length + 17);
    char *close = strcasestr(client->data, "\r\nconnection: close");
    client->closes = close && close < end;
    if (strncmp(client->data, "HTTP/1.1 200", 12) != 0) refused++;
}

static void receive(struct client *client) {
    if (client->size == ANSWER - 1) stop("an answer is too long");
    ssize_t got = recv(client->fd, client->data + client->size, ANSWER - 1 - client->size, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { /* between two answers a connection may be closed at any time */
        if (client->size) refused++;
        close(client->fd);
        start(client);
        return;
    }
    client->size += got;
    if (client->length < 0) read_head(client);
    if (client->length < 0 || (long)client->size < client->length) return;
    answers++;
    if (client->closes) {
        close(client->fd);
        start(client);
    } else {
        ask(client);
    }
}

static int look(void) {
    struct epoll_event events[MAX_EVENTS];
    int found = epoll_wait(epoll, events, MAX_EVENTS, options.patient ? 1 : 0);
    for (int i = 0; i < found; i++) {
        struct client *client = events[i].data.ptr;
        if (client->connected) {
            receive(client);
        } else {
            errno = connection_error(client->fd);
            if (errno) fail("connect");
            client->connected = true;
            watch(client, EPOLL_CTL_MOD, EPOLLIN);
            ask(client);
        }
    }
    return found;
}

static double run(double until) {
    double idle = 0, cpu = own_cpu();
    while (now() < until) {
        bool busy = look() > 0;
        double cpu_before = cpu;
        cpu = own_cpu();
        if (!busy) idle += cpu - cpu_before;
    }
    return idle;
}

int main(int count, char **words) {
    enum { PORT = 1, HEADER, CLIENTS, SECONDS, WARM_UP, PATIENT, SERVER_PID };
    static const struct option known[] = {
        {"port", 1, 0, PORT}, {"header", 1, 0, HEADER}, {"clients", 1, 0, CLIENTS},
        {"seconds", 1, 0, SECONDS}, {"warm-up", 1, 0, WARM_UP}, {"patient", 0, 0, PATIENT},
        {"server-pid", 1, 0, SERVER_PID}, {0},
    };
    for (int word; (word = getopt_long(count, words, "", known, NULL)) != -1;) switch (word) {
        case PORT: options.port = atoi(optarg); break;
        case HEADER: options.header = optarg; break;
        case CLIENTS: options.clients = atoi(optarg); break;
        case SECONDS: options.seconds = atof(optarg); break;
        case WARM_UP: options.warm_up = atof(optarg); break;
        case PATIENT: options.patient = true; break;
        case SERVER_PID: add_server_process(optarg); break;
        default: return 2;
    }
    for (int i = optind; i < count && options.paths < MAX_PATHS; i++)
        options.path[options.paths++] = words[i];
    if (!options.paths) options.path[options.paths++] = "/";
    epoll = epoll_create1(0);
    clients = calloc(options.clients, sizeof *clients);
    for (int i = 0; i < options.clients; i++) start(&clients[i]);
    run(now() + options.warm_up);
    struct ticks ticks = server_ticks();
    double began = now(), server = server_cpu(), own = own_cpu();
    long before = answers;
    double idle = run(began + options.seconds);
    double seconds = now() - began;
    server = server_cpu() - server;
    own = own_cpu() - own - idle;
    double kernel = kernel_share(ticks);
    printf("{\"event\": \"result\", \"seconds\": %.4f, \"answers\": %ld, \"refused\": %ld, ", seconds,
           answers - before, refused);
    printf("\"server_cpu\": %.5f, \"kernel_share\": %.3f, ", server, kernel);
    printf("\"load_cpu\": %.5f}\n", own < 0 ? 0 : own);
    return 0;
}
