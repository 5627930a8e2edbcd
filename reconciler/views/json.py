"""An apply report for programs. A plan's own JSON is ``saved.to_json``."""

from dataclasses import asdict

from reconciler.jsontext import dump_json
from reconciler.report import Report

FORMAT_VERSION = 2


def report_json(report: Report) -> str:
    """The report as JSON text: what took place in numbers, and what became of every atom, with its reason.

    The id of what was created is the one that it got.
    """
    return dump_json(
        {
            "format_version": FORMAT_VERSION,
            "target": report.target,
            "run": report.run,
            "mandate": asdict(report.mandate),
            "journal": report.journal,
            "counts": report.counts,
            "requests": report.requests,
            "seconds": round(report.seconds, 3),
            "stopped": report.stopped,
            "interrupted": report.interrupted,
            "unrecorded": report.unrecorded,
            **({"unlogged": report.unlogged} if report.unlogged else {}),
            "outcomes": [
                {
                    "address": str(outcome.atom.address),
                    "id": outcome.atom.id or report.ids.get(outcome.atom.address),
                    "path": list(outcome.atom.path),
                    "before": outcome.atom.before,
                    "after": outcome.atom.after,
                    "status": outcome.status,
                    "reason": outcome.reason,
                }
                for outcome in report.outcomes
            ],
        }
    )
