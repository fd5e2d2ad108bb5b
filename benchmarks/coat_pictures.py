"""What the classifier of coats learns from: renders, animals in two coats at once, and spoiled ones.

Used by train_coat_classifier.py. Labels are shares: of each coat by the animal's area, and of `NONE` by how
far a picture is spoiled. Nothing here was made by a translator.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.functional import gaussian_blur

from translate import images
from translate.data.savanna import COATS, render_scene, sample_scene
from translate.metrics.coats import NONE, SIDE

SIZES = (64, 128)
NAMES = (*COATS, NONE)


@dataclass(frozen=True)
class Scenes:
    """Renders at 64 pixels.

    Attributes:
        pictures: uint8 (N, 7, 3, 64, 64), each scene in every coat.
        masks: float (N, 1, 64, 64) in [0, 1], where the animals are.
    """

    pictures: Tensor
    masks: Tensor


def render_scenes(seed: int, count: int) -> Scenes:
    """Every coat of each scene; every third scene is rendered at 128 pixels and shrunk as in use."""
    pictures, masks = [], []
    for index in range(count):
        size = SIZES[index % 3 == 0]
        rendering = render_scene(sample_scene(seed, index), COATS, size)
        coats = np.stack([rendering.images[coat] for coat in COATS]).transpose(0, 3, 1, 2)
        pictures.append(_shrunk(torch.from_numpy(coats).float()).round().clamp(0, 255).to(torch.uint8))
        masks.append(_shrunk(torch.from_numpy(rendering.mask)[None, None].float() / 255)[0])
    return Scenes(torch.stack(pictures), torch.stack(masks))


def _shrunk(pictures: Tensor) -> Tensor:
    if pictures.shape[-1] == SIDE:
        return pictures
    return F.interpolate(pictures, (SIDE, SIDE), mode="bilinear", antialias=True)


def training_batch(scenes: Scenes, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (size, 3, 64, 64) in [-1, 1] and the shares of `NAMES` (size, 8) that they show."""
    which = torch.from_numpy(rng.integers(len(scenes.pictures), size=size))
    first, second = (torch.from_numpy(rng.integers(len(COATS), size=size)) for _ in range(2))
    masks = scenes.masks[which]
    part = _parts(rng, size)  # (B, 1, 64, 64), how much of the first coat shows where
    one, other = (scenes.pictures[which, coat].float() / 127.5 - 1 for coat in (first, second))
    pictures = other + (one - other) * part
    share = ((part * masks).sum((1, 2, 3)) / masks.sum((1, 2, 3)).clamp_min(1e-6))[:, None]
    labels = share * F.one_hot(first, len(NAMES)) + (1 - share) * F.one_hot(second, len(NAMES))
    # The batch is in random order, so its tail is as good as any quarter of it.
    spoiled = size // 3
    zebras = scenes.pictures[which[-spoiled:], COATS.index("zebra")].float() / 127.5 - 1
    pictures[-spoiled:], labels[-spoiled:] = _spoiled(
        pictures[-spoiled:], zebras, masks[-spoiled:], labels[-spoiled:], rng
    )
    blurred = size // 10
    pictures[:blurred], labels[:blurred] = _without_stripes(pictures[:blurred], labels[:blurred], rng)
    return _augmented(pictures, rng), labels


def _parts(rng: np.random.Generator, size: int) -> Tensor:
    """For three fifths one coat alone, else two: mostly on two sides of a line, or one through the other."""
    angle, offset = (_column(v)[:, 0] for v in (rng.uniform(0, 2 * np.pi, size), rng.normal(0, 0.3, size)))
    line = torch.linspace(-1, 1, SIDE)
    halves = ((angle.cos() * line + angle.sin() * line[:, None] - offset) * 16).sigmoid()
    even = _column(rng.uniform(0, 1, size))[:, 0].expand_as(halves)
    kind = _column(rng.random(size))[:, 0]
    part = torch.where(kind < 0.6, torch.ones_like(halves), torch.where(kind < 0.85, halves, even))
    return part[:, None]


