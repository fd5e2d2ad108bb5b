"""Which damage a picture gets: steps drawn from a random generator, the same for the same seed.

The ranges are in docs/restoration.md, with their sources.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from translate.data.degrade import noise
from translate.data.degrade.kernels import Gaussian, Kernel, Motion, Plateau, Sinc
from translate.data.degrade.steps import (
    Bicubic,
    Blur,
    GaussianNoise,
    Interpolation,
    Jpeg,
    PoissonNoise,
    Resize,
    Step,
)

Steps = tuple[Step, ...]

_INTERPOLATIONS: tuple[Interpolation, ...] = ("area", "bilinear", "bicubic")
_SIZES = range(7, 22, 2)
# Of the kinds of blur, in the order of `_mixed`; together 1.
_KINDS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)


def classical(scale: int) -> Steps:
    """MATLAB's bicubic to 1/`scale`: nothing is drawn."""
    return (Bicubic(1 / scale),)


def realistic(rng: random.Random, size: tuple[int, int], scale: int) -> Steps:
    """Real-ESRGAN's second-order degradation of a picture of `size` = (height, width) to 1/`scale`.

    Wang et al. 2021, with the numbers of their published options for ×4: blur, resize, noise and JPEG, twice,
    then a sinc filter before or after the last JPEG.

    Raises:
        ValueError: a size that is no multiple of the scale.
    """
    if size[0] % scale or size[1] % scale:
        raise ValueError(f"a picture of {size[1]}×{size[0]} pixels can't become {scale} times smaller.")
    small = size[0] // scale, size[1] // scale
    first = (
        Blur(_mixed(rng, most=3.0)),
        Resize(_shaken(rng, size, (0.2, 0.7, 0.1), (0.15, 1.5)), rng.choice(_INTERPOLATIONS)),
        _noise(rng, sigma=30, photons=3.0),
        Jpeg(rng.randint(30, 95)),
    )
    second_blur = (Blur(_mixed(rng, most=1.5)),) if rng.random() < 0.8 else ()
    second = (
        Resize(_shaken(rng, small, (0.3, 0.4, 0.3), (0.3, 1.2)), rng.choice(_INTERPOLATIONS)),
        _noise(rng, sigma=25, photons=2.5),
    )
    back: Steps = (Resize(small, rng.choice(_INTERPOLATIONS)),)
    if rng.random() < 0.8:
        back += (Blur(Sinc(rng.choice(_SIZES), rng.uniform(math.pi / 3, math.pi))),)
    last = (Jpeg(rng.randint(30, 95)),)
    order = back + last if rng.random() < 0.5 else last + back
    return first + second_blur + second + order


def denoise(rng: random.Random, *, sigma: tuple[float, float] = (0.0, 55.0), poisson: float = 0.0) -> Steps:
    """Colour noise of a standard deviation within `sigma` levels; a share `poisson` of photon noise instead.

    The range is that of blind denoising (DnCNN, Zhang et al. 2017).
    """
    if rng.random() < poisson:
        return (PoissonNoise(rng.uniform(0.05, 3.0), False, rng.randrange(noise.TABLE)),)
    return (GaussianNoise(rng.uniform(*sigma), False, rng.randrange(noise.TABLE)),)


def deblur(rng: random.Random) -> Steps:
    """A Gaussian of σ 0.5 to 4 pixels or a straight motion of 3 to 21, one as likely as the other."""
    if rng.random() < 0.5:
        sigma = rng.uniform(0.5, 4.0)
        return (Blur(Gaussian(2 * math.ceil(3 * sigma) + 1, (sigma, sigma))),)
    return (Blur(Motion(rng.uniform(3, 21), rng.uniform(0, math.pi))),)


def dejpeg(rng: random.Random, *, quality: tuple[int, int] = (10, 95)) -> Steps:
    """JPEG at a quality within `quality`, both ends included; the range is FBCNN's (Jiang et al. 2021)."""
    return (Jpeg(rng.randint(*quality)),)


DRAWS: dict[str, Callable[[random.Random], Steps]] = {"denoise": denoise, "deblur": deblur, "dejpeg": dejpeg}


def _mixed(rng: random.Random, *, most: float) -> Kernel:
    size = rng.choice(_SIZES)
    if rng.random() < 0.1:
        return Sinc(size, rng.uniform(math.pi / (3 if size < 13 else 5), math.pi))
    kind = rng.choices(range(6), _KINDS)[0]
    along = rng.uniform(0.2, most)
    turned = kind % 2 == 1
    sigmas = (along, rng.uniform(0.2, most) if turned else along)
    angle = rng.uniform(-math.pi, math.pi) if turned else 0.0
    if kind < 2:
        return Gaussian(size, sigmas, angle)
    if kind < 4:
        return Gaussian(size, sigmas, angle, _around_one(rng, 0.5, 4.0))
    return Plateau(size, sigmas, angle, _around_one(rng, 1.0, 2.0))


def _around_one(rng: random.Random, low: float, high: float) -> float:
    """Below 1 as often as above."""
    return rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high)


def _shaken(
    rng: random.Random,
    size: tuple[int, int],
    up_down_keep: tuple[float, float, float],
    reach: tuple[float, float],
) -> tuple[int, int]:
    which = rng.choices(("up", "down", "keep"), up_down_keep)[0]
    factor = {"up": rng.uniform(1, reach[1]), "down": rng.uniform(reach[0], 1), "keep": 1.0}[which]
    return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))


def _noise(rng: random.Random, *, sigma: float, photons: float) -> Step:
    grey, start = rng.random() < 0.4, rng.randrange(noise.TABLE)
    if rng.random() < 0.5:
        return GaussianNoise(rng.uniform(1, sigma), grey, start)
    return PoissonNoise(rng.uniform(0.05, photons), grey, start)
