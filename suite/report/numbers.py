"""Numbers as people read them.

number(0.4213)      "0.421"
number(1.66e-21)    "1.7 × 10⁻²¹"
duration(250)       "4 min 10 s"
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MISSING = "n/a"


def number(value: float | None, *, signed: bool = False) -> str:
    """Show `value` with up to three decimals; very small and very large ones as powers of ten."""
    if value is None:
        return MISSING
    sign = _sign(value, signed)
    size = abs(value)
    if value != 0 and not 5e-4 <= size < 1e6:
        return sign + scientific(math.log10(size))
    decimals = 0
    if size < 10:
        decimals = 3
    elif size < 1000:
        decimals = 1
    return f"{sign}{size:.{decimals}f}"


def _sign(value: float, signed: bool) -> str:
    if value < 0:
        return "−"
    return "+" if signed and value > 0 else ""


def p_value(log10: float | None) -> str:
    """Show a p-value, given as log10 p because p itself underflows below 1e-308."""
    if log10 is None:
        return MISSING
    return f"{10**log10:.3f}" if log10 >= -3 else scientific(log10)


def scientific(log10: float) -> str:
    """Show 10 ** log10 as "1.7 × 10⁻²¹"."""
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    if mantissa == "10.0":  # 9.96 rounds up to the next power
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPT)}"


def percent(share: float) -> str:
    """Show a share in percent.

    "0 %" and "100 %" are exact; a share that is only near them is "<1 %" or ">99 %".
    """
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def compact(count: float) -> str:
    """Show a count: 950, 12.3 k, 4.56 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f}"


def memory(size: float) -> str:
    """Show a number of bytes."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def duration(seconds: float | None) -> str:
    """Show a time span."""
    if seconds is None:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
