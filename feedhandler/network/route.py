"""The way to a venue: TCP, proxy, TLS, WebSocket handshake. The same for streams and for REST.

TLS is always verified: the chain against the system's authorities, or against `ca_file` instead;
the host by name (SNI is sent). Sessions are not resumed: the TLS engine of the WebSocket library
has no means to be given one, so that each connect costs a full handshake.

Proxies: http://, https:// (CONNECT) and socks4://, socks5://, with user:password@ where they want
it; names are resolved by the proxy, except by SOCKS4. What `tcp` promises about a vanished peer
then concerns the proxy; the heartbeat sees through to the venue.
"""

import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import aiohttp
from aiohttp_socks import ProxyConnector
from picows import WSListener, WSTransport, WSUpgradeRequest, WSUpgradeResponse, ws_connect

from feedhandler.config.places import Places
from feedhandler.network import deflate, rest_body, tcp
from feedhandler.network.deflate import Agreement

if TYPE_CHECKING:
    from picows.url import WSParsedURL

HANDSHAKE_TIMEOUT_S = 10.0
MAX_MESSAGE_BYTES = 64 << 20
_READ_BUFFER = 256 * 1024


class ProxyUnreachable(OSError):  # noqa: N818
    """No TCP connection to the proxy; of the venue nothing is known."""


class Way(Protocol):
    """The part of a venue's configuration that is about the way there."""

    @property
    def proxy(self) -> str | None: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def compression(self) -> bool: ...
    @property
    def places(self) -> Places: ...


class Route:
    """How to get to a venue. `proxy`: a URL; `ca_file`: PEM; `compression`: ask for it. `places`:
    where the configuration has these."""

    def __init__(
        self,
        proxy: str | None = None,
        ca_file: str | None = None,
        compression: bool = False,
        places: Places = Places(),  # noqa: B008 - frozen
    ) -> None:
        self._places = places
        self.proxy = proxy
        self.ca_file = ca_file
        self.compression = compression

    @classmethod
    def of(cls, config: "Way") -> "Route":
        """As the configuration has it."""
        return cls(config.proxy, config.ca_file, config.compression, config.places)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies chain and host; of this route's connections to venues and https:// proxies.

        Raises OSError for a `ca_file` that was there when the configuration was read."""
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # SSLError is one
            what = f"{self._places.of('ca_file')}: {self.ca_file!r} cannot be used any more"
            text = f"{what}: {error.strerror or error}: put it back, or name another"
            raise OSError(error.errno, text) from None

    async def websocket(
        self,
        url: str,
        make_listener: Callable[[Agreement | None], WSListener],
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        compression: bool = True,
    ) -> tuple[WSTransport, socket.socket]:
        """An open WebSocket, and the socket below it, which the transport closes.

        `headers`: further ones of the handshake; `compression`: ask for it, if the route does.
        `make_listener` is told what compression the venue agreed to. Raises OSError (and of it
        `tcp.NameNotFound`, ProxyUnreachable, ssl.SSLError), picows.WSHandshakeError,
        python_socks.ProxyError, `deflate.ExtensionError`.
        """
        made: list[socket.socket] = []

        async def connected(target: "WSParsedURL") -> socket.socket:
            made.append(await self._connect(target.host, target.port))
            return made[-1]

        def listener(_request: WSUpgradeRequest, response: WSUpgradeResponse) -> WSListener:
            return make_listener(deflate.agreement(response.headers.getall(deflate.HEADER, ())))

        offer = {deflate.HEADER: deflate.OFFER} if self.compression and compression else {}
        # Whatever fails from here on: who was given the socket closes it.
        transport, _ = await ws_connect(
            listener,
            url,
            ssl_context=self.tls if urlsplit(url).scheme == "wss" else None,
            websocket_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            enable_auto_pong=False,
            max_redirects=0,  # another host's data would be taken for the venue's
            max_frame_size=MAX_MESSAGE_BYTES,
            read_buffer_init_size=_READ_BUFFER,
            disconnect_on_exception=False,
            logger_name="feedhandler",
            extra_headers={**headers, **offer} or None,
            proxy=self.proxy,
            proxy_ssl_context=self.tls if self._scheme == "https" else None,
            socket_factory=connected,
        )
        return transport, made[-1]

    def http(self, timeout_s: float) -> aiohttp.ClientSession:
        """A session for REST, the same way."""
        return aiohttp.ClientSession(
            connector=self._connector(),
            proxy=self.proxy if self._scheme in ("http", "https") else None,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            headers={"User-Agent": "feedhandler", "Accept-Encoding": rest_body.ACCEPTED},
            auto_decompress=False,
        )

    def _connector(self) -> aiohttp.BaseConnector:
        if self.proxy is not None and self._scheme.startswith("socks"):
            return ProxyConnector.from_url(self.proxy, ssl=self.tls)
        return aiohttp.TCPConnector(
            ssl=self.tls,
            happy_eyeballs_delay=tcp.FAMILY_DELAY_S,
            socket_factory=tcp.make,
        )

    @property
    def _scheme(self) -> str:
        return urlsplit(self.proxy).scheme if self.proxy else ""

    async def _connect(self, host: str, port: int) -> socket.socket:
        """To the proxy if there is one: then these are its host and port."""
        try:
            return await tcp.connect(host, port)
        except OSError as error:
            if self.proxy is None:
                raise
            text = f"no way to the proxy {host}:{port}: {error.strerror or error}"
            raise ProxyUnreachable(None, text) from None
