"""The perceptual distance, by hand."""

from __future__ import annotations

import pytest
import torch

from translate.losses.perceptual import perceptual


def test_by_hand():
    truth = [torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0], [1.0]])]
    output = [torch.tensor([[1.0, 0.0]]), torch.tensor([[5.0], [1.0]])]
    assert float(perceptual(truth, output, (0.5, 3.0))) == pytest.approx(0.5 * 1.5 + 3 * 2)
    assert float(perceptual(truth, truth, (0.5, 3.0))) == 0


def test_gradients_go_to_the_output_alone():
    truth, output = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randn(2, 3, 4, 4, requires_grad=True)
    perceptual([truth], [output], [2.0]).backward()
    assert truth.grad is None
    torch.testing.assert_close(output.grad, 2 * (output - truth).sign().detach() / output.numel())


def test_half_precision_is_summed_in_full():
    truth, output = torch.zeros(1, 1, 300, 300, dtype=torch.bfloat16), torch.ones(1, 1, 300, 300).bfloat16()
    loss = perceptual([truth], [output], [1.0])
    assert loss.dtype == torch.float32
    assert float(loss) == 1


@pytest.mark.parametrize(("layers", "weights"), [(0, ()), (2, (1.0,)), (1, (1.0, 2.0))])
def test_layers_and_weights_belong_together(layers, weights):
    features = [torch.zeros(1)] * layers
    with pytest.raises(ValueError, match="as many layers as weights"):
        perceptual(features, features, weights)
