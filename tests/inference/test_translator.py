"""`translate.load` and the translator: any kind of picture in, the same kind out."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import translate
import translate.networks.catalogue
import translate.weights.model_file
from translate import images
from translate.errors import BadImage, ModelError, TranslateError, UsageError
from translate.inference.latent import Sampling
from translate.inference.translator import Translator
from translate.networks.catalogue import GENERATORS, accepted_arguments
from translate.weights import model_file


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def translator(run_folder):
    return translate.load(run_folder, device="cpu")


def test_every_kind_of_picture_gives_the_same_kind(translator, tmp_path):
    pixels = noise(20, 28, 3)
    images.write(tmp_path / "x.png", pixels)
    array = translator(pixels)
    assert (array.dtype, array.shape) == (np.uint8, (20, 28, 3))
    tensor = translator(images.to_tensor(pixels))
    assert (tensor.dtype, tensor.shape) == (torch.float32, (1, 3, 20, 28))
    assert np.array_equal(images.to_pixels(tensor), array)
    for source in (
        tmp_path / "x.png",
        str(tmp_path / "x.png"),
        Image.fromarray(pixels),
        Image.open(tmp_path / "x.png"),
    ):
        out = translator(source)
        assert isinstance(out, Image.Image)
        assert out.mode == "RGB"
        assert np.array_equal(np.asarray(out), array)
    assert not np.array_equal(array, pixels)


def test_tensors_keep_their_type_and_may_be_trained_on(translator):
    out = translator(torch.zeros(2, 3, 8, 8, dtype=torch.float64))
    assert out.dtype == torch.float64
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    (out * weight).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_pil_modes_are_read_as_files_are(translator, tmp_path, mode):
    image = Image.fromarray(noise(9, 11, 3)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(noise(9, 11).astype(np.uint16) * 257)
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    image.save(path)
    assert np.array_equal(np.asarray(translator(image)), np.asarray(translator(path)))


def test_grey_arrays_are_accepted(translator):
    grey = noise(9, 11)
    expected = translator(np.repeat(grey[..., None], 3, -1))
    assert np.array_equal(translator(grey), expected)
    assert np.array_equal(translator(grey[..., None]), expected)


def takes(argument: str) -> list[str]:
    return [name for name in GENERATORS if argument in accepted_arguments(GENERATORS[name])]


@pytest.mark.parametrize("architecture", [name for name in GENERATORS if name not in takes("scale")])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 9), (33, 31), (16, 24)])
def test_any_size_in_same_size_out(write_model, tmp_path, architecture, shape):
    path = write_model(tmp_path / "m.safetensors", architecture, arguments={"depth": 3})
    out = translate.load(path, device="cpu")(torch.rand(1, 3, *shape) * 2 - 1)
    assert out.shape == (1, 3, *shape)
    assert out.isfinite().all()


@pytest.mark.parametrize("architecture", takes("scale"))
@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 9), (16, 13)])
def test_any_size_in_that_many_times_the_size_out(write_model, tmp_path, architecture, scale, shape):
    path = write_model(tmp_path / "m.safetensors", architecture, arguments={"depth": 1, "scale": scale})
    translator = translate.load(path, device="cpu")
    x = torch.rand(1, 3, *shape) * 2 - 1
    out = translator(x)
    assert translator.card.scale == scale
    assert out.shape == (1, 3, scale * shape[0], scale * shape[1])
    assert out.isfinite().all()
    network = model_file.load(path).network
    if all(n % network.size_multiple == 0 and n >= network.minimum_size for n in shape):
        # Neither padded nor cropped; the sums are in another order where the memory format is.
        torch.testing.assert_close(out, network(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 4])
def test_every_kind_of_picture_is_enlarged(write_model, tmp_path, scale):
    path = write_model(tmp_path / "m.safetensors", "srvgg", arguments={"depth": 1, "scale": scale})
    translator = translate.load(path, device="cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    out = translator(pixels)
    assert out.shape == (9 * scale, 14 * scale, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # it lies on its side
    file = tmp_path / "1.png"
    Image.fromarray(np.rot90(pixels)).save(file, exif=exif)
    assert np.array_equal(np.asarray(translator(file)), out)
    assert np.array_equal(np.asarray(translator(Image.fromarray(pixels))), out)
    assert translator(pixels[..., 0]).shape == (9 * scale, 14 * scale, 3)
    sixteen = Image.fromarray((pixels[..., 0].astype(np.uint16) << 8) + 100)
    assert np.array_equal(np.asarray(translator(sixteen)), translator(pixels[..., 0]))


@pytest.mark.parametrize("architecture", takes("norm"))
@pytest.mark.parametrize("statistics", ["batch", "running"])
def test_neighbours_in_a_batch_change_nothing(write_model, tmp_path, architecture, statistics):
    path = write_model(
        tmp_path / "m.safetensors",
        architecture,
        arguments={"depth": 3, "norm": "batch"},
        norm_statistics=statistics,
    )
    translator = translate.load(path, device="cpu")
    batch = torch.rand(3, 3, 17, 21) * 2 - 1
    batch[1] *= 0.1
    alone = torch.cat([translator(one[None]) for one in batch])
    torch.testing.assert_close(translator(batch), alone, rtol=0, atol=5e-5)


def test_batch_statistics_are_those_of_the_picture(write_model, tmp_path):
    arguments = {"depth": 3, "norm": "batch", "dropout": 0.0}
    path = write_model(tmp_path / "m.safetensors", "unet", arguments=arguments, norm_statistics="batch")
    torch.manual_seed(0)
    trained = translate.networks.catalogue.build_generator("unet", 
        in_channels=3, out_channels=3, width=4, **arguments).train()  # fmt: skip
    picture = torch.rand(1, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(translate.load(path, device="cpu")(picture), trained(picture).detach())


def test_directions(run_folder, translator, write_model, tmp_path):
    back = translate.load(run_folder, direction="b2a", device="cpu")
    assert (translator.direction, back.direction) == ("a2b", "b2a")
    assert (back.card.source, back.card.target) == ("zebra", "horse")
    pixels = noise(8, 8, 3)
    assert not np.array_equal(translator(pixels), back(pixels))
    beside = Translator.load(run_folder / "model.safetensors", direction="b2a", device="cpu")
    assert np.array_equal(beside(pixels), back(pixels))
    write_model(tmp_path / "one" / "model.safetensors")
    with pytest.raises(ModelError, match="translates a→b only"):
        translate.load(tmp_path / "one", direction="b2a")


def test_one_channel_models(write_model, tmp_path):
    arguments = {"in_channels": 1, "out_channels": 1}
    translator = translate.load(write_model(tmp_path / "g.safetensors", arguments=arguments), device="cpu")
    pixels = noise(9, 11, 3)
    luma = np.asarray(Image.fromarray(pixels).convert("L"))
    assert translator(luma).shape == (9, 11)
    assert np.array_equal(translator(pixels)[..., 0], translator(luma))
    assert translator(Image.fromarray(pixels)).mode == "L"
    with pytest.raises(ModelError, match="the model takes 1 channels, this is 3"):
        translator(torch.zeros(1, 3, 8, 8))


def test_other_channels_take_tensors_only(write_model, tmp_path):
    path = write_model(tmp_path / "m.safetensors", arguments={"in_channels": 5, "out_channels": 2})
    translator = translate.load(path, device="cpu")
    assert translator(torch.zeros(1, 5, 8, 8)).shape == (1, 2, 8, 8)
    with pytest.raises(
        ModelError, match="the model takes 5 channels, pictures have 1 or 3; give it a tensor"
    ):
        translator(noise(8, 8, 3))


class Halve(nn.Module):
    """(x + 1) / 2 must arrive in [0, 1]; returns half of it."""

    def forward(self, x):
        assert x.min() >= 0
        return x / 2


def test_other_value_ranges(run_folder):
    plain = translate.load(run_folder, device="cpu")
    model = translate.weights.model_file.Model(
        Halve(), plain.card.model_copy(update={"value_range": (0.0, 1.0)})
    )
    out = Translator(model, torch.device("cpu"))(noise(8, 8, 3))
    assert np.abs(out.astype(int) - noise(8, 8, 3) / 2).max() <= 0.5


def test_messages_for_what_is_no_picture(translator, tmp_path):
    with pytest.raises(
        UsageError, match="a list is no picture; give a path, PIL image, uint8 array or float"
    ):
        translator([1, 2])
    for array in (np.zeros((8, 8, 3), np.float32), noise(8, 8, 4), noise(2, 8, 8, 3), noise(0, 8, 3)):
        with pytest.raises(
            UsageError, match=r"arrays are pictures as uint8 \(H, W, 3\) or \(H, W\), this is "
        ):
            translator(array)
    for tensor in (torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(0, 3, 8, 8)):
        with pytest.raises(
            UsageError, match=r"tensors are pictures as float \(N, C, H, W\) in \[-1, 1\], this is"
        ):
            translator(tensor)
    with pytest.raises(UsageError, match=r"tensors are in \[-1, 1\], this one reaches 255; scale bytes with"):
        translator(torch.full((1, 3, 8, 8), 255.0))
    with pytest.raises(BadImage, match="no such file"):
        translator(tmp_path / "none.png")
    with pytest.raises(BadImage, match="unsupported mode F"):
        translator(Image.new("F", (8, 8)))


def test_an_output_that_is_not_finite_is_named(write_model, tmp_path):
    from safetensors.torch import load_file

    path = write_model(tmp_path / "m.safetensors")
    weights = load_file(path)
    weights[next(iter(weights))] *= float("nan")
    translate.weights.model_file.save(path, weights, translate.weights.card.read_card(path))
    translator = translate.load(path, device="cpu")
    images.write(tmp_path / "horse.png", noise(8, 8, 3))
    with pytest.raises(TranslateError, match=r"horse\.png: the network's output is not finite"):
        translator(tmp_path / "horse.png")
    with pytest.raises(TranslateError, match=r"^the network's output is not finite"):
        translator(torch.zeros(1, 3, 8, 8))


class Greedy(nn.Module):
    def forward(self, x):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_too_little_memory_is_said(translator):
    model = translate.weights.model_file.Model(Greedy(), translator.card)
    with pytest.raises(TranslateError, match=r"not enough memory on cpu for 1 × 9×8 pixels; use smaller"):
        Translator(model, torch.device("cpu"))(noise(8, 9, 3))


def test_serving_loads_nothing_of_training(run_folder, tmp_path):
    images.write(tmp_path / "x.png", noise(8, 8, 3))
    code = textwrap.dedent(f"""
        import sys, translate
        assert "torch" not in sys.modules
        translate.load({str(run_folder)!r}, device="cpu")({str(tmp_path / "x.png")!r})
        loaded = set(sys.modules)
        assert not {{"torchvision", "albumentations", "torchmetrics", "tensorboard", "kornia"}} & loaded
        assert not [name for name in loaded if name.startswith(("translate.data", "translate.training"))]
    """)
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def conditional(labelled_model):
    return translate.load(labelled_model, device="cpu")


def test_a_label_reaches_the_network_as_its_number(conditional, labelled_model):
    network = translate.weights.model_file.load(labelled_model).network
    x = torch.rand(2, 3, 16, 12) * 2 - 1
    outputs = [conditional(x, label) for label in ("horse", "zebra", "giraffe")]
    for number, out in enumerate(outputs):
        with torch.inference_mode():
            expected = network(x, torch.tensor([number, number]))
        assert torch.allclose(out, expected, atol=1e-5)
    assert not torch.allclose(outputs[0], outputs[1], atol=0.05)
    mixed = conditional(x, ["giraffe", "horse"])
    assert torch.allclose(mixed, torch.stack([outputs[2][0], outputs[0][1]]), atol=1e-5)


def test_every_kind_of_picture_takes_a_label(conditional, tmp_path):
    pixels = noise(20, 28, 3)
    images.write(tmp_path / "x.png", pixels)
    array = conditional(pixels, "zebra")
    assert not np.array_equal(array, conditional(pixels, "horse"))
    for source in (tmp_path / "x.png", Image.fromarray(pixels)):
        assert np.array_equal(np.asarray(conditional(source, label="zebra")), array)


def test_an_unknown_label_is_refused_with_the_nearest_and_the_list(conditional):
    with pytest.raises(
        UsageError, match=r"no label 'zebar' \(did you mean zebra\?\); choose one of horse, zebra, giraffe\.$"
    ):
        conditional(noise(8, 8, 3), "zebar")
    with pytest.raises(UsageError, match=r"no label '🦓'; choose one of horse, zebra, giraffe\.$"):
        conditional(noise(8, 8, 3), "🦓")


def test_a_missing_label_is_asked_for(conditional):
    with pytest.raises(UsageError, match=r"choose one of horse, zebra, giraffe \(--label NAME\)"):
        conditional(noise(8, 8, 3))
    with pytest.raises(UsageError, match=r"choose one of horse"):
        conditional.run(torch.zeros(1, 3, 8, 8))
    with pytest.raises(UsageError, match="2 labels for 3 pictures; give one, or one for each"):
        conditional(torch.zeros(3, 3, 8, 8), ["horse", "zebra"])


def test_what_a_model_can_not_be_asked_is_refused(translator, conditional):
    with pytest.raises(
        UsageError, match="has no labels, so 'zebra' can't be asked of it; leave the label out"
    ):
        translator(noise(8, 8, 3), "zebra")
    for model in (translator, conditional):
        with pytest.raises(
            UsageError, match="takes no text, so 'a zebra' can't be asked of it; leave the text"
        ):
            model(noise(8, 8, 3), text="a zebra")


@pytest.fixture(scope="module")
def captioned(captioned_model):
    return translate.load(captioned_model, device="cpu")


def test_a_caption_is_asked_for(captioned):
    picture = noise(9, 11, 3)
    zebra, horse = (captioned(picture, text=text) for text in ("A zebra", "a horse"))
    assert zebra.shape == picture.shape
    assert (zebra != horse).any()
    several = torch.from_numpy(np.stack([picture, picture])).permute(0, 3, 1, 2) / 127.5 - 1
    outputs = captioned(several, text=["a zebra", "a horse"])
    for output, single in zip(outputs, (zebra, horse), strict=True):
        assert np.array_equal(images.to_pixels(output[None]), single)


def test_words_that_the_model_never_saw_are_left_out_and_named(captioned):
    picture = noise(8, 8, 3)
    assert np.array_equal(captioned(picture, text="a pink 🦓 zebra"), captioned(picture, text="a zebra"))
    assert captioned.remarks("a pink 🦓 zebra") == ("means nothing to the model: pink, 🦓",)
    assert captioned.remarks("a zebra") == ()
    flood = " ".join(f"word{number}" for number in range(10_000))
    remark = captioned.remarks("a zebra " + "x" * 50 + " " + flood)[0]
    some = rf"{'x' * 30}…, (word\d+, ){{6}}word\d+ and 9\d+ more"
    assert re.fullmatch(f"means nothing to the model: {some}", remark)
    long = "zebra " * 10_000
    assert captioned.remarks(long) == ("the text is longer than the model reads; its end is left out",)
    assert np.array_equal(captioned(picture, text=long), captioned(picture, text="zebra " * 64))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r'give one, such as "a zebra at noon" or "the grey horse" \(--text CAPTION\)\.$'),
        ("", 'an empty text asks for nothing; say what to translate into, such as "a zebra'),
        (" \n", "an empty text asks for nothing"),
        ("🦓", r'understands no word of the text; say it in others, such as "a zebra at noon" or "the'),
        ("\ud83e", "understands no word of the text"),
        ("pink unicorns", "understands no word of the text"),
        (["a zebra", ""], "an empty text asks for nothing"),
    ],
)
def test_captions_that_ask_for_nothing_are_refused(captioned, text, message):
    with pytest.raises(UsageError, match=message) as caught:
        captioned(noise(8, 8, 3), text=text)
    assert "\n" not in str(caught.value)


def test_labels_and_captions_are_not_confused(captioned, conditional):
    with pytest.raises(
        UsageError, match="takes a text and no label, so 'zebra' can't be asked of it; say it"
    ):
        captioned(noise(8, 8, 3), "zebra")
    for model in (captioned, conditional):
        with pytest.raises(UsageError, match="with a label or with a text, not with both"):
            model(noise(8, 8, 3), "zebra", "a zebra")
    with pytest.raises(UsageError, match="these are 2 texts for 3 pictures; give one, or one for each"):
        captioned(torch.zeros(3, 3, 8, 8), text=["a zebra", "a horse"])


def test_of_very_many_labels_some_are_shown(write_model, tmp_path):
    labels = tuple(f"n{i}" for i in range(100))
    path = write_model(tmp_path / "m.safetensors", "resnet", arguments={"classes": 100}, labels=labels)
    with pytest.raises(
        UsageError, match=r"choose one of n0, n1, .*, n39 … \(100 in all, see translate info\)\."
    ):
        translate.load(path, device="cpu")(noise(8, 8, 3), "x")


@pytest.fixture(scope="module")
def many(latent_model):
    return translate.load(latent_model, device="cpu")


def test_a_code_reaches_the_network(many, latent_model):
    network = translate.weights.model_file.load(latent_model).network
    x = torch.rand(2, 3, 16, 12) * 2 - 1
    for outputs, sampling in (
        ([many(x)], Sampling()),
        ([many(x, seed=4)], Sampling(seed=4)),
        (many.samples(x, 3), Sampling(3)),
        (many.samples(x, 3, seed=4, truncation=0.5, interpolate=True), Sampling(3, 4, 0.5, True)),
    ):
        codes = torch.from_numpy(sampling.codes(3))
        assert len(outputs) == len(codes)
        for out, code in zip(outputs, codes, strict=True):
            with torch.inference_mode():
                expected = network(x, latent=code.expand(2, 3))
            assert torch.allclose(out, expected, atol=1e-6)
    assert not torch.allclose(many(x), many(x, seed=4), atol=0.01)


def test_every_kind_of_picture_gives_samples_of_its_kind(many, tmp_path):
    pixels = noise(20, 28, 3)
    images.write(tmp_path / "x.png", pixels)
    arrays = many.samples(pixels, 2, seed=1)
    assert not np.array_equal(*arrays)
    assert np.array_equal(arrays[0], many(pixels, seed=1))
    for source in (tmp_path / "x.png", Image.fromarray(pixels)):
        for out, array in zip(many.samples(source, 2, seed=1), arrays, strict=True):
            assert isinstance(out, Image.Image)
            assert np.array_equal(np.asarray(out), array)


def test_a_model_with_one_output_has_no_samples(translator):
    for ask in (lambda: translator.samples(noise(8, 8, 3), 2), lambda: translator(noise(8, 8, 3), seed=0)):
        with pytest.raises(
            UsageError, match=r"one output for a picture, as it has no latent code.*leave sam"
        ):
            ask()


@pytest.mark.parametrize("norm", ["instance", "batch", "layer"])
@pytest.mark.parametrize("architecture", ["srvgg", "edsr", "srresnet", "rrdb", "resnet", "mobile"])
def test_the_memory_format_changes_nothing_but_time(tmp_path, write_model, architecture, norm):
    enlarges = architecture not in ("resnet", "mobile")
    if enlarges and norm != "instance":
        pytest.skip("these have no norm to choose")
    arguments = {"depth": 1, "width": 8} | ({"scale": 2} if enlarges else {"norm": norm})
    path = write_model(tmp_path / "m.safetensors", architecture, arguments=arguments)
    model, picture = model_file.load(path), torch.rand(2, 3, 16, 12) * 2 - 1
    with torch.inference_mode():
        expected = model.network(picture)
    translator = Translator(model, torch.device("cpu"))
    changed = [
        weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
        for weight in model.network.state_dict().values()
        if weight.ndim == 4 and weight.shape[1] > 1 and weight.shape[2] > 1
    ]
    assert all(changed) if norm != "layer" else not any(changed)
    torch.testing.assert_close(translator.run(picture), expected, rtol=0, atol=1e-5)
