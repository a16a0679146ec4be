"""`fit_normal` and `surrogate`: maximum likelihood, and what stands for what is meant."""

WORDS: dict[str, str] = {
    # maximum likelihood
    "error.likelihood.data": "data には有限の数のリストを渡してください。渡されたもの: {value}",
    "error.likelihood.equal": "fit_normal には、すべて等しくはない二つ以上の数が必要ですが、{value} が渡されました。"
    "等しい数ばかりでは、分散を小さくするほど尤度が限りなく大きくなります",
    "error.likelihood.mean": "候補 {name}: 平均は有限の数でなければなりませんが、{value} が渡されました",
    "error.likelihood.candidates": "candidates は名前から (平均, 分散) への dict でなければなりません。指定値は {value} です",
    "error.likelihood.candidate": "候補 {name} は (平均, 分散) の二つの数でなければなりませんが、{value} が渡されました",
    "error.likelihood.variance": "候補 {name}: 分散は正の有限の数でなければなりませんが、{value} が渡されました",
    "likelihood.title": "最尤法による正規分布の当てはめ ({steps} ステップ)",
    "likelihood.column.way": "",
    "likelihood.column.mean": "平均",
    "likelihood.column.variance": "分散",
    "likelihood.column.log_likelihood": "対数尤度",
    "likelihood.minimizer": "最小化法による値",
    "likelihood.closed": "解析解 Σ(x − μ)²/n",
    "likelihood.unbiased": "n の代わりに n − 1 で割る",
    "likelihood.note": "n − 1 で割ると分散は不偏になりますが、最も尤もらしい値とは別の目標です",
    "report.densities.title": "当てはめた分布",
    "report.densities.caption": "表の各行の確率密度です。",
    # surrogates
    "surrogate.title": "一つの分類器の二つの目的関数: 直線上の {points} 点、勾配降下 {steps} ステップ",
    "surrogate.column.objective": "目的関数",
    "surrogate.column.values": "値の種類",
    "surrogate.column.flat": "勾配が0",
    "surrogate.column.start": "誤り (前)",
    "surrogate.column.end": "(後)",
    "surrogate.error_rate": "誤判定率",
    "surrogate.cross_entropy": "交差エントロピー",
    "surrogate.note": "値の種類: 直線上で取る異なる値の数。勾配が0: 直線上の点のうちの割合",
    "surrogate.figure": "直線上の誤判定率と代理損失",
    "surrogate.position": "位置",
    "report.objectives.title": "直線に沿った2つの目的関数",
    "report.objectives.caption": "重みの空間を通る1本の直線に沿った、誤判定率と交差エントロピーの値です。",
}
