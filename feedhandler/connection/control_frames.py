"""What a venue says on a connection besides market data, and what follows from it."""

from collections.abc import Callable, Iterable
from time import monotonic

from feedhandler.adapter.venue import Control, ControlKind, Stated, Venue
from feedhandler.connection.channels import Channels
from feedhandler.connection.pings import Pings
from feedhandler.connection.session_limit import SessionLimit
from feedhandler.connection.session_socket import ConnectionSocket
from feedhandler.connection.socket_requests import SocketRequests
from feedhandler.connection.subscribing import Subscribing
from feedhandler.log import Throttle
from feedhandler.one_line import one_line


class ControlFrames:
    """Of one connection, which the log calls `name`, by `quiet`. `wake`: there may be something to
    do now; `stated`: what it says of instruments; `relist`: the venue's list is another one."""

    def __init__(
        self,
        name: str,
        quiet: Throttle,
        venue: Venue,
        socket: ConnectionSocket,
        pings: Pings,
        subscribing: Subscribing,
        requests: SocketRequests,
        channels: Channels,
        limit: SessionLimit,
        wake: Callable[[], None],
        stated: Callable[[Iterable[Stated]], None],
        relist: Callable[[], None],
    ) -> None:
        self._name = name
        self._quiet = quiet
        self._venue = venue
        self._socket = socket
        self._pings = pings
        self._subscribing = subscribing
        self._requests = requests
        self._channels = channels
        self._limit = limit
        self._wake = wake
        self._stated = stated
        self._relist = relist

    def take(self, frame: bytes) -> None:
        """One frame; what makes no sense is said in the log."""
        try:
            controls = self._venue.control(frame, self._subscribing.subscriptions.asked)
        except Exception as error:
            self._quiet.warning(
                "control", f"{self._name} sent what makes no sense: {one_line(error)}"
            )
            return
        for control in controls:
            if control.kind is ControlKind.STATED:
                self._stated(control.stated)
            elif control.kind is ControlKind.RELIST:
                self._quiet.warning("relist", f"{self._name}: {control.text}")
                self._relist()
            elif control.kind is ControlKind.ANSWER:
                self._requests.on_answer(control, frame)
            else:
                self._act(control, monotonic())

    def _act(self, control: Control, now: float) -> None:
        kind = control.kind
        if kind is ControlKind.ACK:
            if control.channel:
                self._channels.taught(control.keys, control.channel)
            self._subscribing.on_accepted(control.keys, now)
            self._wake()
        elif kind is ControlKind.UNSUBSCRIBED and control.channel:
            self._channels.left(control.channel)
        elif kind is ControlKind.REJECTED:
            text = one_line(control.text) or "refused"
            if not self._subscribing.on_refused(control.keys, text, now):
                self._quiet.warning("rejected", f"{self._name} refused a request: {text}")
            self._wake()
        elif kind is ControlKind.AGAIN:
            self._subscribing.subscriptions.again(control.keys, now)
            self._wake()
        elif kind is ControlKind.SPOILED:
            words = one_line(control.text)
            text = f"{self._name}: a request for {len(control.keys)} keys refused: {words}"
            self._quiet.warning("spoiled", text)
            self._subscribing.on_spoiled(control.request_id, words, now)
            self._wake()
        elif kind is ControlKind.PONG:
            self._pings.answered(now)
        elif kind is ControlKind.ASKED:
            self._socket.send(control.reply)
        elif kind is ControlKind.NOTICE:
            self._limit.notice(one_line(control.text), now)
            self._wake()
        elif kind is ControlKind.ERROR:
            self._quiet.warning("error", f"{self._name} complains: {one_line(control.text)}")
            if control.keys:
                self._subscribing.subscriptions.later(control.keys, now)
            elif not control.request_id:
                self._subscribing.subscriptions.complained(one_line(control.text), now)
