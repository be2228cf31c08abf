"""The command line: ``python -m helpers VERB``. The Makefile calls these verbs and nothing more."""

import argparse
import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers.common.places import NOTEBOOKS, ROOT

TRAININGS = {
    "tracks": "helpers.molecules.training:train_tracks",
    "molecules": "helpers.molecules.reader_training:train_molecules",
    "molecules-original": "helpers.molecules.reader_training:train_original",
    "molecules-physical": "helpers.molecules.reader_training:train_physical",
    "molecules-effective": "helpers.molecules.reader_training:train_effective",
    "molecules-frames": "helpers.molecules.reader_training:train_frames",
    "molecules-recordings": "helpers.molecules.reader_training:train_recordings",
    "park": "helpers.molecules.replica_training:train_park",
    "resnet2d": "helpers.molecules.replica_training:train_resnet2d",
    "resnet3d": "helpers.molecules.replica_training:train_resnet3d",
    "resnet3d-temporal": "helpers.molecules.replica_training:train_resnet3d_temporal",
    "microgels": "helpers.microgels.gel_records:train_microgels",
    "ssrvae": "helpers.nanoparticles.records:train_ssrvae",
    "suits": "helpers.nanoparticles.records:train_suits",
    "particles": "helpers.nanoparticles.records:train_particles",
    "softflow-spirals": "helpers.microgels.flow_records:train_spirals",
    "textures": "helpers.textures.vae_records:train_textures",
    "textures-wide": "helpers.textures.vae_records:train_textures_wide",
    "colloids": "helpers.colloids.unet_training:train_colloids",
}
BENCHES = {
    "movies": "helpers.molecules.records:measure_movies",
    "calibration": "helpers.molecules.records:calibrate_recordings",
    "readers": "helpers.molecules.reader_records:compare_readers",
    "labels": "helpers.molecules.reader_records:compare_labels",
    "lengths": "helpers.molecules.reader_records:compare_lengths",
    "recordings": "helpers.molecules.reader_records:read_recordings",
    "reading-speed": "helpers.molecules.reader_records:measure_speed",
    "ablations": "helpers.molecules.ablations:record",
    "softflow": "helpers.microgels.flow_records:compare_softflow",
    "microgels": "helpers.microgels.gel_records:compare_gels",
    "hidden-temperatures": "helpers.microgels.gel_records:leave_out",
    "condition": "helpers.microgels.gel_records:show_condition",
    "suits": "helpers.nanoparticles.records:compare_suits",
    "stress": "helpers.nanoparticles.records:stress_suits",
    "contents": "helpers.nanoparticles.records:probe_contents",
    "label-ladder": "helpers.nanoparticles.records:count_labels",
    "particles": "helpers.nanoparticles.records:compare_particles",
    "angle-priors": "helpers.nanoparticles.records:compare_angle_priors",
    "drawing": "helpers.nanoparticles.records:compare_drawing",
    "stuck-trainings": "helpers.nanoparticles.records:count_stuck",
    "vae-steps": "helpers.nanoparticles.records:measure_steps",
    "line-images": "helpers.textures.vae_records:compare_lines",
    "microstructures": "helpers.textures.vae_records:compare_microstructures",
    "texture-ablations": "helpers.textures.vae_records:ablate",
    "two-point": "helpers.textures.statistics_records:measure_two_point",
    "trackers": "helpers.colloids.records:compare_trackers",
    "contact": "helpers.colloids.records:count_neighbours",
    "contact-frames": "helpers.colloids.contact_records:count_frames",
    "published-setting": "helpers.colloids.records:try_published_setting",
    "unet-range": "helpers.colloids.records:leave_range",
    "tracking-speed": "helpers.colloids.records:measure_speed",
    "slow-motion": "helpers.colloids.structure_records:slow_down",
    "damage": "helpers.colloids.structure_records:damage_icosahedra",
    "large-stack": "helpers.colloids.scale_records:measure_large_stack",
    "overfitting": "helpers.molecules.replica_training:overfit",
    "real-data": "helpers.book.real_data:record",
    "times": "helpers.book.times:record",
    "conditions": "helpers.book.conditions:record",
}


