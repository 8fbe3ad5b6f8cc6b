"""Repositories of tiny random models. Modules of Wan are imported where they are used: without the extra its tests skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tensors are so small that a second thread only waits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What $ANYSCENE_MODELS names: the repository, and a branch that was woken as if it were trained."""
    from tests.engine.wan.tiny import save_home

    return save_home(tmp_path_factory.mktemp("models"))


@pytest.fixture
def models_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from engine.views.ggve.wan import places

    monkeypatch.setenv(places.FOLDER, str(home))
    return home


@pytest.fixture(scope="module")
def latents(home: Path) -> Any:
    from engine.views.ggve.wan.loading import load_latents

    return load_latents(home / "Wan2.1-T2V-1.3B-Diffusers", torch.device("cpu"))
