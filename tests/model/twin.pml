/* The model once more, written by hand: 2 pages, 2 vCPUs (or one, with -DONE), converter and zapper.
 * It guards against errors of translation: its counts must be those of the generated models plus its init steps.
 *
 *   spin -a [-DONE] [-DMUT_x] twin.pml && cc -O2 -DSAFETY -DNOREDUCE pan.c && ./a.out -m2000000 -w24
 *
 * MUT_SPLIT_READ  ACCEPT-level split under read mmu_lock, BUSY gives up without UNBLOCK
 * MUT_FOLIO_FIRST folio split before the S-EPT split
 * MUT_NO_TRACK    no TRACK and no kick between BLOCK and DEMOTE/REMOVE
 * MUT_DEMOTE_IGN  DEMOTE may fail, the mirror becomes a table all the same
 *
 * One atomic step per lock operation, SPTE write and SEAMCALL.
 */
#define N   2
#define NVC 2
/* mirror entry */
#define NONP   0
#define FROZEN 1
#define HUGE   2   /* top entry */
#define LEAF   2   /* 4K entry */
#define TABLE  3
/* S-EPT entry */
#define FREE 0
#define PEND 1
#define MAPD 2
#define PBLK 3
#define BLKD 4
#define NL   5

byte rd, wr;              /* mmu_lock: readers, writer id */
byte il;                  /* guest_memfd inode invalidate lock */
byte inprog;              /* mmu_invalidate_in_progress */
byte wz;                  /* wait_for_sept_zap */
byte bug, inh, pr, pin;   /* VM dead, guest inhibit, PAMT refcount, PAMT pages present */
byte folio = 1;           /* 1 huge, 0 split */
byte top, sh, ah;         /* mirror 2M entry, S-EPT 2M entry, age of its block */
byte m[N], s[N], a[N], shared[N];
byte have[N] = 1;
byte g[NVC];              /* 0 out of guest mode, 1 current epoch, 2 previous epoch */
byte st[NVC];             /* stale: an invalidation ended since the snapshot */
byte tlb[4];              /* tlb[2*vcpu+page] */

#ifdef ONE
#define ALL_STALE st[0] = 1
#else
#define ALL_STALE st[0] = 1; st[1] = 1
#endif
#define ANYIN  (g[0] != 0 || g[1] != 0)
#define NOIN   (g[0] == 0 && g[1] == 0)
#define NOPREV (g[0] != 2 && g[1] != 2)
#define MIXED  (shared[1] != shared[0])
#define TRACKED(x) (x == 2 || (x == 1 && NOPREV))
#define BLOCKED(x) (x == PBLK || x == BLKD)
#define LEAF2M (sh >= PEND && sh <= BLKD)
#define OWNED(i) (LEAF2M || s[i] != FREE)
#define TLBOK(k,i) (tlb[2*k+i] == 0 || sh == MAPD || sh == BLKD || (sh == NL && (s[i] == MAPD || s[i] == BLKD)))
#define QUIET (rd == 0 && wr == 0)
#define AGREE1(i) ((m[i] == LEAF) == (s[i] == PEND || s[i] == MAPD) && (m[i] == NONP) == (s[i] == FREE) && m[i] != FROZEN)

#define I1 (TLBOK(0,0) && TLBOK(0,1) && TLBOK(1,0) && TLBOK(1,1))
#define I2 (((shared[0]==0 && have[0]) || !OWNED(0)) && ((shared[1]==0 && have[1]) || !OWNED(1)))
#define I3 (!LEAF2M || folio)
#define I4 (!QUIET || ((top == HUGE) == (sh == PEND || sh == MAPD) && (top == TABLE) == (sh == NL) && \
            (top == NONP) == (sh == FREE) && top != FROZEN && AGREE1(0) && AGREE1(1)))
#define I5 (!QUIET || ((sh != NL || pr == (s[0] != FREE) + (s[1] != FREE)) && (sh == NL || pr == 0) && pin == (pr > 0)))
#define I6 (bug == 0)
#define CHECK assert(I1 && I2 && I3 && I4 && I5 && I6)

