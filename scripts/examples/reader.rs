//! Follow a venue's event ring from another process, in Rust: the same lines as reader.c.
//!
//!     rustc --edition 2021 -O -o reader scripts/examples/reader.rs   (Rust 1.70 or newer)
//!     ./reader deribit [--oldest] [--quotes] [--namespace NAME]
//!
//! No crate and no header: the offsets are those of docs/memory.md, whose words this follows. Whose feed
//! is believed: FEEDHANDLER_OWNER's, a name or a number; else one's own, or root's. Exit codes: 0 the
//! writer ended, 1 no such venue or not ready, 2 wrong use, 3 damaged memory or another version.

use std::ffi::{c_char, c_int, c_long, c_void, CString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::process::exit;
use std::ptr;
use std::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering::*};
use std::thread::sleep;
use std::time::Duration;

const MAJOR: u16 = 2;
const MINOR: u16 = 0;
const LAYOUT_HASH: u64 = 0x3d7f92bc012d2161;
const MAGIC_DATA: u64 = 0x3154_4144_4853_4846; // "FHSHDAT1"
const MAGIC_CONTROL: u64 = 0x314C_5443_4853_4846; // "FHSHCTL1"
const HEADER_BYTES: usize = 4096;
const CONTROL_BYTES: usize = 4096;
const READERS_BYTES: usize = 8192;
const SLEEPERS: usize = 128; // of the readers' object
const NONE: i64 = i64::MIN;
const PRECISIONS: usize = 8;
const FIRST: u8 = 1;
const LAST: u8 = 2;
const MORE: u8 = 16;
const UNSCALED: [u8; 4] = [6, 7, 8, 9]; // STAT, STATE, WRITER, DEFINITION: no price and size in them
const STATES: [&str; 7] = ["NONE", "SYNCING", "LIVE", "STALE", "CROSSED", "DEGRADED", "CLOSED"];
const SLEEP_NS: c_long = 100_000_000;
const ATTACH_TRIES: u32 = 500; // of 10 ms

const O_NONBLOCK: c_int = 0o4000; // under the name may be a FIFO
const O_NOFOLLOW: c_int = 0o400000;
const PROT_READ: c_int = 1;
const PROT_WRITE: c_int = 2;
const MAP_SHARED: c_int = 1;
const F_OFD_GETLK: c_int = 36;
const F_RDLCK: i16 = 0;
const F_UNLCK: i16 = 2;
const FUTEX_WAIT_BITSET: c_int = 9;
const FUTEX_WAKE_BITSET: c_int = 10;
const WAKE_NEXT: u32 = 2; // whom a reader wakes that was woken
const NAPS: u32 = 4;
const NAP_LEAST_NS: c_long = 20_000;
const NAP_BELOW_NS: u32 = 128_000; // between two batches
const PR_SET_TIMERSLACK: c_int = 29;
const PR_GET_TIMERSLACK: c_int = 30;
const CLOCK_MONOTONIC: c_int = 1;
#[cfg(target_arch = "x86_64")]
const SYS_FUTEX: c_long = 202;
#[cfg(target_arch = "aarch64")]
const SYS_FUTEX: c_long = 98;

#[repr(C)]
struct Flock {
    kind: i16,
    whence: i16,
    start: i64,
    length: i64,
    pid: i32,
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

#[repr(C)]
struct Passwd {
    name: *const c_char,
    password: *const c_char,
    uid: u32,
    rest: [usize; 8],
}

extern "C" {
    fn mmap(at: *mut c_void, size: usize, protection: c_int, flags: c_int, fd: c_int, offset: i64)
        -> *mut c_void;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    fn nanosleep(time: *const Timespec, left: *mut Timespec) -> c_int;
    fn prctl(what: c_int, ...) -> c_int;
    fn geteuid() -> u32;
    fn getpwnam(name: *const c_char) -> *const Passwd;
}

/// Why there is nothing to read: 1 not ready, 2 wrong use, 3 damaged.
struct Refused(i32, String);

fn not_ready<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(1, why.into()))
}

fn damaged<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(3, why.into()))
}

// ---- words of shared memory: atomic, and never through a reference to a struct -----------------

