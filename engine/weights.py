"""Weights on disk: NAME.safetensors with NAME.card.json beside it. Loading is strict and says what does not fit.

What is larger than a shard goes on in NAME.2.safetensors and so on; the card counts the files, its SHA-256 is over all their bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from engine.spec.classes import ASSETS

WEIGHTS = ASSETS / "weights"
SHARD_BYTES = 15 * 2**20
"""The repository takes files of 16 MiB at most."""


class WeightsError(ValueError):
    """Weights that cannot be used: one sentence that names both sides."""


def save_model(model: nn.Module, stem: Path, config: Any, facts: dict[str, Any]) -> None:
    """Writes fp16 weights and their card; `stem` is the path without an ending."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: value.detach().cpu().contiguous().half() if value.is_floating_point() else value.cpu()
        for key, value in model.state_dict().items()
    }
    shards = _shards(tensors)
    files = weight_files(stem, len(shards))
    for path, shard in zip(files, shards, strict=True):
        beside = path.with_suffix(".tmp")
        beside.write_bytes(save(shard))  # not save_file: what that writes nobody else may read
        os.replace(beside, path)
    card = {"config": asdict(config), "sha256": sha256(*files), "files": len(files), "torch": torch.__version__} | facts
    stem.with_suffix(".card.json").write_text(json.dumps(card, indent=1) + "\n")


def weight_files(stem: Path, count: int) -> list[Path]:
    """The files of weights, in order."""
    return [stem.with_name(f"{stem.name}{'' if number == 1 else f'.{number}'}.safetensors") for number in range(1, count + 1)]


def _shards(tensors: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    """Tensors in their order, as many to a file as it holds."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    room = SHARD_BYTES
    for name, tensor in tensors.items():
        if tensor.nbytes > room and shards[-1]:
            shards.append({})
            room = SHARD_BYTES
        shards[-1][name] = tensor
        room -= tensor.nbytes
    return shards


def sha256(*paths: Path) -> str:
    """Hex digest of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_card(stem: Path) -> dict[str, Any]:
    """The card beside the weights. WeightsError where it is missing or unreadable."""
    path = stem.with_suffix(".card.json")
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise WeightsError(f"There are no weights at {stem}: train them with `launch.py train`, or choose another preset.") from None
    except (ValueError, OSError) as error:
        raise WeightsError(f"The card {path} cannot be read ({error}): restore it from the repository.") from None


def read_tensors(stem: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """All tensors of weights by name, and their card, for a model that takes over a part. WeightsError where they are not there."""
    card = read_card(stem)
    return _tensors(weight_files(stem, card.get("files", 1))), card


def load_model(model: nn.Module, stem: Path, config: Any) -> dict[str, Any]:
    """Loads weights into `model`, strictly, and returns their card.

    Raises WeightsError where the file is damaged, is not what its card says, or holds another architecture.
    """
    card = read_card(stem)
    files = weight_files(stem, card.get("files", 1))
    path = next((file for file in files if not file.exists()), files[0])
    if not path.exists():
        raise WeightsError(f"The card of {stem.name} is there but its weights {path} are not: restore them from the repository.")
    digest = sha256(*files)
    if digest != card.get("sha256"):
        raise WeightsError(
            f"The weights {path} have SHA-256 {digest[:12]}, their card says {str(card.get('sha256'))[:12]}: the file is damaged or belongs to another card."
        )
    wanted = json.loads(json.dumps(asdict(config)))
    for key, value in wanted.items():
        if card["config"].get(key) != value:
            raise WeightsError(
                f"The weights {path} were trained with {key} = {card['config'].get(key)}, the preset asks for {value}: use the preset they belong to."
            )
    tensors = _tensors(files)
    own = model.state_dict()
    missing, extra = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    if missing or extra:
        raise WeightsError(
            f"The weights {path} lack {missing[:3] or 'nothing'} and have {extra[:3] or 'nothing'} that the model does not know."
        )
    for key, tensor in tensors.items():
        if tensor.shape != own[key].shape:
            raise WeightsError(f"In {path} '{key}' has shape {tuple(tensor.shape)}, the model needs {tuple(own[key].shape)}.")
    model.load_state_dict(tensors)
    return card


def begun(model: nn.Module, folder: Path | None, name: str, config: Any) -> dict[str, Any]:
    """Loads the weights NAME of a folder, if there is one, to go on from; returns what their card adds to the next one's. WeightsError as `load_model`."""
    if folder is None:
        return {}
    card = load_model(model, folder / name, config)
    past = [*card.get("began_from", []), {key: card[key] for key in ("sha256", "steps", "batch", "data") if key in card}]
    return {"began_from": past}


def _tensors(files: list[Path]) -> dict[str, torch.Tensor]:
    try:
        return {name: tensor for file in files for name, tensor in load_file(file).items()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"The weights {files[0]} are not a readable safetensors file ({error}).") from None
