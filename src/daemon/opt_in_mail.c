/* A request to join, as a message: a template with the link, rendered for one lead. */
#include "opt_in_mail.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/config/config.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/templates.h"
#include "hayauma/web/template_names.h"

enum { NAMES_MAX = 1 << 20, URL_MAX = 512 + HY_TOKEN_TEXT_MAX + 4 };

struct words {
    struct hy_str subject, text;
};
static const struct words words[] = {
    {HY_STR("Please confirm: {{list}}"),
     HY_STR("Somebody, probably you, asked to get mail of this list:\n"
            "\n"
            "    {{list}}\n"
            "\n"
            "If it was you, open this page and confirm:\n"
            "\n"
            "{{confirm_url}}\n"
            "\n"
            "If it was not you, do nothing. You will get no mail of this list.\n")},
    {HY_STR("登録の確認: {{list}}"),
     HY_STR("次のメール配信への登録を受け付けました。\n"
            "\n"
            "    {{list}}\n"
            "\n"
            "ご本人による登録であれば、次のページを開いて承認してください。\n"
            "\n"
            "{{confirm_url}}\n"
            "\n"
            "お心当たりがない場合は、何もする必要はありません。配信は行われません。\n")},
};

struct making {
    struct hy_txn *t;
    const struct hy_config *c;
    const struct hy_opt_in *o;
    struct hy_list_view list;
    struct hy_lead_view lead;
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    struct hy_template_names names;
    struct hy_arena arena;
    struct hy_buf stored; /* the template's texts */
    struct hy_message *message;
    char url[URL_MAX];
    struct hy_str slots[HY_TEMPLATE_VARIABLES_MAX];
};

static struct hy_str attribute(const struct making *k, struct hy_str name)
{
    hy_attr_no no;
    if (hy_attr_find(k->t, name, &no) != HY_OK)
        return (struct hy_str){0};
    for (size_t i = 0; i < k->lead.n_attrs; i++)
        if (k->lead.attrs[i].no == no)
            return k->lead.attrs[i].value;
    return (struct hy_str){0};
}

static int write_url(struct making *k, const struct hy_token_keys *keys, struct hy_diag *diag)
{
    const char *base = k->c->tracking.base_url;
    struct hy_token_stem stem;
    char token[HY_TOKEN_TEXT_MAX];
    if (!base[0])
        return hy_fail(diag, HY_EINVAL,
                       "nobody could confirm: set tracking.base_url and tracking.listen");
    hy_token_stem_init(&stem, keys, HY_TOKEN_CONFIRM, k->o->id);
    size_t n = hy_token_write(&stem, k->o->lead, k->o->list, token);
    snprintf(k->url, sizeof k->url, "%s%sl/%.*s", base, base[strlen(base) - 1] == '/' ? "" : "/",
             (int)n, token);
    return HY_OK;
}

struct hy_str opt_in_mail_from(const struct hy_config *c, struct hy_str from,
                               char room[OPT_IN_FROM_MAX])
{
    if (from.n)
        return from;
    snprintf(room, OPT_IN_FROM_MAX, "%s%.230s", c->dsn.from[0] ? c->dsn.from : "mailer-daemon@",
             c->dsn.from[0] ? "" : c->node.hostname);
    return hy_str_of(room);
}

static int read_addresses(const struct making *k, struct opt_in_mail *m, struct hy_diag *diag)
{
    char room[OPT_IN_FROM_MAX];
    struct hy_str from = opt_in_mail_from(k->c, k->list.rules.from, room);
    enum hy_address_reason why;
    if (hy_address_parse(from, NULL, &m->from, &why) != HY_OK ||
        hy_address_parse(k->lead.address, NULL, &m->to, &why) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "no address: %s", hy_address_reason_text(why));
    return HY_OK;
}

