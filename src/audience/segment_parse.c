/* Segments read from their text: a parser by descent. */
#include "segment_lex.h"

/* -- values --------------------------------------------------------------------------------- */

static bool read_value(struct segment_lexer *p, struct hy_segment_value *ret)
{
    bool is_true = segment_is_word(p, "true") || segment_is_word(p, "yes");
    if (is_true || segment_is_word(p, "false") || segment_is_word(p, "no")) {
        *ret = (struct hy_segment_value){
            .kind = HY_SEGMENT_BOOL, .text = hy_str_of(is_true ? "true" : "false"), .yes = is_true};
    } else if (p->token == TOKEN_TEXT || p->token == TOKEN_NUMBER || p->token == TOKEN_DATE ||
               p->token == TOKEN_TIME) {
        *ret = p->value;
    } else if (p->token == TOKEN_NAME) {
        return segment_wrong(p, "a text stands in quotes: \"%.*s\"", HY_STR_ARG(p->value.text));
    } else {
        return segment_wrong(p, "expected a value");
    }
    segment_advance(p);
    return p->err == HY_OK;
}

/* A value for the operator, of what `name` is (empty: of anything). */
static bool read_operand(struct segment_lexer *p, enum hy_segment_op op, struct hy_str name,
                         struct hy_segment_value *ret)
{
    static const char *const wants[HY_SEGMENT_OPS] = {
        [HY_SEGMENT_LT] = "a number or a day",
        [HY_SEGMENT_LE] = "a number or a day",
        [HY_SEGMENT_GT] = "a number or a day",
        [HY_SEGMENT_GE] = "a number or a day",
        [HY_SEGMENT_CONTAINS] = "a text",
        [HY_SEGMENT_STARTS] = "a text",
        [HY_SEGMENT_ENDS] = "a text",
        [HY_SEGMENT_BEFORE] = "a day: 2026-12-01",
        [HY_SEGMENT_AFTER] = "a day: 2026-12-01",
        [HY_SEGMENT_WITHIN] = "a time: 30d",
        [HY_SEGMENT_OLDER] = "a time: 30d",
    };
    size_t at = p->at;
    if (!read_value(p, ret))
        return false;
    const char *given = segment_given_wants(name, op, ret);
    if (given)
        return segment_wrong_at(p, at, HY_EPARSE, "'%.*s' is compared with %s", HY_STR_ARG(name),
                                given);
    if (segment_op_takes(op, ret->kind))
        return true;
    return segment_wrong_at(p, at, HY_EPARSE, "expected %s",
                            wants[op] ? wants[op] : "a text, a number, a day, true or false");
}

/* -- conditions ----------------------------------------------------------------------------- */

static struct hy_segment_node *new_node(struct segment_lexer *p, enum hy_segment_kind kind)
{
    return p->err == HY_OK ? segment_new(&p->m, kind, &p->err) : NULL;
}

static const struct hy_segment_node *negate(struct segment_lexer *p,
                                            const struct hy_segment_node *item)
{
    if (!item)
        return NULL;
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_NOT);
    const struct hy_segment_node **items = hy_arena_alloc(p->m.arena, sizeof *items);
    if (!n || !items) {
        p->err = p->err == HY_OK ? HY_ENOMEM : p->err;
        return NULL;
    }
    *items = item;
    n->items = items;
    n->n_items = 1;
    return n;
}

/* ("JP", "FR") */
static bool read_values(struct segment_lexer *p, struct hy_segment_node *n)
{
    struct segment_list list = {
        .item_size = sizeof *n->values, .max = HY_SEGMENT_VALUES_MAX, .what = "values"};
    bool is_good = segment_take(p, TOKEN_OPEN, "( and the values");
    while (is_good) {
        struct hy_segment_value *v = segment_list_add(&list, &p->m, &p->err);
        is_good = v && read_operand(p, HY_SEGMENT_IN, n->name, v);
        if (!is_good || p->token != TOKEN_COMMA)
            break;
        segment_advance(p);
    }
    is_good = is_good && segment_take(p, TOKEN_CLOSE, ", or )");
    n->n_values = (uint16_t)list.n;
    n->values = segment_list_take(&list, &p->m, &p->err);
    return is_good && p->err == HY_OK;
}

