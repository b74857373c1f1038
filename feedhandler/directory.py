"""A venue's instrument into the engine's directory."""

from feedhandler.engine._engine import Engine
from feedhandler.venues.base import InstrumentSpec

_LOWEST_EXPONENT = -18  # what an int64 can hold anything of
_NAME_BYTES, _CURRENCY_BYTES = 63, 15  # of the directory's fields


def add_instrument(engine: Engine, spec: InstrumentSpec, *, has_book: bool = True) -> int:
    """Publish what the venue says of an instrument; returns its id.

    Names that do not fit into the directory are cut, the symbol excepted. Raises ValueError for a
    symbol of over 63 bytes, MemoryError when the directory is full.
    """
    return engine.add_instrument(
        spec.symbol,
        name=_cut(spec.name, _NAME_BYTES),
        kind=spec.kind,
        price_exponent=max(spec.price_exponent, _LOWEST_EXPONENT),
        size_exponent=max(spec.size_exponent, _LOWEST_EXPONENT),
        tick=float(spec.tick),
        lot=float(spec.lot),
        contract_size=float(spec.contract_size),
        contract_type=spec.contract_type,
        strike=float(spec.strike),
        expiry_ns=spec.expiry_ns,
        option=spec.option,
        base=_cut(spec.base, _CURRENCY_BYTES),
        quote=_cut(spec.quote, _CURRENCY_BYTES),
        settle=_cut(spec.settle, _CURRENCY_BYTES),
        has_book=has_book,
    )


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
