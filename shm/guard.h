/* A data object that is truncated while it is mapped.
 *
 * Nobody who keeps the contract does that; but whoever may write the object can, and then the kernel
 * answers the next load past the new end with SIGBUS, which ends the process: the strategy's, with its
 * orders in the market. So a reader's mappings are guarded: at such a fault the handler puts zeros in
 * place of the mapping, notes it, and lets the load be done again. Zeros are a stamp that no record and
 * no cell has, so that nothing read from them, or from half of them, is believed; who finds nothing looks
 * at the note, and says so. (Wayland's libwayland-server guards the buffers of its clients like this.)
 *
 * Faults anywhere else go to whoever handled SIGBUS before. The handler is installed with the first
 * mapping; one that is installed after it (faulthandler.enable()) takes the guard away.
 */
#ifndef FEEDHANDLER_GUARD_H
#define FEEDHANDLER_GUARD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { FH_GUARDS = 256 }; /* mappings; more are not guarded */

typedef struct fh_guard {
    uintptr_t base; /* 0 = free */
    size_t size;
    int protection;
    int broken; /* the object was truncated: zeros are mapped here now */
} fh_guard;

static fh_guard fh_guards[FH_GUARDS];
static struct sigaction fh_before;
static int fh_guarding;

static void fh_on_bus(int number, siginfo_t *info, void *context) {
    uintptr_t at = (uintptr_t)info->si_addr;
    for (int i = 0; i < FH_GUARDS; i++) {
        fh_guard *g = &fh_guards[i];
        uintptr_t base = __atomic_load_n(&g->base, __ATOMIC_ACQUIRE);
        if (base == 0 || at - base >= g->size) continue;
        if (mmap((void *)base, g->size, g->protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED)
            break;
        __atomic_store_n(&g->broken, 1, __ATOMIC_RELEASE);
        return;
    }
    if (fh_before.sa_flags & SA_SIGINFO)
        fh_before.sa_sigaction(number, info, context);
    else if (fh_before.sa_handler != SIG_DFL && fh_before.sa_handler != SIG_IGN)
        fh_before.sa_handler(number);
    else
        signal(number, SIG_DFL); /* the load is done again, and ends the process as it would have */
}

/* Guard a mapping; its place in the table, or -1: it is full. With the interpreter's lock held. */
static int fh_guard_add(const void *base, size_t size, int protection) {
    if (!fh_guarding) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = fh_on_bus;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGBUS, &action, &fh_before) != 0) return -1;
        fh_guarding = 1;
    }
    for (int i = 0; i < FH_GUARDS; i++) {
        fh_guard *g = &fh_guards[i];
        if (g->base) continue;
        g->size = size;
        g->protection = protection;
        g->broken = 0;
        __atomic_store_n(&g->base, (uintptr_t)base, __ATOMIC_RELEASE);
        return i;
    }
    return -1;
}

/* Before it is unmapped. */
static void fh_guard_drop(int guard) {
    if (guard >= 0) __atomic_store_n(&fh_guards[guard].base, 0, __ATOMIC_RELEASE);
}

static int fh_guard_broken(int guard) {
    return guard >= 0 && __atomic_load_n(&fh_guards[guard].broken, __ATOMIC_ACQUIRE);
}

#endif