def _without_stripes(pictures: Tensor, labels: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Blurred until no stripe is left: what was zebra is grey now, plain coats keep their name."""
    zebra, grey = NAMES.index("zebra"), NAMES.index("grey")
    # Blurred patches and spots have no name, so pictures that show some stay sharp.
    patterned = labels[:, [NAMES.index("piebald"), NAMES.index("giraffe")]].sum(1) > 0
    blurred = gaussian_blur(pictures, [19, 19], [float(rng.uniform(2.6, 3.6))])
    renamed = labels.clone()
    renamed[:, grey] += renamed[:, zebra]
    renamed[:, zebra] = 0
    keep = patterned[:, None]
    return torch.where(keep[..., None, None], pictures, blurred), torch.where(keep, labels, renamed)


def _spoiled(
    pictures: Tensor, zebras: Tensor, masks: Tensor, labels: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Lay what is no coat over the animals; a faint trace leaves the label alone, a strong one takes it.

    Args:
        zebras: the same scenes with zebras: what is scrambled, mostly, as it comes closest to a zebra.
    """
    size = len(pictures)
    source = torch.where(_column(rng.random(size)) < 0.7, zebras, pictures)
    made = torch.stack([kind(source, rng) for kind in (confetti, waves, labyrinth, dephased, shuffled, torn)])
    choice = torch.from_numpy(rng.integers(len(made), size=size))
    over = made[choice, torch.arange(size)]
    where = _around(masks, rng)
    strength = _column(rng.uniform(0, 1, size) ** 0.7)
    mixed = pictures + (over - pictures) * where * strength
    covered = (where * masks).sum((1, 2, 3)) / masks.sum((1, 2, 3)).clamp_min(1e-6)
    lost = ((strength.flatten() * covered - 0.15) / 0.25).clamp(0, 1)[:, None]
    none = F.one_hot(torch.tensor(NAMES.index(NONE)), len(NAMES))
    return mixed, labels * (1 - lost) + none * lost


def _around(masks: Tensor, rng: np.random.Generator) -> Tensor:
    """The animals and some pixels around them, with a soft edge; for half of them only a part of that."""
    size = len(masks)
    reach = 2 * int(rng.integers(0, 6)) + 1
    wide = F.max_pool2d(masks, reach, 1, reach // 2)
    soft = gaussian_blur(wide, [9, 9], [float(rng.uniform(0.4, 2.0))])
    blobs = (_smooth(rng, size, 1, cells=4) * 4).sigmoid()
    return torch.where(_column(rng.random(size)) < 0.5, soft, soft * blobs)


def confetti(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Specks of one to five pixels, coloured or black and white, with hard or soft edges."""
    size = len(pictures)
    cells = SIDE // int(rng.integers(1, 6))
    hardness = _column(rng.uniform(1, 6, size))
    specks = _smooth(rng, size, 3, cells)
    grey = specks[:, :1].expand(-1, 3, -1, -1)
    return (torch.where(_column(rng.random(size)) < 0.4, grey, specks) * hardness).clamp(-1, 1)


def waves(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Bars and lattices of three to ten pixels, their colours out of step."""
    size = len(pictures)
    y, x = torch.meshgrid(torch.arange(SIDE).float(), torch.arange(SIDE).float(), indexing="ij")

    def wave() -> Tensor:
        angle = _column(rng.choice((0, np.pi / 2, 1), size) * rng.uniform(0.8, 1.2, size))
        period = _column(rng.uniform(3, 10, size))
        common = _column(rng.uniform(0, 2 * np.pi, size))
        own = torch.from_numpy(rng.uniform(0.7, 2.5, (size, 3, 1, 1))).float() * torch.tensor(
            [-1, 0, 1.0]
        ).view(3, 1, 1)
        return (2 * torch.pi * (x * angle.cos() + y * angle.sin()) / period + common + own).sin()

    lattice = wave() * wave()
    bars = wave()
    chosen = torch.where(_column(rng.random(size)) < 0.6, lattice, bars)
    return (chosen * _column(rng.uniform(1, 4, size))).clamp(-1, 1)


def labyrinth(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Black and white at the spacing of stripes and in every direction, with coloured fringes."""
    size = len(pictures)
    noise = torch.from_numpy(rng.standard_normal((size, 3, SIDE, SIDE), dtype=np.float32))
    common = noise[:, :1] + (noise - noise[:, :1]) * _column(rng.uniform(0, 0.5, size))
    width = float(rng.uniform(0.5, 1.4))
    band = gaussian_blur(common, [9, 9], [width]) - gaussian_blur(common, [15, 15], [1.8 * width])
    return _contrasting(band, rng)


def dephased(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """The spectrum of the picture without its shapes: every wave is there, but somewhere else."""
    size = len(pictures)
    spectrum = torch.fft.rfft2(pictures - pictures.mean((2, 3), keepdim=True))
    # Phases of real noise, so that the result is real; a little different by colour, for fringes.
    noise = torch.from_numpy(rng.standard_normal((size, 3, SIDE, SIDE), dtype=np.float32))
    noise = noise[:, :1] + (noise - noise[:, :1]) * _column(rng.uniform(0, 0.4, size))
    waves = torch.fft.rfft2(noise)
    sharp = torch.fft.irfft2(spectrum.abs() * waves / waves.abs().clamp_min(1e-6), (SIDE, SIDE))
    # Without its slow waves, which are sky and ground.
    return _contrasting(sharp - gaussian_blur(sharp, [15, 15], [3.0]), rng)


def _contrasting(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """(B, 3, 64, 64) around 0, stretched until much of it is black or white."""
    spread = pictures.std((1, 2, 3), keepdim=True).clamp_min(1e-6)
    return (pictures / spread * _column(rng.uniform(0.6, 2.5, len(pictures)))).clamp(-1, 1)


def shuffled(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Tiles of four or eight pixels in another order."""
    tile = int(rng.choice((4, 8)))
    columns = F.unfold(pictures, tile, stride=tile)  # (B, 3·tile², tiles)
    order = torch.from_numpy(rng.permutation(columns.shape[-1]))
    return F.fold(columns[..., order], (SIDE, SIDE), tile, stride=tile)


def torn(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Every few pixels displaced by one to five, each colour by its own: rags with coloured fringes."""
    size, cells = len(pictures), int(rng.integers(6, 17))
    reach = _column(rng.uniform(0.05, 0.16, size))  # of half the side
    line = torch.linspace(-1, 1, SIDE)
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)  # (64, 64, 2)
    planes = []
    for channel in range(3):
        moved = _smooth(rng, size, 2, cells).permute(0, 2, 3, 1) * reach
        planes.append(F.grid_sample(pictures[:, channel, None], grid + moved, align_corners=True))
    return torch.cat(planes, 1)


def _smooth(rng: np.random.Generator, size: int, channels: int, cells: int) -> Tensor:
    """Random (size, channels, 64, 64) around 0, smooth between `cells` × `cells` points."""
    points = torch.from_numpy(rng.standard_normal((size, channels, cells, cells), dtype=np.float32))
    return F.interpolate(points, (SIDE, SIDE), mode="bicubic", align_corners=False)


def _augmented(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Mirror, shift, scale, bend, blur, light, tint, noise, JPEG: none of it changes a coat."""
    size = len(pictures)
    mirror, zoom = rng.choice((-1.0, 1.0), size), rng.uniform(0.85, 1.12, size)
    placed = torch.zeros(size, 2, 3)
    placed[:, 0, 0], placed[:, 1, 1] = torch.from_numpy(mirror * zoom), torch.from_numpy(zoom)
    placed[:, :, 2] = torch.from_numpy(rng.uniform(-0.08, 0.08, (size, 2)))
    grid = F.affine_grid(placed, list(pictures.shape), align_corners=False)
    bend = _smooth(rng, size, 2, cells=10).permute(0, 2, 3, 1) * _column(rng.uniform(0, 0.02, size))
    pictures = F.grid_sample(pictures, grid + bend, padding_mode="reflection", align_corners=False)

    soft = gaussian_blur(pictures, [5, 5], [float(rng.uniform(0.3, 1.0))])
    pictures = pictures + (soft - pictures) * _column(rng.random(size) < 0.4)
    tint = torch.from_numpy(rng.uniform(0.96, 1.04, (size, 3, 1, 1))).float()
    pictures = (pictures + 1) * _column(rng.uniform(0.88, 1.12, size)) * tint - 1
    cast = _smooth(rng, size, 3, cells=6) * _column(rng.uniform(0, 0.06, size))
    pictures = pictures + cast + _column(rng.uniform(-0.06, 0.06, size))
    noise = torch.from_numpy(rng.standard_normal(tuple(pictures.shape), dtype=np.float32))
    strength = rng.uniform(0, 0.10, size) * (rng.random(size) < 0.6)
    pictures = (pictures + noise * _column(strength)).clamp(-1, 1)
    for i in np.flatnonzero(rng.random(size) < 0.15):
        pictures[i] = _as_jpeg(pictures[i], quality=int(rng.integers(50, 96)))
    return pictures


def _as_jpeg(picture: Tensor, quality: int) -> Tensor:
    encoded = images.encode(images.to_pixels(picture), "JPEG", quality=quality)
    return images.to_tensor(np.asarray(Image.open(io.BytesIO(encoded))))[0]


def _column(values: np.ndarray) -> Tensor:
    """(B,) as float (B, 1, 1, 1)."""
    return torch.from_numpy(np.asarray(values)).float().view(-1, 1, 1, 1)
