/* The floor of `mirror`: a message over TCP and back.
 *
 *   tcp_pingpong serve ADDRESS BYTES
 *   tcp_pingpong ask ADDRESS PORT BYTES COUNT INTERVAL_NS FILE
 *
 * `serve` says the port that it listens on, and sends back each message of BYTES when it has all of it. `ask`
 * sends one every INTERVAL_NS, asleep until then. FILE: half of the time from before a message was sent until
 * all of it was back, COUNT times, 8 bytes each, ns. Both sleep in the kernel while nothing comes, as who is
 * measured beside them does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int all(int fd, char *buffer, size_t bytes, int out)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = out ? write(fd, buffer + done, bytes - done) : read(fd, buffer + done, bytes - done);
        if (n <= 0 && errno != EINTR)
            return 0;
        done += n > 0 ? (size_t)n : 0;
    }
    return 1;
}

static void at_once(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int serve(struct sockaddr_in *address, char *buffer, size_t bytes)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof *address;
    if (bind(fd, (struct sockaddr *)address, length) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)address, &length))
        return 1;
    printf("%d\n", ntohs(address->sin_port));
    fflush(stdout);
    int peer = accept(fd, NULL, NULL);
    at_once(peer);
    while (all(peer, buffer, bytes, 0) && all(peer, buffer, bytes, 1)) {}
    return 0;
}

static int ask(struct sockaddr_in *address, char *buffer, size_t bytes, size_t count, int64_t interval, const char *path)
{
    int64_t *ways = malloc(count * sizeof *ways);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!ways || connect(fd, (struct sockaddr *)address, sizeof *address))
        return 1;
    memset(ways, 1, count * sizeof *ways);
    at_once(fd);
    int64_t due = monotonic();
    for (size_t i = 0; i < count; i++) {
        due += interval;
        struct timespec until = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        int64_t began = monotonic();
        if (!all(fd, buffer, bytes, 1) || !all(fd, buffer, bytes, 0))
            return 1;
        ways[i] = (monotonic() - began) / 2;
    }
    FILE *file = fopen(path, "w");
    if (!file || fwrite(ways, sizeof *ways, count, file) != count || fclose(file))
        return 1;
    puts("done");
    return 0;
}

int main(int argc, char **argv)
{
    int asks = argc == 8 && !strcmp(argv[1], "ask");
    if (!asks && !(argc == 4 && !strcmp(argv[1], "serve")))
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(asks ? (uint16_t)atoi(argv[3]) : 0)};
    size_t bytes = strtoul(argv[asks ? 4 : 3], NULL, 10);
    char *buffer = calloc(1, bytes ? bytes : 1);
    if (!buffer || !bytes || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
        return 2;
    if (asks)
        return ask(&address, buffer, bytes, strtoul(argv[5], NULL, 10), atoll(argv[6]), argv[7]);
    return serve(&address, buffer, bytes);
}
