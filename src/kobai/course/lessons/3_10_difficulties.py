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

# %% [markdown] tags=["ja"]
# # 3-10 ネットワークの最適化の難しさ
#
# **この時間で身につけること**
#
# - 鞍点・プラトー・崖が更新則をどう困らせるかを、小さな関数の上で見分けられる
# - 勾配クリッピングを実装し、崖の手前で効かせられる
# - 長期依存性による勾配消失と勾配爆発を、数で説明できる
#
# | 内容 | 目安 |
# |---|---|
# | 鞍点とプラトー | 8分 |
# | 崖と勾配クリッピング | 14分 |
# | 長期依存性 | 10分 |
# | 局所構造と全体構造 | 10分 |

# %% [markdown] tags=["en"]
# # 3-10 What makes networks hard to optimise
#
# **What you will be able to do**
#
# - tell, on small functions, how saddles, plateaus and cliffs trouble an update rule
# - implement gradient clipping, and use it at a cliff
# - explain in numbers how long-term dependence makes gradients vanish or explode
#
# | part | time |
# |---|---|
# | saddles and plateaus | 8 min |
# | cliffs and gradient clipping | 14 min |
# | long-term dependence | 10 min |
# | local against global structure | 10 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import contour, curves, heat
from kobai.course.network import InPlace

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en


def descend(rule, gradient, start, steps):
    # ja: kobaiの更新則で進んだ経路(steps + 1 点)
    # en: the path of one of kobai's rules, steps + 1 points
    params, optimizer = {"p": np.array(start, float)}, InPlace(rule)
    path = [params["p"].copy()]
    for _ in range(steps):
        optimizer.update(params, {"p": gradient(params["p"])})
        path.append(params["p"].copy())
    return np.array(path)


# %% [markdown] tags=["ja"]
# ## 1. 鞍点とプラトー
#
# $f = x^2 - y^2$ の原点では勾配が0ですが、$y$ の向きには下り坂です。**鞍点は極小点ではありません。**
# 点 $(1, 10^{-6})$ から、学習率0.1で出発します。
#
# **予想**: $|y|$ が1を超えて鞍点から離れるまでに、SGD、Momentum、Adamはそれぞれ何ステップかかるでしょうか。

# %% [markdown] tags=["en"]
# ## 1. Saddles and plateaus
#
# At the origin of $f = x^2 - y^2$ the gradient is zero, yet it goes downhill along $y$. **A saddle is no local
# minimum.** We start at $(1, 10^{-6})$ with learning rate 0.1.
#
# **Predict**: how many steps do SGD, Momentum and Adam need until $|y|$ is 1 and they have left the saddle?

# %%
rules = {
    "SGD": kobai.SGD(learning_rate=0.1),
    "Momentum": kobai.Momentum(learning_rate=0.1),
    "Adam": kobai.Adam(learning_rate=0.1),
}
heights = {}
for name, rule in rules.items():
    path = descend(rule, lambda p: np.array([2 * p[0], -2 * p[1]]), (1, 1e-6), 80)
    heights[name] = np.minimum(np.abs(path[1:, 1]), 10)
    print(f"{name:9} {np.argmax(np.abs(path[:, 1]) >= 1)}")

curves(heights, x="ステップ", y="|y|", title="鞍点から離れるまで", log=True)  # ja
curves(heights, x="step", y="|y|", title="Leaving the saddle", log=True)  # en

# %% [markdown] tags=["ja"]
# SGDの歩幅は勾配に比例するので、ほとんど平らな場所(プラトー)では動けません。損失の曲線だけを見ると、収束したように見えます。
# Adamは $g/\sqrt{v}$ で勾配の大きさを打ち消すので、すぐに離れます。
#
# ## 2. 勾配クリッピング(6分)
#
# 崖では勾配が桁違いに大きくなり(**勾配爆発**)、1回の更新で遠くへ飛ばされます。そこで、**すべての勾配をまとめた**ノルムが
# 閾値を超えたら、向きを変えずに縮めます。
#
# $$\lVert\boldsymbol g\rVert > c \quad\Longrightarrow\quad \boldsymbol g \leftarrow \frac{c}{\lVert\boldsymbol g\rVert}\,\boldsymbol g$$
#
# 名前 → 勾配の辞書 `grads` を受け取り、縮めた勾配の**新しい辞書**を返してください。ノルムは全配列の全要素で計算します。

