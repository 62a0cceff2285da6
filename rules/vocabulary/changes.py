"""Calls that change lasting state: memory, lists, caches, reference counts and counters (rules.md, 17)."""

import re

from analyzer.author import Call, Delta, Vocabulary, last_name

_GIVES_MEMORY = re.compile(
    r"^(?:k[mz]alloc\w*|kcalloc\w*|kv[mz]alloc\w*|v[mz]alloc\w*|alloc_pages?\w*|__get_free_pages?\w*"
    r"|get_zeroed_page\w*|kmem_cache_z?alloc\w*|__alloc_pages?\w*|folio_alloc\w*)$"
)
_TAKES_MEMORY = re.compile(
    r"^(?:kfree\w*|kvfree\w*|vfree|__?free_pages?\w*|free_pages?\w*|kmem_cache_free|put_page|"
    r"__folio_free\w*)$"
)
_FROM_LIST = frozenset(
    "list_del list_del_init list_del_rcu llist_del_first llist_del_all __list_del_entry "
    "hlist_del hlist_del_init xa_erase kfifo_get idr_remove".split()
)
_TO_LIST = frozenset(
    "list_add list_add_tail list_move list_move_tail llist_add hlist_add_head list_splice "
    "list_splice_init xa_store kfifo_put".split()
)
_UP = re.compile(
    r"^(?:atomic(?:64|_long)?_(?:inc|add)\w*|refcount_(?:inc|add)\w*|kref_get\w*|get_page|folio_get|kvm_get_kvm|"
    r"percpu_ref_get|this_cpu_inc|percpu_counter_inc)$"
)
_DOWN = re.compile(
    r"^(?:atomic(?:64|_long)?_(?:dec|sub)\w*|refcount_(?:dec|sub)\w*|kref_put|folio_put|kvm_put_kvm|"
    r"percpu_ref_put|this_cpu_dec|percpu_counter_dec)$"
)
# A flag that is tested and taken in one, and what gives it back -> the argument that has it.
_FLAGS_TAKEN = {"test_and_clear_bit": 1, "__test_and_clear_bit": 1, "test_and_clear_bit_lock": 1}
_FLAGS_GIVEN = {"set_bit": 1, "__set_bit": 1, "test_and_set_bit": 1}
_CACHE = re.compile(r"cache|prealloc|pool|reserve", re.I)
_UNSEEN_TAKE = re.compile(r"(?:^|_)(?:alloc|dequeue|pop|take|consume)(?:_|$)")
_UNSEEN_GIVE = re.compile(r"(?:^|_)(?:free|release)(?:_|$)")
_UNSEEN_BACK = re.compile(r"(?:^|_)(?:enqueue|push|return|restore|give|refill|put)(?:_|$)")


def changes_of(call: Call, visible: bool) -> list[Delta]:
    """What a call changes; of a function that is not visible, its name tells."""
    name = call.callee
    if _UP.match(name) or _DOWN.match(name):
        sign = 1 if _UP.match(name) else -1
        arg = call.args[-1] if name.startswith(("atomic", "refcount")) and len(call.args) > 1 else None
        about = last_name(call.args[0] if arg is None or not last_name(arg) else arg) if call.args else ""
        return [Delta(f"count {about}", sign, f"{name}()")]
    if name in _FROM_LIST or name in _TO_LIST:
        return [Delta("list", -1 if name in _FROM_LIST else 1, f"{name}()")]
    if _GIVES_MEMORY.match(name):
        return [Delta("memory", 1, f"{name}()")]
    if _TAKES_MEMORY.match(name):
        return [Delta("memory", -1, f"{name}()")]
    if name == "kvm_mmu_memory_cache_alloc" and call.args:
        return [Delta(f"cache {last_name(call.args[0])}", -1, f"{name}()")]
    if name in _FLAGS_TAKEN or name in _FLAGS_GIVEN:
        place = call.args[_FLAGS_TAKEN.get(name, _FLAGS_GIVEN.get(name, 0))] if len(call.args) > 1 else None
        return [Delta(f"flag {last_name(place)}", -1 if name in _FLAGS_TAKEN else 1, f"{name}()")] if place else []
    if name.endswith("xchg") and len(call.args) == 2 and call.args[1].text in ("0", "false", "NULL"):
        return [Delta(f"flag {last_name(call.args[0])}", -1, f"{name}()")]
    return [] if visible else _by_name(call)


def _by_name(call: Call) -> list[Delta]:
    name = call.callee
    cache = next((n for a in call.args if (n := last_name(a)) and _CACHE.search(n)), "")
    if _UNSEEN_TAKE.search(name):
        return [Delta(f"cache {cache}", -1, f"{name}()") if cache else Delta("memory", 1, f"{name}()")]
    if cache and _UNSEEN_BACK.search(name):
        return [Delta(f"cache {cache}", 1, f"{name}()")]
    if _UNSEEN_GIVE.search(name):
        return [Delta(f"cache {cache}", 1, f"{name}()") if cache else Delta("memory", -1, f"{name}()")]
    if "pamt" in name and name.endswith(("_get", "_put")):
        return [Delta("pamt", 1 if name.endswith("_get") else -1, f"{name}()")]
    return []


VOCABULARY = Vocabulary()
