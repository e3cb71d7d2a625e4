/* The command's words in both languages: a table for each group of commands. A new text goes into
 * the table of the commands that say it, text_common.c when several groups do. */
#pragma once
#include "cli.h"

/* Rows of English and Japanese with the same conversions in the same order; ended by NULL. No
 * English text stands twice, in one table or in two. */
typedef const char *const cli_words[2];

extern cli_words cli_text_common[];
extern cli_words cli_text_lead[];
extern cli_words cli_text_person[];
extern cli_words cli_text_campaign[];
extern cli_words cli_text_commerce[];
extern cli_words cli_text_report[];
extern cli_words cli_text_score[];
extern cli_words cli_text_queue[];
extern cli_words cli_text_setup[];
extern cli_words cli_text_states[];

/* All of them, ended by NULL. */
extern cli_words *const cli_texts[];