inline one_track(k) {
   if :: g[k] == 1 -> g[k] = 2
      :: g[k] == 0 -> tlb[2*k] = 0; tlb[2*k+1] = 0
      :: else fi
}
inline one_age(x, y) { if :: BLOCKED(x) && y < 2 -> y++ :: else fi }
inline do_track() {
   if :: NOPREV :: else -> bug = 4 fi;
   one_track(0);
#ifndef ONE
   one_track(1);
#endif
   one_age(sh, ah); one_age(s[0], a[0]); one_age(s[1], a[1])
}
inline do_block(x, y) {
   if :: x == PEND -> x = PBLK; y = 0
      :: x == MAPD -> x = BLKD; y = 0
      :: else -> bug = 3 fi
}
inline do_demote() {
   if :: !BLOCKED(sh) -> bug = 5
      :: BLOCKED(sh) && !TRACKED(ah) -> bug = 6
      :: else ->
         s[0] = (sh == PBLK -> PEND : MAPD); s[1] = s[0]; a[0] = 0; a[1] = 0;
         sh = NL; ah = 0; pr = N; pin = 1; top = TABLE; m[0] = LEAF; m[1] = LEAF
   fi
}
inline do_remove(i) {
   if :: !BLOCKED(s[i]) -> bug = 7
      :: BLOCKED(s[i]) && !TRACKED(a[i]) -> bug = 8
      :: else -> s[i] = FREE; a[i] = 0; m[i] = NONP;
         if :: pr == 0 -> bug = 11 :: else -> pr--; if :: pr == 0 -> pin = 0 :: else fi fi
   fi
}
inline do_remove2m() {
   if :: !BLOCKED(sh) -> bug = 7
      :: BLOCKED(sh) && !TRACKED(ah) -> bug = 8
      :: else -> sh = FREE; ah = 0; top = NONP
   fi
}
/* BLOCK -> TRACK -> kick -> last, each SEAMCALL with the one-retry BUSY rule */
#define TRY(op) if :: d_step { true -> op; CHECK } \
                   :: d_step { ANYIN -> wz = 1; CHECK }; d_step { NOIN -> op; wz = 0; CHECK } fi
#ifdef MUT_NO_TRACK
#define SEQ(x, y, op) TRY(do_block(x, y)); TRY(op)
#else
#define SEQ(x, y, op) TRY(do_block(x, y)); TRY(do_track()); d_step { NOPREV -> CHECK }; TRY(op)
#endif
#ifdef MUT_DEMOTE_IGN
#define DEMOTE_SEQ TRY(do_block(sh, ah)); TRY(do_track()); d_step { NOPREV -> CHECK }; \
   if :: d_step { true -> do_demote(); CHECK } \
      :: d_step { ANYIN -> wz = 1; CHECK }; d_step { NOIN -> do_demote(); wz = 0; CHECK } \
      :: d_step { true -> top = TABLE; m[0] = LEAF; m[1] = LEAF; CHECK } fi
#else
#define DEMOTE_SEQ SEQ(sh, ah, do_demote())
#endif

#define LEAVE if :: g[k] == 2 -> tlb[2*k] = 0; tlb[2*k+1] = 0 :: else fi; g[k] = 0
#define UNMAPPED(i) (sh == FREE || BLOCKED(sh) || (sh == NL && (s[i] == FREE || BLOCKED(s[i]))))
#define RETRY rd--; st[k] = 0; lv = 0; CHECK
#define DONE  rd--; pg = 0; al = 0; st[k] = 0; lv = 0; CHECK
#define INGUEST(i) \
   :: d_step { sh == MAPD && tlb[2*k+i] == 0 -> tlb[2*k] = 1; tlb[2*k+1] = 1; CHECK }; goto inside \
   :: d_step { sh == NL && s[i] == MAPD && tlb[2*k+i] == 0 -> tlb[2*k+i] = 1; CHECK }; goto inside \
   :: d_step { sh == NL && s[i] == PEND -> s[i] = MAPD; CHECK }; goto inside \
   :: d_step { UNMAPPED(i) && tlb[2*k+i] == 0 -> LEAVE; pg = i; al = 0; CHECK }; goto fault \
   :: d_step { UNMAPPED(i) || sh == PEND -> LEAVE; pg = i; al = 1; CHECK }; goto fault

