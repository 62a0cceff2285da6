"""The record that is extracted: for each field of Protocol what the source does there, and how that was decided."""

from __future__ import annotations

from dataclasses import dataclass, fields

from analyzer.core.finding import Step
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol, values

DECIDED, BOTH, ABSENT = "decided", "both", "absent"


@dataclass(frozen=True, slots=True)
class Decision:
    """One field. ``values``: what it may be; all of them where nothing was decided, the due one where the tree has no
    such layer. ``steps`` are the places that decided, ``why`` says it in words.
    """

    field: str
    how: str  # decided, both, absent
    values: tuple[str, ...]
    why: str
    steps: tuple[Step, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """The values that are not what the rules demand, where that was decided."""
        due = getattr(CORRECT, self.field)
        return tuple(v for v in self.values if v != due) if self.how != ABSENT else ()


def decided(field: str, value: str, why: str, *steps: Step) -> Decision:
    """A field that has one value."""
    return Decision(field, DECIDED, (value,), why, steps)


def both(field: str, why: str, *steps: Step, among: tuple[str, ...] = ()) -> Decision:
    """A field that was not decided; ``among`` the values that are left."""
    return Decision(field, BOTH, among or values()[field], why, steps)


def absent(field: str, why: str) -> Decision:
    """A field of a layer that the tree has not."""
    return Decision(field, ABSENT, (str(getattr(CORRECT, field)),), why)


@dataclass(frozen=True, slots=True)
class Layers:
    """What there is in a tree: huge private mappings, Dynamic PAMT, VM entry, mappings of VM_PFNMAP areas."""

    huge: bool
    pamt: bool
    entry: bool
    pfnmap: bool
    teardown: bool

    def words(self) -> str:
        """For people."""
        said = [name for name in ("huge", "pamt", "entry", "pfnmap", "teardown") if getattr(self, name)]
        return ", ".join(["base", *said])


@dataclass(frozen=True, slots=True)
class Record:
    """All decisions, in the order of Protocol."""

    layers: Layers
    decisions: tuple[Decision, ...]

    def __getitem__(self, field: str) -> Decision:
        return next(d for d in self.decisions if d.field == field)

    def undecided(self) -> dict[str, tuple[str, ...]]:
        """The choices of every field that is not as the rules demand, or not known to be."""
        due = {f.name: (f.default,) for f in fields(Protocol)}
        return {d.field: d.values for d in self.decisions if d.how != ABSENT and d.values != due[d.field]}
