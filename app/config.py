"""What the studio was started with."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

_WORKSPACE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class ConfigError(ValueError):
    """Settings that do not go together: one sentence."""


@dataclass(frozen=True)
class AppConfig:
    """Settings of one studio. Raises ConfigError where they do not go together."""

    host: str = "127.0.0.1"
    port: int = 7860
    """0 takes any free port."""
    auth: str | None = None
    """'USER:PASSWORD' to ask for, or None: then a one-time link lets a browser in."""
    device: str = "auto"
    preset: str = "compact"
    workspace: Path = field(default_factory=lambda: Path.home() / "AnyScene")
    """Folder of the projects (*.anyscene), takes/ and drafts/."""
    example: str | None = "crossing"
    """Template that a new workspace shows first; None begins with a blank scene."""
    warm: bool = True
    """Load `preset` in the engine's process as soon as the page is up, so that the first Generate is quick."""
    idle_s: float = 600.0
    """A workspace that no browser looks at gives back its 3D view after this long."""
    allowed_hosts: tuple[str, ...] = ()
    """More names under which a browser may reach the studio, for example of a reverse proxy."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """What cookie and bearer header hold."""
    debug: bool = False

    def __post_init__(self) -> None:
        if self.auth is not None and not all(self.auth.partition(":")[::2]):
            raise ConfigError("--auth needs a user and a password with a colon between them: write --auth USER:PASSWORD.")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"Port {self.port} does not exist: choose one between 1 and 65535.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the studio."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def takes(self) -> Path:
        return self.workspace / "takes"

    @property
    def queue(self) -> Path:
        """What the jobs that wait need, so that they outlive the studio."""
        return self.workspace / "queue"

    @property
    def scores(self) -> Path:
        """What takes scored, a JSON file each."""
        return self.workspace / "scores"

    @property
    def exports(self) -> Path:
        """Takes in other formats, a file each."""
        return self.workspace / "exports"

    @property
    def drafts(self) -> Path:
        """What autosave writes, a folder for each document that was open."""
        return self.workspace / "drafts"


def is_workspace_name(name: str) -> bool:
    """Whether a browser may call a workspace so: it becomes part of paths and URLs."""
    return _WORKSPACE_NAME.fullmatch(name) is not None
