"""Texts made to hide a line, against a second opinion: no line may count that the page does not show.

A text is a row of fragments of all that GitHub's Markdown knows, in every broken
spelling. Input number n of a seed is always the same text, so a failure is
looked at again with::

    python tests/fuzzing_lines.py --only n

Run as a script it goes through many inputs, prints what it saw, and exits 1
where a line counted that is not shown, or a text was read for too long.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from shown_lines import shown_lines

from reconciler.errors import ReconcilerError
from reconciler.github.body import allowances

SLOWEST = 2.0
"""Seconds of a processor that one text may take."""

LINE = f"Reconciler-Allow: t{{}}=1 digest={'ab12cd34' * 8}"
"""With its own number, so that a line which is shown never stands for another; no digest is longer."""

_MARK = "§"
"""Stands for a line until it gets its number."""


def _pieces(table: str) -> tuple[str, ...]:
    """What stands between broken bars."""
    return tuple(table.split("¦"))


BLANKS = _pieces("¦¦¦ ¦  ¦   ¦    ¦\t¦ \t¦\xa0¦\x0c¦\ufeff")
CONTAINERS = _pieces("- ¦-¦* ¦+\t¦1. ¦2. ¦10) ¦> ¦>¦>> ¦- - ¦- > ¦[^1]: ¦- [x] ")
FENCES = _pieces("```¦````¦~~~¦~~~~¦``¦~~¦```text¦``` a`b¦~~~ a`b¦``` ¦```\t¦```math")
COMMENTS = _pieces(
    "<!--¦-->¦<!-- a -->¦<!-->¦<!--->¦<!---->¦<!-- -- -->¦--!>¦<!-- --!>¦--->¦<!-- > -->¦<!-->-->¦"
    "<!--->-->¦<!-- <!-- -->¦<! -- a -->¦<!- a -->¦<!--§-->¦-- >¦<?¦?>¦<?a?>¦<!A¦<!a>¦<!DOCTYPE html>¦"
    "<![CDATA[¦]]>¦<!¦</¦</ a>¦</3>¦<3"
)
TAGS = _pieces(
    "<details>¦<summary>¦</summary>¦</details>¦<details open>¦<DETAILS\n>¦<details¦a <details>¦"
    "<script>¦</script>¦<style>¦<pre>¦</pre>¦<textarea>¦<title>¦<template>¦<svg>¦<math>¦<div hidden>¦"
    "<div>¦</div>¦<table>¦<td>¦</table>¦<select>¦<b>¦</b>¦<a href='¦'>¦<a title=\"¦\">¦<x-y>¦"
    "<plaintext>¦<frameset>¦</body>¦</html>¦<head>¦<form>¦<noscript>¦<iframe>¦<p¦</p>¦<br>¦&lt;!--¦"
    "\\<!--¦<https://example.com>¦<https://a b>¦<me@example.com>¦<https://<b>¦`<b>`¦`` <!-- ``¦<a\\>"
)
WORDS = _pieces(
    'text¦# heading¦#¦===¦---¦***¦- - -¦=¦-¦a\\¦a  ¦`¦``¦`a¦**¦~~¦_¦[a]: /url¦[a]: /url "¦"¦[a]: <¦'
    "[a]:¦/url¦[a]: /url 'b¦')¦[a](¦![a](/url '¦[a][¦]¦[^1]¦[^1]:¦[^1]: a¦[^]: a¦[^a b]: c¦| a | b |¦"
    "|-|-|¦a|b¦:-¦-|-¦|a|¦|-|¦|¦$$¦$¦\\$$¦$`¦`$¦\\begin{a}¦\\(¦\x00¦\x0b¦\x1b¦\x85¦\u2028¦\u200b¦"
    "\u202e¦www.example.com¦@ada¦&amp;¦&#60;!--¦&lt;details>¦:tada:¦+++¦:::¦%%"
)
ENDS = _pieces("\n¦\n¦\n¦\n\n¦\n\n¦\r\n¦\r\n\r\n¦\r¦\n \n¦\n\t\n¦¦ ¦\n\xa0\n¦\n\x0c\n¦\n\x0b\n¦\x85¦\u2028")
BLOCKS = _pieces(
    "text¦# heading¦- a¦- a\n  b¦1. a¦2. a¦> a¦---¦    a¦a|b\n-|-\nc|d¦[a]: /url¦```\na\n```¦"
    "~~~\na\n~~~¦<!-- a -->¦<!--\na\n-->¦[^1]: a¦[^1]:¦- ```\n  a\n  ```¦a"
)
DEEP = ("> " * 30, "- " * 30, "1. " * 12, "[" * 40, " " * 60)
ASKING = _pieces("\n\n§\n\n¦\n\n§\n\n¦\n§\n§\n\n¦\r\r§\r\n\r\n¦\n§\n¦ §\n¦   §\n¦§")
PIECES = (*BLANKS, *CONTAINERS, *DEEP, *FENCES, *COMMENTS, *TAGS, *WORDS, *ENDS, *BLOCKS, *ASKING)
POOLS = (FENCES, FENCES, COMMENTS, TAGS, WORDS, BLOCKS, BLOCKS, DEEP)


def fragment(rng: random.Random, pools: Sequence[Sequence[str]], *, is_odd: bool) -> str:
    """A line of a text, or a piece of one; lines that ask for something are marks still."""
    if rng.random() < 0.2:
        return rng.choice(ASKING if is_odd else ASKING[:2])
    before = rng.choice(BLANKS if is_odd else BLANKS[:9])
    containers = "".join(rng.choices(CONTAINERS, k=rng.choice((0, 0, 0, 0, 1, 1, 2))))
    piece = rng.choice(BLANKS[:6]) + rng.choice(rng.choice(pools))
    return before + containers + piece + rng.choice(ENDS if is_odd else ENDS[:12])


def numbered(text: str) -> str:
    """The text with its marks as lines, each with a number of its own."""
    first, *rest = text.split(_MARK)
    return first + "".join(LINE.format(at) + part for at, part in enumerate(rest))


def document(seed: int, number: int) -> str:
    """One text, of a few pools only: most hold one kind of doubt, and are not refused for another."""
    rng = random.Random(f"{seed}/{number}")  # noqa: S311 (chance that can be repeated is the point)
    pools = rng.sample(POOLS, k=rng.choice((1, 1, 2, 2, 3, len(POOLS))))
    is_odd = rng.random() < 0.25
    parts = [fragment(rng, pools, is_odd=is_odd) for _ in range(rng.choice((1, 2, 3, 4, 6, 9)))]
    return numbered("".join(parts) + rng.choice(("", f"\n\n{_MARK}", f"\n\n{_MARK}\n")))


def hidden(text: str) -> tuple[int, list[str]]:
    """How many lines count, and which of them the page does not show; -1 where the text is refused."""
    try:
        counted = [LINE.format(target.removeprefix("t")) for target in allowances(text)]
    except ReconcilerError:
        return -1, []
    shown = shown_lines(text) if counted else set()
    return len(counted), [line for line in counted if line not in shown]


def run(numbers: Sequence[int], seed: int) -> tuple[Counter[str], list[str]]:
    """What became of these texts, and what was wrong with them."""
    outcomes: Counter[str] = Counter()
    failures = []
    for number in numbers:
        text = document(seed, number)
        began = time.process_time()
        count, wrong = hidden(text)
        if time.process_time() - began > SLOWEST:
            failures.append(f"input {number}: too slow")
        if wrong:
            failures.append(f"input {number}: {wrong} of {text!r}")
        outcomes["refused" if count < 0 else "nothing counts" if not count else "a line counts"] += 1
    return outcomes, failures


def main() -> int:
    parser = argparse.ArgumentParser(description="Hide lines from the reader of pull requests' texts.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="examine this input alone")
    asked = parser.parse_args()
    if asked.only is not None:
        sys.stdout.write(f"{document(asked.seed, asked.only)}\n")
    numbers = range(asked.inputs) if asked.only is None else [asked.only]
    began = time.monotonic()
    outcomes, failures = run(numbers, asked.seed)
    lines = [f"{count:>7} {outcome}" for outcome, count in outcomes.most_common()]
    lines += [f"{len(failures):>7} failures", *failures[:20]]
    lines.append(f"{len(numbers)} texts of seed {asked.seed} in {time.monotonic() - began:.0f} s")
    sys.stdout.write("\n".join(lines) + "\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
