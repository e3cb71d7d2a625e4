/* Going on with erasures. */
#pragma once
#include <jansson.h>
#include <stdatomic.h>

#include "hayauma/store/erase.h"

struct hy_daemon;
struct erasures {
    struct hy_erase_job job; /* the writer's while it runs */
    atomic_bool is_running;
    /* the main thread's */
    uint32_t seen; /* how many had begun when it looked, and one; 0: it never looked */
    bool is_open;  /* one was found */
    hy_us again;   /* when to look for what is left */
};
/* The command lead.erase_file (erase_file.c): a task with a descriptor. */
struct ctl_task;
int erase_file_run(struct ctl_task *k, json_t *o, struct hy_diag *diag);
/* Every second. Main thread. */
void erasures_tick(struct hy_daemon *d, struct erasures *e);
