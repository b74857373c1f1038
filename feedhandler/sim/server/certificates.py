"""Certificates for a simulated venue's TLS, made anew at each start with the openssl command.

No trust store knows them: a client must be told of ``ca_file``, for instance by SSL_CERT_FILE.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

_TIMEOUT = 20.0
_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = feedhandler simulator
[ca]
default_ca = here
[here]
database = {folder}/index-{issuer}
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""
_VALID = ("20200101000000Z", "20991231235959Z")
_LONG_AGO = ("20200101000000Z", "20200201000000Z")
_WRONG_NAMES = "DNS:elsewhere.invalid"
_MADE: Final[Mapping[str, tuple[str, tuple[str, str]]]] = {
    # issuer, validity
    "valid": ("trusted", _VALID),
    "expired": ("trusted", _LONG_AGO),
    "wrong_host": ("trusted", _VALID),
    "untrusted": ("stranger", _VALID),
}


class CertificateError(RuntimeError):
    """The certificates could not be made; the text says why and what to do."""


class Certificates:
    """A good certificate for a host and bad ones, until `close`.

    ``ca_file`` (PEM) is what a client has to trust.
    """

    def __init__(self, host: str) -> None:
        command = shutil.which("openssl")
        if command is None:
            raise CertificateError(
                "TLS needs the openssl command to make certificates, and there is none on PATH: "
                "install the package openssl, or do without tls"
            )
        self._openssl = command
        self._folder = tempfile.TemporaryDirectory(prefix="feedhandler-sim-")
        self._path = Path(self._folder.name)
        self.ca_file = str(self._path / "trusted.pem")
        self._contexts: dict[str, ssl.SSLContext] = {}
        try:
            for issuer in ("trusted", "stranger"):
                self._authority(issuer)
            for name, (issuer, validity) in _MADE.items():
                names = _WRONG_NAMES if name == "wrong_host" else _names(host)
                self._contexts[name] = self._leaf(name, issuer, validity, names)
        except BaseException:
            self.close()
            raise

    def context(self, name: str) -> ssl.SSLContext:
        """The server's side of TLS with a certificate: valid, expired, wrong_host, untrusted."""
        return self._contexts[name]

    def close(self) -> None:
        """Delete the files."""
        self._folder.cleanup()

    def _config(self, name: str, issuer: str, names: str) -> str:
        path = self._path / f"{name}.cnf"
        path.write_text(_CONFIG.format(folder=self._path, issuer=issuer, names=names))
        return str(path)

    def _run(self, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [self._openssl, *arguments],
                cwd=self._path,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CertificateError(f"{self._openssl} {arguments[0]}: {error}") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise CertificateError(f"{self._openssl} {arguments[0]} failed: {said}")

    def _request(self, name: str, config: str, *more: str) -> None:
        self._run(
            "req",
            "-config",
            config,
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            f"{name}.key",
            *more,
        )

    def _authority(self, issuer: str) -> None:
        (self._path / f"index-{issuer}").touch()
        config = self._config(issuer, issuer, _WRONG_NAMES)
        self._request(
            issuer,
            config,
            "-x509",
            "-days",
            "3650",
            "-extensions",
            "authority",
            "-out",
            f"{issuer}.pem",
        )

    def _leaf(
        self, name: str, issuer: str, validity: tuple[str, str], names: str
    ) -> ssl.SSLContext:
        config = self._config(name, issuer, names)
        self._request(name, config, "-new", "-out", f"{name}.csr")
        begin, end = validity
        self._run(
            "ca",
            "-config",
            config,
            "-batch",
            "-notext",
            "-extensions",
            "leaf",
            "-cert",
            f"{issuer}.pem",
            "-keyfile",
            f"{issuer}.key",
            "-startdate",
            begin,
            "-enddate",
            end,
            "-in",
            f"{name}.csr",
            "-out",
            f"{name}.pem",
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path / f"{name}.pem", self._path / f"{name}.key")
        return context


def _names(host: str) -> str:
    """The subject alternative names under which a loopback server is reached."""
    found = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
    try:
        found.append(f"IP:{ip_address(host)}")
    except ValueError:
        found.append(f"DNS:{host}")
    return ",".join(dict.fromkeys(found))
