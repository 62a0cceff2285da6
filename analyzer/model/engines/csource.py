"""A machine as one C file: breadth-first search over bit-packed states in a growing hash table, exact."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.model.dialect import C, text
from analyzer.model.expr import TRUE, Assign, Effect
from analyzer.model.machine import Machine

HEAD = r"""
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
typedef struct { uint64_t w[NW]; } key;
static volatile sig_atomic_t stopped;
static void stop(int n) { (void)n; stopped = 1; }
"""

# The table holds indexes into the array of keys; both grow when full. A parent link is all that a path needs. New
# states wait in a short queue, in order, while the memory that decides about them is fetched.
BODY = r"""
static key *tab; static uint32_t *par, *slot, bad_at; static uint64_t mask, cnt, cap, trans; static int bad, full;
static inline uint64_t hash(const key *k) {
  uint64_t x = 0x9e3779b97f4a7c15ull;
  for (int i = 0; i < NW; i++) { x ^= k->w[i]; x *= 0xff51afd7ed558ccdull; x ^= x >> 32; }
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 29);
}
static int grow_keys(void) {
  uint64_t more = cap + cap / 2;
  key *t = realloc(tab, more * sizeof *tab);
  if (t) tab = t;
  uint32_t *p = t ? realloc(par, more * sizeof *par) : 0;
  if (!p || more > 0xfffffffeull) return 0;
  par = p; cap = more; return 1;
}
static int grow_slots(void) {
  uint64_t size = (mask + 1) * 2; uint32_t *s = calloc(size, sizeof *s);
  if (!s) return 0;
  free(slot); slot = s; mask = size - 1;
  for (uint64_t n = 0; n < cnt; n++) {
    uint64_t i = hash(&tab[n]) & mask;
    while (slot[i]) i = (i + 1) & mask;
    slot[i] = (uint32_t)(n + 1);
  }
  return 1;
}
static int add(const key *k, uint64_t h, uint32_t parent) {
  uint64_t i = h & mask;
  while (slot[i]) { if (!memcmp(&tab[slot[i] - 1], k, sizeof *k)) return 0; i = (i + 1) & mask; }
  if (cnt == cap && !grow_keys()) { full = 1; return 0; }
  tab[cnt] = *k; par[cnt] = parent; slot[i] = (uint32_t)++cnt;
  if (cnt * 8 > (mask + 1) * 7 && !grow_slots()) full = 1;
  return 1;
}
static struct { key k; uint64_t h; uint32_t parent; } wait[WAIT];
static int waiting;
static void flush(void) {
  for (int n = 0; n < waiting; n++) { uint32_t x = slot[wait[n].h & mask]; if (x) __builtin_prefetch(&tab[x - 1]); }
  for (int n = 0; n < waiting && !bad && !full; n++) if (add(&wait[n].k, wait[n].h, wait[n].parent)) {
    uint8_t v[NV]; unpack(&wait[n].k, v);
    int b = check(v);
    if (b) { bad = b; bad_at = (uint32_t)(cnt - 1); }
  }
  waiting = 0;
}
static inline void reached(uint8_t *v, uint32_t at) {
  if (waiting == WAIT) flush();
  trans++;
  order(v); pack(v, &wait[waiting].k);
  wait[waiting].parent = at;
  __builtin_prefetch(&slot[(wait[waiting].h = hash(&wait[waiting].k)) & mask]);
  waiting++;
}
"""

MAIN = r"""
int main(int argc, char **argv) {
  uint64_t limit = argc > 1 ? strtoull(argv[1], 0, 10) : ~0ull;
  signal(SIGINT, stop); signal(SIGTERM, stop);
  cap = 1 << 16; mask = (1 << 17) - 1;
  tab = malloc(cap * sizeof *tab); par = malloc(cap * sizeof *par); slot = calloc(mask + 1, sizeof *slot);
  if (!tab || !par || !slot) return 3;
  struct timespec a, b; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  uint8_t v[NV] = INIT;
  reached(v, 0); flush(); trans = 0;
  uint64_t at = 0, level = 1, depth = 0;
  while (at < cnt && !bad && !stopped && !full) {
    expand((uint32_t)at++);
    if (at == level) flush();
    if (at == level && !bad) {
      if (cnt > level) depth++;
      level = cnt;
      printf("level %llu %llu\n", (unsigned long long)cnt, (unsigned long long)depth); fflush(stdout);
      if (cnt > limit) break;
    }
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  double s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
  double used = (double)(cnt * (sizeof *tab + sizeof *par) + (mask + 1) * sizeof *slot) / (double)cnt;
  printf("done %llu %llu %llu %.3f %d %d %.1f\n", (unsigned long long)cnt, (unsigned long long)trans,
         (unsigned long long)depth, s, at == cnt && !bad && !full, bad, used);
  if (bad) for (uint32_t x = bad_at;; x = par[x]) {
    uint8_t u[NV]; unpack(&tab[x], u); printf("state");
    for (int i = 0; i < NV; i++) printf(" %d", u[i]);
    printf("\n");
    if (!x) break;
  }
  return 0;
}
"""


def source(machine: Machine) -> str:
    """The C file."""
    words, places = _layout(machine)
    head = ["#define WAIT 64", f"#define NW {words}", f"#define NV {len(machine.variables)}", HEAD]
    init = ", ".join(str(value) for value in machine.init)
    tail = [BODY, *_expand(machine), MAIN.replace("INIT", f"{{{init}}}")]
    return "\n".join([*head, *_packing(machine, places), *_order(machine), *_check(machine), *tail])


def _layout(machine: Machine) -> tuple[int, list[tuple[int, int]]]:
    """Where each variable lies in the packed state: none straddles a word, wide ones go first."""
    places = [(0, 0)] * len(machine.variables)
    word = used = 0
    for n in sorted(range(len(places)), key=lambda n: -machine.variables[n].bits):
        bits = machine.variables[n].bits
        if used + bits > 64:
            word, used = word + 1, 0
        places[n] = (word, used)
        used += bits
    return word + 1, places


def _packing(machine: Machine, places: list[tuple[int, int]]) -> Iterator[str]:
    yield "static inline void pack(const uint8_t *v, key *k) { memset(k, 0, sizeof *k);"
    for n, (word, shift) in enumerate(places):
        yield f"  k->w[{word}] |= (uint64_t)v[{n}] << {shift};"
    yield "}\nstatic inline void unpack(const key *k, uint8_t *v) {"
    for n, (word, shift) in enumerate(places):
        yield f"  v[{n}] = (k->w[{word}] >> {shift}) & {(1 << machine.variables[n].bits) - 1};"
    yield "}"


def _order(machine: Machine) -> Iterator[str]:
    """Interchangeable blocks sorted by insertion, as bytes."""
    yield "static inline void order(uint8_t *v) {"
    blocks = machine.symmetric
    if len(blocks) > 1:
        low, width, count = blocks[0][0], len(blocks[0]), len(blocks)
        yield f"  uint8_t t[{width}]; uint8_t *b = v + {low};"
        yield f"  for (int i = 1; i < {count}; i++)"
        yield f"    for (int j = i; j && memcmp(b + {width} * j, b + {width} * (j - 1), {width}) < 0; j--) {{"
        yield f"      memcpy(t, b + {width} * j, {width}); memcpy(b + {width} * j, b + {width} * (j - 1), {width});"
        yield f"      memcpy(b + {width} * (j - 1), t, {width}); }}"
    else:
        yield "  (void)v;"
    yield "}"


def _check(machine: Machine) -> Iterator[str]:
    name = _names(machine, "v")
    yield "static int check(const uint8_t *v) {"
    for n, claim in enumerate(machine.claims):
        if claim.holds is not TRUE:
            yield f"  if (!{text(claim.holds, C, name)}) return {n + 1};"
    yield "  return 0; }"
    yield f"static int ends(const uint8_t *v) {{ (void)v; return {text(machine.may_end, C, name)}; }}"


def _expand(machine: Machine) -> Iterator[str]:
    yield "static void expand(uint32_t at) { uint8_t s[NV], v[NV]; uint64_t before = trans;"
    yield "  unpack(&tab[at], s); memcpy(v, s, NV);"
    name = _names(machine, "s")
    for actor in machine.actors:
        yield f"  switch ({name(actor.pc)}) {{"
        for place in range(len(actor.places)):
            moves = [m for m in machine.moves if m.actor == actor.name and m.at == place]
            if moves:
                yield f"  case {place}:"
            for move in moves:
                yield f"    if ({text(move.guard, C, name)}) {{"
                yield from _effects(machine, move.effects, 6)
                yield f"      {_names(machine, 'v')(actor.pc)} = {move.to}; reached(v, at); memcpy(v, s, NV); }}"
            if moves:
                yield "    break;"
        yield "  }"
    yield "  if (trans != before || ends(s)) return;"
    yield f"  flush(); if (!bad) {{ bad = {len(machine.claims) + 1}; bad_at = at; }} }}"


def _effects(machine: Machine, effects: tuple[Effect, ...], indent: int) -> Iterator[str]:
    name, pad = _names(machine, "v"), " " * indent
    for effect in effects:
        if isinstance(effect, Assign):
            yield f"{pad}{name(effect.name)} = {text(effect.value, C, name)};"
            continue
        yield f"{pad}if ({text(effect.test, C, name)}) {{"
        yield from _effects(machine, effect.then, indent + 2)
        if effect.otherwise:
            yield f"{pad}}} else {{"
            yield from _effects(machine, effect.otherwise, indent + 2)
        yield f"{pad}}}"


class _names:
    """How a variable is called: an element of an array."""

    def __init__(self, machine: Machine, array: str) -> None:
        self.at = {v.name: f"{array}[{n}]" for n, v in enumerate(machine.variables)}

    def __call__(self, name: str) -> str:
        return self.at[name]
