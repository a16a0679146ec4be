"""The built-in tasks and their networks, maximum likelihood, transfer."""

WORDS = {
    # networks and tasks
    "kind.cell": "再帰セル",
    "kind.model": "モデル",
    "kind.batch_norm": "バッチ正規化の位置",
    "task.digits-cnn": "同じ手書き数字を畳み込みで分類します。正解率",
    "task.mnist1d": "MNIST-1D: 40点の曲線を10クラスに分類します。正解率",
    "task.adding": "長い系列の中で印の付いた二つの数を、再帰型ネットワークで足します。二乗誤差",
    "task.copy": "見た記号を、間を置いてから再帰型ネットワークでもう一度言います。正解率",
    "error.task.settings": "課題 {task}: 名前の後のオプションは {task}:name=value,name=value の形で書いてください。渡されたもの: '{value}'",
    "error.recurrent.hidden": "再帰型ネットワークの隠れ層は一つです。"
    "hidden には一つの整数を指定してください。渡されたもの: {value}",
    "error.recurrent.batch_norm": "再帰型ネットワークでは batch_norm を off にしてください。"
    "統計量が位置ごとに異なるためです。渡されたもの: {value}",
    "error.mnist1d.logistic": "モデル logistic に隠れ層はありませんが、hidden {value} が渡されました。"
    "指定をやめるか、モデル mlp を選んでください",
    "error.adding.length": "adding: length は2以上の整数でなければなりませんが、{value} が渡されました",
    "error.copy.length": "copy: length は0以上の整数でなければなりませんが、{value} が渡されました",
    "error.copy.symbols": "copy: symbols は2以上の整数でなければなりませんが、{value} が渡されました",
    # long-term dependence
    "error.memory.radius": "memory: スペクトル半径は0以上の有限の数でなければなりませんが、{value} が渡されました",
    "memory.title": "{cell} の ‖∂h_T/∂h_t‖ ({activation}、ノード数 {nodes}、{length} ステップ)",
    "memory.steps_back": "遡るステップ数",
    "memory.note": "ρ: スペクトル半径。ノルムが1よりはるかに小さければ消失、大きければ爆発です",
    # maximum likelihood and surrogates
    "error.likelihood.data": "data には有限の数のリストを渡してください。渡されたもの: {value}",
    "error.likelihood.equal": "fit_normal には、すべて等しくはない二つ以上の数が必要ですが、{value} が渡されました。"
    "等しい数ばかりでは、分散を小さくするほど尤度が限りなく大きくなります",
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
}
