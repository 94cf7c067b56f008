/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks user stacks by the tables of include/unwind_format.h, which user space fills. Who has none
 * yet is reported to user space, and walked by frame pointers.
 */
#ifndef BUNSEN_UNWIND_BPF_H
#define BUNSEN_UNWIND_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kernel.bpf.h"
#include "stack.bpf.h"

/*
 * How a walk goes from frame to frame. The numbers that a walk is at change with each frame, and
 * the verifier must not follow each of them.
 */
enum walk_by {
  WALK_BY_POINTERS, /* the kernel walks */
  /* bpf_loop, and the user's registers out of bpf_task_pt_regs: Linux 5.17. */
  WALK_BY_LOOP,
  /*
   * A call for each frame. Before Linux 5.12 functions that are verified by themselves take numbers
   * alone, so the walk stands in a map, and each frame looks for its process again.
   */
  WALK_BY_CALLS,
};

#ifdef __TARGET_ARCH_x86
#define BUNSEN_TABLES 1

#include "unwind_step.h"

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

/* Those that the present thread left user mode with: they stand at the end of its kernel stack. */
static __always_inline struct pt_regs___kernel *user_registers(enum walk_by by) {
  if (by == WALK_BY_LOOP) return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
  struct task_struct *task = (void *)bpf_get_current_task();
  void *end = BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES;
  return end - bpf_core_type_size(struct pt_regs___kernel);
}

/* Fills a state of zeros. Returns whether there are registers of 64-bit user code. */
static __always_inline bool read_user_registers(struct bpf_perf_event_data *context,
                                                enum walk_by by,
                                                struct bunsen_unwind_state *state) {
  if (hit_user_mode(context)) {
    if (context->regs.cs != USER_CS_64) return false;
    state->pc = context->regs.rip;
    state->sp = context->regs.rsp;
    state->bp = context->regs.rbp;
    state->bx = context->regs.rbx;
    state->r10 = context->regs.r10;
  } else {
    struct pt_regs___kernel *registers = user_registers(by);
    if (BPF_CORE_READ(registers, cs) != USER_CS_64) return false;
    /* Where stacks have another size, nothing else must be taken for registers. */
    if (by == WALK_BY_CALLS && BPF_CORE_READ(registers, ss) != USER_SS) return false;
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
  struct bunsen_process_key process;
  __u32 frames;
  __u32 by_pointer;
  enum bunsen_unwind_end end;
};

/* What a walk looks things up in. */
struct unwind_places {
  const struct bunsen_unwind_process *process;
  struct bunsen_unwind_cache *cache;
  union stack_scratch *stack;
};

/* Returns whether all of them are there. */
static __always_inline bool find_places(const struct bunsen_process_key *process,
                                        struct unwind_places *places) {
  __u32 scratch = SCRATCH_USER;
  __u32 slot = 0;
  places->process = bpf_map_lookup_elem(&unwind_processes, process);
  if (!places->process) return false;
  places->stack = bpf_map_lookup_elem(&stack_scratches, &scratch);
  places->cache = bpf_map_lookup_elem(&unwind_cache, &slot);
  return places->stack && places->cache;
}

/* Takes one frame down and goes to its caller. Returns 1 when the walk is over. */
static __always_inline long walk_frame(__u32 index, struct unwind_walk *walk,
                                       const struct unwind_places *places, enum walk_by by) {
  if (index >= BUNSEN_MAX_FRAMES) return 1;
  struct bunsen_unwind_state *state = &walk->state;
  /* All but the leaf are taken for return addresses by who reads them. */
  places->stack->word[index] = state->pc + (index > 0 && state->is_exact);
  walk->frames = index + 1;
  walk->by_pointer += state->used_frame_pointer; /* in the step that led here */
  walk->end = bunsen_unwind_step(places->process, places->cache, state, by == WALK_BY_CALLS);
  return walk->end != BUNSEN_UNWIND_GOES_ON;
}

struct unwind_loop {
  struct unwind_walk walk;
  struct unwind_places places;
};

static long walk_by_loop(__u32 index, struct unwind_loop *loop) {
  return walk_frame(index, &loop->walk, &loop->places, WALK_BY_LOOP);
}

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct unwind_walk);
} unwind_walks SEC(".maps");

/* Not static: the verifier looks at it once. */
__attribute__((noinline)) int walk_by_calls(__u32 index) {
  struct unwind_places places;
  __u32 slot = 0;
  struct unwind_walk *walk = bpf_map_lookup_elem(&unwind_walks, &slot);
  if (!walk) return 1;                /* cannot happen: the verifier wants the check */
  walk->end = BUNSEN_UNWIND_UNMAPPED; /* if the process has just been given up */
  if (!find_places(&walk->process, &places)) return 1;
  return walk_frame(index, walk, &places, WALK_BY_CALLS);
}

static __always_inline void count_walk(const struct unwind_walk *walk,
                                       struct bunsen_sample_key *key,
                                       struct bunsen_counters *counters) {
  counters->value[BUNSEN_COUNTER_frames_by_pointer] += walk->by_pointer;
  if (walk->frames > 0) /* the leaf is no step */
    counters->value[BUNSEN_COUNTER_frames_by_table] += walk->frames - 1 - walk->by_pointer;

  /* A switch, not a sum, so that the verifier sees that the place is one of the counters. */
  switch (walk->end) {
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
    default: /* still going on at the depth limit */
      count_end(key, BUNSEN_COUNTER_unwind_truncated, counters);
      return;
  }
#undef COUNT_END
  if (walk->end == BUNSEN_UNWIND_COMPLETE) return;
  key->flags |= BUNSEN_SAMPLE_USER_STACK_INCOMPLETE;
  /* Otherwise the mappings may have changed since they were read. Not if memory was missing: that
   * is how threads end, and many requests in vain make user space answer late. */
  __u64 absent = walk->end == BUNSEN_UNWIND_ABSENT ? bunsen_unwind_address(&walk->state) : 0;
  if (walk->end != BUNSEN_UNWIND_READ_FAILED) request_tables(&walk->process, absent, counters);
}

/* Returns false, and has done nothing but ask for tables, if the process has none. */
static __always_inline bool unwind_user_stack(struct bpf_perf_event_data *context, enum walk_by by,
                                              __u32 max_frames, struct bunsen_sample_key *key,
                                              struct bunsen_counters *counters) {
  struct unwind_loop loop = {};
  struct unwind_walk *walk = &loop.walk;
  if (by == WALK_BY_CALLS) {
    __u32 slot = 0;
    walk = bpf_map_lookup_elem(&unwind_walks, &slot);
    if (!walk) return false; /* cannot happen: the verifier wants the check */
    __builtin_memset(walk, 0, sizeof(*walk));
  }
  if (!read_user_registers(context, by, &walk->state)) return false;
  struct bunsen_process_key process = {
      .start_boottime_ns = key->start_boottime_ns, .tgid = key->tgid, .exec_id = key->exec_id};
  if (!find_places(&process, &loop.places)) {
    request_tables(&process, 0, counters);
    return false;
  }
  walk->process = process;
  if (by == WALK_BY_LOOP) {
    bpf_loop(max_frames, walk_by_loop, &loop, 0);
  } else {
    for (__u32 index = 0; index < BUNSEN_MAX_FRAMES; index++)
      if (index >= max_frames || walk_by_calls(index)) break;
  }
  count_walk(walk, key, counters);
  store_stack(loop.places.stack, walk->frames, max_frames, &key->user_leaf_ip, &key->user_chain,
              counters);
  return true;
}

#endif
#endif
