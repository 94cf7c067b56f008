/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * One step from a frame to its caller, by the tables of unwind_format.h. Compiled by clang for BPF,
 * where it walks live stacks, and by g++, where the tests walk recorded ones.
 *
 * Whoever includes this defines the two functions under "Provided by the includer".
 */
#ifndef BUNSEN_UNWIND_STEP_H
#define BUNSEN_UNWIND_STEP_H

#include "unwind_format.h"

#ifdef __cplusplus
#define BUNSEN_INLINE static inline
#define BUNSEN_OUTLINE static inline
#else
#define BUNSEN_INLINE static __attribute__((always_inline)) inline
/* Not static: the verifier then looks at it once, and not for each way that leads to it. */
#define BUNSEN_OUTLINE __attribute__((noinline))
#endif

/* Why a walk is over. Each has a counter, unwind_*. */
enum bunsen_unwind_end {
  BUNSEN_UNWIND_GOES_ON = 0,
  BUNSEN_UNWIND_COMPLETE,     /* reached the outermost frame */
  BUNSEN_UNWIND_UNMAPPED,     /* an address outside the known mappings */
  BUNSEN_UNWIND_UNKNOWN_RULE, /* BUNSEN_CFA_UNKNOWN, or a register that was lost on the way */
  BUNSEN_UNWIND_BAD_POINTER,  /* no rule, and no frame pointer either */
  BUNSEN_UNWIND_BAD_FRAME,    /* the caller's frame would not be above its callee's */
  BUNSEN_UNWIND_READ_FAILED,  /* the stack's memory is not there */
  BUNSEN_UNWIND_TRUNCATED,    /* the depth limit */
  BUNSEN_UNWIND_ABSENT,       /* rows that user space has yet to read */
};

#define BUNSEN_LOST_RBX (1u << 0)
#define BUNSEN_LOST_RBP (1u << 1)

/*
 * The registers of one frame, as far as unwinding needs them. Those that a callee saved are read
 * when they are needed, which most never are.
 */
struct bunsen_unwind_state {
  __u64 pc;
  __u64 sp;
  __u64 bp;
  __u64 bx;
  __u64 bp_at; /* where it is saved; 0: the value is in bp */
  __u64 bx_at;
  __u64 r10;
  __u32 lost; /* BUNSEN_LOST_* */
  /* The frame was interrupted at pc; otherwise pc is a return address, behind its call. */
  __u32 is_exact;
  __u32 is_leaf;
  __u32 used_frame_pointer; /* by the last step */
};

/* Provided by the includer. */

/* Returns the page, or NULL. */
BUNSEN_INLINE const struct bunsen_unwind_page *bunsen_unwind_page_at(__u32 id);

/* Reads a word of the process' memory. Returns 0 if that succeeded. */
BUNSEN_INLINE long bunsen_unwind_read(__u64 *word, __u64 address);

/*
 * 1 if left <= right, for values below 2^63. No branch: at one, the verifier would follow both ways
 * of each step of a binary search, a million in all. The first barrier keeps compilers from making
 * one. The second one hides from them that the result is a single bit: they would add it to a sum
 * by an OR, of which verifiers before Linux 6.10 do not know that it stays within bounds.
 */
BUNSEN_INLINE __u32 bunsen_unwind_at_most(__u64 left, __u64 right) {
  __u64 difference = left - right - 1;
  __asm__ volatile("" : "+r"(difference));
  __u64 sign = difference >> 63;
  __asm__ volatile("" : "+r"(sign));
  return (__u32)sign;
}

/* Returns the last of the rows that does not start behind `at`; the first if there is none. */
BUNSEN_INLINE __u32 bunsen_unwind_find_row(const struct bunsen_unwind_page *page, __u32 at) {
  __u32 group = 0;
  for (__u32 half = BUNSEN_UNWIND_GROUPS / 2; half > 0; half /= 2)
    group += half * bunsen_unwind_at_most(page->group_start[group + half], at);
  __u32 row = group * BUNSEN_UNWIND_GROUP_ROWS;
  for (__u32 half = (BUNSEN_UNWIND_GROUP_ROWS + 1) / 2; half > 0; half /= 2)
    row += half * bunsen_unwind_at_most(page->start[row + half], at);
  return row;
}

