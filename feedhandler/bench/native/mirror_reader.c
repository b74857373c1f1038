/* The reader of `mirror` that polls: when each record could be read, by the contract's own header.
 *
 *   mirror_reader DATA FILE PATIENCE_MS [idle]
 *
 * DATA: the data object's file. idle: it has its core only while nobody else wants it. Says "ready", and follows the
 * ring from then on until nothing has come for so long; for the first record it waits half a minute. Then it writes
 * to FILE how many records it was lapped by, and of each record of the market how long after its publication it could
 * be read, 8 bytes each, and says "done".
 */
#include "feedhandler_shm.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FIRST_NS INT64_C(30000000000)

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void say(const char *word)
{
    puts(word);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const struct sched_param none = {0};
    const size_t most = 1 << 24;
    struct stat status;
    if (argc < 4)
        return 2;
    int fd = open(argv[1], O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0)
        return 1;
    const unsigned char *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    int64_t *took = malloc(most * sizeof *took), patience = atoll(argv[3]) * 1000000;
    if (data == MAP_FAILED || !took || (argc > 4 && sched_setscheduler(0, SCHED_IDLE, &none)))
        return 1;
    memset(took, 1, most * sizeof *took);
    const fh_header *header = (const fh_header *)data;
    const fh_slot *ring = (const fh_slot *)(data + header->ring.offset);
    uint64_t mask = header->ring.count - 1, next = FH_LOAD_ACQUIRE(&header->published) + 1;
    size_t got = 1;
    took[0] = 0;
    say("ready");
    for (int64_t last = now(CLOCK_MONOTONIC) + FIRST_NS; now(CLOCK_MONOTONIC) - last < patience;) {
        uint64_t published = next - 1;
        for (int polls = 0; polls < 1 << 14 && published < next; polls++)
            published = FH_LOAD_ACQUIRE(&header->published);
        if (published < next)
            continue;
        int64_t at = now(CLOCK_REALTIME);
        for (; next <= published && got < most; next++) {
            fh_slot slot;
            if (fh_slot_read(ring, mask, next, &slot) != FH_READ_OK)
                took[0]++;
            else if (slot.kind <= FH_KIND_STAT)
                took[got++] = at - slot.receive_ns - slot.publish_delta_ns;
        }
        last = now(CLOCK_MONOTONIC);
    }
    FILE *file = fopen(argv[2], "w");
    if (!file || fwrite(took, sizeof *took, got, file) != got || fclose(file))
        return 1;
    say("done");
    return 0;
}
