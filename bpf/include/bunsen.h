/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Everything that crosses between the kernel programs and user space: the keys and values of the
 * maps, the configuration, and the counters. Compiled by clang for BPF and by g++ for the addon;
 * the sizes are asserted in both, so the two cannot drift apart.
 */
#ifndef BUNSEN_H
#define BUNSEN_H

#include <linux/types.h>

#ifdef __cplusplus
#define BUNSEN_ASSERT_SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#else
#define BUNSEN_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#endif

/*
 * Depth limit of one stack (kernel and user each), leaf included. It is the default of
 * kernel.perf_event_max_stack, above which the kernel would not walk anyway.
 */
#define BUNSEN_MAX_FRAMES 127

#define BUNSEN_COMM_BYTES 16

/* Two values of a chain id that are not hashes. */
#define BUNSEN_CHAIN_NONE 0 /* the stack is its leaf alone, or empty when the leaf is 0 too */
#define BUNSEN_CHAIN_LOST 1 /* there were callers, but the chains map did not take them */

/* The stack reached the depth limit: its root-most frames are missing. */
#define BUNSEN_CHAIN_TRUNCATED (1u << 0)

/*
 * The callers of a leaf: return addresses, innermost first. Stored once for each distinct content,
 * under the 64-bit hash of that content.
 */
struct bunsen_chain {
  __u32 length; /* used elements of ip */
  __u32 flags;  /* BUNSEN_CHAIN_* */
  __u64 ip[BUNSEN_MAX_FRAMES - 1];
};
BUNSEN_ASSERT_SIZE(struct bunsen_chain, 8 * BUNSEN_MAX_FRAMES);

#define BUNSEN_SAMPLE_KERNEL_THREAD (1u << 0)     /* no user stack to be expected */
#define BUNSEN_SAMPLE_USER_STACK_FAILED (1u << 1) /* there should have been one */
#define BUNSEN_SAMPLE_KERNEL_STACK_FAILED (1u << 2)
/* The user stack ends before the outermost frame, for another reason than the depth limit. */
#define BUNSEN_SAMPLE_USER_STACK_INCOMPLETE (1u << 3)
/*
 * How the walk of the user stack ended: in bits 8-15, the id of the counter that counted it, one of
 * unwind_* or user_stack_failed. 0: there was no user stack to walk.
 */
#define BUNSEN_SAMPLE_END_SHIFT 8

/*
 * Key of the counts map; the value is a __u64, the number of samples that had this key. The leaf
 * stands beside its callers' hash, not inside it, because leaves differ far more than callers do.
 *
 * (tgid, start_boottime_ns) identifies a process for the life of the machine. exec_id changes with
 * each exec, so addresses of the old and the new image are never confused.
 */
struct bunsen_sample_key {
  __u64 start_boottime_ns; /* of the process' first thread */
  __u64 user_leaf_ip;      /* 0: no user stack */
  __u64 user_chain;        /* hash, or BUNSEN_CHAIN_* */
  __u64 kernel_leaf_ip;    /* 0: the sample hit user mode */
  __u64 kernel_chain;
  __u64 cgroup_id; /* cgroup v2 */
  __u32 tgid;      /* in the initial pid namespace; 0 is the idle task */
  __u32 exec_id;
  __u32 flags;                  /* BUNSEN_SAMPLE_* */
  __u32 reserved;               /* 0: keys are compared as bytes */
  char comm[BUNSEN_COMM_BYTES]; /* of the thread */
};
BUNSEN_ASSERT_SIZE(struct bunsen_sample_key, 80);

enum bunsen_filter_mode {
  BUNSEN_FILTER_OFF = 0,
  BUNSEN_FILTER_INCLUDE = 1, /* keep only what is in the filter's map */
  BUNSEN_FILTER_EXCLUDE = 2, /* drop what is in it */
};

/* Set before the load, constant afterwards: the verifier removes the branches that are off. */
struct bunsen_config {
  __u32 include_idle;           /* 0: samples of the idle task are filtered */
  __u32 exclude_kernel_threads; /* 0: kernel threads are profiled */
  __u32 pid_filter_mode;        /* enum bunsen_filter_mode */
  __u32 cgroup_filter_mode;     /* enum bunsen_filter_mode */
  __u32 max_frames;             /* kernel.perf_event_max_stack, at most BUNSEN_MAX_FRAMES */
};
BUNSEN_ASSERT_SIZE(struct bunsen_config, 20);

/*
 * Counters, one set per CPU. Ids are never reused; a retired one stays in the list.
 *
 *   samples_taken = sum of all counts + each filtered_* + each lost_*
 *
 * holds exactly once the programs are detached. The rest says how good the kept samples are.
 */
#define BUNSEN_COUNTERS(X)                                                                         \
  X(0, samples_taken)          /* the program ran */                                               \
  X(1, filtered_idle)          /* idle task */                                                     \
  X(2, filtered_kernel_thread) /* kernel thread, with exclude_kernel_threads */                    \
  X(3, filtered_pid)           /* by the pid filter */                                             \
  X(4, filtered_cgroup)        /* by the cgroup filter */                                          \
  X(5, lost_counts_full)       /* the counts map has no room */                                    \
  X(6, lost_counts_failed)     /* the counts map refused otherwise: no memory, or a busy lock */   \
  X(7, chains_full)            /* kept with BUNSEN_CHAIN_LOST: the chains map has no room */       \
  X(8, chains_failed)          /* kept with BUNSEN_CHAIN_LOST: no memory, or a busy lock */        \
  X(9, user_stack_failed)      /* kept without a user stack, although the thread has one */        \
  X(10, kernel_stack_failed)   /* kept without a kernel stack, although it hit kernel mode */      \
  X(11, stack_truncated)       /* a stack reached the depth limit */                               \
  X(12, user_stacks)           /* a user stack was to be walked: see bpf/README.md */              \
  X(13, unwind_by_pointer)     /* by frame pointers alone: no tables of the process yet */         \
  X(14, unwind_complete)       /* by tables, and so are all that follow: to the outermost frame */ \
  X(15, unwind_unmapped)       /* met an address outside the known mappings */                     \
  X(16, unwind_unknown_rule)   /* met a rule that the tables cannot hold */                        \
  X(17, unwind_bad_pointer)    /* met code without rules and without a frame pointer */            \
  X(18, unwind_bad_frame)      /* the caller's frame would not have been above its callee's */     \
  X(19, unwind_read_failed)    /* the stack's memory was not there */                              \
  X(20, unwind_truncated)      /* reached the depth limit */                                       \
  X(21, frames_by_table)       /* steps from frame to caller that a rule took */                   \
  X(22, frames_by_pointer)     /* steps that the frame pointer took, in code without rules */      \
  X(23, unwind_requests_lost)  /* user space could not be told of a process without tables */      \
  X(24, unwind_absent)         /* met code whose rows user space has yet to read */                \
  X(25, run_time_ns)           /* time in the program, by the monotonic clock */

#define BUNSEN_COUNTER_ID(id, name) BUNSEN_COUNTER_##name = id,
enum bunsen_counter { BUNSEN_COUNTERS(BUNSEN_COUNTER_ID) BUNSEN_COUNTER_LIMIT = 32 };

struct bunsen_counters {
  __u64 value[BUNSEN_COUNTER_LIMIT];
};
BUNSEN_ASSERT_SIZE(struct bunsen_counters, 256);

#endif
