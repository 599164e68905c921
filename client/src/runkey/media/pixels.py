"""Turns what people call a picture (array, tensor, nested lists, Pillow image, matplotlib figure) into the bytes of a picture file."""

import io
from typing import Any, NamedTuple

from runkey.media import png
from runkey.media.arrays import as_array, is_array, is_tensor

FILE_TYPES = ("png", "jpg", "jpeg", "bmp")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class Picture(NamedTuple):
    """A picture file in memory."""

    data: bytes
    width: int
    height: int


def picture_of(value: Any, mode: str | None = None, file_type: str = "png") -> Picture:
    """Make a picture file. mode: "L", "RGB" or "RGBA", by default what the number of channels says.

    Numbers that are not whole are taken as 0 to 1 (or -1 to 1) where all of them lie there, else as 0 to 255; booleans are black and white.
    Raises TypeError for what is no picture, ValueError for a shape that none has, or where a package is needed that is not there.
    """
    maker = type(value).__module__.split(".")[0]
    if maker == "PIL":
        return _save(value if mode is None else value.convert(mode), file_type)
    if maker == "matplotlib" or getattr(value, "__name__", "") == "matplotlib.pyplot":
        return _draw(value, file_type)
    width, height, channels, samples, rows = _samples(value)
    if file_type == "png" and mode in (None, _MODES[channels]):
        return Picture(png.write(width, height, channels, samples, rows), width, height)
    made = _pillow(f'A picture as "{file_type}", or in another mode than it has,').frombytes(_MODES[channels], (width, height), samples)
    return _save(made if mode is None else made.convert(mode), file_type)


def _samples(value: Any) -> tuple[int, int, int, bytes, Any]:
    """Give width, height, channels, the samples, and them as an array of rows where there is one."""
    channels_first = is_tensor(value)
    array = as_array(value)
    if not is_array(array):
        return *_nested(array), None
    shape = tuple(array.shape)
    while len(shape) > 3 and 1 in shape:  # a batch of one
        array = array.squeeze(axis=shape.index(1))
        shape = tuple(array.shape)
    if len(shape) == 3 and channels_first and shape[0] in _MODES:
        array = array.transpose(1, 2, 0)
        shape = tuple(array.shape)
    if len(shape) == 2:
        array = array.reshape(*shape, 1)
        shape = tuple(array.shape)
    if len(shape) != 3 or shape[2] not in _MODES or 0 in shape:
        raise ValueError(f"An array of shape {list(value.shape)} is no picture: height x width, or with 1, 3 or 4 channels.")
    height, width, channels = (int(side) for side in shape)
    _check_sides(width, height)
    whole = _to_bytes(array)
    return width, height, channels, whole.tobytes(), whole.reshape(height, width * channels)


def _to_bytes(array: Any) -> Any:
    """Give an array of whole numbers from 0 to 255. What is no number (NaN) is black."""
    kind = array.dtype.kind
    if kind == "b":
        return array.astype("uint8") * 255
    if kind == "f":
        known = array == array  # false for NaN alone
        array = array.astype("float32", copy=True)
        array[~known] = 0
        low, high = float(array.min()), float(array.max())
        if low >= 0 and high <= 1:
            array = array * 255
        elif -1 <= low < 0 and high <= 1:
            array = (array + 1) * 127.5
        return array.round().clip(0, 255).astype("uint8")
    if kind not in "iu":
        raise TypeError(f"An array of {array.dtype} is no picture.")
    return array if array.dtype.itemsize == 1 and kind == "u" else array.clip(0, 255).astype("uint8")


def _nested(value: Any) -> tuple[int, int, int, bytes]:
    """Read lists of rows of whole numbers, or of pixels that are lists of them."""
    if not isinstance(value, list | tuple) or not value or not isinstance(value[0], list | tuple) or not value[0]:
        raise TypeError(f"A {type(value).__name__} is no picture: a path, an array, a tensor, a Pillow image or rows of numbers are.")
    deep = isinstance(value[0][0], list | tuple)
    channels = len(value[0][0]) if deep else 1
    width, height = len(value[0]), len(value)
    if channels not in _MODES or any(len(row) != width for row in value):
        raise ValueError("The rows of a picture are of one length, their pixels of 1, 3 or 4 numbers.")
    _check_sides(width, height)
    numbers = [number for row in value for pixel in row for number in (pixel if deep else (pixel,))]
    if len(numbers) != width * height * channels:
        raise ValueError("The pixels of a picture have one number of channels.")
    scale = 255 if all(isinstance(n, float) and 0 <= n <= 1 for n in numbers) else 1
    return width, height, channels, bytes(min(max(round(number * scale), 0), 255) for number in numbers)


def _check_sides(width: int, height: int) -> None:
    if max(width, height) > png.MAX_SIDE:
        raise ValueError(f"A picture of {width} x {height} is too large: {png.MAX_SIDE:,} is the longest side.")


def _save(image: Any, file_type: str) -> Picture:
    if file_type in ("jpg", "jpeg", "bmp") and image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    made = io.BytesIO()
    image.save(made, format="jpeg" if file_type == "jpg" else file_type)
    return Picture(made.getvalue(), *image.size)


def _draw(value: Any, file_type: str) -> Picture:
    figure = value
    for finder in ("gcf", "get_figure"):  # of pyplot itself; of axes
        if not hasattr(figure, "savefig") or finder == "gcf":
            found = getattr(figure, finder, None)
            figure = found() if callable(found) else figure
    if not hasattr(figure, "savefig"):
        raise TypeError(f"A {type(value).__name__} is no picture; its figure is.")
    made = io.BytesIO()
    figure.savefig(made, format="png")
    if file_type != "png":
        return _save(_pillow(f'A picture as "{file_type}"').open(made), file_type)
    import struct

    return Picture(made.getvalue(), *struct.unpack(">II", made.getvalue()[16:24]))


def _pillow(what: str) -> Any:
    try:
        from PIL import Image  # optional dependency
    except ImportError:
        raise ValueError(f"{what} needs Pillow: pip install pillow. A PNG needs nothing.") from None
    return Image
