"""`feedhandler inspect abi`: the memory contract, as this installation was compiled with it."""

from __future__ import annotations

from typing import Any

import click

from feedhandler.cli.errors import CliError
from feedhandler.cli.options import json_option
from feedhandler.cli.output import Column, bold, dim, echo, echo_table, json_out


@click.command()
@click.argument("names", nargs=-1)
@json_option
def abi(names: tuple[str, ...], as_json: bool) -> None:
    """Print the memory contract: constants, structures, vocabularies; or only those NAMES.

    It is made from the one field table that the C structs and Python's dtypes are made from, and
    needs no writer. Readers in other languages can be generated from the JSON; how to read is in
    docs/memory.md. Bytes that no field names are reserved; the JSON has them too.

    \b
    feedhandler inspect abi slot kind flag
    feedhandler inspect abi --json
    """
    found = contract()
    rooms = ("structures", "vocabularies")
    known = list(dict.fromkeys(name for room in rooms for name in found[room]))
    for name in names:
        if name not in known:
            raise CliError(f"the contract has no {name!r}", "it has " + ", ".join(known))
    chosen = names or known
    for room in rooms:
        found[room] = {name: part for name, part in found[room].items() if name in chosen}
    if as_json:
        json_out(found)
        return
    echo(f"{bold('version')} {found['version']}  layout {found['layout_hash']}")
    if not names:
        echo()
        constants = [(name, _number(name, n)) for name, n in found["constants"].items()]
        echo_table([Column("CONSTANT"), Column("VALUE")], constants)
    for room in rooms:
        for name, part in found[room].items():
            echo()
            _show(name, part)


def contract() -> dict[str, Any]:
    """The contract as plain values: offsets and sizes in bytes, little-endian."""
    from shm import _native
    from shm.names import Side

    structures = {}
    for structure, fields in _native.layout().items():
        dtype = _native.DTYPES[structure]
        structures[structure] = {
            "bytes": dtype.itemsize,
            "fields": [
                {"name": name, "type": kind, "offset": offset, "bytes": dtype[name].itemsize}
                for name, kind, offset in fields
            ],
        }
    sides = {name: int(side) for name, side in Side.__members__.items()}
    return {
        "version": "{}.{}".format(*_native.VERSION),
        "layout_hash": f"{_native.LAYOUT_HASH:#018x}",
        "constants": _native.constants(),
        "structures": structures,
        "vocabularies": {**_native.names(), "side": sides},
    }


def _show(name: str, part: dict[str, Any]) -> None:
    if "fields" not in part:
        echo(bold(name))
        echo_table(
            [Column("VALUE", right=True), Column("NAME")],
            [(str(value), word) for word, value in part.items()],
        )
        return
    echo(f"{bold(name)}  {dim(str(part['bytes']) + ' bytes')}")
    shown = [field for field in part["fields"] if not field["name"].startswith("reserved")]
    echo_table(
        [
            Column("OFFSET", right=True),
            Column("BYTES", right=True),
            Column("TYPE"),
            Column("FIELD"),
        ],
        [(str(f["offset"]), str(f["bytes"]), f["type"], f["name"]) for f in shown],
    )


def _number(name: str, value: int) -> str:
    return f"{value:#018x}" if "MAGIC" in name else str(value)
