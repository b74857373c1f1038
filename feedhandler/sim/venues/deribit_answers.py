"""JSON-RPC 2.0 answers with Deribit's timing fields (microseconds)."""

from __future__ import annotations

from typing import Any

import orjson


class RpcError(Exception):
    """An error answer: the venue's code and message, and optional data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def _times(began: int, ended: int) -> dict[str, Any]:
    return {"usIn": began, "usOut": ended, "usDiff": ended - began, "testnet": False}


def _head(identity: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0"} if identity is None else {"jsonrpc": "2.0", "id": identity}


def success(identity: object, result: object, began: int, ended: int) -> bytes:
    """A result; ``identity`` None (REST) leaves the id out.

    ``began``, ``ended``: when the request came and when it was done, unix us.
    """
    return orjson.dumps(_head(identity) | {"result": result} | _times(began, ended))


def failure(identity: object, error: RpcError, began: int, ended: int) -> bytes:
    """An error."""
    described: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        described["data"] = error.data
    return orjson.dumps(_head(identity) | {"error": described} | _times(began, ended))
