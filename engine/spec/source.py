"""A source that somebody else wrote, and what is wrong with it in words: scenes that are imported and data that is learned from."""

from __future__ import annotations

from shapely.errors import GEOSException


class FormatError(ValueError):
    """A source that cannot be read: one sentence that names the file, what is wrong, and the next step."""


MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SystemError,
    TypeError,
    ValueError,
    GEOSException,
)
"""What reading a damaged source runs into, whatever the library."""


def what_is_wrong(error: BaseException) -> str:
    """The cause in a reader's words: the middle of a sentence, on one line."""
    said = " ".join(str(error).split()).rstrip(".")[:200]
    match error:
        case KeyError():
            return f"there is no {said}"
        case UnicodeError() | SystemError():
            return "it holds text that is none"
        case IndexError():
            return "a list in it is too short"
        case LookupError():
            return said
        case MemoryError() | OverflowError():
            return "it holds a number or a size that is too large"
        case RecursionError():
            return "it is nested too deeply"
        case EOFError():
            return "it ends too early"
        case GEOSException():
            return "it holds a shape that cannot be drawn"
        case ValueError() if said:
            return said
    return "a value in it is of another kind than its format wants"
