"""Japanese."""

WORDS = {
    # mistakes
    "error.language": "言語 '{value}' はありません。次から選んでください: {known}",
    "error.unknown": "{kind} '{value}' はありません。次から選んでください: {known}",
    "error.unknown.near": "{kind} '{value}' はありません。'{near}' のことですか?",
    "error.range": "{owner}: {name} は{rule}でなければなりませんが、{value} が渡されました",
    "rule.rate": "0以上の有限の数",
    "rule.decay": "0以上1未満の数",
    "rule.epsilon": "0以上の有限の数",
    "kind.optimizer": "最適化手法",
    "kind.initializer": "初期値",
    "kind.task": "課題",
    "kind.field": "項目",
    "kind.activation": "活性化関数",
    "kind.command": "コマンド",
    "kind.option": "オプション",
    # initial values
    # statistics
}
