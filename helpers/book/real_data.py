"""What the claims about real data say where the data are: recorded for readers, and for CI, who do not have them."""

from pathlib import Path

from helpers.book import lessons, pairs, runner, tables
from helpers.common import claims, data, results

__all__ = ["NAME", "check", "record"]

NAME = "real-data"
KEPT = ("measured", "expected", "at_most", "at_least", "tolerance", "interval", "unit", "source")


def record() -> None:
    """Run the lessons that ask for real data with and without them; record the claims that need them, as ``real-data``.

    DataUnavailable where a data set is missing; ValueError where two lessons give such a claim the same name.
    """
    missing = [name for name in data.datasets() if not data.available(name)]
    if missing:
        raise data.DataUnavailable(f"these are not on this machine: {', '.join(missing)}; `make data` downloads them")
    chosen = [lesson.name for lesson in lessons.lessons() if ".available(" in lesson.py.read_text(encoding="utf-8")]
    runner.run(chosen)
    pairs.run_without_data(chosen)
    values = {}
    for lesson in chosen:
        measured = {claim["name"]: claim for claim in _claims(runner.EXECUTED, lesson) if claim["verdict"] == "pass"}
        skipped = [claim["name"] for claim in _claims(pairs.COMMITTED, lesson) if claim["verdict"] == "skipped"]
        needing = {name: measured[name] for name in skipped if name in measured}
        if doubled := sorted(set(values) & set(needing)):
            raise ValueError(f"{lesson}: another lesson has a claim on real data of this name: {', '.join(doubled)}")
        values |= {name: _short(claim) for name, claim in needing.items()}
        print(f"{lesson}: {len(needing)} claims need real data")
    print(results.record(NAME, values, command=f"python -m helpers bench {NAME}", seeds=[0], sources=[__file__]))


def check() -> int:
    """Return how many recorded numbers keep the bounds that the last run with real data stated; 0 without such a run.

    RuntimeError naming each that does not, and each that such a run no longer measures.
    """
    if not all(map(data.available, data.datasets())):
        return 0
    now = {claim["name"]: claim for lesson in lessons.lessons() for claim in _claims(runner.EXECUTED, lesson.name)}
    recorded = results.read(NAME)["values"]
    wrong = [
        name
        for name, claim in recorded.items()
        if name not in now
        or now[name]["verdict"] == "skipped"
        or not claims.holds(now[name] | {"measured": claim["measured"]})
    ]
    if wrong:
        raise RuntimeError(
            f"recorded for other claims than the lessons make: {', '.join(wrong)}; `python -m helpers bench {NAME}`"
        )
    return len(recorded)


def _claims(folder: Path, lesson: str) -> list[dict]:
    return tables.read_json(folder / lesson / "claims.json", [])


def _short(claim: dict) -> dict:
    return {key: claim[key] for key in KEPT if claim.get(key) not in (None, "")}
