"""What a picture shows: a frozen description, drawn at random from (seed, index) and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translate.errors import UsageError

GAITS = ("standing", "walking", "grazing")
TIMES = ("dawn", "noon", "dusk", "overcast")


@dataclass(frozen=True)
class Animal:
    """One animal: where it stands, how it is built, what it does.

    Attributes:
        x, z: place on the ground in metres; x goes right, z away from the camera.
        yaw: heading in radians; 0 faces right, π faces left, positive turns away from the camera.
        scale: size over that of the mesh.
        girth: thickness over that of the mesh.
        gait: one of `GAITS`.
        phase: moment of the walk, or where the legs rest, in [0, 1).
        stride: swing of the legs in radians.
        neck: how far the neck is lifted (positive) or lowered, in radians.
        neck_turn: how far it looks aside, in radians.
        head: tilt of the head, in radians.
        tail: swing of the tail, in radians.
    """

    x: float
    z: float
    yaw: float
    scale: float
    girth: float
    gait: str
    phase: float
    stride: float
    neck: float
    neck_turn: float
    head: float
    tail: float

    @property
    def facing(self) -> str:
        """`left` or `right`, as seen in the picture."""
        return "right" if np.cos(self.yaw) > 0 else "left"


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above the origin's ground, looking along +z.

    Attributes:
        x, height, distance: its position is (x, height, -distance), metres.
        pitch: how far it looks down, radians.
        focal: half the picture's width is seen at the distance `focal` times that half.
    """

    x: float
    height: float
    distance: float
    pitch: float
    focal: float


