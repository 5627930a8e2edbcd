"""Validate, plan and apply as plain functions: the library's face.

Each takes a ``Target`` (see ``target.settings``) and hands back a value; printing,
asking and exit codes are the caller's. ``docs/library.md`` shows a job that uses it.
"""

from reconciler.desired.code import desired_state
from reconciler.model import Address, DesiredState, Group, User, group_address, user_address
from reconciler.plan import Plan
from reconciler.report import Mandate, Report
from reconciler.target.session import Session, connect
from reconciler.target.settings import Target, load_targets
from reconciler.workflow.options import Options
from reconciler.workflow.plans import plan, validate
from reconciler.workflow.proposal import Proposal, guarded, propose
from reconciler.workflow.run import apply, locked, ran_by, record

__all__ = [
    "Address",
    "DesiredState",
    "Group",
    "Mandate",
    "Options",
    "Plan",
    "Proposal",
    "Report",
    "Session",
    "Target",
    "User",
    "apply",
    "connect",
    "desired_state",
    "group_address",
    "guarded",
    "load_targets",
    "locked",
    "plan",
    "propose",
    "ran_by",
    "record",
    "user_address",
    "validate",
]