proctype vcpu(byte k) {
   byte pg, al, lv;
outside:
   if :: d_step { wz == 0 -> g[k] = 1; CHECK } fi;
inside:
   if
   :: d_step { true -> LEAVE; CHECK }; goto outside
   INGUEST(0)
   INGUEST(1)
   :: d_step { sh == PEND -> sh = MAPD; CHECK }; goto inside      /* 2M ACCEPT */
   fi;
fault:
   if
   :: d_step { !(al == 1 && inh == 0) -> CHECK }; goto snapshot
#ifndef MUT_SPLIT_READ
   :: d_step { al == 1 && inh == 0 && QUIET -> wr = k + 1; CHECK }; goto accept
#else
   :: d_step { al == 1 && inh == 0 && wr == 0 -> rd++; CHECK }; goto accept
#endif
   fi;
accept:
#ifndef MUT_SPLIT_READ
   if
   :: d_step { top == HUGE -> CHECK }; DEMOTE_SEQ; goto accept
   :: d_step { top != HUGE -> inh = 1; wr = 0; CHECK }; goto snapshot
   fi;
#else
   if
   :: d_step { top == HUGE -> CHECK };
      if :: d_step { true -> do_block(sh, ah); CHECK }
         :: d_step { ANYIN -> CHECK }; goto giveup fi;
      if :: d_step { true -> do_track(); CHECK }
         :: d_step { ANYIN -> CHECK }; goto giveup fi;
      d_step { NOPREV -> CHECK };
      if :: d_step { true -> do_demote(); CHECK }
         :: d_step { ANYIN -> CHECK } fi;
giveup:
      if :: d_step { true -> DONE } fi; goto outside
   :: d_step { top != HUGE -> inh = 1; rd--; CHECK }; goto snapshot
   fi;
#endif
snapshot:
   if
   :: d_step { shared[pg] == 0 -> st[k] = 0; CHECK }
   :: d_step { shared[pg] == 1 -> pg = 0; al = 0; st[k] = 0; lv = 0; CHECK }; goto outside
   fi;
   d_step { true ->                                                /* guest_memfd: pfn and order */
      if :: have[pg] == 0 ->
            if :: have[0] == 0 && have[1] == 0 -> folio = 1; have[0] = 1; have[1] = 1
               :: else -> have[pg] = 1 fi
         :: else fi;
      lv = (folio == 1 -> 2 : 1); CHECK };
   d_step { wr == 0 -> rd++; CHECK };
   if
   :: d_step { inprog > 0 || st[k] == 1 -> RETRY }; goto fault
   :: d_step { !(inprog > 0 || st[k] == 1) -> if :: inh == 1 || MIXED -> lv = 1 :: else fi; CHECK }
   fi;
walk:
   if
   :: d_step { top == FROZEN -> RETRY }; goto fault
   :: d_step { top == HUGE && lv == 2 -> DONE }; goto outside
   :: d_step { top == HUGE && lv == 1 -> bug = 9; DONE }; goto outside
   :: d_step { top == NONP && lv == 2 -> top = FROZEN; CHECK };
      if
      :: d_step { true -> if :: sh == FREE -> if :: pr == 0 -> sh = PEND :: else -> bug = 12 fi :: else -> bug = 1 fi; CHECK };
         d_step { true -> top = HUGE; DONE }; goto outside
      :: d_step { ANYIN -> top = NONP; RETRY }; goto fault
      fi
   :: d_step { top == NONP && lv == 1 -> top = FROZEN; CHECK };
      if
      :: d_step { true -> if :: sh == FREE -> sh = NL :: else -> bug = 2 fi; top = TABLE; CHECK }; goto walk
      :: d_step { ANYIN -> top = NONP; RETRY }; goto fault
      fi
   :: d_step { top == TABLE && m[pg] == FROZEN -> RETRY }; goto fault
   :: d_step { top == TABLE && m[pg] == LEAF -> DONE }; goto outside
   :: d_step { top == TABLE && m[pg] == NONP -> m[pg] = FROZEN; CHECK };
      if
      :: d_step { true -> if :: sh == NL && s[pg] == FREE -> s[pg] = PEND; pr++; pin = 1 :: else -> bug = 1 fi; CHECK };
         d_step { true -> m[pg] = LEAF; DONE }; goto outside
      :: d_step { ANYIN -> m[pg] = NONP; RETRY }; goto fault
      fi
   fi
}