/* Returns the mapping that holds the address, or NULL. */
BUNSEN_INLINE const struct bunsen_unwind_mapping *bunsen_unwind_find_mapping(
    const struct bunsen_unwind_process *process, __u64 address) {
  if (address >> 63) return 0;
  __u32 found = 0;
  for (__u32 half = BUNSEN_UNWIND_MAX_MAPPINGS / 2; half > 0; half /= 2)
    found += half * bunsen_unwind_at_most(
                        process->mapping[(found + half) & (BUNSEN_UNWIND_MAX_MAPPINGS - 1)].start,
                        address);
  const struct bunsen_unwind_mapping *mapping =
      &process->mapping[found & (BUNSEN_UNWIND_MAX_MAPPINGS - 1)];
  if (address < mapping->start) return 0;
  return address - mapping->start < (__u64)mapping->pages << 12 ? mapping : 0;
}

/*
 * Returns the rule for a place in a module, as a bunsen_unwind_value; BUNSEN_CFA_NONE where no row
 * holds it, which is 0.
 */
BUNSEN_OUTLINE __u32 bunsen_unwind_find_rule(__u32 root, __u32 height, __u32 at) {
  __u32 id = root;
  /* Unrolled, since a loop's counter may be spilled, and then the verifier sees no end to it. */
#pragma GCC unroll 3
  for (__u32 level = 1; level <= BUNSEN_UNWIND_MAX_HEIGHT; level++) {
    const struct bunsen_unwind_page *page = bunsen_unwind_page_at(id);
    if (!page) return 0;
    __u32 row = bunsen_unwind_find_row(page, at);
    if (page->start[row] > at) return 0;
    id = page->value[row].page;
    if (level == height) return id;
  }
  return 0;
}

/* Makes *value the register's. Returns 0 if it could be read. */
BUNSEN_INLINE long bunsen_unwind_load(__u64 *value, __u64 *saved_at) {
  if (*saved_at && bunsen_unwind_read(value, *saved_at)) return -1;
  *saved_at = 0;
  return 0;
}

/* The layout of the signal frame is the kernel's: struct ucontext at rsp, see asm/sigcontext.h. */
#define BUNSEN_SIGNAL_RBP 120
#define BUNSEN_SIGNAL_RBX 128
#define BUNSEN_SIGNAL_RSP 160
#define BUNSEN_SIGNAL_RIP 168

BUNSEN_INLINE enum bunsen_unwind_end bunsen_unwind_leave_signal(struct bunsen_unwind_state *state) {
  __u64 frame = state->sp;
  state->bp_at = frame + BUNSEN_SIGNAL_RBP;
  state->bx_at = frame + BUNSEN_SIGNAL_RBX;
  if (bunsen_unwind_read(&state->sp, frame + BUNSEN_SIGNAL_RSP) ||
      bunsen_unwind_read(&state->pc, frame + BUNSEN_SIGNAL_RIP))
    return BUNSEN_UNWIND_READ_FAILED;
  state->lost = 0;
  state->is_exact = 1;
  return BUNSEN_UNWIND_GOES_ON;
}

/*
 * Code without rules: what a compiler with frame pointers, a JIT or Go made. Go's runtime runs
 * parts of itself on the thread's own stack, called from a goroutine's, which may be anywhere.
 */
