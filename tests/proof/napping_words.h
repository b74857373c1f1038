/* The words for shared memory, with naps and waits that are written down instead of slept. */
#ifndef FEEDHANDLER_NAPPING_WORDS_H
#define FEEDHANDLER_NAPPING_WORDS_H

long napped(const struct timespec *time);
long called(int operation, const struct timespec *until);

#define FH_LOAD(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define FH_LOAD_ACQUIRE(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define FH_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define FH_STORE_RELEASE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define FH_SWAP(p, seen, v) \
    __atomic_compare_exchange_n((p), (seen), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define FH_FUTEX(word, operation, value, timeout, bits) ((void)(bits), called((operation), (timeout)))
#define FH_NAP(time) napped(time)

#endif