static bool read_one_value(struct segment_lexer *p, struct hy_segment_node *n)
{
    struct hy_segment_value *v = hy_arena_alloc(p->m.arena, sizeof *v);
    if (!v)
        return segment_wrong_at(p, p->at, HY_ENOMEM, "no memory");
    n->values = v;
    n->n_values = 1;
    return read_operand(p, n->op, n->name, v);
}

/* The word operators; false: none of them. */
static bool take_word_op(struct segment_lexer *p, enum hy_segment_op *ret)
{
    static const struct {
        const char *word, *second;
        enum hy_segment_op op;
    } ops[] = {
        {"in", NULL, HY_SEGMENT_IN},           {"contains", NULL, HY_SEGMENT_CONTAINS},
        {"starts", "with", HY_SEGMENT_STARTS}, {"ends", "with", HY_SEGMENT_ENDS},
        {"before", NULL, HY_SEGMENT_BEFORE},   {"after", NULL, HY_SEGMENT_AFTER},
        {"within", NULL, HY_SEGMENT_WITHIN},   {"older", "than", HY_SEGMENT_OLDER},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!segment_take_word(p, ops[i].word))
            continue;
        if (ops[i].second && !segment_take_word(p, ops[i].second))
            return segment_wrong(p, "expected '%s %s'", ops[i].word, ops[i].second);
        *ret = ops[i].op;
        return true;
    }
    return false;
}

/* is set, is not set, is empty */
static const struct hy_segment_node *read_is(struct segment_lexer *p, struct hy_segment_node *n)
{
    bool is_not = segment_take_word(p, "not");
    bool is_empty = segment_is_word(p, "empty");
    n->op = HY_SEGMENT_SET;
    if (!is_empty && !segment_is_word(p, "set")) {
        (void)segment_wrong(p, "expected 'is set', 'is not set' or 'is empty'");
        return NULL;
    }
    segment_advance(p);
    return is_not != is_empty ? negate(p, n) : n;
}

/* score >= 50; it stands at the name. */
static const struct hy_segment_node *parse_compare(struct segment_lexer *p, struct hy_str name)
{
    char why[300];
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_COMPARE);
    if (!n)
        return NULL;
    if (segment_name_is_wrong(name, why, sizeof why)) {
        (void)segment_wrong(p, "%s", why);
        return NULL;
    }
    segment_advance(p);
    n->name = name;
    if (segment_take_word(p, "is"))
        return read_is(p, n);
    bool is_not = segment_take_word(p, "not");
    bool is_good;
    if (p->token == TOKEN_CMP && !is_not) {
        n->op = p->op;
        segment_advance(p);
        is_good = read_one_value(p, n);
    } else if (take_word_op(p, &n->op)) {
        is_good = n->op == HY_SEGMENT_IN ? read_values(p, n) : read_one_value(p, n);
    } else {
        is_good =
            segment_wrong(p,
                          "expected what '%.*s' is asked for: = != < <= > >=, in (...), contains, "
                          "starts with, ends with, is set, before, after, within, older than",
                          HY_STR_ARG(name));
    }
    if (!is_good)
        return NULL;
    return is_not ? negate(p, n) : n;
}

/* tag("vip") */
static const struct hy_segment_node *parse_member(struct segment_lexer *p,
                                                  enum hy_segment_group group)
{
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_MEMBER);
    if (!n || !segment_take(p, TOKEN_OPEN, "("))
        return NULL;
    n->group = group;
    n->name = p->value.text;
    if (p->token == TOKEN_TEXT && (n->name.n == 0 || n->name.n > HY_SEGMENT_NAME_MAX)) {
        (void)segment_wrong(p, "a name has 1 to %d bytes", HY_SEGMENT_NAME_MAX);
        return NULL;
    }
    return segment_take(p, TOKEN_TEXT, "a name in quotes") && segment_take(p, TOKEN_CLOSE, ")")
               ? n
               : NULL;
}

