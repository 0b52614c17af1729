"""The page: one self-contained HTML file, made from the summary alone.

Jinja escapes everything that the template shows. The figures are part of the page as JSON in which no tag can begin.
"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePath

import jinja2
from plotly.offline import get_plotlyjs

from postprocess.report import sentences
from postprocess.report.charts import charts
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import format_seconds

HERE = Path(__file__).parent
SHOWN_ELSEWHERE = ("name", "seconds", "rows", "fit")  # keys of a stage that are not among its details


def write_page(summary: Mapping, path: Path, *, replacing: bool = False) -> None:
    """Write the page of a summary, whole or not at all.

    Raises FileExistsError if the name is taken and `replacing` is not set.
    """
    with whole_file(path, replacing=replacing) as unfinished:
        unfinished.write_text(page(summary), encoding="utf-8")


def page(summary: Mapping) -> str:
    """Return the page of a summary. Sections without figures in the summary are left out."""
    figures, harm = charts(summary), sentences.worse_than_a_sample(summary)
    return (
        _environment()
        .get_template("page.html")
        .render(
            summary=summary,
            figures=figures,
            figures_json=json.dumps(figures, ensure_ascii=False).replace("<", "\\u003c"),
            plotly=get_plotlyjs(),
            verdict=sentences.verdict(summary),
            harm=harm if harm not in summary.get("warnings", ()) else "",
            of_the_call=sentences.of_the_call(summary),
            below_limit=sentences.below_limit(summary["tables"]),
            accuracy_names=sentences.ACCURACY_NAMES,
            steps=sentences.steps(summary),
            excluded=sentences.excluded(summary),
            privacy=sentences.privacy_rows(summary) if summary.get("privacy") else [],
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.ChainableUndefined
    )
    environment.filters.update(
        percent=sentences.percent,
        duration=format_seconds,
        details=_details,
        largest_difference=sentences.largest_difference,
        name=lambda path: PurePath(path).name,
    )
    return environment


def _details(stage: Mapping) -> str:
    """Return how a stage ended, and its own figures."""
    details = {name: value for name, value in stage.items() if name not in SHOWN_ELSEWHERE}
    return ", ".join(
        str(value) if name == "status" else f"{name.replace('_', ' ')} {value:.6g}" for name, value in details.items()
    )