# %% [markdown] tags=["en"]
# SGD steps in proportion to the gradient, so where it is nearly flat (a plateau) it hardly moves, and the loss looks as if
# it had converged. Adam cancels the size of the gradient by $g/\sqrt{v}$ and leaves at once.
#
# ## 2. Gradient clipping (6 min)
#
# At a cliff the gradient is larger by orders of magnitude (**exploding gradient**), and one update throws you far away. So
# when the norm of *all gradients together* exceeds a threshold, shorten it and keep its direction:
#
# $$\lVert\boldsymbol g\rVert > c \quad\Longrightarrow\quad \boldsymbol g \leftarrow \frac{c}{\lVert\boldsymbol g\rVert}\,\boldsymbol g$$
#
# From the dict `grads`, name → gradient, make a *new* dict of the clipped gradients. The norm is over all entries of all
# arrays.

# %% tags=["exercise"] name="clip"
def clip(grads, threshold):
    ### BEGIN SOLUTION
    norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
    factor = threshold / norm if norm > threshold else 1.0
    return {key: factor * g for key, g in grads.items()}
    ### END SOLUTION


# %% tags=["check"] name="clip"
check("3_10.clip")

# %% [markdown] tags=["ja"]
# 崖のある関数 $f = 0.05\,(x+3)^2 + 10\tanh(20x)$ を、右の0.9から下りてきます。極小点は $x = -3$ です。
# 描けたら、出発点を0.95にも変えてみてください。飛ばされるかどうかは、崖のどこを踏むかという偶然で決まります。

# %% [markdown] tags=["en"]
# Now a cliff: $f = 0.05\,(x+3)^2 + 10\tanh(20x)$, coming down from 0.9 on the right; the minimum
# is at $x = -3$. Then try 0.95: whether you are thrown is an accident of where on the cliff a step lands.


# %%
def cliff(x):
    return 0.05 * (x + 3) ** 2 + 10 * np.tanh(20 * x)


def cliff_slope(x):
    return 0.1 * (x + 3) + 200 / np.cosh(np.clip(20 * x, -300, 300)) ** 2


positions = {}
if done("3_10.clip"):
    for name, threshold in {"c=∞": np.inf, "c=1": 1.0}.items():
        x, found = 0.9, []
        for _ in range(150):
            x = x - 0.2 * clip({"x": np.array([cliff_slope(x)])}, threshold)["x"][0]
            found.append(x)
        positions[name] = found

curves(positions, x="ステップ", y="x", title="崖を下りる: クリッピングなし(c=∞)とあり(c=1)")  # ja
curves(positions, x="step", y="x", title="Down the cliff, without clipping (c=∞) and with it (c=1)")  # en

# %% [markdown] tags=["ja"]
# ## 3. 長期依存性(6分)
#
# 再帰型のネットワーク $h_t = W h_{t-1}$ では、同じ行列を何度も掛けます。勾配 $\partial h_T/\partial h_0 = W^T$(右肩の $T$ は
# 時刻の数です)の大きさは、$W$ の固有値の大きさの最大(スペクトル半径)で決まります。
#
# $W, W^2, \dots, W^T$ それぞれの**スペクトルノルム**(`np.linalg.norm(A, 2)`)のリストを返してください。

# %% [markdown] tags=["en"]
# ## 3. Long-term dependence (6 min)
#
# A recurrent network $h_t = W h_{t-1}$ multiplies by one matrix over and over. The size of the gradient
# $\partial h_T/\partial h_0 = W^T$ (the $T$-th power: $T$ is the number of time steps) is ruled by the largest eigenvalue
# of $W$ in absolute value, its spectral radius.
#
# Return the list of the *spectral norms* (`np.linalg.norm(A, 2)`) of $W, W^2, \dots, W^T$.

# %% tags=["exercise"] name="gradient_norms"
def gradient_norms(W, T):
    ### BEGIN SOLUTION
    power, found = np.eye(len(W)), []
    for _ in range(T):
        power = power @ W
        found.append(np.linalg.norm(power, 2))
    return found
    ### END SOLUTION


# %% tags=["check"] name="gradient_norms"
check("3_10.gradient_norms")

# %%
norms = {}
if done("3_10.gradient_norms"):
    W = np.random.default_rng(0).standard_normal((20, 20))
    W = W / np.abs(np.linalg.eigvals(W)).max()
    norms = {f"ρ={radius}": gradient_norms(radius * W, 50) for radius in (0.8, 1.0, 1.2)}

curves(norms, x="さかのぼる時刻の数", y="勾配のノルム", title="スペクトル半径 ρ と勾配", log=True)  # ja
curves(norms, x="time steps back", y="norm of the gradient", title="Spectral radius ρ and the gradient", log=True)  # en

# %% [markdown] tags=["ja"]
# 半径が1より小さければ勾配は消え、大きければ爆発します。50時刻前の入力の影響は、ちょうど1の近くでしか伝わりません。
#
# ## 4. 局所構造と全体構造: 吸引域(4分)
#
# 非凸な関数では、どの極小点に行き着くかを出発点が決めます。終点の配列 `ends`(`(n, 2)`)と極小点の配列 `minima`(`(k, 2)`)
# から、各終点に**最も近い極小点の番号**の配列を返してください。