def book(_: argparse.Namespace) -> None:
    """Run every lesson once in quick, build the book, print where it is."""
    from helpers.book import runner, site

    runner.run()
    print(f"the book is at {site.build()}")


def test(_: argparse.Namespace) -> None:
    """Pass every gate: lint, tests, pairs, notebooks, stored outputs, book, browser, course."""
    from helpers import gates

    gates.run_gates()


def lab(options: argparse.Namespace) -> None:
    """Open the notebooks in JupyterLab; claims warn instead of stopping."""
    environment = {**os.environ, "HELPERS_CLAIMS": "warn", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "jupyterlab", f"--port={options.port}", *options.more]
    code = subprocess.call(command, cwd=NOTEBOOKS, env=environment)
    if code not in (0, 130, -2):
        raise RuntimeError(f"JupyterLab ended with code {code}; its own words stand above")


def notebooks(options: argparse.Namespace) -> None:
    """Run lessons and refresh the outputs of the committed notebooks."""
    from helpers.book import pairs

    pairs.refresh(options.notebook)


def new(options: argparse.Namespace) -> None:
    """Begin a lesson as a copy of the template, under its own name and title."""
    from helpers.book import template

    print(template.new(options.name, options.title).relative_to(ROOT))
    print(template.NEXT.format(number=options.name[:2]))


def check(options: argparse.Namespace) -> int:
    """Say what a lesson still lacks, in plain sentences."""
    from helpers.book import checker

    lines, whole = checker.report(options.notebook)
    print("\n".join(lines))
    return 0 if whole else 1


def mutants(_: argparse.Namespace) -> None:
    """Plant every listed bug in a copy and record which test or claim finds it."""
    from helpers.mutants import run_mutants

    run_mutants()


def faults(_: argparse.Namespace) -> None:
    """Kill real work at random moments and record that every restart ends right."""
    from helpers.faults import run_faults

    run_faults()


def doctor(_: argparse.Namespace) -> None:
    """Print versions, threads, data, disk and the quick times to expect."""
    from helpers import doctor

    print(doctor.report())


def run(options: argparse.Namespace) -> None:
    """Run lessons with papermill; changed parameters are explored, not asserted."""
    from helpers.book import runner

    runner.run(options.notebook, options.profile, dict(options.param), options.force)


def train(options: argparse.Namespace) -> None:
    """Train a shipped network from scratch, or go on where it stopped."""
    from helpers.common import ranks

    with ranks.one_voice():
        _registered("training", TRAININGS, options.name)(profile=options.profile, resume=options.resume)


def bench(options: argparse.Namespace) -> None:
    """Measure against the named baseline in one run and record the result; without a name, all speeds."""
    from helpers.book import speeds

    for name in [options.name] if options.name else speeds.MEASURED:
        if not options.name and speeds.lacking(name):
            print(f"{name}: not measured again, because {speeds.lacking(name)} is not in this environment")
            continue
        _registered("benchmark", BENCHES, name)()
    if not options.name:
        print(speeds.text())


def data(options: argparse.Namespace) -> None:
    """List, fetch or verify the real data sets."""
    from helpers.common import data

    names = options.dataset or data.datasets()
    for name in names:
        if options.action == "list":
            print(f"{name:<18} {'here' if data.available(name) else data.how_to_get(name)}")
        elif options.action == "fetch":
            print(f"{name:<18} {data.fetch(name)}")
        else:
            data.verify(name)
            print(f"{name:<18} every file is whole")


def checkpoints(_: argparse.Namespace) -> None:
    """Verify the shipped weights against their cards."""
    from helpers.common import checkpoints

    rows = checkpoints.verify()
    for name, ok, message in rows:
        print(f"{name:<18} {'whole' if ok else message}")
    if not all(ok for _, ok, _ in rows):
        raise RuntimeError(
            "a checkpoint is damaged: bring it back by git checkout -- data/checkpoints, or train it again"
        )


def course(options: argparse.Namespace) -> None:
    """Release the assignments, grade a class, write feedback, export marks."""
    from helpers.course import command

    command.run(options)


HERE = Path.cwd()  # where the command was given; it runs in the root of the checkout
WRITERS = {book, test, notebooks, new, run, train, bench, course, mutants, faults}


