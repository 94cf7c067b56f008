/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Captures the stacks of the interrupted thread and stores their caller chains by content.
 */
#ifndef BUNSEN_STACK_BPF_H
#define BUNSEN_STACK_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>

#include "bunsen.h"

/* max_entries is set by user space before the load. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1024);
  __type(key, __u64);
  __type(value, struct bunsen_chain);
} chains SEC(".maps");

/*
 * The kernel writes leaf and callers as one run of words. The leaf's word is then overwritten by
 * the chain's header, so the callers need no copy.
 */
union stack_scratch {
  __u64 word[BUNSEN_MAX_FRAMES];
  struct bunsen_chain chain;
};

enum { SCRATCH_USER, SCRATCH_KERNEL, SCRATCH_LIMIT };

/* A chain is too large for the 512-byte BPF stack. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SCRATCH_LIMIT);
  __type(key, __u32);
  __type(value, union stack_scratch);
} stack_scratches SEC(".maps");

/* Returns whether the tick hit user mode: there is no kernel stack then. */
static __always_inline bool hit_user_mode(const struct bpf_perf_event_data *context) {
#if defined(__TARGET_ARCH_x86)
  return (context->regs.cs & 3) == 3; /* the ring */
#elif defined(__TARGET_ARCH_arm64)
  return (context->regs.pstate & 15) == 0; /* the exception level */
#else
  return false; /* not known: the kernel finds out, and returns an empty stack */
#endif
}

/* @param end id of the counter; the sample says so, too */
static __always_inline void count_end(struct bunsen_sample_key *key, enum bunsen_counter end,
                                      struct bunsen_counters *counters) {
  counters->value[end]++;
  key->flags |= end << BUNSEN_SAMPLE_END_SHIFT;
}

/* Multiply and fold the high bits back: two instructions a frame, and every input bit counts. */
static __always_inline __u64 hash_chain(const struct bunsen_chain *chain) {
  __u64 hash = chain->length;
  for (__u32 i = 0; i < BUNSEN_MAX_FRAMES - 1; i++) {
    if (i >= chain->length) break;
    hash = (hash ^ chain->ip[i]) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 32;
  }
  return hash > BUNSEN_CHAIN_LOST ? hash : hash + 2;
}

/* Returns the chain's id: its hash, or BUNSEN_CHAIN_LOST when the map did not take it. */
static __always_inline __u64 store_chain(const struct bunsen_chain *chain,
                                         struct bunsen_counters *counters) {
  __u64 hash = hash_chain(chain);
  if (bpf_map_lookup_elem(&chains, &hash)) return hash;

  long error = bpf_map_update_elem(&chains, &hash, chain, BPF_NOEXIST);
  /* -EEXIST: another CPU has just stored the same content, which is as good. */
  if (error == 0 || error == -EEXIST) return hash;
  counters->value[error == -E2BIG ? BUNSEN_COUNTER_chains_full : BUNSEN_COUNTER_chains_failed]++;
  return BUNSEN_CHAIN_LOST;
}

/*
 * Stores the callers of a stack whose words are in the scratch, leaf first. *leaf_ip and *chain_id
 * are left as they are (0, BUNSEN_CHAIN_NONE) when there is no such stack.
 */
static __always_inline void store_stack(union stack_scratch *stack, __u32 frames, __u32 max_frames,
                                        __u64 *leaf_ip, __u64 *chain_id,
                                        struct bunsen_counters *counters) {
  if (frames == 0) return;
  *leaf_ip = stack->word[0];
  if (frames == 1) return;

  stack->chain.length = frames - 1;
  stack->chain.flags = 0;
  if (frames >= max_frames) {
    stack->chain.flags = BUNSEN_CHAIN_TRUNCATED;
    counters->value[BUNSEN_COUNTER_stack_truncated]++;
  }
  *chain_id = store_chain(&stack->chain, counters);
}

/*
 * Lets the kernel walk one stack, by frame pointers if it is the user's, and stores its callers.
 *
 * @param stack_flags BPF_F_USER_STACK, or 0 for the kernel's
 * @returns frames captured, or a negative errno
 */
static __always_inline long capture_stack(void *context, __u32 scratch, __u64 stack_flags,
                                          __u32 max_frames, __u64 *leaf_ip, __u64 *chain_id,
                                          struct bunsen_counters *counters) {
  union stack_scratch *stack = bpf_map_lookup_elem(&stack_scratches, &scratch);
  if (!stack) return -ENOENT; /* cannot happen: the verifier wants the check */

  long bytes = bpf_get_stack(context, stack->word, sizeof(stack->word), stack_flags);
  if (bytes < 0) return bytes;
  __u32 frames = bytes / sizeof(stack->word[0]);
  store_stack(stack, frames, max_frames, leaf_ip, chain_id, counters);
  return frames;
}

#endif
