import orjson
import pytest

from feedhandler.adapter.venue import Limits
from feedhandler.connection.subscription_key import KeyState
from feedhandler.connection.subscriptions import ACK_TIMEOUT_S, FAILED_RETRY_S, OTHERS_S
from feedhandler.connection.subscriptions import Subscriptions as Book
from tests.kit.facts import PaperVenue


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


def test_unanswered_keys_are_asked_again_for_ever_and_late_answers_count() -> None:
    book = Book(PaperVenue(), ["book:A"], 0.0)
    now = 0.0
    for silences in range(1, 20):
        (message,) = drain(book, now)
        assert message["sub"] == ["book:A"]
        assert book.expire(now + ACK_TIMEOUT_S - 0.1).unanswered == []
        now += ACK_TIMEOUT_S
        assert book.expire(now).unanswered == ["book:A"]
        assert (book.counts().unanswered, book.counts().failed) == (1, 0), silences
    assert book.unheard
    assert book.acknowledged(book.asked[1], now) == ["book:A"]  # the answer to the first one
    assert (book.counts().live, book.counts().unanswered) == (1, 0)
    assert book.acknowledged(book.asked[2], now) == []
    assert not book.unheard


def test_refused_keys_are_asked_for_again_each_time_later() -> None:
    book = Book(PaperVenue(), ["book:A"], 0.0)
    now = 0.0
    for failures in range(12):
        assert len(drain(book, now)) == 1
        assert book.rejected(["book:A"], now) == ["book:A"]
        assert book.rejected(["book:A"], now) == []
        now += min(FAILED_RETRY_S[1], FAILED_RETRY_S[0] * 2**failures)
        book.expire(now - 0.1)
        assert drain(book, now - 0.1) == []
        book.expire(now)


def test_rejected_keys_do_not_hurt_others() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B", "book:C"], 0.0)
    assert book.rejected(["book:A"], 0.0) == []  # it was not asked for
    drain(book, 0.0)
    assert book.rejected(["book:B", "book:Z"], 0.0) == ["book:B"]
    assert book.acknowledged(["book:A", "book:C"], 0.0) == ["book:A", "book:C"]
    assert book.rejected(["book:C"], 0.0) == []  # it was acknowledged
    assert book.state("book:B") is KeyState.FAILED
    assert book.acknowledged(["book:B"], 0.0) == ["book:B"]  # after all


def test_what_another_key_spoiled_is_asked_for_at_once_and_for_ever() -> None:
    book = Book(PaperVenue(), ["book:A", "book:B", "book:C"], 0.0)
    for _ in range(20):
        drain(book, 0.0)
        book.again(["book:A", "book:Z"], 0.0)
        assert book.state("book:A") is KeyState.WAITING
    book.rejected(["book:B"], 0.0)
    book.acknowledged(["book:C"], 0.0)
    book.again(["book:B", "book:C"], 0.0)
    assert (book.state("book:B"), book.state("book:C")) == (KeyState.FAILED, KeyState.LIVE)


@pytest.mark.parametrize("bad", [{3}, {0, 499}, {7, 8, 250}])
def test_bad_keys_of_a_request_that_is_refused_whole_are_found_by_halving(bad: set[int]) -> None:
    keys = [f"book:{n}" for n in range(500)]
    book, refused, messages = Book(PaperVenue(), keys, 0.0), [], 0
    wrong = {keys[n] for n in bad}
    while (message := book.next_message(0.0)) is not None:
        messages += 1
        request = orjson.loads(message.text)["id"]
        if wrong & set(message.keys):
            refused += book.spoiled(request, "Invalid params", 0.0)
            assert book.spoiled(request, "Invalid params", 0.0) == []  # it was said before
        else:
            book.acknowledged(message.keys, 0.0)
    assert set(refused) == wrong
    assert (book.counts().live, book.counts().failed) == (500 - len(bad), len(bad))
    assert messages <= 2 * 9 * len(bad) + 1  # twice log2, each
    book.new_session(1.0)
    first, *others = drain(book, 1.0)
    assert set(first["sub"]) == set(keys) - wrong
    assert sorted(key for other in others for key in other["sub"]) == sorted(wrong)
    assert {len(other["sub"]) for other in others} == {1}


def test_where_each_key_is_answered_the_one_without_an_answer_was_refused() -> None:
    venue = PaperVenue()
    venue.answers_each = True
    book = Book(venue, ["book:A", "book:B", "book:C"], 0.0)
    drain(book, 0.0)
    assert book.spoiled(1, "error", 0.0) == []
    book.acknowledged(["book:A", "book:C"], 0.5)
    assert book.expire(OTHERS_S).refused == [("book:B", "error")]
    assert book.counts().failed == 1


def test_a_refusal_that_says_nothing_is_of_the_one_request_that_is_open() -> None:
    book = Book(PaperVenue(Limits(keys_per_message=2)), [f"book:{n}" for n in range(4)], 0.0)
    drain(book, 0.0)
    book.complained("error", 0.0)  # either of two
    assert drain(book, 0.0) == []
    book.acknowledged(book.asked[1], 0.0)
    book.complained("error", 0.0)
    assert [message["sub"] for message in drain(book, 0.0)] == [["book:2"], ["book:3"]]


def test_one_key_that_makes_the_venue_swallow_a_request_is_found() -> None:
    keys = [f"book:{n}" for n in range(50)]
    book, now = Book(PaperVenue(), keys, 0.0), 0.0
    while book.counts().unanswered != 1 or book.counts().pending != 1:
        while (message := book.next_message(now)) is not None:
            if keys[13] not in message.keys:
                book.acknowledged(message.keys, now)
        now += ACK_TIMEOUT_S
        book.expire(now)
        assert now <= 9 * ACK_TIMEOUT_S
    assert book.counts().live == 49
    assert book.state(keys[13]) is KeyState.WAITING


def test_what_nobody_answers_does_not_spend_the_whole_hour() -> None:
    book = Book(PaperVenue(Limits(subscribes_per_hour=40)), [f"book:{n}" for n in range(10)], 0.0)
    asked = 0
    for second in range(3600):
        asked += sum(len(message["sub"]) for message in drain(book, float(second)))
        book.expire(float(second))
    assert 20 <= asked <= 30


def test_what_is_refused_for_now_is_asked_for_soon() -> None:
    book, asked = Book(PaperVenue(), ["book:A"], 0.0), []
    for tenth in range(400):
        if drain(book, tenth / 10):
            asked.append(tenth / 10)
            book.later(["book:A"], tenth / 10)
    assert asked == [0.0, 1.0, 3.0, 7.0, 15.0, 25.0, 35.0]
    assert book.counts().failed == 0


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


def test_statuses_are_asked_for_after_and_apart_from_market_data() -> None:
    keys = ["status:all", "book:A", "trades:A", "status:platform"]
    book = Book(PaperVenue(), keys, 0.0)
    for session in range(2):  # a server that does not know them refuses nothing else with them
        book.new_session(float(session))
        assert [each["sub"] for each in drain(book, float(session))] == [
            ["book:A", "trades:A"], ["status:all", "status:platform"],
        ]  # fmt: skip
        assert book.acknowledged(keys, float(session)) == keys
    book.add(["book:B", "status:other"])
    assert [each["sub"] for each in drain(book, 2.0)] == [["book:B"], ["status:other"]]
