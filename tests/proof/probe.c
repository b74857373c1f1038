/* The header's functions as functions of their own, to be disassembled. */
#include "feedhandler_shm.h"

void slot_write(fh_writer *w) { fh_held_write(w, 0); }
void message_add(fh_writer *w, int64_t price, int64_t size) {
    fh_message_add(w, FH_KIND_LEVEL, FH_BID, price, size, 0);
}
uint64_t message_end(fh_writer *w) { return fh_message_end(w); }
void publish(fh_writer *w) { fh_publish(w); }
void quote_store(fh_writer *w, uint32_t id, const fh_quote *quote) { fh_quote_store(w, id, quote); }
void two_stores(fh_writer *w, const fh_quote *one, const fh_quote *two) {
    fh_quote_store(w, 0, one);
    fh_quote_store(w, 0, two);
}
void book_store(fh_writer *w, uint32_t id, const fh_book_head *head, uint64_t price) {
    FH_STORE(fh_book_begin(w, id, head), price);
    fh_book_end(w, id);
}
void wake(fh_writer *w) { fh_wake(w); }
void supersede(fh_header *header) { fh_supersede(header); }
int slot_read(const fh_slot *ring, uint64_t mask, uint64_t n, fh_slot *out) {
    return fh_slot_read(ring, mask, n, out);
}
int latch_read(const fh_word *cell, fh_word *out) {
    return fh_latch_read(cell, sizeof(fh_quote), out, FH_QUOTE_WORDS);
}
int join_try(const fh_header *header, const fh_slot *ring, uint64_t mask, uint64_t *at) {
    return fh_join_try(header, ring, mask, at);
}
void wait_for(const fh_header *header, uint32_t *sleepers, uint64_t seen) {
    fh_wait(header, sleepers, seen, 1000);
}
