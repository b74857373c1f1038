/* Preloaded: whatever is mapped shared has nothing around it for 16 GiB, so that a read outside ends the
 * process instead of finding the next mapping. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAPPINGS = 4096 };
#define GUARD ((size_t)1 << 34)

static struct { char *at; size_t size; } mappings[MAPPINGS];

static void *map(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (at != NULL || fd < 0 || !(flags & MAP_SHARED))
        return map(at, size, protection, flags, fd, offset);
    size_t whole = (size + 4095) / 4096 * 4096;
    char *room = map(NULL, whole + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return MAP_FAILED;
    void *made = map(room + GUARD, size, protection, flags | MAP_FIXED, fd, offset);
    for (int i = 0; i < MAPPINGS && made != MAP_FAILED; i++)
        if (mappings[i].at == NULL) {
            mappings[i].at = made;
            mappings[i].size = whole;
            return made;
        }
    syscall(SYS_munmap, room, whole + 2 * GUARD);
    return MAP_FAILED;
}

int munmap(void *at, size_t size)
{
    for (int i = 0; at != NULL && i < MAPPINGS; i++)
        if (mappings[i].at == at) {
            mappings[i].at = NULL;
            return (int)syscall(SYS_munmap, (char *)at - GUARD, mappings[i].size + 2 * GUARD);
        }
    return (int)syscall(SYS_munmap, at, size);
}
