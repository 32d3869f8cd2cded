"""The claims of SLER-IR, the rivals that each names, and how much work they get.

A variant is settings alone: of the network, its router, its losses, where its places lie at first. All are
built from the package's own parts and trained by its Trainer, from the same seeds.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from slerir_lite.data import Photos
from slerir_lite.degrade import PLACES
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.plan import Stage, stages
from slerir_lite.route import NearestPin, SoftmaxGate, Table, table_from_pairings
from slerir_lite.train import Trainer

# Routers: (a SlerIR with its own router) -> the rival in its place.


def whole_networks(model: SlerIR) -> nn.Module:
    """One choice for all layers: three whole networks, and the first layer's pins choose one."""
    return NearestPin(model.router.pins.detach(), shared=True, linear=model.config.linear)


def decoder_only(model: SlerIR) -> nn.Module:
    """The first four layers always take their first expert."""
    return NearestPin(model.router.pins.detach(), begin=4, linear=model.config.linear)


def softmax_gate(model: SlerIR) -> nn.Module:
    """A linear gate on the compass's global token."""
    return SoftmaxGate(model.config.tokens, model.config.experts)


def table(model: SlerIR) -> nn.Module:
    """Looked up: by the true label in training, by the nearest place after it."""
    return Table(table_from_pairings(), model.compass.centres)


@dataclass(frozen=True)
class Variant:
    """says: what it is, for tables. generalist: a Generalist instead of a SlerIR. router: see above.

    weights: of the compass's losses, where they differ. places: "measured" wherever the photos come to lie;
    "even" or "uneven": fixed where they are put, and the photos are drawn there by cross-entropy.
    probes: what is measured of it beside the scores (see `probes`). as_long_as: the variant whose timed step
    counts for this one, where a router that takes no time is all that parts them.
    """

    says: str
    config: Config = field(default_factory=Config)
    generalist: bool = False
    router: Callable[[SlerIR], nn.Module] | None = None
    weights: dict[str, float] = field(default_factory=dict)
    places: str = "measured"
    probes: tuple[str, ...] = ()
    as_long_as: str | None = None

    def settings(self) -> dict:
        """As JSON can hold it."""
        return {
            "network": "Generalist" if self.generalist else "SlerIR",
            "config": asdict(self.config),
            "router": self.router.__name__ if self.router else "nearest pin",
            "weights": self.weights,
            "places": self.places,
        }

    def build(self, seed: int) -> SlerIR | Generalist:
        """A fresh network. Variants of one network get the same first weights from the same seed; where parts
        are missing, or have other shapes, those made after them get others."""
        torch.manual_seed(seed)
        if self.generalist:
            return Generalist(self.config)
        model = SlerIR(self.config)
        if self.places == "uneven":
            model.compass.centres.copy_(chance_places(self.config.dim, seed))
            model.set_pins()
        if self.router:
            model.router = self.router(model)
        return model

    def plan(self, plan: list[Stage]) -> list[Stage]:
        """The same stages; a gate has no places to start from, and learns beside the compass."""
        learns = self.router is softmax_gate
        return [
            replace(s, trains=(*s.trains, "router")) if learns and s.name == "compass" else s for s in plan
        ]

    def trainer(self, photos: Photos, out: Path, plan: list[Stage], seed: int, **how) -> Trainer:
        """What trains it. how: to the Trainer."""
        return Trainer(
            photos,
            out,
            self.plan(plan),
            self.build(seed),
            seed=seed,
            quiet=True,
            weights=self.weights,
            fixed_places=self.places != "measured",
            **how,
        )


