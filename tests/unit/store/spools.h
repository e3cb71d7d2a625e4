/* Ready messages for the tests of spools. */
#pragma once
#include "fixture.h"
#include "hayauma/store/spool.h"

extern const char spool_content[]; /* of every message that these make */

struct hy_spool_rcpt spool_to(const char *address);
/* A message with every field set; sorts `rcpts`. */
struct hy_spool_message spool_message_to(struct hy_spool_rcpt *rcpts, size_t n);
/* Hands it in, as it is then stored; the error. */
int spool_put(struct hy_env *env, struct hy_spool_message *m);
void spool_put_ok(struct hy_env *env, struct hy_spool_message *m); /* aborts the test */
/* Fresh rows from block *at on, which moves behind them; how many. */
size_t spool_fresh(struct hy_env *env, hy_id spool, uint32_t *at, struct hy_queue_row *out,
                   size_t max);
/* Settles a row after an attempt; aborts the test when it cannot be. */
void spool_settle(struct hy_env *env, const struct hy_rcpt_ref *ref, enum hy_rcpt_state state);

uint64_t store_entries(struct hy_env *env, enum hy_table table);
uint64_t store_problems(struct hy_env *env); /* that an audit finds */
