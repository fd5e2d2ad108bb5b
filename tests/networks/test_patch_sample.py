"""PatchNCE's projection head, against a loop over pictures and places."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.patch_sample import PatchSampler
from translate.networks.resnet import ResNet


def test_vectors_are_projected_features_of_their_places():
    torch.manual_seed(0)
    sampler = PatchSampler([3, 5], width=6, patches=10)
    features = [torch.randn(2, 3, 8, 9), torch.randn(2, 5, 4, 3)]
    vectors, places = sampler(features)
    assert [tuple(vector.shape) for vector in vectors] == [(2, 10, 6), (2, 10, 6)]
    for layer, feature in enumerate(features):
        columns = feature.shape[3]
        for number, place in enumerate(places[layer].tolist()):
            for one in range(2):
                raw = sampler.heads[layer](feature[one, :, place // columns, place % columns])
                torch.testing.assert_close(vectors[layer][one, number], raw / raw.norm())


def test_places_are_drawn_once_each_and_all_where_there_are_few():
    sampler = PatchSampler([1, 1], width=2, patches=16)
    torch.manual_seed(0)
    _, (many, few) = sampler([torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 2, 3)])
    assert len(many) == len(set(many.tolist())) == 16
    assert sorted(few.tolist()) == list(range(6))
    _, (again, _) = sampler([torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 2, 3)])
    assert many.tolist() != again.tolist()


def test_given_places_are_kept_for_the_other_picture():
    sampler = PatchSampler([2], width=3, patches=4)
    feature = torch.randn(1, 2, 5, 5)
    vectors, places = sampler([feature])
    same, kept = sampler([feature], places)
    assert torch.equal(vectors[0], same[0])
    assert torch.equal(places[0], kept[0])


def test_it_reads_a_generator_s_taps_and_trains_both():
    torch.manual_seed(0)
    generator, layers = ResNet(depth=5, width=4, antialias=True), (0, 4, 8, 12, 16)
    sampler = PatchSampler(generator.encoded_channels(layers), width=8, patches=16)
    vectors, _ = sampler(generator.encode(torch.rand(2, 3, 16, 24), layers))
    assert len(vectors) == 5
    torch.stack([F.cosine_similarity(v[0, :-1], v[0, 1:]).mean() for v in vectors]).sum().backward()
    assert all(parameter.grad is not None for parameter in sampler.parameters())
    assert generator.encoder[0].weight.grad.abs().max() > 0


def test_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="features of 2 layers were expected, not of 1"):
        PatchSampler([1, 1])([torch.zeros(1, 1, 2, 2)])
    with pytest.raises(ValueError, match="at least one layer"):
        PatchSampler([])
