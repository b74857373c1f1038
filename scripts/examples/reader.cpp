// Follow a venue's event ring from another process, in C++17: the same lines as reader.c.
//
//   c++ -std=c++17 -O2 -I shm/include -o reader scripts/examples/reader.cpp -lrt
//   ./reader deribit [--oldest] [--quotes] [--namespace NAME]
//
// Segment attaches, validates and owns the mappings; Ring hands out whole messages. Exit codes:
// 0 the writer ended, 1 no such venue or not ready, 2 wrong use, 3 damaged or another version.

#include "feedhandler_attach.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct NotReady : std::runtime_error { // try again, or there is no such venue
    using std::runtime_error::runtime_error;
};
struct Damaged : std::runtime_error { // or of another version, or of a user whose feeds are not believed
    using std::runtime_error::runtime_error;
};

// An epoch of a venue, mapped as long as this lives.
class Segment {
public:
    // One try. Throws NotReady, Damaged.
    static Segment attach(const std::string &space, const std::string &venue) {
        fh_feed feed;
        char why[FH_WHY_BYTES];
        switch (fh_attach(&feed, space.c_str(), venue.c_str(), why)) {
        case FH_ATTACHED: return Segment(feed);
        case FH_NOT_READY: throw NotReady(why);
        default: throw Damaged(why);
        }
    }
    ~Segment() { fh_detach(&feed_); }
    Segment(Segment &&other) noexcept : feed_(std::exchange(other.feed_, nothing())) {}
    Segment(const Segment &) = delete;
    Segment &operator=(const Segment &) = delete;
    Segment &operator=(Segment &&) = delete;

    const fh_header &plan() const { return feed_.plan; } // where things lie
    const fh_header &header() const { return *feed_.header; }
    const fh_slot *ring() const { return feed_.ring; }
    std::uint64_t mask() const { return feed_.mask; }
    std::uint64_t published() const { return FH_LOAD_ACQUIRE(&feed_.header->published); }
    std::uint32_t capacity() const { return feed_.plan.directory.count; }
    bool gone() const { return fh_gone(&feed_); }
    // Sleep until something after `seen` is published, 100 ms at most.
    void wait(std::uint64_t seen) const {
        fh_wait(feed_.header, feed_.sleepers, seen, feed_.sleepers ? 100'000'000 : 1'000'000);
    }

    // A copy of a latched cell; none: it was never stored.
    template <class Copy>
    std::optional<Copy> cell(const fh_region &region, std::uint32_t row) const {
        Copy copy;
        switch (fh_latch_read(fh_cell(&feed_, &region, row), sizeof copy,
                              reinterpret_cast<fh_word *>(&copy), sizeof copy / sizeof(fh_word))) {
        case FH_READ_OK: return copy;
        case FH_READ_EMPTY: return std::nullopt;
        default: throw Damaged("cell " + std::to_string(row) + " cannot be read");
        }
    }

private:
    explicit Segment(const fh_feed &feed) : feed_(feed) {}
    static fh_feed nothing() {
        fh_feed feed{};
        feed.control_fd = -1;
        return feed;
    }

    fh_feed feed_;
};

// A place in the ring.
class Ring {
public:
    Ring(const Segment &segment, bool oldest) : segment_(segment) {
        next_ = oldest ? first_whole() : join() + 1;
    }
    std::uint64_t next() const { return next_; }

    // Hands out the messages that are whole, each a vector of records: one venue message.
    // Returns `published` as it was, for `Segment::wait`.
    template <class HandOut> std::uint64_t poll(HandOut &&hand_out) {
        const std::uint64_t published = segment_.published();
        message_.clear();
        for (std::uint64_t n = next_; n <= published; n++) {
            fh_slot slot;
            switch (fh_slot_read(segment_.ring(), segment_.mask(), n, &slot)) {
            case FH_READ_OK: break;
            case FH_READ_LAPPED: overrun(); return published;
            default: throw Damaged("published record " + std::to_string(n) + " is not there");
            }
            message_.push_back(slot);
            if (slot.flags & FH_FLAG_LAST) {
                next_ = n + 1;
                hand_out(std::as_const(message_));
                message_.clear();
            }
        }
        return published;
    }

private:
    std::uint64_t first_whole() const {
        const std::uint64_t published = segment_.published();
        std::uint64_t n = published > segment_.mask() ? published - segment_.mask() : 1;
        for (fh_slot slot; n <= published; n++)
            if (fh_slot_read(segment_.ring(), segment_.mask(), n, &slot) == FH_READ_OK &&
                slot.flags & FH_FLAG_FIRST)
                break;
        return n;
    }
    // After this record the ring follows on from the cells.
    std::uint64_t join() const {
        std::uint64_t at = 0;
        while (!fh_join_try(&segment_.header(), segment_.ring(), segment_.mask(), &at) &&
               !segment_.gone()) {}
        return at;
    }
    void overrun() {
        const std::uint64_t at = join();
        std::cerr << "lost " << at + 1 - next_ << '\n';
        next_ = at + 1;
    }

    const Segment &segment_;
    std::uint64_t next_ = 1;
    std::vector<fh_slot> message_;
};

// Instruments by id, read again when a record has a precision that the row did not know.
class Directory {
public:
    explicit Directory(const Segment &segment) : segment_(segment), rows_(segment.capacity()) {}