/// A mapping of a whole object; it stays until the process ends.
#[derive(Clone, Copy)]
struct Memory(*mut u8);

impl Memory {
    fn of(file: &File, size: usize, protection: c_int) -> Result<Memory, Refused> {
        let at = unsafe { mmap(ptr::null_mut(), size, protection, MAP_SHARED, file.as_raw_fd(), 0) };
        if at as isize == -1 {
            return not_ready(format!("mmap: {}", io::Error::last_os_error()));
        }
        Ok(Memory(at as *mut u8))
    }
    fn word(&self, offset: usize) -> &AtomicU64 {
        unsafe { &*(self.0.add(offset) as *const AtomicU64) }
    }
    fn half(&self, offset: usize) -> &AtomicU32 {
        unsafe { &*(self.0.add(offset) as *const AtomicU32) }
    }
}

/// Words that were copied out, to be looked at in peace.
struct Copied<const N: usize>([u64; N]);

impl<const N: usize> Copied<N> {
    fn u64(&self, offset: usize) -> u64 {
        self.0[offset / 8]
    }
    fn i64(&self, offset: usize) -> i64 {
        self.u64(offset) as i64
    }
    fn u32(&self, offset: usize) -> u32 {
        (self.u64(offset) >> (offset % 8 * 8)) as u32
    }
    fn u8(&self, offset: usize) -> u8 {
        (self.u64(offset) >> (offset % 8 * 8)) as u8
    }
    fn i8(&self, offset: usize) -> i8 {
        self.u8(offset) as i8
    }
    fn text(&self, offset: usize, size: usize) -> String {
        let bytes: Vec<u8> = (offset..offset + size).map(|at| self.u8(at)).collect();
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(size);
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }
}

/// "The one primitive": the words after a stamp, if the stamp is `wanted` before and after.
fn read_stamped<const N: usize>(memory: Memory, at: usize, wanted: u64) -> Result<Copied<N>, u64> {
    let stamp = memory.word(at).load(Acquire);
    if stamp != wanted {
        return Err(stamp);
    }
    let mut words = [0; N];
    words[0] = stamp;
    for (index, word) in words.iter_mut().enumerate().skip(1) {
        *word = memory.word(at + 8 * index).load(Relaxed);
    }
    fence(Acquire);
    if memory.word(at).load(Relaxed) == stamp {
        Ok(Copied(words))
    } else {
        Err(u64::MAX)
    }
}

/// A cell: of its two copies the one that the head names. None: it was never stored.
fn read_cell<const N: usize>(memory: Memory, at: usize) -> Result<Option<Copied<N>>, Refused> {
    for _ in 0..1_000_000 {
        let stored = memory.word(at).load(Acquire);
        if stored == 0 {
            return Ok(None);
        }
        if stored == 1 << 63 {
            break;
        }
        let copy = at + 64 + (stored & 1) as usize * N * 8;
        if let Ok(words) = read_stamped(memory, copy, 2 * stored) {
            return Ok(Some(words));
        }
    }
    damaged("a cell cannot be read")
}

// ---- attach ------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
struct Region {
    offset: u64,
    stride: u64,
    count: u64,
}

const INSTRUMENT_WORDS: usize = 56;
const QUOTE_WORDS: usize = 40;
const SLOT_WORDS: usize = 8;
const HEADER_WORDS: usize = 128; // as far as anything here looks

struct Reader {
    control_file: File,
    control: Memory,
    readers: Option<Memory>, // None: this user may not write it; then only the time-out wakes
    data: Memory,
    epoch: u64,
    pid: u32,
    directory: Region,
    quotes: Region,
    ring: usize,
    mask: u64,
    next: u64,
    rows: Vec<Option<Copied<INSTRUMENT_WORDS>>>,
}

fn open(name: &str, write: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(O_NONBLOCK | O_NOFOLLOW)
        .open(format!("/dev/shm/{name}"))
}

/// Anybody may make an object under a feed's name: whose is believed?
fn believed(owner: u32) -> bool {
    let Some(named) = std::env::var("FEEDHANDLER_OWNER").ok().filter(|name| !name.is_empty()) else {
        return owner == 0 || owner == unsafe { geteuid() };
    };
    if let Ok(number) = named.parse::<u32>() {
        return number == owner;
    }
    let name = CString::new(named).unwrap_or_default();
    let user = unsafe { getpwnam(name.as_ptr()) };
    !user.is_null() && unsafe { (*user).uid } == owner
}

