"""What was open before a region of known lines: read off the closers that have no opener in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.frontend.fragment import Token

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
PARENS = frozenset("call head for0 for1 index asm".split())
_JUMPS = frozenset("return goto break continue".split())
_NO_TYPES = _JUMPS | frozenset("else case sizeof if for while switch do".split())
_BEGIN_STATEMENTS = frozenset("{ ++ -- * (".split())  # first on a line behind a ``)``


@dataclass(slots=True)
class Facts:
    """What is seen at one depth between two leading closers.

    ``cases`` is the indent of its case labels, -1 for none. ``indents`` are those of the lines that its statements
    begin; ``jumps``: the first one leaves. ``orphan``: an ``else`` follows the first one, which is no ``if``.
    ``ternary``: the first one has a ``:`` whose ``?`` is hidden. ``constraints``: it has the colons of inline assembly.
    ``begun`` is the first word of the last statement, ``length`` its number of words, ``questions`` its open ``?``.
    """

    cases: int = -1
    designators: bool = False
    semicolons: int = 0
    indents: list[int] = field(default_factory=list)
    jumps: bool = False
    orphan: bool = False
    ternary: bool = False
    constraints: bool = False
    begun: str = ""
    length: int = 0
    questions: int = 0

    def begin(self, token: Token) -> None:
        """A statement begins."""
        word = token.word
        if word == "else":
            self.orphan = self.orphan or (len(self.indents) < 2 and self.begun not in ("if", "else"))
        else:
            self.jumps = self.jumps or (not self.indents and word in _JUMPS)
            self.indents += [token.indent] if token.first or not self.indents else []
        self.begun, self.length, self.questions = word, 0, 0


@dataclass(frozen=True, slots=True)
class Closer:
    """A closer without an opener.

    ``role`` is what it closes: ``if`` (with an else behind), block, do, switch, value, init, struct; call, head, for0,
    for1 (a ``for`` whose first or second part is hidden), index, asm; ``end`` for the brace in column 0 of a function,
    ``over`` for that of an aggregate (something follows on its line). ``then`` is the word behind.
    """

    role: str
    indent: int
    then: str


@dataclass(slots=True)
class Lead:
    """The words of a region up to the first that stands at file scope.

    ``closers``: innermost first. ``facts``: of each depth, one more than closers. ``anchor`` is the word in column 0
    at which it ends, "" when there is none; ``count``: how many words stand before it, ``last``: the last of them.
    ``ends``: a statement ends in it, at any depth. ``declares``: two names in a row stand before the first closer: a
    parameter. ``labelled``: it begins with a label. ``heading``: it begins with the name of a function; the line with
    its type is hidden. ``split``: it begins in one arm of a conditional and goes on with the other.
    """

    closers: list[Closer] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=lambda: [Facts()])
    anchor: str = ""
    count: int = 0
    first: str = ""
    last: str = ""
    indent: int = 0
    ends: bool = False
    declares: bool = False
    labelled: bool = False
    heading: bool = False
    split: bool = False

    @property
    def controlled(self) -> bool:
        """Whether the first statement hangs on a condition (or an ``else``) that is not known."""
        facts = self.facts[self.brackets]
        if self.brackets:
            return facts.orphan and self.closers[self.brackets - 1].role in ("call", "index")
        later = facts.indents[1:] if not (self.labelled or self.split or facts.ternary) else []
        return facts.orphan or (bool(later) and (facts.jumps or facts.indents[0] > min(later)))

    @property
    def hidden(self) -> list[Closer]:
        """The closers of what is open inside the function, innermost first, with one that is not in the region."""
        if self.anchor == "}":
            return self.closers[:-1]
        outer = self.facts[-1]
        role = "switch" if outer.cases >= 0 else "init" if outer.designators else "asm" if outer.constraints else ""
        return [*self.closers, *([Closer(role, max(outer.cases, 0), "")] if role else [])]

    @property
    def brackets(self) -> int:
        """How many of the closers end the statement that the region begins in."""
        return next((n for n, c in enumerate(self.closers) if c.role not in PARENS), len(self.closers))


def read_lead(found: list[Token]) -> Lead:
    """The closers, facts and anchor of a region."""
    return _Reader(found).read()


class _Reader:
    """Goes through the words of a region; ``starts``: the next word at the lowest depth begins a statement."""

    def __init__(self, found: list[Token]) -> None:
        self.found = found
        self.lead = Lead()
        self.depth = 0
        self.starts = True

    def word(self, index: int) -> str:
        """The word at an index, "" outside."""
        return self.found[index].word if 0 <= index < len(self.found) else ""

    def read(self) -> Lead:
        """All words up to the anchor."""
        lead, found = self.lead, self.found
        if not found:
            return lead
        lead.first, lead.indent = found[0].word, found[0].indent
        lead.labelled = self.labels(0)
        lead.heading = found[0].margin and self.word(1) == "(" and self.behind(1) == "{"
        for index, token in enumerate(found):
            if token.margin and self.anchors(index):
                lead.anchor = token.word
                if token.word == "}":
                    same_line = index + 1 < len(found) and not found[index + 1].first
                    lead.closers.append(Closer("over" if same_line else "end", 0, self.word(index + 1)))
                break
            self.note(index)
        return lead

    def anchors(self, index: int) -> bool:
        """Whether a word in column 0 shows where file scope is."""
        word = self.word(index)
        if word in "{}":
            return True
        return self.depth == 0 and self.word(index + 1) != ":" and (word[0].isalpha() or word[0] in "_)")

    def note(self, index: int) -> None:
        """Take in one word."""
        lead, word = self.lead, self.word(index)
        lead.count += 1
        lead.last = word
        lead.ends = lead.ends or word == ";"
        if self.depth == 0 and not lead.closers and not lead.declares:
            lead.declares = self.declares(index)
        if word in _CLOSING:
            self.close(index)
            return
        if self.depth == 0:
            self.starts = self.statement(index)
        self.depth += word in _OPENING

    def close(self, index: int) -> None:
        """A closing bracket."""
        lead, word = self.lead, self.word(index)
        if self.depth:
            self.depth -= 1
            self.starts = self.depth == 0 and word == "}"
            if self.starts and self.word(index + 1) == ",":
                lead.facts[-1].designators = True
            return
        lead.closers.append(Closer(self.role(index), self.found[index].indent, self.word(index + 1)))
        lead.facts.append(Facts())
        self.starts = word == "}"

    def declares(self, index: int) -> bool:
        """Whether a type and a name stand here, perhaps with stars between."""
        at = index - 1
        while self.word(at) == "*":
            at -= 1
        pair = (self.word(at), self.word(index))
        return all(w[:1].isalpha() or w[:1] == "_" for w in pair) and not _NO_TYPES & {*pair}

    def statement(self, index: int) -> bool:
        """Note a word at the lowest depth; whether the next one begins a statement."""
        facts, word, before = self.lead.facts[-1], self.word(index), self.word(index - 1)
        if word == ";":
            facts.semicolons += 1
            return True
        if word == ":":
            return self.colon(index, facts)
        if self.starts and self.labels(index):
            facts.cases = self.found[index].indent if word in ("case", "default") else facts.cases
            facts.begun, facts.length, facts.questions = "case", 0, 0
        elif self.starts:
            facts.begin(self.found[index])
        facts.length += 1
        facts.questions += word == "?"
        named = word == "[" or (word == "." and self.word(index + 2) in ("=", ".", "["))
        named = named or (word == "{" and self.word(index + 1) == ".")
        facts.constraints = facts.constraints or (word[0] == '"' and self.word(index + 1) == "(")
        facts.designators = facts.designators or (named and (self.starts or before in (",", "{")))
        return False

    def labels(self, index: int) -> bool:
        """Whether a label stands here: in column 0 or 1, unless it is a case."""
        token = self.found[index]
        return token.word in ("case", "default") or (self.word(index + 1) == ":" and token.first and token.indent < 2)

    def colon(self, index: int, facts: Facts) -> bool:
        """Whether a colon ends a label; else it belongs to a ``?``, or to inline assembly."""
        before, behind = self.word(index - 1), self.word(index + 1)
        if facts.questions:
            facts.questions -= 1
            return False
        if (
            facts.constraints
            or before == ":"
            or behind in (":", "[")
            or (behind[:1] == '"' and self.word(index + 2) == "(")
        ):
            facts.constraints = True
            return False
        if self.lead.declares and behind[:1].isdigit():
            return False
        if facts.begun == "case" or (facts.length == 1 and index > 1):
            return True
        if before == ")" and facts.begun.isupper() and facts.length == 2:
            facts.cases = facts.indents.pop() if facts.indents else self.found[index].indent
            return True
        facts.ternary = facts.ternary or (not facts.semicolons and len(self.lead.closers) == 0)
        return False

    def role(self, index: int) -> str:
        """What the closer at an index closes."""
        facts, then = self.lead.facts[-1], self.word(index + 1)
        if self.word(index) == "]":
            return "index"
        if self.word(index) == ")":
            return self.paren_role(index, facts, then)
        if facts.cases >= 0:
            return "switch"
        if then == "else":
            return "if"
        if (then[:1].isalpha() or then[:1] == "_") and then != "while" and not self.found[index + 1].first:
            return "struct"
        if then == "while" and self.behind(index + 2) == ";":
            return "do"
        if then == ")":
            return "value" if facts.semicolons else "init"
        if then == "," or facts.designators or (then == ";" and not facts.semicolons and facts.indents):
            return "init"
        return "block"

    def paren_role(self, index: int, facts: Facts, then: str) -> str:
        """The same for a parenthesis."""
        if facts.constraints:
            return "asm"
        if facts.semicolons:
            return "for0" if facts.semicolons > 1 else "for1"
        following = self.found[index + 1] if then else None
        begins = following is not None and following.first and then in _BEGIN_STATEMENTS
        return "head" if then == "{" or begins or then[:1].isalpha() or then[:1] == "_" else "call"

    def behind(self, index: int) -> str:
        """The word behind the parentheses that open at ``index``, ``;`` where they do not close."""
        depth = 0
        for at in range(index, len(self.found)):
            depth += (self.word(at) == "(") - (self.word(at) == ")")
            if depth <= 0:
                return self.word(at + 1) or ";"
        return ";"
