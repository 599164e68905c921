"""What lies over a picture: masks (a class number a pixel) and boxes, each a file of its own, their labels in the run's config."""

import json
from collections.abc import Mapping
from typing import Any

from runkey.media.arrays import as_array, is_array
from runkey.media.files import Carrier, file_name, sha256_of
from runkey.media.pixels import picture_of

# W&B joins the picture's key and the layer's name by this word, spelt as it is there, where it keeps a layer's labels.
_DELIMITER = "_wandb_delimeter_"


class Overlay:
    """One layer. kind: "mask" or "boxes2D"."""

    def __init__(self, kind: str, folder: str, extension: str, data: bytes, labels_name: str, labels: Mapping[Any, Any]) -> None:
        """Hold a layer's file. labels_name: the word in the config under which its labels are kept."""
        self._kind, self._folder, self._extension, self._data = kind, folder, extension, data
        self._labels_name = labels_name
        self._labels = {str(number): str(label) for number, label in labels.items()}

    def place(self, run: Carrier, key: str, step: int | str, layer: str) -> dict[str, Any]:
        """Send it along; give the dict that names it."""
        digest = sha256_of(self._data)
        name = file_name(self._folder, key, step, digest, self._extension)
        run.upload(name, data=self._data)
        if self._labels:
            joined = f"{key}{_DELIMITER}{layer}"
            run.describe(**{self._labels_name: {joined: {"type": self._labels_name, "key": joined, "value": self._labels}}})
        return {"_type": self._kind, "path": name, "sha256": digest, "size": len(self._data)}


def masks_of(masks: Mapping[str, Any] | None) -> dict[str, Overlay]:
    """Make the layers of a picture's masks. Raises TypeError, ValueError."""
    made = {}
    for name, mask in _layers(masks, "masks").items():
        if "mask_data" not in mask:
            raise ValueError(f'The mask {name!r} has no "mask_data": an array of height x width with a class number a pixel.')
        numbers = as_array(mask["mask_data"])
        # Class numbers are no shades: they are kept as they are, whatever type they come in.
        data = picture_of(numbers.clip(0, 255).astype("uint8") if is_array(numbers) else numbers, "L").data
        made[name] = Overlay("mask", "media/images/mask", "mask.png", data, "mask/class_labels", mask.get("class_labels") or {})
    return made


def boxes_of(boxes: Mapping[str, Any] | None) -> dict[str, Overlay]:
    """Make the layers of a picture's boxes. Raises TypeError, ValueError."""
    made = {}
    for name, layer in _layers(boxes, "boxes").items():
        if not isinstance(layer.get("box_data"), list | tuple):
            raise ValueError(f'The boxes {name!r} have no "box_data": a list of boxes, each with a "position" and a "class_id".')
        labels = {str(number): str(label) for number, label in (layer.get("class_labels") or {}).items()}
        plain = {"box_data": layer["box_data"], "class_labels": labels}
        data = json.dumps(plain, default=_number).encode()
        made[name] = Overlay("boxes2D", "media/metadata/boxes2D", "boxes2D.json", data, "bounding_box/class_labels", labels)
    return made


def _layers(layers: Mapping[str, Any] | None, what: str) -> dict[str, Mapping[str, Any]]:
    if layers is None:
        return {}
    if not isinstance(layers, Mapping) or not all(isinstance(layer, Mapping) for layer in layers.values()):
        raise TypeError(f"{what} is a mapping of names to mappings.")
    return dict(layers)


def _number(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
