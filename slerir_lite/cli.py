"""`slerir restore | evaluate | train`: the package without a line of Python.

Whatever goes wrong ends in one red line that says what to do. Heavy imports wait for the command that
needs them, so that `slerir --help` answers at once.
"""

import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from .console import err, load, need_report, one_line_errors, out, progress, stopped_line, tell, write_report

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Weights = Annotated[
    Path | None,
    typer.Option(help="A .safetensors file, such as `slerir train` writes. Default: the package's own."),
]
Device = Annotated[str | None, typer.Option(help='Where to compute, such as "cuda" or "cpu". Default: cpu.')]
ONCE = "Do not look again for what noise hid, such as haze or darkness."
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", help="Also write everything to this JSON file. `restore` adds to the report that is there."
    ),
]


def _version(asked: bool) -> None:
    if asked:
        print(version("slerir-lite"))
        raise typer.Exit


@app.callback()
def about(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Restore noisy, rainy, hazy, blurred or dark photos. The network finds out by itself what is wrong."""
    for stream in (sys.stdout, sys.stderr):  # a name or sign that it can't show must not end the work
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@app.command()
def restore(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", metavar="PHOTO...")],
    output: Annotated[
        Path,
        typer.Option("--out", "--output", "-o", help="Folder to write to; for one photo also a file name."),
    ],
    clean: Annotated[
        Path | None,
        typer.Option(
            help="The undamaged photo, or a folder of them (coffee.png belongs to coffee__haze.png, or to "
            "coffee.png): shows how much nearer to it the restored photo is, in dB."
        ),
    ] = None,
    report: Json = None,
    weights: Weights = None,
    device: Device = None,
    path: Annotated[
        str | None,
        typer.Option(
            help='Take this path instead of the nearest specialists, such as "0-2-1-1-0-2-2-1"; without a '
            "second look."
        ),
    ] = None,
    strength: Annotated[
        float, typer.Option(help="From 0, the photo untouched, to 1, fully restored.", show_default=True)
    ] = 1.0,
    guide: Annotated[
        bool, typer.Option("--save-guide", help="Also write PHOTO.guide.png: where the network works how.")
    ] = False,
    path_picture: Annotated[
        bool, typer.Option("--save-path-picture", help="Also write PHOTO.path.png: a map of the path.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help=ONCE)] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out photos whose restored file is there: go on.")
    ] = False,
) -> None:
    """Restore photos and tell what was found in each, and which path it took through the network.

    Example:  slerir restore holiday.jpg -o restored

    Where a photo cannot be read or written, the reason is shown, the others are still done,
    and the exit code is 1.
    """
    with one_line_errors():
        from .jobs import Asked, restore_all, with_earlier
        from .model import SlerIR
        from .tables import restored_table
        from .worklist import GUIDE, PATH, plan

        beside = tuple(ending for ending, asked in ((GUIDE, guide), (PATH, path_picture)) if asked)
        asked = Asked(path, strength, once, clean, overwrite, beside)
        need_report(report, "restored")
        work = plan(photos, output, overwrite, skip_existing, beside, clean)
        model = load(weights, device, SlerIR) if work.jobs else None
        with progress() as bar:
            found, stopped = restore_all(work, model, asked, partial(bar.track, description="restoring"))
        tell(found)
        if report is not None:  # before the table, as whoever reads that may have gone away
            write_report(report, with_earlier(found, report))
        if found["restored"]:
            out.print(restored_table(found["restored"], clean is not None, model.config.linear))
            several = len(found["restored"]) > 1 or output.is_dir()
            out.print(
                Text(f"Written to {output if several else found['restored'][0]['restored']}."), soft_wrap=True
            )
        if stopped:
            err.print(
                stopped_line(len(found["restored"]), len(work.jobs), overwrite, work.in_place), soft_wrap=True
            )
            raise typer.Exit(130)
        if found["failed"]:
            err.print(f"{len(found['restored'])} restored, {len(found['failed'])} not.")
            raise typer.Exit(1)


@app.command()
def evaluate(
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Folder of clean photos; they are damaged here in fourteen ways, and once left as they are."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Folder of ready pairs: TASK/input/NAME.png and TASK/target/NAME.png. The average and the "
            "naming are over tasks called noise25, rain, haze, blur and lowlight."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many photos of each task.")
    ] = None,
    tasks: Annotated[str | None, typer.Option(help='Only these, such as "noise25,haze".')] = None,
    seed: Annotated[int, typer.Option(help="With --photos: other damage of the same kinds.")] = 0,
    weights: Weights = None,
    device: Device = None,
    report: Json = None,
    patches: Annotated[
        bool,
        typer.Option(
            "--patches",
            help="Also restore in 64-pixel tiles, each as a photo of its own, without a second look. "
            "With --once whole photos have none either.",
        ),
    ] = False,
    once: Annotated[bool, typer.Option("--once", help=ONCE)] = False,
) -> None:
    """Measure how well the network restores (PSNR and SSIM), task by task, and whether it names the damage.

    Example:  slerir evaluate --photos my_photos --limit 5
    """
    with one_line_errors():
        if (photos is None) == (pairs is None):
            raise ValueError("Give either --photos or --pairs.")
        need_report(report, "tasks")
        from . import pairs as source
        from .evaluate import evaluate as measure
        from .model import Generalist, SlerIR
        from .patches import patch_places, patchwise
        from .tables import findings, scores_table

        chosen = list(dict.fromkeys(task.strip() for task in tasks.split(","))) if tasks else None
        found = (
            source.made_pairs(photos, limit, seed, chosen) if photos else source.pairs(pairs, limit, chosen)
        )
        model = load(weights, device, SlerIR, Generalist)
        quiet = not err.is_terminal
        try:
            source.need_readable(found, quiet)
            result = measure(model, found, quiet, again=not once, spared=True)
            if patches:
                five = [pair for pair in found if pair.task in source.FIVE]
                result["patches"] = {"size": 64, "tasks": patchwise(model, five, quiet=quiet)}
                if isinstance(model, SlerIR):
                    result["patches"]["routing"] = patch_places(model, found, quiet=quiet)
        except KeyboardInterrupt:
            err.print("Stopped. Nothing is kept of what was measured; --limit makes it shorter.")
            raise typer.Exit(130) from None
        if report is not None:
            write_report(report, result)
        out.print(scores_table(result))
        for line in findings(result):
            out.print(Text(line), soft_wrap=True)


@app.command()
def train(
    output: Annotated[
        Path, typer.Option("--out", "--output", "-o", help="Folder for the weights and the checkpoint.")
    ],
    photos: Annotated[Path | None, typer.Option(help="Folder of clean photos to train on.")] = None,
    dead_leaves: Annotated[
        int | None,
        typer.Option(min=1, help="Instead of photos: so many made-up pictures, without any download."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps for the restoring part.")] = 20_000,
    compass_steps: Annotated[
        int, typer.Option(min=1, help="Steps before that for naming the damage.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Another seed gives another run.")] = 0,
    leave_out: Annotated[
        Path | None, typer.Option(help="Text file that names photos not to train on, one a line.")
    ] = None,
    per_batch: Annotated[int, typer.Option(min=1, help="Photos a step, with two crops each.")] = 5,
    generalist: Annotated[
        bool,
        typer.Option("--generalist", help="Train the plain network without specialists, to compare with."),
    ] = False,
) -> None:
    """Train a network of your own. Stop it whenever you like: the same command again goes on from there.

    Example:  slerir train --photos my_photos --out runs/mine
    """
    with one_line_errors():
        if (photos is None) == (dead_leaves is None):
            raise ValueError("Give either --photos or --dead-leaves.")
        from .jobs import trainer

        if output.exists() and not output.is_dir():  # before the photos are read
            raise NotADirectoryError(f"{output} is a file. Give a folder as --out.")
        there = output / "model.safetensors"
        if there.exists() and not (output / "checkpoint.pt").exists():  # hours of work, perhaps
            raise FileExistsError(f"{there} holds a trained network. Choose another folder, or move it away.")
        if (output / "checkpoint.pt").exists():
            out.print(f"There is a run in {output} to go on with.", markup=False, soft_wrap=True)
        run = trainer(
            photos, dead_leaves, output, steps, compass_steps, seed, leave_out, per_batch, generalist
        )
        try:
            run.run()
        except KeyboardInterrupt:
            err.print("Stopped. The same command again goes on from the last checkpoint.")
            raise typer.Exit(130) from None
        use = "evaluate --photos FOLDER" if generalist else "restore PHOTO -o OUT"
        out.print(
            f"Trained. Use it:  slerir {use} --weights {run.out / 'model.safetensors'}",
            markup=False,
            soft_wrap=True,
        )


if __name__ == "__main__":
    app()
