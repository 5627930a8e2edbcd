"""Validate, plan and apply as plain functions: the library's face.

Each takes a ``Target`` (see ``target.settings``) and hands back a value; printing,
asking and exit codes are the caller's.
"""

from reconciler.workflow.plans import plan, validate
from reconciler.workflow.proposal import Proposal, judge, propose
from reconciler.workflow.run import apply, locked, ran_by, record

__all__ = ["Proposal", "apply", "judge", "locked", "plan", "propose", "ran_by", "record", "validate"]