/// Whether the writer holds its lock. Asks, never takes it; what a read lock would meet is a write lock.
fn writer_lives(control: &File) -> bool {
    let mut lock = Flock { kind: F_RDLCK, whence: 0, start: 0, length: 0, pid: 0 };
    let asked = unsafe { fcntl(control.as_raw_fd(), F_OFD_GETLK, &mut lock as *mut Flock) };
    asked == 0 && lock.kind != F_UNLCK
}

/// A plain file of this owner, who alone may write it.
fn check_file(what: &str, found: &Metadata, owner: u32) -> Result<(), Refused> {
    if !found.is_file() || found.mode() & 0o022 != 0 {
        return damaged(format!("{what}mode: no plain file, or others may write it"));
    }
    if found.uid() != owner {
        return damaged("owner: is not that of the control object");
    }
    Ok(())
}

/// Where a region of the header's copy lies, once it is known to lie inside the object.
fn region(
    header: &Copied<HEADER_WORDS>, name: &str, at: usize, least: u64, size: u64,
) -> Result<Region, Refused> {
    let (offset, stride) = (header.u64(at), u64::from(header.u32(at + 8)));
    let count = u64::from(header.u32(at + 12));
    let end = stride.checked_mul(count).and_then(|bytes| bytes.checked_add(offset));
    let right = count >= 1 && stride >= least && stride % 8 == 0 && offset % 64 == 0
        && offset >= HEADER_BYTES as u64 && end.is_some_and(|end| end <= size);
    if right {
        Ok(Region { offset, stride, count })
    } else {
        damaged(format!("{name}: the region does not fit into the object"))
    }
}

/// One try.
fn attach(space: &str, venue: &str) -> Result<Reader, Refused> {
    let name = format!("{space}.{venue}");
    let Ok(control_file) = open(&name, false) else { return not_ready("no such venue") };
    let found = control_file.metadata().or_else(|error| not_ready(error.to_string()))?;
    let owner = found.uid();
    if !believed(owner) {
        return damaged(format!("{name} is another user's: FEEDHANDLER_OWNER names whom to believe"));
    }
    check_file("control.", &found, owner)?;
    if found.len() < CONTROL_BYTES as u64 || !writer_lives(&control_file) {
        return not_ready("no writer is running");
    }
    let control = Memory::of(&control_file, CONTROL_BYTES, PROT_READ)?;
    match control.word(0).load(Acquire) {
        0 => return not_ready("the writer is starting"),
        MAGIC_CONTROL => {}
        _ => return damaged(format!("{name}: not a control object")),
    }
    check_version(&name, control.word(8).load(Relaxed), control.word(16).load(Relaxed))?;
    let epoch = control.word(512).load(Acquire);
    let data_name = format!("{name}.{epoch}");
    let Ok(data_file) = open(&data_name, false) else { return not_ready("the writer is starting") };
    let found = data_file.metadata().or_else(|error| not_ready(error.to_string()))?;
    check_file("", &found, owner)?;
    if found.len() < HEADER_BYTES as u64 {
        return damaged(format!("{data_name}: shorter than its header"));
    }
    let data = Memory::of(&data_file, found.len() as usize, PROT_READ)?; // stays when the name goes
    if data.word(0).load(Acquire) != MAGIC_DATA {
        return damaged(format!("{data_name}: named, but not ready"));
    }
    let mut header = Copied([0; HEADER_WORDS]); // what is checked and used is this copy
    for (index, word) in header.0.iter_mut().enumerate() {
        *word = data.word(8 * index).load(Relaxed);
    }
    check_version(&data_name, header.u64(8), header.u64(16))?;
    if header.u64(24) != found.len() {
        return damaged("total_bytes: is not the object's size");
    }
    if header.u64(48) != epoch {
        return damaged(format!("{data_name}: of another epoch"));
    }
    let depth = u64::from(header.u32(76));
    if !(1..=10_000).contains(&depth) {
        return damaged("book_depth: 1 to 10000");
    }
    let cell = |copy: u64| (64 + 2 * copy + 127) & !127;
    let directory = region(&header, "directory", 256, cell(448), found.len())?;
    let quotes = region(&header, "quotes", 272, cell(320), found.len())?;
    region(&header, "books", 288, cell(96 + 32 * depth), found.len())?;
    let ring = region(&header, "ring", 336, 64, found.len())?;
    if quotes.count < directory.count {
        return damaged("quotes: fewer than instruments");
    }
    if ring.stride != 64 || !ring.count.is_power_of_two() {
        return damaged("ring: not a power of two of 64-byte slots");
    }
    Ok(Reader {
        readers: open_readers(&name, owner),
        control_file,
        control,
        data,
        epoch,
        pid: header.u32(72),
        directory,
        quotes,
        ring: ring.offset as usize,
        mask: ring.count - 1,
        next: 1,
        rows: (0..directory.count).map(|_| None).collect(),
    })
}

