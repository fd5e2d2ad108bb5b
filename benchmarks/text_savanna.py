"""Does a text model give the coat and the light that a caption asks for, also together for the first time?

    python benchmarks/text_savanna.py render datasets/captions
    translate train text --data datasets/captions --name captions --size 64 …
    python benchmarks/text_savanna.py measure checkpoints/captions [--out FILE.json]

`render` writes pictures of four coats under four lights with captions that name both, in several ways. Four
of the sixteen pairs are held out: training sees zebras, and it sees dusk, but no zebra at dusk.

`measure` asks pictures of fresh scenes for all sixteen. The coat of an output is what the classifier of coats
calls it (one of seven coats, or none). Its light is that of the nearest of the scene's four true renders,
outside the animals, where they don't depend on the coat (mean absolute difference; chance is 1 in 4).
It asks with the training's words, and with words that no caption of the training has, for the coat, for the
light and for both.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import translate
from translate import images
from translate.data.savanna import Scene, render_scene, sample_scene
from translate.data.savanna.scene import TIMES, Light
from translate.metrics.coats import classify

RESULTS = Path(__file__).resolve().parent / "results" / "text_savanna.json"
COATS = ("chestnut", "black", "palomino", "zebra")
HELD_OUT = (("chestnut", "overcast"), ("black", "dawn"), ("palomino", "noon"), ("zebra", "dusk"))
SEEN = tuple(pair for pair in product(COATS, TIMES) if pair not in HELD_OUT)
SEED = 31_415  # of the training's scenes; those that are measured have the next

_ANIMALS = {
    coat: ("a zebra", "zebra", "an animal with black and white stripes")
    if coat == "zebra"
    else (f"a {coat} horse", f"{coat} horse", f"an animal with a {coat} coat")
    for coat in COATS
}
_MOMENTS = {
    "dawn": ("at dawn", "early in the morning"),
    "noon": ("at noon", "at midday"),
    "dusk": ("at dusk", "in the evening"),
    "overcast": ("under an overcast sky", "on a grey day"),
}
_PHRASES = ("{animal} {moment}", "turn it into {animal} {moment}", "{moment}, {animal}")
# Words for the same that no caption of the training has, chosen before any model was asked with them.
_NEW_ANIMALS = {
    "chestnut": ("a reddish brown mare", "a russet pony"),
    "black": ("a jet dark stallion", "an ebony pony"),
    "palomino": ("a golden blond mare", "a cream coloured pony"),
    "zebra": ("a wild striped equine", "a striped pony"),
}
_NEW_MOMENTS = {
    "dawn": ("at sunrise", "at daybreak"),
    "noon": ("at twelve o'clock", "in bright sunshine"),
    "dusk": ("at sunset", "at nightfall"),
    "overcast": ("beneath thick clouds", "in cloudy weather"),
}
_LITTLE = {"a", "an", "at", "in"}  # words without a meaning of their own, which may be in both


def caption(coat: str, time: str) -> str:
    """The plainest caption of a coat under a light: "a zebra at dusk"."""
    return f"{_ANIMALS[coat][0]} {_MOMENTS[time][0]}"


def some_caption(coat: str, time: str, random: np.random.Generator) -> str:
    """Any of the ways to say it."""
    phrase, animal, moment = (
        str(random.choice(choice)) for choice in (_PHRASES, _ANIMALS[coat], _MOMENTS[time])
    )
    return phrase.format(animal=animal, moment=moment)


def new_captions(coat: str, time: str) -> dict[str, list[str]]:
    """Captions with words that training never used: for the animal, for the moment, for both.

    Raises:
        ValueError: one of the words is a word of the training.
    """
    trained = " ".join(" ".join(sum(ways.values(), ())) for ways in (_ANIMALS, _MOMENTS)).split()
    animals, moments = _NEW_ANIMALS[coat], _NEW_MOMENTS[time]
    if known := set(" ".join(animals + moments).split()) & set(trained) - _LITTLE:
        raise ValueError(f"the training's captions have {', '.join(sorted(known))}")
    return {
        "coat": [f"{animal} {_MOMENTS[time][0]}" for animal in animals],
        "light": [f"{_ANIMALS[coat][0]} {moment}" for moment in moments],
        "both": [f"{animal} {moment}" for animal, moment in zip(animals, moments, strict=True)],
    }


def under(scene: Scene, time: str) -> Scene:
    """The same scene under another light: the sun as high, and the sky as cloudy, as that light allows."""
    random = np.random.default_rng([scene.seed, scene.index, 2, TIMES.index(time)])
    low = time in ("dawn", "dusk")
    elevation = random.uniform(0.16, 0.38) if low else random.uniform(0.75, 1.25)
    clouds = random.uniform(0.75, 1.0) if time == "overcast" else random.uniform(0.0, 0.55)
    return replace(scene, light=Light(time, scene.light.azimuth, elevation, clouds))


def render(root: Path, count: int, size: int) -> None:
    """Write `train` with its captions, and a few pictures of `test` for sample sheets."""
    for split, first, number in (("train", 0, count), ("test", count, 8)):
        rows = []
        for index in range(first, first + number):
            random = np.random.default_rng([SEED, index, 3])
            coat, time = SEEN[random.integers(len(SEEN))]
            rendered = render_scene(under(sample_scene(SEED, index), time), [coat], size)
            images.write(root / split / f"{index:05d}.png", rendered.images[coat])
            rows.append({"file_name": f"{index:05d}.png", "text": some_caption(coat, time, random)})
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (root / split / "metadata.jsonl").write_text(lines, encoding="utf-8")


@dataclass(frozen=True)
class Scenes:
    """Scenes in every coat under every light.

    Attributes:
        pictures: (N, coats, lights, 3, S, S) in [-1, 1].
        outside: (N, 1, S, S), 1 where no animal is.
    """

    pictures: Tensor
    outside: Tensor


def scenes(count: int, size: int) -> Scenes:
    pictures, outside = [], []
    for index in range(count):
        scene = sample_scene(SEED + 1, index)
        lights = [render_scene(under(scene, time), COATS, size) for time in TIMES]
        pictures.append(
            torch.stack(
                [torch.cat([images.to_tensor(light.images[coat]) for light in lights]) for coat in COATS]
            )
        )
        outside.append(torch.from_numpy(1 - lights[0].mask.astype(np.float32) / 255)[None])
    return Scenes(torch.stack(pictures), torch.stack(outside))


def light_of(outputs: Tensor, truths: Tensor, outside: Tensor) -> list[str]:
    """The light of each of N outputs: that of the nearest of its scene's renders (N, lights, 3, S, S)."""
    distance = ((outputs[:, None] - truths).abs() * outside[:, None]).mean((2, 3, 4))
    return [TIMES[number] for number in distance.argmin(1).tolist()]


