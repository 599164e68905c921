"""The journal: what goes in comes out, whatever happens to the file."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runkey.errors import CannotStore, UsageError
from runkey.stream import Acknowledged, Journal, Lock, Position, Reader, folders, framing
from runkey.stream.gathering import Gatherer
from runkey.stream.reading import list_segments, segment_path
from runkey_wire import file_stream
from runkey_wire.file_stream import Chunk

ROWS = [b'%d {"x":%d,"text":"%b"}' % (i, i, b"\xc3\xa9" * i) for i in range(8)]


def write(folder: Path, rows: list[bytes], *, segment_bytes: int = 64 * 1024 * 1024) -> Journal:
    journal = Journal(str(folder), lambda: b'{"id":"r"}', lambda _: None, segment_bytes=segment_bytes)
    for row in rows:
        assert journal.append(framing.HISTORY, row)
    return journal


def read(folder: Path) -> tuple[list[bytes], Reader]:
    reader = Reader(str(folder))
    try:
        return [record.payload for record in reader.records() if record.kind == framing.HISTORY], reader
    finally:
        reader.close()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    write(tmp_path, ROWS).close()
    found, reader = read(tmp_path)
    assert found == ROWS
    assert (reader.damaged, reader.torn_bytes) == (0, 0)


def test_cut_at_every_byte_only_the_torn_record_is_lost(tmp_path: Path) -> None:
    write(tmp_path, ROWS).close()
    path = Path(segment_path(str(tmp_path), 1))
    whole = path.read_bytes()
    ends = []
    for row in ROWS:
        ends.append(whole.index(row) + len(row))
    for length in range(whole.index(ROWS[0]) - 20, len(whole) + 1):
        path.write_bytes(whole[:length])
        found, reader = read(tmp_path)
        expected = sum(end <= length for end in ends)
        assert found == ROWS[:expected], length
        assert reader.damaged == 0
        last_end = max([end for end in ends if end <= length], default=0)
        assert (reader.torn_bytes > 0) == (length > last_end + 1 and length > whole.index(ROWS[0]) - 19), length


def test_flipped_at_every_byte_only_that_record_is_lost(tmp_path: Path) -> None:
    write(tmp_path, ROWS).close()
    path = Path(segment_path(str(tmp_path), 1))
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in (1, 64):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            reader = Reader(str(tmp_path))
            records = list(reader.records())
            reader.close()
            rows = [record.payload for record in records if record.kind == framing.HISTORY]
            assert any(record.kind == framing.BEGIN for record in records)
            assert len(rows) >= len(ROWS) - 1, (place, bit)
            assert [row for row in ROWS if row in rows] == rows, (place, bit)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=300).map(lambda data: data.replace(b"\n", b"")), max_size=30),
    st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=40)), max_size=4),
    st.sampled_from([200, 1_000, 10**9]),
)
def test_no_damage_at_all_makes_up_a_record(tmp_path: Path, rows: list[bytes], damages: list[tuple[int, bytes]], segment: int) -> None:
    for name in os.listdir(tmp_path):
        os.unlink(tmp_path / name)
    journal = Journal(str(tmp_path), lambda: b"{}", lambda _: None, segment_bytes=segment)
    for row in rows:
        journal._look_at = 0
        journal.append(framing.HISTORY, row)
    journal.close()
    assert read(tmp_path)[0] == rows
    for place, rubbish in damages:
        for number in list_segments(str(tmp_path)):
            path = Path(segment_path(str(tmp_path), number))
            whole = path.read_bytes()
            at = place % (len(whole) + 1)
            path.write_bytes(whole[:at] + rubbish + whole[at + len(rubbish) :])
    found, _ = read(tmp_path)
    left = iter(rows)
    assert all(any(row == other for other in left) for row in found)


def test_a_file_of_zeros_where_pages_were_never_written_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ROWS).close()
    path = Path(segment_path(str(tmp_path), 1))
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(8192))
    found, reader = read(tmp_path)
    assert (found, reader.torn_bytes) == (ROWS, 8192)


def test_a_newer_format_is_not_read(tmp_path: Path) -> None:
    Path(segment_path(str(tmp_path), 1)).write_bytes(framing.frame(framing.HEAD, b"runkey journal 2") + framing.frame(b"H", b"0 {}"))
    with pytest.raises(UsageError, match="newer runkey"):
        read(tmp_path)


def test_a_reader_follows_its_writer(tmp_path: Path) -> None:
    journal = write(tmp_path, ROWS[:3], segment_bytes=300)
    reader = Reader(str(tmp_path))
    assert [record.payload for record in reader.records(journal.end) if record.kind == b"H"] == ROWS[:3]
    assert list(reader.records(journal.end)) == []
    journal._look_at = 0
    for row in ROWS[3:]:
        journal.append(framing.HISTORY, row)
        assert [record.payload for record in reader.records(journal.end) if record.kind == b"H"] == [row]
    assert len(list_segments(str(tmp_path))) > 1
    middle = Reader(str(tmp_path), journal.end)
    journal.append(framing.HISTORY, b"9 {}")
    assert [record.payload for record in middle.records(journal.end)] == [b"9 {}"]
    for each in (reader, middle):
        each.close()


def test_what_a_full_disk_takes_in_part_is_taken_back(tmp_path: Path) -> None:
    script = f"""
