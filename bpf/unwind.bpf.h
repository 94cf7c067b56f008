/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks user stacks by the tables of include/unwind_format.h, which user space fills. Who has none
 * yet is reported to user space, and walked by frame pointers.
 */
#ifndef BUNSEN_UNWIND_BPF_H
#define BUNSEN_UNWIND_BPF_H

#ifdef __TARGET_ARCH_x86
#define BUNSEN_TABLES 1

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "stack.bpf.h"
#include "unwind_step.h"

/* The kernel's own names for the registers; user space headers call them otherwise. */
struct pt_regs___kernel {
  unsigned long r10;
  unsigned long bp;
  unsigned long bx;
  unsigned long ip;
  unsigned long cs;
  unsigned long sp;
} __attribute__((preserve_access_index));

#define USER_CS_64 0x33 /* asm/segment.h: the code segment of 64-bit user code */

struct unwind_shard {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, BUNSEN_UNWIND_SHARD_PAGES);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(struct bunsen_unwind_page));
};

/* Empty at first: user space adds shards as it needs them. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, BUNSEN_UNWIND_MAX_SHARDS);
  __type(key, __u32);
  __array(values, struct unwind_shard);
} unwind_shards SEC(".maps");

/* max_entries is set by user space before the load. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct bunsen_process_key);
  __type(value, struct bunsen_unwind_process);
} unwind_processes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bunsen_unwind_cache);
} unwind_cache SEC(".maps");

/* Processes whose mappings user space should read: struct bunsen_unwind_request. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 64 << 10);
} unwind_requests SEC(".maps");

/* The last request of each slot. Two processes in one slot ask more often than they should. */
#define REQUEST_SLOTS 1024

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, REQUEST_SLOTS);
  __type(key, __u32);
  __type(value, struct bunsen_unwind_request);
} unwind_asked SEC(".maps");

/*
 * User space answers within milliseconds; whom it cannot help, it answers less often than this. A
 * program that starts maps its libraries just then, so a first answer may be too early.
 */
#define ASK_AGAIN_NS 10000000ull

static __always_inline const struct bunsen_unwind_page *bunsen_unwind_page_at(__u32 id) {
  __u32 shard = id / BUNSEN_UNWIND_SHARD_PAGES;
  __u32 slot = id % BUNSEN_UNWIND_SHARD_PAGES;
  void *pages = bpf_map_lookup_elem(&unwind_shards, &shard);
  return pages ? bpf_map_lookup_elem(pages, &slot) : NULL;
}

static __always_inline long bunsen_unwind_read(__u64 *word, __u64 address) {
  return bpf_probe_read_user(word, sizeof(*word), (void *)address);
}

/* Returns whether the process has not asked a moment ago. */
static __always_inline bool may_ask(const struct bunsen_unwind_request *request) {
  const struct bunsen_process_key *process = &request->process;
  __u32 slot = (process->tgid ^ process->exec_id * 31) % REQUEST_SLOTS;
  struct bunsen_unwind_request *last = bpf_map_lookup_elem(&unwind_asked, &slot);
  if (!last) return false; /* cannot happen: the verifier wants the check */
  if (last->process.tgid == process->tgid && last->process.exec_id == process->exec_id &&
      last->process.start_boottime_ns == process->start_boottime_ns &&
      request->asked_ns - last->asked_ns < ASK_AGAIN_NS)
    return false;
  *last = *request;
  return true;
}

/* @param address whose rows are absent; 0 asks for the process' mappings */
static __always_inline void request_tables(const struct bunsen_process_key *process, __u64 address,
                                           struct bunsen_counters *counters) {
  struct bunsen_unwind_request request = {
      .process = *process, .asked_ns = bpf_ktime_get_ns(), .address = address};
  if (!address && !may_ask(&request)) return;
  if (bpf_ringbuf_output(&unwind_requests, &request, sizeof(request), 0))
    counters->value[BUNSEN_COUNTER_unwind_requests_lost]++;
}

/* Fills a state of zeros. Returns whether there are registers of 64-bit user code. */
static __always_inline bool read_user_registers(struct bpf_perf_event_data *context,
                                                struct bunsen_unwind_state *state) {
  if (hit_user_mode(context)) {
    if (context->regs.cs != USER_CS_64) return false;
    state->pc = context->regs.rip;
    state->sp = context->regs.rsp;
    state->bp = context->regs.rbp;
    state->bx = context->regs.rbx;
    state->r10 = context->regs.r10;
  } else {
    struct task_struct *task = bpf_get_current_task_btf();
    struct pt_regs___kernel *registers = (void *)bpf_task_pt_regs(task);
    if (BPF_CORE_READ(registers, cs) != USER_CS_64) return false;
    state->pc = BPF_CORE_READ(registers, ip);
    state->sp = BPF_CORE_READ(registers, sp);
    state->bp = BPF_CORE_READ(registers, bp);
    state->bx = BPF_CORE_READ(registers, bx);
    state->r10 = BPF_CORE_READ(registers, r10);
  }
  state->is_exact = 1;
  state->is_leaf = 1;
  return true;
}

