"""The header's vocabularies as enums, made of its tables; `names.pyi` says them to mypy."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from shm._native import names as tables
from shm._native import register_enums

_tables = tables()

Kind = IntEnum("Kind", _tables["kind"], module=__name__)
State = IntEnum("State", _tables["state"], module=__name__)
Reason = IntEnum("Reason", _tables["reason"], module=__name__)
Stat = IntEnum("Stat", _tables["stat"], module=__name__)
Counter = IntEnum("Counter", _tables["counter"], module=__name__)
Histogram = IntEnum("Histogram", _tables["histogram"], module=__name__)
InstrumentKind = IntEnum("InstrumentKind", _tables["instrument"], module=__name__)
ContractType = IntEnum("ContractType", _tables["contract"], module=__name__)
OptionType = IntEnum("OptionType", _tables["option"], module=__name__)
Status = IntEnum("Status", _tables["status"], module=__name__)
Source = IntEnum("Source", _tables["source"], module=__name__)
Change = IntFlag("Change", _tables["change"], module=__name__)
Flag = IntFlag("Flag", _tables["flag"], module=__name__)
Side = IntEnum("Side", {"BID": 0, "ASK": 1, "BUY": 0, "SELL": 1}, module=__name__)
TradeSide = IntEnum("TradeSide", {"BUY": 0, "SELL": 1}, module=__name__)

register_enums(State, Reason, InstrumentKind, ContractType, OptionType, Status, Source, TradeSide)
