"""Seeds of procedural worlds: which recipe learns from which, and which ones nothing learns from. A world is a function of its seed."""

from __future__ import annotations

ENCODED_SEED = 500_000_000
"""From here on: worlds of the sketch and its odds. Below lie those of the VAE and of single crops."""
GENERATED_SEED = 600_000_000
"""Worlds whose rollouts the decoder learns from."""
ABLATION_SEED = 700_000_000
"""Worlds of the paper's Tab. 4."""
PICTURE_SEED = 800_000_000
"""Worlds that are drawn for the view models."""
SEQUENCE_SEED = 900_000_000
"""Worlds whose sequences STOccDiT learns from."""
HELD_OUT_SEED = 1_000_000_000
"""Worlds from here on are never trained on."""
REFERENCE_SEED = HELD_OUT_SEED + 500_000_000
"""Held-out worlds that others are compared with: not those that a generator is asked for."""
HELD_OUT_PICTURE_SEED = HELD_OUT_SEED + PICTURE_SEED
"""Held-out worlds that are drawn."""