import resource, signal
from runkey.stream import Journal, framing
said = []
journal = Journal({str(tmp_path)!r}, lambda: b"{{}}", said.append)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
took = [journal.append(framing.HISTORY, b"%d %b" % (i, b"x" * 90)) for i in range(20)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal._looked -= 2
took += [journal.append(framing.HISTORY, b"%d y" % i) for i in range(20, 25)]
print(took.index(False), took.count(False), journal.refused, took[20:], len(said), said[0][:24])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, count, refused, rest = done.stdout.split(" ", 3)
    assert count == refused
    assert rest.strip() == "[True, True, True, True, True] 1 Rows are being left out:"
    found, reader = read(tmp_path)
    assert [int(row.split()[0]) for row in found] == [*range(int(first)), *range(20, 25)]
    assert (reader.damaged, reader.torn_bytes) == (0, 0)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_nearly_full_disk_is_said_and_then_takes_only_what_is_needed(tmp_path: Path) -> None:
    said: list[str] = []
    free = [10**12]
    journal = Journal(str(tmp_path), lambda: b"{}", said.append, space=lambda _: (free[0], 10**12))

    def log() -> bool:
        journal._look_at = 0
        return journal.append(framing.HISTORY, b"0 {}")

    assert (log(), said) == (True, [])
    free[0] = 200_000_000
    assert (log(), log(), len(said)) == (True, True, 1)
    assert "200 MB" in said[0]
    free[0] = 1_000_000
    assert (log(), log(), log(), len(said), journal.refused) == (True, False, False, 2, 2)
    assert journal.append(framing.END, b"{}", is_needed=True)
    free[0] = 10**12
    journal._looked -= 2
    assert (log(), journal.refused) == (True, 2)


def test_folders_are_their_owners_alone_and_named_after_the_run(tmp_path: Path) -> None:
    root = tmp_path / "runkey"
    folder, elsewhere = folders.make_run_folder(str(root), "a b/ü" + "x" * 100, 0.0)
    again, _ = folders.make_run_folder(str(root), "a b/ü" + "x" * 100, 0.0)
    assert elsewhere is None
    assert again == folder + "-2"
    assert (os.stat(folder).st_mode & 0o777, os.stat(root).st_mode & 0o777) == (0o700, 0o700)
    assert Path(folder).name.startswith("run-19")
    assert Path(folder).name.endswith("-a_b_" + "x" * 76)
    assert folders.list_run_folders(str(root)) == []
    write(Path(folder), ROWS).close()
    assert folders.list_run_folders(str(root)) == [folder]
    folders.remove_run_folder(folder)
    folders.remove_run_folder(again)
    assert not root.exists()


def test_where_the_folder_cannot_be_made_another_is_and_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    folder, elsewhere = folders.make_run_folder(str(tmp_path / "file" / "runkey"), "r", 0.0)
    assert Path(folder).is_relative_to(tmp_path / "tmp")
    assert elsewhere is not None
    assert folder in elsewhere
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(CannotStore, match="RUNKEY_DIR"):
        folders.make_run_folder(str(tmp_path / "file" / "runkey"), "r", 0.0)


def test_a_lock_ends_with_its_process_and_is_not_a_childs(tmp_path: Path) -> None:
    script = f"""
import os, sys, time
from runkey.stream import Lock
lock = Lock({str(tmp_path)!r})
assert lock.take()
if os.fork() == 0:
    os.close(1)
    sys.stdin.readline()
    os._exit(0)
print("held", flush=True)
sys.stdin.readline()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert Lock(str(tmp_path)).take() is False
    process.kill()
    process.wait()
    # Its child still lives, and reads from the pipe that is still open here.
    lock = Lock(str(tmp_path))
    assert lock.take() is True
    lock.release()
    process.stdin.close()
    process.stdout.close()


def row(kind: bytes, number: int, **values: object) -> tuple[bytes, bytes]:
    return kind, b"%d %b" % (number, json.dumps(values, separators=(",", ":")).encode())


def gathered(folder: Path, records: list[tuple[bytes, bytes]], max_bytes: int = 10**6) -> list[tuple[dict[str, Chunk], int | None]]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    journal = Journal(str(folder), lambda: b"{}", lambda _: None)
    for kind, payload in records:
        journal.append(kind, payload)
    gatherer = Gatherer(str(folder), Acknowledged(str(folder)))
    found = []
    while True:
        batch = gatherer.gather(None, max_bytes)
        if not batch.size_bytes:
            break
        found.append((batch.files({}), batch.exit_code))
        if not batch.has_more:
            break
    gatherer.reader.close()
    journal.close()
    return found


def test_rows_that_later_calls_add_to_go_out_when_they_are_complete(tmp_path: Path) -> None:
    records = [
        row(b"P", 0, a=1, _step=5),
        row(b"P", 0, b=2, a=3, _step=5),
        row(b"H", 1, c=1, _step=6),
        row(b"P", 2, d=1),
        row(b"H", 2, e=1),
        row(b"P", 3, f=1),
    ]
    lines = ('{"a":3,"_step":5,"b":2}', '{"c":1,"_step":6}', '{"d":1,"e":1}')
    assert gathered(tmp_path / "j", records) == [({file_stream.HISTORY: Chunk(0, lines)}, None)]
    ended = gathered(tmp_path / "j", [*records, (framing.END, b'{"exit_code":3}')])
    assert ended == [({file_stream.HISTORY: Chunk(0, (*lines, '{"f":1}'))}, 3)]


def test_without_a_last_word_the_last_row_is_complete_all_the_same(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), lambda: b"{}", lambda _: None)
    for kind, payload in (row(b"H", 0, a=1), row(b"P", 1, b=1)):
        journal.append(kind, payload)
    gatherer = Gatherer(str(tmp_path), Acknowledged(str(tmp_path)))
    assert gatherer.gather(None, 10**6).lines == ['{"a":1}']
    batch = gatherer.gather(None, 10**6, is_all=True)
    assert (batch.files({}), batch.position) == ({file_stream.HISTORY: Chunk(1, ('{"b":1}',))}, journal.end)
    gatherer.reader.close()
    journal.close()


def test_a_row_that_is_open_is_read_again_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path), lambda: b"{}", lambda _: None)
    for kind, payload in (row(b"H", 0, a=1), row(b"P", 1, b=1), row(b"P", 1, c=1)):
        journal.append(kind, payload)
    noted = Acknowledged(str(tmp_path))
    first = Gatherer(str(tmp_path), noted)
    noted.position = first.gather(journal.end, 10**6).position
    noted.save()
    first.reader.close()
    journal.append(framing.END, b'{"exit_code":0}')
    second = Gatherer(str(tmp_path), Acknowledged(str(tmp_path)))
    assert second.gather(None, 10**6).files({}) == {file_stream.HISTORY: Chunk(1, ('{"b":1,"c":1}',))}
    second.reader.close()
    journal.close()


def test_lines_after_a_gap_and_rewritten_lines(tmp_path: Path) -> None:
    def console(offset: int, *lines: str) -> tuple[bytes, bytes]:
        return framing.LINES, json.dumps({"file": "output.log", "offset": offset, "lines": lines}).encode()

    found = gathered(
        tmp_path / "j", [row(b"H", 0, a=1), row(b"H", 2, a=3), console(0, "one", "two"), console(1, "TWO", "three"), console(7, "8")]
    )
    assert [files for files, _ in found] == [
        {file_stream.HISTORY: Chunk(0, ('{"a":1}',))},
        {file_stream.HISTORY: Chunk(2, ('{"a":3}',)), "output.log": Chunk(0, ("one", "TWO", "three"))},
        {"output.log": Chunk(7, ("8",))},
    ]


@given(
    st.lists(st.tuples(st.sampled_from(["open", "done"]), st.booleans()), max_size=40),
    st.integers(20, 400),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_cut_into_batches_the_rows_are_the_same(tmp_path: Path, calls: list[tuple[str, bool]], max_bytes: int) -> None:
    records, number, expected, is_open = [], 0, [], False
    for index, (what, is_next) in enumerate(calls):
        if is_open and is_next:
            number, is_open = number + 1, False
        if not is_open:
            expected.append({})
        expected[-1][f"k{index}"] = index
        records.append(row(b"H" if what == "done" else b"P", number, **{f"k{index}": index}))
        number, is_open = (number + 1, False) if what == "done" else (number, True)
    records.append((framing.END, b'{"exit_code":0}'))
    found = gathered(tmp_path / "j", records, max_bytes)
    lines: dict[int, str] = {}
    for files, _ in found:
        chunk = files.get(file_stream.HISTORY, Chunk(0, ()))
        for place, line in enumerate(chunk.lines, chunk.offset):
            assert place not in lines
            lines[place] = line
    assert [json.loads(lines[place]) for place in range(len(lines))] == expected
    assert found[-1][1] == 0


def test_a_file_that_is_gone_from_between_others_is_counted(tmp_path: Path) -> None:
    journal = write(tmp_path, [], segment_bytes=1)
    for row in ROWS:
        journal._look_at = 0
        journal.append(framing.HISTORY, row)
    journal.close()
    first, *between, _ = list_segments(str(tmp_path))
    assert len(between) == len(ROWS) - 1
    for number in between:
        Path(segment_path(str(tmp_path), number)).unlink()
    found, reader = read(tmp_path)
    assert [row for row in ROWS if row in found] == found
    assert (reader.missing, reader.damaged, reader.torn_bytes) == (len(between), 0, 0)
    # What is gone from the beginning went because a server has it.
    Path(segment_path(str(tmp_path), first)).unlink()
    assert read(tmp_path)[1].missing == 0


def test_what_is_cut_in_the_middle_was_torn_by_nobodys_death(tmp_path: Path) -> None:
    journal = write(tmp_path, ROWS[:4], segment_bytes=300)
    journal._look_at = 0
    journal.append(framing.HISTORY, ROWS[4])
    journal.append(framing.HISTORY, ROWS[5])
    journal.close()
    path = Path(segment_path(str(tmp_path), 1))
    path.write_bytes(path.read_bytes()[:-10])
    found, reader = read(tmp_path)
    assert found == [*ROWS[:4], ROWS[5]]
    assert (reader.damaged, reader.torn_bytes) == (1, 0)


def test_a_file_that_somebody_cut_while_it_is_written_ends_the_reading(tmp_path: Path) -> None:
    journal = write(tmp_path, ROWS)
    os.truncate(segment_path(str(tmp_path), 1), 200)
    reader = Reader(str(tmp_path))
    found = [record.payload for record in reader.records(journal.end) if record.kind == framing.HISTORY]
    assert found == ROWS[: len(found)]
    assert list(reader.records(journal.end)) == []
    assert reader.torn_bytes > 0
    reader.close()


def test_a_note_of_what_was_sent_that_is_not_as_it_was_written_counts_as_none(tmp_path: Path) -> None:
    write(tmp_path, ROWS).close()
    noted = Acknowledged(str(tmp_path))
    noted.position, noted.rows, noted.is_open, noted.is_complete = Position(1, 200), 5, True, True
    noted.files, noted.first_lines = [{"name": "a", "path": "a"}], {file_stream.HISTORY: 3}
    noted.save()
    path = tmp_path / "sent.json"
    whole = path.read_text()
    assert vars(Acknowledged(str(tmp_path))) == vars(noted)
    for text in (
        whole.replace("200", "290"),
        whole.replace("true", "false"),
        "[" * 100_000,
        "[1]",
        '{"rows": "x"}',
        '{"files": 5}',
        "{}",
        "",
    ):
        path.write_text(text)
        found = Acknowledged(str(tmp_path))
        assert (found.position, found.rows, found.is_open, found.files, found.first_lines) == ((0, 0), 0, False, [], {}), text
    # Whole, beside a journal that is shorter than it.
    path.write_text(whole)
    os.truncate(segment_path(str(tmp_path), 1), 199)
    found = Acknowledged(str(tmp_path))
    assert (found.position, found.rows, found.is_complete, found.first_lines) == ((0, 0), 0, False, {file_stream.HISTORY: 3})


def test_one_process_locks_a_folder_once(tmp_path: Path) -> None:
    first, second = Lock(str(tmp_path)), Lock(str(tmp_path))
    assert first.take()
    assert not second.take()
    second.release()
    script = f"from runkey.stream import Lock; print(Lock({str(tmp_path)!r}).take())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"
    first.release()
    assert second.take()
    second.release()


def test_a_folder_whose_journal_is_gone_is_not_passed_over(tmp_path: Path) -> None:
    folder, _ = folders.make_run_folder(str(tmp_path), "r", 0.0)
    assert folders.list_run_folders(str(tmp_path)) == []
    lock = Lock(folder)
    assert lock.take()
    lock.release()
    assert folders.list_run_folders(str(tmp_path)) == [folder]
