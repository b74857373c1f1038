import orjson

from feedhandler.subscriptions import ACK_TIMEOUT_S, ATTEMPTS, FAILED_RETRY_S, KeyState
from feedhandler.subscriptions import Subscriptions as Book
from feedhandler.venues.base import Limits
from tests.io.facts import PaperVenue


def drain(book: Book, now: float) -> list[dict[str, list[str]]]:
    messages = []
    while (message := book.next_message(now)) is not None:
        messages.append(orjson.loads(message.text))
    return messages


def test_keys_go_out_in_chunks_and_are_acknowledged_by_request() -> None:
    keys = [f"book:{n}" for n in range(25)]
    book = Book(PaperVenue(Limits(keys_per_message=10)), keys, 0.0)
    messages = drain(book, 0.0)
    assert [len(message["sub"]) for message in messages] == [10, 10, 5]
    assert book.counts().pending == 25
    first = book.asked[messages[0]["id"]]  # type: ignore[index]
    assert book.acknowledged(first, 1.0) == list(first)
    assert book.acknowledged(first, 1.0) == []
    counts = book.counts()
    assert (counts.live, counts.pending, counts.failed) == (10, 15, 0)


def test_messages_keep_below_the_byte_limit() -> None:
    venue = PaperVenue(Limits(bytes_per_message=100))
    keys = [f"book:{'x' * n}" for n in range(1, 40)]
    book = Book(venue, keys, 0.0)
    sent: list[str] = []
    while (message := book.next_message(0.0)) is not None:
        assert len(message.text.encode()) <= 100
        sent += message.keys
    assert sent == keys


def test_unanswered_keys_are_asked_again_then_failed_then_tried_for_ever() -> None:
    book = Book(PaperVenue(), ["book:A"], 0.0)
    now = 0.0
    for attempt in range(ATTEMPTS):
        assert len(drain(book, now)) == 1
        now += ACK_TIMEOUT_S
        expired = book.expire(now)
        assert bool(expired.failed) == (attempt == ATTEMPTS - 1)
    assert book.counts().failed == 1
    assert drain(book, now) == []
    for failures in range(12):
        now += min(FAILED_RETRY_S[1], FAILED_RETRY_S[0] * 2**failures)
        book.expire(now)
        assert len(drain(book, now)) == 1
        book.rejected(["book:A"], now)


def test_rejected_keys_do_not_hurt_others() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B"], 0.0)
    drain(book, 0.0)
    assert book.rejected(["book:B", "book:Z"], 0.0) == ["book:B"]
    assert book.acknowledged(["book:A", "book:B"], 0.0) == ["book:A"]
    assert book.state("book:B") is KeyState.FAILED


def test_what_another_key_spoiled_is_asked_for_at_once_and_for_ever() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B", "book:C"], 0.0)
    for _ in range(ATTEMPTS + 1):
        drain(book, 0.0)
        book.again(["book:A", "book:Z"])
        assert book.state("book:A") is KeyState.WAITING
    book.rejected(["book:B"], 0.0)
    book.acknowledged(["book:C"], 0.0)
    book.again(["book:B", "book:C"])
    assert (book.state("book:B"), book.state("book:C")) == (KeyState.FAILED, KeyState.LIVE)


def test_resubscription_leaves_first_and_happens_once() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B"], 0.0)
    drain(book, 0.0)
    book.acknowledged(["book:A", "book:B"], 0.0)
    assert book.resubscribe("book:A")
    assert not book.resubscribe("book:A")
    assert not book.resubscribe("book:Z")
    messages = drain(book, 0.0)
    assert [message.get("unsub") or message.get("sub") for message in messages] == [
        ["book:A"], ["book:A"],
    ]  # fmt: skip
    assert "unsub" in messages[0]
    assert not book.resubscribe("book:A")  # on its way


def test_hourly_budget_holds_back_and_comes_back() -> None:
    book = Book(PaperVenue(Limits(subscribes_per_hour=10)), [f"book:{n}" for n in range(25)], 0.0)
    assert sum(len(message["sub"]) for message in drain(book, 0.0)) == 10
    assert drain(book, 60.0) == []
    assert sum(len(message["sub"]) for message in drain(book, 3600.0)) == 10
    book.new_session(3601.0)
    assert sum(len(message["sub"]) for message in drain(book, 3601.0)) == 10


def test_what_an_hour_allows_counts_what_waits_to_come_and_to_go() -> None:
    book = Book(PaperVenue(Limits(subscribes_per_hour=10)), [f"book:{n}" for n in range(4)], 0.0)
    assert book.affords(6, 0.0)
    assert not book.affords(7, 0.0)
    message = book.next_message(0.0)
    assert message is not None
    assert book.affords(6, 0.0)  # spent, and none waits
    book.acknowledged(message.keys, 0.0)
    book.remove(["book:0", "book:1"])
    assert not book.affords(5, 0.0)
    assert not book.affords(10, 4000.0)  # the two that leave cost theirs, too
    assert book.affords(8, 4000.0)


def test_new_session_subscribes_to_everything_again() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B"], 0.0)
    drain(book, 0.0)
    book.acknowledged(["book:A", "book:B"], 0.0)
    book.resubscribe("book:A")
    book.remove(["book:B"])
    book.add(["book:C"])
    book.new_session(1.0)
    (message,) = drain(book, 1.0)
    assert message["sub"] == ["book:A", "book:C"]


def test_removed_keys_are_unsubscribed_once() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B"], 0.0)
    drain(book, 0.0)
    book.remove(["book:A", "book:Z"])
    (message,) = drain(book, 0.0)
    assert message["unsub"] == ["book:A"]
    assert book.keys == ("book:B",)
    assert drain(book, 0.0) == []


def test_a_venue_without_limits_gets_one_message() -> None:
    book = Book(PaperVenue(), [f"book:{n}" for n in range(3000)], 0.0)
    (message,) = drain(book, 0.0)
    assert len(message["sub"]) == 3000