/* What it says: subject, text and HTML. */
static int choose_words(struct making *k, struct hy_message_source *s, struct hy_diag *diag)
{
    struct hy_str template = k->list.rules.template;
    struct hy_stored_template m;
    if (!template.n) {
        const struct words *w =
            &words[hy_str_istarts(attribute(k, HY_STR("language")), HY_STR("ja"))];
        s->subject = w->subject;
        s->text = (struct hy_message_text){w->text, HY_STR("opt-in")};
        return HY_OK;
    }
    k->stored = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    int err = hy_template_get(k->t, 0, template, 0, &k->stored, &m);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, HY_EINVAL, "there is no template '%.*s'", HY_STR_ARG(template));
    s->subject = m.subject;
    s->text = (struct hy_message_text){m.text, template};
    s->html = (struct hy_message_text){m.html, template};
    return err;
}

static int compile(struct making *k, const struct opt_in_mail *m, struct hy_diag *diag)
{
    static const struct hy_message_header automatic = {HY_STR("Auto-Submitted"),
                                                       HY_STR("auto-generated")};
    struct hy_message_source s = {
        .from_address = hy_address_wire(&m->from), .headers = &automatic, .n_headers = 1};
    struct hy_token_keys keys = {0}; /* its Message-ID stands for nothing that is looked up */
    uint8_t secret[32];
    struct hy_message_options o = {
        .slot = hy_template_slot,
        .slot_ctx = &k->names,
        .keys = &keys,
        .campaign = k->o->id,
        .return_domain = hy_str_of(k->c->node.hostname),
        .message_id_domain = hy_str_of(k->c->node.hostname),
    };
    int err = choose_words(k, &s, diag);
    if (err == HY_OK)
        err = hy_rand_bytes(secret, sizeof secret);
    if (err == HY_OK)
        err = hy_rand_bytes(o.seed, sizeof o.seed);
    if (err == HY_OK)
        err = hy_token_keys_add(&keys, 0, hy_str_make(secret, sizeof secret));
    return err == HY_OK ? hy_message_compile(&s, &o, diag, &k->message) : err;
}

static void fill_slots(struct making *k)
{
    for (size_t i = 0; i < k->names.n; i++) {
        struct hy_str name = k->names.items[i];
        k->slots[i] = hy_str_eq(name, HY_STR("confirm_url")) ? hy_str_of(k->url)
                      : hy_str_eq(name, HY_STR("list"))      ? k->list.name
                                                             : attribute(k, name);
    }
}

static int make(struct making *k, const struct hy_token_keys *keys, struct opt_in_mail *m,
                struct hy_diag *diag)
{
    int err = hy_list_read(k->t, k->o->list, &k->list);
    if (err == HY_OK)
        err = hy_lead_read(k->t, k->o->lead, k->attrs, HY_ATTR_MAX, &k->lead);
    if (err == HY_OK)
        err = write_url(k, keys, diag);
    if (err == HY_OK)
        err = read_addresses(k, m, diag);
    if (err == HY_OK)
        err = compile(k, m, diag);
    if (err != HY_OK)
        return err;
    fill_slots(k);
    snprintf(m->list, sizeof m->list, "%.*s", HY_STR_ARG(k->list.name));
    const struct hy_render_input in = {.slots = k->slots,
                                       .n_slots = k->names.n,
                                       .address = hy_address_wire(&m->to),
                                       .lead = k->o->lead,
                                       .now = hy_clock_wall_ms()};
    err = hy_message_render(k->message, &in, &m->rendered);
    return err == HY_EINVAL || err == HY_EUNSUPPORTED
               ? hy_fail(diag, HY_EINVAL, "a value or address of the lead cannot stand in it")
               : err;
}

int opt_in_mail_make(struct hy_txn *t, const struct hy_config *c, const struct hy_token_keys *keys,
                     const struct hy_opt_in *o, struct opt_in_mail *ret, struct hy_diag *diag)
{
    struct making *k = calloc(1, sizeof *k);
    if (!k)
        return HY_ENOMEM;
    k->t = t;
    k->c = c;
    k->o = o;
    k->arena = HY_ARENA_INIT(NAMES_MAX);
    k->names.arena = &k->arena;
    hy_rendered_init(&ret->rendered);
    int err = make(k, keys, ret, diag);
    hy_message_free(k->message);
    hy_buf_free(&k->stored);
    hy_arena_free(&k->arena);
    free(k);
    if (err != HY_OK)
        opt_in_mail_free(ret);
    return err;
}

void opt_in_mail_free(struct opt_in_mail *m)
{
    hy_rendered_free(&m->rendered);
}
