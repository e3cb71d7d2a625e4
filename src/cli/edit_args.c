/* Edits of leads and companies out of the command line. */
#include "edit_args.h"

static bool add_attribute(struct cli *c, json_t *attrs, const char *text)
{
    const char *eq = strchr(text, '=');
    if (!eq || eq == text) {
        fprintf(c->err, _(c, "%s: write NAME=VALUE (NAME= takes the value away)\n"), text);
        return false;
    }
    json_object_setn_new(attrs, text, (size_t)(eq - text),
                         eq[1] ? json_string(eq + 1) : json_null());
    return true;
}

bool cli_add_attributes(struct cli *c, json_t *edit, size_t from)
{
    json_t *attrs = json_object();
    bool is_good = true;
    for (size_t i = from; i < c->n_args && is_good; i++)
        is_good = add_attribute(c, attrs, c->args[i]);
    if (is_good && json_object_size(attrs))
        json_object_set(edit, "attributes", attrs);
    json_decref(attrs);
    return is_good;
}

void cli_add_words(struct cli *c, json_t *edit, const char *option, const char *key)
{
    struct hy_str rest = hy_str_of(cli_option(c, option)), word;
    json_t *list = json_array();
    while (rest.n && hy_str_split(&rest, ',', &word))
        json_array_append_new(list, json_stringn(word.p, word.n));
    if (json_array_size(list))
        json_object_set(edit, key, list);
    json_decref(list);
}
