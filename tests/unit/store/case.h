/* The open store that most cases work on, made anew for each:
 *     TestSuite(noun, .init = case_open, .fini = case_close); */
#pragma once
#include "fixture.h"
#include "hayauma/store/pick.h"

extern struct store_dir dir;
extern struct hy_env *env;
void case_open(void);
void case_close(void);

/* Opens it with a campaign of all the people, whose fresh rows go into rows[0..max-1]; how many. */
size_t case_open_queued(struct people p, hy_id *ret_campaign, struct hy_queue_row *rows,
                        size_t max);

/* How many rows of the domain the orders of `p` are about. */
unsigned case_picked(hy_id queue, hy_domain_no domain, const struct hy_pick *p);

/* A lead with this address (wire form, lower case); aborts the test when it cannot be. */
hy_lead_no case_lead(const char *address);

/* A transaction that writes, begun; aborts the test when it cannot be. */
struct hy_txn case_write(void);

/* How many problems an audit finds. */
uint64_t case_problems(void);
