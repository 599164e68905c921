"""Pictures of whatever kind become files that others read as the same pixels."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from carrying import Carried
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from runkey.media import Image, png
from runkey.media.pixels import picture_of

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def pixels(data: bytes) -> Any:
    with Pillow.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4]), st.booleans(), st.data())
def test_a_png_is_read_by_others_as_it_was_written(width: int, height: int, channels: int, is_filtered: bool, data: st.DataObject) -> None:
    size = width * height * channels
    samples = data.draw(st.binary(min_size=size, max_size=size))
    rows = np.frombuffer(samples, "uint8").reshape(height, width * channels) if is_filtered else None
    made = png.write(width, height, channels, samples, rows)
    with Pillow.open(io.BytesIO(made)) as image:
        assert (image.size, image.mode, image.tobytes()) == ((width, height), MODES[channels], samples)


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "jpeg"])
def test_the_size_of_a_file_is_read_without_pillow(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Pillow.new("RGB", (31, 17)).save(path, format=kind)
    assert png.size_of(str(path)) == (31, 17)


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "jpeg"])
def test_a_file_that_is_cut_has_no_size_or_its_own(kind: str, tmp_path: Path) -> None:
    made = io.BytesIO()
    Pillow.new("RGB", (31, 17)).save(made, format=kind)
    for length in range(0, 200, 3):
        (tmp_path / "cut").write_bytes(made.getvalue()[:length])
        assert png.size_of(str(tmp_path / "cut")) in (None, (31, 17))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (np.array([[0, 255], [7, 8]], "uint8"), [[0, 255], [7, 8]]),
        (np.array([[0.0, 1.0], [0.5, 0.25]]), [[0, 255], [128, 64]]),
        (np.array([[-1.0, 1.0], [0.0, 0.5]]), [[0, 255], [128, 191]]),
        (np.array([[0.0, 200.4], [300.0, 1.0]]), [[0, 200], [255, 1]]),
        (np.array([[float("nan"), 1.0], [0.0, 0.0]], "float16"), [[0, 255], [0, 0]]),
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[-5, 300]], "int64"), [[0, 255]]),
        (np.array([[[[9], [8]]]], "uint8"), [[9, 8]]),
        (np.array([[[[9]], [[8]]]], "uint8"), [[9], [8]]),
        ([[0, 255], [7, 8]], [[0, 255], [7, 8]]),
        ([[0.0, 1.0]], [[0, 255]]),
        ([[[1, 2, 3], [4, 5, 6]]], [[[1, 2, 3], [4, 5, 6]]]),
    ],
)
def test_what_people_call_a_picture_is_one(given: Any, read: list[Any]) -> None:
    assert pixels(picture_of(given).data).tolist() == read


class Tensor:
    """What PyTorch's tensors look like from here: channels first."""

    def __init__(self, array: Any) -> None:
        self._array, self.shape = array, array.shape

    def detach(self) -> "Tensor":
        return self

    cpu = detach

    def numpy(self) -> Any:
        return self._array


Tensor.__module__ = "torch"


def test_a_tensor_has_its_channels_first() -> None:
    colour = np.arange(3 * 4 * 5, dtype="uint8").reshape(3, 4, 5)
    made = picture_of(Tensor(colour))
    assert (made.width, made.height) == (5, 4)
    assert (pixels(made.data) == colour.transpose(1, 2, 0)).all()


@pytest.mark.parametrize(
    "given",
    [np.zeros((2, 2, 5)), np.zeros((0, 3)), np.zeros(3), [[1, 2], [3]], [[[1, 2]]], [[[1, 2, 3], [4, 5]]], np.zeros((1, 65_501), "uint8")],
)
def test_a_shape_that_no_picture_has_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"picture|pixels"):
        picture_of(given)


@pytest.mark.parametrize("given", [object(), [], [1, 2], np.array([["a"]]), 7])
def test_what_is_no_picture_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="no picture"):
        picture_of(given)


