"""Edits of clean code that change one field of the model's Protocol, with the value that is due."""

from __future__ import annotations

from dataclasses import dataclass

from tests.kernel.edits import Edit

MINI, REAL = "minikvm", "linux"
REMOVE, SPLIT, EXIT = "tdx_sept_remove_leaf_spte", "tdx_sept_split_leaf_spte", "tdx_handle_ept_violation"
KICK = "\tkvm_make_all_cpus_request(kvm, KVM_REQ_OUTSIDE_GUEST_MODE);\n"


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """A field, the value that the edited source gives it, and the edits; ``tree`` says of what."""

    tree: str
    field: str
    value: str
    edits: tuple[Edit, ...]
    also: tuple[str, ...] = ()  # fields that rightly change with it


def mini(field: str, value: str, *edits: Edit, also: str = "") -> FieldEdit:
    """An edit of corpus/trees/minikvm."""
    return FieldEdit(MINI, field, value, edits, tuple(also.split()))


def real(field: str, value: str, *edits: Edit, also: str = "") -> FieldEdit:
    """An edit of the real kernel."""
    return FieldEdit(REAL, field, value, edits, tuple(also.split()))


def anywhere(path: str, old: str, new: str) -> Edit:
    """An edit outside of functions."""
    return Edit(path, old, new)
