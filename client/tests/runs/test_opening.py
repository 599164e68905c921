"""What a server says of a run is what it should be, or one of our own errors: never a KeyError in a training script."""

import json
from collections.abc import Iterator

import pytest
from answering import BUCKET, KEY, Answering, answering

from runkey import session
from runkey.credentials.model import Credential, Secret
from runkey.errors import ServerError
from runkey.runs.opening import find_status, open_run
from runkey_wire import file_stream


@pytest.fixture
def odd() -> Iterator[Answering]:
    with answering() as started:
        session.process.proved[started.url] = "proved"
        yield started
        del session.process.proved[started.url]


def credential(server: Answering) -> Credential:
    return Credential(server.url, Secret(KEY), "a test", account="mira")


def opened(**more: object) -> dict[str, object]:
    return {"data": {"upsertBucket": {"inserted": True, "bucket": BUCKET | more}}}


def status(**more: object) -> dict[str, object]:
    return {"data": {"model": {"bucket": {"id": "x", "name": "r1"} | more}}}


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}},
        {"data": {"upsertBucket": None}},
        {"data": {"upsertBucket": {"bucket": None}}},
        {"data": {"upsertBucket": [1]}},
        opened(name=None),
        opened(name=5),
        opened(name="a\x1b[2J"),
        opened(name="../../other"),
        opened(displayName={"a": 1}),
        opened(project=None),
        opened(project={"name": None, "entity": {"name": "mira"}}),
        opened(project={"name": "p", "entity": "mira"}),
        opened(project={"name": "p", "entity": {"name": "Not An Entity"}}),
        b"<html>Sign in to this network</html>",
        b"null",
    ],
)
def test_a_run_that_is_none_is_an_error_of_ours(odd: Answering, answer: object) -> None:
    odd.answers["upsertBucket"] = (200, answer)
    with pytest.raises(ServerError, match="does not answer as a runkey server does"):
        open_run(credential(odd), {"name": "r1"})


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"model": 5}},
        {"data": {"model": {"bucket": [1]}}},
        {"data": {"model": {"bucket": {}}}},
        status(historyLineCount="x"),
        status(historyLineCount=-5),
        status(historyLineCount=1e400),
        status(eventsLineCount=10**40),
        status(logLineCount=[1]),
        status(tags=5),
        status(tags=[1, None]),
        status(config={"a": 1}),
        status(summaryMetrics=5),
        status(summaryMetrics="[1]"),
        status(historyTail='{"a": 1}'),
        status(historyTail="no JSON"),
        status(displayName=5),
        status(notes=[1]),
    ],
)
def test_so_is_a_place_to_go_on_from(odd: Answering, answer: object) -> None:
    odd.answers["RunResumeStatus"] = (200, answer)
    with pytest.raises(ServerError, match="does not answer as a runkey server does"):
        find_status(credential(odd), "mira", "p", "r1")


@pytest.mark.parametrize("step", [True, -7, 1e300, 10**30, "x", None])
def test_a_step_that_is_none_is_not_gone_on_from(odd: Answering, step: object) -> None:
    odd.answers["RunResumeStatus"] = (200, status(historyTail=json.dumps([json.dumps({"_step": step})])))
    found = find_status(credential(odd), "mira", "p", "r1")
    assert found is not None
    assert found.next_step == 0


def test_what_is_there_is_read_as_it_is(odd: Answering) -> None:
    notes = "two lines\n" + "long " * 1_000
    told = {"historyLineCount": 3, "historyTail": json.dumps(['{"_step": 6}']), "summaryMetrics": '{"x": 1}', "tags": ["a"], "notes": notes}
    odd.answers["RunResumeStatus"] = (200, status(**told, displayName="of\tmine", config='{"lr": {"value": 1}}'))
    found = find_status(credential(odd), "mira", "p", "r1")
    assert found is not None
    assert (found.lines[file_stream.HISTORY], found.next_step, found.summary, found.config) == (3, 7, {"x": 1}, {"lr": 1})
    assert (found.name, found.tags, found.notes) == ("of\tmine", ["a"], notes)
    odd.answers["RunResumeStatus"] = (200, {"data": {"model": {"bucket": None}}})
    assert find_status(credential(odd), "mira", "p", "r1") is None
    odd.answers["upsertBucket"] = (200, opened(displayName=None))
    assert open_run(credential(odd), {"name": "r1"}).name == "r1"