BUNSEN_INLINE enum bunsen_unwind_end bunsen_unwind_leave_by_pointer(
    struct bunsen_unwind_state *state, __u32 may_change_stack) {
  state->used_frame_pointer = 1;
  if (state->lost & BUNSEN_LOST_RBP) return BUNSEN_UNWIND_BAD_POINTER;
  if (bunsen_unwind_load(&state->bp, &state->bp_at)) return BUNSEN_UNWIND_READ_FAILED;
  __u64 frame = state->bp;
  if (frame == 0) return BUNSEN_UNWIND_COMPLETE; /* the ABI's mark of the outermost frame */
  if ((frame < state->sp && !may_change_stack) || frame % 8 != 0) return BUNSEN_UNWIND_BAD_POINTER;
  state->bp_at = frame;
  if (bunsen_unwind_read(&state->pc, frame + 8)) return BUNSEN_UNWIND_READ_FAILED;
  state->sp = frame + 16;
  state->is_exact = 0;
  return state->pc == 0 ? BUNSEN_UNWIND_COMPLETE : BUNSEN_UNWIND_GOES_ON;
}

/* Goes from a frame to its caller by the frame's rule. */
BUNSEN_INLINE enum bunsen_unwind_end bunsen_unwind_apply(struct bunsen_unwind_state *state,
                                                         union bunsen_unwind_value value) {
  struct bunsen_unwind_rule rule = value.rule;
  __u32 is_leaf = state->is_leaf;
  state->is_leaf = 0;
  state->used_frame_pointer = 0;

  __u64 offset = (__u64)((__s64)rule.offset * 8);
  __u64 cfa;
  switch (rule.cfa) {
    case BUNSEN_CFA_NONE:
      return bunsen_unwind_leave_by_pointer(state, 0);
    case BUNSEN_CFA_GO:
      return bunsen_unwind_leave_by_pointer(state, 1);
    case BUNSEN_CFA_SIGNAL:
      return bunsen_unwind_leave_signal(state);
    case BUNSEN_CFA_END:
      return BUNSEN_UNWIND_COMPLETE;
    case BUNSEN_CFA_ABSENT:
      return BUNSEN_UNWIND_ABSENT;
    case BUNSEN_CFA_RSP:
      cfa = state->sp + offset;
      break;
    case BUNSEN_CFA_PLT:
      cfa = state->sp + ((state->pc & 15) >= (__u64)rule.offset ? 16 : 8);
      break;
    case BUNSEN_CFA_RSP_DEREF:
      if (bunsen_unwind_read(&cfa, state->sp + offset)) return BUNSEN_UNWIND_READ_FAILED;
      cfa += 8;
      break;
    case BUNSEN_CFA_RBP:
    case BUNSEN_CFA_RBP_DEREF:
      if (state->lost & BUNSEN_LOST_RBP) return BUNSEN_UNWIND_UNKNOWN_RULE;
      if (bunsen_unwind_load(&state->bp, &state->bp_at)) return BUNSEN_UNWIND_READ_FAILED;
      cfa = state->bp + offset;
      if (rule.cfa == BUNSEN_CFA_RBP) break;
      if (bunsen_unwind_read(&cfa, cfa)) return BUNSEN_UNWIND_READ_FAILED;
      break;
    case BUNSEN_CFA_RBX:
      if (state->lost & BUNSEN_LOST_RBX) return BUNSEN_UNWIND_UNKNOWN_RULE;
      if (bunsen_unwind_load(&state->bx, &state->bx_at)) return BUNSEN_UNWIND_READ_FAILED;
      cfa = state->bx + offset;
      break;
    case BUNSEN_CFA_R10:
      if (!is_leaf) return BUNSEN_UNWIND_UNKNOWN_RULE;
      cfa = state->r10 + offset;
      break;
    default:
      return BUNSEN_UNWIND_UNKNOWN_RULE;
  }
  /* The return address alone takes 8 bytes. Without this, damaged memory could make a circle. */
  if (cfa < state->sp + 8) return BUNSEN_UNWIND_BAD_FRAME;

  if (bunsen_unwind_read(&state->pc, cfa - 8)) return BUNSEN_UNWIND_READ_FAILED;
  if (rule.rbp == BUNSEN_SAVED_LOST) {
    state->lost |= BUNSEN_LOST_RBP;
  } else if (rule.rbp != BUNSEN_SAVED_SAME) {
    if (rule.rbp == BUNSEN_SAVED_AT_RBP) {
      if (bunsen_unwind_load(&state->bp, &state->bp_at)) return BUNSEN_UNWIND_READ_FAILED;
      state->bp_at = state->bp;
    } else {
      state->bp_at = cfa - (__u64)rule.rbp * 8;
    }
    state->lost &= ~BUNSEN_LOST_RBP;
  }
  if (rule.rbx == BUNSEN_SAVED_LOST) {
    state->lost |= BUNSEN_LOST_RBX;
  } else if (rule.rbx != BUNSEN_SAVED_SAME) {
    state->bx_at = cfa - (__u64)rule.rbx * 8;
    state->lost &= ~BUNSEN_LOST_RBX;
  }
  state->sp = cfa;
  state->is_exact = 0;
  return state->pc == 0 ? BUNSEN_UNWIND_COMPLETE : BUNSEN_UNWIND_GOES_ON;
}

