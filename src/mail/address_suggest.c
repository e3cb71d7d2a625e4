/* The domain a person may have meant. A domain is held against the names of well-known mailbox
 * providers, the first label and the rest apart; the distance is Damerau's, weighted by how hands
 * err on a keyboard: a neighbouring key, a doubled letter, two letters swapped are small errors.
 * Names that exist and look alike are listed too, so that they are left alone. */
#include "hayauma/mail/address.h"

/* A provider's first label and what may follow it; the first ending is the usual one. */
struct family {
    const char *label;
    const char *endings; /* separated by spaces */
    bool is_only;        /* whatever else follows the label is an error */
};

static const struct family families[] = {
    {"gmail", "com", true},
    {"yahoo",
     "com co.jp co.uk fr de it es ca in co.in com.br com.ar com.mx com.au com.tw com.hk com.sg "
     "com.ph com.vn com.my com.tr com.cn co.id co.kr co.th co.nz co.za gr ie se no dk pl ro cz hu "
     "be at ch nl fi pt cl com.pe com.co com.ve com.ua ne.jp net",
     false},
    {"hotmail",
     "com co.jp co.uk fr de it es ca com.br com.ar com.mx com.au com.tr co.th co.kr co.il co.nz "
     "co.za se no dk nl be gr my sg ch at fi hu cz sk lt lv rs ph",
     false},
    {"outlook",
     "com jp co.uk fr de it es com.br com.ar com.au co.th co.id kr in ie at be cl cz dk gr hu "
     "lv my ph pt sa sg sk com.gr com.tr com.vn co.nz co.il",
     false},
    {"live",
     "com jp co.uk fr de it nl be se no dk ca cn com.mx com.ar com.au com.my com.pt com.sg co.kr "
     "co.za in ie at ru hk",
     false},
    {"icloud", "com", true},
    {"docomo", "ne.jp", true},
    {"ezweb", "ne.jp", true},
    {"softbank", "ne.jp jp co.jp", false},
    {"nifty", "com ne.jp", false},
    {"biglobe", "ne.jp", true},
    {"excite", "co.jp com", false},
    {"infoseek", "jp co.jp com", false},
    {"msn", "com co.jp", false},
    {"aol", "com jp co.uk de fr it net", false},
    {"comcast", "net com", false},
    {"verizon", "net com", false},
    {"sbcglobal", "net", true},
    {"bellsouth", "net com", false},
    {"earthlink", "net com", false},
    {"charter", "net com", false},
    {"googlemail", "com", true},
    {"rocketmail", "com", true},
    {"protonmail", "com ch", false},
    {"btinternet", "com", true},
    {"ymail", "com", false},
    {"wanadoo", "fr es nl com", false},
    {"orange", "fr com es jp ne.jp", false},
    {"naver", "com", false},
    {"yandex", "ru com ua kz by com.tr", false},
    {"facebook", "com", false},
    {"auone", "jp", false},
    {"plala", "or.jp", true},
    {"rakuten", "jp co.jp ne.jp com", false},
};

/* Names of more labels: compared as a whole, one small error at most. */
static const char *const long_names[] = {
    "i.softbank.jp", "mail.goo.ne.jp", "jcom.zaq.ne.jp", "jcom.home.ne.jp", "asahi-net.or.jp",
};

/* Wrong names that are no slip of the hand. */
static const struct {
    const char *wrong, *right;
} confusions[] = {
    {"i.softbank.ne.jp", "i.softbank.jp"},
    {"i.softbank.co.jp", "i.softbank.jp"},
    {"goo.jp", "goo.ne.jp"},
    {"ocn.jp", "ocn.ne.jp"},
    {"so-net.jp", "so-net.ne.jp"},
    {"au.ne.jp", "au.com"},
};

/* Real mail domains whose names are close to another's. */
static const char *const neighbours[] = {
    "mail.com",      "email.com",  "amail.com",      "cmail.com",      "fmail.com",
    "hmail.com",     "imail.com",  "jmail.com",      "nmail.com",      "umail.com",
    "vmail.com",     "xmail.com",  "zmail.com",      "emails.com",     "inmail.com",
    "mymail.com",    "mailo.com",  "gotmail.com",    "hushmail.com",   "foxmail.com",
    "yopmail.com",   "yopmail.fr", "homemail.com",   "prontomail.com", "y7mail.com",
    "small.com",     "snail.com",  "grail.com",      "yoho.com",       "wahoo.com",
    "yoohoo.com",    "yahoo.ru",   "naver.jp",       "never.com",      "range.com",
    "grange.com",    "cloud.com",  "i-cloud.com",    "lookout.com",    "charters.com",
    "earthling.net", "fifty.com",  "docodemo.ne.jp", "softbank.com",   "softbanktech.co.jp",
};