/// `versions`: the word that has the major one, then the minor one.
fn check_version(what: &str, versions: u64, layout_hash: u64) -> Result<(), Refused> {
    if versions as u16 != MAJOR {
        return damaged(format!("{what}: another major version of the contract"));
    }
    if (versions >> 16) as u16 == MINOR && layout_hash != LAYOUT_HASH {
        return damaged(format!("{what}: the layout differs though the version is the same"));
    }
    Ok(())
}

/// What readers may write: the word that asks to be woken. Nothing else there is believed.
fn open_readers(name: &str, owner: u32) -> Option<Memory> {
    let file = open(&format!("{name}.readers"), true).ok()?;
    let found = file.metadata().ok()?;
    let whole = found.is_file() && found.uid() == owner && found.len() >= READERS_BYTES as u64;
    whole.then(|| Memory::of(&file, READERS_BYTES, PROT_READ | PROT_WRITE).ok())?
}

// ---- follow the ring ---------------------------------------------------------------------------

type Slot = Copied<SLOT_WORDS>;

enum Read {
    Whole(Slot),
    Lapped,
    Missing,
}

impl Reader {
    fn published(&self) -> u64 {
        self.data.word(512).load(Acquire)
    }

    /// The sign that the writer is gone; after it, all that was published is seen.
    fn gone(&self) -> bool {
        self.data.half(792).load(Acquire) != 0
            || self.control.word(512).load(Acquire) != self.epoch
            || self.control.half(520).load(Acquire) != self.pid
            || !writer_lives(&self.control_file)
    }

    fn slot(&self, sequence: u64) -> Read {
        let at = self.ring + (sequence & self.mask) as usize * 64;
        match read_stamped(self.data, at, 2 * sequence) {
            Ok(slot) => Read::Whole(slot),
            Err(stamp) if stamp > 2 * sequence => Read::Lapped,
            Err(_) => Read::Missing,
        }
    }

    /// The last published record, but not inside a message that was split, whose cell is stored at
    /// its end. A writer that died there leaves it as it is: nothing follows anyway.
    fn join(&self) -> u64 {
        loop {
            let at = self.published();
            let fine = at == 0
                || matches!(self.slot(at), Read::Whole(slot) if slot.u8(13) & MORE == 0);
            if fine || self.gone() {
                return at;
            }
        }
    }

    /// The oldest message that is still whole: the ring may have gone round.
    fn oldest(&self) -> u64 {
        let published = self.published();
        let mut at = if published > self.mask { published - self.mask } else { 1 };
        while at <= published {
            if matches!(self.slot(at), Read::Whole(slot) if slot.u8(13) & FIRST != 0) {
                break;
            }
            at += 1;
        }
        at
    }

    /// Whole messages up to `published`; nothing of a message before its LAST.
    fn poll(&mut self, quotes: bool, out: &mut impl Write) -> Result<u64, Refused> {
        let published = self.published();
        let mut message = Vec::new();
        for sequence in self.next..=published {
            match self.slot(sequence) {
                Read::Whole(slot) => message.push(slot),
                Read::Lapped => {
                    let at = self.join();
                    eprintln!("lost {}", at + 1 - self.next);
                    self.next = at + 1;
                    return Ok(published);
                }
                Read::Missing => return damaged("ring: a published record is not there"),
            }
            if message.last().is_some_and(|slot: &Slot| slot.u8(13) & LAST != 0) {
                self.next = sequence + 1;
                self.hand_out(&message, quotes, out)?;
                message.clear();
            }
        }
        Ok(published)
    }

