/* The sending end of the benchmarks' venue: bytes into a socket when they are due.
 *
 * Linux; blocking calls, to be made without Python's lock. The clock is CLOCK_MONOTONIC, which all
 * processes of a host share.
 */
#ifndef FEEDHANDLER_BENCH_SENDER_H
#define FEEDHANDLER_BENCH_SENDER_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

static inline int64_t sender_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* All of it, whether or not the socket blocks. 0, or an errno. */
static int sender_write(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, 1000);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* As fast as the other end takes it. */
static int sender_blast(int fd, const char *bytes, size_t length)
{
    enum { PIECE = 256 * 1024 };
    for (size_t at = 0; at < length; at += PIECE) {
        int error = sender_write(fd, bytes + at, length - at < PIECE ? length - at : PIECE);
        if (error)
            return error;
    }
    return 0;
}

/* Piece i, bytes[offset[i]] up to bytes[offset[i + 1]], at due[i]; late ones at once, each in a write of
 * its own. sent[i]: when it was begun. Sleeps until `spin_ns` before something is due. */
static int sender_paced(int fd, const char *bytes, const int64_t *offset, const int64_t *due,
                        int64_t *sent, size_t count, int64_t spin_ns)
{
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    for (size_t i = 0; i < count; i++) {
        int64_t now = sender_now();
        if (due[i] - now > spin_ns) {
            int64_t until = due[i] - spin_ns;
            struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
            while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
        }
        while ((now = sender_now()) < due[i]) {}
        sent[i] = now;
        int error = sender_write(fd, bytes + offset[i], (size_t)(offset[i + 1] - offset[i]));
        if (error)
            return error;
    }
    return 0;
}

#endif
