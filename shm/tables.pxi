# The header's tables as Python objects.

cdef extern from *:
    """
    typedef struct { const char *name; int value; } fh_name;
    #define FH_NAME(n, v) {#n, v},
    static const fh_name fh_names_kind[] = {FH_KINDS(FH_NAME) {0, 0}};
    static const fh_name fh_names_state[] = {FH_STATES(FH_NAME) {0, 0}};
    static const fh_name fh_names_reason[] = {FH_REASONS(FH_NAME) {0, 0}};
    static const fh_name fh_names_stat[] = {FH_STATS(FH_NAME) {0, 0}};
    static const fh_name fh_names_counter[] = {FH_COUNTER_NAMES(FH_NAME) {0, 0}};
    static const fh_name fh_names_histogram[] = {FH_HISTOGRAM_NAMES(FH_NAME) {0, 0}};
    static const fh_name fh_names_instrument[] = {FH_INSTRUMENT_KINDS(FH_NAME) {0, 0}};
    static const fh_name fh_names_contract[] = {FH_CONTRACT_TYPES(FH_NAME) {0, 0}};
    static const fh_name fh_names_option[] = {FH_OPTION_TYPES(FH_NAME) {0, 0}};
    static const fh_name fh_names_status[] = {FH_INSTRUMENT_STATUSES(FH_NAME) {0, 0}};
    static const fh_name fh_names_source[] = {FH_QUOTE_SOURCES(FH_NAME) {0, 0}};
    static const fh_name fh_names_change[] = {FH_CHANGES(FH_NAME) {0, 0}};
    static const fh_name fh_names_flag[] = {FH_FLAGS(FH_NAME) {0, 0}};
    """
    ctypedef struct fh_name:
        const char *name
        int value
    const fh_name *fh_names_kind
    const fh_name *fh_names_state
    const fh_name *fh_names_reason
    const fh_name *fh_names_stat
    const fh_name *fh_names_counter
    const fh_name *fh_names_histogram
    const fh_name *fh_names_instrument
    const fh_name *fh_names_contract
    const fh_name *fh_names_option
    const fh_name *fh_names_status
    const fh_name *fh_names_source
    const fh_name *fh_names_change
    const fh_name *fh_names_flag


cdef dict _table(const fh_name *names):
    cdef int i = 0
    table = {}
    while names[i].name != NULL:
        table[names[i].name.decode()] = names[i].value
        i += 1
    return table


def names():
    return {
        "kind": _table(fh_names_kind),
        "state": _table(fh_names_state),
        "reason": _table(fh_names_reason),
        "stat": _table(fh_names_stat),
        "counter": _table(fh_names_counter),
        "histogram": _table(fh_names_histogram),
        "instrument": _table(fh_names_instrument),
        "contract": _table(fh_names_contract),
        "option": _table(fh_names_option),
        "status": _table(fh_names_status),
        "source": _table(fh_names_source),
        "change": _table(fh_names_change),
        "flag": _table(fh_names_flag),
    }


def layout_text():
    return FH_LAYOUT.decode()


def layout():
    tables = {}
    for part in layout_text().split("}")[:-1]:
        structure, _, body = part.partition("{")
        fields = []
        for field in body.split(";")[:-1]:
            name, _, rest = field.partition(":")
            kind, _, offset = rest.partition("@")
            fields.append((name, kind, int(offset)))
        tables[structure] = tuple(fields)
    return tables


cdef dict _TYPES = {
    "u64": "<u8", "i64": "<i8", "u32": "<u4", "u16": "<u2", "u8": "u1", "i8": "i1", "f64": "<f8",
    "i8x8": ("i1", (8,)), "f64x12": ("<f8", (FH_BANDS,)), "u64x12": ("<u8", (FH_EARLIER,)),
    "counters": ("<u8", (FH_COUNTERS,)),
    "region": [("offset", "<u8"), ("stride", "<u4"), ("count", "<u4")],
}


def _dtype(str structure, tuple fields):
    formats = [f"S{kind[4:]}" if kind.startswith("char") else _TYPES[kind] for _, kind, _ in fields]
    spec = {
        "names": [name for name, _, _ in fields],
        "formats": formats,
        "offsets": [offset for _, _, offset in fields],
    }
    sizes = {
        "slot": sizeof(fh_slot), "quote": sizeof(fh_quote), "book": sizeof(fh_book_head),
        "instrument": sizeof(fh_instrument), "connection": sizeof(fh_connection),
        "header": sizeof(fh_header), "control": sizeof(fh_control),
        "readers": sizeof(fh_readers), "reader": sizeof(fh_reader_row),
    }
    spec["itemsize"] = sizes[structure]
    return np.dtype(spec)


DTYPES = {structure: _dtype(structure, fields) for structure, fields in layout().items()}
VERSION = (FH_VERSION_MAJOR, FH_VERSION_MINOR)
LAYOUT_HASH = fh_layout_hash()
NONE = FH_NONE
NO_INSTRUMENT = FH_NO_INSTRUMENT
KNOWN_WHOLE = FH_KNOWN_WHOLE
CONTROL_BYTES = FH_CONTROL_BYTES
READERS_BYTES = FH_READERS_BYTES
READERS_ROWS = FH_READERS_ROWS
READERS = FH_READERS
READER_CLAIMED = FH_READER_CLAIMED
HEADER_BYTES = FH_HEADER_BYTES
MAGIC_CONTROL = FH_MAGIC_CONTROL
MAGIC_DATA = FH_MAGIC_DATA
MAGIC_READERS = FH_MAGIC_READERS
HISTOGRAM_BUCKETS = FH_HISTOGRAM_BUCKETS


def constants():
    return {
        "FH_MAGIC_DATA": MAGIC_DATA,
        "FH_MAGIC_CONTROL": MAGIC_CONTROL,
        "FH_MAGIC_READERS": MAGIC_READERS,
        "FH_HEADER_BYTES": FH_HEADER_BYTES,
        "FH_CONTROL_BYTES": FH_CONTROL_BYTES,
        "FH_READERS_BYTES": FH_READERS_BYTES,
        "FH_READERS_ROWS": FH_READERS_ROWS,
        "FH_CELL_HEAD": FH_CELL_HEAD,
        "FH_READERS": FH_READERS,
        "FH_COUNTERS": FH_COUNTERS,
        "FH_HISTOGRAMS": FH_HISTOGRAMS,
        "FH_HISTOGRAM_BUCKETS": FH_HISTOGRAM_BUCKETS,
        "FH_PRECISIONS": FH_PRECISIONS,
        "FH_BANDS": FH_BANDS,
        "FH_EARLIER": FH_EARLIER,
        "FH_NO_INSTRUMENT": NO_INSTRUMENT,
        "FH_NONE": NONE,
        "FH_KNOWN_WHOLE": KNOWN_WHOLE,
        "FH_WAKE_NEXT": FH_WAKE_NEXT,
        "FH_WAKE_AGAIN_NS": FH_WAKE_AGAIN_NS,
        "FH_PACE_MOST_NS": FH_PACE_MOST_NS,
        "FH_NAP_BELOW_NS": FH_NAP_BELOW_NS,
        "FH_NAP_LEAST_NS": FH_NAP_LEAST_NS,
        "FH_NAPS": FH_NAPS,
    }


def histogram_floors():
    return [fh_histogram_floor(bucket) for bucket in range(FH_HISTOGRAM_BUCKETS)]
