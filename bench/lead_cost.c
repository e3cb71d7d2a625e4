/* What finding leads costs: gives every lead of a store an id of another system, then asks for
 * leads at random by number, address and id. Usage: lead_cost DIR [LOOKS]; prints JSON. The store
 * is one that nobody runs on, with leads of an import. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"

enum { A_COMMIT = 10000, ADDRESS_ROOM = HY_ADDRESS_MAX + 1 };

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "lead_cost: %s: %s\n", what, hy_err_name(err));
    exit(1);
}

static struct hy_str id_of(char room[32], uint32_t lead)
{
    return hy_str_make(room, (size_t)snprintf(room, 32, "crm:%08" PRIu32, lead));
}

static uint64_t used_bytes(struct hy_env *env)
{
    struct hy_env_stats s;
    must(hy_env_stats(env, &s), "stats");
    return s.file_bytes - s.free_bytes;
}

static double give_ids(struct hy_env *env, uint32_t n)
{
    hy_us begin = hy_clock_us();
    for (uint32_t lead = 1; lead <= n;) {
        struct hy_txn t;
        must(hy_txn_write(env, &t), "transaction");
        for (unsigned i = 0; i < A_COMMIT && lead <= n; i++, lead++) {
            char room[32];
            const struct hy_identity id = {HY_IDENTITY_EXTERNAL, id_of(room, lead)};
            must(hy_identity_put(&t, &id, lead), "id");
        }
        must(hy_txn_commit(&t), "commit");
    }
    return (double)(hy_clock_us() - begin) / 1e6;
}

/* xorshift: the same leads in every run. */
static uint32_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (uint32_t)(*x >> 32);
}

static int compare(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

/* Finds and reads a lead `looks` times; the times, sorted. */
static void ask(struct hy_env *env, const char *what, char by, const uint32_t *leads,
                char (*addresses)[ADDRESS_ROOM], double *times, unsigned looks)
{
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    for (unsigned i = 0; i < looks; i++) {
        struct hy_lead_view view;
        struct hy_txn t;
        char room[32];
        hy_lead_no no = leads[i];
        hy_us cpu = hy_clock_us();
        must(hy_txn_read(env, &t), "snapshot");
        if (by == 'a')
            must(hy_lead_find(&t, hy_str_of(addresses[i]), &no), "address");
        if (by == 'i') {
            const struct hy_identity id = {HY_IDENTITY_EXTERNAL, id_of(room, leads[i])};
            must(hy_identity_find(&t, &id, &no), "id");
        }
        must(hy_lead_read(&t, no, attrs, HY_ATTR_MAX, &view), "lead");
        hy_txn_end(&t);
        times[i] = (double)(hy_clock_us() - cpu);
        must(no == leads[i] ? 0 : HY_ECORRUPT, "another lead");
    }
    qsort(times, looks, sizeof *times, compare);
    double sum = 0;
    for (unsigned i = 0; i < looks; i++)
        sum += times[i];
    printf(",\"%s\":{\"mean_us\":%.2f,\"p50_us\":%.0f,\"p99_us\":%.0f}", what, sum / looks,
           times[looks / 2], times[looks - 1 - looks / 100]);
}

int main(int argc, char **argv)
{
    struct hy_env_options o = {.data_dir = argc > 1 ? argv[1] : "", .mode = HY_ENV_OWNER};
    unsigned looks = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100000;
    struct hy_env *env = NULL;
    struct hy_diag diag = {""};
    struct hy_txn t;
    hy_lead_no next = 0;
    uint64_t random = 88172645463325252u;
    if (argc < 2 || looks < 100) {
        fprintf(stderr, "usage: lead_cost DIR [LOOKS]\n");
        return 2;
    }
    must(hy_env_open(&o, &env, &diag), diag.text);
    must(hy_txn_read(env, &t), "snapshot");
    must(hy_lead_next_no(&t, &next), "leads");
    uint32_t *leads = calloc(looks, sizeof *leads);
    char(*addresses)[ADDRESS_ROOM] = calloc(looks, sizeof *addresses);
    double *times = calloc(looks, sizeof *times);
    must(leads && addresses && times && next > 1 ? 0 : HY_ENOMEM, "nothing to ask for");
    for (unsigned i = 0; i < looks; i++) {
        struct hy_str address;
        hy_domain_no domain;
        leads[i] = 1 + next_random(&random) % (next - 1);
        must(hy_lead_address(&t, leads[i], &address, &domain), "lead");
        memcpy(addresses[i], address.p, address.n);
    }
    hy_txn_end(&t);
    uint64_t before = used_bytes(env);
    double took = give_ids(env, next - 1);
    printf("{\"leads\":%" PRIu32 ",\"store_bytes\":%" PRIu64
           ",\"ids_s\":%.2f,\"ids_bytes\":%" PRIu64,
           next - 1, before, took, used_bytes(env) - before);
    ask(env, "number", 'n', leads, addresses, times, looks);
    ask(env, "address", 'a', leads, addresses, times, looks);
    ask(env, "id", 'i', leads, addresses, times, looks);
    printf("}\n");
    hy_env_close(env);
    free(leads);
    free(addresses);
    free(times);
    return 0;
}
