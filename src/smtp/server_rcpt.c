/* RCPT (RFC 5321 4.1.1.3) with NOTIFY and ORCPT (RFC 3461). */
#include <stdlib.h>

#include "hayauma/mail/address.h"
#include "server_priv.h"

enum { NEVER = 1, SUCCESS = 2, FAILURE = 4, DELAY = 8 };

/* 0 when it is wrong. */
static uint8_t read_notify(struct hy_str value)
{
    static const struct {
        const char *word;
        uint8_t bit;
    } words[] = {{"NEVER", NEVER}, {"SUCCESS", SUCCESS}, {"FAILURE", FAILURE}, {"DELAY", DELAY}};
    uint8_t bits = 0;
    struct hy_str piece;
    while (value.p && hy_str_split(&value, ',', &piece)) {
        uint8_t bit = 0;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (hy_str_ieq(piece, hy_str_of(words[i].word)))
                bit = words[i].bit;
        if (bit == 0 || (bits & bit))
            return 0;
        bits |= bit;
    }
    return bits & NEVER && bits != NEVER ? 0 : bits;
}

static bool is_orcpt(struct hy_str value)
{
    size_t semi = hy_str_find(value, ';', 0);
    return semi != SIZE_MAX && semi > 0 && semi + 1 < value.n &&
           value.n <= HY_SMTP_SERVER_ORCPT_MAX && smtpd_is_xtext(value);
}

static bool read_params(struct hy_str rest, uint8_t *ret_notify, struct hy_str *ret_orcpt,
                        bool *ret_known)
{
    struct hy_str name, value;
    while (smtpd_param(&rest, &name, &value)) {
        if (hy_str_ieq(name, HY_STR("NOTIFY")) && !*ret_notify) {
            *ret_notify = read_notify(value);
            if (!*ret_notify)
                return false;
        } else if (hy_str_ieq(name, HY_STR("ORCPT")) && !ret_orcpt->n) {
            *ret_orcpt = value;
            if (!is_orcpt(value))
                return false;
        } else {
            *ret_known = false;
            return false;
        }
    }
    return true;
}

static bool make_room(struct hy_smtp_server *s)
{
    if (s->n_rcpts < s->rcpts_cap)
        return true;
    uint32_t cap = s->rcpts_cap ? 2 * s->rcpts_cap : 8;
    struct hy_smtp_server_rcpt_at *more = realloc(s->rcpts, cap * sizeof *more);
    if (!more)
        return false;
    s->rcpts = more;
    s->rcpts_cap = cap;
    return true;
}

void smtpd_rcpt(struct hy_smtp_server *s, struct hy_str arg)
{
    struct hy_address a;
    struct hy_str orcpt = {0};
    uint8_t notify = 0;
    bool is_known = true;
    if (!s->has_mail || s->is_bdat) {
        smtpd_refuse(s, 503, 5, 1, "MAIL first");
        return;
    }
    if (!hy_str_istarts(arg, HY_STR("TO:"))) {
        smtpd_refuse(s, 501, 5, 4, "RCPT TO:<address>");
        return;
    }
    arg = hy_str_trim(hy_str_slice(arg, 3, arg.n));
    enum smtpd_path path = smtpd_path(&arg, &a);
    if (path != SMTPD_PATH_GOOD) {
        smtpd_refuse(s, path == SMTPD_PATH_ADDRESS ? 553 : 501, 1, 3,
                     "The recipient is no address");
        return;
    }
    if (!read_params(arg, &notify, &orcpt, &is_known)) {
        smtpd_refuse(s, is_known ? 501 : 555, 5, 4,
                     is_known ? "A parameter has a wrong value" : "Parameter not known, or twice");
        return;
    }
    if (a.needs_smtputf8 && !s->is_smtputf8) {
        smtpd_refuse(s, 553, 6, 7, "This address needs SMTPUTF8");
        return;
    }
    if (s->n_rcpts >=
        s->settings->rcpts_max) { /* RFC 5321 4.5.3.1.10: the rest may be tried again */
        smtpd_status(s, 452, 5, 3, "Too many recipients");
        return;
    }
    uint32_t at = (uint32_t)s->texts.len;
    hy_buf_add_str(&s->texts, hy_address_wire(&a));
    hy_buf_add_str(&s->texts, orcpt);
    if (s->texts.err || !make_room(s)) {
        smtpd_end(s, 421, 3, 0, "Out of memory, goodbye");
        return;
    }
    s->pending = (struct hy_smtp_server_rcpt_at){
        .at = at, .n = (uint16_t)a.n, .orcpt_n = (uint16_t)orcpt.n, .notify = notify};
    if (s->settings->asks_rcpt) {
        s->ask.address = hy_str_make(s->texts.data + at, a.n);
        smtpd_ask(s, HY_SMTP_SERVER_ASK_RCPT);
        return;
    }
    s->rcpts[s->n_rcpts++] = s->pending;
    smtpd_status(s, 250, 1, 5, "Recipient ok");
}
