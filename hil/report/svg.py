"""Inline SVG, element by element: escaping is the XML library's, colours and fonts are the page's style sheet's."""

from __future__ import annotations

import math
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

__all__ = ["Drawing", "Point", "Scale", "nice_ticks"]

Point = tuple[float, float]


class Drawing:
    """A picture of ``width`` by ``height`` units, which a reader without sight hears as ``title`` and ``what``."""

    def __init__(self, width: float, height: float, title: str, what: str) -> None:
        self.width, self.height = width, height
        self._root = ET.Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img"})
        ET.SubElement(self._root, "title").text = title
        ET.SubElement(self._root, "desc").text = what

    def _add(self, tag: str, kind: str, **values: float | str) -> ET.Element:
        attributes = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
            for name, value in values.items()
        }
        return ET.SubElement(self._root, tag, {"class": kind, **attributes})

    def line(self, kind: str, begin: Point, end: Point) -> None:
        """A straight line of the style ``kind``."""
        self._add("line", kind, x1=begin[0], y1=begin[1], x2=end[0], y2=end[1])

    def path(self, kind: str, points: Iterable[Point], *, closed: bool = False) -> None:
        """Straight lines from point to point."""
        steps = " L".join(f"{x:.2f} {y:.2f}" for x, y in points)
        if steps:
            self._add("path", kind, d=f"M{steps}{' Z' if closed else ''}")

    def rect(self, kind: str, corner: Point, width: float, height: float) -> None:
        """A rectangle from its upper left corner."""
        self._add("rect", kind, x=corner[0], y=corner[1], width=max(width, 0.0), height=max(height, 0.0))

    def dot(self, kind: str, centre: Point, radius: float = 4, *, square: bool = False) -> None:
        """A mark at a point: shapes tell series apart where colours do not."""
        if square:
            self.rect(kind, (centre[0] - radius, centre[1] - radius), 2 * radius, 2 * radius)
        else:
            self._add("circle", kind, cx=centre[0], cy=centre[1], r=radius)

    def text(self, kind: str, place: Point, text: str, anchor: str = "start") -> None:
        """Words at a place; ``anchor`` is start, middle or end."""
        self._add("text", kind, x=place[0], y=place[1], text_anchor=anchor).text = text

    def markup(self) -> Markup:
        """The element, for a template."""
        return Markup(ET.tostring(self._root, encoding="unicode"))  # noqa: S704 -- the XML library has escaped it


@dataclass(slots=True)
class Scale:
    """Values to places on an axis; ``log`` where they span orders of magnitude."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False
    _span: float = field(init=False)

    def __post_init__(self) -> None:
        if self.log:
            self.low = max(self.low, 1e-12)
        self._span = self._of(self.high) - self._of(self.low) or 1.0

    def _of(self, value: float) -> float:
        return math.log(max(value, 1e-12)) if self.log else value

    def __call__(self, value: float) -> float:
        """The place, inside of the axis."""
        share = (self._of(value) - self._of(self.low)) / self._span
        return self.begin + (self.end - self.begin) * min(max(share, 0.0), 1.0)

    def ticks(self, count: int = 5) -> Sequence[float]:
        """Round values on the axis."""
        if not self.log:
            return nice_ticks(self.low, self.high, count)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        few = math.log10(self.high / self.low) < 2
        steps = (1, 2, 5) if few else (1,)
        return [value for d in decades for s in steps if self.low <= (value := s * 10.0**d) <= self.high]


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values, about so many."""
    rough = (high - low) / max(count, 1)
    if rough < sys.float_info.min:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
