"""What bench/run says on the terminal, in Japanese where the locale is Japanese: looked up by the English words.
A literal that is missing here is shown in English; a test finds it."""
import os

JAPANESE = {
    "%d s": "%d 秒",
    "%d min": "%d 分",
    "round %d": "%d 周目",
    "once": "1 回",
    "about %s left": "残り約 %s",
    "FAILED": "失敗",
    "done": "完了",
    "%s messages/s, %s us each": "%s 通/秒、1 通 %s us",
    "Measures hayauma, its floor and its peers on this machine, in one run, and writes docs/benchmarks.md.":
        "hayauma、その下限、比べる相手をこのマシンで一度に測り、docs/benchmarks.md を書きます。",
    "As root, or through sudo: it makes a network and processes of its own. About 35 minutes on two cores;\n"
    "guides: docs/guides/benchmarks.md, docs/guides/benchmarks.ja.md":
        "root または sudo で実行します（専用のネットワークとプロセス空間を作ります）。2 コアで約 35 分。\n"
        "手引き: docs/guides/benchmarks.md、docs/guides/benchmarks.ja.md",
    "B1 B2 ... (all); see --list": "B1 B2 ...（省略時はすべて）。--list を参照",
    "name the workloads": "測れるものの一覧",
    "a look at everything in less than two minutes; its page goes to run/bench": "すべてを 2 分以内で一通り動かす。ページは run/bench に",
    "how often each system runs; medians count (3)": "それぞれを測る回数。中央値を取る (3)",
    "recipients of a campaign (100000)": "配信の宛先数 (100000)",
    "hayauma and the floor alone": "hayauma と下限だけ",
    "the release build to measure (build-release, made if needed)": "測るリリースビルド（build-release、なければ作る）",
    "write the results to this file too": "結果をこのファイルにも書く",
    "put what is measured in its place in docs/benchmarks, where the rest stays": "測った分だけ docs/benchmarks を差し替える",
    "go on where the last run was interrupted, with what it was asked for": "中断した前回の続きを、前回の指定のまま行う",
    "begin nothing that would take longer than so many minutes in all": "全体でこの分数を超えるものは始めない",
    "write the page again from docs/benchmarks/results.json": "docs/benchmarks/results.json からページを書き直す",
    "remove what earlier runs kept (run/bench)": "前回までの作業フォルダー (run/bench) を消す",
    "show this help": "この説明を表示",
    "it must be root who measures: bench/run asks sudo": "測るには root 権限が要ります。bench/run は sudo を使います",
    "this machine does not let root make a network of its own (a container?)":
        "このマシンでは root が専用のネットワークを作れません（コンテナー?）",
    "there is no run to go on with": "続ける実行がありません",
    "what is measured so far is kept: bench/run --resume goes on": "ここまでの結果は残っています。続きは bench/run --resume",
    "the rest, %d of %d runs: the time is up": "残り %d 件（全 %d 件）: 時間切れ",
    "the rest: interrupted": "残り: 中断",
    "the stored results are of other programs or another machine: only what was measured now is on the page":
        "保存済みの結果は別の版か別のマシンのものなので、今回測った分だけをページに載せます",
    "no workload %s; there are %s": "%s というものはありません。あるのは %s",
    "%s is of other programs or another machine (%s): begin anew, without --resume":
        "%s は別の版か別のマシンのものです (%s)。--resume なしで始めからやり直してください",
    "not whole: %s": "未完: %s",
    "not measured, or not all of it: %s": "測っていないもの（一部も含む）: %s",
    "written: %s": "書き出し: %s",
    "goal": "目標",
    "NOT MET": "未達",
    "once, no spread": "1 回だけ",
    "%d rounds: %s": "%d 周: %s",
}


def language(environ=os.environ):
    """"ja" or "en", as the C library chooses the language of messages."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "ja" if environ[name].startswith("ja") else "en"
    return "en"


LANGUAGE = language()


def tr(text):
    return JAPANESE.get(text, text) if LANGUAGE == "ja" else text
