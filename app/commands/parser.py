"""The command line: what can be asked, and how a mistake is answered.

Only the standard library is imported here: launch.py answers `--help` and refuses bad arguments with this parser before
anything is installed. Each command's own imports come when it runs, so `import` and `edit` never wait for torch.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from app.errors import A_BUG, BAD_INPUT, INTERRUPTED, CommandError

STAGES = ("layout", "occupancy", "buffers", "video")
"""As app.jobs.request.STAGES, which cannot be imported here; a test compares them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 with one sentence on stderr for bad input, 130 after Ctrl-C, 1 for an error of our own."""
    args = build_parser().parse_args(argv)
    try:
        return _command(args.command)(args)
    except KeyboardInterrupt:
        print("launch.py: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left, so the flush at exit must go nowhere
        return 0
    except Exception as error:
        if args.debug:
            raise
        code, sentence = _explain(error)
        print(f"launch.py: {sentence}", file=sys.stderr)
        return code


def _command(name: str | None) -> Callable[[argparse.Namespace], int]:
    if name in ("import", "edit"):
        from app.commands import scenes

        return scenes.import_ if name == "import" else scenes.edit
    if name == "evaluate":
        from app.commands import evaluate

        return evaluate.evaluate
    if name in ("generate", "export"):
        from app.commands import takes

        return {"generate": takes.generate, "export": takes.export}[name]
    if name == "fan-out":
        from app.commands import fan_out

        return fan_out.fan_out
    if name == "gallery":
        from app.commands import gallery

        return gallery.gallery
    if name == "train":
        from app.commands import train

        return train.train
    if name == "bench":
        from app.commands import bench

        return bench.main
    if name == "test":
        raise CommandError("The tests are run by launch.py, which installs what they need: python launch.py test.")
    from app.commands import studio

    return studio.studio


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and one sentence. ValueError, LookupError with words and OSError are how the libraries refuse bad input."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return BAD_INPUT, f"{where}{error.strerror or error}."
    words = " ".join(str(error.args[0] if error.args else "").split())
    if isinstance(error, ValueError) or (isinstance(error, LookupError) and " " in words):
        return BAD_INPUT, words or f"{type(error).__name__} without words; --debug shows where."
    return A_BUG, f"something went wrong inside ({type(error).__name__}: {words}): please report it with what --debug shows."


class _Parser(argparse.ArgumentParser):
    """Refuses with one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help).\n")


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="launch.py",
        description="AnyScene Studio: author driving scenes, generate 4D occupancy and surround video. With no command the studio opens.",
        allow_abbrev=False,
    )
    studio = parser.add_argument_group("options of the studio")
    studio.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)")
    studio.add_argument("--port", type=_port, default=7860, help="port to listen on (default: %(default)s)")
    studio.add_argument("--auth", metavar="USER:PASSWORD", help="ask for this user and password")
    studio.add_argument("--workspace", type=Path, metavar="DIR", help="folder of projects and takes (default: AnyScene in your home)")
    _engine_options(parser, default=True)

    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".", allow_abbrev=False)
        added.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error")
        return added

    test = command("test", "install what the tests need and run pytest with the arguments that follow")
    test.add_argument("pytest_args", nargs="*", metavar="PYTEST ARGS", help="for example: tests/app -q -k cli")

    importing = command("import", "turn a log or a map into a project file, and print what was read and what was dropped")
    importing.add_argument("format", metavar="FORMAT", help="format of SOURCE; a wrong name prints those there are")
    importing.add_argument("source", metavar="SOURCE", type=Path)
    _output(importing, "SCENE.anyscene")
    importing.add_argument("--start", type=_seconds, default=0.0, metavar="S", help="first second of the log to read (default: 0)")
    importing.add_argument("--duration", type=_positive_seconds, metavar="S", help="seconds to read (default: all)")
    importing.add_argument("--map", type=Path, metavar="MAP", help="map file or folder of a log whose map lies elsewhere")
    importing.add_argument("--scene", metavar="NAME", help="scene of a data set that holds several; without it they are listed")

    generate = command("generate", "make one take from a scene; what is finished stays when it is interrupted")
    generate.add_argument("scene", metavar="SCENE", type=Path)
    out = _output(generate, "TAKE")
    plan_help = "print the pictures' calls, minutes and memory, and make nothing; needs no -o"
    generate.add_argument("--plan", action=_FlagInPlaceOf, other=out, nargs=0, default=False, help=plan_help)
    generate.add_argument("--replace", action="store_true", help="write over a take that is in TAKE already, which is refused otherwise")
    generate.add_argument("--until", choices=STAGES, default="video", help="last stage (default: video)")
    generate.add_argument("--start", type=_seconds, default=0.0, metavar="S", help="where in the scene to start, seconds (default: 0)")
    generate.add_argument("--frames", type=_count, metavar="N", help="frames at 12 Hz (default: to the end of the scene)")
    generate.add_argument("--seed", type=_natural, default=0, metavar="N", help="another seed, another take (default: 0)")
    generate.add_argument("--steps", type=_count, metavar="N", help="sampler steps (default: the preset's)")
    generate.add_argument("--guidance", type=_seconds, metavar="W", help="guidance scale of the layout (default: the preset's)")
    generate.add_argument("--continue", type=Path, metavar="TAKE", dest="basis", help="keep the frames of TAKE before --from-frame, or all of them")
    generate.add_argument("--from-frame", type=_count, metavar="K", help="first frame made anew, counted from the scene's first (0); none: pictures only")
    generate.add_argument("--world", type=Path, metavar="TAKE", help="remember TAKE's world: take over what the scene has not changed since")
    generate.add_argument("--cameras", type=_names, metavar="A,B", help="cameras to render (default: every enabled one)")
    generate.add_argument("--views", metavar="NAME", help="view model; a wrong name prints those there are (default: the preset's)")
    generate.add_argument("--prompt", metavar="TEXT", help="how it looks, in place of the scene's own prompt")
    generate.add_argument(
        "--anchor", type=_anchor, action="append", metavar="CAMERA=FILE",
        help="a picture that this camera's video begins with, may come again; 'recorded': the log's own of all cameras, where it has some"
    )
    generate.add_argument("--weights", type=Path, metavar="DIR", help="occupancy weights of your own, what `train -o DIR` wrote (default: the shipped ones)")
    generate.add_argument("--gbuffers", action="store_true", help="also write what the view model draws before the light: albedo, normal, motion, ..")
    _engine_options(generate)

    editing = command("edit", "run edit(document) of a Python file on a scene")
    editing.add_argument("scene", metavar="SCENE", type=Path)
    editing.add_argument("--script", type=Path, required=True, metavar="FILE.py", help="defines edit(document) -> document")
    _output(editing, "SCENE2")

    fanning = command("fan-out", help="make many takes: scenes x variations x seeds x prompts; goes on where it was interrupted")
    fanning.add_argument("plan", metavar="PLAN.toml", type=Path, nargs="*", help="a plan file, or scenes, which the options below are for")
    out = fanning.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="where the takes land, as DIR/KEY/")
    fanning.add_argument("--dry-run", action=_FlagInPlaceOf, other=out, nargs=0, default=False, help="say count, disk and minutes, and make nothing")
    fanning.add_argument("--list", action=_FlagInPlaceOf, other=out, nargs=0, default=False, help="print the variations, their ranges and what each guarantees")
    fanning.add_argument("--variations", type=_names, metavar="A,B", help="by name; 'original' is the scene as it is")
    fanning.add_argument("--seeds", type=_seeds, metavar="0,1,..", help="of the variations' dice and of the takes (default: 0)")
    fanning.add_argument("--prompts", type=lambda text: tuple(text.split("|")), metavar="A|B", help="in place of the scenes' own prompts")
    fanning.add_argument("--until", choices=STAGES, help="last stage (default: video)")
    fanning.add_argument("--start", type=_seconds, metavar="S", help="where in the scenes to start, seconds (default: 0)")
    fanning.add_argument("--frames", type=_count, metavar="N", help="frames at 12 Hz (default: 16)")
    fanning.add_argument("--steps", type=_count, metavar="N", help="sampler steps (default: the preset's)")
    fanning.add_argument("--cameras", type=_names, metavar="A,B", help="cameras to render (default: every enabled one)")
    fanning.add_argument("--views", metavar="NAME", help="view model (default: the preset's)")
    fanning.add_argument("--preset", dest="preset_given", metavar="NAME", help="engine preset (default: compact)")
    fanning.add_argument("--device", choices=("auto", "cpu", "cuda"), default=argparse.SUPPRESS, help="where the models run (default: auto)")
    fanning.add_argument("--workers", type=_count, metavar="N", help="worker processes, or actors of --ray (default: as many as memory and cores bear)")
    fanning.add_argument("--ray", metavar="ADDRESS", help="work on a Ray cluster: its address, or 'local'; every node must see DIR and this checkout")
    fanning.add_argument("--store", metavar="URL", help="where the takes go instead: a path that every node sees, or an fsspec URL such as s3://bucket/takes")
    fanning.add_argument("--export", type=_names, metavar="KINDS", help="hand passed takes over as well: webdataset, or formats of 'export', appended")

    exporting = command("export", "hand a take over in another format, and print what that format cannot hold")
    exporting.add_argument("take", metavar="TAKE", type=Path)
    exporting.add_argument("format", metavar="FORMAT", help="a wrong name prints those there are")
    _output(exporting, "OUT")
    exporting.add_argument("--verify", action="store_true", help="of nuscenes: read it back and compare it with the take")
    exporting.add_argument("--like", type=Path, metavar="DIR", help="of nuscenes: pictures alone, under the names of this nuScenes set (W-CODA's tree)")
    exporting.add_argument("--scene", metavar="NAME", help="of --like: scene of that set (default: the take's)")

    evaluating = command("evaluate", "measure takes: obedience to the layout, consistency, and against another take or ground truth")
    evaluating.add_argument("takes", metavar="TAKE", type=Path, nargs="*")
    evaluating.add_argument("--against", type=Path, metavar="GT", help="take folder that holds the truth, or occ3d:DIR, Occ3D's truth of the same scene")
    evaluating.add_argument("--views", action="store_true", help="of takes: how true the drawn world is to the voxels, and how still it holds")
    evaluating.add_argument("--every-pair", action="store_true", help="of --views: how still it holds from each frame to the next, not from every fifth only")
    evaluating.add_argument("--held-out", type=_count, metavar="N", default=0, help="compare what was invented with N held-out procedural worlds")
    evaluating.add_argument("--inception", type=Path, metavar="FILE.pt", help="TorchScript of InceptionV3: FID and KID of renders against the truth")
    evaluating.add_argument("--procedural", type=_count, metavar="N", help="no takes: N frames of held-out procedural worlds, made from their layouts")
    evaluating.add_argument("--weights", type=Path, metavar="DIR", help="of an engine: occupancy weights of your own, what `train -o DIR` wrote")
    evaluating.add_argument("--views-by", metavar="NAME", help="with --procedural N: this view model beside the drawn world, on N held-out worlds")
    evaluating.add_argument("--frames-per-world", type=_count, metavar="N", help="of --procedural: frames of each world (default: 4)")
    evaluating.add_argument("--scene", type=Path, metavar="SCENE", help="no takes: the engine on a scene, with its speed and memory; nothing is written")
    evaluating.add_argument("--start", type=_seconds, default=0.0, metavar="S", help="of --scene: where in the scene to start, seconds (default: 0)")
    evaluating.add_argument("--frames", type=_count, metavar="N", help="of --scene: frames at 12 Hz (default: to the end of the scene)")
    evaluating.add_argument("--seeds", type=_seeds, default=(0,), metavar="0,1,..", help="of --scene: several give their diversity (default: 0)")
    evaluating.add_argument("--sensitivity", action="store_true", help="of --scene: blank each channel in turn and count what changes")
    who_help = "of --procedural N (worlds) or --scene: what each part of the model does, taken out in turn; rows are kept in FILE and gone on from"
    evaluating.add_argument("--who", type=Path, metavar="FILE.json", help=who_help)
    evaluating.add_argument("--steps", type=_count, metavar="N", help="sampler steps (default: the preset's)")
    evaluating.add_argument("--guidance", type=_seconds, metavar="W", help="guidance scale of the layout (default: the preset's)")
    evaluating.add_argument("--page", type=Path, metavar="FILE.html", help="also write the report as a page with pictures")
    _engine_options(evaluating)
    evaluating.add_argument("--json", action="store_true", help="print JSON")

    drawing = command("gallery", "draw sheets of known scenes, by day and in every weather, for eyes to judge")
    _output(drawing, "DIR")
    drawing.add_argument("--takes", type=Path, required=True, metavar="DIR", help="where the scenes' occupancy is kept, and found again")
    drawing.add_argument("--data", type=Path, default=Path("../shared/data"), metavar="DIR", help="folder of real logs (default: %(default)s)")
    drawing.add_argument("--scenes", type=_names, metavar="A,B", help="only these (default: the logs that are there, and two templates)")
    drawing.add_argument("--seed", type=_natural, default=0, metavar="N", help="another seed, other houses and another sun (default: 0)")
    drawing.add_argument("--views", metavar="NAME", help="view model (default: the preset's)")
    _engine_options(drawing)

    training = command("train", "run one of the recipes that made the shipped weights")
    training.add_argument("model", choices=("vae", "occupancy", "sketch", "odds", "ablations", "views", "view_ablations", "judge", "wan"))
    _output(training, "DIR")
    training.add_argument("--resume", action="store_true", help="go on from the last checkpoint in DIR")
    training.add_argument("--steps", type=_count, metavar="N", help="optimizer steps (default: the preset's)")
    training.add_argument("--batch", type=_count, metavar="N", help="examples a step (default: the preset's; smaller on a CPU)")
    training.add_argument(
        "--begin", type=Path, metavar="STEM", help="weights to begin from: a path without ending, or a folder of them (views, judge)"
    )
    training.add_argument("--phase", type=_count, metavar="N", help="of occupancy, views: only this phase (default: all of the preset in turn)")
    training.add_argument("--ablation", metavar="NAME", help="of occupancy: full, half_depth, additive or no_teacher_forcing; of vae: no_layout")
    training.add_argument("--latent", type=_count, metavar="C", help="of vae: channels of the latent (default: the preset's)")
    training.add_argument("--decoder-only", action="store_true", default=None, help="of vae: hold the encoder, so that occupancy weights stay valid")
    training.add_argument("--generated", type=_count, metavar="N", help="of vae: with --decoder-only, learn from N generated frames as well")
    training.add_argument("--worlds", type=_count, metavar="N", help="worlds to look at first, of models that encode them (default: the preset's)")
    training.add_argument("--first-world", type=_natural, metavar="N", help="of sketch, odds, ablations: which world is the first one (default: 0)")
    training.add_argument(
        "--data", metavar="FORMAT:DIR[,..]",
        help="train on occ3d:, nucraft:, takes:, layouts: too (default: procedural worlds); of wan: takes:DIR or nuscenes:DIR,occ3d:DIR",
    )  # fmt: skip
    training.add_argument("--data-share", type=_share, metavar="S", help="share of crops that come from --data, the rest procedural (default: 0.8)")
    _engine_options(training)

    bench = command("bench", "measure us side by side with other libraries, in one process")
    bench.add_argument("name", metavar="NAME", nargs="?", help="one bench (default: all); a wrong name prints those there are")
    bench.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _output(parser: argparse.ArgumentParser, metavar: str) -> argparse.Action:
    return parser.add_argument("-o", "--out", type=Path, required=True, metavar=metavar, help="where to write")


