/* Something happens at the first touch of a page: what another process might have done just then.
 *
 * The page is protected; the fault's handler notes a word, stores others, and lets the access go on.
 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct store {
    uint64_t at, value, bytes;
};

static struct {
    uintptr_t page, size;
    const volatile uint64_t *look;
    const struct store *stores;
    uint64_t count, seen;
    int sprung;
    struct sigaction before;
} trap;

static void open_up(void) { /* a reader's mapping may not be written to */
    if (mprotect((void *)trap.page, trap.size, PROT_READ | PROT_WRITE) != 0)
        mprotect((void *)trap.page, trap.size, PROT_READ);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    if (trap.sprung || at - trap.page >= trap.size) {
        sigaction(SIGSEGV, &trap.before, NULL); /* none of ours: again, for whom it is */
        return;
    }
    trap.sprung = 1;
    trap.seen = *trap.look;
    for (uint64_t i = 0; i < trap.count; i++)
        memcpy((void *)(uintptr_t)trap.stores[i].at, &trap.stores[i].value, trap.stores[i].bytes);
    open_up();
}

void trap_set(uint64_t page, uint64_t size, int protection, const uint64_t *look,
              const struct store *stores, uint64_t count) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    trap.page = page, trap.size = size, trap.look = look;
    trap.stores = stores, trap.count = count, trap.sprung = 0;
    sigaction(SIGSEGV, &action, &trap.before);
    mprotect((void *)page, size, protection);
}

/* 1: it was touched, and `*seen` is what the word was then. */
int trap_end(uint64_t *seen) {
    open_up();
    sigaction(SIGSEGV, &trap.before, NULL);
    *seen = trap.seen;
    return trap.sprung;
}