/* The same as a function of its own. Returns an enum bunsen_unwind_end. */
BUNSEN_OUTLINE int bunsen_unwind_leave(struct bunsen_unwind_state *state, __u32 packed) {
  union bunsen_unwind_value value = {.page = packed};
  if (!state) return BUNSEN_UNWIND_UNKNOWN_RULE; /* cannot happen: the verifier wants the check */
  return bunsen_unwind_apply(state, value);
}

/*
 * Finds the rule for an address of the process, BUNSEN_CFA_NONE where no row holds it. Returns 0 if
 * the address is outside the known mappings.
 */
BUNSEN_INLINE __u32 bunsen_unwind_rule_at(const struct bunsen_unwind_process *process,
                                          struct bunsen_unwind_cache *cache, __u64 address,
                                          union bunsen_unwind_value *found) {
  const volatile __u32 *serial_now = &process->serial;
  __u32 serial = *serial_now;
  __u64 hash = (address ^ (__u64)serial << 32) * 0x9E3779B97F4A7C15ull;
  struct bunsen_unwind_cached *cached = &cache->slot[hash >> (64 - BUNSEN_UNWIND_CACHE_BITS)];
  if (cached->address == address && cached->serial == serial) {
    found->rule = cached->rule;
    return 1;
  }
  const struct bunsen_unwind_mapping *mapping = bunsen_unwind_find_mapping(process, address);
  if (!mapping && !process->is_partial) return 0;
  __u64 at = mapping ? address - mapping->bias : 0;
  found->page = 0;
  if (mapping && mapping->height > 0 && at < BUNSEN_UNWIND_NO_START)
    found->page = bunsen_unwind_find_rule(mapping->root, mapping->height, (__u32)at);
  /* The kernel may use the memory of mappings that were replaced for others at once. */
  if (*serial_now == serial && found->rule.cfa != BUNSEN_CFA_ABSENT) {
    cached->address = address;
    cached->serial = serial;
    cached->rule = found->rule;
  }
  return 1;
}

/* Returns where the frame's code is. */
BUNSEN_INLINE __u64 bunsen_unwind_address(const struct bunsen_unwind_state *state) {
  /* A call may be the last instruction of its function, so the address behind it may be another's.
   */
  return state->is_exact ? state->pc : state->pc - 1;
}

/*
 * Goes from a frame of the process to its caller.
 * @param inlined a constant: whether there is no call of a function that takes a pointer
 */
BUNSEN_INLINE enum bunsen_unwind_end bunsen_unwind_step(const struct bunsen_unwind_process *process,
                                                        struct bunsen_unwind_cache *cache,
                                                        struct bunsen_unwind_state *state,
                                                        __u32 inlined) {
  union bunsen_unwind_value found;
  if (!bunsen_unwind_rule_at(process, cache, bunsen_unwind_address(state), &found))
    return BUNSEN_UNWIND_UNMAPPED;
  if (inlined) return bunsen_unwind_apply(state, found);
  return (enum bunsen_unwind_end)bunsen_unwind_leave(state, found.page);
}

#endif
