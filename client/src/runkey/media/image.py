"""Image: a picture as a value of a row (`image-file`, `images/separated`), with masks and boxes over it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from runkey.media import files, overlays, png
from runkey.media.files import Carrier, FileValue
from runkey.media.pixels import FILE_TYPES, picture_of


class Image(FileValue):
    """A picture.

    data_or_path: a path; an array of height x width or height x width x channels; a PyTorch tensor of channels x height x width; a Pillow
    image; a matplotlib figure; rows of numbers; another Image. file_type: png (needs nothing), jpg, jpeg, bmp (with Pillow); a path's file
    goes up as it is. masks: {name: {"mask_data": array of class numbers, "class_labels": {number: label}}}. boxes: {name: {"box_data":
    [...], "class_labels": {...}}}. Raises ValueError, TypeError, OSError.
    """

    folder = "media/images"
    kind = "image-file"

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Any = None,
        boxes: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        """Make the file's bytes now: what changes in the array later does not change here. classes, normalize: taken, and not needed."""
        if file_type is not None and file_type not in FILE_TYPES:
            raise ValueError(f"file_type is one of {', '.join(FILE_TYPES)}.")
        self._width: int | None
        self._height: int | None
        self._grouping = grouping
        self._masks = overlays.masks_of(masks)
        self._boxes = overlays.boxes_of(boxes)
        if isinstance(data_or_path, Image):
            other = data_or_path
            self._width, self._height = other._width, other._height
            caption = caption if caption is not None else other._caption
            super().__init__(other._extension, data=other._data, path=other._path, caption=caption)
        elif isinstance(data_or_path, str | os.PathLike):
            path = os.fspath(data_or_path)
            self._width, self._height = png.size_of(path) or _size_by_pillow(path)
            super().__init__(os.path.splitext(path)[1][1:] or "png", path=path, caption=caption)
        else:
            file_type = file_type or "png"
            picture = picture_of(data_or_path, mode, file_type)
            self._width, self._height = picture.width, picture.height
            super().__init__(file_type, data=picture.data, caption=caption)

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {"format": self._extension}
        if self._width is not None:
            members |= {"width": self._width, "height": self._height}
        if self._grouping:
            members["grouping"] = self._grouping
        return members

    def _runkey_media(self, run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        value = super()._runkey_media(run, key, step)
        for name, layers in (("masks", self._masks), ("boxes", self._boxes)):
            if layers:
                value[name] = {layer: overlay.place(run, key, step, layer) for layer, overlay in layers.items()}
        return value

    @staticmethod
    def _runkey_media_list(items: "Sequence[Image]", run: Carrier, key: str, step: int | str) -> dict[str, Any]:
        items = items[: files.MAX_ITEMS]
        values = [item._runkey_media(run, key, step) for item in items]
        whole: dict[str, Any] = {
            "_type": "images/separated",
            "width": items[0]._width,
            "height": items[0]._height,
            "format": items[0]._extension,
            "count": len(items),
            "filenames": [value["path"] for value in values],
        }
        captions = files.captions_of(items)
        if captions is not None:
            whole["captions"] = captions
        for name in ("masks", "boxes"):
            if any(name in value for value in values):
                whole[f"all_{name}"] = [value.get(name) for value in values]
        return whole


def _size_by_pillow(path: str) -> tuple[int, int] | tuple[None, None]:
    """Ask Pillow, where it is, for the size of a file that is none of the common ones."""
    try:
        from PIL import Image as Pillow  # optional dependency
    except ImportError:
        return None, None
    try:
        with Pillow.open(path) as image:
            width, height = image.size
            return int(width), int(height)
    except (OSError, ValueError):
        return None, None
