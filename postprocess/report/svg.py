"""Static SVG drawings as text: elements whose texts are escaped, shortened names, and round numbers for axes.

The colours are classes of style.css, so that a drawing follows the light or the dark scheme.
"""

import math
import unicodedata

from markupsafe import Markup, escape

LETTER = 6.2  # pixels that a letter of a drawing takes on average
LABEL_LENGTH = 18  # letters of a name beside a drawing
ROUND = (1, 2, 2.5, 5, 10)  # the steps of an axis, times a power of ten


def element(tag: str, *content: str, **attributes: object) -> Markup:
    """Return an element. Texts among the content are escaped. `class_` and `text_anchor` are class and text-anchor."""
    written = [f' {name.rstrip("_").replace("_", "-")}="{escape(_brief(value))}"' for name, value in attributes.items()]
    return Markup(f"<{tag}{''.join(written)}>{''.join(map(escape, content))}</{tag}>")


def drawing(width: float, height: float, label: str, *parts: str, **attributes: object) -> Markup:
    """Return the drawing of these parts; label: what it shows, for those who cannot see it."""
    extent = {"viewBox": f"0 0 {_brief(width)} {_brief(height)}", "width": width, "height": height}
    return element("svg", *parts, **extent, role="img", aria_label=label, **attributes)


def text(words: str, x: float, y: float, *, anchor: str = "start", **attributes: object) -> Markup:
    """Return a text on its base line; anchor: start, middle or end of the text, which is at x."""
    return element("text", words, x=x, y=y, text_anchor=anchor, **attributes)


def name_beside(name: str, x: float, y: float, *, upright: bool = False) -> Markup:
    """Return a shortened name that ends at (x, y), with the whole name for the pointer. upright: it reads upwards."""
    turn = {"transform": f"rotate(-90 {_brief(x)} {_brief(y)})"} if upright else {}
    cut = short(name)
    title = [element("title", name)] if cut != name else []
    return element("text", *title, cut, x=x, y=y, text_anchor="end", **turn)


def short(name: str, length: int = LABEL_LENGTH) -> str:
    """Return a name that takes the space of at most so many letters; wide letters take that of two."""
    if letters(name[: length + 1]) <= length:
        return name
    name = name[: length - 1]  # each letter takes at least one place, and names may have millions
    while letters(name) > length - 1:
        name = name[:-1]
    return f"{name}…"


def letters(name: str) -> int:
    """Return the space that a name takes, in letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Return at most so many numbers from low to high, at equal and round steps."""
    if not high > low:
        return [low]
    least = (high - low) / most
    power = 10 ** math.floor(math.log10(least))
    step = next(each * power for each in ROUND if each * power >= least)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _brief(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
