/* Threads with a name, no signals, and a meter of their CPU time. */
#pragma once
#include <stdint.h>

#include "hayauma/base/err.h"

struct hy_thread;

/* Starts fn(arg) with every signal blocked. `name` is cut to 15 bytes (what ps and top show).
 * HY_ENOMEM, HY_EIO. */
HY_MUST_USE int hy_thread_start(const char *name, void (*fn)(void *arg), void *arg,
                                struct hy_thread **ret_thread);
/* Waits for its end and frees it. NULL is fine. */
void hy_thread_join(struct hy_thread *t);
/* CPU microseconds it used so far. Any thread, until it is joined. */
int64_t hy_thread_cpu_us(struct hy_thread *t);
const char *hy_thread_name(const struct hy_thread *t);
/* The calling thread lets others go first from now on: its nice value (Linux has one for each
 * thread) rises by `nice`, 1..19. Without the right to, it stays as it is. */
void hy_thread_give_way(int nice);
/* The calling thread interrupts no other from now on (Linux: SCHED_BATCH): when it wakes and no
 * processor is free, it waits for the scheduler's next turn, some ms at most. Where that is
 * forbidden, it stays as it is. */
void hy_thread_interrupt_none(void);
