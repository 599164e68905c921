"""Table: rows and columns as a value of a row (`table-file`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runkey.media.arrays import as_array, is_array, is_frame
from runkey.media.files import Carrier, file_name, sha256_of

MAX_ROWS = 200_000
"""W&B's limit of a table that is kept as an artifact. What is beyond is left out of the file, and `nrows` says how many there were."""

_DEFAULT_COLUMNS = ("Input", "Output", "Expected")


class Table:
    """A table. data: rows, an array, or a frame; dataframe: a frame (pandas, polars), which brings its columns.

    Cells may be numbers, text, lists, mappings, pictures and other media. Every `log()` of it writes it as it is then. Other arguments of
    W&B's (dtype, optional, allow_mixed_types, log_mode) are taken, and change nothing: a column may hold what it likes. Raises ValueError,
    TypeError.
    """

    MAX_ROWS = MAX_ROWS

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: Any = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        """Copy what is given."""
        self.log_mode = log_mode
        data = data if data is not None else rows
        if dataframe is None and is_frame(data):
            dataframe = data
        if dataframe is not None:
            if not is_frame(dataframe):
                raise TypeError(f"dataframe is a frame of pandas or polars, not a {type(dataframe).__name__}.")
            self.columns: list[Any] = [name if isinstance(name, int) else str(name) for name in dataframe.columns]
            self.data: list[list[Any]] = [list(row) for row in _rows_of(dataframe)]
            return
        self.columns = list(_DEFAULT_COLUMNS if columns is None else columns)
        if not all(isinstance(name, str | int) for name in self.columns):
            raise TypeError("A table's columns are named by text or whole numbers.")
        self.data = []
        for row in as_array(data).tolist() if is_array(as_array(data)) else (data if data is not None else ()):
            self.add_data(*row)

    def add_data(self, *data: Any) -> None:
        """Add a row. Raises ValueError when it has not a value for every column."""
        if len(data) != len(self.columns):
            raise ValueError(f"The table has {len(self.columns)} columns, the row has {len(data)} values.")
        self.data.append(list(data))

    def add_row(self, *row: Any) -> None:
        """Add a row: `add_data` under its old name."""
        self.add_data(*row)

    def add_column(self, name: Any, data: Any) -> None:
        """Add a column with a value for every row. Raises ValueError."""
        values = list(as_array(data).tolist() if is_array(as_array(data)) else data)
        if name in self.columns:
            raise ValueError(f"The table has a column {name!r} already.")
        if self.data and len(values) != len(self.data):
            raise ValueError(f"The table has {len(self.data)} rows, the column has {len(values)} values.")
        if not self.data:
            self.data = [[None] * len(self.columns) for _ in values] if not self.columns else [[] for _ in values]
        for row, value in zip(self.data, values, strict=True):
            row.append(value)
        self.columns.append(name)

    def get_column(self, name: Any, convert_to: str | None = None) -> Any:
        """Give a column's values as a list, or as an array (convert_to="numpy"). Raises ValueError for a column that there is not."""
        if name not in self.columns:
            raise ValueError(f"The table has no column {name!r}.")
        place = self.columns.index(name)
        values = [row[place] for row in self.data]
        if convert_to is None:
            return values
        if convert_to != "numpy":
            raise ValueError('convert_to is None or "numpy".')
        import importlib

        return importlib.import_module("numpy").array(values)

    def get_dataframe(self) -> Any:
        """Give it as a pandas frame. Raises ImportError without pandas."""
        import importlib

        return importlib.import_module("pandas").DataFrame(self.data, columns=self.columns)

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Give each row with its number."""
        yield from enumerate(self.data)

    def _runkey_media(self, run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        rows = [[_cell(value, run, key, step) for value in row] for row in self.data[:MAX_ROWS]]
        text = json.dumps({"columns": self.columns, "data": rows}, separators=(",", ":"), ensure_ascii=False)
        data = text.encode("utf-8", "replace")
        digest = sha256_of(data)
        name = file_name("media/table", key, step, digest, "table.json")
        run.upload(name, data=data)
        return {
            "_type": "table-file",
            "path": name,
            "sha256": digest,
            "size": len(data),
            "ncols": len(self.columns),
            "nrows": len(self.data),
            "log_mode": self.log_mode,
        }


def _rows_of(frame: Any) -> Iterable[Iterable[Any]]:
    if hasattr(frame, "itertuples"):
        rows: Iterable[Iterable[Any]] = frame.itertuples(index=False, name=None)
        return rows
    return frame.iter_rows()  # type: ignore[no-any-return] # polars


def _cell(value: Any, run: Carrier, key: str, step: int | str) -> Any:
    """Give a cell as JSON knows it: media as the dict that names their file, times as text, what has no form as its own words."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    media = getattr(value, "_runkey_media", None)
    if callable(media):
        return media(run, key, step)
    array = as_array(value)
    if hasattr(array, "tolist"):
        return _cell_of_plain(array.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _cell(item, run, key, step) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cell(item, run, key, step) for item in value]
    return str(value)


def _cell_of_plain(value: Any) -> Any:
    """Of what an array or a scalar gave: numbers and lists of them, or (of dates) what JSON does not know."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return value
