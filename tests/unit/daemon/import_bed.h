/* What the tests of imports stand on: a store with its writer, files, and the end of one import. */
#pragma once
#include <pthread.h>

#include "hayauma/daemon/import_job.h"

/* A store with its writer, and the end of one import. */
struct import_bed {
    char dir[64];
    struct hy_env *env;
    struct hy_writer *writer;
    struct hy_import_jobs *jobs;
    _Atomic int commits_left; /* after so many the disk is full; < 0 = never */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done, is_cancelled;
    uint64_t told;
    struct hy_import_end end;
    char first_reject[256], columns[256];
};

void import_bed_open(struct import_bed *b);
void import_bed_close(struct import_bed *b);
void import_bed_wait(struct import_bed *b);
struct hy_import_job_options import_bed_options(struct import_bed *b, int fd);
int import_bed_file(struct import_bed *b, const char *text, int rows);
const struct hy_import_progress *import_bed_import(struct import_bed *b, const char *text,
                                                   int rows);
uint64_t import_bed_members(struct import_bed *b, const char *list);
const char *import_bed_slurp(const char *dir, const char *name, char out[4096]);
