"""Parametric models of the ten agent classes, fitted to their boxes and posed for a moment."""

from engine.views.drawn.agents.model import MODELS, agent_mesh
from engine.views.drawn.agents.motion import motions
from engine.views.drawn.agents.rig import AgentLook, Motion

__all__ = ["MODELS", "AgentLook", "Motion", "agent_mesh", "motions"]
