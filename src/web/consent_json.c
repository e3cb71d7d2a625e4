/* Consents as JSON. */
#include "call.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"
#include "hayauma/web/person_json.h"
#include "person.h"

json_t *person_time_json(hy_wall_ms at)
{
    char text[32];
    return at ? json_string(hy_wall_format(at, text)) : json_null();
}

json_t *person_ip_json(const uint8_t ip[16])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct hy_sockaddr a;
    char text[HY_SOCKADDR_TEXT_MAX];
    if (memcmp(ip, none, sizeof none) == 0)
        return json_null();
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        hy_sockaddr_from_ip4(&a, ip + 12, 0);
    else
        hy_sockaddr_from_ip6(&a, ip, 0);
    return json_string(hy_sockaddr_format_ip(&a, text));
}

static json_t *text_or_null(struct hy_str s)
{
    return s.n ? web_text_json(s) : json_null();
}

static json_t *list_json(struct hy_txn *t, hy_list_no no)
{
    struct hy_list_view v;
    return no && hy_list_read(t, no, &v) == 0 ? web_text_json(v.name) : json_null();
}

json_t *hy_consent_json(struct hy_txn *t, const struct hy_consent *c)
{
    char id[HY_ID_TEXT_MAX];
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(hy_id_format(c->id, id)));
    json_object_set_new(o, "lead", json_integer(c->lead));
    json_object_set_new(o, "at", person_time_json(c->at));
    json_object_set_new(o, "noted", person_time_json(hy_id_time(c->id)));
    json_object_set_new(o, "what", json_string(hy_consent_what_name(c->what)));
    json_object_set_new(o, "how", json_string(hy_consent_how_name(c->how)));
    json_object_set_new(o, "purpose", web_text_json(c->purpose));
    json_object_set_new(o, "list", list_json(t, c->list));
    json_object_set_new(o, "ip", person_ip_json(c->ip));
    json_object_set_new(o, "agent", text_or_null(c->agent));
    json_object_set_new(o, "by", text_or_null(c->by));
    json_object_set_new(o, "source", text_or_null(c->source));
    json_object_set_new(o, "version", text_or_null(c->version));
    json_object_set_new(o, "token", text_or_null(c->token));
    json_object_set_new(o, "text", text_or_null(c->text));
    return o;
}

/* The newest of each purpose and list is what stands. */
static void note_standing(json_t *purposes, const json_t *consent)
{
    size_t i;
    json_t *p;
    json_array_foreach(purposes, i, p)
    {
        if (!json_equal(json_object_get(p, "purpose"), json_object_get(consent, "purpose")) ||
            !json_equal(json_object_get(p, "list"), json_object_get(consent, "list")))
            continue;
        json_object_set(p, "what", json_object_get(consent, "what"));
        json_object_set(p, "at", json_object_get(consent, "at"));
        return;
    }
    json_array_append_new(purposes, json_pack("{s:O, s:O, s:O, s:O}", "purpose",
                                              json_object_get(consent, "purpose"), "list",
                                              json_object_get(consent, "list"), "what",
                                              json_object_get(consent, "what"), "at",
                                              json_object_get(consent, "at")));
}

int hy_consents_json(struct hy_txn *t, hy_lead_no lead, json_t **ret)
{
    struct hy_consent c = {.id = 0};
    struct hy_str address;
    hy_domain_no domain;
    int err = hy_lead_address(t, lead, &address, &domain);
    if (err)
        return err;
    json_t *all = json_array(), *purposes = json_array(),
           *o = json_pack("{s:I, s:o}", "lead", (json_int_t)lead, "address", text_or_null(address));
    while ((err = hy_consent_next_of(t, lead, c.id, &c)) == 0) {
        json_t *x = hy_consent_json(t, &c);
        note_standing(purposes, x);
        json_array_append_new(all, x);
    }
    if (!o || json_object_set_new(o, "purposes", purposes) != 0 ||
        json_object_set_new(o, "consents", all) != 0)
        err = HY_ENOMEM;
    if (err != HY_ENOTFOUND) {
        json_decref(o);
        return err;
    }
    *ret = o;
    return 0;
}
