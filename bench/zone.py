"""A DNS zone of any size, and the configuration with which octoDNS plans it (octoDNS docs: YamlProvider)."""

import json
from pathlib import Path

NAME = "acme.com."
VALUES = 3


def write(folder: Path, size: int) -> None:
    """So many TXT records of three values each, to be planned from YAML to an empty YAML target."""
    for side in ("source", "target"):
        (folder / side).mkdir(parents=True)
    providers = {
        side: {
            "class": "octodns.provider.yaml.YamlProvider",
            "directory": str(folder / side),
            # The records are in order; looking whether they are would only cost time.
            "enforce_order": False,
        }
        for side in ("source", "target")
    }
    config = {"providers": providers, "zones": {NAME: {"sources": ["source"], "targets": ["target"]}}}
    (folder / "config.yaml").write_text(json.dumps(config), "utf-8")
    (folder / "source" / f"{NAME}yaml").write_text("".join(map(_record, range(size))), "utf-8")


def _record(number: int) -> str:
    values = "".join(f"  - value {number} {index}\n" for index in range(VALUES))
    return f"person-{number:06}:\n  type: TXT\n  values:\n{values}"
