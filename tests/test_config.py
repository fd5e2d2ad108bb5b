"""Recipes: what is read, what is filled in, and what the learning rate does."""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from translate.config import (
    RECIPES,
    CycleGANRecipe,
    OptimSection,
    Pix2PixRecipe,
    dump_recipe,
    learning_rate_factor,
    load_recipe,
    parse_assignments,
    parse_recipe,
    recipe_names,
)
from translate.errors import UsageError


@pytest.fixture
def write(tmp_path: Path):
    """Write a recipe file and return its path."""

    def _write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


class TestWhatAMethodKeeps:
    def test_a_section_that_names_no_network_differs_in_what_it_says_only(self, write):
        recipe = load_recipe(write("translator: stargan\ndiscriminator: {layers: 2}\n"))
        assert recipe.discriminator == load_recipe("stargan", {"discriminator.layers": 2}).discriminator
        cut = load_recipe(write("translator: cut\ngenerator: {width: 32}\n")).generator
        assert cut.model_dump() == load_recipe("cut", {"generator.width": 32}).generator.model_dump()

    def test_another_network_keeps_the_method_s_norm_and_conditioning(self):
        multiscale = load_recipe("stargan", {"discriminator.name": "multiscale"}).discriminator.model_dump()
        assert (multiscale["norm"], multiscale["conditioning"]) == ("none", "projection")
        residual = load_recipe("stargan", {"discriminator.name": "residual"}).discriminator.model_dump()
        assert residual["conditioning"] == "projection"
        assert "norm" not in residual


class TestWhatAnObjectiveBrings:
    GP = ("adam", 1e-4, (0.0, 0.9), 5)

    def of(self, recipe) -> tuple:
        optim = recipe.optim
        return optim.optimizer, optim.lr, optim.betas, recipe.training.n_critic

    def test_an_override_brings_its_paper_s_optimiser(self):
        assert self.of(load_recipe("cyclegan", {"losses.adversarial": "wgan-gp"})) == self.GP
        wgan = load_recipe("cyclegan", {"losses.adversarial": "wgan"})
        assert (wgan.optim.optimizer, wgan.optim.lr, wgan.training.n_critic) == ("rmsprop", 5e-5, 5)
        assert self.of(load_recipe("cyclegan", {"losses.adversarial": "hinge"})) == self.of(
            load_recipe("cyclegan")
        )

    def test_what_the_user_sets_wins(self):
        chosen = {"losses.adversarial": "wgan-gp", "optim.lr": 3e-4, "training.n_critic": 2}
        assert self.of(load_recipe("cyclegan", chosen)) == ("adam", 3e-4, (0.0, 0.9), 2)

    def test_a_recipe_of_one_s_own_is_filled_where_it_is_silent(self, write):
        path = write("translator: cyclegan\nlosses: {adversarial: wgan-gp}\noptim: {lr: 0.001}\n")
        assert self.of(load_recipe(path)) == ("adam", 1e-3, (0.0, 0.9), 5)
        assert self.of(load_recipe(path, {"optim.lr": 1e-5})) == ("adam", 1e-5, (0.0, 0.9), 5)
        assert self.of(load_recipe(path, {"losses.adversarial": "wgan-gp"})) == ("adam", 1e-3, (0.0, 0.9), 5)

    def test_a_run_s_own_recipe_keeps_what_it_was_trained_with(self, write):
        chosen = {"losses.adversarial": "wgan-gp", "optim.lr": 3e-4, "training.n_critic": 2}
        recipe = load_recipe("cyclegan", chosen)
        assert load_recipe(write(dump_recipe(recipe))) == recipe


# To the losses of recipes, off.
ADDED = {"feature_matching", "matching", "pulling_away", "perceptual", "backbone"}


