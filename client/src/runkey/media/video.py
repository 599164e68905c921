"""Video: a film as a value of a row (`video-file`, `videos`)."""

import io
import os
import tempfile
from collections.abc import Sequence
from typing import Any

from runkey.media import files
from runkey.media.arrays import as_array, is_array
from runkey.media.files import Carrier, FileValue

FORMATS = ("gif", "mp4", "webm", "ogg")
_DEFAULT_FRAMES_A_SECOND = 4


class Video(FileValue):
    """A film: a path, an open file of bytes (with its format), or an array of frames x channels x height x width, 0 to 255.

    An array becomes a GIF, with Pillow, or what `format` says, with moviepy. Raises ValueError, TypeError, OSError.
    """

    folder = "media/videos"
    kind = "video-file"
    EXTS = FORMATS

    def __init__(self, data_or_path: Any, caption: str | None = None, fps: int | None = None, format: str | None = None) -> None:
        """Make the file's bytes now. fps: frames a second of an array, 4 by default."""
        self._width: int | None = None
        self._height: int | None = None
        if format is not None and format not in FORMATS:
            raise ValueError(f"A film's format is one of {', '.join(FORMATS)}.")
        if isinstance(data_or_path, str | os.PathLike):
            path = os.fspath(data_or_path)
            extension = os.path.splitext(path)[1][1:].lower()
            if extension not in FORMATS:
                raise ValueError(f"A film's file is one of {', '.join(FORMATS)}.")
            super().__init__(extension, path=path, caption=caption)
        elif hasattr(data_or_path, "read"):
            if format is None:
                raise ValueError("An open file needs the format that it is in.")
            super().__init__(format, data=files.read_text_or_bytes(data_or_path), caption=caption)
        else:
            frames = _frames(data_or_path)
            self._height, self._width = int(frames.shape[1]), int(frames.shape[2])
            encode = _encode_gif if format in (None, "gif") else _encode_by_moviepy
            data = encode(frames, fps or _DEFAULT_FRAMES_A_SECOND, format or "gif")
            super().__init__(format or "gif", data=data, caption=caption)

    def _members(self) -> dict[str, Any]:
        return {} if self._width is None else {"width": self._width, "height": self._height}

    @staticmethod
    def _runkey_media_list(items: "Sequence[Video]", run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        items = items[: files.MAX_ITEMS]
        return {
            "_type": "videos",
            "count": len(items),
            "videos": [item._runkey_media(run, key, step) for item in items],
            "captions": files.captions_of(items) or False,
        }


def _frames(value: Any) -> Any:
    """Give frames x height x width x channels; of a batch (five dimensions) the films side by side."""
    array = as_array(value)
    if not is_array(array):
        raise TypeError(f"A {type(value).__name__} is no film: a path, an open file or an array is.")
    shape = tuple(array.shape)
    if len(shape) == 5:
        batch, time, channels, height, width = shape
        array = array.transpose(1, 2, 3, 0, 4).reshape(time, channels, height, batch * width)
    elif len(shape) != 4:
        raise ValueError(f"An array of shape {list(shape)} is no film: frames x channels x height x width.")
    if array.shape[1] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(f"A film has 1, 3 or 4 channels, in the second place; this has {array.shape[1]}.")
    if array.dtype.kind != "u" or array.dtype.itemsize != 1:
        array = array.clip(0, 255).astype("uint8")
    return array.transpose(0, 2, 3, 1)


def _encode_gif(frames: Any, frames_a_second: int, format: str) -> bytes:
    try:
        from PIL import Image  # optional dependency
    except ImportError:
        raise ValueError("A film of an array needs Pillow: pip install pillow. A film that is a file needs nothing.") from None
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[int(frames.shape[3])]
    size = (int(frames.shape[2]), int(frames.shape[1]))
    pictures = [Image.frombytes(mode, size, frame.tobytes()) for frame in frames]
    made = io.BytesIO()
    pictures[0].save(made, format="gif", save_all=True, append_images=pictures[1:], duration=round(1000 / frames_a_second), loop=0)
    return made.getvalue()


def _encode_by_moviepy(frames: Any, frames_a_second: int, format: str) -> bytes:
    try:
        from moviepy.video.io.ImageSequenceClip import ImageSequenceClip  # optional dependency
    except ImportError:
        raise ValueError(f'A film of an array as "{format}" needs moviepy: pip install moviepy. Or take format="gif".') from None
    if frames.shape[3] == 1:
        frames = frames.repeat(3, axis=3)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"film.{format}")
        ImageSequenceClip(list(frames), fps=frames_a_second).write_videofile(path, logger=None)
        with open(path, "rb") as file:
            return file.read()
