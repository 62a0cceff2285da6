"""What calls mean to the model: the events of a flow, by the names of SEAMCALL wrappers, arch hooks and kernel helpers.

These are interfaces that outlive the code around them. Static helpers have no place here: what they do is followed.
"""

from __future__ import annotations

import re

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/tdx/*")

BLOCK, TRACK, REMOVE, DEMOTE = "tdh_mem_range_block", "tdh_mem_track", "tdh_mem_page_remove", "tdh_mem_page_demote"
AUG, ADD, SEPT_ADD = "tdh_mem_page_aug", "tdh_mem_page_add", "tdh_mem_sept_add"
RECLAIM, FREE_KEY, ENTER = "tdh_phymem_page_reclaim", "tdh_mng_key_freeid", "tdh_vp_enter"

# Events of model.md, section 5. Each SEAMCALL may fail; nothing else here is asked for its result.
SEAMCALLS = {
    BLOCK: "BLK", TRACK: "TRK", DEMOTE: "DEM", REMOVE: "REM", AUG: "AUG", ADD: "ADD", SEPT_ADD: "SADD",
    RECLAIM: "RECLAIM", FREE_KEY: "KEY",
}  # fmt: skip
KICK = {"kvm_make_all_cpus_request": "KICK"}
OUTSIDE = "KVM_REQ_OUTSIDE_GUEST_MODE"
COUNTER = {
    "kvm_mmu_invalidate_start": "B",
    "kvm_mmu_invalidate_begin": "B",
    "kvm_mmu_invalidate_end": "E",
}
ZAP = {"kvm_unmap_gfn_range": "Z", "kvm_tdp_mmu_unmap_gfn_range": "Z", "kvm_mmu_unmap_gfn_range": "Z"}
TRUNCATE = {
    **dict.fromkeys("truncate_inode_pages_range truncate_inode_pages truncate_inode_folio".split(), "TR"),
    **dict.fromkeys("truncate_pagecache_range truncate_setsize filemap_remove_folio".split(), "TR"),
}
FOLIO_SPLIT = dict.fromkeys("folio_split __folio_split split_folio split_folio_to_list split_huge_page".split(), "FS")
PFN = {"kvm_gmem_get_pfn": "PFN"}
HOST_PFN = {"__kvm_faultin_pfn": "HPFN", "kvm_faultin_pfn": "HPFN"}
SEQUENCE = "mmu_invalidate_seq"
BARRIERS = dict.fromkeys("smp_rmb smp_mb rmb mb virt_rmb virt_mb dma_rmb smp_mb__after_spinlock".split(), "BAR")
CHECK = dict.fromkeys("mmu_invalidate_retry_gfn mmu_invalidate_retry mmu_invalidate_retry_hva".split(), "CHK")
MAP = {"kvm_tdp_mmu_map": "MAP"}
MAP_PRIVATE = "kvm_tdp_mmu_map_private_pfn"
VALUE = {"kvm_tdp_mmu_write_spte": 2, "__kvm_tdp_mmu_write_spte": 1}  # the argument that is stored
WRITE = dict.fromkeys(VALUE, "ST")
EXCHANGE = dict.fromkeys("try_cmpxchg64 cmpxchg64 try_cmpxchg cmpxchg".split(), "XCHG")

ATTRIBUTES = "mem_attr_array"  # the field of struct kvm that holds them
STORES = re.compile(r"(^|_)(store|erase|cmpxchg|insert)(_|$)")
FROZEN = "FROZEN_SPTE"
FAULTS = {"kvm_mmu_page_fault": "PF", "kvm_mmu_do_page_fault": "PF"}
SMALL_SPTE = "make_small_spte"  # fills a table from a huge leaf: that is what makes a link a split
GMEM = "virt/kvm/guest_memfd.c"
EXTERNAL_OP, PRUNE_OP, LEVEL_OP = "set_external_spte", "free_external_spt", "gmem_max_mapping_level"
EXTERNAL = re.compile(r"external|mirror|sept_|private_spt")  # ops about external tables, by KVM's words for these
HKID_TEST = "is_hkid_assigned"
LOCK = "mmu_lock"
NULL_TEST, NULL_FUNCTION = "IS_KVM_NULL_FN", "kvm_null_fn"

# Dynamic PAMT: what brings the pages of a range in and out, by wrapper and by leaf; the status of pages that are in.
PAMT_ADD = frozenset(("tdh_phymem_pamt_add", "TDH_PHYMEM_PAMT_ADD"))
PAMT_REMOVE = frozenset(("tdh_phymem_pamt_remove", "TDH_PHYMEM_PAMT_REMOVE"))
DEMOTE_LEAF = "TDH_MEM_PAGE_DEMOTE"
NOT_FREE = "HPA_RANGE_NOT_FREE"
# Reads of a count, by the result that says zero: as it is, or that it has come to be so (with a lock taken or not).
READS = re.compile(r"^(?:atomic\w*|refcount)_(?:read\w*|(?:dec|sub|add|inc)_return\w*)$")
ZEROES = re.compile(r"^(?:atomic\w*|refcount)_(?:dec|sub)_and_test$")
ZEROES_LOCKED = re.compile(r"^\w*dec_and_(?:\w*lock\w*|mutex_lock)$")
# What caches of pages are made of.
LIST_OUT = frozenset("list_del list_del_init llist_del_first llist_del_all mempool_alloc".split())
LIST_IN = frozenset("list_add list_add_tail llist_add list_move list_splice list_splice_init mempool_free".split())
ALLOCATES = frozenset("alloc_page alloc_pages __get_free_page get_zeroed_page __get_free_pages folio_alloc".split())
FREES = frozenset("__free_page __free_pages free_page free_pages put_page folio_put".split())
# Steps of a walk of a table: from the root again, on from where it is, the entry read again.
WALK_AGAIN = dict.fromkeys("tdp_iter_start tdp_iter_restart kvm_tdp_mmu_read_spte".split(), "AGAIN")
WALK_ON = {"tdp_iter_next": "ON"}
YIELDED = "yielded"  # the field of an iterator that makes its next step one from the root