class TestRecipesOfThePackage:
    def test_the_papers_methods_and_the_demo_are_there(self):
        assert {"pix2pix", "cyclegan", "demo"} <= set(recipe_names())

    @pytest.mark.parametrize("name", recipe_names())
    def test_each_loads_resolved_and_survives_a_round_trip(self, name, write):
        recipe = load_recipe(name)
        assert isinstance(recipe.generator.depth, int)
        assert isinstance(recipe.data.load_size, int) or recipe.data.load_size == "full"
        assert load_recipe(write(dump_recipe(recipe))) == recipe

    @pytest.mark.parametrize("name", recipe_names())
    def test_each_says_in_yaml_what_the_file_says(self, name):
        """What a reader sees in the file is what the recipe means, `auto` aside."""
        text = (resources.files("translate.recipes") / f"{name}.yaml").read_text(encoding="utf-8")
        recipe = load_recipe(name).model_dump(mode="json")
        for section, values in yaml.safe_load(text).items():
            if section == "translator":
                assert recipe["translator"] == values
                continue
            for key, value in values.items():
                assert value in (recipe[section][key], "auto"), f"{section}.{key}"

    def test_pix2pix_is_the_paper_s(self):
        recipe = load_recipe("pix2pix")
        assert isinstance(recipe, Pix2PixRecipe)
        assert recipe.generator.model_dump() == {
            "name": "unet",
            "depth": 8,
            "width": 64,
            "norm": "batch",
            "dropout": 0.5,
            "upsampling": "transpose",
            "masked": False,
            "attention": False,
            "spectral": False,
            "init": "normal",
        }
        assert recipe.discriminator.model_dump() == {
            "name": "patch",
            "layers": 3,
            "width": 64,
            "norm": "batch",
            "spectral": False,
            "attention": False,
            "minibatch": "none",
            "conditioning": "none",
            "init": "normal",
        }
        assert recipe.losses.model_dump(exclude=ADDED) == {
            "adversarial": "nonsaturating",
            "gan": 1,
            "l1": 100,
        }
        assert (recipe.losses.feature_matching, recipe.losses.pulling_away) == (0, 0)
        assert (recipe.optim.lr, recipe.optim.betas) == (2e-4, (0.5, 0.999))
        assert (recipe.data.size, recipe.data.load_size, recipe.data.batch_size) == (256, 286, 1)
        assert (recipe.training.epochs, recipe.training.pool) == (200, 0)

    def test_cyclegan_is_the_paper_s(self):
        recipe = load_recipe("cyclegan")
        assert isinstance(recipe, CycleGANRecipe)
        generator, discriminator = recipe.generator, recipe.discriminator
        assert (generator.name, generator.depth, generator.width) == ("resnet", 9, 64)
        assert (generator.norm, discriminator.norm) == ("instance", "instance")
        assert recipe.losses.model_dump(exclude=ADDED) == {
            "adversarial": "lsgan",
            "gan": 1,
            "cycle": 10,
            "identity": 5,
        }
        assert (recipe.optim.lr, recipe.optim.betas) == (2e-4, (0.5, 0.999))
        assert (recipe.optim.schedule, recipe.optim.decay_from) == ("linear", 0.5)
        assert (recipe.training.epochs, recipe.training.pool) == (200, 50)

    @pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
    def test_the_schema_s_defaults_are_the_papers_too(self, name):
        """So that a recipe of one's own, which says little, gets the same."""
        bare = parse_recipe({"translator": name}, {}, where="test")
        paper = load_recipe(name)
        assert bare.model_dump(exclude={"training"}) == paper.model_dump(exclude={"training"})

    def test_a_recipe_is_frozen(self):
        with pytest.raises(ValidationError, match="frozen"):
            load_recipe("pix2pix").data.size = 128  # pyright: ignore[reportAttributeAccessIssue]


