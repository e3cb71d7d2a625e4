/* The frame of a message: multipart boundaries, part headers, files.
 *
 *   multipart/mixed               with attachments
 *     multipart/related           with inline images
 *       multipart/alternative     with text and HTML
 *         text/plain
 *         text/html
 *       image/png ...
 *     application/pdf ...
 *
 * A boundary begins with "=_", which neither quoted-printable nor base64 can hold, and goes on with
 * 128 bits that only those who have the campaign's seed and token key can know. */
#include "mime.h"
#include "hayauma/base/codec.h"

enum multipart { MIXED, RELATED, ALTERNATIVE, MULTIPARTS };
static const char *const subtypes[MULTIPARTS] = {"mixed", "related", "alternative"};

struct frame {
    struct hy_message *m;
    struct hy_buf text;    /* under way */
    struct hy_buf *header; /* of the whole message; the first Content-Type goes there */
    bool is_top;           /* nothing was opened yet */
    bool has[MULTIPARTS];
};

static int make_boundary(struct hy_message *m, const struct hy_message_options *options)
{
    uint8_t bytes[sizeof options->seed + sizeof(hy_id) + 1], digest[16];
    memcpy(bytes, options->seed, sizeof options->seed);
    memcpy(bytes + sizeof options->seed, &options->campaign, sizeof(hy_id));
    const struct hy_hash_key *key = &options->keys->key[options->keys->current];
    for (unsigned i = 0; i < 2; i++) {
        bytes[sizeof bytes - 1] = (uint8_t)i;
        uint64_t hash = hy_siphash(key, bytes, sizeof bytes);
        memcpy(digest + i * 8, &hash, 8);
    }
    char text[HY_BOUNDARY_MAX] = "=_hy";
    size_t n = 4 + hy_base32_encode(digest, sizeof digest, text + 4);
    m->boundary = hy_arena_str(&m->arena, hy_str_make(text, n));
    return m->boundary.p ? 0 : HY_ENOMEM;
}

/* Where header lines of the entity under way go. */
static struct hy_buf *entity(struct frame *f)
{
    return f->is_top ? f->header : &f->text;
}

static void delimit(struct frame *f, enum multipart which, const char *end)
{
    hy_buf_printf(&f->text, "--%.*s%c%s", HY_STR_ARG(f->m->boundary), "mra"[which], end);
}

static void open_multipart(struct frame *f, enum multipart which)
{
    struct hy_buf *to = entity(f);
    hy_buf_printf(to, "Content-Type: multipart/%s;\r\n", subtypes[which]);
    if (which == RELATED)
        hy_buf_printf(to, " type=\"%s\";\r\n",
                      f->has[ALTERNATIVE] ? "multipart/alternative" : "text/html");
    hy_buf_printf(to, " boundary=\"%.*s%c\"\r\n", HY_STR_ARG(f->m->boundary), "mra"[which]);
    if (!f->is_top)
        hy_buf_add_lit(&f->text, "\r\n");
    f->is_top = false;
    delimit(f, which, "\r\n");
}

static void open_text(struct frame *f, const struct hy_part *part)
{
    struct hy_buf *to = entity(f);
    bool is_ascii =
        part->coding.transfer == HY_TRANSFER_7BIT && part->coding.charset == HY_MAIL_UTF8;
    const char *charset = part->coding.charset == HY_MAIL_ISO_2022_JP ? "iso-2022-jp"
                          : is_ascii                                  ? "us-ascii"
                                                                      : "utf-8";
    hy_buf_printf(to, "Content-Type: text/%s; charset=%s\r\n",
                  part->coding.is_html ? "html" : "plain", charset);
    hy_buf_printf(to, "Content-Transfer-Encoding: %s\r\n", hy_transfer_name(part->coding.transfer));
    if (!f->is_top)
        hy_buf_add_lit(&f->text, "\r\n");
    f->is_top = false;
}

static bool is_token(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || memchr("()<>@,;:\\\"/[]?=", s.p[i], 15))
            return false;
    return s.n > 0 && s.n <= 64;
}

static bool is_type(struct hy_str type)
{
    size_t slash = hy_str_find(type, '/', 0);
    return slash != SIZE_MAX && is_token(hy_str_slice(type, 0, slash)) &&
           is_token(hy_str_slice(type, slash + 1, type.n)) &&
           !hy_str_istarts(type, HY_STR("multipart/")) && !hy_str_istarts(type, HY_STR("message/"));
}

/* The right side of "cid:": what an attribute and a header field can both hold. */
static bool is_cid(struct hy_str cid)
{
    for (size_t i = 0; i < cid.n; i++)
        if (cid.p[i] <= ' ' || cid.p[i] >= 0x7f || memchr("<>\"'\\%", cid.p[i], 6))
            return false;
    return cid.n > 0 && cid.n <= 200;
}