def psnr(output: Tensor, truth: Tensor) -> float:
    """dB of pictures in [-1, 1], the mean over (N, 3, S, S)."""
    return float((-10 * torch.log10(((output - truth) / 2).square().mean((1, 2, 3)))).mean())


@dataclass(frozen=True)
class Answer:
    """One picture, one caption, and the coat and light of what came out."""

    was: tuple[str, str]
    asked: tuple[str, str]
    coat: str
    light: str


class Inquiry:
    """Every scene, from a coat and a light of its own that training has seen, asked for all sixteen pairs."""

    def __init__(self, tested: Scenes):
        self.tested = tested
        self.was = [SEEN[index % len(SEEN)] for index in range(len(tested.pictures))]
        places = [(COATS.index(coat), TIMES.index(light)) for coat, light in self.was]
        self.inputs = torch.stack([tested.pictures[i, coat, light] for i, (coat, light) in enumerate(places)])

    def truth(self, coat: str, light: str) -> Tensor:
        return self.tested.pictures[:, COATS.index(coat), TIMES.index(light)]

    def answers(self, outputs: Tensor, coat: str, light: str) -> list[Answer]:
        """What the outputs (N, 3, S, S) are, of scenes that were asked for this coat and light."""
        truths = self.tested.pictures[:, COATS.index(coat)]
        lights = light_of(outputs, truths, self.tested.outside)
        return [
            Answer(before, (coat, light), found, shown)
            for before, found, shown in zip(self.was, classify(outputs), lights, strict=True)
        ]


def in_new_words(translator: translate.Translator, inquiry: Inquiry) -> dict:
    """What captions with words that training never used give, and each of those words by itself."""
    found: dict[str, list[Answer]] = {"coat": [], "light": [], "both": []}
    phrases: dict[str, list[bool]] = defaultdict(list)
    for coat, time in product(COATS, TIMES):
        for what, texts in new_captions(coat, time).items():
            words = _NEW_ANIMALS[coat] if what == "coat" else _NEW_MOMENTS[time]
            for text, phrase in zip(texts, words, strict=True):
                answers = inquiry.answers(translator(inquiry.inputs, text=text), coat, time)
                found[what] += answers
                if what != "both":
                    phrases[phrase] += [(_coat if what == "coat" else _light)(answer) for answer in answers]
    by_phrase = {phrase: round(float(np.mean(right)), 3) for phrase, right in phrases.items()}
    return {**{f"for_{what}": judged(answers) for what, answers in found.items()}, "by_phrase": by_phrase}


