/* People whose end is known, as they are told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/base/hash.h"
#include "learn_priv.h"

enum { ARENA_MAX = 64 * 1024 * 1024, INDEX = 8192, JUDGES = 3, PARTS = 10 };

uint64_t learn_hash(uint64_t who, uint64_t salt)
{
    struct hy_hash_key key = {UINT64_C(0x9e3779b97f4a7c15), salt};
    return hy_siphash(&key, &who, sizeof who);
}

bool learn_is_judge(const struct hy_learn *l, const struct learn_person *p)
{
    return (learn_hash(p->who, 1) + l->part * (uint64_t)JUDGES) % PARTS < JUDGES;
}

size_t learn_entries_end(const struct hy_learn *l, size_t person)
{
    return person + 1 < l->n_people ? l->people[person + 1].first : l->n_entries;
}

int hy_learn_new(unsigned part, struct hy_learn **ret)
{
    struct hy_learn *l = calloc(1, sizeof *l);
    if (l)
        l->index = calloc(INDEX, sizeof *l->index);
    if (!l || !l->index) {
        free(l);
        return HY_ENOMEM;
    }
    l->arena = HY_ARENA_INIT(ARENA_MAX);
    l->part = part;
    *ret = l;
    return HY_OK;
}

void hy_learn_free(struct hy_learn *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_columns; i++) {
        free(l->columns[i].words);
        free(l->columns[i].table);
    }
    free(l->columns);
    free(l->index);
    free(l->people);
    free(l->entries);
    hy_arena_free(&l->arena);
    free(l);
}

/* Room for one more of `size` bytes, at most `max` of them. */
static int grow(void **all, size_t n, size_t *cap, size_t max, size_t size)
{
    if (n < *cap)
        return HY_OK;
    if (n >= max)
        return HY_ELIMIT;
    size_t more = *cap ? *cap * 2 : 256;
    more = more < max ? more : max;
    void *p = realloc(*all, more * size);
    if (!p)
        return HY_ENOMEM;
    *all = p;
    *cap = more;
    return HY_OK;
}

static uint64_t hash_of(struct hy_str s, uint64_t salt)
{
    struct hy_hash_key key = {UINT64_C(0x2545f4914f6cdd1d), salt};
    return hy_siphash(&key, s.p, s.n);
}

/* Whether the language of conditions can name it. */
static bool is_name(struct hy_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f || name.p[i] == '`')
            return false;
    return name.n > 0 && name.n <= HY_SEGMENT_NAME_MAX && hy_str_is_utf8(name);
}

int hy_learn_column(struct hy_learn *l, enum hy_learn_kind kind, struct hy_str text, uint16_t *ret)
{
    if (kind == HY_LEARN_ATTRIBUTE && !is_name(text))
        return HY_EINVAL;
    size_t at = hash_of(text, kind) % INDEX;
    for (; l->index[at]; at = (at + 1) % INDEX) {
        const struct learn_column *c = &l->columns[l->index[at] - 1];
        if (c->kind == kind && hy_str_eq(c->text, text)) {
            *ret = (uint16_t)(l->index[at] - 1);
            return HY_OK;
        }
    }
    int err = grow((void **)&l->columns, l->n_columns, &l->cap_columns, HY_LEARN_COLUMNS_MAX,
                   sizeof *l->columns);
    if (err != HY_OK)
        return err;
    struct learn_column c = {.kind = kind, .text = hy_arena_str(&l->arena, text)};
    if (!c.text.p)
        return HY_ENOMEM;
    if (kind == HY_LEARN_ATTRIBUTE) {
        c.words = calloc(HY_LEARN_WORDS_MAX, sizeof *c.words);
        c.table = calloc(LEARN_TABLE, sizeof *c.table);
        if (!c.words || !c.table) {
            free(c.words);
            free(c.table);
            return HY_ENOMEM;
        }
    }
    l->columns[l->n_columns] = c;
    *ret = (uint16_t)l->n_columns;
    l->index[at] = (uint32_t)++l->n_columns;
    return HY_OK;
}

/* ---- people ---- */

static bool is_kept(const struct hy_learn *l, uint64_t who, bool is_good)
{
    uint64_t mask = (UINT64_C(1) << l->shift[is_good]) - 1;
    return (learn_hash(who, 2) & mask) == 0;
}