int hy_mime_file_put(struct hy_buf *out, const struct hy_message_file *file, bool is_inline,
                     struct hy_diag *diag)
{
    struct hy_str name = hy_str_slice(file->name, 0, 200);
    struct hy_str type = file->type.n ? file->type : HY_STR("application/octet-stream");
    if (file->bytes.n > HY_MESSAGE_FILE_MAX)
        return hy_fail(diag, HY_ELIMIT, "%.*s: larger than %d bytes", HY_STR_ARG(name),
                       HY_MESSAGE_FILE_MAX);
    if (!is_type(type))
        return hy_fail(diag, HY_EINVAL, "%.*s: \"%.*s\" is no type like image/png",
                       HY_STR_ARG(name), HY_STR_ARG(hy_str_slice(type, 0, 100)));
    if (is_inline && !is_cid(file->cid))
        return hy_fail(diag, HY_EINVAL, "%.*s: an inline image needs a cid without blanks",
                       HY_STR_ARG(name));
    hy_buf_printf(out, "Content-Type: %.*s", HY_STR_ARG(type));
    int rc = file->name.n ? hy_header_param(out, HY_STR("name"), file->name) : 0;
    hy_buf_add_lit(out, "\r\nContent-Transfer-Encoding: base64\r\n");
    if (is_inline)
        hy_buf_printf(out, "Content-ID: <%.*s>\r\n", HY_STR_ARG(file->cid));
    hy_buf_printf(out, "Content-Disposition: %s", is_inline ? "inline" : "attachment");
    if (rc == 0 && file->name.n)
        rc = hy_header_param(out, HY_STR("filename"), file->name);
    hy_buf_add_lit(out, "\r\n\r\n");
    hy_base64_lines(out, file->bytes);
    return rc ? hy_fail(diag, rc, "%.*s: cannot be the name of a file in a mail", HY_STR_ARG(name))
              : 0;
}

static int add_files(struct frame *f, enum multipart in, const struct hy_message_file *files,
                     size_t n, struct hy_diag *diag)
{
    for (size_t i = 0; i < n; i++) {
        hy_buf_add_lit(&f->text, "\r\n");
        delimit(f, in, "\r\n");
        int rc = hy_mime_file_put(&f->text, &files[i], in == RELATED, diag);
        if (rc)
            return rc;
    }
    if (f->has[in]) {
        hy_buf_add_lit(&f->text, "\r\n");
        delimit(f, in, "--");
    }
    return 0;
}

static int take(struct frame *f, struct hy_str *ret)
{
    if (f->text.err)
        return f->text.err;
    *ret = hy_arena_str(&f->m->arena, hy_buf_str(&f->text));
    hy_buf_reset(&f->text);
    return ret->p ? 0 : HY_ENOMEM;
}

static int build(struct frame *f, const struct hy_message_source *source, struct hy_diag *diag)
{
    struct hy_message *m = f->m;
    for (enum multipart i = MIXED; i < MULTIPARTS; i++)
        if (f->has[i])
            open_multipart(f, i);
    open_text(f, &m->parts[0]);
    int rc = take(f, &m->parts[0].lead);
    if (rc == 0 && m->n_parts == 2) {
        hy_buf_add_lit(&f->text, "\r\n");
        delimit(f, ALTERNATIVE, "\r\n");
        open_text(f, &m->parts[1]);
        rc = take(f, &m->parts[1].lead);
        hy_buf_add_lit(&f->text, "\r\n");
        delimit(f, ALTERNATIVE, "--");
    }
    if (rc == 0)
        rc = add_files(f, RELATED, source->images, source->n_images, diag);
    if (rc == 0)
        rc = add_files(f, MIXED, source->attachments, source->n_attachments, diag);
    if (f->text.len)
        hy_buf_add_lit(&f->text, "\r\n");
    return rc ? rc : take(f, &m->tail);
}

int hy_mime_build(struct hy_message *m, const struct hy_message_source *source,
                  const struct hy_message_options *options, struct hy_buf *header,
                  struct hy_diag *diag)
{
    struct frame f = {.m = m,
                      .text = HY_BUF_INIT(m->max_bytes),
                      .header = header,
                      .is_top = true,
                      .has = {[MIXED] = source->n_attachments > 0,
                              [RELATED] = source->n_images > 0,
                              [ALTERNATIVE] = m->n_parts == 2}};
    if (source->n_images > HY_MESSAGE_FILES_MAX || source->n_attachments > HY_MESSAGE_FILES_MAX ||
        source->n_images + source->n_attachments > HY_MESSAGE_FILES_MAX)
        return hy_fail(diag, HY_ELIMIT, "more than %d images and attachments",
                       HY_MESSAGE_FILES_MAX);
    if (source->n_images && source->html.bytes.n == 0)
        return hy_fail(diag, HY_EINVAL, "inline images need an HTML part");
    int rc = make_boundary(m, options);
    if (rc == 0)
        rc = build(&f, source, diag);
    hy_buf_free(&f.text);
    if (rc)
        return hy_fail(diag, rc, "the parts of the message: %s", hy_err_text(rc));
    return 0;
}
