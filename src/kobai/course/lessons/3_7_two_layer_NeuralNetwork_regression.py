# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["ja", "slide"]
# # 3-7 2層ネットワークの回帰と初期値
#
# **この時間で身につけること**
#
# - 二乗誤差と、2層tanhネットワークの勾配を書ける
# - 同じ回帰問題を異なる初期値で解き、当てはまりの違いを説明できる
#
# | 内容 | 目安 |
# |---|---|
# | 損失、順伝播、逆伝播 | 20分 |
# | 初期値を変えて解く | 15分 |

# %% [markdown] tags=["en", "slide"]
# # 3-7 Regression with two layers, and its initial values
#
# **What you will be able to do**
#
# - write the squared error, and the gradients of a two-layer tanh network
# - solve one regression problem from different initial values, and explain why the fits differ
#
# | part | time |
# |---|---|
# | loss, forward, backward | 20 min |
# | solving it from different initial values | 15 min |

# %% tags=["slide"]
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves, scatter
from kobai.course.network import InPlace

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

random = np.random.default_rng(0)
x = np.linspace(-3, 3, 100).reshape(-1, 1)
t = np.sin(2 * x) + 0.1 * random.standard_normal(x.shape)
scatter(x, t, {}, across="x", up="t", title="ノイズのある正弦波: 100点")  # ja
scatter(x, t, {}, across="x", up="t", title="A noisy sine: 100 points")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 二乗誤差（5分）
#
# $$L = \frac{1}{N}\sum_{i}\lVert y_i - t_i\rVert^2$$
#
# 予測`y`と正解`t`（どちらも形は`(N, 出力数)`）から、損失と、損失を`y`で微分した勾配の組を返してください。
# 平均をとるのはデータの件数$N$についてだけで、出力数については和のままです。

# %% [markdown] tags=["en", "slide"]
# ## 1. Squared error (5 min)
#
# $$L = \frac{1}{N}\sum_{i}\lVert y_i - t_i\rVert^2$$
#
# From predictions `y` and targets `t`, both of shape `(N, outputs)`, return the pair of the loss and its gradient by `y`.
# The mean $1/N$ is over the examples only.


# %% tags=["exercise"] name="squared_error"
def squared_error(y, t):
    ### BEGIN SOLUTION
    error = y - t
    return (error**2).sum() / len(y), 2 * error / len(y)
    ### END SOLUTION


# %% tags=["check"] name="squared_error"
check("3_7.squared_error")

# %% [markdown] tags=["ja", "slide"]
# ## 2. 順伝播（4分）
#
# $$h = \tanh(xW_1 + b_1), \qquad y = hW_2 + b_2$$
#
# `params`は`"W1"`、`"b1"`、`"W2"`、`"b2"`を持つ辞書です。`(h, y)`を返してください。
# 回帰なので、**出力層に活性化関数はありません**。

# %% [markdown] tags=["en", "slide"]
# ## 2. Forward (4 min)
#
# $$h = \tanh(xW_1 + b_1), \qquad y = hW_2 + b_2$$
#
# `params` is a dict with `"W1"`, `"b1"`, `"W2"`, `"b2"`. Return `(h, y)`. This is regression: **the last layer has no
# activation**.


# %% tags=["exercise"] name="forward"
def forward(params, x):
    ### BEGIN SOLUTION
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h, h @ params["W2"] + params["b2"]
    ### END SOLUTION


# %% tags=["check"] name="forward"
check("3_7.forward")

# %% [markdown] tags=["ja", "slide"]
# ## 3. 逆伝播（8分）
#
# 出力の勾配`dy`、隠れ層の出力`h`、入力`x`から、4つの勾配の辞書（`params`と同じ名前）を返してください。
# $\tanh$の微分は、出力$h$を使って$1 - h^2$と書けます。

# %% [markdown] tags=["en", "slide"]
# ## 3. Backward (8 min)
#
# From the gradient of the outputs `dy`, the hidden outputs `h` and the inputs `x`, return a dict of the four gradients,
# named as `params` is. The derivative of $\tanh$ is $1 - h^2$, written with its output $h$.


# %% tags=["exercise"] name="backward"
def backward(params, x, h, dy):
    ### BEGIN SOLUTION
    da = (dy @ params["W2"].T) * (1 - h**2)
    return {"W1": x.T @ da, "b1": da.sum(axis=0), "W2": h.T @ dy, "b2": dy.sum(axis=0)}
    ### END SOLUTION


