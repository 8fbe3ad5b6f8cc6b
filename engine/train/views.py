"""`launch.py train views`: the compact view model, on drawn procedural worlds: its appearance autoencoder (phase 1), then GGVE (phase 2, `ggve.py`).

Recipe: L1 on pixels and on their differences to the right and below (`shared/notes/ggve.md`, RenderFlow). Albedo is withheld in half of the
samples, so that the latent learns to carry the colours that an anchor picture has to supply; where the sun falls in a quarter of them.
Noise is added to the latent, up to NOISE of its size, as a model that dreams latents errs: cell by cell, or over some cells at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from engine.data import drawn_pictures
from engine.devices import half_precision, pick_device
from engine.train import ggve, processes
from engine.train.frame_files import missing_files
from engine.train.loop import Schedule, check_preset, train
from engine.views.ggve.autoencoder import CONFIGS, STRIDE, Autoencoder
from engine.views.ggve.guide import Guide
from engine.views.ggve.shown import show
from engine.weights import begun, load_model, save_model

SCHEDULES = {
    "tiny": Schedule(steps=20, batch=2, rate=2e-3, warmup=5, ema=0.9, seed=3, workers=0),
    "compact": Schedule(steps=24_000, batch=8, rate=1e-3, warmup=200, ema=0.999, seed=3, fall=0.3, workers=0, checkpoint_every_s=300.0),
    "paper": Schedule(steps=100_000, batch=32, rate=5e-4, warmup=1000, ema=0.9995, seed=3, fall=0.3, workers=4, checkpoint_every_s=300.0),
}
WORLDS = {"tiny": (4, 4), "compact": (400, 24), "paper": (4000, 24)}
"""Worlds to learn from, and those held out; up to a dozen pictures of each."""
SECONDS_A_WORLD = 4.0
"""To draw all pictures of one, measured."""
CUT = (96, 128)
"""Rows and columns of a picture that a sample shows."""
ALBEDO_WITHHELD, SUN_WITHHELD, NOISE = 0.5, 0.25, 0.6
WIDE = 4
"""Cells along an edge of those that a model gets wrong together."""
EDGES, ROUGH = 1.0, 0.01
"""Weight of the differences, and of those between neighbouring cells of the latent: a smooth one is more easily dreamt."""
GIVEN = {"": (1, 1), "_without_albedo": (0, 1), "_without_sun": (1, 0), "_with_neither": (0, 0)}
"""What a measure's name ends with -> whether albedo and sun are given."""
MEASURED_EVERY = 5
"""Of the held-out pictures each fifth is measured, so that every place in a group has its turn."""
SHEET = 5
"""Pictures in a row of a sample sheet."""


@dataclass(slots=True)
class PictureBatches:
    """Random cuts of a folder's pictures, which are read when the first batch is asked for. Picklable for data workers."""

    folder: Path
    worlds: int
    seed: int
    batch: int
    cut: tuple[int, int] = CUT
    _pictures: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The columns of `sample`, and "albedo_given" and "sun_given" float32 (B,), 0 or 1."""
        if not self._pictures:
            self._pictures = drawn_pictures.read(self.folder, self.worlds)
        random = np.random.Generator(np.random.PCG64([self.seed, step]))
        height, width = self._pictures["picture"].shape[2:]
        rows = []
        for number in random.integers(len(self._pictures["picture"]), size=self.batch):
            top, left = (int(random.integers(whole - part + 1)) for whole, part in zip((height, width), self.cut, strict=True))
            rows.append(sample(self._pictures, int(number), (top, left, *self.cut), bool(random.random() < 0.5)))
        withheld = random.random((2, self.batch)) < np.array([[ALBEDO_WITHHELD], [SUN_WITHHELD]])
        given = torch.from_numpy(1 - withheld.astype(np.float32))
        return collated(rows) | {"albedo_given": given[0], "sun_given": given[1]}

    def __getstate__(self) -> tuple[Any, ...]:
        return self.folder, self.worlds, self.seed, self.batch, self.cut

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.folder, self.worlds, self.seed, self.batch, self.cut = state
        self._pictures = {}


def sample(pictures: Mapping[str, np.ndarray], number: int, window: tuple[int, int, int, int], mirrored: bool) -> dict[str, np.ndarray]:
    """A cut (top, left, height, width) of a picture and its guide, or of what a mirror shows of it; with "rays" and "up", see `show`."""
    top, left, height, width = window
    cut = {name: pictures[name][number][..., top : top + height, left : left + width] for name in (*Guide._fields, "picture")}
    cut["rays"] = drawn_pictures.ray_table(float(pictures["focal"][number]), pictures["picture"].shape[2:], window)
    cut["up"] = pictures["up"][number]
    if mirrored:
        cut = {name: part[..., ::-1].copy() if name != "up" else part.copy() for name, part in cut.items()}
        for name in ("normal", "rays", "up"):
            cut[name][0] *= -1
    return cut


def collated(rows: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Each column of samples as one tensor."""
    return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}


