"""``python -m hil report``."""

from __future__ import annotations

from pathlib import Path

import click

from wslusb.cli import output

__all__ = ["command"]


@click.command(
    "report",
    short_help="Make the HTML page, or JUnit XML, of a run's results.json.",
    help="Make the HTML page of a run's results.json again: one file that opens anywhere. Folders of failures are"
    " linked, and their timelines drawn, where they lie beside results.json. See docs/hil-report.md.",
)
@click.argument("results", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="RESULTS")
@click.option("-o", "--output", "page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to write it. Default: report.html beside RESULTS.")  # fmt: skip
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write JUnit XML there, too.")  # fmt: skip
@click.option("--against", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="RESULTS",
              help="The results.json of an earlier run: say what is new since then.")  # fmt: skip
@click.option("--timelines", is_flag=True, help="First merge the timelines of the failures' folders again.")
def command(*, results: Path, page: Path | None, junit: Path | None, against: Path | None, timelines: bool) -> None:
    """Write the page."""
    from hil.report import before, html, timeline
    from hil.report import junit as junit_xml
    from hil.report.results import Results

    found = Results.read(results)
    if against is not None:
        before.held_against(found, Results.read(against))
    for test in found.tests if timelines else ():
        if test.artefacts and (folder := results.parent / test.artefacts).is_dir():
            told = timeline.write(folder)
            test.where = test.where or told.where
    if junit is not None:
        junit_xml.write(found, junit)
    output.result(str(html.write(found, page or results.with_name("report.html"), results.parent)))
