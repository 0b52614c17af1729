"""The page: one self-contained HTML file without scripts, made from the summary alone.

Jinja escapes everything that the templates show. Each section has a template of its own in the folder `sections`.
"""

from collections.abc import Mapping
from pathlib import Path, PurePath

import jinja2

from postprocess.report import sentences
from postprocess.report.bars import bars_of_column, bars_of_missing, bars_of_origin
from postprocess.report.charts import charts
from postprocess.report.column_pictures import column_pictures
from postprocess.report.compared import compared_columns
from postprocess.report.privacy_checks import share_with_error
from postprocess.report.privacy_figures import privacy_rows
from postprocess.report.tiles import tiles
from postprocess.report.verdict import rules_kept, verdict
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import format_seconds

HERE = Path(__file__).parent
SECTIONS = {  # in order, with the names of their links; those in OPTIONAL need a part of the summary of that name
    "columns": "The columns",
    "profiles": "Do the columns look right?",
    "associations": "Are the relations between columns kept?",
    "rules": "Are the rules kept?",
    "realism": "Do the rows look real?",
    "usefulness": "Is it useful?",
    "tables": "Which tables are weak?",
    "privacy": "Is the result private?",
    "made": "How was it made?",
}
OPTIONAL = ("columns", "profiles", "associations", "rules", "realism", "usefulness")
SHOWN_ELSEWHERE = ("name", "seconds", "rows", "fit")  # keys of a stage that are not among its details


def write_page(summary: Mapping, path: Path, *, replacing: bool = False) -> None:
    """Write the page of a summary, whole or not at all.

    Raises FileExistsError if the name is taken and `replacing` is not set.
    """
    with whole_file(path, replacing=replacing) as unfinished:
        unfinished.write_text(page(summary), encoding="utf-8")


def page(summary: Mapping) -> str:
    """Return the page of a summary. Sections without figures in the summary are left out."""
    harm = sentences.worse_than_a_sample(summary)
    return (
        _environment()
        .get_template("page.html")
        .render(
            summary=summary,
            sections={name: title for name, title in SECTIONS.items() if name not in OPTIONAL or summary.get(name)},
            charts=charts(summary),
            pictures=column_pictures(summary),
            compared=compared_columns(summary),
            verdict=verdict(summary),
            tiles=tiles(summary),
            rules_kept=rules_kept(summary),
            warnings=list(dict.fromkeys(filter(None, (harm, *summary.get("warnings", ()))))),
            of_the_call=sentences.of_the_call(summary),
            against_limit=sentences.against_limit(summary),
            below_limit=sentences.below_limit(summary["tables"]),
            accuracy_names=sentences.ACCURACY_NAMES,
            steps=sentences.steps(summary),
            excluded=sentences.excluded(summary),
            privacy=privacy_rows(summary) if summary.get("privacy") else [],
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.ChainableUndefined
    )
    environment.filters.update(
        percent=sentences.percent,
        number="{:,}".format,
        duration=format_seconds,
        details=_details,
        figure=sentences.figure,
        share_with_error=share_with_error,
        largest_difference=sentences.largest_difference,
        bars_of_column=bars_of_column,
        bars_of_missing=bars_of_missing,
        bars_of_origin=bars_of_origin,
        name=lambda path: PurePath(path).name,
    )
    return environment


def _details(stage: Mapping) -> str:
    """Return how a stage ended, and its own figures."""
    details = {name: value for name, value in stage.items() if name not in SHOWN_ELSEWHERE}
    return ", ".join(
        sentences.END_WORDS.get(value, value) if name == "status" else f"{name.replace('_', ' ')} {value:,.6g}"
        for name, value in details.items()
    )
