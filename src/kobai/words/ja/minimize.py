"""Minimizers: names, ends with their remedies, mistakes."""

WORDS: dict[str, str] = {
    "kind.minimizer": "最小化手法",
    "minimizer.newton": "ヘッセ行列で解く：反復はごくわずか、記憶は n² 個の数",
    "minimizer.newton_cg": "行列を作らないニュートン法：ヘッセ行列とベクトルの積だけを使う",
    "minimizer.conjugate_gradient": "直前の方向だけを覚える：変数がとても多い問題向け",
    "minimizer.bfgs": "ヘッセ行列の逆を進みながら学ぶ：既定の手法、記憶は n² 個の数",
    "minimizer.lbfgs": "直近 10 ステップだけの BFGS：変数の多い問題向け",
    "minimizer.coordinate_descent": "座標（またはブロック）を一つずつ動かす",
    # ends
    "status.converged": "収束しました：勾配の成分はどれも {norm} 以下です",
    "status.small_step": "丸め誤差（または関数のノイズ）のため、これ以上進めません。勾配の最大成分はまだ {norm} です。"
    "gtol を緩めるか、float64 で計算するか、変数の大きさをそろえ、関数に折れ目がないかを確かめてください",
    "status.iteration_limit": "max_steps または max_evaluations により {steps} ステップで止まりました。"
    "勾配の最大成分は {norm} です。上限を増やすか、ここから再開してください",
    "status.line_search_failed": "降下方向に進んでも十分に小さい値が見つかりませんでした。勾配の最大成分は {norm} です。"
    "関数に跳びや折れ目がないか、勾配が正しいかを確かめてください",
    "status.nonfinite_start": "x0 で関数または勾配が有限ではありません。別の点から始めてください",
    "status.unbounded": "関数は際限なく小さくなります。下限を設ける（罰則や制約を加える）か、符号を確かめてください",
    "caution.downhill": "。ただし、ここから関数は下に曲がっています。極小ではなく、極大か鞍点です。別の点から始めてください",
    "caution.flat": "。ただし、曲率に比べて勾配は小さくありません。関数がここで平らになっているだけで、最小点は遠くか、（完全に分離できるデータのように）無限遠にあるかもしれません。gtol を小さくするか、罰則を加えてください",
    "caution.stand_in": "。変数が多く BFGS（標準）の行列は大きすぎるため、L-BFGS を使いました",
    # mistakes
    "error.minimize.gtol": "minimize: gtol は 0 以上の有限な数でなければなりません（受け取った値: {value}）",
    "error.minimize.fun": "minimize: fun は関数でなければなりません（受け取った値: {value}）",
    "error.minimize.method": "minimize: method は kobai.BFGS() のような最小化手法か、その名前でなければなりません"
    "（受け取った値: {value}）",
    "error.minimize.memory": "{name} は変数 {size} 個に対して {numbers} 個の数を覚えることになり、多すぎます。行列の要らない kobai.LBFGS() か kobai.NewtonCG() を使うか、同時に解く数（chunk）を減らしてください",
    "error.minimize.path": "minimize: keep_path では {size} 個の数からなる点を {rows} 個残すことになり、多すぎます。max_steps を小さくするか、経路を残さないでください",
    "error.minimize.dtype": "{name} に入れられるのは float32 か float64 の数だけです（受け取った値: {value}）。"
    "変換するか、args で関数に渡してください",
    "error.minimize.args": "args に入れられるのは配列と数だけです（受け取った値: {value}）。それ以外は関数の中に書いてください",
    "error.minimize.empty": "{name} に数がひとつもなく、動かすものがありません",
    "error.minimize.traced": "{name} は JAX がトレース中の値です。jit や vmap の中では "
    "kobai.minimizers.solve.solve を使ってください",
    "error.minimize.traced_closure": "fun は、外側で JAX がトレース中の値を使っています。jit や vmap の外で引数（args）として"
    "渡すか、その中では kobai.minimizers.solve.solve を使ってください",
    "error.minimize.scalar": "fun は実数をひとつ（浮動小数点の JAX スカラー）返さなければなりません"
    "（受け取った値: {value}）。和か平均にしてください",
    "error.minimize.traceable": "fun を JAX でトレースできません（{value}）。jax.numpy で書き、NumPy の関数や、"
    "値による if を使わないでください",
    "error.minimize.descent": "{owner}: decrease と curvature は 0 < decrease < curvature < 1 かつ decrease < 1/2 "
    "でなければなりません（受け取った値: {decrease} と {curvature}）",
    "kind.formula": "公式",
    # maximum likelihood
    "error.likelihood.range": "fit_normal: このデータの分散は大きすぎるか小さすぎて、数として表せません（受け取った値: {value}）。別の単位で測ってください",
    "error.likelihood.scale": "maximum_likelihood: scale は 0 より大きい有限な数でなければなりません（受け取った値: {value}）",
    "error.likelihood.scale.shape": "maximum_likelihood: scale は start と同じ形の数のツリーでなければなりません（受け取った値: {value}）",
    # Newton's methods, coordinate descent, minimize_many
    "error.minimize.starts": "minimize_many: starts の各配列の先頭の軸は、出発点の数として一致していなければなりません。受け取った形は {value} です",
    "error.minimize.same": "minimize_many: same は 0 以上の数でなければなりません。受け取った値は {value} です",
    "error.minimize.best": "Solutions.best: どの出発点でも関数が有限ではありません。別の出発点を選んでください",
    "error.newton.keep": "Newton: keep は 0 以上 1 未満の数でなければなりません。受け取った値は {value} です",
    "error.newton.largest": "Newton には {size} × {size} 個の数からなるヘッセ行列が必要で、変数が {largest} 個を超えると実行しません。行列の要らない newton_cg(kobai.NewtonCG)を使うか、newton.largest を大きくしてください",
    "error.linear.product": "linear_conjugate_gradient: A との積、または b に有限でない数があります（{steps} ステップ後）。両方と、A が正定値であることを確認してください",
    "error.seed.range": "{name} は 0 から {most} までの整数でなければなりません。受け取った値は {value} です",
    "kind.order": "順序",
}
