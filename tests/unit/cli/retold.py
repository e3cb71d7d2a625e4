"""What these files say of a configuration or to a command is in src/cli/text_retold_*.c, too."""
import glob
import re
import sys

FILES = ("src/audience/segment_json.c", "src/audience/segment_lex.c", "src/audience/segment_parse.c", "src/audience/segment_words.c",
         "src/config/bounces.c", "src/config/campaign_file.c", "src/config/events.c", "src/config/scoring.c",
         "src/config/config.c", "src/config/schema.c", "src/config/schema_value.c", "src/config/scoring_handoff.c",
         "src/config/tenants.c", "src/daemon/api.c", "src/daemon/ctl_events.c", "src/daemon/ctl_lead.c",
         "src/daemon/events.c", "src/daemon/local_mail.c", "src/daemon/submission.c", "src/receive/users.c", "src/store/company_edit.c", "src/store/identity.c", "src/store/lead_edit.c",
         "src/mail/compile_fields.c", "src/mail/dkim_key.c", "src/mail/html_place.c", "src/daemon/orders.c",
         "src/daemon/plan.c", "src/daemon/score_apply.c", "src/store/merge.c", "src/store/merge_job.c", "src/store/suppress_text.c",
         "src/web/tokens.c")
# In these every text with a blank in it is told: what is wrong with a file that comes in, a row or an address.
ROWS = ("src/audience/columns.c", "src/audience/csv.c", "src/audience/import.c", "src/audience/suppress_rows.c",
        "src/audience/sheet.c", "src/base/err.c", "src/daemon/activity_import.c", "src/daemon/import_job.c", "src/daemon/order_import.c", "src/daemon/suppress_import.c",
        "src/mail/address_reason.c", "src/model/attr_type.c", "src/track/order_rows.c", "src/track/told.c", "src/track/told_rows.c")
CALL = re.compile(r"\b(?:hy_problems_error|hy_problems_warning|schema_error_at|schema_warn_at|hy_fail|hy_control_fail|complain"
                  r"|wrong|warn|segment_wrong|segment_wrong_at)\s*\(")
TEXT = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
# Made of pieces, wrapped around another text, or about a mistake in a program.
APART = {"%u:%u: %s", "match: %s",
         "%s%smust be a section: lines of 'key: value'", ", 192.0.2.1:5353",
         "must begin with https://%s", " or http://", "; allow_http would take http://", "%s:%u: %s", "%s: %s", "events.webhooks: %s: %s",
         "the configuration cannot be used: %s", "address: %s", "from: %s",
         ": ", " %s", "{s:o, s:s}", "'%s' %s", "there is no %s '%s'", ", ", " \\t\\r\\n", "the row is good", "column %zu", "'fields' must be an object"}


def joined(literals):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))


def plain(text):
    """Without what only a C compiler wants to know of a conversion."""
    return re.sub(r"%[-.*0-9]+", "%", text)


def arguments(source, at):
    """What stands between the bracket at `at` and its end."""
    depth, is_text, end = 0, False, at
    while True:
        c = source[end]
        if c == "\\" and is_text:
            end += 1
        elif c == '"':
            is_text = not is_text
        elif not is_text:
            depth += (c == "(") - (c == ")")
            if depth == 0:
                return source[at:end]
        end += 1


def calls(source):
    return ";".join(arguments(source, call.end() - 1) for call in CALL.finditer(source))


def code(source):
    return re.sub(r"/\*.*?\*/|#include[^\n]*|'\"'", "", source, flags=re.S)


def main(root):
    retold, missing = set(), []
    for path in glob.glob(f"{root}/src/cli/text_retold_*.c"):
        with open(path, encoding="utf-8") as f:
            retold |= {joined(m) for m in re.findall(r"\{\s*(" + TEXT + r"),", f.read())}
    commands = [path[len(root) + 1:] for path in glob.glob(f"{root}/src/daemon/ctl_*.c")]
    for path in sorted({*FILES, *ROWS, *commands}):
        with open(f"{root}/{path}", encoding="utf-8") as f:
            source = f.read()
        for literals in re.findall(TEXT, code(source) if path in ROWS else calls(source)):
            text = plain(joined(literals))
            tail = re.sub(r"^(?:[\w.]+|%s): ", "", text)
            if " " in text and not {text, tail} & (retold | APART):
                missing.append(f"{path}: {text}")
    print("\n".join(missing) or "all of it is told in Japanese as well")
    return 1 if missing else 0


sys.exit(main(sys.argv[1]))
