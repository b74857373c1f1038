/* What runs the targets where there is no libFuzzer: guided by coverage, too, which GCC reports with
 * -fsanitize-coverage=trace-pc (this file is compiled without it). It understands libFuzzer's
 *
 *   -runs=N -max_total_time=SECONDS -seed=N -artifact_prefix=PATH -max_len=N [CORPUS FILE OR FOLDER]...
 *
 * Of an input that fails, or takes more than 20 s, it leaves a file: ARTIFACT_PREFIXcrash. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
void __sanitizer_set_death_callback(void (*callback)(void));

enum { EDGES = 1 << 16, UNITS = 1 << 16, HANG_S = 20 };

typedef struct unit {
    uint8_t *data;
    size_t size;
} unit;

static uint8_t hit[EDGES], known[EDGES];
static unit units[UNITS];
static size_t unit_count, most = 4096;
static const uint8_t *running;
static size_t running_size;
static char artifact[PATH_MAX] = "crash";
static uint64_t state = 1;

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t pc = (uintptr_t)__builtin_return_address(0);
    uint8_t *edge = &hit[(pc ^ pc >> 16) % EDGES];
    *edge += *edge < 255;
}

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void leave_artifact(void)
{
    int fd = open(artifact, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || running == NULL)
        return;
    ssize_t written = write(fd, running, running_size);
    fprintf(stderr, "the input is in %s (%zd bytes)\n", artifact, written);
    close(fd);
}

static void on_hang(int number)
{
    (void)number;
    static const char words[] = "an input takes more than 20 s\n";
    ssize_t written = write(2, words, sizeof words - 1);
    (void)written;
    leave_artifact();
    _exit(70);
}

/* How often an edge was passed counts in steps: 1, 2, 3, 4, 8, 16, 32, 128 times. */
static uint8_t bucket(uint8_t count)
{
    return count < 4 ? (uint8_t)(1u << count >> 1) : count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32
           : count < 128 ? 64 : 128;
}

/* Run one input; whether it did what none has done before. */
static bool run_one(const uint8_t *data, size_t size)
{
    bool news = false;
    memset(hit, 0, sizeof hit);
    running = data;
    running_size = size;
    alarm(HANG_S);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
    for (size_t i = 0; i < EDGES; i++) {
        uint8_t seen = hit[i] ? bucket(hit[i]) : 0;
        if (seen & ~known[i]) {
            known[i] |= seen;
            news = true;
        }
    }
    return news;
}

static void keep(const uint8_t *data, size_t size)
{
    if (unit_count == UNITS)
        return;
    units[unit_count].data = (uint8_t *)malloc(size ? size : 1);
    memcpy(units[unit_count].data, data, size);
    units[unit_count++].size = size;
}

static void read_corpus(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return;
    if (S_ISDIR(about.st_mode)) {
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
            char inside[PATH_MAX];
            if (entry->d_name[0] != '.' &&
                snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name) < (int)sizeof inside)
                read_corpus(inside);
        }
        if (folder)
            closedir(folder);
        return;
    }
    FILE *file = fopen(path, "rb");
    uint8_t *data = (uint8_t *)malloc((size_t)about.st_size + 1);
    size_t size = file ? fread(data, 1, (size_t)about.st_size, file) : 0;
    if (file)
        fclose(file);
    run_one(data, size);
    keep(data, size < most ? size : most);
    free(data);
}

/* Another unit's lines at the end, now and then. */
static size_t spliced(uint8_t *data, size_t size)
{
    const unit *other = &units[next_random() % unit_count];
    if (next_random() % 4 || size + 1 + other->size > most)
        return size;
    data[size] = '\n';
    memcpy(data + size + 1, other->data, other->size);
    return size + 1 + other->size;
}

int main(int argc, char **argv)
{
    long runs = -1, seconds = 0, done = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        sscanf(argv[i], "-runs=%ld", &runs);
        sscanf(argv[i], "-max_total_time=%ld", &seconds);
        sscanf(argv[i], "-max_len=%zu", &most);
        if (sscanf(argv[i], "-seed=%lu", &state) == 1 && state == 0)
            state = 1;
        if (strncmp(argv[i], "-artifact_prefix=", 17) == 0)
            snprintf(artifact, sizeof artifact, "%scrash", argv[i] + 17);
    }
    __sanitizer_set_death_callback(leave_artifact);
    signal(SIGALRM, on_hang);
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            read_corpus(argv[i]);
    if (unit_count == 0)
        keep((const uint8_t *)"{}", 2);
    size_t seeds = unit_count;
    clock_t end = clock() + seconds * CLOCKS_PER_SEC;
    uint8_t *data = (uint8_t *)malloc(2 * most + 2);
    while ((runs < 0 || done < runs) && (seconds == 0 ? runs >= 0 : clock() < end)) {
        const unit *from = &units[next_random() % unit_count];
        memcpy(data, from->data, from->size);
        size_t size = spliced(data, from->size);
        size = LLVMFuzzerCustomMutator(data, size, most, (unsigned)next_random());
        if (run_one(data, size))
            keep(data, size);
        done++;
    }
    size_t edges = 0;
    for (size_t i = 0; i < EDGES; i++)
        edges += known[i] != 0;
    printf("{\"runs\": %ld, \"seeds\": %zu, \"units\": %zu, \"edges\": %zu}\n", done, seeds, unit_count,
           edges);
    free(data);
    return 0;
}
