/* Preloaded: the time of day is off by as many nanoseconds as the file that FEEDHANDLER_TEST_CLOCK names
 * says, as of the moment. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    static volatile int64_t *off;
    if (off == NULL) {
        int fd = open(getenv("FEEDHANDLER_TEST_CLOCK"), O_RDONLY | O_CLOEXEC);
        off = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
    }
    int failed = (int)syscall(SYS_clock_gettime, clock, out);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        int64_t ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec + *off;
        out->tv_sec = ns / 1000000000;
        out->tv_nsec = ns % 1000000000;
    }
    return failed;
}
