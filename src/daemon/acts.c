/* The log of operators' acts: who did what, kept in the store and told in the daemon's log. */
#include "ctl_common.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

void user_name(uid_t uid, char *out, size_t cap)
{
    char room[1024];
    struct passwd pw, *found = NULL;
    out[0] = '\0';
    if (getpwuid_r(uid, &pw, room, sizeof room, &found) == 0 && found)
        snprintf(out, cap, "%s", found->pw_name);
}

json_t *user_json(const char *name)
{
    return name[0] ? json_string(name) : json_null();
}

char *act_line(const char *what, uid_t uid, const char *user, json_t *details)
{
    json_t *j =
        json_pack("{s:s,s:I,s:o}", "act", what, "uid", (json_int_t)uid, "user", user_json(user));
    if (j && details)
        json_object_update(j, details);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    json_decref(details);
    return text;
}

struct logging {
    struct hy_write_req req; /* first */
    char *text;
};

static int apply_log(struct hy_write_req *r, struct hy_txn *t)
{
    hy_id id;
    return hy_act_append(t, hy_str_of(hy_container_of(r, struct logging, req)->text), &id);
}

static void log_done(struct hy_write_req *r, int err)
{
    struct logging *l = hy_container_of(r, struct logging, req);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "operator", "%s", l->text);
    else
        hy_log(HY_LOG_ERROR, "operator", "an act could not be stored: %s: %s", hy_err_text(err),
               l->text);
    free(l->text);
    free(l);
}

void act_log(struct hy_daemon *d, const char *what, uid_t uid, json_t *details)
{
    char user[64];
    user_name(uid, user, sizeof user);
    char *text = act_line(what, uid, user, details);
    struct logging *l = text ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        hy_log(HY_LOG_ERROR, "operator", "out of memory: %s by user %u is not in the log of acts",
               what, (unsigned)uid);
        free(text);
        return;
    }
    l->text = text;
    l->req.class = HY_WRITE_ADMIN;
    l->req.apply = apply_log;
    l->req.done = log_done;
    int err = hy_writer_submit(d->writer, &l->req);
    if (err != HY_OK)
        log_done(&l->req, err);
}

struct act_apart {
    struct hy_daemon *d;
    const char *what;
    uid_t uid;
    json_t *details;
};

static void log_apart(void *arg)
{
    struct act_apart a = *(struct act_apart *)arg;
    free(arg);
    act_log(a.d, a.what, a.uid, a.details);
}

void act_log_apart(struct hy_daemon *d, const char *what, uid_t uid, json_t *details)
{
    struct act_apart *a = malloc(sizeof *a);
    if (a)
        *a = (struct act_apart){d, what, uid, details};
    if (a && ctl_job_run(d, CTL_JOB_ACT, log_apart, a) == HY_OK)
        return;
    free(a);
    act_log(d, what, uid, details); /* late rather than never */
}
