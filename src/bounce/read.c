/* Reads one mail: its parts, then what sort it is, then whom it is about and why.
 *
 * A cause is looked for where it is said best: in the words of the server, else in what the text
 * says of that recipient, else in the text as a whole and the subject, else in the codes. */
#include <stdlib.h>

#include "complaint.h"
#include "findings.h"
#include "kind.h"
#include "text.h"

enum { ARENA_MAX = 4 << 20, CLUE_MAX = 1000 };

struct hy_bounce_reader {
    const struct hy_bounce_rules *rules;
    struct bounce_mime *mime;
    struct hy_arena arena;
    struct bounce_item items[HY_BOUNCE_RECIPIENTS_MAX];
    struct hy_bounce_finding findings[HY_BOUNCE_RECIPIENTS_MAX];
};

/* One mail under way. */
struct reading {
    struct hy_bounce_reader *r;
    struct bounce_mail mail;
    struct bounce_signs signs;
    struct bounce_items items;
    struct hy_str notice; /* the text without what it returns */
    struct hy_bounce_report out;
};

const char *hy_bounce_kind_name(enum hy_bounce_kind k)
{
    static const char *const names[] = {"?",          "bounce",      "complaint", "delay",
                                        "auto-reply", "unsubscribe", "other"};
    return (size_t)k < sizeof names / sizeof *names ? names[k] : "?";
}

int hy_bounce_reader_new(const struct hy_bounce_rules *rules, struct hy_bounce_reader **ret)
{
    struct hy_bounce_reader *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->rules = rules;
    r->arena = HY_ARENA_INIT(ARENA_MAX);
    if (bounce_mime_new(&r->mime) != HY_OK) {
        free(r);
        return HY_ENOMEM;
    }
    *ret = r;
    return HY_OK;
}

void hy_bounce_reader_free(struct hy_bounce_reader *r)
{
    if (!r)
        return;
    bounce_mime_free(r->mime);
    hy_arena_free(&r->arena);
    free(r);
}

/* -- why ------------------------------------------------------------------------------------ */

/* The first lines that hold words, up to an empty one. */
static struct hy_str paragraph(struct hy_str s)
{
    size_t i = 0;
    while (i < s.n && strchr(" \t\n:-_*=", s.p[i]))
        i++;
    s = hy_str_slice(s, i, s.n);
    return hy_str_slice(s, 0, hy_str_find_str(s, HY_STR("\n\n"), 0));
}

static bool has_letters(struct hy_str s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.n && n < 4; i++)
        n += ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') || (unsigned char)s.p[i] >= 0x80;
    return n >= 4;
}

/* What marks a line of a dialogue as the server's; its length, 0 when nothing does. */
static size_t server_mark(struct hy_str line)
{
    static const char *const marks[] = {"<<< ", "Out: ", "Received >>> ", "<-- ", "(reason: "};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (hy_str_starts(line, hy_str_of(marks[i])))
            return strlen(marks[i]);
    return 0;
}

/* What a server said, for notices that set it apart: from the line that begins with a code to the
 * end of the paragraph, or that line alone where a dialogue is shown. */
static struct hy_str quoted_reply(struct hy_str notice)
{
    struct hy_str line, rest = notice;
    while (hy_str_split(&rest, '\n', &line)) {
        uint16_t code = 0;
        struct hy_enhanced e = {0};
        struct hy_str words = hy_str_trim(line);
        size_t mark = server_mark(words);
        words = hy_str_trim(hy_str_slice(words, mark, words.n));
        hy_bounce_read_codes(words, false, &code, &e);
        if (code < 400 || words.n <= 8)
            continue;
        size_t at = (size_t)(words.p - notice.p);
        return mark ? words : paragraph(hy_str_slice(notice, at, notice.n));
    }
    return HY_STR("");
}

/* A status that says more than another of the same class. */
static bool says_more(struct hy_enhanced a, struct hy_enhanced than)
{
    if (than.class == 0)
        return a.class != 0;
    return a.class == than.class && than.subject == 0 && a.subject != 0;
}

static void complete_codes(struct bounce_item *it, struct hy_str text)
{
    uint16_t code = 0;
    struct hy_enhanced e = {0};
    hy_bounce_read_codes(text, true, &code, &e);
    if (it->code == 0)
        it->code = code;
    if (says_more(e, it->status))
        it->status = e;
}

static struct hy_bounce_class try_words(const struct reading *g, const struct bounce_item *it,
                                        struct hy_str text)
{
    struct hy_bounce_words w = {it->code, it->status, text};
    return hy_bounce_classify(g->r->rules, &w);
}

