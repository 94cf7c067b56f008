// SPDX-License-Identifier: GPL-2.0
/*
 * CPU sampler: runs at each tick of a per-CPU perf event and adds 1 to the count of what the CPU
 * was doing. User space drains the counts, then the chains that they refer to.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/errno.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bunsen.h"
#include "kernel.bpf.h"
#include "stack.bpf.h"
#include "unwind.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* A section of its own, so that user space finds the struct at offset 0 of one map. */
const volatile struct bunsen_config config SEC(".rodata.config") = {
    .max_frames = BUNSEN_MAX_FRAMES,
};

struct counts_map {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1024);
  /* Sizes, not types: clang leaves types that only an inner map names out of the BTF. */
  __uint(key_size, sizeof(struct bunsen_sample_key));
  __uint(value_size, sizeof(__u64));
};

/*
 * One slot that holds the counts map in use. User space puts a spare one in and drains the old one
 * once no program can still be adding to it. Deleting from a map in use would lose the increments
 * that hit an element just after it was read.
 */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct counts_map);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bunsen_counters);
} counters SEC(".maps");

/* Filled by user space before the programs are attached; the values mean nothing. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u8);
} pid_filter SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, __u8);
} cgroup_filter SEC(".maps");

static __always_inline bool is_filtered_out(__u32 mode, void *map, const void *key) {
  if (mode == BUNSEN_FILTER_OFF) return false;
  bool listed = bpf_map_lookup_elem(map, key) != NULL;
  return mode == BUNSEN_FILTER_INCLUDE ? !listed : listed;
}

static __always_inline void count_sample(const struct bunsen_sample_key *key,
                                         struct bunsen_counters *counter) {
  __u32 slot = 0;
  void *map = bpf_map_lookup_elem(&counts, &slot);
  if (!map) {
    counter->value[BUNSEN_COUNTER_lost_counts_failed]++;
    return;
  }

  __u64 *count = bpf_map_lookup_elem(map, key);
  if (!count) {
    __u64 one = 1;
    long error = bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
    if (error == 0) return;
    if (error == -E2BIG) {
      counter->value[BUNSEN_COUNTER_lost_counts_full]++;
      return;
    }
    /* -EEXIST: another CPU was faster, so the element is there now. */
    count = bpf_map_lookup_elem(map, key);
  }
  if (count)
    __sync_fetch_and_add(count, 1);
  else
    counter->value[BUNSEN_COUNTER_lost_counts_failed]++;
}

static __always_inline void sample_user_stack(struct bpf_perf_event_data *context,
                                              struct bunsen_sample_key *key, enum walk_by by,
                                              struct bunsen_counters *counter) {
  counter->value[BUNSEN_COUNTER_user_stacks]++;
#ifdef BUNSEN_TABLES
  if (by != WALK_BY_POINTERS && unwind_user_stack(context, by, config.max_frames, key, counter))
    return;
#else
  (void)by;
#endif
  long frames = capture_stack(context, SCRATCH_USER, BPF_F_USER_STACK, config.max_frames,
                              &key->user_leaf_ip, &key->user_chain, counter);
  if (frames < 0) {
    key->flags |= BUNSEN_SAMPLE_USER_STACK_FAILED;
    count_end(key, BUNSEN_COUNTER_user_stack_failed, counter);
  } else {
    count_end(key, BUNSEN_COUNTER_unwind_by_pointer, counter);
  }
}

static __always_inline void sample(struct bpf_perf_event_data *context, enum walk_by by,
                                   struct bunsen_counters *counter) {
  counter->value[BUNSEN_COUNTER_samples_taken]++;

  /* No initializer list: padding must be zero too, since keys are compared as bytes. */
  struct bunsen_sample_key key;
  __builtin_memset(&key, 0, sizeof(key));

  key.tgid = bpf_get_current_pid_tgid() >> 32;
  if (!config.include_idle && key.tgid == 0) {
    counter->value[BUNSEN_COUNTER_filtered_idle]++;
    return;
  }

  struct task_struct *task = (void *)bpf_get_current_task();
  bool kernel_thread = BPF_CORE_READ(task, flags) & PF_KTHREAD;
  if (config.exclude_kernel_threads && kernel_thread) {
    counter->value[BUNSEN_COUNTER_filtered_kernel_thread]++;
    return;
  }
  if (is_filtered_out(config.pid_filter_mode, &pid_filter, &key.tgid)) {
    counter->value[BUNSEN_COUNTER_filtered_pid]++;
    return;
  }
  key.cgroup_id = bpf_get_current_cgroup_id();
  if (is_filtered_out(config.cgroup_filter_mode, &cgroup_filter, &key.cgroup_id)) {
    counter->value[BUNSEN_COUNTER_filtered_cgroup]++;
    return;
  }

  key.start_boottime_ns = BPF_CORE_READ(task, group_leader, start_boottime);
  key.exec_id = BPF_CORE_READ(task, self_exec_id);
  bpf_get_current_comm(key.comm, sizeof(key.comm));

  if (!hit_user_mode(context) &&
      capture_stack(context, SCRATCH_KERNEL, 0, config.max_frames, &key.kernel_leaf_ip,
                    &key.kernel_chain, counter) < 0) {
    key.flags |= BUNSEN_SAMPLE_KERNEL_STACK_FAILED;
    counter->value[BUNSEN_COUNTER_kernel_stack_failed]++;
  }
  if (kernel_thread)
    key.flags |= BUNSEN_SAMPLE_KERNEL_THREAD;
  else
    sample_user_stack(context, &key, by, counter);

  /* Chains are stored before the count that refers to them: a drain that sees the count will find
   * them. */
  count_sample(&key, counter);
}

/* A clock of its own: kernel.bpf_stats_enabled would burden every BPF program of the host. */
static __always_inline int timed_sample(struct bpf_perf_event_data *context, enum walk_by by) {
  __u64 start_ns = bpf_ktime_get_ns();
  __u32 slot = 0;
  struct bunsen_counters *counter = bpf_map_lookup_elem(&counters, &slot);
  if (!counter) return 0; /* cannot happen: the verifier wants the check */
  sample(context, by, counter);
  counter->value[BUNSEN_COUNTER_run_time_ns] += bpf_ktime_get_ns() - start_ns;
  return 0;
}

/* User space loads the first of these that the kernel takes. */
#ifdef BUNSEN_TABLES
SEC("perf_event")
int sample_by_loop(struct bpf_perf_event_data *context) {
  return timed_sample(context, WALK_BY_LOOP);
}

SEC("perf_event")
int sample_by_calls(struct bpf_perf_event_data *context) {
  return timed_sample(context, WALK_BY_CALLS);
}
#endif

/* On any kernel and architecture. */
SEC("perf_event")
int sample_by_pointers(struct bpf_perf_event_data *context) {
  return timed_sample(context, WALK_BY_POINTERS);
}
