"""Values as a page says them."""

import pytest

from runkey_server.web.words import size, value

LONG = list(range(1_000))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (0.123456789, "0.12346"),
        (True, "true"),
        ("as it is", "as it is"),
        (None, "null"),
        (["a", None, "ü"], '["a", null, "ü"]'),
        ({"_type": "image-file", "width": 28, "height": 20, "path": "media/images/a.png"}, "picture, 28 × 20: media/images/a.png"),
        ({"_type": "images/separated", "count": 4, "width": 8, "height": 8, "filenames": LONG}, "4 pictures, 8 × 8"),
        ({"_type": "table-file", "nrows": 3, "ncols": 2, "path": "media/table/t.json"}, "table, 3 rows × 2 columns: media/table/t.json"),
        ({"_type": "histogram", "values": [1, 2], "bins": [0, 1, 2]}, "histogram of 2 bins"),
        ({"_type": "of another time", "values": 3, "path": 5}, "of another time"),
        ({"_type": 7}, '{"_type": 7}'),
    ],
)
def test_a_value_in_words(found: object, words: str) -> None:
    assert value(found) == words


def test_a_long_value_is_cut() -> None:
    words = value(LONG)
    assert words.startswith("[0, 1, 2,")
    assert words.endswith(" more characters")
    assert len(words) < 600


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (5_000 * 10**12, "5000 TB"),
    ],
)
def test_a_number_of_bytes_in_words(count: int, words: str) -> None:
    assert size(count) == words
