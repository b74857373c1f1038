/* The words for shared memory, in which looks at one of them are counted, and which changes at one. */
#ifndef FEEDHANDLER_JOINING_WORDS_H
#define FEEDHANDLER_JOINING_WORDS_H

static const void *the_word; /* that is looked at */
static uint64_t the_looks, the_look, the_value;

static inline void look(const void *at)
{
    if (at == the_word && ++the_looks == the_look)
        *(uint64_t *)the_word = the_value;
}

#define FH_LOAD(p) (look(p), __atomic_load_n((p), __ATOMIC_RELAXED))
#define FH_LOAD_ACQUIRE(p) (look(p), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define FH_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define FH_STORE_RELEASE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define FH_SWAP(p, seen, v) \
    __atomic_compare_exchange_n((p), (seen), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define FH_FUTEX(word, operation, value, timeout, bits) ((void)(bits), 0)
#define FH_NAP(time) ((void)(time))

#endif