/* Letters that stand beside each other on a keyboard (QWERTY, the same on Japanese ones). */
static bool is_beside(char a, char b)
{
    static const char *const beside['z' - 'a' + 1] = {
        "qwsz",   "vghn",  "xdfv", "serfcx", "wsdr", "drtgvc", "ftyhbv", "gyujnb", "ujko",
        "huikmn", "jiolm", "kop",  "njk",    "bhjm", "iklp",   "ol",     "wa",     "edft",
        "awedxz", "rfgy",  "yhji", "cfgb",   "qase", "zsdc",   "tghu",   "asx",
    };
    return a >= 'a' && a <= 'z' && b && strchr(beside[a - 'a'], b);
}

/* Letters that look alike in handwriting and small print. */
static bool is_alike(char a, char b)
{
    return (a == '0' && b == 'o') || (a == '1' && (b == 'l' || b == 'i')) ||
           (a == 'i' && b == 'l') || (a == 'q' && b == 'g') || (a == 'v' && b == 'y');
}

static bool is_vowel(char c)
{
    return c && strchr("aeiou", c);
}

/* Costs in tenths. */
enum { LETTER = 10, SMALL = 6, DOUBLED = 5, VOWEL = 8, WORD_MAX = 32 };

static int swap_cost(char a, char b)
{
    if (a == b)
        return 0;
    if (is_beside(a, b) || is_alike(a, b) || is_alike(b, a))
        return SMALL;
    return is_vowel(a) && is_vowel(b) ? VOWEL : LETTER;
}

