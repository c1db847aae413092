"""Charts as PNG, drawn by matplotlib (extra ``[charts]``) with a Chinese font of this machine.

Boxes instead of characters are never drawn: a font counts only when it has a glyph for every character of the chart.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recordkit.errors import MissingPart, missing_extra
from recordkit.messages import msg

_MM = 1 / 25.4
_DPI = 160
_COLOURS = ("#1f4e79", "#8fb4d9", "#d9a441", "#7a7a7a")
_KNOWN = ("sourcehansanssc", "sourcehansanscn", "notosanssc", "notosanscjk", "msyh", "simhei", "deng", "pingfang",
          "hiraginosansgb", "stheiti", "wqy", "simsun", "songti", "notoserif", "sourcehanserif", "droidsansfallback",
          "uming", "ukai")
"""Files of Chinese fonts by how their names begin, the best to read in a chart first."""
_TELLING = "档案回访换表签订过户"


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart.

    Attributes:
        labels: what is counted; ``series`` the numbers of each by name, as long as ``labels``.
        kind: bars that lie (room for long labels) or stand (years).
    """

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    kind: Literal["lying", "standing"] = "lying"


def draw(panels: Sequence[Panel], size: tuple[float, float], *, title: str = "", note: str = "",
         columns: int = 1) -> bytes:
    """A PNG of ``size`` (width, height) in mm.

    Raises:
        MissingPart: matplotlib or a Chinese font is not installed.
    """
    texts = [title, note, *(text for panel in panels for text in (panel.title, *panel.labels, *panel.series))]
    font = chinese_font("".join(texts))
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] * _MM, size[1] * _MM), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontproperties=font, fontsize=16)
    rows = -(-len(panels) // columns)
    if rows > 1:
        layout: Any = figure.get_layout_engine()
        layout.set(hspace=0.06, wspace=0.04)
    for at, panel in enumerate(panels, 1):
        _draw_panel(figure.add_subplot(rows, columns, at), panel, font)
    if note:
        figure.supxlabel(note, fontproperties=font, fontsize=9, ha="left", x=0.02)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a layout that has little room is still a chart
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _draw_panel(axes: Any, panel: Panel, font: Any) -> None:
    """Grouped bars with their numbers."""
    small = {"fontproperties": font, "fontsize": 9}
    many = max(1, len(panel.series))
    thick = 0.8 / many
    places = range(len(panel.labels))
    for at, (name, values) in enumerate(panel.series.items()):
        shifted = [place - 0.4 + thick * (at + 0.5) for place in places]
        bars = (axes.barh if panel.kind == "lying" else axes.bar)(
            shifted, list(values), thick * 0.92, label=name, color=_COLOURS[at % len(_COLOURS)])
        axes.bar_label(bars, labels=[_told(value) for value in values], padding=2, **small)
    if panel.kind == "lying":
        axes.set_yticks(list(places), list(panel.labels), **small)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.margins(x=0.12)
    else:
        axes.set_xticks(list(places), list(panel.labels), **small)
        axes.set_yticks([])
        axes.margins(y=0.15)
    for side in ("top", "right", "bottom" if panel.kind == "lying" else "left"):
        axes.spines[side].set_visible(False)
    if not any(any(values) for values in panel.series.values()):
        axes.text(0.5, 0.5, "无", transform=axes.transAxes, ha="center", **small)
    axes.set_title(panel.title, fontproperties=font, fontsize=11, loc="left")
    if many > 1:
        axes.legend(prop=_sized(font, 9), frameon=False, loc="upper left" if panel.kind == "standing" else "best")


def _told(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _sized(font: Any, size: float) -> Any:
    from copy import copy

    sized = copy(font)
    sized.set_size(size)
    return sized


def chinese_font(text: str = "") -> Any:
    """A font of this machine that has every character of ``text``, as matplotlib takes it.

    Raises:
        MissingPart: matplotlib or such a font is not installed.
    """
    try:
        from matplotlib import font_manager
    except ImportError:
        raise missing_extra("matplotlib", "charts") from None
    wanted = {ord(character) for character in f"{text}{_TELLING}无" if not character.isspace()}
    for path in _ranked(font_manager.findSystemFonts()):
        for index in _faces(path):
            if wanted <= _characters(path, index):
                made = getattr(font_manager, "FontPath", None)
                return font_manager.FontProperties(fname=made(str(path), index) if made and index else str(path))
    raise MissingPart(
        msg("No font with Chinese characters is installed; without one a chart cannot be labelled."),
        msg("Install one, such as: apt install fonts-noto-cjk"),
    )


def _ranked(paths: Iterable[str]) -> list[Path]:
    """Regular weights of fonts that are known to be Chinese, the best first."""
    found = []
    for one in paths:
        path = Path(one)
        name = path.stem.lower().replace("-", "").replace("_", "").replace(" ", "")
        rank = next((at for at, start in enumerate(_KNOWN) if name.startswith(start)), None)
        if rank is not None:
            heavy = any(word in name for word in ("bold", "black", "heavy", "light", "thin", "medium", "mono"))
            found.append((heavy, rank, len(name), str(path)))
    return [Path(path) for *_, path in sorted(found)]


def _faces(path: Path) -> Iterator[int]:
    """Indices of the faces inside a file, one drawn for simplified Chinese first."""
    from PIL import ImageFont

    names: list[str] = []
    for index in range(16 if path.suffix.lower() in (".ttc", ".otc") else 1):
        try:
            names.append(" ".join(filter(None, ImageFont.truetype(str(path), 12, index=index).getname())))
        except OSError:
            break
    order = sorted(range(len(names)), key=lambda at: (not any(mark in names[at] for mark in (" SC", "GB", "CN")), at))
    from matplotlib import font_manager

    yield from order if hasattr(font_manager, "FontPath") else order and [0]


def _characters(path: Path, index: int) -> set[int]:
    from matplotlib.ft2font import FT2Font

    try:
        face: Any = FT2Font(str(path), face_index=index) if index else FT2Font(str(path))
        return set(face.get_charmap())
    except (OSError, RuntimeError, TypeError):
        return set()
