# Enums that attributes are given as.

cdef object _State = int
cdef object _Reason = int
cdef object _InstrumentKind = int
cdef object _ContractType = int
cdef object _OptionType = int
cdef object _Status = int
cdef object _Source = int
cdef object _TradeSide = int


def register_enums(state, reason, instrument_kind, contract_type, option_type, status,
                   source, trade_side):
    """The enums that attributes are given as; `shm.names` makes them of `names()`."""
    global _State, _Reason, _InstrumentKind, _ContractType, _OptionType, _Status, _Source, _TradeSide
    _State = state
    _Reason = reason
    _InstrumentKind = instrument_kind
    _ContractType = contract_type
    _OptionType = option_type
    _Status = status
    _Source = source
    _TradeSide = trade_side


cdef object _member(kind, uint32_t value):
    """An enum's member; the bare number when a newer writer knows more of them."""
    try:
        return kind(value)
    except ValueError:
        return value
