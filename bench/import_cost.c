/* bench/import_cost: imports a CSV into a fresh store as the daemon does, and prints what it cost:
 * import_cost FILE.csv DIRECTORY. With a third argument "parse" nothing is stored. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "hayauma/daemon/import_job.h"

struct bench {
    sem_t done;
    struct hy_import_end end;
};

static void done(void *ctx, const struct hy_import_end *end)
{
    struct bench *b = ctx;
    b->end = *end; /* its views are not looked at */
    sem_post(&b->done);
}

static int must(int err, const char *what, const struct hy_diag *diag)
{
    if (err) {
        fprintf(stderr, "import_cost: %s: %s %s\n", what, hy_err_text(err), diag->text);
        exit(1);
    }
    return err;
}

int main(int argc, char **argv)
{
    struct hy_env *env = NULL;
    struct hy_writer *writer = NULL;
    struct hy_import_jobs *jobs = NULL;
    struct hy_diag diag = {0};
    struct bench b = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: import_cost FILE.csv DIRECTORY [parse]\n");
        return 2;
    }
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    must(fd < 0 ? HY_EIO : HY_OK, argv[1], &diag);
    must(hy_env_open(&(struct hy_env_options){.data_dir = argv[2]}, &env, &diag), argv[2], &diag);
    must(hy_writer_start(env, &(struct hy_writer_options){0}, &writer), "writer", &diag);
    must(hy_import_jobs_new(env, writer, &jobs), "jobs", &diag);
    sem_init(&b.done, 0, 0);
    int64_t cpu = hy_clock_cpu_us();
    const struct hy_import_job_options o = {
        .fd = fd,
        .report_fd = -1,
        .list = "bench",
        .create_list = true,
        .only_check = argc > 3 && strcmp(argv[3], "parse") == 0,
        .done = done,
        .ctx = &b,
    };
    must(hy_import_job_start(jobs, &o, &diag), "import", &diag);
    while (sem_wait(&b.done) != 0)
        ;
    cpu = hy_clock_cpu_us() - cpu;
    must(b.end.err, "import", &b.end.diag);

    const struct hy_import_progress *p = &b.end.progress;
    double seconds = (double)p->elapsed_us / 1e6, rows = (double)p->rows;
    struct hy_writer_stats w;
    struct hy_env_stats s;
    struct rusage ru;
    hy_writer_stats(writer, &w);
    must(hy_env_stats(env, &s), "stats", &diag);
    getrusage(RUSAGE_SELF, &ru);
    printf("rows %llu, refused %llu, added %llu, updated %llu, unchanged %llu, duplicates %llu, "
           "joined %llu\n",
           (unsigned long long)p->rows, (unsigned long long)p->refused,
           (unsigned long long)p->added, (unsigned long long)p->updated,
           (unsigned long long)p->unchanged, (unsigned long long)p->duplicates,
           (unsigned long long)p->joined);
    printf("%.2f s, %.0f rows/s, CPU %.2f us a row; writer: %llu commits, apply %.2f us a row, "
           "commit %.2f us a row, longest wait %.0f ms\n",
           seconds, rows / seconds, (double)cpu / rows, (unsigned long long)w.commits,
           (double)w.apply_us / rows, (double)w.commit_us / rows, (double)w.longest_wait_us / 1000);
    printf(
        "file %llu MiB of which %llu MiB are free, peak RSS %ld MiB (with the pages of the map)\n",
        (unsigned long long)s.file_bytes >> 20, (unsigned long long)s.free_bytes >> 20,
        ru.ru_maxrss >> 10);
    hy_import_jobs_free(jobs);
    hy_writer_stop(writer);
    hy_env_close(env);
    return 0;
}
