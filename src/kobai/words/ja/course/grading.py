"""What a teacher's tools say: what became of a notebook, the class page, the feedback of a learner, slides."""

WORDS = {
    "course.verdict.below": "{sentence}\nこの答えは確認セルより下(「{line}」で始まるセル)にあります。確認セルはその前に実行されるので、この答えを見つけられません。確認セルの上に移してください",
    "course.verdict.setup_failed": "実行できません: この演習に必要な前のセルが{kind}で止まりました: {problem}\nこの行です: {line}",
    "course.verdict.setup_stopped": "実行できません: この演習に必要な前のセルが{seconds}秒たっても終わりません。「{cell}」で始まるセルです",
    "course.verdict.setup_crashed": "実行できません: この演習に必要な前のセルがプログラム全体を終わらせました({how})。「{cell}」で始まるセルです",
    "course.verdict.changed": "採点していません: ノートブックの実行中に、採点に使うファイル{how}が書き換えられました。このノートブックとそれ以降のものを確かめ、kobaiをインストールし直して、コンテナーの中で採点してください",
    "course.unreadable.answers": "採点していません: 受講者のノートブックの代わりに、講座の解答ノートブックが提出されています",
    "error.course.folders": "{path}にはノートブックがなく、その中のフォルダー({names})にあります。{first}のように、どれか1つを指定してください",
}