proctype converter() {
idle:
   if :: d_step { il == 0 -> il = 1; CHECK } fi;
   if
   :: d_step { QUIET && shared[0] == 0 ->
#ifdef MUT_FOLIO_FIRST
         folio = 0;
#endif
         wr = 3; inprog++; CHECK }; goto to_shared
   :: d_step { QUIET && shared[0] == 1 -> wr = 3; inprog++; CHECK }; goto to_private
   fi;
to_shared:
   if
   :: d_step { top == HUGE -> CHECK }; DEMOTE_SEQ;
      if :: d_step { top == TABLE && m[0] == LEAF -> CHECK }; goto zap
         :: d_step { !(top == TABLE && m[0] == LEAF) -> CHECK }; goto zapped fi
   :: d_step { top == TABLE && m[0] == LEAF -> CHECK }; goto zap
   :: d_step { top != HUGE && !(top == TABLE && m[0] == LEAF) -> CHECK }; goto zapped
   fi;
zap:
   SEQ(s[0], a[0], do_remove(0));
zapped:
   if :: d_step { true -> wr = 0; CHECK } fi;
   d_step { true -> folio = 0; CHECK };
   d_step { true -> shared[0] = 1; CHECK };
   goto end;
to_private:
   if :: d_step { true -> wr = 0; CHECK } fi;
   d_step { true -> shared[0] = 0; CHECK };
end:
   if :: d_step { QUIET -> inprog--; ALL_STALE; CHECK } fi;
   d_step { true -> il = 0; CHECK };
   goto idle
}

proctype zapper() {
   byte whole, i;
idle:
   if
   :: d_step { il == 0 -> il = 2; whole = 0; CHECK }
   :: d_step { il == 0 -> il = 2; whole = 1; CHECK }
   fi;
   d_step { QUIET ->
#ifdef MUT_FOLIO_FIRST
      if :: whole == 0 -> folio = 0 :: else fi;
#endif
      wr = 4; inprog++; CHECK };
   if
   :: d_step { top == HUGE && whole == 0 -> CHECK }; DEMOTE_SEQ
   :: d_step { top == HUGE && whole == 1 -> CHECK }; SEQ(sh, ah, do_remove2m()); goto zapped
   :: d_step { top == TABLE -> i = 0; CHECK }
   :: d_step { top == NONP -> CHECK }; goto zapped
   fi;
next:
   if
   :: d_step { i == 0 && whole == 1 && m[0] == LEAF && top == TABLE -> CHECK }; SEQ(s[0], a[0], do_remove(0));
      d_step { true -> i++; CHECK }; goto next
   :: d_step { i == 0 && !(whole == 1 && m[0] == LEAF && top == TABLE) -> i++; CHECK }; goto next
   :: d_step { i == 1 && m[1] == LEAF && top == TABLE -> CHECK }; SEQ(s[1], a[1], do_remove(1));
      d_step { true -> i++; CHECK }; goto next
   :: d_step { i == 1 && !(m[1] == LEAF && top == TABLE) -> i++; CHECK }; goto next
   :: d_step { i == N -> i = 0; CHECK }
   fi;
zapped:
   if :: d_step { true -> wr = 0; CHECK } fi;
   d_step { true -> if :: whole == 0 -> folio = 0 :: else fi; CHECK };
   d_step { true -> folio = 0; have[1] = 0; if :: whole == 1 -> have[0] = 0 :: else fi; CHECK };
   d_step { QUIET -> inprog--; ALL_STALE; CHECK };
   d_step { true -> il = 0; whole = 0; CHECK };
   goto idle
}

init { atomic {
   run vcpu(0);
#ifndef ONE
   run vcpu(1);
#endif
   run converter(); run zapper()
} }
