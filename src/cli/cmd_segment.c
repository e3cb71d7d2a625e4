/* segment check: reads the words of a segment, without the daemon. */
#include "cli.h"
#include "commands.h"
#include "hayauma/audience/segment.h"
#include "retell.h"

enum { ARENA_MAX = 16 << 20, OUT_MAX = 16 << 20 };

static int tell(struct cli *c, const struct hy_segment_node *n)
{
    struct hy_buf out = HY_BUF_INIT(OUT_MAX);
    if (c->json)
        hy_segment_put_json(&out, n);
    else
        hy_segment_put(&out, n);
    hy_buf_add_c(&out, '\n');
    int err = out.err;
    if (err == HY_OK)
        fwrite(out.data, 1, out.len, c->out);
    hy_buf_free(&out);
    return err == HY_OK ? CLI_OK : cli_fail(c, err, NULL, NULL);
}

/* Faults of the words, a line each. False: there are none. */
static bool tell_faults(struct cli *c, struct hy_str text)
{
    struct hy_segment_fault faults[HY_SEGMENT_FAULTS_MAX];
    struct hy_buf all = HY_BUF_INIT(64 * 1024), told = HY_BUF_INIT(64 * 1024);
    size_t n = hy_segment_faults(text, faults, HY_SEGMENT_FAULTS_MAX);
    for (size_t i = 0; i < n; i++) {
        hy_buf_reset(&told);
        if (i)
            hy_buf_add_c(&all, '\n');
        if (faults[i].line)
            hy_buf_printf(&all, "%u:%u: ", faults[i].line, faults[i].column);
        hy_buf_add_str(&all, hy_str_of(cli_retell(c, faults[i].why, &told)));
    }
    if (n)
        (void)cli_fail(c, HY_EPARSE, hy_buf_cstr(&all), NULL);
    hy_buf_free(&told);
    hy_buf_free(&all);
    return n > 0;
}

bool cli_segment_is_wrong(struct cli *c, const char *text)
{
    struct hy_str words = hy_str_trim(hy_str_of(text));
    return words.n && !hy_str_starts(words, HY_STR("{")) && tell_faults(c, words);
}

static int run(struct cli *c)
{
    struct hy_str text = hy_str_trim(hy_str_of(c->args[0]));
    struct hy_arena arena = HY_ARENA_INIT(ARENA_MAX);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    if (cli_segment_is_wrong(c, c->args[0])) {
        hy_arena_free(&arena);
        return CLI_FAILED;
    }
    bool is_json = hy_str_starts(text, HY_STR("{"));
    int err = is_json ? hy_segment_parse_json(text, &arena, &diag, &n)
                      : hy_segment_parse(text, &arena, &diag, &n);
    struct hy_buf told = HY_BUF_INIT(64 * 1024);
    int code = err == HY_OK ? tell(c, n) : cli_fail(c, err, cli_retell(c, diag.text, &told), NULL);
    hy_buf_free(&told);
    hy_arena_free(&arena);
    return code;
}

const struct cli_command cmd_segment_check = {
    .name = "segment check",
    .args = "SEGMENT",
    .n_min = 1,
    .n_max = 1,
    .summary = {"read the words of a segment", "セグメントの式を確かめる"},
    .about =
        {"Reads a segment, in words or as JSON, and prints it in its plain form; with --json "
         "as JSON.\n"
         "Says line and column of all that is wrong. docs/guides/segments.md has the language.",
         "セグメントの式 (または JSON) を読み、整えた形で出力します。--json では JSON "
         "で出力します。\n"
         "誤りは行と桁で示します。式の書き方は docs/guides/segments.ja.md にあります。"},
    .examples =
        "hayauma segment check 'score >= 50 and clicked(campaign: \"spring\", within 30d)'\n"
        "hayauma segment check --json 'tag(\"vip\") and not ordered(within 90d)'",
    .run = run,
};
