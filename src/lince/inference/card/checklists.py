"""Reporting checklists, filled as far as lince knows: numbers as published, paraphrases our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from lince.inference.card.facts import Facts
from lince.inference.card.words import Markdown, Words, joined


@final
@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist.

    Attributes
    ----------
    number
        As published.
    english, portuguese
        What it asks for, in our words.
    filled_by
        Names of the facts that answer it, all of them needed; none where only a person can.
    hints
        Names of facts that help a person with it without answering it.
    either
        Names of facts of which one is enough to answer it.
    """

    number: str
    english: str
    portuguese: str
    filled_by: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    either: tuple[str, ...] = ()

    def asked(self, language: str) -> str:
        """What it asks for."""
        return self.portuguese if language == "pt" else self.english

    def filled(self, facts: Facts) -> bool:
        """Whether the facts answer it."""
        whole = bool(self.filled_by) and all(name in facts for name in self.filled_by)
        return whole or any(name in facts for name in self.either)

    def known(self, facts: Facts) -> list[str]:
        """Names of the facts that say something about it."""
        return [name for name in dict.fromkeys((*self.filled_by, *self.either, *self.hints)) if name in facts]


@final
@dataclass(frozen=True, slots=True)
class Checklist:
    """A published checklist."""

    name: str
    source: str
    items: tuple[Item, ...]

    def lines(self, facts: Facts, places: Mapping[str, str], words: Words) -> Iterator[str]:
        """As a Markdown table under its heading, with a count of what is left to a person.

        ``places`` names the section of the card where each fact stands.
        """
        left = sum(not item.filled(facts) for item in self.items)
        yield from (f"### {self.name}", "", self.source, "")
        yield from (words.say("{left} of {n} items need a human.", left=left, n=len(self.items)), "")
        yield f"| | {words.say('Item')} | {words.say('Status')} | {words.say('What lince knows')} |"
        yield "|---|---|---|---|"
        told: dict[str, str] = {}
        for item in self.items:
            filled, known = item.filled(facts), item.known(facts)
            content = _content(known, facts, told, places, words)
            told |= {name: item.number for name in known if name not in told}
            status = words.say("**filled**" if filled else "needs a human")
            if known and not filled:
                content = words.say("Known so far: {told}", told=content)
            yield f"| {item.number} | {item.asked(words.language)} | {status} | {content} |"
        yield ""


def _content(
    known: Sequence[str], facts: Facts, told: Mapping[str, str], places: Mapping[str, str], words: Words
) -> Markdown:
    """Facts in full where they come first, with their sections; later only the items that have them."""
    fresh = [name for name in known if name not in told]
    parts = [facts[name] for name in fresh]
    if fresh:
        sections = joined("; ", dict.fromkeys(words.say(places[name]) for name in fresh))
        parts.append(Markdown(f"({sections})"))
    if before := joined(", ", dict.fromkeys(told[name] for name in known if name in told)):
        parts.append(words.say("see {numbers}", numbers=before))
    return joined(" ", parts)