/* What stands right behind a recipient; empty where a gap says that it is about something else:
 * what virus scanners and lawyers add to every mail. */
static struct hy_str right_behind(struct hy_str words)
{
    enum { GAP = 4 };
    unsigned lines = 0;
    for (size_t i = 0; i < words.n && (unsigned char)words.p[i] <= ' '; i++)
        lines += words.p[i] == '\n';
    return lines < GAP ? paragraph(words) : HY_STR("");
}

static void find_diagnostic(const struct reading *g, struct bounce_item *it)
{
    struct hy_str own = quoted_reply(it->words);
    if (has_letters(it->diagnostic))
        return;
    if (own.n == 0)
        own = right_behind(it->words);
    if (has_letters(own))
        it->diagnostic = own;
    else if (g->items.n == 1)
        it->diagnostic = quoted_reply(g->notice);
    if (!has_letters(it->diagnostic) && g->items.n == 1)
        it->diagnostic = paragraph(g->notice);
}

/* Whether one of the first `n` holds the same words: they were tried. */
static bool was_tried(const struct hy_str *places, size_t n, struct hy_str words)
{
    for (size_t i = 0; i < n; i++)
        if (hy_str_eq(places[i], words))
            return true;
    return false;
}

/* The class and, in *ret_told_by, the words that told it. */
static struct hy_bounce_class find_class(const struct reading *g, const struct bounce_item *it,
                                         struct hy_str *ret_told_by)
{
    enum { N_SPECIFIC = 3 };
    const struct hy_bounce_words codes = {it->code, it->status, HY_STR("")};
    struct hy_bounce_class by_code = hy_bounce_classify(NULL, &codes);
    bool is_told = by_code.reason != HY_BOUNCE_UNDEFINED;
    struct hy_str places[] = {it->diagnostic, is_told ? right_behind(it->words) : it->words,
                              quoted_reply(g->notice), g->notice, g->signs.subject};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        places[i] = hy_str_slice(hy_str_trim(places[i]), 0, HY_BOUNCE_SUBJECT_MAX);
    if (bounce_has(it->words, "(in reply to ")) { /* Postfix says there what it answered */
        struct hy_bounce_class c = try_words(g, it, it->words);
        *ret_told_by = it->words;
        if (c.rule)
            return c;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (i == N_SPECIFIC && is_told)
            break; /* a status says more than words about the mail as a whole */
        if (places[i].n == 0 || was_tried(places, i, places[i]))
            continue;
        struct hy_bounce_class c = try_words(g, it, places[i]);
        *ret_told_by = places[i];
        if (c.rule)
            return c;
    }
    *ret_told_by = it->diagnostic; /* what a rule for it would have to know */
    return by_code;
}

static bool is_success(struct hy_str action)
{
    return hy_str_istarts(action, HY_STR("delivered")) ||
           hy_str_istarts(action, HY_STR("relayed")) || hy_str_istarts(action, HY_STR("expanded"));
}

/* Whether anything says that it failed. */
static enum hy_bounce_kind kind_of_item(const struct reading *g, const struct bounce_item *it)
{
    if (is_success(it->action) || (it->action.n == 0 && it->status.class == 2))
        return HY_BOUNCE_KIND_OTHER;
    if (hy_str_istarts(it->action, HY_STR("delayed")))
        return HY_BOUNCE_KIND_DELAY;
    if (hy_str_istarts(it->action, HY_STR("failed")))
        return HY_BOUNCE_KIND_BOUNCE;
    return g->signs.is_delay_subject ? HY_BOUNCE_KIND_DELAY : HY_BOUNCE_KIND_BOUNCE;
}

static struct hy_str default_action(enum hy_bounce_kind kind)
{
    return kind == HY_BOUNCE_KIND_DELAY    ? HY_STR("delayed")
           : kind == HY_BOUNCE_KIND_BOUNCE ? HY_STR("failed")
                                           : HY_STR("");
}

