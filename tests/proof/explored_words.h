/* The words of feedhandler_shm.h as steps of the explorer: -DFH_KILL_POINTS='".../explored_words.h"'. */
#ifndef FEEDHANDLER_EXPLORED_WORDS_H
#define FEEDHANDLER_EXPLORED_WORDS_H

uint64_t explored_load(const volatile void *at, unsigned bytes, int order);
void explored_store(volatile void *at, unsigned bytes, uint64_t value, int order);
void explored_fence(int order);
int explored_swap(void);
long explored_futex(const volatile uint32_t *word, int operation, uint32_t value,
                    const struct timespec *timeout, uint32_t bits);

#define FH_EXPLORED_LOAD(p, order) ((__typeof__(*(p) + 0))explored_load((p), sizeof *(p), order))
#define FH_LOAD(p) FH_EXPLORED_LOAD(p, __ATOMIC_RELAXED)
#define FH_LOAD_ACQUIRE(p) FH_EXPLORED_LOAD(p, __ATOMIC_ACQUIRE)
#define FH_STORE(p, v) explored_store((p), sizeof *(p), (uint64_t)(v), __ATOMIC_RELAXED)
#define FH_STORE_RELEASE(p, v) explored_store((p), sizeof *(p), (uint64_t)(v), __ATOMIC_RELEASE)
#define FH_SWAP(p, seen, v) ((void)(p), (void)(seen), (void)(v), explored_swap())
#define FH_FUTEX(word, operation, value, timeout, bits) \
    explored_futex((word), (operation), (value), (timeout), (bits))
#define FH_NAP(time) ((void)(time))
#undef FH_NAPS
#define FH_NAPS 1 /* what is right with one nap is right with any number: each begins with a look */
#define __atomic_thread_fence(order) explored_fence(order) /* the header's fences */

#endif
