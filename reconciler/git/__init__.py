"""The one door to git: ``process`` runs it, ``repository`` asks it."""

from reconciler.git.repository import Entry, Repository, Revision, fault_in_ref, find

__all__ = ["Entry", "Repository", "Revision", "fault_in_ref", "find"]