static void conclude_item(struct reading *g, struct bounce_item *it, enum hy_bounce_kind kind)
{
    struct hy_arena *a = &g->r->arena;
    struct hy_bounce_finding *f = &g->r->findings[g->out.n++];
    find_diagnostic(g, it);
    complete_codes(it, it->diagnostic);
    if (it->code == 0 && it->status.class == 0)
        complete_codes(it, it->words);
    *f = (struct hy_bounce_finding){
        .recipient = it->final,
        .original = it->original,
        .action = it->action.n ? it->action : default_action(kind),
        .diagnostic = bounce_line(a, it->diagnostic, BOUNCE_DIAGNOSTIC_MAX),
    };
    size_t end = hy_str_find(f->action, ' ', 0);
    f->action = hy_str_slice(f->action, 0, end);
    if (kind == HY_BOUNCE_KIND_OTHER) {
        f->class.reason = HY_BOUNCE_DELIVERED;
    } else {
        f->class = find_class(g, it, &f->told_by);
        if (kind == HY_BOUNCE_KIND_DELAY) {
            if (f->class.reason == HY_BOUNCE_UNDEFINED)
                f->class.reason = HY_BOUNCE_EXPIRED;
            f->class.is_hard = f->class.is_suppress = false;
            f->class.may_retry = true;
        }
    }
    f->code = it->code;
    f->status = it->status;
}

/* -- what sort ------------------------------------------------------------------------------ */

static void add_clue(struct reading *g, struct hy_str headers, const char *name)
{
    struct hy_str value = bounce_field(&g->r->arena, headers, name);
    if (value.n && g->out.n_clues < HY_BOUNCE_CLUES_MAX)
        g->out.clues[g->out.n_clues++] = hy_str_slice(value, 0, CLUE_MAX);
}

static void find_clues(struct reading *g)
{
    static const char *const of_mail[] = {"X-Original-To", "Delivered-To", "Envelope-To", "To",
                                          "Subject",       "In-Reply-To",  "References"};
    static const char *const of_report[] = {"Original-Mail-From", "Original-Envelope-Id",
                                            "Message-ID"};
    static const char *const of_original[] = {
        "Return-Path", "X-Envelope-From",      "Sender", "Feedback-ID", "List-Unsubscribe",
        "Message-ID",  "X-Original-Message-ID"};
    for (size_t i = 0; i < sizeof of_mail / sizeof *of_mail; i++)
        add_clue(g, g->mail.headers, of_mail[i]);
    for (size_t i = 0; i < sizeof of_report / sizeof *of_report; i++)
        add_clue(g, hy_str_trim(g->mail.feedback), of_report[i]);
    for (size_t i = 0; i < sizeof of_original / sizeof *of_original; i++)
        add_clue(g, g->mail.original, of_original[i]);
}

static void find_message_id(struct reading *g)
{
    struct hy_arena *a = &g->r->arena;
    struct hy_str id = bounce_field(a, g->mail.original, "Message-ID");
    if (id.n == 0)
        id = bounce_field(a, hy_str_trim(g->mail.feedback), "Original-Message-ID");
    if (id.n == 0)
        id = bounce_field(a, g->mail.headers, "In-Reply-To");
    size_t open = hy_str_find(id, '<', 0);
    if (open != SIZE_MAX)
        id = hy_str_slice(id, open + 1, hy_str_find(id, '>', open));
    if (id.n && g->out.original_message_id.n == 0)
        g->out.original_message_id = hy_str_slice(id, 0, hy_str_find(id, ' ', 0));
}

static int more_severe(enum hy_bounce_kind k)
{
    return k == HY_BOUNCE_KIND_BOUNCE ? 2 : k == HY_BOUNCE_KIND_DELAY ? 1 : 0;
}

static void conclude_bounce(struct reading *g, enum hy_bounce_kind fixed)
{
    g->out.kind = fixed ? fixed : HY_BOUNCE_KIND_OTHER;
    for (size_t i = 0; i < g->items.n; i++) {
        enum hy_bounce_kind k = fixed ? fixed : kind_of_item(g, &g->items.at[i]);
        conclude_item(g, &g->items.at[i], k);
        if (more_severe(k) > more_severe(g->out.kind))
            g->out.kind = k;
    }
    g->out.is_bounce = more_severe(g->out.kind) > 0;
}

/* A complaint, an answer, a wish: one finding about one person. */
static void conclude_person(struct reading *g, enum hy_bounce_kind kind, struct hy_str who,
                            enum hy_bounce_reason reason, bool suppress)
{
    g->out.kind = kind;
    g->out.n = 1;
    g->r->findings[0] = (struct hy_bounce_finding){
        .recipient = who,
        .class = {.reason = reason, .is_suppress = suppress},
    };
}

static bool read_complaint(struct reading *g)
{
    struct bounce_complaint c;
    if (!bounce_read_complaint(&g->mail, &g->signs, &g->r->arena, &c))
        return false;
    conclude_person(g, HY_BOUNCE_KIND_COMPLAINT, c.recipient, HY_BOUNCE_FEEDBACK,
                    bounce_complaint_suppresses(c.type));
    g->out.feedback_type = c.type;
    return true;
}

