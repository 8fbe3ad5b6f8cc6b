"""Fan-out: a stream of scenes becomes a folder of takes. `expand(plan)` says what there is to make, `run(...)` makes it, wherever it left off."""

from app.fanout.items import Expansion, Item, Refusal, expand
from app.fanout.plan import Plan, PlanError, Source, Wanted, plan_from, read_plan

__all__ = ["Expansion", "Item", "Plan", "PlanError", "Refusal", "Source", "Wanted", "expand", "plan_from", "read_plan"]
