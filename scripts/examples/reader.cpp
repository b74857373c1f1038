// Follow a venue's event ring from another process, in C++17: the same lines as reader.c.
//
//   c++ -std=c++17 -O2 -I shm/include -o reader scripts/examples/reader.cpp -lrt
//   ./reader deribit [--oldest] [--quotes] [--namespace NAME]
//
// Segment attaches, validates and owns the mappings; Ring hands out whole messages. Exit codes:
// 0 the writer ended, 1 no such venue or not ready, 2 wrong use, 3 damaged or another version.

#include "feedhandler_shm.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
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
    explicit NotReady(const std::string &what, int error = 0)
        : std::runtime_error(error ? what + ": " + std::strerror(error) : what), error(error) {}
    int error; // errno
};
struct Damaged : std::runtime_error { // or of another version
    using std::runtime_error::runtime_error;
};

// A descriptor of a shared-memory object.
class Object {
public:
    Object(const std::string &name, int flags) : fd_(shm_open(name.c_str(), flags | O_NONBLOCK, 0)) {
        if (fd_ < 0) throw NotReady(name, errno);
    }
    ~Object() { if (fd_ >= 0) close(fd_); }
    Object(Object &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Object(const Object &) = delete;
    Object &operator=(const Object &) = delete;
    Object &operator=(Object &&) = delete;

    int fd() const { return fd_; }
    struct stat status() const {
        struct stat status {};
        if (fstat(fd_, &status) != 0) throw NotReady("fstat", errno);
        return status;
    }
    std::uint64_t size() const { return static_cast<std::uint64_t>(status().st_size); }
    // Whether the writer holds its lock. Asks, never takes it; a read lock meets write locks alone.
    bool locked() const {
        struct flock lock {};
        lock.l_type = F_RDLCK;
        lock.l_whence = SEEK_SET;
        return fcntl(fd_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    }

private:
    int fd_;
};

// A mapping; it stays valid when the object's name is removed.
class Mapping {
public:
    Mapping(const Object &object, std::size_t size, int protection)
        : memory_(mmap(nullptr, size, protection, MAP_SHARED, object.fd(), 0)), size_(size) {
        if (memory_ == MAP_FAILED) throw NotReady("mmap", errno);
    }
    ~Mapping() { if (memory_) munmap(memory_, size_); }
    Mapping(Mapping &&other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_) {}
    Mapping(const Mapping &) = delete;
    Mapping &operator=(const Mapping &) = delete;
    Mapping &operator=(Mapping &&) = delete;

    unsigned char *at(std::uint64_t offset) const {
        return static_cast<unsigned char *>(memory_) + offset;
    }

private:
    void *memory_;
    std::size_t size_;
};

class Segment {
public:
    // One try. Throws NotReady, Damaged.
    static Segment attach(const std::string &space, const std::string &venue) {
        const std::string name = "/" + space + "." + venue;
        Object object(name, O_RDONLY);
        const uid_t owner = object.status().st_uid;
        if (!believed(owner))
            throw Damaged(name + ": is another user's: FEEDHANDLER_OWNER names whom to believe");
        if (object.size() < FH_CONTROL_BYTES || !object.locked())
            throw NotReady(name + ": no writer is running");
        Mapping control(object, FH_CONTROL_BYTES, PROT_READ);
        auto *head = reinterpret_cast<const fh_control *>(control.at(0));
        const std::uint64_t magic = FH_LOAD_ACQUIRE(&head->magic);
        if (magic == 0) throw NotReady(name + ": its writer has not finished it");
        if (magic != FH_MAGIC_CONTROL) throw Damaged(name + ": not a control object");
        check_version(name, *head);
        const std::uint64_t epoch = FH_LOAD_ACQUIRE(&head->epoch);
        if (epoch == 0) throw NotReady(name + ": the writer is starting");
        const std::string data_name = name + "." + std::to_string(epoch);
        const Object data(data_name, O_RDONLY);
        check_files(object.status(), data.status());
        const std::uint64_t size = data.size();
        if (size < FH_HEADER_BYTES) throw Damaged(data_name + ": shorter than its header");
        return Segment(std::move(object), std::move(control), open_readers(name, owner),
                       Mapping(data, size, PROT_READ), size, epoch, data_name);
    }

    const fh_header &header() const { return *reinterpret_cast<const fh_header *>(data_.at(0)); }
    const fh_slot *ring() const {
        return reinterpret_cast<const fh_slot *>(data_.at(header().ring.offset));
    }
    std::uint64_t mask() const { return header().ring.count - 1; }
    std::uint64_t published() const { return FH_LOAD_ACQUIRE(&header().published); }
    std::uint32_t capacity() const { return header().directory.count; }

    // The sign that the writer is gone; after it, all that was published is seen.
    bool gone() const {
        return FH_LOAD_ACQUIRE(&header().superseded) ||
               FH_LOAD_ACQUIRE(&control().epoch) != header().epoch || !object_.locked();
    }
    // Sleep until something after `seen` is published, 100 ms at most.
    void wait(std::uint64_t seen) const {
        auto *readers = readers_ ? reinterpret_cast<fh_readers *>(readers_->at(0)) : nullptr;
        fh_wait(&header(), readers ? &readers->sleepers : nullptr, seen, 100'000'000);
    }

    // A copy of a latched cell; none: it was never stored.
    template <class Copy>
    std::optional<Copy> cell(const fh_region &region, std::uint32_t row) const {
        Copy copy;
        auto *words = reinterpret_cast<const fh_word *>(
            data_.at(region.offset + static_cast<std::uint64_t>(row) * region.stride));
        switch (fh_latch_read(words, sizeof copy, reinterpret_cast<fh_word *>(&copy),
                              sizeof copy / sizeof(fh_word))) {
        case FH_READ_OK: return copy;
        case FH_READ_EMPTY: return std::nullopt;
        default: throw Damaged("cell " + std::to_string(row) + " cannot be read");
        }
    }

private:
    Segment(Object object, Mapping control, std::optional<Mapping> readers, Mapping data,
            std::uint64_t size, std::uint64_t epoch, const std::string &name)
        : object_(std::move(object)), control_(std::move(control)), readers_(std::move(readers)),
          data_(std::move(data)) {
        if (FH_LOAD_ACQUIRE(&header().magic) != FH_MAGIC_DATA)
            throw Damaged(name + ": named, but not ready");
        check_version(name, header());
        check_header(size);
        if (header().epoch != epoch) throw Damaged(name + ": of another epoch");
    }

    const fh_control &control() const {
        return *reinterpret_cast<const fh_control *>(control_.at(0));
    }

    // Anybody may make an object under a feed's name: whose is believed?
    static bool believed(uid_t owner) {
        const char *named = std::getenv("FEEDHANDLER_OWNER");
        if (!named || !*named) return owner == geteuid() || owner == 0;
        char *end;
        const unsigned long number = std::strtoul(named, &end, 10);
        if (*end == 0) return number == owner;
        const auto *user = getpwnam(named);
        return user && user->pw_uid == owner;
    }

    // What readers may write: the word that asks to be woken. Nothing else there is believed.
    static std::optional<Mapping> open_readers(const std::string &name, uid_t owner) {
        try {
            const Object object(name + ".readers", O_RDWR);
            const auto status = object.status();
            if (S_ISREG(status.st_mode) && status.st_uid == owner && object.size() >= FH_READERS_BYTES)
                return Mapping(object, FH_READERS_BYTES, PROT_READ | PROT_WRITE);
        } catch (const NotReady &) {
        }
        return std::nullopt; // then only the time-out wakes
    }

    // Plain files of one owner, who alone may write them.
    static void check_files(const struct stat &control, const struct stat &data) {
        if (!S_ISREG(control.st_mode) || control.st_mode & (S_IWGRP | S_IWOTH))
            throw Damaged("control.mode: no plain file, or others may write it");
        if (!S_ISREG(data.st_mode) || data.st_mode & (S_IWGRP | S_IWOTH))
            throw Damaged("mode: no plain file, or others may write it");
        if (data.st_uid != control.st_uid)
            throw Damaged("owner: is not that of the control object");
    }

    template <class Head> static void check_version(const std::string &what, const Head &head) {
        if (head.version_major != FH_VERSION_MAJOR)
            throw Damaged(what + ": another major version of the contract");
        if (head.version_minor == FH_VERSION_MINOR && head.layout_hash != fh_layout_hash())
            throw Damaged(what + ": the layout differs though the version is the same");
    }

    void check_header(std::uint64_t size) const {
        const fh_header &h = header();
        if (h.total_bytes != size) throw Damaged("total_bytes is not the object's size");
        if (h.book_depth < 1 || h.book_depth > 10'000) throw Damaged("book_depth");
        const auto fits = [size](const char *name, const fh_region &r, std::uint64_t least) {
            if (r.count < 1 || r.stride < least || r.stride % 8 || r.offset % 64 ||
                r.offset < FH_HEADER_BYTES || r.offset > size ||
                r.count > (size - r.offset) / r.stride)
                throw Damaged(std::string(name) + " does not fit into the object");
        };
        fits("directory", h.directory, fh_cell_stride(sizeof(fh_instrument)));
        fits("quotes", h.quotes, fh_cell_stride(sizeof(fh_quote)));
        fits("books", h.books, fh_cell_stride(fh_book_copy_bytes(h.book_depth)));
        fits("ring", h.ring, sizeof(fh_slot));
        if (h.quotes.count < h.directory.count) throw Damaged("fewer quotes than instruments");
        if (h.ring.stride != sizeof(fh_slot) || (h.ring.count & (h.ring.count - 1)))
            throw Damaged("the ring is not a power of two of 64-byte slots");
    }

    Object object_;
    Mapping control_;
    std::optional<Mapping> readers_;
    Mapping data_;
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
            row = segment_.cell<fh_instrument>(segment_.header().directory, id);
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
    const auto quote = segment.cell<fh_quote>(segment.header().quotes, id);
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
    std::cerr << "attached " << segment.header().epoch << " at " << ring.next() << '\n';
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