class _FlagInPlaceOf(argparse.Action):
    """A flag with which another option is not required."""

    def __init__(self, *args: Any, other: argparse.Action, **named: Any) -> None:
        super().__init__(*args, **named)
        self._other = other

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> None:
        setattr(namespace, self.dest, True)
        self._other.required = False


def _engine_options(parser: argparse.ArgumentParser, default: bool = False) -> None:
    """On a command they have no default of their own: it would hide one given before the command's name."""

    def value(word: object) -> object:
        return word if default else argparse.SUPPRESS

    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default=value("auto"), help="where the models run (default: auto)")
    parser.add_argument("--preset", default=value("compact"), metavar="NAME", help="engine preset (default: compact)")
    if default:
        parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


# What a number on the command line may be. argparse puts the option's name before the sentence.


def _number(text: str, kind: type[int] | type[float], wanted: str, good: Callable[[float], bool]) -> int | float:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and good(number)):
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return number


def _anchor(text: str) -> tuple[str, Path]:
    """Camera and file; both are 'recorded' where the log's own pictures are meant."""
    if text == "recorded":
        return text, Path(text)
    camera, _, file = text.partition("=")
    if not camera or not file:
        raise argparse.ArgumentTypeError(f"'{text}' names no camera and file: write for example CAM_FRONT=photo.jpg.")
    return camera, Path(file)


def _seeds(text: str) -> tuple[int, ...]:
    return tuple(int(_natural(word)) for word in text.split(","))


def _count(text: str) -> int | float:
    return _number(text, int, "a whole number from 1", lambda n: n >= 1)


def _natural(text: str) -> int | float:
    return _number(text, int, "a whole number from 0", lambda n: 0 <= n < 2**63)


def _port(text: str) -> int | float:
    return _number(text, int, "a port between 0 and 65535", lambda n: 0 <= n <= 65535)


def _seconds(text: str) -> int | float:
    return _number(text, float, "a number from 0", lambda s: s >= 0)


def _share(text: str) -> int | float:
    return _number(text, float, "a share above 0, at most 1", lambda s: 0 < s <= 1)


def _positive_seconds(text: str) -> int | float:
    return _number(text, float, "a number of seconds above 0", lambda s: s > 0)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("it names nothing")
    return names


if __name__ == "__main__":
    sys.exit(main())
