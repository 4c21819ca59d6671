/* bare: the least that a server of this chat can do: one send() for each client and message.
 *
 * A limit, not a peer: it takes any handshake for a good one, and knows no frames but short ones
 * of text and close. usage: bare PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CLIENTS = 20000, BUFFER = 1 << 16, LONGEST_TEXT = 4000 };

static const char WELCOME[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

struct client {
    int fd;
    int open;        /* the handshake is over */
    size_t size;     /* of what has arrived of a frame */
    int place;       /* in everybody */
    unsigned char data[2 * BUFFER];
};

static struct client *everybody[MAX_CLIENTS];
static int count;
static long id;

static void broadcast(const char *text, int text_size) {
    static char frame[LONGEST_TEXT + 256];
    char *payload = frame + 4;
    int size = snprintf(payload, sizeof frame - 4,
                        "{\"type\": \"message\", \"id\": %ld, \"user\": \"anonymous\", "
                        "\"text\": \"%.*s\", \"at\": \"2026-11-21T00:00:00.000+00:00\"}",
                        ++id, text_size, text);
    char *begin = size < 126 ? payload - 2 : payload - 4;
    begin[0] = (char)0x81;
    if (size < 126) begin[1] = size;
    else begin[1] = 126, begin[2] = size >> 8, begin[3] = size & 255;
    size_t length = payload + size - begin;
    for (int i = 0; i < count; i++)
        if (everybody[i]->open) send(everybody[i]->fd, begin, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void leave(struct client *client) {
    everybody[client->place] = everybody[--count];
    everybody[client->place]->place = client->place;
    close(client->fd);
    free(client);
}

/* Handle a frame; return how many bytes it had, or 0 while not all of it is there. */
static size_t handle_frame(unsigned char *data, size_t size) {
    size_t length = size < 2 ? 0 : data[1] & 127, header = length == 126 ? 8 : 6;
    if (size < header) return 0;
    if (length == 126) length = data[2] << 8 | data[3];
    if (size < header + length) return 0;
    unsigned char *mask = data + header - 4, *payload = data + header;
    for (size_t i = 0; i < length; i++) payload[i] ^= mask[i & 3];
    char *text = memmem(payload, length, "\"text\": \"", 9);
    if ((data[0] & 15) == 1 && text) {
        text += 9;
        char *end = memchr(text, '"', (char *)payload + length - text);
        if (end && end - text <= LONGEST_TEXT) broadcast(text, end - text);
    }
    return header + length;
}

static void receive(struct client *client) {
    ssize_t got = recv(client->fd, client->data + client->size, BUFFER, MSG_DONTWAIT);
    if (got <= 0) {
        leave(client);
        return;
    }
    client->size += got;
    size_t at = 0;
    if (!client->open) {
        unsigned char *end = memmem(client->data, client->size, "\r\n\r\n", 4);
        if (!end) return;
        at = end + 4 - client->data;
        send(client->fd, WELCOME, sizeof WELCOME - 1, MSG_NOSIGNAL);
        client->open = 1;
    }
    for (size_t used; (used = handle_frame(client->data + at, client->size - at)); at += used) {}
    client->size -= at;
    memmove(client->data, client->data + at, client->size);
    if (client->size > BUFFER) leave(client);
}

int main(int words, char **word) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, epoll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(word[words - 1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) return perror("bind"), 1;
    listen(listener, 1024);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[512];
        int found = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < found; i++) {
            if (events[i].data.ptr) {
                receive(events[i].data.ptr);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 || count == MAX_CLIENTS) return 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            struct client *client = calloc(1, sizeof *client);
            client->fd = fd;
            client->place = count;
            everybody[count++] = client;
            event.data.ptr = client;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