# %% tags=["check"] name="backward"
check("3_7.backward")

# %% [markdown] tags=["ja", "slide"]
# ## 4. 初期値を変えて解く
#
# 1 → 20 → 1のネットワークを、データ全体を使ったMomentumで2,000ステップ学習させます。
#
# **予想**: それぞれの初期値で、2,000ステップ後の曲線はどんな形になるでしょうか。
#
# | 初期値 | 予想 |
# |---|---|
# | すべて0 | |
# | すべて0.5 | |
# | 正規分布σ=0.01 | |
# | Xavier | |
# | 正規分布σ=10 | |

# %% [markdown] tags=["en", "slide"]
# ## 4. From different initial values
#
# A network 1 → 20 → 1, trained on all the data for 2,000 steps of Momentum.
#
# **Predict**: which shape has the curve after 2,000 steps, for each initial value?
#
# | initial value | prediction |
# |---|---|
# | all 0 | |
# | all 0.5 | |
# | normal σ=0.01 | |
# | Xavier | |
# | normal σ=10 | |

# %% tags=["slide"]
initial_values = {
    "0": lambda n1, n2, _: np.zeros((n1, n2)),
    "0.5": lambda n1, n2, _: np.full((n1, n2), 0.5),
    "σ=0.01": lambda n1, n2, random: 0.01 * random.standard_normal((n1, n2)),
    "Xavier": lambda n1, n2, random: np.sqrt(2 / (n1 + n2)) * random.standard_normal((n1, n2)),
    "σ=10": lambda n1, n2, random: 10 * random.standard_normal((n1, n2)),
}


def fit(initial, learning_rate=0.02, steps=2000, hidden=20, seed=0):
    # ja: (予測、損失の推移、最後のパラメータ)
    # en: (predictions, losses, final parameters)
    random = np.random.default_rng(seed)
    W1, W2 = initial(1, hidden, random), initial(hidden, 1, random)
    params = {"W1": W1, "b1": np.zeros(hidden), "W2": W2, "b2": np.zeros(1)}
    optimizer, losses = InPlace(kobai.Momentum(learning_rate=learning_rate)), []
    for _ in range(steps):
        h, y = forward(params, x)
        loss, dy = squared_error(y, t)
        optimizer.update(params, backward(params, x, h, dy))
        losses.append(loss)
    return forward(params, x)[1], losses, params


fits, losses = {}, {}
if done("3_7.squared_error") and done("3_7.forward") and done("3_7.backward"):
    for name, initial in initial_values.items():
        fits[name], losses[name], params = fit(initial)
        kinds = len(np.unique(params["W1"].round(6)))
        stuck = (np.abs(forward(params, x)[0]) > 0.95).mean()
        print(f"{name:7} 損失 {losses[name][-1]:.4f}   異なる隠れノード {kinds}   飽和 {stuck:.0%}")  # ja
        print(f"{name:7} loss {losses[name][-1]:.4f}   different hidden nodes {kinds}   saturated {stuck:.0%}")  # en

scatter(x, t, fits, across="x", up="t", title="2,000ステップ後の当てはまり（初期値ごと）")  # ja
scatter(x, t, fits, across="x", up="t", title="Fits after 2,000 steps, by initial value")  # en

