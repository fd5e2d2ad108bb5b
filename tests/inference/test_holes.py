"""Pictures with holes through a model that fills them: files, Python, and what is said of missing masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import translate
from translate import images
from translate.cli.convert import convert
from translate.cli.export import export
from translate.cli.info import info
from translate.errors import BadImage, ModelError, UsageError
from translate.inference.plan import plan
from translate.weights.card import Card, read_card

HEIGHT, WIDTH = 21, 34
ROTATED = 6  # EXIF: a quarter turn


def picture(seed: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, channels), np.uint8)


@pytest.fixture(scope="module")
def filler(tmp_path_factory, write_model) -> Path:
    return write_model(
        tmp_path_factory.mktemp("model") / "m.safetensors", mask=True, arguments={"in_channels": 4}
    )


@pytest.fixture
def hole() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[4:13, 6:20] = True
    return mask


def test_the_card_says_so_and_old_ones_load(filler, write_model, tmp_path, capsys):
    card = read_card(filler)
    assert (card.mask, card.channels, card.asked, card.format_version) == (True, (3, 3), True, 5)
    info(str(filler))
    assert "--mask FILE" in " ".join(capsys.readouterr().out.split())
    content = card.model_dump(exclude={"mask"}) | {"format_version": 4}
    assert not Card.model_validate(content).mask
    for wrong in ({"arguments": {"in_channels": 3, "out_channels": 3}}, {"value_range": (0.0, 1.0)}):
        with pytest.raises(ValueError, match="a network that fills holes"):
            Card.model_validate(card.model_dump() | wrong)
    unet = write_model(tmp_path / "unet.safetensors", "unet", mask=True, arguments={"in_channels": 4})
    with pytest.raises(UsageError, match="whose code has no inputs with a mask"):
        export(str(unet), output=tmp_path / "m.pth", format="junyanz")


def test_every_kind_of_mask_fills_the_same_and_keeps_the_rest(filler, hole, tmp_path):
    translator = translate.load(filler)
    pixels = picture(1)
    images.write(tmp_path / "p.png", pixels)
    images.write(tmp_path / "m.png", hole.astype(np.uint8) * 255)
    expected = translator(pixels, mask=hole)
    assert np.array_equal(expected[~hole], pixels[~hole])
    assert (expected[hole] != pixels[hole]).mean() > 0.9
    # What is in the holes doesn't matter.
    assert np.array_equal(translator(np.where(hole[..., None], np.uint8(7), pixels), mask=hole), expected)
    grey = np.where(hole, 128, 127).astype(np.uint8)
    rgba = Image.fromarray(np.dstack([pixels, np.where(hole, 254, 255).astype(np.uint8)]))
    for given in (
        translator(tmp_path / "p.png", mask=tmp_path / "m.png"),
        translator(Image.fromarray(pixels), mask=Image.fromarray(hole)),
        translator(Image.fromarray(pixels), mask=grey),
        translator(Image.fromarray(pixels), mask=np.dstack([grey] * 3)),
        translator(rgba),
        translator(rgba, mask=hole),
    ):
        assert np.array_equal(np.array(given), expected)

    x = torch.cat([images.to_tensor(pixels), images.to_tensor(picture(2))])
    masks = torch.from_numpy(np.stack([hole, hole[::-1]])[:, None].copy())
    out = translator(x, mask=masks)
    assert np.array_equal(images.to_pixels(out[0]), expected)
    assert torch.equal(out[~masks.expand_as(out)], x[~masks.expand_as(x)])
    for same in (masks.float(), masks.float() * 2 - 1, masks.to(torch.uint8) * 255):
        assert torch.equal(translator(x, mask=same), out)
    assert torch.allclose(translator(x[1:], mask=masks[1:]), out[1:], atol=1e-4)


def test_what_is_wrong_with_a_mask_is_said(filler, hole):
    translator, pixels = translate.load(filler), picture(1)
    with pytest.raises(BadImage, match="the picture has none: give a mask of its size"):
        translator(Image.fromarray(pixels))
    with pytest.raises(BadImage, match="its mask is 30×21 pixels, and the picture, upright, is 34×21"):
        translator(pixels, mask=hole[:, :30])
    x = images.to_tensor(pixels)
    with pytest.raises(UsageError, match="these are 2 masks for 1 pictures"):
        translator(x, mask=torch.zeros(2, 1, HEIGHT, WIDTH))
    for mask in (hole.astype(float), torch.zeros(1, 3, HEIGHT, WIDTH), 7):
        with pytest.raises(UsageError, match="a mask is a picture file"):
            translator(x, mask=mask)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="takes 4 channels, the mask among them, this is 2"):
        translator(x[:, :1], mask=hole)


def test_files_with_a_mask_a_folder_of_masks_or_transparency(filler, hole, tmp_path, capsys):
    photos, masks = tmp_path / "photos", tmp_path / "photos" / "masks"
    (photos / "deep").mkdir(parents=True)
    (masks / "deep").mkdir(parents=True)
    first, second, turned = picture(1), picture(2), picture(3)
    images.write(photos / "a.png", first)
    images.write(photos / "deep" / "b.png", second)
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    Image.fromarray(np.rot90(turned)).save(photos / "turned.png", exif=exif)  # upright it is `turned`
    images.write(masks / "a.png", hole.astype(np.uint8) * 255)
    images.write(masks / "deep" / "b.bmp", hole[::-1].astype(np.uint8) * 255)
    images.write(masks / "turned.png", hole.astype(np.uint8) * 255)

    def converted(*inputs: str, mask: Path | None = None) -> int:
        return convert(str(filler), *inputs, mask=mask, output=tmp_path / "out", batch_size=2, quiet=True)

    assert converted(str(photos), mask=masks) == 0
    for name, pixels, mask in (
        ("a.png", first, hole),
        ("deep/b.png", second, hole[::-1]),
        ("turned.png", turned, hole),
    ):
        out = images.read(tmp_path / "out" / name).pixels
        assert np.array_equal(out[~mask], pixels[~mask]), name
        alone = translate.load(filler)(pixels, mask=mask)
        assert np.abs(out.astype(int) - alone).max() <= 1, name  # batches round differently
    assert not (tmp_path / "out" / "masks").exists()

    Image.fromarray(np.dstack([first, np.where(hole, 0, 255).astype(np.uint8)])).save(photos / "rgba.png")
    (masks / "a.png").unlink()
    images.write(masks / "turned.png", hole[1:].astype(np.uint8) * 255)
    assert converted(str(photos / "rgba.png"), str(photos / "deep" / "b.png")) == 1  # the others go on
    assert "b.png: the model fills holes, and the picture has none" in capsys.readouterr().err
    assert np.array_equal(images.read(tmp_path / "out" / "rgba.png").pixels[~hole], first[~hole])
    assert converted(str(photos), mask=masks) == 1
    said = capsys.readouterr().err
    assert f"a.png: its mask {masks / 'a.png'}: no such file" in said
    assert "turned.png: its mask is 34×20 pixels, and the picture, upright, is 34×21" in said
    with pytest.raises(UsageError, match="nowhere: no such mask file or folder"):
        converted(str(photos / "a.png"), mask=tmp_path / "nowhere")
    (job,) = plan([str(photos / "a.png")], tmp_path / "out", mask=masks / "turned.png")
    assert job.mask == masks / "turned.png"


def test_models_that_take_no_mask_refuse_it(write_model, tmp_path, hole):
    path = write_model(tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="translates whole pictures and takes no mask"):
        translate.load(path)(picture(1), mask=hole)
    images.write(tmp_path / "p.png", picture(1))
    with pytest.raises(UsageError, match="takes no mask; leave --mask out"):
        convert(str(path), str(tmp_path / "p.png"), mask=tmp_path / "p.png", output=tmp_path / "out")


def test_grey_models_keep_grey(write_model, tmp_path, hole):
    path = write_model(
        tmp_path / "grey.safetensors", mask=True, arguments={"in_channels": 2, "out_channels": 1}
    )
    pixels = picture(4, channels=1)
    out = translate.load(path)(pixels[..., 0], mask=hole)
    assert out.shape == (HEIGHT, WIDTH)
    assert np.array_equal(out[~hole], pixels[..., 0][~hole])
    assert (out[hole] != pixels[..., 0][hole]).mean() > 0.9


def test_masks_without_a_hole_and_pictures_that_are_masks_are_remarked_on(filler, tmp_path, capsys):
    images.write(tmp_path / "in/x.png", picture(1))
    images.write(tmp_path / "black.png", np.full((HEIGHT, WIDTH, 3), 127, np.uint8))
    command = [str(filler), str(tmp_path / "in")]
    assert convert(*command, mask=tmp_path / "black.png", output=tmp_path / "out", json=True, quiet=True) == 0
    assert "its mask shows no hole, white from 128 of 255 on" in capsys.readouterr().out
    assert np.array_equal(images.read(tmp_path / "out/x.png").pixels, picture(1))
    with pytest.raises(UsageError, match=r"every picture in .* is a mask, by --mask"):
        convert(*command, mask=tmp_path / "in", output=tmp_path / "out")


def test_masks_are_never_overwritten(filler, hole, tmp_path):
    images.write(tmp_path / "in/x.png", picture(1))
    images.write(tmp_path / "out/x.png", np.repeat(hole[..., None] * np.uint8(255), 3, 2))
    before = (tmp_path / "out/x.png").read_bytes()
    for mask in (tmp_path / "out", tmp_path / "out/x.png"):
        with pytest.raises(UsageError, match="would overwrite 1 mask"):
            convert(str(filler), str(tmp_path / "in"), mask=mask, output=tmp_path / "out", quiet=True)
    assert (tmp_path / "out/x.png").read_bytes() == before


def test_every_frame_has_its_own_holes_and_transparency_outside_a_mask_stays(filler, hole, tmp_path):
    frames = [Image.fromarray(picture(seed, 4)) for seed in (1, 2)]
    for frame, open_there in zip(frames, (hole, np.roll(hole, 7, 0)), strict=True):
        frame.putalpha(Image.fromarray(np.where(open_there, 0, 255).astype(np.uint8)))
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:])
    assert convert(str(filler), str(tmp_path / "x.png"), output=tmp_path / "out", quiet=True) == 0
    made = images.read_original(tmp_path / "out/x.png", "PNG").frames
    for frame, source in zip(made, frames, strict=True):
        colour, alpha = np.asarray(source)[..., :3], np.asarray(source)[..., 3]
        assert frame.alpha is None
        assert np.array_equal(frame.pixels[alpha == 255], colour[alpha == 255])
        assert (frame.pixels[alpha == 0] != colour[alpha == 0]).any()
    frames[1].save(tmp_path / "y.png")
    mask = Image.fromarray(hole)
    mask.save(tmp_path / "mask.png")
    code = convert(
        str(filler),
        str(tmp_path / "y.png"),
        mask=tmp_path / "mask.png",
        output=tmp_path / "out",
        quiet=True,
    )
    (kept,) = images.read_original(tmp_path / "out/y.png", "PNG").frames
    assert code == 0
    assert kept.alpha is not None
    assert (kept.alpha[hole] == 255).all()
    assert np.array_equal(kept.alpha[~hole], np.asarray(frames[1])[..., 3][~hole])
