/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only fields of the kernel's own types that the sampler reads. Their offsets are relocated at
 * load time, so no vmlinux.h is needed and the object builds on a host without BTF.
 */
#ifndef BUNSEN_KERNEL_BPF_H
#define BUNSEN_KERNEL_BPF_H

#include <linux/types.h>

struct task_struct {
  unsigned int flags;
  void *stack;
  struct task_struct *group_leader;
  __u64 start_boottime;
  __u64 self_exec_id;
} __attribute__((preserve_access_index));

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h; the same since Linux 2.6.27 */

#ifdef __TARGET_ARCH_x86
/* The kernel's own names for the registers; user space headers call them otherwise. */
struct pt_regs___kernel {
  unsigned long r10;
  unsigned long bp;
  unsigned long bx;
  unsigned long ip;
  unsigned long cs;
  unsigned long sp;
  unsigned long ss;
} __attribute__((preserve_access_index));

/* asm/segment.h: the segments of 64-bit user code and of all user stacks. */
#define USER_CS_64 0x33
#define USER_SS 0x2b

#define KERNEL_STACK_BYTES (16 << 10) /* asm/page_64_types.h; twice as much with KASAN */
#endif

#endif
