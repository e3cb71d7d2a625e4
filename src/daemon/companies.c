/* What changes of companies left to do on leads, when a stop has interrupted it; and leads of a
 * store that knew no companies yet. */
#include "companies.h"

#include "daemon.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/company.h"

enum { EVERY_US = 5000000 };

/* The writer's thread, as the next. */
static int work(struct hy_write_req *r, struct hy_txn *t)
{
    (void)r;
    int err = hy_company_adopt(t);
    return err ? err : hy_company_work(t);
}

static void done(struct hy_write_req *r, int err)
{
    struct companies *c = hy_container_of(r, struct companies, req);
    if (err && err != HY_ECLOSED)
        hy_log(HY_LOG_ERROR, "companies", "members of companies could not be changed: %s",
               hy_err_text(err));
    atomic_store(&c->is_running, false);
}

static bool has_work(struct hy_daemon *d, unsigned *ret_waiting)
{
    struct hy_txn t = {0};
    bool has = false;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_company_waiting(&t, ret_waiting);
    if (err == HY_OK && hy_company_has_work(&t, &has) != HY_OK)
        has = false;
    hy_txn_end(&t);
    return has;
}

static void tell(unsigned waiting)
{
    if (waiting)
        hy_log(HY_LOG_WARNING, "companies",
               "leads of %u domains cannot join their company: the store knows %d names of "
               "attributes, and has no room for \"" HY_COMPANY_ATTRIBUTE "\"; they do once it has",
               waiting, HY_ATTR_MAX);
    else
        hy_log(HY_LOG_NOTICE, "companies", "leads of all domains can join their company again");
}

static void submit(struct hy_daemon *d, struct companies *c)
{
    c->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = work, .done = done};
    atomic_store(&c->is_running, true);
    if (hy_writer_submit(d->writer, &c->req) != HY_OK)
        atomic_store(&c->is_running, false);
}

void companies_start(struct hy_daemon *d, struct companies *c)
{
    submit(d, c);
}

void companies_tick(struct hy_daemon *d, struct companies *c)
{
    hy_us now = hy_clock_us();
    if (now < c->next || atomic_load(&c->is_running))
        return;
    c->next = now + EVERY_US;
    unsigned waiting = c->waiting;
    if (has_work(d, &waiting))
        submit(d, c);
    if (waiting != c->waiting)
        tell(waiting);
    c->waiting = waiting;
}
