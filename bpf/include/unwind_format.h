/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The tables by which user stacks are unwound on x86-64: user space makes them of the call frame
 * information in executable files, the sampler walks by them (unwind_step.h).
 */
#ifndef BUNSEN_UNWIND_FORMAT_H
#define BUNSEN_UNWIND_FORMAT_H

#include <linux/types.h>

#include "bunsen.h"

/* How the canonical frame address (the caller's stack pointer) is found. `offset` is in words. */
enum bunsen_cfa {
  BUNSEN_CFA_NONE = 0,      /* no rule: the frame is left by its frame pointer */
  BUNSEN_CFA_RSP = 1,       /* rsp + offset */
  BUNSEN_CFA_RBP = 2,       /* rbp + offset */
  BUNSEN_CFA_RBX = 3,       /* rbx + offset: the dynamic linker's lazy binding */
  BUNSEN_CFA_R10 = 4,       /* r10 + offset: a realigned stack's prologue; only in a leaf */
  BUNSEN_CFA_RSP_DEREF = 5, /* *(rsp + offset) + 8: OpenSSL's assembly */
  BUNSEN_CFA_RBP_DEREF = 6, /* *(rbp + offset): a realigned stack's body */
  BUNSEN_CFA_PLT = 7,       /* rsp + 8, and 8 more from byte `offset` of a 16-byte entry on */
  BUNSEN_CFA_SIGNAL = 8,    /* the kernel's signal frame at rsp */
  BUNSEN_CFA_END = 9,       /* the outermost frame: it has no return address */
  BUNSEN_CFA_UNKNOWN = 10,  /* there is a rule, which these tables cannot hold */
  BUNSEN_CFA_ABSENT = 11,   /* user space has yet to read the rows of this part */
  BUNSEN_CFA_GO = 12,       /* as without a rule, but the frame pointer may lead to another stack */
};

/* Where a saved register is. Any other value n: n words below the canonical frame address. */
#define BUNSEN_SAVED_SAME 0 /* still in the register */
#define BUNSEN_SAVED_LOST \
  1 /* nowhere that these tables could say (that word holds the return address) */
#define BUNSEN_SAVED_AT_RBP 255 /* rbp only: at the address that rbp holds */
#define BUNSEN_SAVED_RBX_LIMIT 16
#define BUNSEN_SAVED_RBP_LIMIT 255

struct bunsen_unwind_rule {
  __s16 offset;
  __u8 rbp;
  __u8 cfa : 4; /* enum bunsen_cfa */
  __u8 rbx : 4;
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_rule, 4);

/*
 * A module's rows are a static B-tree of these pages. All modules share one pool of them, so that
 * giving one module's pages to another leaves no holes.
 *
 * Row i is start[i], value[i]: from start[i] (bytes from the module's lowest code) up to the next
 * start holds the rule, or the page, value[i]. A sample finds the tables cold, and each line of the
 * cache that a search touches costs a tenth of a microsecond: hence groups, whose first starts
 * stand side by side, and starts apart from values. A search touches four lines, not eight.
 */
#define BUNSEN_UNWIND_GROUPS 16
#define BUNSEN_UNWIND_GROUP_ROWS 31
#define BUNSEN_UNWIND_PAGE_ROWS (BUNSEN_UNWIND_GROUPS * BUNSEN_UNWIND_GROUP_ROWS)
#define BUNSEN_UNWIND_MAX_HEIGHT 3 /* 122 million rows */
/* The start of unused rows, which stand behind the used ones. */
#define BUNSEN_UNWIND_NO_START 0xffffffffu

union bunsen_unwind_value {
  struct bunsen_unwind_rule rule; /* in a leaf page */
  __u32 page;                     /* in an inner page: the page of rows from the start on */
};

struct bunsen_unwind_page {
  __u32 group_start[BUNSEN_UNWIND_GROUPS];
  /* The last one is never used: the search of the last group may look at it. */
  __u32 start[BUNSEN_UNWIND_PAGE_ROWS + 1];
  union bunsen_unwind_value value[BUNSEN_UNWIND_PAGE_ROWS + 1];
  __u32 unused[14];
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_page, 4096);

/* Its one row is BUNSEN_CFA_ABSENT: what inner pages name where the rows are yet to be read. */
#define BUNSEN_UNWIND_ABSENT_PAGE 0
/* The pool grows by whole shards: id of a page = shard * pages of a shard + place in it. */
#define BUNSEN_UNWIND_SHARD_PAGES 256
#define BUNSEN_UNWIND_MAX_SHARDS 20

#define BUNSEN_UNWIND_NO_MAPPING 0x7fffffffffffffffull

/* An executable mapping of a process. */
struct bunsen_unwind_mapping {
  __u64 start;      /* BUNSEN_UNWIND_NO_MAPPING in unused ones, which stand behind the used ones */
  __u64 bias;       /* address in the process - address in the module's rows */
  __u32 pages;      /* of 4 KiB */
  __u32 root : 30;  /* page of the module's rows */
  __u32 height : 2; /* pages from root to leaf; 0: no rows, frames are left by frame pointer */
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_mapping, 24);

#define BUNSEN_UNWIND_MAX_MAPPINGS 128

/* A process is what bunsen_sample_key says; it is known from the moment its mappings are here. */
struct bunsen_process_key {
  __u64 start_boottime_ns;
  __u32 tgid;
  __u32 exec_id;
};
BUNSEN_ASSERT_SIZE(struct bunsen_process_key, 16);

/* What the sampler sends when it meets a process without tables, or a walk ended early. */
struct bunsen_unwind_request {
  struct bunsen_process_key process;
  __u64 asked_ns; /* CLOCK_MONOTONIC */
  __u64 address;  /* whose rows are absent; 0: the mappings are asked for */
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_request, 32);

struct bunsen_unwind_process {
  /* Of this state of the mappings; not 0, and never given to another process or state. */
  __u32 serial;
  __u32 is_partial; /* there were more mappings: what is in none of them is left by frame pointer */
  struct bunsen_unwind_mapping mapping[BUNSEN_UNWIND_MAX_MAPPINGS]; /* by start */
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_process, 8 + 24 * BUNSEN_UNWIND_MAX_MAPPINGS);

/*
 * Rules that were found before, each in the slot that its address and process hash to. One line of
 * the cache in place of the twenty that mappings and rows take; most callers were met before.
 */
struct bunsen_unwind_cached {
  __u64 address;
  __u32 serial; /* of the process; 0: unused */
  struct bunsen_unwind_rule rule;
};

#define BUNSEN_UNWIND_CACHE_BITS 11
#define BUNSEN_UNWIND_CACHE_SLOTS (1u << BUNSEN_UNWIND_CACHE_BITS)

/* As large as the kernel lets the value of a per-CPU array be. */
struct bunsen_unwind_cache {
  struct bunsen_unwind_cached slot[BUNSEN_UNWIND_CACHE_SLOTS];
};
BUNSEN_ASSERT_SIZE(struct bunsen_unwind_cache, 32 << 10);

#endif
