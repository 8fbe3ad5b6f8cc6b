"""The presets by name, and the one function that turns a name into a loaded engine."""

from __future__ import annotations

from engine.api import Engine

PRESETS: dict[str, str] = {
    "compact": "small models with shipped weights, seconds per frame on a laptop",
    "tiny": "the smallest models, for trying things out",
    "paper": "the paper's size, on a CUDA GPU with weights of your own",
    "fake": "no model: boxes and ground straight from the layout, at once",
}
DEVICES = ("auto", "cpu", "cuda")


class PresetError(ValueError):
    """A preset that does not exist or cannot be loaded here: one sentence."""


def check(preset: str) -> str:
    """The preset's name without its argument. Raises PresetError where it is unknown; loads nothing."""
    name, _, argument = preset.partition(":")
    if name not in PRESETS:
        raise PresetError(f"There is no preset '{preset}': choose one of {', '.join(PRESETS)}.")
    if argument and name != "fake":
        raise PresetError(f"Preset '{name}' takes no argument, but '{preset}' gives it '{argument}': leave it out.")
    if argument:
        _seconds(preset, argument)
    return name


def load(preset: str, device: str = "auto") -> Engine:
    """A loaded engine. 'fake:0.2' is the fake one that takes 0.2 s a frame, for tests of everything around the model.

    Raises PresetError for an unknown preset or device.
    """
    name = check(preset)
    if device not in DEVICES:
        raise PresetError(f"There is no device '{device}': choose one of {', '.join(DEVICES)}.")
    if name == "fake":
        from engine.fake import FakeEngine

        argument = preset.partition(":")[2]
        return FakeEngine(_seconds(preset, argument) if argument else 0.0)
    from engine.runtime import load_engine

    return load_engine(name, device)


def _seconds(preset: str, argument: str) -> float:
    try:
        seconds = float(argument)
    except ValueError as error:
        raise PresetError(
            f"Preset '{preset}' needs seconds per frame after the colon, not '{argument}': write for example fake:0.2."
        ) from error
    if not 0 <= seconds <= 3600:
        raise PresetError(f"Preset '{preset}' asks for {argument} s a frame: give a number between 0 and 3600.")
    return seconds