static bool read_ses(struct reading *g)
{
    enum hy_bounce_kind kind;
    if (!bounce_read_ses(g->mail.text, &g->items, &kind, &g->out.feedback_type,
                         &g->out.original_message_id))
        return false;
    if (g->items.n == 0)
        (void)bounce_item_add(&g->items);
    g->notice = HY_STR("");
    if (kind != HY_BOUNCE_KIND_COMPLAINT) {
        conclude_bounce(g, kind);
        return true;
    }
    for (size_t i = 0; i < g->items.n; i++) {
        conclude_person(g, kind, g->items.at[i].final, HY_BOUNCE_FEEDBACK,
                        bounce_complaint_suppresses(g->out.feedback_type));
        g->r->findings[i] = g->r->findings[0];
        g->r->findings[i].recipient = g->items.at[i].final;
    }
    g->out.n = g->items.n;
    return true;
}

static void read_notice(struct reading *g)
{
    bounce_name_failed(&g->mail, &g->items);
    struct hy_str behind = bounce_read_text(&g->mail, &g->items, &g->notice);
    if (g->mail.original.n == 0)
        g->mail.original = bounce_unquoted(&g->r->arena, behind);
    if (g->items.n == 0)
        (void)bounce_item_add(&g->items);
    bounce_name_guess(&g->mail, &g->items);
}

static void read_answer(struct reading *g, enum hy_bounce_kind kind)
{
    struct hy_str who = bounce_address_of(g->signs.from);
    if (kind == HY_BOUNCE_KIND_UNSUBSCRIBE) {
        conclude_person(g, kind, who, HY_BOUNCE_FEEDBACK, true);
        g->out.feedback_type = HY_STR("opt-out");
    } else if (kind == HY_BOUNCE_KIND_AUTO_REPLY)
        conclude_person(g, kind, who, HY_BOUNCE_VACATION, false);
    else
        conclude_person(g, kind, HY_STR(""), HY_BOUNCE_UNDEFINED, false);
}

/* The fields of a report whose parts are not marked, or that was forwarded as text. */
static struct hy_str fields_in_text(struct hy_str text)
{
    static const char *const names[] = {
        "Reporting-MTA:", "Original-Recipient:", "Final-Recipient:"};
    size_t first = SIZE_MAX, at = 0;
    bool has_final = false;
    for (struct hy_str rest = text, line; hy_str_split(&rest, '\n', &line); at += line.n + 1) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (hy_str_istarts(line, hy_str_of(names[i]))) {
                first = at < first ? at : first;
                has_final = has_final || i == 2;
            }
        if (first != SIZE_MAX &&
            (hy_str_starts(line, HY_STR("--")) || hy_str_istarts(line, HY_STR("Received:")) ||
             hy_str_istarts(line, HY_STR("Return-Path:"))))
            break;
    }
    return has_final ? hy_str_slice(text, first, at) : HY_STR("");
}

static void read_kinds(struct reading *g)
{
    struct hy_arena *a = &g->r->arena;
    bounce_signs_read(&g->mail, a, &g->signs);
    if (read_complaint(g) || read_ses(g))
        return;
    bounce_read_status(g->mail.status.n ? g->mail.status : fields_in_text(g->mail.text), &g->items);
    bool has_status =
        g->items.n > 0 && (g->signs.is_from_mailer || !bounce_is_challenge(&g->mail, a));
    enum hy_bounce_kind kind = has_status ? 0 : bounce_kind_of(&g->signs, &g->mail, a);
    if (!has_status && kind != HY_BOUNCE_KIND_BOUNCE && kind != HY_BOUNCE_KIND_DELAY) {
        read_answer(g, kind);
        return;
    }
    read_notice(g);
    conclude_bounce(g, kind);
}

int hy_bounce_read(struct hy_bounce_reader *r, struct hy_str mail, struct hy_bounce_report *ret)
{
    struct reading g = {.r = r};
    hy_arena_reset(&r->arena);
    g.items = (struct bounce_items){.at = r->items, .arena = &r->arena};
    int err = bounce_mime_read(r->mime, mail, &g.mail);
    if (err != HY_OK)
        return err;
    read_kinds(&g);
    find_message_id(&g);
    find_clues(&g);
    g.out.items = r->findings;
    g.out.reporting_mta = g.items.reporting_mta;
    g.out.from = bounce_address_of(g.signs.from);
    g.out.subject = g.signs.title;
    *ret = g.out;
    return HY_OK;
}
