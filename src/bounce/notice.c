/* The text of a bounce, as people read it: which addresses it names, and what it says of each.
 *
 * There are hundreds of makes. Nearly all of them put the address at the head of a line and what
 * happened behind it or below, or else into a sentence that a few words give away; and nearly all
 * end with the mail that did not arrive, behind a line that says so. */
#include "findings.h"

enum {
    LINES_MAX = 4000,
    NOTICE_MAX = 64 * 1024,
    WORDS_MAX = 2000, /* of one recipient */
};

enum strength { NONE = 0, FROM_NAME, FROM_SENTENCE, FROM_RCPT, FROM_LABEL, FROM_HEAD };

struct candidate {
    struct hy_str address;
    enum strength strength;
    size_t line, words; /* offsets into the notice */
};

struct reader {
    const struct bounce_mail *mail;
    struct hy_str notice, lower; /* the same in lower case */
    struct hy_str avoid[4];      /* addresses of those who wrote and who reads it */
    struct candidate *found;
    size_t n;
    struct hy_str mentioned;
    struct hy_arena *arena;
};

/* -- where the notice ends ------------------------------------------------------------------ */

/* Lines that stand before the mail that came back, without dashes before them. */
static bool is_border(struct hy_str line)
{
    static const char *const words[] = {"below this line is a copy",
                                        "original message",
                                        "this is a copy of",
                                        "the header of the original",
                                        "message headers follow",
                                        "message header follows",
                                        "unsent message follows",
                                        "returned message",
                                        "included is a copy of the message",
                                        "below is a copy of the original",
                                        "a copy of the original message",
                                        "returned mail follows",
                                        "undelivered message follows",
                                        "original headers",
                                        "start of returned message",
                                        "message text follows",
                                        "message follows",
                                        "the text of the original",
                                        "text of the original message",
                                        "copy of your message",
                                        "non-delivered message",
                                        "undeliverable message follows",
                                        "forwarded message",
                                        "the body of the message",
                                        "begin message",
                                        "enclosed is a copy",
                                        "your original message",
                                        "headers of the original",
                                        "the original message follows",
                                        "original mail as follows",
                                        "header of original message",
                                        "rejected message",
                                        "オリジナルメッセージ",
                                        "元のメッセージ",
                                        "元のメール",
                                        "送信されたメール",
                                        "以下は送信",
                                        "original-message"};
    size_t i = 0;
    while (i < line.n && strchr("-*=_#>|+ \t.", line.p[i]))
        i++;
    line = hy_str_slice(line, i, line.n);
    if (line.n < 8 || line.n > 120)
        return false;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (hy_str_istarts(line, hy_str_of(words[k])))
            return true;
    return false;
}

static bool is_header_of_mail(struct hy_str line)
{
    static const char *const names[] = {
        "Received:", "Return-Path:",          "X-Received:", "Delivered-To:", "DKIM-Signature:",
        "ARC-Seal:", "X-Google-Smtp-Source:", "Message-ID:", "MIME-Version:"};
    enum { N_ALWAYS = 2 }; /* others are told of a mail within notices, set in */
    struct hy_str whole = line;
    while (line.n && strchr(" \t>|", line.p[0])) /* quoted */
        line = hy_str_slice(line, 1, line.n);
    size_t n = line.n == whole.n ? sizeof names / sizeof *names : N_ALWAYS;
    for (size_t i = 0; i < n; i++)
        if (hy_str_istarts(line, hy_str_of(names[i])))
            return true;
    return false;
}

static bool next_line(struct hy_str text, size_t *at, struct hy_str *ret)
{
    if (*at >= text.n)
        return false;
    size_t end = hy_str_find(text, '\n', *at);
    if (end == SIZE_MAX)
        end = text.n;
    *ret = hy_str_slice(text, *at, end);
    *at = end + 1;
    return true;
}

