"""Whether an address that a venue's answer names may be connected to as that venue's.

An answer is data: whoever could change it, or a venue that makes a mistake, would have us take
another host's market data for the venue's, or read it where everybody on the way can.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_SECURE = {"wss": "wss", "https": "wss"}
_PLAIN = {"ws": "ws", "http": "ws"}
_LOOPBACK = "localhost"
_EVERYBODYS = re.compile(r"[a-z]{1,3}\.[a-z]{2}")


def websocket_url(named: str, configured: str, others: Iterable[str] = ()) -> str:
    """The WebSocket URL that `named` is, without a query. Raises ValueError that says why not.

    It must be of a host that the configuration has (the URL `configured`, and `others`, which are
    URLs or hosts), or below the same domain; and encrypted unless `configured` is not.
    """
    try:
        url, known = urlsplit(named), urlsplit(configured)
        host, port = (url.hostname or "").rstrip("."), url.port
    except ValueError as error:
        raise ValueError(f"an address that is none ({error})") from None
    if not host or not named.isascii() or not named.isprintable() or " " in named:
        raise ValueError("an address without a host")
    if url.username is not None or url.query or url.fragment or port == 0:
        raise ValueError(f"an address with more than a host and a path: {named!r}")
    schemes = _SECURE | (_PLAIN if known.scheme in _PLAIN else {})
    if url.scheme not in schemes:
        raise ValueError(f"an address that is not wss:// ({url.scheme}://{host})")
    ours = {_host(each) for each in (configured, *others)} - {""}
    if not any(_related(host, each) for each in ours):
        raise ValueError(f"the foreign host {host}")
    return SplitResult(schemes[url.scheme], url.netloc, url.path or "/", "", "").geturl()


def _host(url_or_host: str) -> str:
    found = urlsplit(url_or_host) if "//" in url_or_host else urlsplit(f"//{url_or_host}")
    return (found.hostname or "").rstrip(".")


def _related(host: str, ours: str) -> bool:
    """The same, or siblings: what is behind the first name of a host is a domain of its owner,
    unless it looks like one that is everybody's (`com`, `co.uk`)."""
    if host == ours or (_is_loopback(host) and _is_loopback(ours)):
        return True
    if _is_address(host) or _is_address(ours):
        return False
    domain = ours.partition(".")[2]
    if "." not in domain or _EVERYBODYS.fullmatch(domain):
        domain = ours
    return "." in domain and (host == domain or host.endswith(f".{domain}"))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == _LOOPBACK or (_is_address(host) and ip_address(host).is_loopback)