# %% tags=["slide"]
curves(losses, x="ステップ", y="損失", title="損失の推移", log=True)  # ja
curves(losses, x="step", y="loss", title="Loss", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# - **0**: 動くのは出力層のバイアスだけです。当てはまりは、データの平均を通る水平な線になります。
# - **0.5**: 20ノードがすべて同じままなので、ほとんど直線に近い、ゆるいS字が1本だけです。1ノードのネットワークと変わりません。
# - **σ=0.01**: 20ノードは互いに違うのに、当てはまりは「すべて0.5」とほとんど同じです。小さな重みは、はじめのうち全ノードで
#   同じ向きに成長し、1ノードのようにふるまうからです。ノードどうしの違いが広がるまで、損失は平らなまま（プラトー）です。
# - **Xavier**: 損失が順調に下がり、正弦波の形になります。
# - **σ=10**: 隠れ層の出力の86%が飽和し、そこでは$W_1$に勾配が届きません。出力層と、原点の近くで急に折れ曲がるノードだけで
#   当てはめるので、原点のまわりで曲線がぎざぎざになります。損失が小さくても、**点と点の間の形**を見てください。

# %% [markdown] tags=["en", "result", "slide"]
# - **0**: only the bias of the last layer moves. The fit is a level line through the mean of the data.
# - **0.5**: all 20 nodes stay equal: a single S, nearly straight, the fit of a network with one node.
# - **σ=0.01**: its 20 nodes differ, and yet the fit is almost that of "all 0.5". Small weights all grow in the same
#   direction first, and act as one node. Until their differences have grown, the loss stays level (a plateau).
# - **Xavier**: its loss falls steadily, and the fit takes the shape of the sine.
# - **σ=10**: 86 % of the hidden outputs are saturated, and no gradient reaches $W_1$ through them. It fits with the last
#   layer, and with nodes that bend sharply near the origin: there the curve is jagged. Even where its loss is small, look at its
#   *shape between the points*.

# %% [markdown] tags=["ja"]
# ## 5. 自分で試す
#
# 次の中から1つ選び、`fit`の引数を変えて確かめましょう（10分）。
#
# 1. シードを変えても、順位は同じでしょうか（`seed=1, 2, 3`）。
# 2. σ=0.01は、`steps`を増やせばXavierに追いつくでしょうか。
# 3. σ=10に合う学習率はあるでしょうか（`learning_rate=0.0001`から）。

# %% [markdown] tags=["en"]
# ## 5. Your turn
#
# Choose one, change the arguments of `fit`, and find out (10 min).
#
# 1. Does the ranking stay with other seeds (`seed=1, 2, 3`)?
# 2. Does σ=0.01 catch up with Xavier, given more `steps`?
# 3. Is there a learning rate that suits σ=10 (try from `learning_rate=0.0001`)?

# %%
if done("3_7.squared_error") and done("3_7.forward") and done("3_7.backward"):
    for seed in (0, 1, 2):
        print(
            seed,
            {name: round(float(fit(initial_values[name], steps=500, seed=seed)[1][-1]), 3) for name in fits},
        )

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 回帰でも分類でも、初期値がすべて同じなら1ノード分の働きしかできません。小さすぎれば出だしで停滞し、大きすぎれば飽和します。
# - 最後の損失だけでなく、損失の推移と、当てはめた関数の形も見ます。
# - 入力が1次元のとき、ノードの「折れ曲がる場所」は$-b/w$です。$b = 0$から始めると、はじめは全ノードが$x = 0$で曲がります。
#   初期値を工夫する余地は、重みの標準偏差のほかにもあります。
#
# ### 自己診断
#
# 1. 損失の平均を出力数についてもとると（$1/(N \cdot \text{出力数})$）、学習の何が変わりますか。
# 2. 「すべて0.5」と同じ当てはまりを、隠れ層が1ノードのネットワークで再現するには、重みをどうすればよいですか。
# 3. 損失がしばらく平らなとき、「収束した」と判断してよいでしょうか。
#
# <details><summary>答え</summary>
#
# 1. 勾配が出力数分の1になり、実質的な学習率が小さくなります。最小となるパラメータは変わりません。
# 2. 20個の等しいノードの和なので、$W_2$を20個分の和にします。
# 3. いけません。プラトーかもしれません。勾配の大きさを見て、もう少し待つか、学習率や初期値を変えて確かめます。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - In regression as in classification: equal values do the work of one node, too small ones stall at the start, too large
#   ones saturate.
# - Look not only at the final loss but at the way there, and at the shape of the fitted function.
# - With one input, a node bends at $-b/w$. Starting from $b = 0$, all nodes bend at $x = 0$ at first: there is more to
#   initial values than the standard deviation of the weights.
#
# ### Test yourself
#
# 1. Somebody averages the loss over the outputs as well, $1/(N \cdot \text{outputs})$. What changes in training?
# 2. With one hidden node, which weights reproduce the fit of "all 0.5"?
# 3. The loss has been level for a while. Has it converged?
#
# <details><summary>Answers</summary>
#
# 1. The gradient is divided by the number of outputs: in effect a smaller learning rate. The minimum is the same.
# 2. It is a sum of 20 equal nodes: take the sum of their output weights as $W_2$.
# 3. Not necessarily: it may be a plateau. Look at the gradient, wait, or try another rate or initial value.
#
# </details>
