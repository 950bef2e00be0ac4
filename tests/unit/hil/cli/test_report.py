from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from hil.cli.report import command
from tests.support.rig_failure import a_failure
from tests.support.rig_results import a_night


def test_the_page_lies_beside_the_results(tmp_path: Path) -> None:
    results = a_night().write(tmp_path / "results.json")
    done = CliRunner().invoke(command, [str(results)], catch_exceptions=False)
    assert done.output == f"{tmp_path / 'report.html'}\n"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_page_and_junit_xml_go_where_they_are_wanted(tmp_path: Path) -> None:
    results = a_night().write(tmp_path / "results.json")
    page, junit = tmp_path / "a.html", tmp_path / "b.xml"
    CliRunner().invoke(command, [str(results), "-o", str(page), "--junit", str(junit)], catch_exceptions=False)
    assert page.exists()
    assert junit.read_bytes().startswith(b"<?xml")


def test_timelines_are_merged_again_on_demand(tmp_path: Path) -> None:
    results = a_night().write(tmp_path / "results.json")
    folder = a_failure(tmp_path / "failures" / "test_what_is_written_is_read-stick")
    CliRunner().invoke(command, [str(results), "--timelines"], catch_exceptions=False)
    assert (folder / "timeline.json").exists()
    assert "the way of the URB to look at first" in (tmp_path / "report.html").read_text()