/* Every other of one end goes. */
static void thin_out(struct hy_learn *l, bool is_good)
{
    size_t people = 0, entries = 0;
    l->shift[is_good]++;
    for (size_t i = 0; i < l->n_people; i++) {
        struct learn_person p = l->people[i];
        size_t n = learn_entries_end(l, i) - p.first;
        if (p.is_good == is_good && !is_kept(l, p.who, is_good)) {
            l->kept[is_good]--;
            continue;
        }
        if (n)
            memmove(&l->entries[entries], &l->entries[p.first], n * sizeof *l->entries);
        p.first = (uint32_t)entries;
        entries += n;
        l->people[people++] = p;
    }
    l->n_people = people;
    l->n_entries = entries;
}

int hy_learn_person(struct hy_learn *l, uint64_t who, bool is_good, bool *ret_wanted)
{
    l->told[is_good]++;
    *ret_wanted = false;
    while (l->kept[is_good] >= HY_LEARN_KEPT_MAX && is_kept(l, who, is_good))
        thin_out(l, is_good);
    if (!is_kept(l, who, is_good))
        return HY_OK;
    int err = grow((void **)&l->people, l->n_people, &l->cap_people, 2 * HY_LEARN_KEPT_MAX,
                   sizeof *l->people);
    if (err != HY_OK)
        return err;
    l->people[l->n_people++] =
        (struct learn_person){.who = who, .first = (uint32_t)l->n_entries, .is_good = is_good};
    l->kept[is_good]++;
    *ret_wanted = true;
    return HY_OK;
}

static int add(struct hy_learn *l, uint16_t column, uint16_t word, double value)
{
    if (l->n_entries - l->people[l->n_people - 1].first >= HY_LEARN_OF_ONE_MAX)
        return HY_OK;
    int err = grow((void **)&l->entries, l->n_entries, &l->cap_entries, HY_LEARN_ENTRIES_MAX,
                   sizeof *l->entries);
    if (err == HY_OK)
        l->entries[l->n_entries++] =
            (struct learn_entry){.column = column, .word = word, .value = (float)value};
    return err;
}

int hy_learn_deed(struct hy_learn *l, uint16_t column, double age_days)
{
    return add(l, column, LEARN_NO_WORD, age_days < 0 ? 0 : age_days);
}

int hy_learn_fact(struct hy_learn *l, uint16_t column)
{
    return add(l, column, LEARN_NO_WORD, 1);
}

/* LEARN_NO_WORD: it has too many. */
static int word_of(struct hy_learn *l, struct learn_column *c, struct hy_str value, uint16_t *ret)
{
    size_t at = hash_of(value, 0) % LEARN_TABLE;
    for (; c->table[at]; at = (at + 1) % LEARN_TABLE)
        if (hy_str_eq(c->words[c->table[at] - 1], value)) {
            *ret = (uint16_t)(c->table[at] - 1);
            return HY_OK;
        }
    *ret = LEARN_NO_WORD;
    if (c->n_words == HY_LEARN_WORDS_MAX) {
        c->is_free = true;
        return HY_OK;
    }
    struct hy_str word = hy_arena_str(&l->arena, value);
    if (!word.p)
        return HY_ENOMEM;
    *ret = (uint16_t)c->n_words;
    c->words[c->n_words++] = word;
    c->table[at] = (uint16_t)c->n_words;
    return HY_OK;
}

static bool to_number(struct hy_str value, double *ret)
{
    char room[64], *end;
    bool is_code = value.n > 1 && value.p[0] == '0' && value.p[1] >= '0' && value.p[1] <= '9';
    if (value.n == 0 || value.n >= sizeof room || is_code ||
        !memchr("+-.0123456789", value.p[0], 13))
        return false; /* 0600001 is no amount */
    memcpy(room, value.p, value.n);
    room[value.n] = 0;
    *ret = strtod(room, &end);
    return *end == 0 && isfinite(*ret) && fabs(*ret) < 1e15;
}

int hy_learn_value(struct hy_learn *l, uint16_t column, struct hy_str value)
{
    struct learn_column *c = &l->columns[column];
    uint16_t word;
    double number = 0;
    if (value.n == 0 || (c->is_free && c->is_text) || !hy_str_is_utf8(value))
        return HY_OK;
    if (!to_number(value, &number))
        c->is_text = true;
    int err = word_of(l, c, value, &word);
    return err == HY_OK ? add(l, column, word, number) : err;
}
