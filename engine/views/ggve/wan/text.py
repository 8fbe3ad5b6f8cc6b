"""Prompts as Wan's transformer reads them: UMT5-XXL's states, zero behind the last word."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, UMT5EncoderModel

LENGTH = 512
"""Tokens that are read."""


def encode_prompts(folder: Path, prompts: Sequence[str], device: torch.device, dtype: torch.dtype) -> Tensor:
    """(N, LENGTH, E) on the CPU. The encoder, 11 GB of UMT5-XXL, is loaded for it and dropped."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=dtype, local_files_only=True).eval().to(device)
    try:
        return read(tokenizer, encoder, prompts).cpu()
    finally:
        del encoder
        if device.type == "cuda":
            torch.cuda.empty_cache()


@torch.no_grad()
def read(tokenizer: Any, encoder: Any, prompts: Sequence[str]) -> Tensor:
    """(N, LENGTH, E): as diffusers' pipelines prepare it."""
    tidy = [re.sub(r"\s+", " ", html.unescape(html.unescape(prompt))).strip() for prompt in prompts]
    told = tokenizer(tidy, padding="max_length", max_length=LENGTH, truncation=True, return_attention_mask=True, return_tensors="pt")
    mask = told.attention_mask.to(encoder.device)                                    # (N, LENGTH)
    states = encoder(told.input_ids.to(encoder.device), mask).last_hidden_state      # (N, LENGTH, E)
    return states * mask[..., None].to(states.dtype)