    const fh_instrument *row(std::uint32_t id, unsigned precision) {
        if (id >= rows_.size()) return nullptr;
        auto &row = rows_[id];
        if (!row || precision > row->precision)
            row = segment_.cell<fh_instrument>(segment_.plan().directory, id);
        return row ? &*row : nullptr;
    }

private:
    const Segment &segment_;
    std::vector<std::optional<fh_instrument>> rows_;
};

const char *state_name(unsigned state) {
    switch (state) {
#define STATE_NAME(n, v) case v: return #n;
        FH_STATES(STATE_NAME)
#undef STATE_NAME
    default: return "UNKNOWN";
    }
}

void print_record(Directory &directory, const fh_slot &s) {
    int price_exponent = 0, size_exponent = 0;
    const bool scaled =
        s.kind != FH_KIND_STAT && s.kind != FH_KIND_STATE && s.kind != FH_KIND_WRITER &&
        s.kind != FH_KIND_DEFINITION;
    if (const fh_instrument *row = scaled ? directory.row(s.instrument, s.precision) : nullptr) {
        price_exponent = row->price_exponents[s.precision & (FH_PRECISIONS - 1)];
        size_exponent = row->size_exponents[s.precision & (FH_PRECISIONS - 1)];
    }
    std::cout << s.stamp / 2 << ' ' << s.instrument << ' ' << unsigned{s.kind} << ' '
              << unsigned{s.flags} << ' ' << unsigned{s.side} << ' ' << unsigned{s.precision} << ' '
              << s.exchange_ns << ' ' << s.receive_ns << ' ' << s.venue_sequence << ' ' << s.price
              << ' ' << s.size << ' ' << s.publish_delta_ns << ' ' << s.aux << ' '
              << price_exponent << ' ' << size_exponent << '\n';
}

void print_quote(const Segment &segment, Directory &directory, std::uint32_t id) {
    if (id >= segment.capacity()) return;
    const auto quote = segment.cell<fh_quote>(segment.plan().quotes, id);
    const fh_instrument *row = quote ? directory.row(id, quote->precision) : nullptr;
    if (!row) return;
    const auto put = [](std::int64_t mantissa, int exponent) {
        std::cout << ' ' << std::fixed << std::setprecision(exponent < 0 ? -exponent : 0)
                  << fh_value(mantissa, exponent);
    };
    std::cout << std::string(row->symbol, strnlen(row->symbol, sizeof row->symbol));
    put(quote->bid_size, quote->size_exponent);
    put(quote->bid_price, quote->price_exponent);
    put(quote->ask_price, quote->price_exponent);
    put(quote->ask_size, quote->size_exponent);
    std::cout << ' ' << state_name(quote->state) << '\n';
}

Segment attach_within(const std::string &space, const std::string &venue,
                      std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        try {
            return Segment::attach(space, venue);
        } catch (const NotReady &) {
            if (std::chrono::steady_clock::now() >= deadline) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

void run(const std::string &space, const std::string &venue, bool oldest, bool quotes) {
    const Segment segment = attach_within(space, venue, std::chrono::seconds(5));
    Directory directory(segment);
    Ring ring(segment, oldest);
    std::cerr << "attached " << segment.plan().epoch << " at " << ring.next() << '\n';
    for (;;) {
        const std::uint64_t before = ring.next();
        const std::uint64_t seen = ring.poll([&](const std::vector<fh_slot> &message) {
            if (quotes) print_quote(segment, directory, message.front().instrument);
            else for (const fh_slot &slot : message) print_record(directory, slot);
        });
        if (ring.next() != before) {
            std::cout.flush();
        } else if (segment.gone()) {
            if (segment.published() == seen) break; // drained
        } else {
            segment.wait(seen);
        }
    }
    std::cerr << "the writer ended\n";
}

// What a namespace or venue may be called.
bool is_name(const std::string &text) {
    return text.size() >= 1 && text.size() <= 48 &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               std::string::npos;
}

} // namespace

int main(int argc, char **argv) {
    const char *configured = std::getenv("FEEDHANDLER_NAMESPACE");
    std::string space = configured && *configured ? configured : "feedhandler", venue;
    bool oldest = false, quotes = false, wrong = false;
    for (int i = 1; i < argc; i++) {
        const std::string word = argv[i];
        if (word == "--oldest") oldest = true;
        else if (word == "--quotes") quotes = true;
        else if (word == "--namespace" && i + 1 < argc) space = argv[++i];
        else if (word[0] != '-' && venue.empty()) venue = word;
        else wrong = true;
    }
    if (wrong || venue.empty()) {
        std::cerr << "reader: VENUE [--oldest] [--quotes] [--namespace NAME]\n";
        return 2;
    }
    if (!is_name(space) || !is_name(venue)) {
        std::cerr << "reader: " << (is_name(space) ? venue : space)
                  << ": 1 to 48 letters, digits, '-' or '_'\n";
        return 2;
    }
    try {
        run(space, venue, oldest, quotes);
    } catch (const NotReady &error) {
        std::cerr << "reader: " << error.what() << '\n';
        return 1;
    } catch (const Damaged &error) {
        std::cerr << "reader: " << error.what() << '\n';
        return 3;
    }
    return 0;
}
