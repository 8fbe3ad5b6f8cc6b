"""XML from strangers: no document type, so no entities, no bombs and nothing fetched; and numbers that are numbers."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from editor.formats.report import FormatError


def read_xml(path: Path, wanted: str = "an OpenDRIVE .xodr file") -> Element:
    """The root element. Raises FormatError where the file is broken or declares a document type."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise FormatError(f"{path} declares a document type, which can hide an XML bomb: remove its <!DOCTYPE ...> and try again.")

    # The declaration comes before anything that could use it, so nothing is ever expanded.
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes)
    parser.EndElementHandler = builder.end
    try:
        parser.Parse(path.read_bytes(), True)
        return builder.close()
    except FormatError:
        raise
    except (expat.ExpatError, OSError, AssertionError, LookupError, ValueError) as error:
        raise FormatError(f"{path} is not a whole XML file ({error}): copy it again, or give {wanted}.") from error


def number(element: Element, name: str, default: float | None = None) -> float:
    """An attribute as a finite float; `default` where it is missing, FormatError where there is none or it is no number."""
    text = element.get(name)
    if text is None and default is not None:
        return default
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FormatError(f"<{element.tag}> has {name}='{text}' where OpenDRIVE needs a finite number: mend the file.")
    return value
