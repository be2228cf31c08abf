"""Execute one lesson in a process of its own, telling the parent after every cell how far it is.

Called by ``helpers.book.runner`` as ``python -m helpers.book.execute MASTER OUTPUT JSON``.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill
from papermill.engines import NBClientEngine, papermill_engines

from helpers.book.lessons import read

__all__ = ["ReportingEngine", "main"]


class ReportingEngine(NBClientEngine):
    """papermill's own engine, printing ``cell i n`` when a cell starts."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **options):
        """Execute as papermill does, with a report before every cell."""
        begin, total = nb_man.cell_start, len(nb_man.nb.cells)

        def cell_start(cell, cell_index=None, **more):
            print(f"cell {(cell_index or 0) + 1} {total}", flush=True)
            return begin(cell, cell_index, **more)

        nb_man.cell_start = cell_start
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


def main(master: str, output: str, values: str) -> int:
    """Execute ``master`` with the parameters ``values`` into ``output``; print the CPU seconds of the kernel."""
    papermill_engines.register("reporting", ReportingEngine)
    with tempfile.TemporaryDirectory() as folder:
        notebook = read(Path(master))
        source = Path(folder) / Path(output).name
        nbformat.write(notebook, source)
        try:
            papermill.execute_notebook(
                str(source),
                output,
                json.loads(values),
                engine_name="reporting",
                progress_bar=False,
                cwd=Path(master).parent,
            )
        except papermill.PapermillExecutionError as error:
            print("error " + json.dumps({"cell": error.cell_index + 1, "name": error.ename, "value": error.evalue}))
            return 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"cpu {used.ru_utime + used.ru_stime:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
