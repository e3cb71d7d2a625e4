"""The words in Japanese of docs/hacking.md are those that people read, and borrowed ones are spelled one way."""
import glob
import re
import sys

SHORT = re.compile(r"(サーバ|ブラウザ|フォルダ|ヘッダ|フィルタ|ユーザ|コンピュータ|カテゴリ)(?![ーリ])|閾値|トラッキング(?!拒否)")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def main(root):
    texts = {path: read(path) for path in [f"{root}/README.ja.md", *glob.glob(f"{root}/src/cli/*.c"), *glob.glob(f"{root}/docs/**/*.ja.md", recursive=True)]}
    section = read(f"{root}/docs/hacking.md").split("## Words in Japanese")[1].split("\nBorrowed")[0]
    cells = [c.strip() for line in section.splitlines() if line.startswith("| ") and "---" not in line for c in line.strip("|").split("|")]
    words = [w for cell in cells[1::2] for w in cell.split("、") if w]
    wrong = [f"nobody says {w}" for w in words if not any(w in t for t in texts.values())]
    wrong += [f"{path}: {m.group()}" for path, t in texts.items() for m in SHORT.finditer(t)]
    if len(words) < 30:
        wrong.append("docs/hacking.md has no table of words")
    print("\n".join(wrong) or f"{len(words)} words, each said as the table has it")
    return 1 if wrong else 0


sys.exit(main(sys.argv[1]))
