"""How well a many-coat model gives the coat that it is asked for, measured against the true translations.

    translate data render savanna datasets/coats --layout labelled --count 2100 --test-count 70 --size 64
    translate train stargan --data datasets/coats --name coats --size 64 …
    python benchmarks/stargan_savanna.py checkpoints/coats

Fresh scenes are rendered in every coat; each picture is asked to become each of the other coats. An output
counts as right where, inside the animal, the true picture of the asked coat is the nearest of all coats' true
pictures (mean absolute difference). With seven coats, chance is one in seven; leaving pictures as they are is
never right. What the classifier of coats says is given beside it.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import translate
from translate import images
from translate.data.savanna import COATS, render_scene, sample_scene
from translate.metrics.coats import classify

HERE = Path(__file__).resolve().parent
SEED = 90_210  # of scenes that no training has seen


def scenes(count: int, size: int) -> tuple[Tensor, Tensor]:
    """Every scene in every coat, (N, coats, 3, S, S) in [-1, 1], and the masks (N, 1, S, S) in [0, 1]."""
    pictures, masks = [], []
    for index in range(count):
        rendered = render_scene(sample_scene(SEED, index), COATS, size)
        pictures.append(torch.cat([images.to_tensor(rendered.images[coat]) for coat in COATS]))
        masks.append(torch.from_numpy(rendered.mask).float()[None] / 255)
    return torch.stack(pictures), torch.stack(masks)


def psnr(output: Tensor, truth: Tensor) -> float:
    """dB of pictures in [-1, 1], the mean over (N, 3, S, S)."""
    error = ((output - truth) / 2).square().mean((1, 2, 3))
    return float((-10 * torch.log10(error)).mean())


def measure(run: Path, count: int, size: int) -> tuple[dict, Tensor]:
    """The figures, and the outputs (N, sources, asked, 3, S, S); where source and asked agree, the input."""
    translator = translate.load(run)
    truths, masks = scenes(count, size)
    outputs = truths[:, :, None].repeat(1, 1, len(COATS), 1, 1, 1)
    nearest = np.zeros((len(COATS), len(COATS)), int)
    called, changed, quality, copies = [], [], [], []
    area = masks.sum((1, 2, 3))
    for source in range(len(COATS)):
        for asked, coat in enumerate(COATS):
            if asked == source:
                continue
            output = translator(truths[:, source], label=coat)
            outputs[:, source, asked] = output
            distance = ((output[:, None] - truths).abs() * masks[:, None]).mean(2).sum((2, 3)) / area[:, None]
            for found in distance.argmin(1).tolist():
                nearest[asked, found] += 1
            called += [name == coat for name in classify(output)]
            outside = (output - truths[:, source]).abs().mean(1) / 2 * (1 - masks[:, 0])
            changed.append(float(outside.sum() / (1 - masks).sum()))
            quality.append(psnr(output, truths[:, asked]))
            copies.append(psnr(truths[:, source], truths[:, asked]))
    right = nearest.diagonal() / nearest.sum(1)
    figures = {
        "scenes": count,
        "outputs": int(nearest.sum()),
        "nearest_is_asked": round(float(right.mean()), 4),
        "nearest_is_asked_by_coat": {
            coat: round(float(share), 3) for coat, share in zip(COATS, right, strict=True)
        },
        "classifier_says_asked": round(float(np.mean(called)), 4),
        "chance": round(1 / len(COATS), 4),
        "psnr": round(float(np.mean(quality)), 2),
        "psnr_of_the_input": round(float(np.mean(copies)), 2),
        "changed_outside_mask": round(float(np.mean(changed)), 4),
    }
    return figures, outputs


def sheet(outputs: Tensor, rows: int) -> np.ndarray:
    """`rows` scenes, each from a coat of its own: the input, then every coat asked for."""
    lines = []
    for row in range(rows):
        source = row * 2 % len(COATS)
        pictures = [outputs[row, source, source], *outputs[row, source]]
        lines.append(torch.cat(pictures, 2))
    return images.to_pixels(torch.cat(lines, 1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    figures, outputs = measure(options.run, options.scenes, options.size)
    card = translate.load(options.run).card
    found = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/stargan_savanna.py {options.run.name} --scenes {options.scenes}",
        "steps": card.step,
        "recipe": card.recipe,
        **figures,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "stargan_savanna.json").write_text(json.dumps(found, indent=2) + "\n")
    images.write(options.out / "stargan_savanna.png", sheet(outputs, 7))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
