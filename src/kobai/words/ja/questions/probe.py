"""`probe`: its table, its figure and its mistakes."""

WORDS: dict[str, str] = {
    # mistakes
    "error.probe.widths": "probe: widthsは1以上の整数を2つ以上、入力の数から順に並べたもので"
    "なければなりませんが、{value}が渡されました",
    "error.probe.inputs": "probe: inputsは1以上のデータの件数か配列[件数, {features}]"
    "（widthsの先頭が{features}）でなければなりませんが、{value}が渡されました",
    # the table and the figure
    "probe.title.network": "{initializer}: {activation} {layers}層、入力{examples}件、シード{seed}",
    "probe.title.task": "{initializer}: {task}の初期状態、{examples}件の損失{loss}、シード{seed}",
    "probe.percent": "{value:.1f}%",
    "probe.column.layer": "層",
    "probe.column.nodes": "ノード",
    "probe.column.activation_mean": "平均",
    "probe.column.activation_std": "標準偏差",
    "probe.column.saturated": "飽和",
    "probe.column.gradient_std": "勾配",
    "probe.column.weight_gradient_std": "重みの勾配",
    "probe.column.array": "配列",
    "probe.column.shape": "形",
    "probe.column.weight_std": "値",
    "probe.column.zero_gradients": "勾配が0",
    "probe.column.not_finite": "非有限",
    "probe.row.layer": "第{value}層",
    "probe.row.array": "{value}",
    "probe.panel.activations": "活性化",
    "probe.panel.gradients": "勾配",
    "probe.panel.weights": "値",
    "probe.note.tanh": "飽和: 活性化が±0.95の外にある割合です",
    "probe.note.sigmoid": "飽和: 活性化が0か1から0.05以内にある割合です",
    "probe.note.relu": "飽和: 活性化がちょうど0である割合です",
    "probe.note.std.layer": "勾配（ノードごと）、重みの勾配: 標準偏差です",
    "probe.note.std.array": "値、勾配: 標準偏差です",
    "probe.note.task": "勾配が0: 勾配がちょうど0である割合です",
    "probe.note.not_finite": "非有限: 無限大またはNaNの割合です。ほかの列の計算からは除いています",
    "report.histograms.title": "値の分布",
    "report.histograms.caption": "表の1行ごとに、パネルが1段あります。有限でない値は除いてあります。",
}