struct unwind_walk {
  struct bunsen_unwind_state state;
  const struct bunsen_unwind_process *process;
  struct bunsen_unwind_cache *cache;
  union stack_scratch *stack;
  __u32 frames;
  __u32 by_pointer;
  enum bunsen_unwind_end end;
};

/* Takes one frame down and goes to its caller. Returns 1 when the walk is over. */
static long walk_frame(__u32 index, struct unwind_walk *walk) {
  if (index >= BUNSEN_MAX_FRAMES) return 1;
  struct bunsen_unwind_state *state = &walk->state;
  /* All but the leaf are taken for return addresses by who reads them. */
  walk->stack->word[index] = state->pc + (index > 0 && state->is_exact);
  walk->frames = index + 1;
  walk->by_pointer += state->used_frame_pointer; /* in the step that led here */
  walk->end = bunsen_unwind_step(walk->process, walk->cache, state);
  return walk->end != BUNSEN_UNWIND_GOES_ON;
}

/* Returns false, and has done nothing but ask for tables, if the process has none. */
static __always_inline bool unwind_user_stack(struct bpf_perf_event_data *context, __u32 max_frames,
                                              struct bunsen_sample_key *key,
                                              struct bunsen_counters *counters) {
  struct bunsen_process_key process_key = {
      .start_boottime_ns = key->start_boottime_ns, .tgid = key->tgid, .exec_id = key->exec_id};
  struct unwind_walk walk = {};
  if (!read_user_registers(context, &walk.state)) return false;
  walk.process = bpf_map_lookup_elem(&unwind_processes, &process_key);
  if (!walk.process) {
    request_tables(&process_key, 0, counters);
    return false;
  }
  __u32 scratch = SCRATCH_USER;
  walk.stack = bpf_map_lookup_elem(&stack_scratches, &scratch);
  __u32 slot = 0;
  walk.cache = bpf_map_lookup_elem(&unwind_cache, &slot);
  /* Cannot happen: the verifier wants the check. */
  if (!walk.stack || !walk.cache) return false;

  bpf_loop(max_frames, walk_frame, &walk, 0);

  if (walk.end == BUNSEN_UNWIND_GOES_ON) walk.end = BUNSEN_UNWIND_TRUNCATED;
  counters->value[BUNSEN_COUNTER_frames_by_pointer] += walk.by_pointer;
  if (walk.frames > 0) /* the leaf is no step */
    counters->value[BUNSEN_COUNTER_frames_by_table] += walk.frames - 1 - walk.by_pointer;

  /* A switch, not a sum, so that the verifier sees that the place is one of the counters. */
  switch (walk.end) {
#define COUNT_END(END, name)                                \
  case BUNSEN_UNWIND_##END:                                 \
    count_end(key, BUNSEN_COUNTER_unwind_##name, counters); \
    break;
    COUNT_END(COMPLETE, complete)
    COUNT_END(UNMAPPED, unmapped)
    COUNT_END(UNKNOWN_RULE, unknown_rule)
    COUNT_END(BAD_POINTER, bad_pointer)
    COUNT_END(BAD_FRAME, bad_frame)
    COUNT_END(READ_FAILED, read_failed)
    COUNT_END(ABSENT, absent)
    default:
      count_end(key, BUNSEN_COUNTER_unwind_truncated, counters);
      break;
  }
#undef COUNT_END
  if (walk.end != BUNSEN_UNWIND_COMPLETE && walk.end != BUNSEN_UNWIND_TRUNCATED) {
    key->flags |= BUNSEN_SAMPLE_USER_STACK_INCOMPLETE;
    /* Otherwise the mappings may have changed since they were read. Not if memory was missing: that
     * is how threads end, and many requests in vain make user space answer late. */
    __u64 absent = walk.end == BUNSEN_UNWIND_ABSENT ? bunsen_unwind_address(&walk.state) : 0;
    if (walk.end != BUNSEN_UNWIND_READ_FAILED) request_tables(&process_key, absent, counters);
  }
  store_stack(walk.stack, walk.frames, max_frames, &key->user_leaf_ip, &key->user_chain, counters);
  return true;
}

#endif
#endif