@dataclass(frozen=True)
class Light:
    """Time of day (one of `TIMES`), clouds in [0, 1], and where the sun is, in radians.

    Azimuth 0 is straight behind the animals, π behind the camera.
    """

    time: str
    azimuth: float
    elevation: float
    clouds: float

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the sun."""
        level = np.cos(self.elevation)
        return (
            float(np.sin(self.azimuth) * level),
            float(np.sin(self.elevation)),
            float(np.cos(self.azimuth) * level),
        )


@dataclass(frozen=True)
class Thing:
    """A tree, bush or rock: its place (metres), height (metres) and the number its shape is drawn from."""

    kind: str
    x: float
    z: float
    height: float
    shape: int


@dataclass(frozen=True)
class Scene:
    """All parameters of a picture but the coat and the size.

    Attributes:
        seed, index: what it was drawn from.
        animals: nearest first; the first is the subject.
        camera, light: how it is seen and lit.
        dryness: ground fresh (0) to parched (1).
        lushness: how uneven the ground is, in [0, 1].
        relief: heights of the hills, far range first, in radians above the horizon.
        offset: shifts every random texture of the landscape, in tiles.
        things: trees, bushes and rocks, farthest first.
        shade: how light or dark the coat's owner turned out, about 1.
    """

    seed: int
    index: int
    animals: tuple[Animal, ...]
    camera: Camera
    light: Light
    dryness: float
    lushness: float
    relief: tuple[float, ...]
    offset: tuple[float, float]
    things: tuple[Thing, ...]
    shade: float


def sample_scene(seed: int, index: int) -> Scene:
    """Draw scene number `index` of the series `seed`; the same pair always gives the same scene.

    Raises:
        UsageError: seed or index is negative.
    """
    if seed < 0 or index < 0:
        raise UsageError(f"savanna: seed and index must not be negative, but they are {seed} and {index}.")
    rng = np.random.default_rng([seed, index])
    animals = _animals(rng)
    camera = _camera(rng, animals)
    return Scene(
        seed=seed,
        index=index,
        animals=animals,
        camera=camera,
        light=_light(rng),
        dryness=float(rng.beta(1.3, 1.3)),
        lushness=rng.uniform(0.3, 1.0),
        relief=(rng.uniform(0.03, 0.13), rng.uniform(0.012, 0.05)),
        offset=(rng.uniform(0, 64), rng.uniform(0, 64)),
        things=_things(rng, camera),
        shade=rng.uniform(0.88, 1.12),
    )


def _animals(rng: np.random.Generator) -> tuple[Animal, ...]:
    gait = str(rng.choice(GAITS, p=(0.36, 0.42, 0.22)))
    left = bool(rng.random() < 0.5)
    count = int(rng.choice((1, 2, 3), p=(0.8, 0.14, 0.06)))
    herd = [_animal(rng, gait, left, 0.0, 0.0)]
    side = 1 if rng.random() < 0.5 else -1
    for n in range(1, count):
        x = side * rng.uniform(1.2, 2.1) * (1 if n == 1 else -1)
        herd.append(_animal(rng, gait, left, x, rng.uniform(1.5, 2.6) + 1.6 * (n - 1)))
    return tuple(herd)


def _animal(rng: np.random.Generator, gait: str, left: bool, x: float, z: float) -> Animal:
    turn = float(np.clip(rng.normal(0, 0.36), -0.85, 0.85))
    return Animal(
        x=x,
        z=z,
        yaw=(np.pi if left else 0.0) + turn,
        scale=rng.uniform(0.92, 1.06),
        girth=rng.uniform(0.94, 1.12),
        gait=gait,
        phase=rng.random(),
        stride=rng.uniform(0.28, 0.44) if gait == "walking" else rng.uniform(0.04, 0.22),
        neck=rng.uniform(-0.55, 0.22) if gait == "standing" else rng.uniform(-0.50, 0.10),
        neck_turn=float(np.clip(rng.normal(0, 0.25), -0.6, 0.6)),
        head=rng.uniform(-0.12, 0.20),
        tail=float(np.clip(rng.normal(0, 0.35), -0.8, 0.8)),
    )


def _camera(rng: np.random.Generator, animals: tuple[Animal, ...]) -> Camera:
    subject = animals[0]
    focal = rng.uniform(2.1, 2.7)
    share = rng.uniform(0.66, 0.90)
    breadth = 2.55 * abs(np.cos(subject.yaw)) + 0.9 * abs(np.sin(subject.yaw))
    distance = focal * max(0.5 * breadth, 1.12) * subject.scale / share + 0.35 * abs(np.sin(subject.yaw))
    slack = (1 - share) * 0.5
    x = rng.uniform(-slack, slack) * distance / focal + 0.18 * np.cos(subject.yaw)
    height = rng.uniform(0.75, 2.1)
    # Aim at the middle of the animal, give or take.
    aim = 0.98 * subject.scale + rng.uniform(-0.3, 0.5) * slack * distance / focal
    return Camera(float(x), height, float(distance), float(np.arctan2(height - aim, distance)), focal)


def _light(rng: np.random.Generator) -> Light:
    time = str(rng.choice(TIMES, p=(0.2, 0.38, 0.22, 0.2)))
    low = time in ("dawn", "dusk")
    elevation = rng.uniform(0.16, 0.38) if low else rng.uniform(0.75, 1.25)
    # Mostly from the camera's side: a subject against the light shows little of its coat.
    azimuth = np.pi + rng.uniform(-1.9, 1.9)
    clouds = rng.uniform(0.75, 1.0) if time == "overcast" else rng.uniform(0.0, 0.55)
    return Light(time, float(azimuth), elevation, clouds)


def _things(rng: np.random.Generator, camera: Camera) -> tuple[Thing, ...]:
    things = []
    for kind, mean, near, far, low, high in (
        ("tree", 1.5, 16, 60, 4.0, 7.5),
        ("bush", 1.8, 9, 45, 0.5, 1.5),
        ("rock", 1.2, 4, 25, 0.2, 0.7),
    ):
        for _ in range(min(int(rng.poisson(mean)), 5)):
            z = near + (far - near) * rng.random() ** 1.3
            x = camera.x + rng.uniform(-1.15, 1.15) * (z + camera.distance) / camera.focal
            things.append(Thing(kind, float(x), float(z), rng.uniform(low, high), int(rng.integers(1 << 30))))
    return tuple(sorted(things, key=lambda thing: -thing.z))


_COUNTS = {1: "a", 2: "two", 3: "three"}
_MOMENTS = {
    "dawn": "at dawn",
    "noon": "at noon",
    "dusk": "at dusk",
    "overcast": "under an overcast sky",
}


def caption(scene: Scene, coat: str) -> str:
    """One English phrase that is true of the picture: "a chestnut horse walking left at dusk"."""
    count = len(scene.animals)
    noun = {"zebra": "zebra", "giraffe": "giraffe-spotted horse"}.get(coat, f"{coat} horse")
    subject = scene.animals[0]
    return (
        f"{_COUNTS[count]} {noun}{'s' if count > 1 else ''} {subject.gait} {subject.facing} "
        f"{_MOMENTS[scene.light.time]}"
    )
