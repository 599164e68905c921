"""Histograms, tables, pages, sounds, films, and values that are meant as one of them."""

import io
import json
import math
import wave
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from carrying import Carried
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from runkey.media import Audio, Histogram, Html, Image, Table, Video
from runkey.media.arrays import flat_numbers
from runkey.media.histogram import count_in_bins
from runkey.media.wrapping import wrapped

# --- histograms -----------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), max_size=60), st.integers(1, 40))
def test_counting_without_numpy_is_numpys(numbers: list[float], bins: int) -> None:
    counts, edges = count_in_bins([float(number) for number in numbers], bins)
    theirs, their_edges = np.histogram(np.array(numbers, dtype=float), bins=bins)
    assert sum(counts) == len(numbers)
    assert np.allclose(edges, their_edges)
    # A number on an edge may fall on either side of it, for the edges differ in their last digit.
    assert np.abs(np.cumsum(counts) - np.cumsum(theirs)).max() <= sum(bool(np.isclose(n, their_edges).any()) for n in numbers)


def test_a_histogram_is_counts_and_edges(carried: Carried) -> None:
    value = Histogram([0, 1, 1, 4], num_bins=4)._runkey_media(carried, "k", 0)
    assert value == {"_type": "histogram", "values": [1, 2, 0, 1], "bins": [0, 1, 2, 3, 4]}
    assert Histogram([1.0, math.nan, math.inf, 2.0], num_bins=1).histogram == [2]
    assert Histogram(np.array([True, False, True]), num_bins=2).histogram == [1, 2]
    assert Histogram(np_histogram=np.histogram(np.arange(10), bins=5)).histogram == [2] * 5
    assert Histogram([[1, 2], [3]], num_bins=2).histogram == [1, 2]


@pytest.mark.parametrize(
    "given",
    [{}, {"sequence": [1], "num_bins": 0}, {"sequence": [1], "num_bins": 513}, {"np_histogram": ([1], [1])}, {"np_histogram": ([1],)}],
)
def test_a_histogram_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="histogram"):
        Histogram(**given)


def test_numbers_are_found_however_deep_they_lie() -> None:
    assert flat_numbers([1, [2.5, (3, np.array([4, 5]))], np.float32(6)]) == [1, 2.5, 3, 4, 5, 6]
    with pytest.raises((TypeError, ValueError)):
        flat_numbers([object()])


# --- tables ---------------------------------------------------------------------------------------------------------------------


def written(carried: Carried, table: Table) -> Any:
    return json.loads(carried.files[table._runkey_media(carried, "t", 0)["path"]])


def test_a_table_is_written_as_it_is_when_it_is_logged(carried: Carried) -> None:
    table = Table(columns=["n", "any"], data=[[1, "one"]])
    value = table._runkey_media(carried, "t", 4)
    table.add_data(2, None)
    assert value["path"].endswith(".table.json")
    assert (value["_type"], value["ncols"], value["nrows"]) == ("table-file", 2, 1)
    assert json.loads(carried.files[value["path"]]) == {"columns": ["n", "any"], "data": [[1, "one"]]}
    assert written(carried, table)["data"] == [[1, "one"], [2, None]]


def test_cells_may_be_anything(carried: Carried) -> None:
    row = [np.float32(0.5), np.arange(2), {"a": [1, {2}]}, date(2026, 1, 2), Image([[1]]), object(), math.nan, np.datetime64("2026-01-02")]
    table = Table(columns=[str(number) for number in range(len(row))], data=[row])
    (cells,) = written(carried, table)["data"]
    assert cells[:4] == [0.5, [0, 1], {"a": [1, [2]]}, "2026-01-02"]
    assert cells[4]["_type"] == "image-file"
    assert cells[4]["path"] in carried.files
    assert cells[5].startswith("<object")
    assert math.isnan(cells[6])
    assert cells[7] == "2026-01-02"


def test_frames_and_arrays_are_tables(carried: Carried) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    assert Table(dataframe=frame).columns == Table(data=frame).columns == ["a", "b"]
    assert Table(data=np.array([[1, 2, 3]])).data == [[1, 2, 3]]
    assert list(Table(dataframe=frame).get_dataframe()["a"]) == [1, 2]


def test_columns_can_be_added_and_read() -> None:
    table = Table(columns=["a"], data=[[1], [2]])
    table.add_column("b", np.array([3, 4]))
    assert (table.columns, table.data) == (["a", "b"], [[1, 3], [2, 4]])
    assert table.get_column("b") == [3, 4]
    assert table.get_column("b", convert_to="numpy").tolist() == [3, 4]
    assert list(table.iterrows()) == [(0, [1, 3]), (1, [2, 4])]
    for wrong in (lambda: table.add_column("a", [1, 2]), lambda: table.add_column("c", [1]), lambda: table.get_column("z")):
        with pytest.raises(ValueError, match="column"):
            wrong()
    with pytest.raises(ValueError, match="2 columns"):
        table.add_data(1)


# --- pages, sounds, films ---------------------------------------------------------------------------------------------------------