def chance_places(dim: int, seed: int) -> torch.Tensor:
    """(6, d) unit vectors where chance puts them: no two seeds alike, and none of them even."""
    return F.normalize(torch.randn(len(PLACES), dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def compass_plan(steps: int) -> list[Stage]:
    """The compass alone, without the reading of motion, which no claim about it asks for."""
    return [replace(stages(0, steps)[0], trains=("compass",))]


FIXED = {"triplet": 0.0, "uniformity": 0.0, "midpoint": 0.0}
VARIANTS = {
    "slerir": Variant("SLER-IR lite", probes=("patches", "mixes", "paths", "specialists")),
    "generalist": Variant("one generalist", Config(experts=1), generalist=True),
    "conditioned": Variant("a generalist told by z and guide", Config(experts=1), probes=("patches",)),
    # Three experts of width 32 have as many weights as one of width 32 √3.
    "wide": Variant("a generalist as large as all experts", Config(experts=1, width=56), generalist=True),
    "whole-networks": Variant("one choice of three whole networks", router=whole_networks),
    "decoder-only": Variant("only the decoder routed", router=decoder_only),
    "linear": Variant("linear space, Euclidean nearest pin", Config(linear=True)),
    # Only a sphere has an end: in a linear space uniformity drives everything apart for ever, and the tokens
    # that the guide is made of grow with it. So the space is tried without that term, too.
    "linear-calm": Variant("linear space, no uniformity", Config(linear=True), weights={"uniformity": 0.0}),
    "softmax": Variant("softmax gate", router=softmax_gate, weights=FIXED | {"lead": 0.0}),
    "no-uniformity": Variant("no uniformity", weights={"uniformity": 0.0}),
    "no-lead": Variant("no lead (triplet, uniformity)", weights={"lead": 0.0}),
    "triplet-alone": Variant(
        "triplets alone (no uniformity, no lead)", weights={"uniformity": 0.0, "lead": 0.0}
    ),
    "no-midpoint": Variant("no midpoints (ours) for the mixes", weights={"midpoint": 0.0}),
    "uneven-pins": Variant("cross-entropy to uneven fixed places", weights=FIXED, places="uneven"),
    "fixed-pins": Variant("cross-entropy to even fixed places", weights=FIXED, places="even"),
    "global-only": Variant("global sense only", Config(local_sense=False), probes=("patches",)),
    "local-only": Variant("local sense only", Config(global_sense=False), probes=("patches",)),
    "neither-sense": Variant(
        "neither sense", Config(local_sense=False, global_sense=False), probes=("patches",)
    ),
    "one-choice-unguided": Variant(
        "neither sense, one choice of three",
        Config(local_sense=False, global_sense=False),
        router=whole_networks,
        as_long_as="neither-sense",
    ),
    "table": Variant("a fixed table by label", router=table, probes=("paths",)),
}


def timed_as(name: str) -> str:
    """The first variant of the same network and router. Losses and places take no time of their own, and an
    accident of timing shall not give one of them more steps."""
    mine = VARIANTS[name]
    if mine.as_long_as:
        return mine.as_long_as
    parts = ("config", "generalist", "router")
    return next(n for n, v in VARIANTS.items() if all(getattr(v, p) == getattr(mine, p) for p in parts))


@dataclass(frozen=True)
class Claim:
    """says: the claim. rivals: names of variants, measured with the whole network trained; compass: with the
    compass alone. SLER-IR lite itself is measured for every claim. reason: two variants whose difference
    tells why a claim does not hold: the first as it would be by the claim, and its rival. apart: two of the
    rivals that differ by nothing but what the claim is about."""

    says: str
    rivals: tuple[str, ...] = ()
    compass: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


SPACING = ("no-uniformity", "no-lead", "triplet-alone", "uneven-pins", "fixed-pins")
CLAIMS = {
    "C1": Claim("a team per station beats one generalist", ("generalist", "conditioned", "wide")),
    # Does the guide tell what the choice would? Without it choosing at every layer has all the telling to do.
    "C2": Claim(
        "choosing at every layer beats one choice for the whole job",
        ("whole-networks", "decoder-only"),
        reason=("neither-sense", "one-choice-unguided"),
    ),
    "C3": Claim(
        "a sphere routes better than a linear space",
        ("linear", "linear-calm", "softmax"),
        compass=("linear", "linear-calm", "softmax"),
    ),
    # Midpoints are no matter of spacing, but of the same column: where mixes land.
    "C4": Claim(
        "even spacing matters",
        SPACING,
        compass=(*SPACING, "no-midpoint"),
        apart=("fixed-pins", "uneven-pins"),
    ),
    "C5": Claim(
        "global and local together beat either", ("global-only", "local-only", "neither-sense", "conditioned")
    ),
    "C6": Claim("mixed damage gets a mixed path", ("table",)),
    "C7": Claim("it costs no more than a generalist"),  # timed, not trained: see `claims.COST`
    "C8": Claim("thousands of paths are really used; routing is more than a label", ("table",)),
}


@dataclass(frozen=True)
class Budget:
    """How much work all of it is.

    minutes: training time of a whole network, 0 for `least` steps a stage; seeds: of those
    compass_steps, compass_seeds: of a compass alone
    photos: how many each task is scored on, None for all; validation: how many each temperature is fitted on
    timed: steps that each stage is timed with
    shrink: of the networks' width and tokens; crop, per_batch: as for `Crops`
    """

    minutes: float
    seeds: int
    compass_steps: int
    compass_seeds: int
    photos: int | None
    validation: int | None
    timed: int = 60
    least: int = 0
    shrink: int = 1
    crop: int = 96
    per_batch: int = 5

    def sized(self, variant: Variant) -> Variant:
        """The variant in this budget's size."""
        config = variant.config
        smaller = replace(
            config, width=config.width // self.shrink // 2 * 2, tokens=config.tokens // self.shrink
        )
        return replace(variant, config=smaller)


BUDGETS = {
    # Shows in minutes that everything runs; its figures mean nothing.
    "smoke": Budget(0, 2, 8, 2, photos=1, validation=1, timed=8, least=4, shrink=4, crop=48, per_batch=5),
    # With --threads 1: compasses in an hour or two of one core, whole networks of ten minutes each.
    "short": Budget(10, 5, 600, 10, photos=24, validation=20),
    # As `short`, for a slow machine: half the width, so that ten minutes still hold some 2,500 steps.
    "half": Budget(10, 5, 600, 10, photos=24, validation=20, timed=40, shrink=2),
    "long": Budget(30, 5, 2000, 10, photos=None, validation=None),
}
SOLO, TEAM = "compass", "whole"


def jobs(budget: Budget, only: list[str], kinds: tuple[str, ...] = (SOLO, TEAM)) -> list[tuple]:
    """(kind, variant, seed) of everything that the claims `only` ask for, each once, seed by seed: what a
    long run has done when it is stopped can be compared."""
    found = []
    for seed in range(max(budget.seeds, budget.compass_seeds)):
        for name in VARIANTS:
            for kind, seeds in ((SOLO, budget.compass_seeds), (TEAM, budget.seeds)):
                asked = [
                    CLAIMS[c].compass if kind == SOLO else CLAIMS[c].rivals + CLAIMS[c].reason for c in only
                ]
                wanted = {rival for rivals in asked for rival in rivals}
                if wanted:
                    wanted.add("slerir")
                if kind in kinds and seed < seeds and name in wanted:
                    found.append((kind, name, seed))
    return found