/* Cost of a letter too many, or missing, at place `i` of `s`. */
static int extra_cost(struct hy_str s, size_t i)
{
    bool doubled = (i > 0 && s.p[i - 1] == s.p[i]) || (i + 1 < s.n && s.p[i + 1] == s.p[i]);
    return doubled ? DOUBLED : LETTER;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Which letters are in it, some sharing a bit. */
static uint64_t letters_of(struct hy_str s)
{
    uint64_t letters = 0;
    for (size_t i = 0; i < s.n; i++)
        letters |= 1ull << (s.p[i] & 63);
    return letters;
}

/* distance(a, b) is more than `limit`: no error brings more than one letter that only one of them
 * has, and none costs less than DOUBLED. Nearly every domain is told so, at a hundredth of the
 * cost. */
static bool is_far(uint64_t a, uint64_t b, int limit)
{
    int more = __builtin_popcountll(a & ~b), less = __builtin_popcountll(b & ~a);
    return (more > less ? more : less) * DOUBLED > limit;
}

/* Optimal string alignment with the costs above. */
static int distance(struct hy_str a, struct hy_str b)
{
    int rows[3][WORD_MAX + 1];
    int *before = rows[0], *last = rows[1], *row = rows[2];
    if (a.n > WORD_MAX || b.n > WORD_MAX)
        return 10 * LETTER;
    last[0] = 0;
    for (size_t j = 0; j < b.n; j++)
        last[j + 1] = last[j] + extra_cost(b, j);
    for (size_t i = 0; i < a.n; i++) {
        row[0] = last[0] + extra_cost(a, i);
        for (size_t j = 0; j < b.n; j++) {
            int d = last[j] + swap_cost(a.p[i], b.p[j]);
            d = min_int(d, last[j + 1] + extra_cost(a, i));
            d = min_int(d, row[j] + extra_cost(b, j));
            if (i && j && a.p[i] == b.p[j - 1] && a.p[i - 1] == b.p[j])
                d = min_int(d, before[j - 1] + SMALL);
            row[j + 1] = d;
        }
        int *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[b.n];
}

/* The same letters in another order, the first in its place: "gimal". */
static bool is_shuffled(struct hy_str a, struct hy_str b)
{
    int count[256] = {0};
    if (a.n != b.n || a.n == 0 || a.p[0] != b.p[0])
        return false;
    for (size_t i = 0; i < a.n; i++) {
        count[(unsigned char)a.p[i]]++;
        count[(unsigned char)b.p[i]]--;
    }
    for (size_t i = 0; i < 256; i++)
        if (count[i])
            return false;
    return true;
}

/* How wrong a label may be and still be meant: short names have too many real neighbours, and the
 * first letter is the one that people get right. */
static int label_limit(struct hy_str label, struct hy_str name)
{
    if (name.n <= 4)
        return 0;
    if (label.p[0] != name.p[0])
        return SMALL + DOUBLED;
    return name.n == 5 ? LETTER + 2 : LETTER + SMALL;
}

/* Whether the ending may be a slip of `e`, the label being wrong by `cost` already. */
static int ending_limit(struct hy_str ending, struct hy_str e, bool is_usual, int cost,
                        size_t name_n)
{
    if (hy_str_eq(ending, e))
        return 0;
    if (!is_usual) /* other countries' endings are a letter apart from each other */
        return e.n > 2 && ending.n > 2 && cost == 0 ? LETTER : -1;
    if (cost)
        return LETTER + 1;
    return name_n <= 4 ? LETTER : 2 * LETTER;
}

struct best {
    int cost;
    char text[64];
};

static void offer(struct best *best, int cost, struct hy_str label, struct hy_str ending)
{
    if (cost >= best->cost || label.n + 1 + ending.n >= sizeof best->text)
        return;
    best->cost = cost;
    memcpy(best->text, label.p, label.n);
    best->text[label.n] = '.';
    memcpy(best->text + label.n + 1, ending.p, ending.n);
    best->text[label.n + 1 + ending.n] = 0;
}

/* "com.com", "com.con" */
static bool is_twice(struct hy_str ending, struct hy_str e)
{
    return ending.n > e.n && hy_str_starts(ending, e) && ending.p[e.n] == '.' &&
           distance(hy_str_slice(ending, e.n + 1, ending.n), e) <= SMALL;
}

static void try_family(const struct family *f, struct hy_str label, struct hy_str ending,
                       struct best *best)
{
    struct hy_str name = hy_str_of(f->label), rest = hy_str_of(f->endings), e;
    if (label.n > name.n + 2 || name.n > label.n + 2)
        return;
    int limit = label_limit(label, name);
    if (is_far(letters_of(label), letters_of(name), limit))
        return;
    int cost = distance(label, name);
    if (is_shuffled(label, name))
        cost = min_int(cost, LETTER);
    if (cost > limit)
        return;
    bool is_usual = true;
    while (hy_str_split(&rest, ' ', &e)) {
        int end_cost = distance(ending, e);
        if (is_usual && cost == 0 && (f->is_only || is_twice(ending, e)))
            end_cost = min_int(end_cost, LETTER);
        bool is_near = end_cost <= ending_limit(ending, e, is_usual, cost, name.n) &&
                       cost + end_cost <= (label.p[0] == name.p[0] ? 2 * LETTER : limit);
        /* the usual ending wins over others that are as near; a rare one needs a clear name */
        if (is_near && (is_usual || cost <= SMALL))
            offer(best, cost + end_cost + (is_usual ? 0 : DOUBLED), name, e);
        is_usual = false;
    }
}

static bool is_known(struct hy_str domain)
{
    for (size_t i = 0; i < sizeof neighbours / sizeof *neighbours; i++)
        if (hy_str_eq(domain, hy_str_of(neighbours[i])))
            return true;
    for (size_t i = 0; i < sizeof long_names / sizeof *long_names; i++)
        if (hy_str_eq(domain, hy_str_of(long_names[i])))
            return true;
    size_t dot = hy_str_find(domain, '.', 0);
    if (dot == SIZE_MAX)
        return false;
    struct hy_str label = hy_str_slice(domain, 0, dot);
    struct hy_str ending = hy_str_slice(domain, dot + 1, domain.n), e;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct hy_str rest = hy_str_of(families[i].endings);
        if (!hy_str_eq(label, hy_str_of(families[i].label)))
            continue;
        while (hy_str_split(&rest, ' ', &e))
            if (hy_str_eq(e, ending))
                return true;
    }
    return false;
}

static int answer(struct hy_str s, char *ret)
{
    memcpy(ret, s.p, s.n);
    ret[s.n] = 0;
    return HY_OK;
}

/* Lower case without the signs that slip in at the ends of a name. */
static struct hy_str clean(struct hy_str domain, char *out)
{
    struct hy_str s = domain;
    while (s.n && strchr("#?`'\"!*/\\,;:.-_ ", s.p[0]))
        s = hy_str_slice(s, 1, s.n);
    while (s.n && strchr("#?`'\"!*/\\,;:.-_ ", s.p[s.n - 1]))
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        out[i] = hy_ascii_lower(s.p[i]);
    return hy_str_make(out, s.n);
}

int hy_address_suggest(struct hy_str domain, char *ret)
{
    char lower[HY_DOMAIN_MAX];
    if (domain.n == 0 || domain.n > 40 || memchr(domain.p, 0, domain.n))
        return HY_ENOTFOUND;
    struct hy_str d = clean(domain, lower);
    if (is_known(d))
        return d.n == domain.n ? HY_ENOTFOUND : answer(d, ret);
    for (size_t i = 0; i < sizeof confusions / sizeof *confusions; i++)
        if (hy_str_eq(d, hy_str_of(confusions[i].wrong)))
            return answer(hy_str_of(confusions[i].right), ret);
    struct best best = {.cost = 3 * LETTER};
    size_t dot = hy_str_find(d, '.', 0);
    if (dot == SIZE_MAX || dot == 0)
        return HY_ENOTFOUND;
    struct hy_str label = hy_str_slice(d, 0, dot), ending = hy_str_slice(d, dot + 1, d.n);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        try_family(&families[i], label, ending, &best);
    for (size_t i = 0; i < sizeof long_names / sizeof *long_names; i++) {
        struct hy_str n = hy_str_of(long_names[i]);
        bool is_other =
            d.n + 1 < n.n || n.n + 1 < d.n || is_far(letters_of(d), letters_of(n), LETTER);
        int cost = is_other ? 3 * LETTER : distance(d, n);
        size_t first = hy_str_find(n, '.', 0);
        if (cost <= LETTER)
            offer(&best, cost, hy_str_slice(n, 0, first), hy_str_slice(n, first + 1, n.n));
    }
    if (best.cost >= 3 * LETTER)
        return HY_ENOTFOUND;
    return answer(hy_str_of(best.text), ret);
}