def autoencoder_loss(model: nn.Module, batch: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """L1 on pixels and on their differences, and on those between the latent's cells; "db" is the PSNR of the batch, to be watched."""
    truth = batch["picture"].float() / 255                                           # (B, 3, H, W)
    shown = show(batch, batch["albedo_given"], batch["sun_given"])
    assert isinstance(model, Autoencoder)
    cells = (len(truth), model.config.latent, truth.shape[2] // STRIDE, truth.shape[3] // STRIDE)
    latent = model.encoder(truth, shown)                                             # (B, L, h, w)
    made = model.decoder(latent + latent_noise(cells, generator), shown)             # (B, 3, H, W)
    rough = (latent.diff(dim=-1).abs().mean() + latent.diff(dim=-2).abs().mean()) / 2
    pixel = (made - truth).abs().mean()
    edge = (made.diff(dim=-1) - truth.diff(dim=-1)).abs().mean() + (made.diff(dim=-2) - truth.diff(dim=-2)).abs().mean()
    db = psnr(made.detach().clamp(0, 1), truth).mean()
    return {"pixel": pixel, "edge": edge, "rough": rough, "db": db, "total": pixel + EDGES * edge + ROUGH * rough}


def latent_noise(cells: tuple[int, int, int, int], generator: torch.Generator) -> Tensor:
    """(B, L, h, w): of half of the pictures noise of single cells, of the others of WIDE x WIDE at once; little in most, up to NOISE."""
    where = generator.device
    size = NOISE * torch.rand((cells[0], 1, 1, 1), generator=generator, device=where).square()           # (B, 1, 1, 1)
    wide = torch.rand((cells[0], 1, 1, 1), generator=generator, device=where) < 0.5                      # (B, 1, 1, 1)
    single = torch.randn(cells, generator=generator, device=where)                   # (B, L, h, w)
    few = (*cells[:2], cells[2] // WIDE + 2, cells[3] // WIDE + 2)
    blotches = F.interpolate(torch.randn(few, generator=generator, device=where), scale_factor=float(WIDE), mode="bilinear")
    return size * torch.where(wide, blotches[:, :, WIDE : WIDE + cells[2], WIDE : WIDE + cells[3]], single)


def psnr(made: Tensor, truth: Tensor) -> Tensor:
    """(B,) dB of pictures (B, 3, H, W) in [0, 1]."""
    return -10 * torch.log10((made - truth).square().mean((1, 2, 3)).clamp_min(1e-10))


def main(
    preset: str,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    steps: int | None = None,
    batch: int | None = None,
    workers: int | None = None,
    worlds: int | None = None,
    phase: int | None = None,
    begin: Path | None = None,
    pictures: Path = drawn_pictures.FOLDER,
) -> dict[str, Any]:
    """Draws the pictures that the folder `pictures` lacks, trains on those of `worlds` worlds, measures on held-out ones, and writes
    `autoencoder.safetensors`, `ggve.safetensors` and their cards. `phase` 1 or 2 runs one of the two, the second on the first's weights in `out`.
    Each begins from nothing, or from the weights of its name in the folder `begin`, as `assets/weights/compact` is one. A machine without shapely
    trains on pictures that were drawn elsewhere.
    """
    check_preset(preset, SCHEDULES, "view model of our own")
    if phase not in (None, 1, 2):
        raise ValueError(f"Training views has no phase {phase}: take 1 (autoencoder) or 2 (GGVE), or leave it out for both.")
    among = processes.current(device)
    out, where = Path(out), pick_device(device)
    learned, held = worlds or WORLDS[preset][0], WORLDS[preset][1]
    if among.writes:
        _draw(pictures / "held_out", held, held_out=True)
        _draw(pictures / "train", learned, held_out=False)
    facts: dict[str, Any] = {}
    if phase != 2:
        schedule = SCHEDULES[preset].scaled(steps, batch, workers)
        facts["autoencoder"] = train_autoencoder(
            preset, out, pictures, worlds=(learned, held), schedule=schedule, resume=resume, device=where, begin=begin
        )
        if not facts["autoencoder"]["finished"]:
            return facts
    if phase != 1 and preset in ggve.SCHEDULES:
        autoencoder = Autoencoder(CONFIGS[preset])
        load_model(autoencoder, out / "autoencoder", CONFIGS[preset])
        schedule = ggve.SCHEDULES[preset].scaled(steps, batch, workers)
        facts["ggve"] = ggve.train_ggve(
            preset, out, autoencoder.eval(), pictures, worlds=(learned, held), schedule=schedule, resume=resume, device=where, begin=begin
        )
    return facts


def train_autoencoder(
    preset: str,
    out: Path,
    pictures: Path,
    *,
    worlds: tuple[int, int],
    schedule: Schedule,
    resume: bool,
    device: torch.device,
    begin: Path | None = None,
) -> dict[str, Any]:
    """Trains on `worlds` (to learn from, held out), measures, writes `autoencoder.safetensors` and its card."""
    among, where, config = processes.current(device.type), device, CONFIGS[preset]
    torch.manual_seed(3)
    learned, held = worlds
    model = Autoencoder(config)
    before = begun(model, begin, "autoencoder", config)
    batches = PictureBatches(pictures / "train", learned, schedule.seed, schedule.batch)
    held_out = drawn_pictures.read(pictures / "held_out", held)
    facts = train(
        model,
        autoencoder_loss,
        batches,
        schedule,
        out / "views_run",
        device=where,
        resume=resume,
        picture=lambda m, step: _sheet(m, held_out, out / "views_run" / f"sample_{step:06d}.png", where),
    )
    keep_statistics(model, batches, where)
    facts |= before | {
        "measured": held_out_psnr(model, held_out, where),
        "measured_on": f"drawn held-out procedural worlds, {drawn_pictures.HEIGHT} x {drawn_pictures.WIDTH}",
        "data": f"engine.data.drawn_pictures, {learned} worlds",
    }
    if among.writes:
        save_model(model, out / "autoencoder", config, facts)
    return facts


def _draw(folder: Path, worlds: int, held_out: bool) -> None:
    """What `folder` lacks, having said how long it takes. ValueError where it cannot be drawn here."""
    missing = len(missing_files(folder, range(0, worlds, drawn_pictures.WORLDS_PER_FILE))) * drawn_pictures.WORLDS_PER_FILE
    if not missing:
        return
    if find_spec("shapely") is None:
        raise ValueError(
            f"{folder} lacks pictures of {missing} of {worlds} worlds, which need shapely to be drawn: copy them here, or ask for fewer --worlds."
        )
    print(f"{folder} lacks {missing} of {worlds} worlds: drawing them takes about {missing * SECONDS_A_WORLD / 60:.0f} minutes on an idle core.", flush=True)
    drawn_pictures.make(folder, 0, worlds, held_out)


@torch.no_grad()
def keep_statistics(model: Autoencoder, batches: PictureBatches, device: torch.device, count: int = 50) -> None:
    """Sets the mean and the deviation of each channel of the latent, over training pictures."""
    model.eval()
    many = ({name: column.to(device) for name, column in batches(step).items()} for step in range(count))
    latents = torch.cat([model.encoder(one["picture"].float() / 255, show(one, one["albedo_given"], one["sun_given"])).cpu() for one in many])
    model.latent_mean.copy_(latents.mean((0, 2, 3)))
    model.latent_std.copy_(latents.std((0, 2, 3)))


@torch.no_grad()
def decoded(model: nn.Module, pictures: Mapping[str, np.ndarray], number: int, given: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """A whole picture as made by way of its latent, and itself, both (1, 3, H, W) in [0, 1]; `given` says whether albedo and sun are."""
    height, width = pictures["picture"].shape[2:]
    batch = {name: column.to(device) for name, column in collated([sample(pictures, number, (0, 0, height, width), False)]).items()}
    truth = batch["picture"].float() / 255
    albedo, sun = (torch.full((1,), float(told), device=device) for told in given)
    with half_precision(device):
        return model(truth, show(batch, albedo, sun)).float().clamp(0, 1), truth


def held_out_psnr(model: nn.Module, pictures: Mapping[str, np.ndarray], device: torch.device) -> dict[str, float]:
    """Mean PSNR (dB) over pictures, with all that can be given and without."""
    model.eval()
    numbers = range(0, len(pictures["picture"]), MEASURED_EVERY)
    means = {
        f"psnr_db{name}": round(float(np.mean([psnr(*decoded(model, pictures, k, given, device)).item() for k in numbers])), 2)
        for name, given in GIVEN.items()
    }
    return means | {"pictures": len(numbers)}


def _sheet(model: nn.Module, pictures: Mapping[str, np.ndarray], path: Path, device: torch.device) -> None:
    """Rows of held-out pictures: the truth, decoded with albedo, other truths, decoded without."""
    training = model.training
    model.eval()
    rows: list[Tensor] = []
    for first, given in ((0, (1, 1)), (SHEET, (0, 1))):
        numbers = np.linspace(0, len(pictures["picture"]) - 1, 2 * SHEET).astype(int)[first : first + SHEET].tolist()
        pairs = [decoded(model, pictures, k, given, device) for k in numbers]
        rows += [torch.cat([pair[which][0] for pair in pairs], -1) for which in (1, 0)]
    sheet = (torch.cat(rows, -2).permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
    Image.fromarray(sheet).save(path)
    model.train(training)