def _registered(kind: str, table: dict[str, str], name: str) -> Callable:
    if name not in table:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(table)}")
    module, _, function = table[name].partition(":")
    return getattr(importlib.import_module(module), function)


def _parameter(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _path(text: str) -> Path:
    return HERE / text


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m helpers", description="Learning to See Soft Matter")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(function: Callable) -> argparse.ArgumentParser:
        sub = verbs.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        sub.set_defaults(function=function)
        return sub

    verb(book), verb(test), verb(mutants), verb(faults), verb(doctor)
    sub = verb(lab)
    sub.add_argument("--port", type=int, default=8888, help="the first port to try; the next free one is taken")
    sub.add_argument("more", nargs="*", help="handed to JupyterLab, after --")
    verb(notebooks).add_argument("notebook", nargs="*", help="such as 01; none: all")
    sub = verb(new)
    sub.add_argument("name", help="such as 10_count_photons")
    sub.add_argument("title", help='such as "Count photons"')
    verb(check).add_argument("notebook", nargs="*", help="such as 01; none: all")
    sub = verb(run)
    sub.add_argument("notebook", nargs="*", help="such as 01; none: all")
    sub.add_argument("--profile", default="quick", help="quick (default) or full")
    sub.add_argument("--param", action="append", default=[], type=_parameter, metavar="NAME=VALUE")
    sub.add_argument("--force", action="store_true", help="run even if nothing changed")
    sub = verb(train)
    sub.add_argument("name", help=", ".join(TRAININGS))
    sub.add_argument("--profile", default="full", help="full (default) or quick")
    sub.add_argument("--resume", action="store_true", help="go on from the last saved step")
    verb(bench).add_argument("name", nargs="?", help=", ".join(BENCHES) + "; none: all speeds, as one table")
    sub = verb(data)
    sub.add_argument("action", choices=["list", "fetch", "verify"])
    sub.add_argument("dataset", nargs="*", help="none: all")
    _course_arguments(verb(course))
    sub = verb(checkpoints)
    sub.add_argument("action", choices=["verify"])
    return top


def _course_arguments(top: argparse.ArgumentParser) -> None:
    """Add the four actions of the verb ``course``; what is not given is decided by ``helpers.course.command``."""
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=words, description=words)

    sub = action("release", "make the releases: no solutions, no hidden tests, checked for leaks")
    sub.add_argument("assignment", nargs="*", help="such as a01; none: all")
    sub.add_argument("--into", type=_path, help="the folder for the releases")
    sub.add_argument("--zip", type=_path, help="pack all releases into this file, too")
    grade = action("autograde", "grade one assignment of a class; what did not change is kept")
    grade.add_argument("assignment", help="such as a01")
    grade.add_argument("submissions", type=_path, help="a folder with one folder for each student")
    grade.add_argument("--seconds-per-cell", type=float, help="60 by default")
    grade.add_argument("--seconds", type=float, help="for a whole notebook, 300 by default")
    grade.add_argument("--memory-mib", type=int, help="for each process, 4096 by default")
    grade.add_argument("--force", action="store_true", help="grade again what did not change")
    page = action("feedback", "write a page of feedback for every graded student")
    page.add_argument("assignment", help="such as a01")
    table = action("export", "write the marks of all graded assignments as a table (CSV)")
    table.add_argument("--to", type=_path, help="the file; marks.csv in the folder of the class by default")
    for sub in (grade, page, table):
        sub.add_argument("--course", type=_path, help="the folder of the class; build/course by default")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns 0, or 1 after one line that says what is wrong (2 for a wrong command line)."""
    options = parser().parse_args(arguments)
    step = "\n" if sys.stderr.isatty() else ""  # off the line of a progress bar
    try:
        elsewhere = any(getattr(options, name, None) for name in ("into", "course", "to"))
        if options.function in WRITERS and not elsewhere and not os.access(ROOT, os.W_OK):
            raise RuntimeError("this checkout cannot be written to; work in a copy of your own: cp -R . ~/soft-matter")
        return options.function(options) or 0
    except KeyboardInterrupt as stop:
        print(f"{step}{str(stop) or 'stopped; what was finished is kept'}", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError, ArithmeticError) as error:
        print(f"{step}{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    os.chdir(Path(ROOT))
    sys.exit(main())
