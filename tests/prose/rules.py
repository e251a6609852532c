"""The rules for prose: checks of proselint, its own ones and those of this project.

A rule of this project matches a pattern that makes a sentence hard to read for people who learned
English as a second language. Its message says what to write instead.
"""

from __future__ import annotations

from proselint.checks import __register__ as checks_of_proselint
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags
from proselint.registry.checks.engine import Fancy, RegexOptions
from proselint.registry.checks.types import ExistenceSimple

OF_PROSELINT = (
    "lexical_illusions",
    "malapropisms",
    "mondegreens",
    "nonwords",
    "redundancy.ras_syndrome",
    "spelling",
)
"""The groups of proselint's checks that suit technical documentation."""

START = r"(?:\A\s*|[.!?:;] )"
"""The start of a sentence, or of a part of one."""


def rule(name: str, message: str, *patterns: str, ignores_case: bool = True) -> Check:
    """Return a check that reports each match of a regular expression.

    :param patterns: alternatives. A space also matches the end of a line.
    """
    pattern = "|".join(f"(?:{each})" for each in patterns).replace(" ", r"\s+")
    return Check(
        check_type=ExistenceSimple(pattern=pattern),
        engine=Fancy(RegexOptions(case_insensitive=ignores_case)),
        path=f"style.{name}",
        message=message,
        flags=CheckFlags(allow_quotes=True),
    )


RULES = (
    rule(
        "is_no",
        "'{}': write 'is not a …', or name what it is.",
        r"(?<!there\s)(?<!There\s)\b(?:is|are|was|were) no "
        r"(?!longer\b|more\b|different\b|less\b|other\b|way\b|need\b|reason\b|later\b)[a-z]",
        r"\bwhat (?:is|are) (?:no|none|not)\b",
        ignores_case=False,
    ),
    rule(
        "nothing_as_verb",
        "'{}': say what happens, such as 'is ignored'.",
        r"(?<![Tt]here\s)(?<!if\s)(?<!efault\s)\b(?:is|are|was) (?:none|nobody|nothing)\b"
        r"(?! of (?:the|these|those|our)\b)",
        ignores_case=False,
    ),
    rule("nobody", "'{}': make the thing the subject, not a missing person.", r"\bnobody(?:'s)?\b"),
    rule(
        "fronted_of",
        "'{}': do not start with 'Of'. Begin with the subject.",
        rf"{START}Of [a-z][^.:;]{{0,80}}[:;,]",
        ignores_case=False,
    ),
    rule(
        "who_as_subject",
        "'{}': name the subject: 'a user who …', 'a client that …'.",
        rf"{START}Who(?:ever)? (?!is \w+\?)[^?.,;]{{3,120}}[.,;]",
        r"\b(?:whoever|whosoever)\b",
    ),
    rule("trailing_too", "'{}': put 'also' before the verb.", r", too[.;:,)]", r"\bbesides[.;:)]"),
    rule(
        "double_genitive",
        "'{}': write 'a client request', not 'a request of a client's'.",
        r"\bof (?:the|an?) (?:project|client|provider|user|backend|frontend|browser|package|core"
        r"|request)'s\b(?! [a-z])",
        r"\bof (?:the|an?) \w+'s(?=[.,;:)]|\s*\Z)",
    ),
    rule(
        "inverted_order",
        "'{}': subject first, such as 'Counters are stored in …'.",
        rf"{START}(?:Counted|Kept|Stored|Left|Meant|Asked|Told|Said|Refused) (?:is|are)\b",
        ignores_case=False,
    ),
    rule(
        "told",
        "'{}': a program reports, returns or raises.",
        r"\b(?:is|are|was|were) told\b",
        r"\btells (?:so|it so)\b",
    ),
    rule(
        "word_for_word",
        "'{}' is translated word for word: write 'belongs in', 'replace with', 'differ'.",
        r"\bbelongs? into\b",
        r"\breplaces? (?:it|them|this|that) by\b",
        r"\b(?:are other ones|is another one)\b",
    ),
    rule(
        "term",
        "'{}': use the word of the glossary (handoff, ID token).",
        r"\bhand-offs?\b",
        r"\bID-token\b",
        r"\bredirect URL of the frontend\b",
    ),
)
RIDDLE = rule(
    "docstring",
    "'{}': say what the object is, or what the function does.",
    r"\A\s*(?:What|Which|Whose|Who) [^?]*\Z",
)
"""A rule for the first paragraph of a docstring."""


def configured() -> Config:
    """Register all checks at proselint; return the configuration that enables the chosen ones."""
    registry = CheckRegistry()
    registry.register_many((*checks_of_proselint, *RULES))
    checks = dict.fromkeys((*OF_PROSELINT, "style"), True)
    return Config(max_errors=DEFAULT["max_errors"], checks=checks)
