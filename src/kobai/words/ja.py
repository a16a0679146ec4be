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
    "rule.finite": "有限の数",
    "kind.layout": "軸の並び",
    "initializer.constant": "すべての重みを同じ値にします。対称性で層が働かなくなることを示します",
    "initializer.normal": "標準偏差を指定する正規分布です",
    "initializer.uniform": "標準偏差を指定する一様分布です",
    "initializer.xavier": "正規分布、σ = √(2/(n₁+n₂))。シグモイドと tanh 向けです (Glorot)",
    "initializer.xavier_uniform": "xavier と同じ分散の一様分布です",
    "initializer.he": "正規分布、σ = √(2/n₁)。ReLU 向けです (Kaiming)",
    "initializer.he_uniform": "he と同じ分散の一様分布です",
    "initializer.lecun": "正規分布、σ = √(1/n₁)。線形の層が分散を保ちます",
    "initializer.lecun_uniform": "lecun と同じ分散の一様分布です",
    "initializer.orthogonal": "正規直交する列に倍率を掛けます。長さが保たれます",
    "error.initializer.value": "初期値 '{name}' は値を取りませんが、'{value}' が渡されました。'{name}' と書いてください",
    "error.fans": "形 {shape} の重み配列では n₁ と n₂ が定まりません。2次元以上の配列が必要です",
    "error.layout": "layout: 関数は正の数の組 (fan_in, fan_out) を返さなければなりませんが、"
    "形 {shape} に対して {value} を返しました",
    "error.orthogonal.axis": "orthogonal: 形 {shape} のどの軸が出力の数なのか分かりません。"
    "layout に 'in_out' か 'out_in' を指定してください",
    "error.seed": "シードは0以上の整数でなければなりませんが、{value} が渡されました",
    "error.probe.widths": "probe: widths は1以上の整数を2つ以上、入力の数から順に並べたもので"
    "なければなりませんが、{value} が渡されました",
    "error.probe.inputs": "probe: inputs は1以上の例の数か配列 [例, {features}] (widths の先頭が {features}) で"
    "なければなりませんが、{value} が渡されました",
    "probe.title.network": "{initializer}: {activation} {layers}層、入力{examples}例、シード {seed}",
    "probe.title.task": "{initializer}: {task} の初期状態、{examples}例の損失 {loss}、シード {seed}",
    "probe.column.layer": "層",
    "probe.column.nodes": "ノード",
    "probe.column.activation_mean": "平均",
    "probe.column.activation_std": "標準偏差",
    "probe.column.saturated": "飽和",
    "probe.column.gradient_std": "勾配の標準偏差",
    "probe.column.weight_gradient_std": "重みの勾配",
    "probe.column.array": "配列",
    "probe.column.shape": "形",
    "probe.column.weight_std": "標準偏差",
    "probe.column.zero_gradients": "勾配が0",
    "probe.column.not_finite": "非有限",
    "probe.row.layer": "第{value}層",
    "probe.row.array": "{value}",
    "probe.panel.activations": "活性化",
    "probe.panel.gradients": "勾配",
    "probe.panel.weights": "重み",
    "probe.note.tanh": "飽和: 活性化が ±0.95 の外にある割合です",
    "probe.note.sigmoid": "飽和: 活性化が0か1から0.05以内にある割合です",
    "probe.note.relu": "飽和: 活性化がちょうど0である割合です",
    "probe.note.task": "勾配が0: 勾配がちょうど0である割合です",
    "probe.note.not_finite": "非有限: 無限大または非数の割合です。ほかの列の計算からは除いています",
    # statistics
    "error.unpaired": "{count} 本の実行は基準の {expected} 本と対にできません。"
    "すべての候補を同じシードで実行してください",
    "error.unrestricted": "ここでは目標到達までのステップ数は有限でなければなりません。"
    "到達しなかった実行は先に予算に置き換えてください (restricted)",
    "error.auto_target": "調整で指標が改善しなかったため (開始時 {start}、最良の中央値 {best})、"
    "目標を決められません。"
    "'target' で目標を指定するか、学習率の範囲を広げてください",
    "kind.reference": "基準",
}
