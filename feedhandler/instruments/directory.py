"""A venue's instrument into the engine's directory."""

from typing import TypedDict

from feedhandler.adapter.venue import InstrumentSpec
from feedhandler.engine._engine import Engine
from shm import Change

_LOWEST_EXPONENT = -18  # what an int64 can hold anything of
_NAME_BYTES, _CURRENCY_BYTES = 63, 15  # of the directory's fields


def add_instrument(engine: Engine, spec: InstrumentSpec, *, has_book: bool = True) -> int:
    """Publish what the venue says of an instrument; returns its id.

    Names that do not fit into the directory are cut, the symbol excepted. Raises ValueError for a
    symbol of over 63 bytes, MemoryError when the directory is full.
    """
    row = engine.add_instrument(
        spec.symbol,
        price_exponent=max(spec.price_exponent, _LOWEST_EXPONENT),
        size_exponent=max(spec.size_exponent, _LOWEST_EXPONENT),
        has_book=has_book,
        **_terms(spec),
    )
    engine.redefine(row, **_terms(spec))  # one that was closed comes back, with what has changed
    return row


def redefine(engine: Engine, row: int, spec: InstrumentSpec) -> Change:
    """Publish its terms as the venue lists them now; what is another than before."""
    return Change(engine.redefine(row, **_terms(spec)))


class _Terms(TypedDict):
    name: str
    kind: int
    tick: float
    lot: float
    contract_size: float
    contract_type: int
    strike: float
    expiry_ns: int
    option: int
    status: int
    base: str
    quote: str
    settle: str


def _terms(spec: InstrumentSpec) -> _Terms:
    return {
        "name": _cut(spec.name, _NAME_BYTES),
        "kind": spec.kind,
        "tick": float(spec.tick),
        "lot": float(spec.lot),
        "contract_size": float(spec.contract_size),
        "contract_type": spec.contract_type,
        "strike": float(spec.strike),
        "expiry_ns": spec.expiry_ns,
        "option": spec.option,
        "status": spec.status,
        "base": _cut(spec.base, _CURRENCY_BYTES),
        "quote": _cut(spec.quote, _CURRENCY_BYTES),
        "settle": _cut(spec.settle, _CURRENCY_BYTES),
    }


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
