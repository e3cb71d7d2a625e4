/* The command's words in Japanese, looked up by the English ones. A literal that is missing in the
 * tables is shown in English; a test finds it. */
#include "text.h"

cli_words *const cli_texts[] = {
    cli_text_common,
    cli_text_lead,
    cli_text_person,
    cli_text_campaign,
    cli_text_commerce,
    cli_text_report,
    cli_text_score,
    cli_text_queue,
    cli_text_setup,
    cli_text_states,
    NULL,
};

enum cli_lang cli_lang_of(const char *locale)
{
    return strncmp(locale, "ja", 2) == 0 ? CLI_JA : CLI_EN;
}

const char *cli_text(const struct cli *c, const char *english)
{
    if (c->lang == CLI_JA)
        for (size_t t = 0; cli_texts[t]; t++)
            for (cli_words *w = cli_texts[t]; (*w)[0]; w++)
                if (strcmp((*w)[0], english) == 0)
                    return (*w)[1];
    return english;
}

const char *cli_word_of(const struct cli *c, const char *noun, const char *word)
{
    char key[96];
    snprintf(key, sizeof key, "%s %s", noun, word);
    const char *told = cli_text(c, key);
    return told == key ? word : told;
}
