"""Audio: a sound as a value of a row (`audio-file`, `audio`)."""

import io
import os
import wave
from collections.abc import Sequence
from typing import Any

from runkey.media import files
from runkey.media.arrays import as_array, is_array
from runkey.media.files import Carrier, FileValue

_MAX_CHANNELS = 16
_FULL = 32_767


class Audio(FileValue):
    """A sound: a path, or samples (frames, or frames x channels; -1.0 to 1.0, or whole numbers of 8, 16 or 32 bits) and their rate.

    Samples become a WAV of 16 bits, with the standard library. Raises ValueError, TypeError, OSError.
    """

    folder = "media/audio"
    kind = "audio-file"

    def __init__(self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None) -> None:
        """Make the file's bytes now. sample_rate: samples a second, needed where samples are given."""
        self._sample_rate = sample_rate
        self._duration: float | None = None
        if isinstance(data_or_path, str | os.PathLike):
            path = os.fspath(data_or_path)
            super().__init__(os.path.splitext(path)[1][1:] or "wav", path=path, caption=caption)
            return
        if sample_rate is None:
            raise ValueError("Samples need their sample_rate.")
        frames, channels, samples = _samples(data_or_path)
        self._duration = frames / float(sample_rate)
        made = io.BytesIO()
        with wave.open(made, "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(int(sample_rate))
            out.writeframes(samples)
        super().__init__("wav", data=made.getvalue(), caption=caption)

    @staticmethod
    def _runkey_media_list(items: "Sequence[Audio]", run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        items = items[: files.MAX_ITEMS]
        whole: dict[str, Any] = {
            "_type": "audio",
            "count": len(items),
            "audio": [item._runkey_media(run, key, step) for item in items],
            "sampleRates": [item._sample_rate for item in items],
            "durations": [item._duration for item in items],
        }
        captions = files.captions_of(items, absent="")
        if captions is not None:
            whole["captions"] = captions
        return whole


def _samples(value: Any) -> tuple[int, int, bytes]:
    """Give frames, channels, and the samples as little-endian 16-bit numbers, channel beside channel."""
    array = as_array(value)
    if not is_array(array):
        return _nested(array)
    shape = tuple(array.shape)
    if len(shape) not in (1, 2) or (len(shape) == 2 and not 1 <= shape[1] <= _MAX_CHANNELS):
        raise ValueError(f"Samples of shape {list(shape)} are no sound: frames, or frames x channels (at most {_MAX_CHANNELS}).")
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        array = (array.astype("float64") * _FULL).round().clip(-_FULL - 1, _FULL)
    elif kind == "u" and width == 1:
        array = (array.astype("int16") - 128) * 256
    elif kind == "i" and width >= 4:
        array = array.astype("int64") // 65_536
    elif kind != "i":
        raise TypeError(f"Samples of {array.dtype} are no sound.")
    return shape[0], shape[1] if len(shape) == 2 else 1, array.astype("<i2").tobytes()


def _nested(value: Any) -> tuple[int, int, bytes]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"A {type(value).__name__} is no sound: a path, an array, a tensor or a list of samples is.")
    rows = [row if isinstance(row, list | tuple) else (row,) for row in value]
    channels = len(rows[0]) if rows else 1
    if any(len(row) != channels for row in rows) or not 1 <= channels <= _MAX_CHANNELS:
        raise ValueError("Every frame of a sound has one number a channel.")
    scaled = [
        min(max(round(number * _FULL) if isinstance(number, float) else int(number), -_FULL - 1), _FULL) for row in rows for number in row
    ]
    return len(rows), channels, b"".join(number.to_bytes(2, "little", signed=True) for number in scaled)
