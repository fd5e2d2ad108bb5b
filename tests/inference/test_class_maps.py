"""Models of maps: any drawing of the classes goes in, and what is no drawing of them is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import translate
from translate import images
from translate.errors import BadImage, ModelError
from translate.inference import folder
from translate.inference.class_maps import one_hot
from translate.inference.plan import plan

CLASSES = ("#000000", "#00ff00", "#c80000", "#ffffff")
COLOURS = np.array([[0, 0, 0], [0, 255, 0], [200, 0, 0], [255, 255, 255]], np.uint8)


def numbers(height: int = 9, width: int = 14, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (height, width), np.uint8)


@pytest.fixture(scope="module")
def translator(write_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "maps.safetensors"
    write_model(path, arguments={"in_channels": 4}, classes=CLASSES, translator="pix2pix")
    return translate.load(path, device="cpu")


@pytest.fixture(scope="module")
def expected(translator) -> np.ndarray:
    """What the network makes of the planes, called by itself."""
    planes = F.one_hot(torch.from_numpy(numbers(8, 12)).long(), 4).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        return images.to_pixels(translator._network(planes))


def test_planes_of_zeros_and_ones():
    found = torch.from_numpy(one_hot(COLOURS[numbers()], CLASSES))
    assert found.dtype == torch.float32
    assert torch.equal(found[0], F.one_hot(torch.from_numpy(numbers()).long(), 4).permute(2, 0, 1).float())


@pytest.mark.parametrize("form", ["colours", "palette", "indices", "path", "pil", "tensor"])
def test_every_drawing_of_a_map_gives_the_same_picture(translator, expected, tmp_path, form):
    drawn = COLOURS[numbers(8, 12)]
    if form == "tensor":
        out = images.to_pixels(translator(torch.from_numpy(one_hot(drawn, CLASSES))))
    elif form == "indices":
        out = translator(numbers(8, 12)[..., None])
    elif form == "palette":
        image = Image.fromarray(numbers(8, 12)).convert("P")
        image.putpalette(COLOURS.ravel().tolist())
        image.save(tmp_path / "map.png")
        out = np.asarray(translator(tmp_path / "map.png"))
    elif form == "path":
        images.write(tmp_path / "map.png", drawn)
        out = np.asarray(translator(tmp_path / "map.png"))
    else:
        out = np.asarray(translator(Image.fromarray(drawn))) if form == "pil" else translator(drawn)
    assert np.array_equal(out, expected)


def test_any_size_in_same_size_out(translator):
    for height, width in ((1, 1), (7, 30), (33, 31)):
        assert translator(COLOURS[numbers(height, width)]).shape == (height, width, 3)


def test_an_unknown_colour_is_named_with_file_and_remedy(translator, tmp_path):
    drawn = COLOURS[numbers()]
    drawn[3, 3] = (1, 2, 3)
    images.write(tmp_path / "map.png", drawn)
    with pytest.raises(BadImage) as error:
        translator(tmp_path / "map.png")
    assert str(error.value) == (
        f"{tmp_path / 'map.png'}: holds the colour #010203, which is none of the model's 4 classes "
        "(#000000, #00ff00, #c80000, #ffffff); draw the map in exactly these colours, without smoothing, and "
        "save it as PNG"
    )
    with pytest.raises(BadImage, match="the picture: holds the colour #010203"):
        translator(drawn)
    with pytest.raises(ModelError, match="the model takes 4 channels, this is 3"):
        translator(torch.zeros(1, 3, 8, 8))


def test_a_grey_level_is_named_as_the_classes_are():
    with pytest.raises(
        BadImage, match=r"holds the colour 7, which is none of the model's 3 .* \(0, 1, 255\)"
    ):
        one_hot(np.array([[0, 1], [7, 255]], np.uint8)[..., None], ("0", "1", "255"), "map.png")
    with pytest.raises(BadImage, match="holds the colour #070809"):
        one_hot(np.array([[[7, 8, 9]]], np.uint8), ("0", "1", "255"), "map.png")


def test_a_bad_map_doesn_t_stop_its_batch(translator, tmp_path):
    for index in range(4):
        drawn = COLOURS[numbers(seed=index)]
        drawn[0, 0] = (1, 2, 3) if index == 1 else drawn[0, 0]
        images.write(tmp_path / "in" / f"{index}.png", drawn)
    todo = plan([str(tmp_path / "in")], tmp_path / "out")
    results = list(folder.convert(translator, todo, batch_size=4))
    assert [result.error is None for result in results] == [True, False, True, True]
    assert (results[1].error or "").startswith("holds the colour #010203, which is none of the model's 4")
    for index in (0, 2, 3):
        made = images.read(tmp_path / "out" / f"{index}.png").pixels.astype(int)
        assert np.abs(made - translator(COLOURS[numbers(seed=index)])).max() <= 1


def test_a_folder_of_bad_maps_alone(translator, tmp_path):
    images.write(Path(tmp_path / "in" / "x.png"), np.full((8, 8, 3), 9, np.uint8))
    (result,) = folder.convert(translator, plan([str(tmp_path / "in")], tmp_path / "out"))
    assert "holds the colour #090909" in (result.error or "")