def test_modes_and_other_formats_are_pillows() -> None:
    colour = np.full((4, 4, 3), 200, "uint8")
    assert pixels(picture_of(colour, "L").data).shape == (4, 4)
    assert pixels(picture_of(colour, None, "jpg").data).shape == (4, 4, 3)
    assert pixels(picture_of(Pillow.new("RGBA", (2, 3)), None, "bmp").data).shape == (3, 2, 3)


def test_an_image_is_named_by_its_key_step_and_bytes(carried: Carried) -> None:
    array = np.zeros((3, 4), "uint8")
    image = Image(array, caption="black", grouping=2)
    array += 255
    value = image._runkey_media(carried, "val/picture", 7)
    assert value["path"] == f"media/images/val/picture_7_{value['sha256'][:20]}.png"
    assert {name: value[name] for name in ("_type", "format", "width", "height", "caption", "grouping")} == {
        "_type": "image-file",
        "format": "png",
        "width": 4,
        "height": 3,
        "caption": "black",
        "grouping": 2,
    }
    assert value["size"] == len(carried.files[value["path"]])
    assert pixels(carried.files[value["path"]]).max() == 0


@pytest.mark.parametrize("key", ["../../etc/x", "a/../../x", "/abs", "..", "a\\..\\b", "x\0y\n", "a//b", "k" * 5000])
def test_no_key_leads_out_of_the_media_folder(key: str, carried: Carried) -> None:
    name = Image([[1]])._runkey_media(carried, key, 0)["path"]
    assert name.startswith("media/images/")
    assert not {".", ".."} & set(name.split("/"))
    assert name.isprintable()
    assert "\\" not in name
    assert len(name) < 300


def test_a_file_goes_up_as_it_is(tmp_path: Path, carried: Carried) -> None:
    path = tmp_path / "photo.jpg"
    Pillow.new("RGB", (8, 6)).save(path)
    value = Image(str(path))._runkey_media(carried, "photo", 0)
    assert (value["format"], value["width"], value["height"]) == ("jpg", 8, 6)
    assert carried.files[value["path"]] == path.read_bytes()
    assert Image(Image(path, caption="one"))._runkey_media(carried, "photo", 0)["caption"] == "one"
    with pytest.raises(OSError, match="absent"):
        Image(tmp_path / "absent.png")


def test_several_are_one_value(carried: Carried) -> None:
    labels = {0: "sky", 1: "road"}
    masked = Image(np.zeros((2, 2)), masks={"truth": {"mask_data": np.array([[0, 1], [1, 3]], "int64"), "class_labels": labels}})
    value = Image._runkey_media_list([masked, Image([[1]], caption="b")], carried, "k", 3)
    assert (value["_type"], value["count"], value["captions"], len(value["filenames"])) == ("images/separated", 2, [None, "b"], 2)
    mask, none = value["all_masks"]
    assert none is None
    assert pixels(carried.files[mask["truth"]["path"]]).tolist() == [[0, 1], [1, 3]]
    assert carried.said["mask/class_labels"] == {
        "k_wandb_delimeter_truth": {
            "type": "mask/class_labels",
            "key": "k_wandb_delimeter_truth",
            "value": {"0": "sky", "1": "road"},
        }
    }


def test_boxes_are_a_file_of_their_own(carried: Carried) -> None:
    box = {"position": {"minX": np.float32(0.5)}, "class_id": np.int64(1)}
    value = Image([[1]], boxes={"found": {"box_data": [box], "class_labels": {1: "road"}}})._runkey_media(carried, "k", 0)
    place = value["boxes"]["found"]
    assert place["_type"] == "boxes2D"
    assert json.loads(carried.files[place["path"]]) == {
        "box_data": [{"position": {"minX": 0.5}, "class_id": 1}],
        "class_labels": {"1": "road"},
    }


@pytest.mark.parametrize("layers", [{"masks": {"a": {}}}, {"boxes": {"a": {}}}])
def test_layers_without_data_are_refused(layers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="_data"):
        Image([[1]], **layers)
    with pytest.raises(TypeError, match="mapping"):
        Image([[1]], masks=[1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="file_type"):
        Image([[1]], file_type="svg")