class TestOverrides:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1e-4", 1e-4),
            ("2E3", 2000.0),
            (".5", 0.5),
            ("-1.5e+2", -150.0),
            ("3", 3),
            ("true", True),
            ("False", False),
            ("null", None),
            ("", None),
            ("off", "off"),
            ("no", "no"),
            ("on", "on"),
            ("[0, 0.9]", [0, 0.9]),
            ("a=b", "a=b"),
            ('"2020"', "2020"),
            ("1.2.3", "1.2.3"),
            ("e5", "e5"),
            ("-", [None]),
        ],
    )
    def test_values_are_read_as_yaml(self, text, value):
        read = parse_assignments([f"some.key={text}"])
        assert read == {"some.key": value}
        assert type(read["some.key"]) is type(value)

    def test_several_are_taken_and_the_last_of_a_key_wins(self):
        assert parse_assignments(["a.b=1", " c =2", "a.b=3"]) == {"a.b": 3, "c": 2}

    @pytest.mark.parametrize("assignment", ["optim.lr", "=3", " =3"])
    def test_an_assignment_needs_a_key_and_an_equals_sign(self, assignment):
        with pytest.raises(UsageError, match=r"write it as key=value, e\.g\. --set optim\.lr=1e-4"):
            parse_assignments([assignment])

    @pytest.mark.parametrize("value", ["[1, 2", "{", "a: b: c", "!!python/object:os.system x"])
    def test_a_value_must_be_yaml(self, value):
        with pytest.raises(UsageError, match="the value isn't valid YAML; quote it"):
            parse_assignments([f"data.a={value}"])

    @given(number=st.floats(1e-12, 1e3))
    @settings(max_examples=50, deadline=None)
    def test_any_number_as_python_writes_it_is_that_number(self, number):
        assert parse_assignments([f"optim.lr={number!r}"]) == {"optim.lr": number}

    def test_they_win_over_the_file_and_leave_the_rest(self, write):
        path = write("translator: pix2pix\noptim: {lr: 1e-3, warmup: 7}\ndata: {size: 128}\n")
        recipe = load_recipe(path, {"optim.lr": 5e-4, "losses.l1": 10})
        assert (recipe.optim.lr, recipe.optim.warmup, recipe.losses.l1) == (5e-4, 7, 10)  # pyright: ignore
        assert recipe.data.size == 128

    def test_a_key_with_nothing_after_it_is_an_empty_section(self, write):
        assert load_recipe(write("translator: pix2pix\ndata:\n"), {"data.size": 64}).data.size == 64

    def test_another_network_drops_the_arguments_of_the_recipe_s_network(self, write):
        path = write("translator: cyclegan\ngenerator: {name: unet, depth: 5, width: 7, dropout: 0.25}\n")
        kept = load_recipe(path, {"generator.name": "unet"}).generator
        assert kept.model_dump() == load_recipe(path).generator.model_dump()
        switched = load_recipe(path, {"generator.name": "mobile"}).generator
        assert (switched.name, switched.depth, switched.width) == ("mobile", 6, 32)
        both = load_recipe(path, {"generator.name": "resnet", "generator.width": 9}).generator
        assert (both.name, both.depth, both.width) == ("resnet", 9, 9)

    @pytest.mark.parametrize(("recipe", "norm"), [("pix2pix", "batch"), ("cyclegan", "instance")])
    def test_the_norm_is_the_method_s_whichever_network_is_chosen(self, recipe, norm):
        for section, names in {
            "generator": ("unet", "resnet", "mobile"),
            "discriminator": ("patch", "image", "pixel"),
        }.items():
            for name in names:
                chosen = load_recipe(recipe, {f"{section}.name": name})
                assert getattr(chosen, section).norm == norm, name
        assert load_recipe(recipe, {"discriminator.norm": "none"}).discriminator.norm == "none"

    def test_a_section_that_names_no_network_means_the_method_s(self, write):
        recipe = load_recipe(write("translator: cyclegan\ngenerator: {width: 8}\n"))
        assert (recipe.generator.name, recipe.generator.width) == ("resnet", 8)

    def test_image_judges_the_whole_picture_by_default(self):
        discriminator = load_recipe("pix2pix", {"discriminator.name": "image"}).discriminator
        assert discriminator.model_dump()["layers"] == 5

    def test_the_file_is_not_changed_by_them(self):
        values = {"translator": "pix2pix", "data": {"size": 256}}
        parse_recipe(values, {"data.size": 128, "optim.lr": 1}, where="test")
        assert values == {"translator": "pix2pix", "data": {"size": 256}}

    @pytest.mark.parametrize(
        ("said", "meant"), [("true", True), ("false", False), ("no", False), ("2", 2), ("4", 4), ("64", 64)]
    )
    def test_self_attention_is_a_switch_or_a_place(self, said, meant, write):
        recipe = load_recipe("pix2pix", parse_assignments([f"generator.attention={said}"]))
        again = load_recipe(write(dump_recipe(recipe)))
        for attention in (recipe.generator.attention, again.generator.attention):
            assert attention == meant
            assert type(attention) is type(meant)

    def test_cache_off_is_a_word(self, write):
        assert load_recipe("pix2pix", parse_assignments(["data.cache=off"])).data.cache == "off"
        assert load_recipe(write("translator: pix2pix\ndata: {cache: off, a: no}\n")).data.a == "no"