static bool read_date_of(struct segment_lexer *p, struct hy_segment_value *to)
{
    if (to->text.n)
        return segment_wrong(p, "is said twice");
    return read_operand(p, HY_SEGMENT_BEFORE, HY_STR(""), to);
}

/* campaign: "spring", amount >= 5000 */
static bool read_filter(struct segment_lexer *p, const struct segment_verb *verb,
                        struct hy_segment_filter *f)
{
    if (p->token != TOKEN_NAME && p->token != TOKEN_QUOTED_NAME)
        return segment_wrong(p, "expected what is asked: campaign: \"...\", within 30d, ... or )");
    f->key = p->value.text;
    if (!segment_verb_knows(verb, f->key))
        return segment_wrong(p, "%s knows no '%.*s'; it knows campaign, source, meta.NAME%s%s",
                             verb->word, HY_STR_ARG(f->key), *verb->keys ? "," : "", verb->keys);
    segment_advance(p);
    if (p->token != TOKEN_COLON && p->token != TOKEN_CMP)
        return segment_wrong(p, "expected : and a value");
    f->op = p->token == TOKEN_COLON ? HY_SEGMENT_EQ : p->op;
    segment_advance(p);
    return read_operand(p, f->op, HY_STR(""), &f->value);
}

static bool read_argument(struct segment_lexer *p, const struct segment_verb *verb,
                          struct hy_segment_node *n, struct segment_list *filters)
{
    size_t at = p->at;
    if (segment_take_word(p, "since"))
        return read_date_of(p, &n->since);
    if (segment_take_word(p, "before"))
        return read_date_of(p, &n->before);
    if (!segment_take_word(p, "within")) {
        struct hy_segment_filter *f = segment_list_add(filters, &p->m, &p->err);
        return f && read_filter(p, verb, f);
    }
    struct hy_segment_value time;
    if (n->within_s)
        return segment_wrong_at(p, at, HY_EPARSE, "within is said twice");
    if (!read_operand(p, HY_SEGMENT_WITHIN, HY_STR(""), &time))
        return false;
    n->within_s = time.seconds;
    return true;
}

/* >= 3 behind an activity */
static bool read_count(struct segment_lexer *p, struct hy_segment_node *n)
{
    n->op = HY_SEGMENT_GE;
    n->count = 1;
    if (p->token != TOKEN_CMP)
        return true;
    n->op = p->op;
    segment_advance(p);
    double number = p->value.number;
    if (p->token != TOKEN_NUMBER || number < 0 || number > 1e6 ||
        number != (double)(uint32_t)number)
        return segment_wrong(p, "expected how often: a whole number up to 1,000,000");
    n->count = (uint32_t)number;
    segment_advance(p);
    return p->err == HY_OK;
}

/* clicked(campaign: "spring", within 30d) >= 2 */
static const struct hy_segment_node *parse_did(struct segment_lexer *p,
                                               const struct segment_verb *verb)
{
    struct segment_list filters = {.item_size = sizeof(struct hy_segment_filter),
                                   .max = HY_SEGMENT_FILTERS_MAX,
                                   .what = "filters of one activity"};
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_DID);
    if (!n || !segment_take(p, TOKEN_OPEN, "("))
        return NULL;
    n->did = verb->kind;
    bool is_good = true;
    while (is_good && p->token != TOKEN_CLOSE) {
        is_good = read_argument(p, verb, n, &filters);
        if (is_good && p->token != TOKEN_CLOSE)
            is_good = segment_take(p, TOKEN_COMMA, ", or )");
    }
    n->n_filters = (uint16_t)filters.n;
    n->filters = segment_list_take(&filters, &p->m, &p->err);
    return is_good && segment_take(p, TOKEN_CLOSE, ")") && read_count(p, n) ? n : NULL;
}

