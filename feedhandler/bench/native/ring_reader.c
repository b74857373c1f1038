/* The native reader of `hop`: a C program that follows the ring, by the contract's own header.
 *
 *   ring_reader DATA COUNT FILE
 *
 * DATA: the data object's file. Says "ready", spins until it has COUNT records from then on, writes how long
 * each took, CLOCK_MONOTONIC minus its exchange_ns, 8 bytes each, to FILE, and says "done". What it was
 * lapped by is missing from FILE.
 */
#include "feedhandler_shm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

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
    struct stat status;
    if (argc != 4)
        return 2;
    int fd = open(argv[1], O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0)
        return 1;
    const unsigned char *data =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED)
        return 1;
    const fh_header *header = (const fh_header *)data;
    const fh_slot *ring = (const fh_slot *)(data + header->ring.offset);
    uint64_t mask = header->ring.count - 1, count = strtoul(argv[2], NULL, 10), got = 0;
    int64_t *took = malloc(count * sizeof *took);
    if (!took)
        return 1;
    memset(took, 1, count * sizeof *took);
    uint64_t next = FH_LOAD_ACQUIRE(&header->published) + 1, end = next + count;
    say("ready");
    while (next < end) {
        uint64_t published;
        while ((published = FH_LOAD_ACQUIRE(&header->published)) < next) {}
        for (; next <= published && next < end; next++) {
            fh_slot slot;
            if (fh_slot_read(ring, mask, next, &slot) == FH_READ_OK)
                took[got++] = monotonic() - slot.exchange_ns;
        }
    }
    FILE *file = fopen(argv[3], "w");
    if (!file || fwrite(took, sizeof *took, got, file) != got || fclose(file))
        return 1;
    say("done");
    return 0;
}