    fn hand_out(&mut self, message: &[Slot], quotes: bool, out: &mut impl Write) -> Result<(), Refused> {
        let instrument = message[0].u32(8) as usize;
        if quotes {
            if instrument < self.rows.len() {
                self.print_quote(instrument, out)?;
            }
            return Ok(());
        }
        for slot in message {
            self.print_record(slot, out)?;
        }
        Ok(())
    }

    /// The directory's row, read again when a precision is asked for that it did not have yet.
    fn row(&mut self, id: usize, precision: u8) -> Result<&Copied<INSTRUMENT_WORDS>, Refused> {
        if self.rows[id].as_ref().map_or(true, |row| row.u8(16) < precision) {
            let at = self.directory.offset + id as u64 * self.directory.stride;
            self.rows[id] = read_cell(self.data, at as usize)?;
        }
        match &self.rows[id] {
            Some(row) => Ok(row),
            None => damaged("directory: a row was never stored"),
        }
    }

    fn print_record(&mut self, slot: &Slot, out: &mut impl Write) -> Result<(), Refused> {
        let (instrument, kind, precision) = (slot.u32(8), slot.u8(12), slot.u8(15));
        let (mut price_exponent, mut size_exponent) = (0, 0);
        if !UNSCALED.contains(&kind) && (instrument as usize) < self.rows.len() {
            let row = self.row(instrument as usize, precision)?;
            let pair = precision as usize & (PRECISIONS - 1);
            (price_exponent, size_exponent) = (row.i8(24 + pair), row.i8(32 + pair));
        }
        let line = writeln!(
            out,
            "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
            slot.u64(0) / 2, instrument, kind, slot.u8(13), slot.u8(14), precision, slot.i64(16),
            slot.i64(24), slot.u64(32), slot.i64(40), slot.i64(48), slot.u32(56), slot.u32(60),
            price_exponent, size_exponent
        );
        line.or_else(|error| not_ready(error.to_string()))
    }

    fn print_quote(&mut self, id: usize, out: &mut impl Write) -> Result<(), Refused> {
        let at = self.quotes.offset + id as u64 * self.quotes.stride;
        let Some(quote) = read_cell::<QUOTE_WORDS>(self.data, at as usize)? else { return Ok(()) };
        let (price, size) = (quote.i8(50), quote.i8(51));
        let symbol = self.row(id, quote.u8(53))?.text(80, 64);
        let state = STATES.get(quote.u8(48) as usize).unwrap_or(&"UNKNOWN");
        let line = writeln!(
            out,
            "{symbol} {} {} {} {} {state}",
            decimal(quote.i64(64), size), decimal(quote.i64(56), price),
            decimal(quote.i64(72), price), decimal(quote.i64(80), size)
        );
        line.or_else(|error| not_ready(error.to_string()))
    }

    /// Whether something after `seen` is there within a few naps, where batches follow each other so quickly
    /// that it may well be: the writer, whom it costs much to wake somebody, is not told.
    fn doze(&self, seen: u64) -> bool {
        let pace = self.data.half(644).load(Relaxed);
        if pace == 0 || pace >= NAP_BELOW_NS {
            return false;
        }
        let nap = Timespec { seconds: 0, nanoseconds: NAP_LEAST_NS.max(pace as c_long / 2) };
        for _ in 0..NAPS {
            if self.published() != seen || self.data.half(792).load(Relaxed) != 0 {
                return true;
            }
            unsafe {
                let slack = prctl(PR_GET_TIMERSLACK); // the kernel may make 50 us more of it
                prctl(PR_SET_TIMERSLACK, 1 as c_long);
                nanosleep(&nap, ptr::null_mut());
                prctl(PR_SET_TIMERSLACK, slack as c_long);
            }
        }
        false
    }

