/* The floor of `wire` and `latency`: the least C between a socket and slots.
 *
 *   receiver PORT VENUE WARM COUNT block|spin SNAPSHOTS|- TIMES|-
 *
 * Connects to the benchmarks' venue on loopback, reads WARM + COUNT frames, unframes them, and makes of
 * each the slots and books of floor.h. Says "warm" and "done" on stdout when it has read so many, and
 * ends when stdin does. SNAPSHOTS: a file of pairs of lines, symbol and body, that books start from.
 * TIMES: a file for when each of the COUNT frames was in its slots, CLOCK_MONOTONIC nanoseconds, 8 bytes
 * each.
 *
 * block: sleeps in the kernel while nothing comes. spin: never. With -DFLOOR_TLS it speaks TLS, and
 * verifies nobody.
 */
#include "floor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifdef FLOOR_TLS
#include <openssl/ssl.h>
static SSL *tls;
static char sealed[256 * 1024];
#endif

enum { ROOM = 1 << 20, SLOTS = 1 << 17, SEALED = 256 * 1024 };

static int sock;
static bool spin;
static char *buffer;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
    exit(1);
}

#ifdef FLOOR_TLS
/* So many sealed bytes are to be read next. They are copied by nobody. */
static void received(int bytes)
{
    BIO *from = BIO_new_mem_buf(sealed, bytes);
    BIO_set_mem_eof_return(from, -1);
    SSL_set0_rbio(tls, from);
}
#endif

/* Bytes read, at least one. */
static size_t fill(char *to, size_t room)
{
    for (;;) {
#ifdef FLOOR_TLS
        int plain = SSL_read(tls, to, (int)room); /* a record at a time, out of what was received */
        if (plain > 0)
            return (size_t)plain;
        if (SSL_get_error(tls, plain) != SSL_ERROR_WANT_READ)
            fail("TLS read");
        ssize_t got = recv(sock, sealed, SEALED, spin ? MSG_DONTWAIT : 0);
        if (got > 0) {
            received((int)got);
            continue;
        }
#else
        ssize_t got = recv(sock, to, room, spin ? MSG_DONTWAIT : 0);
        if (got > 0)
            return (size_t)got;
#endif
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        fail("the venue ended the connection");
    }
}

static void send_all(const char *text)
{
#ifdef FLOOR_TLS
    if (SSL_write(tls, text, (int)strlen(text)) <= 0)
        fail("TLS write");
#else
    if (send(sock, text, strlen(text), 0) < 0)
        fail("send");
#endif
}

static void start_tls(void)
{
#ifdef FLOOR_TLS
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    tls = SSL_new(context);
    SSL_set_fd(tls, sock);
    if (SSL_connect(tls) != 1)
        fail("TLS handshake");
    received(0); /* from here on whole buffers are received, not a header and a record at a time */
#endif
}

static void open_socket(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sock = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(sock, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    start_tls();
    send_all("GET /ws HTTP/1.1\r\nHost: floor\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
}

/* Past the answer to the handshake; what is read of the first frames moves to the front. */
static size_t upgraded(void)
{
    size_t have = 0;
    char *stop;
    do {
        have += fill(buffer + have, ROOM - have);
        buffer[have] = 0;
    } while (!(stop = strstr(buffer, "\r\n\r\n")));
    have -= (size_t)(stop + 4 - buffer);
    memmove(buffer, stop + 4, have);
    return have;
}

/* The length of a frame's header, its payload's in *size; 0: not all of it is there. */
static inline size_t header(const uint8_t *p, size_t have, size_t *size)
{
    if (have < 2)
        return 0;
    *size = p[1];
    if (*size < 126)
        return 2;
    size_t bytes = *size == 126 ? 2 : 8;
    if (have < 2 + bytes)
        return 0;
    *size = 0;
    for (size_t i = 0; i < bytes; i++)
        *size = *size << 8 | p[2 + i];
    return 2 + bytes;
}

static void load_snapshots(floor_feed *feed, const char *path)
{
    FILE *file = fopen(path, "r");
    char *symbol = NULL, *body = NULL;
    size_t symbol_room = 0, body_room = 0;
    if (!file)
        fail(path);
    while (getline(&symbol, &symbol_room, file) > 0 && getline(&body, &body_room, file) > 0) {
        char padded[64 + 2 * FLOOR_PADDING] = {0};
        symbol[strcspn(symbol, "\n")] = 0;
        snprintf(padded + FLOOR_PADDING, 64, "%s", symbol);
        if (!(body = realloc(body, body_room += FLOOR_PADDING)))
            fail(path);
        floor_binance_snapshot(feed, padded + FLOOR_PADDING, body);
    }
    fclose(file);
}

static int64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    floor_decoder decode = floor_find(argv[2]);
    size_t warm = strtoul(argv[3], NULL, 10), end = warm + strtoul(argv[4], NULL, 10);
    spin = !strcmp(argv[5], "spin");
    floor_feed *feed = calloc(1, sizeof *feed);
    int64_t *times = calloc(end - warm + 1, sizeof *times);
    buffer = malloc(ROOM + FLOOR_PADDING);
    if (!decode || !feed || !times || !buffer || !(feed->ring = calloc(SLOTS, sizeof *feed->ring)))
        fail(argv[2]);
    feed->mask = SLOTS - 1;
    clock_open(&feed->clock);
    memset(feed->ring, 1, SLOTS * sizeof *feed->ring); /* no page fault while it counts */
    memset(times, 1, (end - warm) * sizeof *times);
    bool timed = strcmp(argv[7], "-");
    if (strcmp(argv[6], "-"))
        load_snapshots(feed, argv[6]);
    open_socket(atoi(argv[1]));

    size_t have = upgraded(), frames = 0;
    if (!warm)
        say("warm");
    while (frames < end) {
        size_t at = 0, size, head;
        while ((head = header((uint8_t *)buffer + at, have - at, &size)) &&
               have - at >= head + size) {
            floor_frame(feed, decode, buffer + at + head, size);
            at += head + size;
            if (timed && frames >= warm && frames < end)
                times[frames - warm] = monotonic();
            if (++frames == warm)
                say("warm");
        }
        have -= at;
        memmove(buffer, buffer + at, have);
        if (frames >= end)
            break;
        if (have == ROOM)
            fail("a frame of more than 1 MiB");
        have += fill(buffer + have, ROOM - have);
        buffer[have] = 0;
    }
    say("done");
    if (timed) {
        FILE *file = fopen(argv[7], "w");
        if (!file || fwrite(times, sizeof *times, end - warm, file) != end - warm || fclose(file))
            fail(argv[7]);
        say("written");
    }
    while (getchar() != EOF) {}
    return 0;
}