def test_a_page_is_its_text_a_path_or_an_open_file(tmp_path: Path, carried: Carried) -> None:
    (tmp_path / "page.html").write_text("<head></head>é")
    value = Html(str(tmp_path / "page.html"), inject=False)._runkey_media(carried, "p", 0)
    assert carried.files[value["path"]].decode() == "<head></head>é"
    assert Html(io.StringIO("<p>x</p>"), inject=False).html == "<p>x</p>"
    assert Html(str(tmp_path / "page.html"), data_is_not_path=True, inject=False).html == str(tmp_path / "page.html")
    assert Html("<head></head>").html == '<head><base target="_blank"></head>'
    assert Html._runkey_media_list([Html("a"), Html("b")], carried, "p", 0)["count"] == 2
    with pytest.raises(ValueError, match="no page"):
        Html(7)


def sound(data: bytes) -> tuple[int, int, list[int]]:
    with wave.open(io.BytesIO(data)) as read:
        frames = read.readframes(read.getnframes())
        return read.getnchannels(), read.getframerate(), np.frombuffer(frames, "<i2").tolist()


@pytest.mark.parametrize(
    ("samples", "read"),
    [
        (np.array([0.0, 1.0, -1.0, 2.0]), (1, 8000, [0, 32767, -32767, 32767])),
        ([0.0, 1.0, -1.0, 2.0], (1, 8000, [0, 32767, -32767, 32767])),
        (np.array([[1, 2], [3, 4]], "int16"), (2, 8000, [1, 2, 3, 4])),
        ([[1, 2], [3, 4]], (2, 8000, [1, 2, 3, 4])),
        (np.array([0, 128, 255], "uint8"), (1, 8000, [-32768, 0, 32512])),
        (np.array([65536, -65536], "int32"), (1, 8000, [1, -1])),
    ],
)
def test_samples_become_a_sound(samples: Any, read: tuple[int, int, list[int]], carried: Carried) -> None:
    value = Audio(samples, sample_rate=8000, caption="a")._runkey_media(carried, "s", 0)
    assert (value["_type"], value["caption"]) == ("audio-file", "a")
    assert sound(carried.files[value["path"]]) == read


def test_sounds_that_are_none_are_refused(tmp_path: Path, carried: Carried) -> None:
    for samples in (np.zeros((2, 2, 2)), np.zeros((3, 17)), [[1, 2], [3]]):
        with pytest.raises(ValueError, match="sound"):
            Audio(samples, sample_rate=1)
    for samples in (np.array(["a"]), 7):
        with pytest.raises(TypeError, match="no sound"):
            Audio(samples, sample_rate=1)
    with pytest.raises(ValueError, match="sample_rate"):
        Audio([0.0])
    (tmp_path / "a.mp3").write_bytes(b"mp3")
    both = Audio._runkey_media_list([Audio(str(tmp_path / "a.mp3")), Audio([0.0] * 4, sample_rate=2)], carried, "s", 0)
    assert (both["count"], both["durations"], both["sampleRates"]) == (2, [None, 2.0], [None, 2])
    assert both["audio"][0]["path"].endswith(".mp3")


def test_an_array_becomes_a_film(tmp_path: Path, carried: Carried) -> None:
    frames = np.zeros((3, 1, 4, 6), "uint8")
    frames[1], frames[2] = 100, 255
    value = Video(frames, fps=10, caption="f")._runkey_media(carried, "v", 0)
    assert {name: value[name] for name in ("_type", "width", "height", "caption")} == {
        "_type": "video-file",
        "width": 6,
        "height": 4,
        "caption": "f",
    }
    with Pillow.open(io.BytesIO(carried.files[value["path"]])) as film:
        assert (film.size, getattr(film, "n_frames", 0), film.info["duration"]) == ((6, 4), 3, 100)
    assert Video(np.zeros((2, 3, 1, 4, 6)))._width == 12
    (tmp_path / "a.mp4").write_bytes(b"mp4")
    assert Video(tmp_path / "a.mp4")._runkey_media(carried, "v", 0)["path"].endswith(".mp4")
    assert Video(io.BytesIO(b"gif"), format="gif")._runkey_media(carried, "v", 0)["size"] == 3
    for wrong in (
        lambda: Video("a.txt"),
        lambda: Video(np.zeros((2, 2))),
        lambda: Video(io.BytesIO(b"")),
        lambda: Video("a.mp4", format="x"),
    ):
        with pytest.raises(ValueError, match=r"film|open file"):
            wrong()
    with pytest.raises(TypeError, match="no film"):
        Video(7)


# --- what is meant as one of them ---------------------------------------------------------------------------------------------------


def test_values_that_are_meant_as_media_become_media() -> None:
    assert isinstance(wrapped(pd.DataFrame({"a": [1]})), Table)
    assert isinstance(wrapped(np.arange(33)), Histogram)
    assert isinstance(wrapped(Tensor(np.arange(33.0))), Histogram)
    assert isinstance(wrapped(Pillow.new("L", (2, 2))), Image)
    assert wrapped(np.array([[7]])) == 7
    small, words, plain = np.arange(32), np.array(["a"] * 40), object()
    assert wrapped(small) is small
    assert wrapped(words) is words
    assert wrapped(plain) is plain


class Tensor:
    """What another package's arrays look like from here."""

    def __init__(self, array: Any) -> None:
        self._array, self.shape = array, array.shape

    def __array__(self) -> Any:
        return self._array


def test_what_is_no_frame_makes_no_table() -> None:
    with pytest.raises(TypeError, match="dataframe is a frame of pandas or polars, not a list"):
        Table(dataframe=[1])