def share(answers: Sequence[Answer], right: Callable[[Answer], bool]) -> float:
    return round(float(np.mean([right(answer) for answer in answers])), 3)


def judged(answers: Sequence[Answer]) -> dict:
    """Shares of the answers that are as asked; and of those that ask for something else, that follow."""
    other_coat = [answer for answer in answers if answer.asked[0] != answer.was[0]]
    other_light = [answer for answer in answers if answer.asked[1] != answer.was[1]]
    return {
        "answers": len(answers),
        "coat_is_asked": share(answers, _coat),
        "light_is_asked": share(answers, _light),
        "both_are_asked": share(answers, lambda a: (a.coat, a.light) == a.asked),
        "another_coat_asked": {
            "given": share(other_coat, _coat),
            "left_as_it_was": share(other_coat, lambda a: a.coat == a.was[0]),
        },
        "another_light_asked": {
            "given": share(other_light, _light),
            "left_as_it_was": share(other_light, lambda a: a.light == a.was[1]),
        },
    }


def measure(run: Path, count: int, size: int) -> tuple[dict, Tensor]:
    """The figures, and for a sheet the inputs and outputs (N, 1 + 16, 3, S, S)."""
    translator = translate.load(run)
    inquiry = Inquiry(scenes(count, size))
    random = np.random.default_rng(SEED)
    answers: dict[str, list[Answer]] = {"model": [], "in other words": [], "input": [], "truth": []}
    columns, gain = [inquiry.inputs], {}
    for coat, light in product(COATS, TIMES):
        output = translator(inquiry.inputs, text=caption(coat, light))
        otherwise = translator(inquiry.inputs, text=some_caption(coat, light, random))
        truth = inquiry.truth(coat, light)
        shown = {"model": output, "in other words": otherwise, "input": inquiry.inputs, "truth": truth}
        for name, pictures in shown.items():
            answers[name] += inquiry.answers(pictures, coat, light)
        changed = torch.tensor([was != (coat, light) for was in inquiry.was])
        copied, made = (psnr(x[changed], truth[changed]) for x in (inquiry.inputs, output))
        gain[caption(coat, light)] = round(made - copied, 2)
        columns.append(output)
    model = answers["model"]
    figures = {
        "scenes": count,
        "seen": judged([answer for answer in model if answer.asked not in HELD_OUT]),
        "held_out": judged([answer for answer in model if answer.asked in HELD_OUT]),
        "in_other_words": judged(answers["in other words"]),
        "in_new_words": in_new_words(translator, inquiry),
        "chance": {"coat": 1 / len(COATS), "light": 1 / len(TIMES), "both": 1 / len(COATS) / len(TIMES)},
        "the_input_left_as_it_is": judged(answers["input"]),
        "the_true_renders": judged(answers["truth"]),
        "coat": {coat: share([a for a in model if a.asked[0] == coat], _coat) for coat in COATS},
        "light": {light: share([a for a in model if a.asked[1] == light], _light) for light in TIMES},
        "psnr_gain_over_the_input": gain,
    }
    return figures, torch.stack(columns, 1)


def _coat(answer: Answer) -> bool:
    return answer.coat == answer.asked[0]


def _light(answer: Answer) -> bool:
    return answer.light == answer.asked[1]


def sheet(outputs: Tensor, rows: int) -> np.ndarray:
    """A scene a row: the input, then what the captions gave, coat by coat and light by light."""
    # Every fifth scene: neighbours have the same coat.
    return images.to_pixels(torch.cat([torch.cat(list(row), 2) for row in outputs[::5][:rows]], 1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=("render", "measure"))
    parser.add_argument("place", type=Path, help="the data folder, or the run")
    parser.add_argument("--count", type=int, default=2000, help="training pictures")
    parser.add_argument("--scenes", type=int, default=48)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.verb == "render":
        render(options.place, options.count, options.size)
        return
    figures, outputs = measure(options.place, options.scenes, options.size)
    card = translate.load(options.place).card
    command = f"python benchmarks/text_savanna.py measure {options.place} --scenes {options.scenes}"
    found = {
        "date": date.today().isoformat(),
        "command": command if options.out == RESULTS else f"{command} --out {options.out.name}",
        "steps": card.step,
        "recipe": card.recipe,
        **figures,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    images.write(options.out.with_suffix(".png"), sheet(outputs, 8))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