# %% [markdown] tags=["en"]
# Below 1 the gradient vanishes, above 1 it explodes. An input 50 steps back makes itself felt only where the radius is
# close to 1.
#
# ## 4. Local against global structure: basins (4 min)
#
# On a function that is not convex the start decides which local minimum you reach. From the end points `ends`, `(n, 2)`,
# and the minima, `(k, 2)`, return for each end the *index of the nearest minimum*.

# %% tags=["exercise"] name="nearest"
def nearest(ends, minima):
    ### BEGIN SOLUTION
    distances = ((ends[:, None] - minima[None]) ** 2).sum(axis=2)
    return distances.argmin(axis=1)
    ### END SOLUTION


# %% tags=["check"] name="nearest"
check("3_10.nearest")

# %%
minima = np.array([[3, 2], [-2.805118, 3.131313], [-3.77931, -3.283186], [3.584428, -1.848127]])


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau_slope(p):
    x, y = p[:, 0], p[:, 1]
    a, b = x**2 + y - 11, x + y**2 - 7
    return np.stack([4 * x * a + 2 * b, 2 * a + 4 * y * b], axis=1)


side = np.linspace(-5, 5, 15)
starts = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
table = []
if done("3_10.nearest"):
    for rule in (kobai.SGD(learning_rate=0.005), kobai.Momentum(learning_rate=0.005), kobai.Adam(learning_rate=0.1)):
        ends = descend(rule, himmelblau_slope, starts, 300)[-1]
        table.append(np.bincount(nearest(ends, minima), minlength=4) / len(starts))

title = "225の出発点が行き着く極小点(割合)"  # ja
title = "Where 225 starts end up (shares)"  # en
heat(table, ["SGD", "Momentum", "Adam"], ["(3, 2)", "(−2.8, 3.1)", "(−3.8, −3.3)", "(3.6, −1.8)"], title=title) if table else None

# %% [markdown] tags=["ja"]
# 同じ出発点でも、手法が違えば行き着く先が変わります。どれも局所の坂しか見ていないからです。良い出発点を確実に見つける方法は
# まだありません。実務では、複数のシードで試すのが最も確かです。
#
# **不正確な勾配**も同じ種類の難しさです。目的関数が階段状なら勾配は役に立たず、代理損失関数(3-8節)が要ります。
#
# ## まとめ
#
# - 鞍点とプラトーでは勾配が小さすぎ、崖では大きすぎます。適応的な手法は前者に、クリッピングは後者に効きます。
# - 同じ行列を繰り返し掛けると、勾配は指数関数的に消えるか爆発します。
# - 極小点のどれに着くかは、出発点と手法で決まります。
#
# ### 自己診断
#
# 1. $(3, 4)$ を閾値1でクリッピングすると、いくつになりますか。要素ごとなら、どうなりますか。
# 2. 損失が平らになりました。極小点、鞍点、プラトーをどう見分けますか。
# 3. スペクトル半径0.9で50時刻さかのぼると、勾配はおよそ何倍ですか。
#
# <details><summary>答え</summary>
#
# 1. $(0.6, 0.8)$ です。要素ごとなら $(1, 1)$ で、向きが約8度変わります。
# 2. 勾配のノルムと、ヘッセ行列の固有値の符号を見ます。極小点なら負の固有値がありません。
# 3. $0.9^{50} \approx 0.005$ 倍です。
#
# </details>

# %% [markdown] tags=["en"]
# From one start, different methods end in different places, for all of them see only the slope where they stand. Nobody
# knows how to find a good start for certain. In practice, try several seeds.
#
# **Inexact gradients** are a difficulty of the same kind: where the objective is a staircase its gradient is of no use,
# and a surrogate loss is needed (lesson 3-8).
#
# ## Summary
#
# - At saddles and plateaus gradients are too small, at cliffs too large. Adaptive methods help with the former, clipping
#   with the latter.
# - Multiplying by one matrix over and over makes gradients vanish or explode, exponentially.
# - Start and method decide which of the minima you reach.
#
# ### Test yourself
#
# 1. Clip $(3, 4)$ at threshold 1. And elementwise?
# 2. The loss is level. How do you tell a minimum, a saddle and a plateau apart?
# 3. Spectral radius 0.9, 50 time steps back: by what factor does the gradient change, roughly?
#
# <details><summary>Answers</summary>
#
# 1. $(0.6, 0.8)$; elementwise $(1, 1)$, a direction turned by about 8 degrees.
# 2. By the norm of the gradient, and the signs of the Hessian's eigenvalues: at a minimum none is negative.
# 3. $0.9^{50} \approx 0.005$.
#
# </details>