class TestResolving:
    @pytest.mark.parametrize(
        ("size", "load_size"), [(256, 286), (128, 143), (64, 72), (512, 572), (32, 36), (96, 107)]
    )
    def test_load_size_is_the_paper_s_ratio(self, size, load_size):
        assert load_recipe("pix2pix", {"data.size": size}).data.load_size == load_size

    @pytest.mark.parametrize(
        ("size", "depth"), [(256, 8), (128, 7), (64, 6), (32, 5), (16, 4), (8, 3), (4, 2), (512, 8), (96, 5)]
    )
    def test_a_u_net_halves_down_to_one_pixel_where_it_can(self, size, depth):
        assert load_recipe("pix2pix", {"data.size": size}).generator.depth == depth

    @pytest.mark.parametrize(("size", "blocks"), [(252, 6), (256, 9), (128, 6), (512, 9)])
    def test_a_resnet_has_nine_blocks_from_256_on(self, size, blocks):
        assert load_recipe("cyclegan", {"data.size": size}).generator.depth == blocks

    def test_what_is_said_is_kept(self):
        recipe = load_recipe(
            "pix2pix", {"data.size": 64, "data.load_size": 64, "generator.depth": 3, "training.steps": 5}
        )
        assert (recipe.data.load_size, recipe.generator.depth, recipe.training.steps) == (64, 3, 5)

    @given(size=st.integers(1, 600), recipe=st.sampled_from(["pix2pix", "cyclegan"]))
    @settings(max_examples=50, deadline=None)
    def test_every_size_is_taken_or_refused_with_one_that_is_taken(self, size, recipe):
        try:
            resolved = load_recipe(recipe, {"data.size": size})
        except UsageError as error:
            better = int(str(error).split("choose a size of ")[1].split(",")[0])
            assert load_recipe(recipe, {"data.size": better}).data.size == better
            return
        data, generator = resolved.data, resolved.generator
        assert isinstance(data.load_size, int)
        assert isinstance(generator.depth, int)
        assert data.load_size >= data.size == size
        assert size % (2**generator.depth if generator.name == "unet" else 4) == 0


@given(
    name=st.sampled_from(sorted(RECIPES)),
    lr=st.floats(1e-9, 1e3),
    decay=st.floats(0, 1),
    seed=st.integers(0, 2**40),
    folder=st.none() | st.text(min_size=1, max_size=8),
    size=st.sampled_from([32, 64, 96, 256]),
    generator=st.sampled_from(["unet", "resnet", "mobile"]),
)
@settings(max_examples=20, deadline=None)
def test_any_resolved_recipe_survives_a_round_trip(
    tmp_path_factory, name, lr, decay, seed, folder, size, generator
):
    overrides = {
        "optim.lr": lr,
        "optim.decay_from": decay,
        "training.seed": seed,
        "data.a": folder,
        "data.size": size,
        # CUT looks into a ResNet, and super-resolution must enlarge.
        "generator.name": {"cut": "resnet", "superres": "srvgg"}.get(name, generator),
    }
    recipe = load_recipe(name, overrides)
    path = tmp_path_factory.mktemp("recipes") / "recipe.yaml"
    path.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe


class TestLearningRate:
    @pytest.mark.parametrize(
        ("optim", "expected"),
        [
            # Ten steps each, step by step.
            ({"schedule": "constant"}, [1] * 10),
            ({"schedule": "linear"}, [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]),
            (
                {"schedule": "linear", "decay_from": 0},
                [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            ),
            ({"schedule": "linear", "decay_from": 1}, [1] * 10),
            (
                {"schedule": "cosine", "decay_from": 0.6},
                [1] * 6 + [(1 + math.cos(math.pi * k / 4)) / 2 for k in range(4)],
            ),
            ({"schedule": "constant", "warmup": 4}, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]),
            ({"schedule": "linear", "warmup": 2}, [0.5, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]),
        ],
    )
    def test_hand_values(self, optim, expected):
        section = OptimSection(**optim)
        assert [learning_rate_factor(section, step, 10) for step in range(10)] == pytest.approx(expected)

    def test_cyclegan_s_second_hundred_epochs_fall_to_zero(self):
        optim = load_recipe("cyclegan").optim
        steps = 200_000
        factors = [
            learning_rate_factor(optim, step, steps) for step in (0, 99_999, 100_000, 150_000, 199_999)
        ]
        assert factors == pytest.approx([1, 1, 1, 0.5, 1e-5])

    @given(
        schedule=st.sampled_from(["constant", "linear", "cosine"]),
        decay=st.floats(0, 1),
        warmup=st.integers(0, 60),
        steps=st.integers(1, 50),
    )
    @settings(max_examples=60, deadline=None)
    def test_it_rises_while_warming_up_and_never_again(self, schedule, decay, warmup, steps):
        optim = OptimSection(schedule=schedule, decay_from=decay, warmup=warmup)
        factors = [learning_rate_factor(optim, step, steps) for step in range(steps)]
        assert all(0 < factor <= 1 for factor in factors)
        assert factors[:warmup] == sorted(factors[:warmup])
        assert factors[warmup:] == sorted(factors[warmup:], reverse=True)
