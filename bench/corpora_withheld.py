"""Rules as they would be if some mails had never been seen: what vouches for a part of a pattern, and
answers that only other mails, or what makers document, vouch for.

A pattern is many alternatives. One counts as known from elsewhere when a mail or reply outside the withheld
ones is decided by it, or one of the documented words in tests/unit/bounce/data. All that the withheld ones
alone use is taken out, they are read again, and so on until nothing of theirs is left. That is a lower bound:
what was written from a manual and is used by nobody else is taken out as well. Judged strictly, documented
words vouch for nothing.
"""
import collections
import glob
import hashlib
import json
import os
import re
import subprocess
import tempfile

NEVER = "(?!)"
ROUNDS_MAX = 12
# Names of makes that say the same words.
SAME = {"gmail": "google", "googlegroups": "google", "googleworkspace": "google", "gsuite": "google",
        "aol": "yahoo", "yahooinc": "yahoo", "verizon": "yahoo", "kddi": "au", "ezweb": "au",
        "exchange2003": "microsoft", "exchange2007": "microsoft", "office365": "microsoft", "outlook": "microsoft",
        "v5sendmail": "sendmail", "amazonworkmail": "amazonses", "receivingses": "amazonses"}


def make_of(name):
    """The make or provider a mail of the corpora is named after; the name itself where it is not."""
    m = re.fullmatch(r"(?:.*/)?(?:lhost|rhost)-([a-z0-9]+?)-\d+\.eml", name)
    return SAME.get(m.group(1), m.group(1)) if m else name


def fold_of(name, how):
    """`how`: "make", or a number of folds."""
    if how == "make":
        return make_of(name)
    return str(int(hashlib.md5(("fold " + name).encode()).hexdigest(), 16) % int(how))


class Pattern:
    """One expression with its alternatives: spans of its text, counted from the outer to the inner."""

    def __init__(self, text):
        self.text, self.spans = text, []
        self.traced = re.compile(self._emit(0, len(text), trace=True)[0].encode(), re.IGNORECASE)

    def used(self, subject):
        """The spans that took part in a match."""
        m = self.traced.search(subject.encode())
        return {s for i, s in self.spans if m.group(i) is not None} if m else None

    def without(self, spans):
        return self._emit(0, len(self.text), spans=spans)[0]

    def _emit(self, start, end, trace=False, spans=frozenset(), count=None):
        """The text from `start` to `end`, every alternative in a group of its own, or without `spans`."""
        count = count if count is not None else [0]
        bars, depth, at = [], 0, start
        while at < end:
            at, depth, is_bar = self._step(at, depth)
            if is_bar and depth == 0:
                bars.append(at - 1)
        edges = [start, *[b + 1 for b in bars], end + 1]
        is_choice = bool(bars) or (start == 0 and end == len(self.text))
        out = []
        for a, b in zip(edges, edges[1:]):
            span = (a, b - 1)
            if span in spans and is_choice:
                out.append(NEVER)
                continue
            if trace and is_choice:
                count[0] += 1
                self.spans.append((count[0], span))
            inner = self._inner(*span, trace, spans, count)
            out.append(f"({inner})" if trace and is_choice else inner)
        return "|".join(out), count

    def _inner(self, start, end, trace, spans, count):
        out, at = [], start
        while at < end:
            head = re.compile(r"\((\?(:|<?[=!]))?").match(self.text, at)
            if not head:
                step, _, _ = self._step(at, 0)
                out.append(self.text[at:step])
                at = step
                continue
            close = self._close(at)
            out.append(head.group())
            if head.group() in ("(", "(?:"):
                count[0] += head.group() == "("
                out.append(self._emit(head.end(), close, trace, spans, count)[0])
            else: # what looks ahead stays as it is
                out.append(self.text[head.end():close])
                count[0] += len(re.findall(r"(?<!\\)\((?!\?)", self.text[head.end():close]))
            out.append(")")
            at = close + 1
        return "".join(out)

    def _close(self, at):
        at, depth, _ = self._step(at, 0)
        while depth:
            at, depth, _ = self._step(at, depth)
        return at - 1

    def _step(self, at, depth):
        """Past one letter, escape or class: where, how deep, and whether it was a bar."""
        c = self.text[at]
        if c == "\\":
            return at + 2, depth, False
        if c == "[":
            end = at + 1
            end += self.text[end] == "^"
            end += self.text[end] == "]"
            while self.text[end] != "]":
                end += 2 if self.text[end] == "\\" else 1
            return end + 1, depth, False
        return at + 1, depth + (c == "(") - (c == ")"), c == "|"


