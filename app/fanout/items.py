"""A plan becomes items, each with the key that names its take: sha256 over (canonical document, canonical recipe, ids of the weights)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from app.fanout.plan import AS_IT_IS, UNKNOWN_LICENCE, Plan, PlanError, Source, Wanted
from app.jobs.request import SEEN, TakeRequest
from editor.clip import frame_count
from editor.document import Document, EditError
from editor.files import project
from editor.files.jsonform import canonical
from editor.files.quick_hash import quick_document_hash
from editor.variations import VARIATIONS, NoPlace, Variant, stream, variation
from editor.variations.places import where_instead
from engine import presets
from engine.api import Recipe
from engine.spec.classes import ASSETS
from engine.spec.grid import RATE_HZ
from engine.spec.words import plural
from engine.views import registry


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One take to be made: a pure function of what is in here."""

    key: str
    """64 hex digits; also the name of the take's folder."""
    document: Document
    recipe: Recipe
    until: str
    start_s: float
    frames: int
    cameras: tuple[str, ...] | None
    scene: str
    """Name of the source."""
    scene_hash: str
    """Document hash of the source before any variation."""
    licence: str
    variation: str
    parameters: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def request(self, out: Path) -> TakeRequest:
        """What `app.jobs.take_maker.make_take` makes of it."""
        return TakeRequest(self.document, out, self.recipe, self.until, self.start_s, self.frames, self.cameras)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What of the plan cannot be: a source that cannot be read, a variation that has no place in it. One sentence each."""

    scene: str
    variation: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Expansion:
    """All that a plan asks for."""

    items: tuple[Item, ...]
    refusals: tuple[Refusal, ...]
    alike: int = 0
    """Further items that came to the same take as one before them."""


def expand(plan: Plan) -> Expansion:
    """Items in the plan's order: scenes, variations, seeds, numbers, prompts, recipes. The same plan and files give the same items.

    Raises PlanError, PresetError or ViewsError (one sentence) where a recipe cannot be; what is wrong with one scene or one variation of
    it is a refusal, and the rest goes on.
    """
    recipes = _recipes(plan)
    items: dict[str, Item] = {}
    refusals: list[Refusal] = []
    alike = 0
    for source in plan.sources:
        document = _opened(source, plan, refusals)
        if document is None:
            continue
        frames = frame_count(document) - round(plan.start_s * RATE_HZ) if plan.frames is None else plan.frames
        origin = quick_document_hash(document)
        licence = _licence(source, document)
        for wanted in plan.variations:
            for variant in _variants(document, source, wanted, plan, frames, refusals):
                for one in _prompted(variant.document, plan):
                    hashed = quick_document_hash(one)
                    for recipe, weights in recipes:
                        recipe = replace(recipe, seed=variant.seed)
                        key = _key(hashed, recipe, plan, frames, weights)
                        if key in items:
                            alike += 1
                            continue
                        items[key] = Item(
                            key, one, recipe, plan.until, plan.start_s, frames, plan.cameras, source.name, origin,
                            licence, variant.variation, dict(variant.parameters), variant.number,
                        )  # fmt: skip
    return Expansion(tuple(items.values()), tuple(refusals), alike)


def _recipes(plan: Plan) -> list[tuple[Recipe, str]]:
    """Each recipe of the plan with the canonical ids of its weights."""
    found = []
    for preset in plan.presets:
        for views in plan.views or (None,):
            recipe = presets.recipe(preset, views, steps=plan.steps, guidance=plan.guidance)
            if plan.until in SEEN:
                registry.check(recipe.views)
            found.append((recipe, canonical(weight_ids(recipe))))
    return found


@cache
def weight_ids(recipe: Recipe) -> dict[str, str]:
    """SHA-256 of the weights of a recipe's models by file stem, as their cards say (loading checks that they say so truly). No torch."""
    ids = {}
    for model in dict.fromkeys((recipe.occupancy.partition(":")[0], recipe.views)):
        for card in sorted((ASSETS / "weights" / model).glob("*.card.json")):
            try:
                ids[f"{model}/{card.name.removesuffix('.card.json')}"] = str(json.loads(card.read_text())["sha256"])
            except (OSError, ValueError, KeyError) as error:
                raise PlanError(f"The card {card} of the weights cannot be read ({error}): restore it from the repository.") from None
    return ids


def _key(document_hash: str, recipe: Recipe, plan: Plan, frames: int, weights: str) -> str:
    made = canonical({**asdict(recipe), "until": plan.until, "start_s": plan.start_s, "frames": frames, "cameras": plan.cameras})
    return hashlib.sha256(f"{document_hash}\n{made}\n{weights}".encode()).hexdigest()


def _opened(source: Source, plan: Plan, refusals: list[Refusal]) -> Document | None:
    try:
        document = source.document if source.document is not None else project.load(source.path or source.name)
        left = frame_count(document) - round(plan.start_s * RATE_HZ)
        if left < (plan.frames or 1):
            asked = "and at least one is needed" if plan.frames is None else f"and {plan.frames} were asked for"
            raise EditError(f"'{source.name}' has {plural(max(left, 0), 'frame')} from {plan.start_s:g} s on, {asked}: ask for fewer.")
        return document
    except (EditError, project.ProjectError) as error:
        refusals.append(Refusal(source.name, "", str(error)))
        return None


def _licence(source: Source, document: Document) -> str:
    """What the plan says, else what the importer noted of the log's terms."""
    if source.licence != UNKNOWN_LICENCE:
        return source.licence
    return next((note for note in document.notes if note.startswith("Imported from ")), UNKNOWN_LICENCE)


def _variants(document: Document, source: Source, wanted: Wanted, plan: Plan, frames: int, refusals: list[Refusal]) -> Iterator[Variant]:
    if wanted.name == AS_IT_IS:
        yield from (Variant(document, AS_IT_IS, seed, 0) for seed in plan.seeds)
        return
    window = (plan.start_s, plan.start_s + frames / RATE_HZ)
    one = variation(wanted.name)
    said: dict[str, None] = {}
    only: Variant | None = None
    for seed in plan.seeds:
        try:
            if one.dice or only is None:
                for only in islice(stream(document, one, seed, wanted.ranges, window), wanted.count):
                    yield only
            else:
                yield replace(only, seed=seed)
        except EditError as error:
            sentence = str(error)
            if sentence not in said:
                said[sentence] = None
                elsewhere = where_instead(wanted.name) if isinstance(error, NoPlace) else ""
                refusals.append(Refusal(source.name, wanted.name, f"{sentence.rstrip('.')} (seed {seed}{elsewhere})."))
            if not VARIATIONS[wanted.name].dice:
                return


def _prompted(document: Document, plan: Plan) -> Iterator[Document]:
    if not plan.prompts:
        yield document
    for prompt in plan.prompts:
        yield replace(document, prompt=prompt)