/* The offset of the line that ends the notice, and of what comes behind it. */
static size_t find_border(struct hy_str text, size_t *ret_behind)
{
    struct hy_str line;
    size_t at = 0, start = 0;
    bool has_words = false;
    for (unsigned i = 0; i < LINES_MAX && next_line(text, &at, &line); i++, start = at) {
        if (has_words && is_header_of_mail(line)) {
            *ret_behind = start;
            return start;
        }
        if (has_words && is_border(line)) {
            *ret_behind = at;
            return start;
        }
        has_words = has_words || hy_str_trim(line).n > 0;
    }
    *ret_behind = text.n;
    return start < text.n ? start : text.n;
}

/* -- addresses in it ------------------------------------------------------------------------ */

static bool is_avoided(const struct reader *r, struct hy_str address)
{
    for (size_t i = 0; i < sizeof r->avoid / sizeof *r->avoid; i++)
        if (r->avoid[i].n && hy_str_ieq(r->avoid[i], address))
            return true;
    return false;
}

static bool is_office(struct hy_str address)
{
    static const char *const locals[] = {"postmaster@", "mailer-daemon@", "abuse@", "hostmaster@",
                                         "support@",    "helpdesk@",      "help@"};
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++)
        if (hy_str_istarts(address, hy_str_of(locals[i])))
            return true;
    return false;
}

static void add(struct reader *r, struct hy_str address, enum strength strength, size_t line,
                size_t words)
{
    for (size_t i = 0; i < r->n; i++)
        if (hy_str_ieq(r->found[i].address, address)) {
            if (r->found[i].strength < strength)
                r->found[i] = (struct candidate){r->found[i].address, strength, line, words};
            return;
        }
    if (r->n < HY_BOUNCE_RECIPIENTS_MAX)
        r->found[r->n++] = (struct candidate){address, strength, line, words};
}

/* A line that begins with an address: "<a@b>:", "a@b", "  a@b: host ...", ">>> a@b <a@b>". */
static bool take_head(struct reader *r, struct hy_str line, size_t start)
{
    size_t i = 0, at;
    struct hy_str address;
    while (i < line.n && strchr("-*>+ \t", line.p[i]))
        i++;
    if (i + 4 < line.n && (line.p[i] == '4' || line.p[i] == '5') && line.p[i + 3] == ' ' &&
        line.p[i + 4] == '<' && hy_str_find_str(line, HY_STR(">... "), i) != SIZE_MAX)
        i += 4; /* Sendmail: "550 <a@b>... User unknown" */
    size_t open = i;
    while (i < line.n && strchr("<\"'", line.p[i]))
        i++;
    at = open;
    if (i == line.n || !bounce_next_address(line, &at, &address))
        return false;
    size_t from = (size_t)(address.p - line.p);
    if (from > i || at - from < 3)
        return false;
    while (at < line.n && strchr(">\"'", line.p[at]))
        at++;
    size_t next = at;
    while (next < line.n && line.p[next] == ' ')
        next++;
    if (next < line.n && line.p[next] == '<' && bounce_next_address(line, &next, &address)) {
        at = next; /* a@b <c@d>: the second is the address, the first a name */
        while (at < line.n && strchr(">\"'", line.p[at]))
            at++;
    }
    if (at < line.n && (unsigned char)line.p[at] > ' ' && !strchr(":([<,.;", line.p[at]))
        return false;
    add(r, address, FROM_HEAD, start, start + at);
    return true;
}

