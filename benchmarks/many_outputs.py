"""How different the outputs for one input are, and whether the truth is among them.

    python benchmarks/savanna_results.py bicyclegan pix2pix-mask
    python benchmarks/many_outputs.py checkpoints/savanna-bicyclegan checkpoints/savanna-pix2pix-mask \
        --data datasets/savanna-paired-mask-photo

A BicycleGAN draws codes; the pix2pix beside it keeps its dropout on, the only noise that it was trained with.
Diversity is the mean distance between two outputs for the same input: L1 on [0, 1], and on features of
EfficientNet-Lite2. "Best of n" is the L1 to the truth of the best of n outputs, which falls with n only where
outputs differ in what the truth has.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from translate import images
from translate.data.batches import to_float
from translate.data.held_out import held_out
from translate.data.options import DataOptions
from translate.inference.latent import draw
from translate.metrics.features import PictureFeatures
from translate.metrics.fidelity import l1, to_unit
from translate.weights import model_file
from translate.weights.locate import locate

HERE = Path(__file__).resolve().parent
COUNTS = (1, 5, 20)
SHOWN = 6


def coded(run: Path, truncation: float | None = None) -> Callable[[Tensor, int], list[Tensor]]:
    """Outputs of a model with a code: the first codes of seed 0."""
    model = model_file.load(locate(str(run)))

    def outputs(inputs: Tensor, count: int) -> list[Tensor]:
        codes = torch.from_numpy(draw(model.card.latent, count, seed=0, truncation=truncation)).float()
        return [model.network(inputs, latent=code.expand(len(inputs), -1)) for code in codes]

    return outputs


def noisy(run: Path) -> Callable[[Tensor, int], list[Tensor]]:
    """Outputs of a model whose dropout stays on."""
    network = model_file.load(locate(str(run))).network
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.train()

    def outputs(inputs: Tensor, count: int) -> list[Tensor]:
        torch.manual_seed(0)
        return [network(inputs) for _ in range(count)]

    return outputs


def measure(outputs: list[Tensor], truths: Tensor, features: PictureFeatures, looked_at: int) -> dict:
    """Figures of `outputs`, one tensor (N, 3, S, S) for each sample; features of the first pictures alone."""
    units, truth = [to_unit(output) for output in outputs], to_unit(truths)
    apart = [l1(units[i], units[j]).mean() for i in range(len(units)) for j in range(i)]
    errors = torch.stack([l1(unit, truth) for unit in units])  # (samples, N)
    seen = [output[:looked_at] for output in outputs[: SHOWN // 2 + 1]]
    unlike = [features.distance(x, y).mean() for x, y in pairwise(seen)]
    return {
        "apart_l1": round(float(torch.stack(apart).mean()), 4),
        "apart_features": round(float(torch.stack(unlike).mean()), 4),
        "best_of": {str(n): round(float(errors[:n].min(0).values.mean()), 4) for n in COUNTS},
    }


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("many", type=Path)
    parser.add_argument("one", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--looked-at", type=int, default=12, help="pictures for the distance on features")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    pictures = held_out(options.data, DataOptions(size=64), kind="paired").pictures
    (batch,) = pictures.batches(range(options.pictures), options.pictures)
    inputs, truths = (to_float(side) for side in batch[:2])
    features, most = PictureFeatures(), max(COUNTS)
    many, one = coded(options.many), noisy(options.one)
    samples = many(inputs, most)
    mean = model_file.load(locate(str(options.many)))
    mean_code = mean.network(inputs, latent=torch.zeros(len(inputs), mean.card.latent))
    plain = model_file.load(locate(str(options.one))).network(inputs)
    strangers = truths.roll(1, 0)
    figures = {
        "date": date.today().isoformat(),
        "pictures": len(inputs),
        "steps": {
            name: model_file.load(locate(str(run))).card.step
            for name, run in (("bicyclegan", options.many), ("pix2pix", options.one))
        },
        "bicyclegan": measure(samples, truths, features, options.looked_at),
        "bicyclegan, truncation 1": measure(
            coded(options.many, 1.0)(inputs, most), truths, features, options.looked_at
        ),
        "bicyclegan, mean code": {"l1": round(float(l1(to_unit(mean_code), to_unit(truths)).mean()), 4)},
        "pix2pix, dropout on": measure(one(inputs, most), truths, features, options.looked_at),
        "pix2pix": {"l1": round(float(l1(to_unit(plain), to_unit(truths)).mean()), 4)},
        "truths of two scenes": {
            "apart_l1": round(float(l1(to_unit(truths), to_unit(strangers)).mean()), 4),
            "apart_features": round(
                float(features.distance(truths[: options.looked_at], strangers[: options.looked_at]).mean()),
                4,
            ),
        },
    }
    columns = [inputs, truths, plain, mean_code, *samples[:SHOWN]]
    sheet = torch.cat([torch.cat(list(column[:8]), 1) for column in columns], 2)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "many_outputs.json").write_text(json.dumps(figures, indent=2) + "\n")
    images.write(options.out / "many_outputs.png", images.to_pixels(sheet[None]))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
