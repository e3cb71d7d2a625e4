/* Choosing how a part goes out, and making its pieces. */
#include "coding.h"
#include "scan.h"

enum { CLEAN_LINE_MAX = 500 /* far enough from HY_LINE_MAX for tokens of any length */ };

/* The part as it stands in the template, with something for each token; other values not. */
static int outline(const struct hy_program *p, struct hy_buf *out, bool *ret_is_fixed)
{
    bool is_fixed = true;
    for (size_t i = 0; i < p->n; i++) {
        const struct hy_op *op = &p->ops[i];
        if (op->kind == HY_OP_TEXT)
            hy_buf_add_str(out, op->text);
        else if (op->kind == HY_OP_CLICK || op->kind == HY_OP_OPEN)
            hy_buf_add_lit(out, "0123456789012345678901234567890123456789");
        else
            is_fixed = false;
    }
    *ret_is_fixed = is_fixed;
    return out->err;
}

enum hy_transfer hy_transfer_shorter(struct hy_str text)
{
    size_t special = 0;
    for (size_t i = 0; i < text.n; i++)
        special += (unsigned char)text.p[i] >= 0x7f || text.p[i] == '=';
    return text.n + 2 * special <= (text.n + 2) / 3 * 4 ? HY_TRANSFER_QP : HY_TRANSFER_BASE64;
}

int hy_part_encode(struct hy_arena *arena, struct hy_part *part)
{
    struct hy_buf text = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul);
    bool is_fixed = false;
    int rc = outline(&part->program, &text, &is_fixed);
    struct hy_str all = hy_buf_str(&text);
    bool is_ascii = hy_str_is_ascii(all);
    struct hy_scan scan = hy_scan_body(all, (struct hy_str){0});
    part->is_clean = rc == 0 && is_fixed && is_ascii && scan.is_relaxed && !scan.has_dot_line &&
                     scan.line_max <= CLEAN_LINE_MAX &&
                     hy_str_find_str(all, HY_STR("--=_"), 0) == SIZE_MAX;
    if (part->coding.transfer == HY_TRANSFER_AUTO) {
        bool is_jis = part->coding.charset == HY_MAIL_ISO_2022_JP;
        if (part->is_clean || (is_jis && !part->coding.is_html))
            part->coding.transfer = HY_TRANSFER_7BIT;
        else
            part->coding.transfer = is_jis ? HY_TRANSFER_QP : hy_transfer_shorter(all);
    }
    hy_buf_free(&text);
    for (size_t i = 0; i < part->program.n && rc == 0; i++) {
        struct hy_op *op = &part->program.ops[i];
        if (op->kind == HY_OP_TEXT)
            rc = hy_piece_make(arena, part->coding, op->text, &op->piece);
    }
    return rc;
}
