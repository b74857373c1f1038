"""What the holes of a frame say together: enough for its kind, and nothing against itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from feedhandler.shape.errors import ShapeError
from feedhandler.shape.frame import (
    BOOKS,
    HOLES,
    IDS,
    IN_STRINGS,
    KINDS,
    PERCENT,
    QUOTE,
    REPEATED,
    SAYING,
    SENT,
    STAT,
    TICKERS,
    TIMES,
    TRADES,
    Frame,
    Role,
)
from feedhandler.shape.tree import Hole, Listed, Literal, Node, Object, Rows, Text, parsed
from feedhandler.suggest import near

NOTHING_IN_IT = (
    "[] says nothing of what is in it: [X] is a list of X, of any length; or leave it out"
)
_ANYWHERE = {
    Role.SKIP,
    Role.WORD,
    Role.NEVER,
    Role.DIGITS,
    Role.SYMBOL,
    Role.CHANNEL,
    *TIMES,
    *SENT,
}
_NUMBERS = {Role.FIRST, Role.FINAL, Role.PREVIOUS, Role.PREVIOUS_SIGNED, Role.PLACE}
_LEVEL = {Role.PRICE, Role.SIZE, Role.AMOUNT, Role.COUNT, Role.SIDE, Role.VERB}
_PRINT = {Role.PRICE, Role.SIZE, Role.AMOUNT, Role.TAKER, Role.PLACE, Role.FORCED, Role.SORT, *IDS}
_BOOK = {*_NUMBERS, *_LEVEL, Role.CHECKSUM, Role.WINDOW, Role.BIDS, Role.ASKS, Role.LEVELS}
_TOP = {*QUOTE, *_NUMBERS}
_KIND = {
    **dict.fromkeys(BOOKS, _BOOK),
    **dict.fromkeys(TRADES, _PRINT),
    "quote": _TOP | {Role.BIDS, Role.ASKS},
    **dict.fromkeys(TICKERS, _TOP | {Role.STATUS}),
    "index": _TOP | {Role.INDEX_NAME},  # of none of those that follow it: see universe.spoke
    "checksum": {Role.CHECKSUM, Role.WINDOW},
    "number": {Role.CONN},
    "none": {Role.WINDOW},
    "other": set(),
    "control": set(),
}
_IN_LEVELS = {Role.SKIP, Role.WORD, Role.DIGITS, Role.SYMBOL, Role.ID, *_LEVEL, *TIMES}


@dataclass
class Meaning:
    """A frame, its trees, and where its holes stand by the path of their keys."""

    frame: Frame
    place: str
    tree: Node
    level: Node | None = None
    roles: dict[int, str] = field(default_factory=dict)
    needed: set[int] = field(default_factory=set)  # of keys that have to come
    of_level: dict[int, str] = field(default_factory=dict)
    needed_of_level: set[int] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)  # the paths of lists, the outer one first


def meaning(frame: Frame) -> Meaning:
    """Raises ShapeError, which names the place."""
    place = f"{frame.kind} {frame.sample[:60]!r}"
    if frame.kind not in KINDS:
        raise ShapeError(
            f"{frame.sample[:60]!r}: no kind {frame.kind!r}; there are {', '.join(KINDS)}"
        )
    told = Meaning(frame, place, parsed(frame.sample, place))
    for path, hole, optional, in_text in _holes(told.tree, "", False, told):
        role = _role(hole, path, place)
        of_level = frame.kind in BOOKS and role in _LEVEL  # a level may be one string
        if in_text and role not in IN_STRINGS and not of_level:
            raise ShapeError(f"{place}: {path}: ${hole.name} cannot be a part of a string")
        if role < STAT or not optional:  # a statistic may have another name
            _once(told.roles, role, hole, path, place)
        told.roles.setdefault(role, path)
        if not optional:
            told.needed.add(role)
        elif role in SENT and "[]" in path:
            raise ShapeError(f"{place}: {path}: ${hole.name} has to be in each row, or in none")
    if frame.level:
        told.level = parsed(frame.level, f"{place}: level")
        for path, hole, optional, _ in _holes(told.level, "", False, None):
            role = _role(hole, f"level{path}", place)
            if role not in _IN_LEVELS:
                raise ShapeError(f"{place}: level: ${hole.name} is nothing of a level")
            _once(told.of_level, role, hole, f"level{path}", place)
            if not optional:
                told.needed_of_level.add(role)
    _check(told)
    return told


def _holes(
    node: Node, path: str, optional: bool, told: Meaning | None
) -> Iterator[tuple[str, Hole, bool, bool]]:
    """The path of each hole; whether its key need not come; whether it is a part of a string."""
    where = path or "the top"
    place = told.place if told else "level"
    match node:
        case Hole():
            yield where, node, optional, False
        case Text(parts):
            for part in parts:
                if isinstance(part, Hole):
                    yield where, part, optional, told is not None
        case Object(keys):
            if len(keys) > 64:
                raise ShapeError(f"{place}: {where}: more than 64 keys")
            for key in keys:
                if key.optional and key.node == Hole("never"):
                    raise ShapeError(f"{place}: {path}.{key.name}: optional, and it never comes")
                yield from _holes(key.node, f"{path}.{key.name}", optional or key.optional, told)
        case Rows(inner, keyed):
            if keyed:
                yield f"{where}{{}}", Hole("symbol"), optional, False
            if told is None or not isinstance(inner, Object | Listed | Rows):
                raise ShapeError(
                    f"{place}: {where}: rows are written as one object or list in brackets"
                )
            if told.rows and not path.startswith(f"{told.rows[-1]}[]"):
                raise ShapeError(f"{place}: rows at {told.rows[-1] or 'the top'} and at {where}")
            if len(told.rows) == 2:
                raise ShapeError(f"{place}: {where}: rows within rows within rows")
            told.rows.append(path)
            yield from _holes(inner, f"{path}[]", optional, told)
        case Listed((), (), False):
            raise ShapeError(f"{place}: {where}: {NOTHING_IN_IT}")
        case Listed(front, behind):
            for at, inner in enumerate((*front, *behind)):
                yield from _holes(inner, f"{path}[{at}]", optional, told)
        case _:
            return


def _role(hole: Hole, where: str, place: str) -> int:
    role = HOLES.get(hole.name)
    if role is None:
        known = f"{near(hole.name, HOLES) or ';'} there are {', '.join(HOLES)}"
        raise ShapeError(f"{place}: {where}: no hole ${hole.name}{known}")
    return role


def _once(roles: dict[int, str], role: int, hole: Hole, where: str, place: str) -> None:
    if role in roles and role not in REPEATED:
        raise ShapeError(f"{place}: ${hole.name} at {roles[role]} and again at {where}")
    roles.setdefault(role, where)


def _name(role: int) -> str:
    return next(name for name, number in HOLES.items() if number == role)


def _check(told: Meaning) -> None:
    frame, roles = told.frame, told.roles
    allowed = _ANYWHERE | _KIND[frame.kind]
    for role, where in roles.items():
        if role >= STAT and frame.kind in SAYING:
            if PERCENT <= role < PERCENT + STAT // 2 and role - PERCENT + STAT in roles:
                raise ShapeError(f"{told.place}: {where}: ${_name(role)}, and without percent too")
        elif role not in allowed:
            raise ShapeError(
                f"{told.place}: {where}: ${_name(role)} says nothing of a {frame.kind}"
            )
    for role in sorted(_missing(told)):
        raise ShapeError(f"{told.place}: no ${_name(role)}")
    for group in (TIMES, SENT):
        if len(found := sorted(group & roles.keys())) > 1:
            raise ShapeError(f"{told.place}: ${_name(found[0])} and ${_name(found[1])}")
    if Role.FIRST in roles and Role.FINAL not in roles:
        raise ShapeError(f"{told.place}: $first at {roles[Role.FIRST]}, and no $final")
    if {Role.PREVIOUS, Role.PREVIOUS_SIGNED} <= roles.keys():
        raise ShapeError(f"{told.place}: both $previous and $previous_signed")
    if len(IDS & roles.keys()) > 1:
        raise ShapeError(f"{told.place}: two holes for the trade's id")
    if Role.CHANNEL in roles and Role.SYMBOL in roles:
        raise ShapeError(f"{told.place}: both $channel and $symbol")
    if frame.window and (Role.WINDOW in told.needed or not 0 < frame.window < 1 << 16):
        raise ShapeError(f"{told.place}: window={frame.window}, or $window: from 1 to 65535")
    if frame.channel and Role.CHANNEL not in roles:
        raise ShapeError(f"{told.place}: channel={frame.channel!r}, and no $channel")
    _check_words(told)
    _check_levels(told)


def _missing(told: Meaning) -> set[Role]:
    kind, roles = told.frame.kind, told.roles.keys()
    needed: set[Role] = set()
    if kind not in ("number", "none", "other", "control", "answer") and not roles & {
        Role.SYMBOL,
        Role.CHANNEL,
        Role.INDEX_NAME,
    }:
        needed |= {Role.SYMBOL} - told.needed_of_level
    if kind in BOOKS and Role.LEVELS not in roles and not roles & {Role.PRICE, Role.SIDE}:
        needed |= {Role.BIDS, Role.ASKS}
    if kind in BOOKS and roles & _LEVEL and not told.frame.level:
        needed |= {Role.PRICE} | ({Role.SIZE, Role.SIDE} if Role.AMOUNT not in roles else set())
        needed -= {Role.SIZE} if told.frame.removes else set()
    if kind in TRADES:
        needed |= {Role.PRICE} | ({Role.SIZE, Role.TAKER} if Role.AMOUNT not in roles else set())
    listed = kind == "quote" and roles & {Role.BIDS, Role.ASKS}
    if kind == "quote" and any(role >= STAT for role in roles) and (listed or roles & _NUMBERS):
        raise ShapeError(f"{told.place}: statistics, and levels or numbers of the book")
    if listed and not roles & QUOTE:
        needed |= {Role.BIDS, Role.ASKS}  # the best of each are first
    elif kind == "quote" or (kind in TICKERS and roles & QUOTE):
        needed |= QUOTE
    if kind in TICKERS and not roles & QUOTE and all(role < STAT for role in roles):
        raise ShapeError(f"{told.place}: neither a statistic nor a best bid and offer")
    if kind == "checksum":
        needed |= {Role.CHECKSUM}
    if kind == "number":
        needed |= {Role.CONN}
    return needed - roles


def _check_words(told: Meaning) -> None:
    frame = told.frame
    for name, pair in (("taker's", frame.taker), ("sides'", frame.sides)):
        if len(pair) != 2 or pair[0] == pair[1] or not all(0 < len(word) < 8 for word in pair):
            raise ShapeError(f"{told.place}: the {name} words {pair} say nothing")
    if (Role.SORT in told.roles) != bool(frame.passed):
        raise ShapeError(f"{told.place}: passed={frame.passed}, and $sort: one without the other")
    word = isinstance(told.tree, Literal) and not told.tree.number
    if frame.kind == "control" and not (word or isinstance(told.tree, Object)):
        raise ShapeError(f"{told.place}: a control frame is a word in quotes, or an object")
    if frame.anew and Role.FINAL not in told.roles:
        raise ShapeError(f"{told.place}: anew, and no $final")
    if set(frame.deletes) & set(frame.changes):
        raise ShapeError(f"{told.place}: a verb that both sets and removes a level")
    if frame.still and not (frame.kind == "book" and Role.PREVIOUS in told.needed):
        raise ShapeError(f"{told.place}: still=True: of a book, and with $previous")
    if frame.begins and not (frame.kind == "book" and Role.PREVIOUS in told.needed):
        raise ShapeError(f"{told.place}: begins=True: of a book, and with $previous")
    if frame.forced and frame.kind != "trade":
        raise ShapeError(f"{told.place}: forced=True: of trades")
    if frame.rounded and frame.kind != "full":
        raise ShapeError(f"{told.place}: rounded=True: of a full book")
    if len(frame.channel) > 15:
        raise ShapeError(f"{told.place}: channel={frame.channel!r} is longer than 15 bytes")


def _check_levels(told: Meaning) -> None:
    frame, roles = told.frame, told.roles
    sides = roles.keys() & {Role.BIDS, Role.ASKS}
    several = Role.LEVELS in roles
    if not frame.level:
        if several or sides:
            raise ShapeError(
                f'{told.place}: no level; what is one like? level=\'["$price","$size"]\''
            )
        if frame.removes and frame.kind not in BOOKS:
            raise ShapeError(f"{told.place}: removes=True, and no level")
        return
    if not several and not sides:
        raise ShapeError(f"{told.place}: a level, and neither $bids nor $asks nor $levels")
    if sides and roles.keys() & QUOTE:
        raise ShapeError(f"{told.place}: both ${_name(min(sides))} and $bid")
    if several and sides:
        raise ShapeError(f"{told.place}: both $levels and ${_name(min(sides))}")
    if roles.keys() & _LEVEL:
        role = min(roles.keys() & _LEVEL)
        raise ShapeError(f"{told.place}: {roles[role]}: ${_name(role)} beside a list of levels")
    _check_level(told, several)


def _check_level(told: Meaning, several: bool) -> None:
    place, level, needed = f"{told.place}: level", told.of_level, told.needed_of_level
    if isinstance(told.level, Rows):
        raise ShapeError(f"{place}: a list of any length is none")
    by_id = Role.ID in level
    for role in (Role.PRICE, Role.SIZE):
        if role is Role.SIZE and Role.AMOUNT in level:
            continue
        if role not in (level if by_id or told.frame.removes else needed) and not (
            by_id and told.frame.removes
        ):
            raise ShapeError(f"{place}: no ${role.name.lower()}")
    if Role.SIZE in level and Role.AMOUNT in level:
        raise ShapeError(f"{place}: both $size and $amount")
    if Role.SIDE in level and Role.AMOUNT in level:
        raise ShapeError(f"{place}: both $side and $amount")
    if several and not needed & {Role.SIDE, Role.AMOUNT}:
        raise ShapeError(f"{place}: it does not say its side: neither $side nor $amount")
    if not several and level.keys() & {Role.SIDE, Role.AMOUNT, Role.SYMBOL}:
        raise ShapeError(f"{place}: it says what $bids and $asks say")
    if Role.COUNT in level and Role.AMOUNT not in level:
        raise ShapeError(f"{place}: $count without $amount")
    if len(TIMES & level.keys()) > 1:
        raise ShapeError(f"{place}: two times")
    if Role.SYMBOL in level and isinstance(told.level, Hole | Text):
        raise ShapeError(f"{place}: one that names its instrument is an object or a list")
    if Role.SYMBOL in level and {Role.SYMBOL, Role.CHANNEL} & told.roles.keys():
        raise ShapeError(f"{place}: $symbol, and the frame has one")


def never_paths(node: Node, path: str = "") -> Iterator[str]:
    """The keys that do not come in such frames, by their paths."""
    match node:
        case Object(keys):
            for key in keys:
                if key.node == Hole("never"):
                    yield f"{path}.{key.name}"
                else:
                    yield from never_paths(key.node, f"{path}.{key.name}")
        case Rows(inner):
            yield from never_paths(inner, f"{path}[]")
        case Listed(front, behind):
            for at, inner in enumerate((*front, *behind)):
                yield from never_paths(inner, f"{path}[{at}]")
        case _:
            return


def empty(node: Node, path: str = "") -> str:
    """Where an empty list stands, which says nothing of what is in it; "": there is none."""
    inner: list[tuple[str, Node]] = []
    match node:
        case Listed((), (), False):
            return path or "the top"
        case Object(keys):
            inner = [(f"{path}.{key.name}", key.node) for key in keys]
        case Rows(each):
            inner = [(f"{path}[]", each)]
        case Listed(front, behind):
            inner = [(f"{path}[{at}]", each) for at, each in enumerate((*front, *behind))]
    return next((found for where, each in inner if (found := empty(each, where))), "")
