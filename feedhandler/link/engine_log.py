"""What the engine says of its connections, as lines of our log: who was refused, and why.

It says it on stdout only, and the same several times a second.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from typing import Final

from feedhandler.link.session import engine
from feedhandler.log import Throttle

#: no more of it: at the level at which it says what was not allowed, it says so of each batch
_WANTED: Final = ",".join(
    (
        "error",
        "zenoh::net::runtime::orchestrator=debug",
        "zenoh_link_tls::unicast=debug",
        "zenoh_transport=warn",
        "zenoh::net::routing::interceptor::access_control=info",
    )
)
_PERIOD_S: Final = 60.0
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_LINE: Final = re.compile(r"\S+ +([A-Z]+) .*?[a-z_]+(?:::[a-z_]+)+: (.*)")
_FAILED: Final = re.compile(r"Unable to connect to \S+ \S+ (\S+)! (.*)")
_TAKEN: Final = re.compile(r"Accepted TLS connection on (\S+): (\S+)\. Common Name: (.*)\.")
#: what of it is for who reads the engine's source, or is not so
_ASIDE: Final = re.compile(
    r"\.? at /\S+\.rs.*|\.* Retry in .*|\. Hint: increase the system.*|[\[\]]"
    r"|Can ?not create a new T[CL][PS] link bound to .*?: |Read error on T[CL][PS] link .* => \S+: "
)
_NOT_TRUSTED: Final = "whoever is there does not trust who signed the certificate that was shown"
_NOT_SIGNED: Final = "a certificate was shown that nobody has signed who is trusted"
_MEANINGS: Final = {
    "alert: UnknownCA": _NOT_TRUSTED,
    "alert: DecryptError": _NOT_TRUSTED,  # an authority of the same name
    "alert: CertificateRequired": "whoever is there wants a certificate, and was shown none",
    "alert: BadCertificate": "whoever is there does not take the certificate that was shown",
    "certificate: UnknownIssuer": _NOT_SIGNED,
    "certificate: BadSignature": _NOT_SIGNED,
    "certificate: NotValidForName": "a certificate was shown that is of another name",
    "certificate: Expired": "a certificate was shown that has expired",
    "sent no certificates": "no certificate was shown",
    "InvalidContentType": "whoever is there does not speak TLS",
    "early eof": "whoever is there ended it at once: is TLS spoken at one end only?",
}


def hear() -> None:
    """From now on, in a process that has no other use for stdout. RUST_LOG, the engine's own
    variable, has it say what it says there, as it says it."""
    zenoh = engine()
    if "RUST_LOG" in os.environ:
        zenoh.init_log_from_env_or("error")
        return
    ours, its = os.pipe()
    os.dup2(its, 1)
    os.close(its)
    threading.Thread(target=_read, args=(ours,), name="engine-log", daemon=True).start()
    zenoh.init_log_from_env_or(_WANTED)


def _read(pipe: int) -> None:
    quiet = Throttle(_PERIOD_S)
    with open(pipe, errors="replace") as lines:
        for line in lines:
            if (said := in_words(line)) is not None:
                level, text = said
                (quiet.warning if level >= logging.WARNING else quiet.info)(_kind(text), text)


def _kind(text: str) -> str:
    """Without the port of who connects, which is another one each time."""
    return re.sub(r":\d+,", ",", text)


def in_words(line: str) -> tuple[int, str] | None:
    """The level and the text of what people are to know; None of the rest."""
    found = _LINE.match(_COLOURS.sub("", line).strip())
    if found is None:
        return None
    level, text = found.groups()
    if failed := _FAILED.match(text):
        return logging.WARNING, f"{failed[1]}: no connection: {_meaning(failed[2])}"
    if taken := _TAKEN.match(text):
        return logging.INFO, f"{taken[1]}: connection from {taken[2]}, certificate of {taken[3]}"
    if text.startswith("Successfully connected"):
        return logging.INFO, f"{text.split()[-1]}: connected"
    if "did not match any configured ACL subject" in text:
        said = "somebody is connected whom no subject of access_control names: he may do nothing"
        return logging.WARNING, said
    if (level == "WARN" and "certificate" in text) or "alert" in text or "message of type" in text:
        return logging.WARNING, f"a connection was refused: {_meaning(text)}"
    if level in ("WARN", "ERROR"):
        return logging.WARNING, _ASIDE.sub("", text)
    return None


def _meaning(text: str) -> str:
    said = _ASIDE.sub("", text).strip(" .")
    meaning = next((words for part, words in _MEANINGS.items() if part in said), "")
    return f"{meaning} ({said})" if meaning else said