static void unknown_call(struct segment_lexer *p, struct hy_str name)
{
    char verbs[300];
    const char *near = segment_call_near(name);
    if (near)
        (void)segment_wrong(p, "there is no '%.*s' (did you mean '%s'?)", HY_STR_ARG(name), near);
    else
        (void)segment_wrong(p, "there is no '%.*s'; there are %s, tag, list, group, segment",
                            HY_STR_ARG(name), segment_verb_list(verbs, sizeof verbs));
}

/* A name with ( behind it. */
static const struct hy_segment_node *parse_call(struct segment_lexer *p)
{
    struct hy_str name = p->value.text;
    const struct segment_verb *verb = segment_verb_of(name);
    for (unsigned g = 0; g < HY_SEGMENT_GROUPS; g++)
        if (hy_str_ieq(name, hy_str_of(segment_group_words[g]))) {
            segment_advance(p);
            return parse_member(p, (enum hy_segment_group)g);
        }
    if (!verb) {
        unknown_call(p, name);
        return NULL;
    }
    segment_advance(p);
    return parse_did(p, verb);
}

static const struct hy_segment_node *parse_one(struct segment_lexer *p)
{
    const struct hy_segment_node *n = NULL;
    struct hy_str name = p->value.text;
    if (p->depth == HY_SEGMENT_DEPTH_MAX) {
        (void)segment_wrong_at(p, p->at, HY_ELIMIT, "more than %d conditions inside conditions",
                               HY_SEGMENT_DEPTH_MAX);
        return NULL;
    }
    p->depth++;
    if (segment_take_word(p, "not")) {
        n = negate(p, parse_one(p));
    } else if (p->token == TOKEN_OPEN) {
        segment_advance(p);
        n = segment_parse_any(p);
        if (n && !segment_take(p, TOKEN_CLOSE, "and, or, or )"))
            n = NULL;
    } else if (p->token == TOKEN_NAME && segment_is_called(p)) {
        n = parse_call(p);
    } else if (p->token == TOKEN_QUOTED_NAME ||
               (p->token == TOKEN_NAME && segment_is_plain_name(name))) {
        n = parse_compare(p, name);
    } else {
        (void)segment_wrong(p, "expected a condition, such as score >= 50 or opened(within 30d)");
    }
    p->depth--;
    return p->err == HY_OK ? n : NULL;
}

/* Conditions joined by a word. */
static const struct hy_segment_node *parse_joined(
    struct segment_lexer *p, enum hy_segment_kind kind, const char *word,
    const struct hy_segment_node *(*part)(struct segment_lexer *))
{
    const struct hy_segment_node **to;
    struct segment_list items = {
        .item_size = sizeof *to, .max = HY_SEGMENT_NODES_MAX, .what = "conditions"};
    do {
        const struct hy_segment_node *n = part(p);
        to = n ? segment_list_add(&items, &p->m, &p->err) : NULL;
        if (to)
            *to = n;
    } while (p->err == HY_OK && segment_take_word(p, word));
    return segment_join(&p->m, kind, &items, &p->err);
}

static const struct hy_segment_node *parse_all(struct segment_lexer *p)
{
    return parse_joined(p, HY_SEGMENT_ALL, "and", parse_one);
}

const struct hy_segment_node *segment_parse_any(struct segment_lexer *p)
{
    return parse_joined(p, HY_SEGMENT_ANY, "or", parse_all);
}

int hy_segment_parse(struct hy_str text, struct hy_arena *arena, struct hy_diag *diag,
                     const struct hy_segment_node **ret)
{
    struct segment_lexer p;
    int err = segment_lex_open(&p, text, arena, diag);
    if (err != HY_OK)
        return err;
    const struct hy_segment_node *n = p.err == HY_OK ? segment_parse_any(&p) : NULL;
    if (p.err == HY_OK && p.token != TOKEN_END)
        (void)segment_wrong(&p, "expected and, or, or the end");
    if (p.err == HY_OK)
        *ret = n;
    return p.err;
}