    /// Sleep until something after `seen` is published, 100 ms at most; and then wake others, but nobody who
    /// has loaded the word as it is now.
    fn wait(&self, seen: u64) {
        if self.doze(seen) {
            return;
        }
        let wake = self.data.half(640);
        let word = wake.load(Acquire);
        let mut nanoseconds = SLEEP_NS;
        match &self.readers {
            Some(readers) => {
                readers.half(SLEEPERS).store(1, Relaxed);
                fence(SeqCst);
            }
            None => nanoseconds = 1_000_000,
        }
        if self.published() != seen || self.data.half(792).load(Relaxed) != 0 {
            return;
        }
        let nothing = ptr::null::<c_void>();
        let bit = |word: u32| 1u32 << (word % 32);
        let mut until = Timespec { seconds: 0, nanoseconds: 0 };
        unsafe { clock_gettime(CLOCK_MONOTONIC, &mut until) };
        nanoseconds += until.nanoseconds;
        until.seconds += nanoseconds / 1_000_000_000;
        until.nanoseconds = nanoseconds % 1_000_000_000;
        let futex = |what: c_int, value: u32, until: *const Timespec, bits: u32| unsafe {
            syscall(SYS_FUTEX, wake.as_ptr(), what, value, until, nothing, bits)
        };
        if futex(FUTEX_WAIT_BITSET, word, &until, bit(word)) == 0 {
            futex(FUTEX_WAKE_BITSET, WAKE_NEXT, ptr::null(), !bit(wake.load(Relaxed)));
        }
    }
}

/// mantissa * 10^exponent with as many places as it has; NaN: there is none.
fn decimal(mantissa: i64, exponent: i8) -> String {
    if mantissa == NONE {
        return "nan".into();
    }
    let places = usize::try_from(-i32::from(exponent)).unwrap_or(0);
    let power: f64 = format!("1e{}", i32::from(exponent).abs()).parse().unwrap_or(f64::NAN);
    let value = mantissa as f64;
    format!("{:.places$}", if exponent < 0 { value / power } else { value * power })
}

fn follow(mut reader: Reader, quotes: bool) -> Result<(), Refused> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    loop {
        let before = reader.next;
        let published = reader.poll(quotes, &mut out)?;
        if reader.next != before {
            out.flush().or_else(|error| not_ready(error.to_string()))?;
        } else if reader.gone() {
            if reader.published() == published {
                return Ok(()); // drained
            }
        } else {
            reader.wait(published);
        }
    }
}

/// What a namespace or venue may be called: 1 to 48 letters, digits, '-' and '_'.
fn is_name(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

const USE: &str = "VENUE [--oldest] [--quotes] [--namespace NAME]";

fn run() -> Result<(), Refused> {
    let mut space = std::env::var("FEEDHANDLER_NAMESPACE").unwrap_or_default();
    if space.is_empty() {
        space = "feedhandler".into();
    }
    let (mut venue, mut oldest, mut quotes) = (None, false, false);
    let mut arguments = std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--oldest" => oldest = true,
            "--quotes" => quotes = true,
            "--namespace" => match arguments.next() {
                Some(name) => space = name,
                None => return Err(Refused(2, format!("{argument}: {USE}"))),
            },
            name if !name.starts_with('-') && venue.is_none() => venue = Some(name.to_string()),
            other => return Err(Refused(2, format!("{other}: {USE}"))),
        }
    }
    let Some(venue) = venue else { return Err(Refused(2, format!("no venue: {USE}"))) };
    for name in [&space, &venue] {
        if !is_name(name) {
            return Err(Refused(2, format!("{name}: 1 to 48 letters, digits, '-' or '_'")));
        }
    }
    let mut tried = attach(&space, &venue);
    for _ in 1..ATTACH_TRIES {
        if !matches!(tried, Err(Refused(1, _))) {
            break;
        }
        sleep(Duration::from_millis(10));
        tried = attach(&space, &venue);
    }
    let mut reader = tried?;
    reader.next = if oldest { reader.oldest() } else { reader.join() + 1 };
    eprintln!("attached {} at {}", reader.epoch, reader.next);
    follow(reader, quotes)?;
    eprintln!("the writer ended");
    Ok(())
}

fn main() {
    if let Err(Refused(code, why)) = run() {
        eprintln!("reader: {why}");
        exit(code);
    }
}
