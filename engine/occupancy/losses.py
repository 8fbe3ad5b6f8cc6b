"""The VAE's loss (paper 3.2): focal, Lovasz-Softmax and KL, on the voxels that matter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.spec.classes import AGENTS, CHANNEL, CHANNEL_TO_CLASSES, CLASS, CLASSES, FREE, SMALL_AGENTS

FAR_FREE_SHARE = 0.05
"""Share of free voxels far from matter that are looked at; the rest teach nothing and cost most."""
LOVASZ_VOXELS = 20_000
KL_WEIGHT = 1e-4
UNASKED_WEIGHT = 0.1
UNASKED_MARGIN = 4.0
"""Logits."""
VOLUME_TEMPERATURE = 0.3
VOLUME_LEAST = 100
"""Voxels of a class that a batch must hold before its volume is asked after."""
SHOWN_WEIGHT = 0.1
SHOWN_MARGIN = 1.0
"""Logits."""
AGENT_SHOWN_MARGIN = 4.0
"""Logits. A bollard is one column, and on streets unlike the procedural ones it was lost by one or two."""


class _Rows(torch.autograd.Function):
    """Rows of a matrix by distinct indices: the backward copies instead of accumulating, a fifth of a training step on a CPU."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.shape = matrix.shape
        return matrix.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (index,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.shape).index_copy_(0, index, gradient), None


def chosen_rows(features: Tensor, chosen: Tensor) -> Tensor:
    """features[chosen] for features (..., E) and a bool mask (...)."""
    return _Rows.apply(features.flatten(0, -2), chosen.flatten().nonzero().squeeze(1))  # type: ignore[no-any-return]


def voxels_that_matter(semantics: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bool (B, X, Y, Z), occupied voxels, their neighbours, and a few of the others; and of how many voxels each is one, float32."""
    occupied = (semantics != FREE).float().unsqueeze(1)
    near = F.max_pool3d(occupied, 3, 1, 1).squeeze(1) > 0
    chosen = torch.rand(semantics.shape, generator=generator, device=semantics.device) < FAR_FREE_SHARE
    return near | chosen, torch.where(near, 1.0, 1 / FAR_FREE_SHARE)


def small_agent_columns(layouts: Tensor) -> Tensor:
    """Float (B, X, Y, 1): 1 where a small agent is painted."""
    channels = [CHANNEL[name] for name in SMALL_AGENTS]
    return layouts[:, channels].amax(1).float().unsqueeze(-1)


def classes_out_of_reach(layouts: Tensor, cells: int) -> Tensor:
    """Bool (B, X, Y, 21): agent classes whose channel is painted nowhere within `cells` of a column."""
    near = F.max_pool2d(layouts[:, : len(AGENTS)].float(), 2 * cells + 1, 1, cells) > 0                # (B, 10, X, Y)
    out = torch.zeros(*near[:, 0].shape, len(CLASSES), dtype=torch.bool, device=layouts.device)
    out[..., [CLASS[name] for name in AGENTS]] = ~near.permute(0, 2, 3, 1)
    return out


def unasked(logits: Tensor, impossible: Tensor) -> Tensor:
    """How far impossible classes (n, 21) are from losing by UNASKED_MARGIN against all others together; mean over those that are not.

    The other terms see a bus in a truck's place as one wrong voxel among a million; to a user it is a second vehicle.
    """
    logits = logits.float()
    rest = logits.masked_fill(impossible, -torch.inf).logsumexp(-1, keepdim=True)
    short = F.relu(logits - rest + UNASKED_MARGIN)[impossible]
    return short.sum() / (short > 0).sum().clamp(min=1)


def unshown(logits: Tensor, painted: Tensor, target: Tensor) -> Tensor:
    """How far columns are from showing what is painted in them by SHOWN_MARGIN, agents by more; mean over those that are short of it.

    Logits (n, Z, 21), painted channels (n, 15), true classes (n, Z). A voxel's own loss is content with a road that is at this height
    half the time and at the next one the other half, and most likely at neither; to a user that is a hole. What the truth does not show
    (a walkway under a crossing) is not asked for.
    """
    logits, short = logits.float(), []
    for channel, labels in enumerate(CHANNEL_TO_CLASSES):
        shown = torch.isin(target, torch.tensor(sorted(labels), device=target.device)).any(1)          # (n,)
        asked = logits[painted[:, channel].bool() & shown]                                             # (m, Z, 21)
        rest = [label for label in range(len(CLASSES)) if label not in labels]
        ahead = asked[..., sorted(labels)].logsumexp(-1) - asked[..., rest].logsumexp(-1)              # (m, Z)
        margin = AGENT_SHOWN_MARGIN if channel < len(AGENTS) else SHOWN_MARGIN
        short.append(F.relu(margin - ahead.amax(1)))
    every = torch.cat(short)
    return every.sum() / (every > 0).sum().clamp(min=1)


def volume_error(logits: Tensor, target: Tensor, stands_for: Tensor) -> Tensor:
    """By what share of it each occupied class is drawn too large or too small, the mean over those that are there.

    Logits (n, 21), targets (n,), and how many voxels each of these stands for (n,). What counts is what would be drawn, the most likely
    class, so the probabilities are sharpened.
    """
    # No matrix product: autocast would count voxels in bfloat16.
    drawn = (stands_for[:, None] * (logits.float() / VOLUME_TEMPERATURE).softmax(-1)).sum(0)            # (21,)
    true = torch.zeros_like(drawn).index_add(0, target, stands_for)                                     # (21,)
    there = true > VOLUME_LEAST
    there[FREE] = False
    return ((drawn - true)[there].abs() / true[there]).sum() / there.sum().clamp(min=1)


def focal(logits: Tensor, target: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Weighted mean focal loss of logits (n, 21) for targets (n,)."""
    log_p = F.log_softmax(logits.float(), -1).gather(-1, target[:, None]).squeeze(-1)
    return (weight * (1 - log_p.exp()).pow(gamma) * -log_p).sum() / weight.sum()


def lovasz_softmax(logits: Tensor, target: Tensor) -> Tensor:
    """Mean Lovasz extension of the Jaccard loss over the classes that are present; logits (n, 21), targets (n,)."""
    probabilities = logits.float().softmax(-1)
    losses = []
    for label in target.unique().tolist():
        truth = (target == label).float()
        errors, order = (truth - probabilities[:, label]).abs().sort(descending=True)
        sorted_truth = truth[order]
        total = sorted_truth.sum()
        jaccard = 1 - (total - sorted_truth.cumsum(0)) / (total + (1 - sorted_truth).cumsum(0))
        gradient = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
        losses.append(errors @ gradient)
    return torch.stack(losses).mean()
