"""The words over shops and on posters: drawn once with the typeface that Pillow carries (Aileron, CC0), and kept as a small picture beside this file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SHOPS = (
    "CAFE", "BAKERY", "BOOKS", "PHARMACY", "FLOWERS", "GROCERY", "DELI", "BARBER", "PIZZA", "MARKET", "OPTICIAN", "TAILOR",
    "SHOES", "TOYS", "BISTRO", "CYCLES", "MUSIC", "JEWELLER", "HARDWARE", "LAUNDRY", "GALLERY", "TEA HOUSE", "PET SHOP",
)  # fmt: skip
"""Their number is prime: steps of any length name every one of them before one comes again."""
KIOSKS = ("COFFEE", "NEWS", "SNACKS", "ICE CREAM", "TICKETS")
SLOGANS = (
    ("WIDE OPEN", "THE HILLS BY TRAIN"), ("GO TO SEA", "THREE NIGHTS FROM 99"), ("ICE COLD", "PRESSED LEMONS"),
    ("WAKE UP", "FRESHLY ROASTED"), ("GO ELECTRIC", "DRIVE ONE TODAY"), ("SALE", "THIS WEEK ONLY"), ("JAZZ NIGHT", "CITY HALL AT EIGHT"),
)  # fmt: skip
"""What posters say, large and small, in the order of their designs (posters.py)."""
WORDS = SHOPS + KIOSKS + tuple(words for slogan in SLOGANS for words in slogan)
ROWS = 24
"""Texels of a capital's height."""
FILE = Path(__file__).with_name("sign_words.png")


def draw() -> tuple[np.ndarray, np.ndarray]:
    """All words side by side: coverage uint8 (ROWS, width), the top row first, and where each begins and the last ends, int64 (words + 1,)."""
    from PIL import Image, ImageDraw, ImageFont

    scale = 8
    font = ImageFont.load_default(round(scale * ROWS / 0.72))
    tiles = []
    for word in WORDS:
        left, top, right, bottom = font.getbbox("H", stroke_width=scale)
        width = round(font.getlength(word)) + 2 * scale + scale * len(word)
        tile = Image.new("L", (width, bottom - top))
        at, pen = scale, ImageDraw.Draw(tile)
        for letter in word:  # a little apart, as signs are written
            pen.text((at, -top), letter, 255, font, stroke_width=scale)
            at += round(font.getlength(letter)) + scale
        columns = np.flatnonzero(np.asarray(tile).any(axis=0))
        tile = tile.crop((int(columns[0]), 0, int(columns[-1]) + 1, tile.height))
        small = tile.resize((max(1, round(tile.width * ROWS / tile.height)), ROWS), Image.Resampling.BOX)
        tiles.append(np.asarray(small))
    return np.concatenate(tiles, axis=1), np.cumsum([0, *(tile.shape[1] for tile in tiles)])


def _kept() -> tuple[np.ndarray, np.ndarray]:
    """What `draw` drew once: its first row says where words begin, in pixels of a value other than 0."""
    from PIL import Image

    kept = np.asarray(Image.open(FILE))
    return kept[1:], np.append(np.flatnonzero(kept[0]), kept.shape[1])


def _summed(cover: np.ndarray) -> np.ndarray:
    """int32 (ROWS + 1, width + 1): sums of all texels below and to the left of a corner; row 0 is the foot of the letters."""
    table = np.zeros((cover.shape[0] + 1, cover.shape[1] + 1), np.int32)
    table[1:, 1:] = cover[::-1].astype(np.int64).cumsum(axis=0).cumsum(axis=1)
    return table


COVER, STARTS = _kept()
SUMS = _summed(COVER)

if __name__ == "__main__":
    from PIL import Image

    cover, starts = draw()
    head = np.zeros((1, cover.shape[1]), np.uint8)
    head[0, starts[:-1]] = 255
    Image.fromarray(np.concatenate([head, cover])).save(FILE, optimize=True)
