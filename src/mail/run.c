/* Running programs: the steps of a template with the values of one recipient. */
#include "run.h"
#include "hayauma/mail/escape.h"
#include "json.h"

enum { TURNS_MAX = 20000 /* of all loops of a part: lists inside lists must not cost minutes */ };

static void run(struct hy_run *r, const struct hy_program *p, size_t from, size_t to);

void hy_run_init(struct hy_run *r, const struct hy_message *m, const struct hy_render_input *in,
                 struct hy_buf work[3])
{
    *r = (struct hy_run){.scope = {.m = m, .in = in, .scratch = &work[1], .turns_left = TURNS_MAX},
                         .sink = {.work = &work[2]},
                         .escaped = &work[0],
                         .probe = &work[2]};
    for (int i = 0; i < 3; i++)
        hy_buf_reset(&work[i]);
}

int hy_run_error(const struct hy_run *r)
{
    int err = r->sink.out ? r->sink.out->err : 0;
    if (!err)
        err = r->escaped->err ? r->escaped->err : r->scope.scratch->err;
    return err ? err : r->probe->err;
}

static void put_value(struct hy_run *r, const struct hy_op *op)
{
    hy_buf_reset(r->scope.scratch);
    struct hy_str text = hy_value_text(&r->scope, hy_scope_find(&r->scope, &op->ref));
    if (text.n == 0)
        text = op->fallback;
    if (text.n == 0 && !op->is_bare && op->escape < HY_ESCAPE_URL)
        return;
    if (hy_escape_is_same(text, op->escape) && text.n) {
        hy_sink_text(&r->sink, text);
        return;
    }
    hy_buf_reset(r->escaped);
    hy_escape(r->escaped, text, op->escape);
    if (op->is_bare && r->escaped->len == 0)
        hy_buf_add_lit(r->escaped, "\"\"");
    hy_sink_text(&r->sink, hy_buf_str(r->escaped));
}

static void put_token(struct hy_run *r, enum hy_token_kind kind, uint32_t link)
{
    char token[HY_TOKEN_TEXT_MAX];
    const struct hy_token_stem *stem = &r->scope.m->stems[kind];
    hy_sink_token(&r->sink, token, hy_token_write(stem, r->scope.in->lead, link, token));
}

/* Whether the URL of a link is http(s) this time. */
static bool is_http(struct hy_run *r, const struct hy_link *link)
{
    struct hy_sink outer = r->sink;
    hy_buf_reset(r->probe);
    r->sink = (struct hy_sink){.out = r->probe};
    run(r, &link->program, 0, link->program.n);
    bool found = hy_url_is_http(hy_buf_str(r->probe));
    r->sink = outer;
    return found;
}

/* Writes the tracked URL and says true, or leaves the URL that follows as it is. */
static bool put_link(struct hy_run *r, const struct hy_op *op)
{
    const struct hy_link *link = &r->scope.m->links.v[op->link - 1];
    if ((link->uses_item && r->scope.n_loops > 1) || !is_http(r, link))
        return false;
    hy_sink_text(&r->sink, r->scope.m->base_url);
    hy_sink_text(&r->sink, HY_STR(HY_PATH_CLICK));
    uint32_t turn = link->uses_item ? r->scope.turn : 0;
    put_token(r, HY_TOKEN_CLICK, op->link + turn * HY_LINK_TURN);
    return true;
}

static void run_list(struct hy_run *r, const struct hy_program *p, size_t at, struct hy_str list)
{
    struct hy_value item = {.is_json = true};
    uint32_t turn = 0, outer = r->scope.turn;
    r->scope.n_loops++;
    for (size_t pos = 0; turn < HY_MESSAGE_LOOP_MAX && hy_json_next(list, &pos, &item.text);
         turn++) {
        if (r->scope.turns_left == 0 || r->sink.out->err)
            break;
        r->scope.turns_left--;
        r->scope.turn = turn;
        hy_scope_push(&r->scope, item);
        run(r, p, at + 1, p->ops[at].end);
        hy_scope_pop(&r->scope);
    }
    r->scope.n_loops--;
    r->scope.turn = outer;
}

static void run_section(struct hy_run *r, const struct hy_program *p, size_t at)
{
    const struct hy_op *op = &p->ops[at];
    hy_buf_reset(r->scope.scratch);
    struct hy_value value = hy_scope_find(&r->scope, &op->ref);
    bool is_true = hy_value_is_true(&r->scope, value);
    if (op->kind == HY_OP_INVERTED) {
        if (!is_true)
            run(r, p, at + 1, op->end);
        return;
    }
    if (!is_true)
        return;
    if (hy_value_is_list(value)) {
        run_list(r, p, at, value.text);
        return;
    }
    if (op->ref.kind == HY_REF_SYSTEM) /* made in scratch: it would not last */
        value = (struct hy_value){0};
    hy_scope_push(&r->scope, value);
    run(r, p, at + 1, op->end);
    hy_scope_pop(&r->scope);
}

static void run(struct hy_run *r, const struct hy_program *p, size_t from, size_t to)
{
    for (size_t i = from; i < to;) {
        const struct hy_op *op = &p->ops[i];
        switch (op->kind) {
        case HY_OP_TEXT:
            if (r->sink.coding.transfer == HY_TRANSFER_AUTO)
                hy_buf_add_str(r->sink.out, op->text);
            else
                hy_sink_piece(&r->sink, op->piece);
            break;
        case HY_OP_VALUE:
            put_value(r, op);
            break;
        case HY_OP_CLICK:
            put_token(r, HY_TOKEN_CLICK, op->link);
            break;
        case HY_OP_OPEN:
            put_token(r, HY_TOKEN_OPEN, 0);
            break;
        case HY_OP_LINK:
            if (put_link(r, op)) {
                i = op->end;
                continue;
            }
            break;
        case HY_OP_SECTION:
        case HY_OP_INVERTED:
            run_section(r, p, i);
            i = op->end;
            continue;
        }
        i++;
    }
}

void hy_run_program(struct hy_run *r, const struct hy_program *p)
{
    run(r, p, 0, p->n);
}

static struct hy_value element(struct hy_value list, uint32_t turn)
{
    struct hy_value item = {.is_json = true};
    size_t pos = 0;
    for (uint32_t i = 0; i <= turn; i++)
        if (!hy_json_next(list.text, &pos, &item.text))
            return (struct hy_value){0};
    return item;
}

void hy_run_enter_link(struct hy_run *r, const struct hy_link *link, uint32_t turn)
{
    for (size_t i = 0; i < link->n_chain; i++) {
        struct hy_value value = hy_scope_find(&r->scope, &link->chain[i]);
        if (hy_value_is_list(value))
            value = element(value, turn);
        else if (link->chain[i].kind == HY_REF_SYSTEM)
            value = (struct hy_value){0};
        hy_scope_push(&r->scope, value);
    }
}