/* Sentences about senders and helpers; `line` is in lower case. */
static bool speaks_of_others(struct hy_str line)
{
    static const char *const never[] = {
        "mail from", "sender",   "from:",       "contact",     "envelope-from", "message-id",
        "reply-to",  "cc:",      "return-path", "please send", "write to",      "assistance",
        "visit",     "差出人",   "送信者",      "送信元",      "发件",          "寄件",
        "보낸",      "absender", "remitente",   "mittente",    "expéditeur",    "отправител"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (bounce_holds(line, never[i]))
            return true;
    return false;
}

/* Sentences that name who did not get it; `line` is in lower case. */
static bool speaks_of_recipient(struct hy_str line)
{
    static const char *const words[] = {
        "recipient",    "delivered to", "deliver", "unknown user",   "user unknown", "mailbox",
        "no such user", "invalid user", "userid",  "account",        "mailing list", "failed",
        "message to",   "mail to",      "reach",   "user",           "address",      "addressee",
        "sent to",      "宛先",         "送信先",  "メールアドレス", "不明",         "quota",
        "あて先",       "宛て先",       "受信者",  "收件",           "收信",         "받는",
        "수신",         "destinat",     "empf",    "ontvanger",      "odbior",       "получател",
        "mottag",       "modtag",       "alıcı",   "адрес"};
    if (speaks_of_others(line))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (bounce_holds(line, words[i]))
            return true;
    return false;
}

/* An address of which nothing is said, unless it is of those who wrote or are to be asked. */
static void take_mention(struct reader *r, struct hy_str line, struct hy_str lower)
{
    struct hy_str address;
    size_t at = 0;
    if (bounce_holds(lower, "from") || bounce_holds(lower, "://") || speaks_of_others(lower))
        return;
    while (r->mentioned.n == 0 && bounce_next_address(line, &at, &address))
        if (!is_avoided(r, address) && !is_office(address))
            r->mentioned = address;
}

/* A line of one word below "... the following recipients:", as AOL and mailers of one host write: a
 * name within the domain of the reporter. */
static void take_name(struct reader *r, struct hy_str line, struct hy_str before, size_t start)
{
    enum { NAME_MAX_BYTES = 64 };
    struct hy_str name = hy_str_trim(line), from = r->avoid[0];
    size_t at = hy_str_find(from, '@', 0);
    bool is_list = hy_str_ends(hy_str_trim(before), HY_STR(":")) &&
                   (bounce_holds(before, "recipient") || bounce_holds(before, "following address"));
    if (!is_list || at == SIZE_MAX || name.n < 2 || name.n > NAME_MAX_BYTES)
        return;
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] | 32) >= 'a' && (name.p[i] | 32) <= 'z') &&
            !(name.p[i] >= '0' && name.p[i] <= '9') && !strchr("._+-", name.p[i]))
            return;
    struct hy_str domain = hy_str_slice(from, at, from.n);
    char *p = hy_arena_alloc(r->arena, name.n + domain.n);
    if (!p)
        return;
    memcpy(p, name.p, name.n);
    memcpy(p + name.n, domain.p, domain.n);
    add(r, hy_str_make(p, name.n + domain.n), FROM_NAME, start, start);
}

static bool has_colon(struct hy_str s)
{
    return hy_str_find(s, ':', 0) != SIZE_MAX || hy_str_find_str(s, HY_STR("："), 0) != SIZE_MAX;
}

/* `before`: the line above, in lower case. */
static void take_sentence(struct reader *r, struct hy_str line, struct hy_str before, size_t start)
{
    struct hy_str address, lower = hy_str_slice(r->lower, start, start + line.n);
    size_t at = hy_str_find_str(lower, HY_STR("rcpt to:"), 0);
    if (at != SIZE_MAX) {
        if (bounce_next_address(line, &at, &address))
            add(r, address, FROM_RCPT, start, start);
        return;
    }
    if (r->mentioned.n == 0)
        take_mention(r, line, lower);
    bool is_said_above =
        hy_str_trim(line).n < 120 && !bounce_holds(lower, "from") && speaks_of_recipient(before);
    if (!is_said_above && !speaks_of_recipient(lower))
        return;
    at = 0;
    struct hy_str whole = hy_str_trim(line);
    for (unsigned n = 0; n < 16 && bounce_next_address(line, &at, &address); n++) {
        /* "Unknown user: a@b" */
        bool is_label = n == 0 && address.p + address.n >= whole.p + whole.n - 2 &&
                        address.p > whole.p + 2 && address.p - whole.p < 60 &&
                        has_colon(hy_str_slice(whole, 0, (size_t)(address.p - whole.p)));
        add(r, address, is_label ? FROM_LABEL : FROM_SENTENCE, start, start);
    }
}

