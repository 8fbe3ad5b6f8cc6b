"""Where the parts of a Wan model lie on this machine, and what is missing. Neither torch nor diffusers is imported."""

from __future__ import annotations

import ctypes
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from engine.spec.classes import ASSETS

EXTRA = ("diffusers", "transformers", "peft")
"""What pyproject's extra 'views-wan' brings."""
FOLDER = "ANYSCENE_MODELS"
"""Environment variable: a folder that holds repositories under their own names, and our branches and settings under the view models'."""


class WanError(ValueError):
    """A Wan model that cannot run here, or a setting that it cannot have: one sentence."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a view model is made of."""

    repository: str
    """On the hub, in diffusers' form."""
    download_gb: float
    """At least: its weights in bfloat16, UMT5-XXL (11.4) and VAE (0.5) among them, computed from the sizes. Some are published in float32."""
    hints: int
    """Blocks of our branch; 0 where the repository brings them (VACE)."""


SOURCES = {
    "wan-1.3b": Source("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", 14.7, 6),
    "wan-14b": Source("Wan-AI/Wan2.1-T2V-14B-Diffusers", 40.5, 8),
    "vace-1.3b": Source("Wan-AI/Wan2.1-VACE-1.3B-diffusers", 18.0, 0),
    "vace-14b": Source("Wan-AI/Wan2.1-VACE-14B-diffusers", 46.6, 0),
}


def why_not(name: str) -> str | None:
    """One sentence that says why a view model cannot run here; None where it can."""
    if not has_cuda():
        return f"View model '{name}' needs a CUDA GPU, and this machine shows none: choose 'drawn', or run it on a machine that has one."
    if any(find_spec(package) is None for package in EXTRA):
        return (
            f"View model '{name}' needs diffusers, which is not installed: "
            f"`python launch.py generate SCENE --views {name} -o TAKE` installs it and goes on."
        )
    try:
        repository_folder(name)
        if SOURCES[name].hints:
            branch_folder(name)
    except WanError as error:
        return str(error)
    return None


@cache
def has_cuda() -> bool:
    """Whether NVIDIA's driver shows a device, asked without torch."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def repository_folder(name: str) -> Path:
    """The folder of a view model's repository: under $ANYSCENE_MODELS, else in the hub's cache. WanError where it is not there or not whole."""
    source = SOURCES[name]
    own = own_folder(source.repository.partition("/")[2])
    folder = own if own is not None and own.is_dir() else _cached(source.repository)
    if folder is None:
        raise WanError(
            f"View model '{name}' needs the weights of {source.repository} (Apache-2.0, {source.download_gb:.0f} GB or more), which are not on "
            f"this machine: run `.venv/bin/hf download {source.repository}`, or name a folder that holds them by {FOLDER}."
        )
    missing = missing_files(folder)
    if missing:
        raise WanError(f"{folder} lacks {missing[0]}: run `.venv/bin/hf download {source.repository}` again, which goes on where it stopped.")
    return folder


def branch_folder(name: str) -> Path:
    """The folder with our trained branch of a view model. WanError where there is none."""
    own = own_folder(name)
    for folder in (own, ASSETS / "weights" / name):
        if folder is not None and (folder / "control.safetensors").is_file():
            return folder
    preset = {"wan-14b": "paper"}.get(name, "compact")
    raise WanError(
        f"View model '{name}' needs its control branch, which nobody has trained here: "
        f"run `python launch.py train wan --preset {preset} --data takes:TAKES -o assets/weights/{name}`, or choose '{name.replace('wan', 'vace')}'."
    )


def own_folder(name: str) -> Path | None:
    """$ANYSCENE_MODELS/NAME; None where that is not set."""
    return Path(os.environ[FOLDER]) / name if os.environ.get(FOLDER) else None


def missing_files(folder: Path) -> list[str]:
    """Files without which a repository is not whole, relative to it."""
    wanted = ["vae/config.json", "transformer/config.json", "text_encoder/config.json", "tokenizer/tokenizer_config.json"]
    for part in ("vae", "transformer", "text_encoder"):
        index = next(iter(sorted((folder / part).glob("*.safetensors.index.json"))), None)
        if index is not None:
            wanted += [f"{part}/{file}" for file in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
        elif not any((folder / part).glob("*.safetensors")):
            wanted.append(f"{part}/*.safetensors")
    return [file for file in wanted if not (folder / file).is_file()]


def _cached(repository: str) -> Path | None:
    """Its newest snapshot in the hub's cache, which `hf download` fills."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface")
    cached = Path(os.environ.get("HF_HUB_CACHE") or home / "hub") / f"models--{repository.replace('/', '--')}"
    try:
        folder = cached / "snapshots" / (cached / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return folder if folder.is_dir() else None
