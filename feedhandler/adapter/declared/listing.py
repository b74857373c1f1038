"""How a venue lists its instruments, as data: where the rows are, and which field means what.

A field is a path into the row, `priceFilter.tickSize`, `1.3` where lists are in it, or
`filters.type=PRICE.tickSize` where one of a list says what it is. `$name` is what `Listing.parts`
found in another field, `$name.field` a field of what `Listing.joins` found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shm import ContractType, InstrumentKind, OptionType, Status


@dataclass(frozen=True, slots=True)
class By:
    """What a field's word means, which another field may say. A row with another word is left out,
    or, with `other`, means that."""

    field: str
    words: Mapping[str, object]
    other: object = None

    def meanings(self) -> Iterator[object]:
        """All that it may mean, in its own order."""
        for each in (*self.words.values(), self.other):
            if isinstance(each, By):
                yield from each.meanings()
            elif each is not None:
                yield each


@dataclass(frozen=True, slots=True)
class Decimals:
    """A step of 10^-n, of which the field has the n, below 0 for steps of 10 and above; `less`:
    10^-(less - n)."""

    field: str
    less: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """Fields that are multiplied with each other; one that starts with a digit is the number."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absolute:
    """A number whose sign says something else: 1 of -1."""

    field: str


@dataclass(frozen=True, slots=True)
class First:
    """The first of these steps that the row has, and that is not 0."""

    steps: tuple[str | Decimal | Decimals | Product | Absolute, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Ticks by price: a list at `rows` of the prices `above` which there is another `tick`."""

    rows: str
    above: str
    tick: str


@dataclass(frozen=True, slots=True)
class TickPath:
    """Ticks by price that a venue tells apart from its list, of whole families of a `kind`: a list
    at `rows`, of which each names its `family` and has the `steps` of all its prices."""

    path: str
    rows: str
    family: str
    steps: Steps
    kind: InstrumentKind
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """Prices of so many significant figures: the tick grows with each digit before the point;
    `whole`: until it is 1."""

    figures: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Least:
    """The least of these fields, of those that the row has, and that are not 0."""

    fields: tuple[str, ...]


Step = str | Decimal | Decimals | Product | Absolute | First | Least


@dataclass(frozen=True, slots=True)
class Join:
    """The entry of another list of the answer, at `rows`: whose `by` is what the row has at
    `field`."""

    field: str
    rows: str
    by: str


@dataclass(frozen=True, slots=True)
class Time:
    """`unit`: ms | s | us | ns | iso."""

    field: str
    unit: str = "ms"


@dataclass(frozen=True, slots=True)
class Pages:
    """`cursor`: where the answer says how the next page is asked for; `more`: a field that says
    whether there is one. Without a cursor, the next page begins `size` rows later, and the last one
    has fewer. `parameter`: where it goes in the request."""

    parameter: str
    cursor: str = ""
    more: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """`rows`: the path to the list, or to an object of rows by name (the name is `$row` then), ""
    for the document itself; with `*` in it, for each of a list of groups: `*.universe`, and what
    the group says is `$outer.field` of its rows. `joins`: `$name` -> where its entry is.

    `having`: a path that tells the answer from that to another listing; with `*` in it, that one of
    a list leads on: `data.*.business_type`.
    `columns`: names of a row that is a list, or one text. `fine`: what the answer says when it is
    none of an error, by its path; `text`: where it says of which.

    `parts`: field -> regular expression whose named groups are `$name`s. `only`, `but`: rows are
    taken where the field has one of these words, and left out where it has one of those.
    `currencies`: the venue's names of currencies that have others elsewhere; `capitals`: it writes
    them in small letters.

    `status`: field of the word that `Venue.statuses` explains, true and false being words; "": all
    that is listed is open. `flags`: what is true of a row where the field is true. `written`: how
    many decimals its book is written with: the fields of prices and sizes, or steps. `others`:
    paths that are answered alike, which captures may have. `empty`: an answer may have no rows,
    since it is one of several.
    """

    path: str
    symbol: str
    base: str | By
    quote: str | By
    tick: Step
    lot: Step  #: `tick` is that of the lowest prices, if there are `bands`
    rows: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    body: str = ""  #: JSON that is posted; "": it is a GET
    weight: int = 1
    having: str = ""
    columns: tuple[str, ...] = ()
    fine: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    pages: Pages | None = None
    kind: InstrumentKind | By = InstrumentKind.SPOT
    settle: str | By = ""
    bands: Steps | Figures | None = None
    contract_size: Step = Decimal(1)
    contract: ContractType | By | None = None  #: None: inverse where it settles in its base
    expiry: str | Time = ""
    strike: str = ""
    option: By | None = None
    family: str | By = ""
    index_name: str = ""  #: the field that names the index whose price is that of the instrument
    status: str = ""
    flags: Mapping[str, Status] = field(default_factory=dict)
    written: tuple[str | Decimals, str | Decimals] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, Join] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    but: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    capitals: bool = False
    empty: bool = False
    others: tuple[str, ...] = ()

    def kinds(self) -> frozenset[InstrumentKind]:
        """Those that it lists."""
        if isinstance(self.kind, InstrumentKind):
            return frozenset({self.kind})
        return frozenset(each for each in self.kind.meanings() if isinstance(each, InstrumentKind))


@dataclass(frozen=True, slots=True)
class BookPath:
    """A book that is asked for. `$symbol`, `$depth`, the window that is subscribed to, and
    `$levels`, how many are asked for, stand in its path, its params, its `body` (JSON that is
    posted), and in `socket`, the message that asks for it over the socket, with `$id`.

    `levels`: a side, of a base; 0: the window. `seen`: of a book to compare with ours, and `least`:
    of one that is wanted for its number alone, where less of it costs less. `most`: it has no more,
    whatever the window; 0: nothing is said. `weight`: what a
    request costs, or a table of (levels up to, weight). `fine`, `text`: as of a listing. `others`:
    paths that are answered alike, which captures may have."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    socket: str = ""
    levels: int = 0
    seen: int = 0
    least: int = 0
    most: int = 0
    weight: int | tuple[tuple[int, int], ...] = 1
    fine: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    others: tuple[str, ...] = ()

    def costs(self, levels: int) -> int:
        """Of a request for so many levels a side."""
        if isinstance(self.weight, int):
            return self.weight
        return next((cost for most, cost in self.weight if levels <= most), self.weight[-1][1])

    @property
    def every(self) -> tuple[str, ...]:
        """All its paths."""
        return (self.path, *self.others)


@dataclass(frozen=True, slots=True)
class BestPath:
    """The best bid and offer that are asked for: `$symbol` stands in its path or its params.
    `sample`: the answer, with `$symbol $bid $bid_size $ask $ask_size`; a size of 0 is of a side
    that is empty."""

    path: str
    params: Mapping[str, str]
    sample: str
    weight: int = 1


CALLS: Mapping[str, OptionType] = {
    "CALL": OptionType.CALL,
    "PUT": OptionType.PUT,
    "C": OptionType.CALL,
    "P": OptionType.PUT,
    "call": OptionType.CALL,
    "put": OptionType.PUT,
}