static void find_addresses(struct reader *r)
{
    struct hy_str line, before = {0};
    size_t at = 0, start = 0;
    while (next_line(r->notice, &at, &line)) {
        if (hy_str_find(line, '@', 0) == SIZE_MAX)
            take_name(r, line, before, start);
        else if (!take_head(r, line, start))
            take_sentence(r, line, before, start);
        if (hy_str_trim(line).n)
            before = hy_str_slice(r->lower, start, start + line.n);
        start = at;
    }
}

/* Keeps the strongest kind, without those who wrote it while others are left. */
static void choose(struct reader *r)
{
    enum strength best = NONE;
    for (int pass = 0; pass < 2 && best == NONE; pass++)
        for (size_t i = 0; i < r->n; i++) {
            struct hy_str a = r->found[i].address;
            bool is_likely = pass == 1 || (!is_avoided(r, a) && !is_office(a));
            if (is_likely && r->found[i].strength > best)
                best = r->found[i].strength;
        }
    size_t likely = 0, kept = 0;
    for (size_t i = 0; i < r->n; i++)
        likely += r->found[i].strength == best && !is_avoided(r, r->found[i].address) &&
                  !is_office(r->found[i].address);
    for (size_t i = 0; i < r->n; i++) {
        struct candidate c = r->found[i];
        bool is_unlikely = is_avoided(r, c.address) || is_office(c.address);
        if (c.strength != best || (is_unlikely && (likely || best == FROM_SENTENCE)))
            continue;
        if (best == FROM_SENTENCE && kept == 1) /* a guess; one is enough */
            break;
        r->found[kept++] = c;
    }
    r->n = kept;
}

/* -- words ---------------------------------------------------------------------------------- */

static struct hy_str words_of(const struct reader *r, size_t i)
{
    size_t end = i + 1 < r->n ? r->found[i + 1].line : r->notice.n;
    size_t from = r->found[i].words;
    if (end < from)
        end = from;
    struct hy_str s = hy_str_slice(r->notice, from, end);
    return hy_str_slice(s, 0, WORDS_MAX);
}

static void give_words(const struct reader *r, struct bounce_items *items)
{
    for (size_t k = 0; k < items->n; k++)
        for (size_t i = 0; i < r->n; i++) {
            struct bounce_item *it = &items->at[k];
            if (hy_str_ieq(r->found[i].address, it->final) ||
                hy_str_ieq(r->found[i].address, it->original)) {
                struct hy_str w = words_of(r, i);
                if (hy_str_trim(w).n)
                    it->words = w;
                break;
            }
        }
}

static void name_avoided(struct reader *r, struct hy_arena *a)
{
    static const char *const fields[] = {"From", "To", "Return-Path", "Reply-To"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        r->avoid[i] = bounce_address_of(bounce_field(a, r->mail->headers, fields[i]));
}

struct hy_str bounce_read_text(const struct bounce_mail *mail, struct bounce_items *items,
                               struct hy_str *ret_notice)
{
    struct reader r = {.mail = mail, .arena = items->arena};
    struct hy_str text = hy_str_slice(mail->text, 0, NOTICE_MAX);
    size_t behind, end = find_border(text, &behind);
    r.notice = hy_str_slice(text, 0, end);
    r.lower = bounce_lower(items->arena, r.notice);
    *ret_notice = r.notice;
    r.found = hy_arena_alloc(items->arena, HY_BOUNCE_RECIPIENTS_MAX * sizeof *r.found);
    if (!r.found || r.lower.n != r.notice.n)
        return HY_STR("");
    name_avoided(&r, items->arena);
    find_addresses(&r);
    items->mentioned = r.mentioned;
    bool has_recipients = items->n && items->at[0].final.n;
    if (!has_recipients)
        choose(&r);
    struct bounce_item nameless =
        items->n && !has_recipients ? items->at[0] : (struct bounce_item){0};
    for (size_t i = 0; i < r.n && !has_recipients; i++) {
        struct bounce_item *it = i == 0 && items->n ? &items->at[0] : bounce_item_add(items);
        if (!it)
            break;
        *it = nameless;
        it->final = r.found[i].address;
    }
    give_words(&r, items);
    return hy_str_slice(mail->text, behind, mail->text.n);
}