class RuleFile:
    """conf/bounces.yaml, whose patterns are the quoted texts of its lists."""

    QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"")

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().split("\n")
        self.patterns = {} # (line, number on it) -> Pattern
        for n, line in enumerate(self.lines, 1):
            if re.match(r"\s+match: \[|\s+- ['\"]", line):
                for k, m in enumerate(self.QUOTED.finditer(line)):
                    self.patterns[n, k] = Pattern(self.plain(m))

    @staticmethod
    def plain(m):
        return m[1].replace("''", "'") if m[1] is not None else re.sub(r"\\(.)", r"\1", m[2])

    def used(self, place, seen):
        """What decided: {(line, number, span)} at "FILE:LINE"."""
        line = int(place.rpartition(":")[2])
        for (n, k), pattern in self.patterns.items():
            spans = pattern.used(seen) if n == line else None
            if spans is not None:
                return {(n, k, s) for s in spans}
        return set()

    def without(self, parts):
        """The file's text without those parts."""
        gone = collections.defaultdict(set)
        for line, k, span in parts:
            gone[line, k].add(span)
        out = list(self.lines)
        for line in {n for n, _ in gone}:
            numbers = iter(range(1000))
            out[line - 1] = self.QUOTED.sub(lambda m: self._again(line, next(numbers), gone, m), out[line - 1])
        return "\n".join(out)

    def _again(self, line, k, gone, m):
        spans = gone.get((line, k))
        return "'" + self.patterns[line, k].without(spans).replace("'", "''") + "'" if spans else m.group()


class Program:
    """hayauma with its own rules."""

    def __init__(self, path):
        self.path = path

    def _lines(self, args, text=None):
        run = subprocess.run([self.path, *args], input=text, capture_output=True, check=False)
        if run.returncode < 0:
            raise SystemExit(f"corpora: hayauma died of signal {-run.returncode}")
        return [json.loads(line) for line in run.stdout.decode("utf-8").splitlines()]

    def parse(self, paths, *options):
        found = []
        for start in range(0, len(paths), 500):
            found += self._lines(["bounce", "parse", *options, "--", *paths[start:start + 500]])
        return found

    def classify(self, lines, *options):
        return self._lines(["reply", "classify", *options], ("\n".join(lines) + "\n").encode())


class Withheld(Program):
    """Answers for each mail and reply by rules that something else vouches for.

    `how`: see fold_of; `is_strict`: documented words vouch for nothing. `mails`: path -> name; `replies`:
    line -> name; a name tells the fold."""

    def __init__(self, path, root, how, is_strict, mails, replies):
        super().__init__(path)
        self.rules = RuleFile(os.path.join(root, "conf/bounces.yaml"))
        self.mails = {p: fold_of(name, how) for p, name in mails.items()}
        self.replies = {line: fold_of(name, how) for line, name in replies.items()}
        self.vouchers = collections.defaultdict(set) # part -> folds
        self.removed, self.answers = {}, {}
        if not is_strict:
            self._vouch_documented(os.path.join(root, "tests/unit/bounce/data"))
        found = super().parse(list(self.mails), "--explain")
        self._vouch(found, [self.mails[f["file"]] for f in found])
        self._vouch(super().classify(list(self.replies), "--explain"), list(self.replies.values()))

    def _vouch_documented(self, data):
        for path in sorted(glob.glob(os.path.join(data, "replies*.tsv"))):
            with open(path, encoding="utf-8") as f:
                words = [line.rstrip("\n").split("\t")[2] for line in f if not line.startswith("#")]
            self._vouch(super().classify(words, "--explain"), ["documented"] * len(words))
        for path in sorted(glob.glob(os.path.join(data, "*.mbox"))):
            makes = super().parse([path], "--explain")
            self._vouch(makes, ["documented"] * len(makes))

    def _parts(self, answer):
        return self.rules.used(answer["rule"], answer["seen"] or "") if answer["rule"] else set()

    def _vouch(self, answers, folds):
        for answer, fold in zip(answers, folds):
            for part in self._parts(answer):
                self.vouchers[part].add(fold)

    def _answer(self, fold):
        """Reads what is in the fold until all that decides is vouched for from outside."""
        paths = [p for p, f in self.mails.items() if f == fold]
        lines = [line for line, f in self.replies.items() if f == fold]
        gone = set()
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "hayauma.yaml")
            rules = os.path.join(folder, "rules.yaml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(f"paths:\n  bounces: [{rules}]\n")
            for _ in range(ROUNDS_MAX):
                with open(rules, "w", encoding="utf-8") as f:
                    f.write(self.rules.without(gone))
                options = ["--explain", "--config", config]
                found = Program.parse(self, paths, *options) if paths else []
                told = Program.classify(self, lines, *options) if lines else []
                more = {part for a in found + told for part in self._parts(a)
                        if self.vouchers[part] <= {fold}} - gone
                if not more:
                    break
                gone |= more
        self.removed[fold] = gone
        for f in found:
            self.answers.setdefault(f["file"], []).append(f)
        self.answers.update(zip(lines, told))

    def _ready(self, keys, folds):
        for fold in sorted({folds[k] for k in keys} - set(self.removed)):
            self._answer(fold)

    def parse(self, paths, *options):
        if not set(paths) <= set(self.mails):
            return super().parse(paths, *options)
        self._ready(paths, self.mails)
        return [f for p in paths for f in self.answers.get(p, [])]

    def classify(self, lines, *options):
        self._ready(lines, self.replies)
        return [self.answers[line] for line in lines]
