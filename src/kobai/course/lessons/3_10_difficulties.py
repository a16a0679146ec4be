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
# # 3-10 ネットワークの最適化の難しさ
#
# **この時間で身につけること**
#
# - 鞍点・プラトー・崖で更新則に何が起きるかを、小さな関数の上で見分けられる
# - 勾配クリッピングを実装し、測ったノルムから閾値を決められる
# - 長期依存性による勾配消失と勾配爆発を、数値で説明できる
# - 吸引域の地図を描き、出発点を何個試せばよいかを見積もれる
# - 勾配が不正確なときに、平均や平滑化にどのような効果があるかを測れる
# - うまく進まない学習を、測った証拠から診断し、対策の効果を確かめられる
#
# | 内容 | 目安 |
# |---|---|
# | 鞍点 | 6分 |
# | プラトー | 7分 |
# | 崖と勾配クリッピング | 20分 |
# | 長期依存性 | 9分 |
# | 局所構造と全体構造 | 10分 |
# | 深さの違う極小点、大きなネットワークとミニバッチ | 18分 |
# | 不正確な勾配 | 16分 |
# | 診断: どこが悪いのか | 28分 |

# %% [markdown] tags=["en", "slide"]
# # 3-10 What makes networks hard to optimise
#
# **What you will be able to do**
#
# - tell, on small functions, how saddles, plateaus and cliffs trouble an update rule
# - implement gradient clipping, and choose its threshold from measured norms
# - explain in numbers how long-term dependence makes gradients vanish or explode
# - draw a map of basins of attraction, and estimate how many starts to try
# - measure what averaging and smoothing do where gradients are inexact
# - diagnose a training that does not get on from measured evidence, and confirm a remedy
#
# | part | time |
# |---|---|
# | saddles | 6 min |
# | plateaus | 7 min |
# | cliffs and gradient clipping | 20 min |
# | long-term dependence | 9 min |
# | local against global structure | 10 min |
# | minima of unequal depth; large networks, mini-batches | 18 min |
# | inexact gradients | 16 min |
# | diagnosis: what is wrong? | 28 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import against, curves, histograms, lines, regions
from kobai.course.network import InPlace, Network, normal, standardized
from kobai.course.patient import treatments
from kobai.course.ward import patients
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en


def descend(rule, gradient, start, steps):
    # ja: kobaiの更新則で進んだ経路(steps + 1点)
    # en: the path of one of kobai's rules, steps + 1 points
    params, optimizer = {"p": np.array(start, float)}, InPlace(rule)
    path = [params["p"].copy()]
    for _ in range(steps):
        optimizer.update(params, {"p": gradient(params["p"])})
        path.append(params["p"].copy())
    return np.array(path)


def first(values, level):
    # ja: 初めてlevelを下回ったステップ。なければ "–"
    # en: the first step below the level, or "–"
    below = np.asarray(values) < level
    return int(below.argmax()) if below.any() else "–"


# %% [markdown] tags=["ja", "slide"]
# ## 1. 鞍点
#
# $f = x^2 - y^2$の原点では勾配が0ですが、$y$の向きには下り坂です。**鞍点は極小点ではありません**。
# 点$(1, 10^{-6})$から、学習率0.1で出発します。
#
# **予想**: $|y|$が1を超えて鞍点から離れるまでに、SGD、Momentum、Adamはそれぞれ何ステップかかるでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 1. Saddles
#
# At the origin of $f = x^2 - y^2$ the gradient is zero, yet it goes downhill along $y$. **A saddle is no local
# minimum.** We start at $(1, 10^{-6})$ with learning rate 0.1.
#
# **Predict**: how many steps do SGD, Momentum and Adam need until $|y|$ is 1 and they have left the saddle?

# %% tags=["slide"]
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

# %% [markdown] tags=["ja", "result", "slide"]
# SGDは76ステップ、Momentumは36ステップ、Adamは11ステップで離れます。SGDの歩幅は勾配に比例するので、鞍点のすぐ近くでは
# ほとんど動けません。損失の曲線だけを見ると、収束したように見えます。Adamは$\hat m/\sqrt{\hat v}$で勾配の大きさを打ち消すので、
# すぐに離れます。

# %% [markdown] tags=["en", "result", "slide"]
# SGD leaves after 76 steps, Momentum after 36, Adam after 11. A step of SGD is proportional to the gradient, so close to the
# saddle it hardly moves, and the loss looks as if it had converged. Adam cancels the size of the gradient by
# $\hat m/\sqrt{\hat v}$ and leaves at once.

# %% [markdown] tags=["ja"]
# ## 2. プラトー
#
# 次は、平原の中のくぼみ$f = 1 - e^{-(x^2/4 + y^2)/2}$です。くぼみから遠いと$f$はほぼ1で、傾きがほとんどありません。
# 点$(-6, 1.5)$から、どの手法も学習率0.1で出発し、$f < 0.01$になるまでのステップ数を数えます（最大2,000ステップ）。
# SGDだけは、学習率を1と10にしたものも試します。
#
# **予想**: 速い順に並べてください。学習率を10にすれば、SGDもプラトーを抜けられるでしょうか。

# %% [markdown] tags=["en"]
# ## 2. Plateaus
#
# Next, a hollow in a plain: $f = 1 - e^{-(x^2/4 + y^2)/2}$. Far from the hollow $f$ is nearly 1, and there is hardly a slope.
# All methods start at $(-6, 1.5)$ with learning rate 0.1; we count the steps until $f < 0.01$, 2,000 at most. SGD is also
# tried with learning rates 1 and 10.
#
# **Predict**: put them in order, the fastest first. Does SGD cross the plateau with a learning rate of 10?


# %%
def plateau(x, y):
    return 1 - np.exp(-(x**2 / 4 + y**2) / 2)


def plateau_slope(p):
    x, y = p
    return np.exp(-(x**2 / 4 + y**2) / 2) * np.array([x / 4, y])


start = np.array([-6.0, 1.5])
rules = {
    "SGD η=0.1": kobai.SGD(learning_rate=0.1),
    "SGD η=1": kobai.SGD(learning_rate=1.0),
    "SGD η=10": kobai.SGD(learning_rate=10.0),
    "Momentum η=0.1": kobai.Momentum(learning_rate=0.1),
    "AdaGrad η=0.1": kobai.AdaGrad(learning_rate=0.1),
    "RMSProp η=0.1": kobai.RMSProp(learning_rate=0.1),
    "Adam η=0.1": kobai.Adam(learning_rate=0.1),
}
print(f"|g| = {np.linalg.norm(plateau_slope(start)):.4f}")
values = {}
for name, rule in rules.items():
    path = descend(rule, plateau_slope, start, 2000)
    values[name] = plateau(path[:, 0], path[:, 1])
    print(f"{name:15} {first(values[name], 0.01)}")

curves({name: each[1:301] for name, each in values.items()}, x="ステップ", y="f", title="プラトーを抜けるまで（最初の300ステップ）")  # ja
curves({name: each[1:301] for name, each in values.items()}, x="step", y="f", title="Crossing a plateau (first 300 steps)")  # en

# %% [markdown] tags=["ja", "result"]
# 出発点の勾配の大きさは0.008しかありません。同じ学習率0.1で、RMSPropは40ステップ、Adamは49ステップ、Momentumは134ステップ、
# AdaGradは562ステップ、SGDは1,022ステップかかります。歩幅を自分で決める手法には、勾配の小ささは障害になりません。AdaGradは、
# はじめの歩幅こそ大きいものの、内部状態$\boldsymbol h$が増える一方なので遅くなります。
#
# 学習率を1にすると、SGDも104ステップで到達します。しかし10にすると、くぼみの急なところで飛び出してしまい、2,000ステップでは到達しません。
# **平らな場所に合わせた学習率は、そうでない場所には大きすぎます**。

# %% [markdown] tags=["en", "result"]
# At the start the gradient has a norm of only 0.008. With the same learning rate 0.1 RMSProp takes 40 steps, Adam 49,
# Momentum 134, AdaGrad 562 and SGD 1,022. Small gradients do not hinder a method that sets the length of its steps itself.
# AdaGrad begins with long steps, but its memory $\boldsymbol h$ only grows, and it slows down.
#
# With learning rate 1 SGD arrives, too, after 104 steps. With 10 it is thrown out where the hollow is steep, and does not
# arrive in 2,000. *A learning rate that suits the flat part is too large for the rest.*

# %% [markdown] tags=["ja", "slide"]
# ## 3. 崖と勾配クリッピング
#
# ### 3.1 すべての勾配をまとめて縮める（6分）
#
# 崖では勾配が桁違いに大きくなり（**勾配爆発**）、1回の更新で遠くへ飛ばされます。そこで、**すべての勾配をまとめた**ノルムが
# 閾値を超えたら、向きを変えずに縮めます。
#
# $$\lVert\boldsymbol g\rVert > c \quad\Longrightarrow\quad \boldsymbol g \leftarrow \frac{c}{\lVert\boldsymbol g\rVert}\,\boldsymbol g$$
#
# 名前 → 勾配の辞書`grads`を受け取り、縮めた勾配の**新しい辞書**を返してください。ノルムは全配列の全要素で計算します。

# %% [markdown] tags=["en", "slide"]
# ## 3. Cliffs and gradient clipping
#
# ### 3.1 Shorten all gradients together (6 min)
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
# 崖のある関数$f = 0.05\,(x+3)^2 + 10\tanh(20x)$を、右の0.9から下りてきます。極小点は$x = -3$です。
#
# **予想**: クリッピングなしで崖を踏むと、$x$はどこまで飛ばされるでしょうか。閾値を1にすると、どうなりますか。

# %% [markdown] tags=["en"]
# Now a cliff: $f = 0.05\,(x+3)^2 + 10\tanh(20x)$, coming down from 0.9 on the right; the minimum is at $x = -3$.
#
# **Predict**: how far is $x$ thrown when a step lands on the cliff without clipping? And with threshold 1?


# %% tags=["slide"]
def cliff_slope(x):
    return 0.1 * (x + 3) + 200 / np.cosh(np.clip(20 * x, -300, 300)) ** 2


positions = {}
if done("3_10.clip"):
    for name, threshold in {"c=∞": 1e300, "c=1": 1.0}.items():
        x, found = 0.9, []
        for _ in range(150):
            x = x - 0.2 * clip({"x": np.array([cliff_slope(x)])}, threshold)["x"][0]
            found.append(x)
        positions[name] = found
        print(f"{name:5} 最も遠い点 {min(found):.1f}、150ステップ後 {found[-1]:.2f}")  # ja
        print(f"{name:5} farthest point {min(found):.1f}, after 150 steps {found[-1]:.2f}")  # en

curves(positions, x="ステップ", y="x", title="崖を下りる: クリッピングなし（c=∞）とあり（c=1）")  # ja
curves(positions, x="step", y="x", title="Down the cliff, without clipping (c=∞) and with it (c=1)")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# クリッピングなしでは$x = -39.1$まで飛ばされ、150ステップ後でもまだ戻りきっていません。閾値1では$-3$を行き過ぎません。
# 出発点を0.95に変えて試してください。飛ばされるかどうかは、崖のどこを踏むかという偶然で決まります。

# %% [markdown] tags=["en", "result", "slide"]
# Without clipping it is thrown to $x = -39.1$, and 150 steps are not enough to come back. With threshold 1 it does not go past $-3$. Then try
# 0.95 as the start: whether you are thrown is an accident of where on the cliff a step lands.

# %% [markdown] tags=["ja"]
# ### 3.2 測ったノルムから閾値を決める（4分）
#
# ちょうどよい閾値$c$は、ネットワークによって違います。そこで、学習率を小さくして**しばらく学習させ、勾配のノルムを記録して**、
# その分布から閾値を一度決めて、以後は変えません。ふだんの勾配はそのまま通し、まれに現れる大きな勾配だけを縮めるのがねらいです。
#
# 測ったノルムの列`norms`と割合`share`を受け取り、測ったノルムのうち割合`share`だけが閾値を**超える**ような閾値を返してください
# （`np.quantile`を既定のまま使います）。

# %% [markdown] tags=["en"]
# ### 3.2 Measure once, and choose the threshold (4 min)
#
# Which threshold $c$ is right differs from network to network. So train *for a while with a small learning rate, write down the
# norms of the gradients*, and choose once, from their distribution: the usual gradients should pass as they are, and only the
# rare large ones be shortened.
#
# From the measured `norms` and `share` return the threshold that a share of `share` of the measured norms *exceeds* (use
# `np.quantile` with its defaults).

# %% tags=["exercise"] name="clip_threshold"
def clip_threshold(norms, share):
    ### BEGIN SOLUTION
    return np.quantile(norms, 1 - share)
    ### END SOLUTION


# %% tags=["check"] name="clip_threshold"
check("3_10.clip_threshold")

# %% [markdown] tags=["ja"]
# 初期値が大きすぎて勾配が爆発しやすいネットワーク（64 → 50 → 50 → 50 → 10、標準偏差0.5）に、手書き数字を学習させます。学習率0.001で
# 100ステップのノルムを測り、上位1割が超える値を閾値$c$に決めます。次に、学習率0.1で学習させます。
#
# **予想**: クリッピングなし、$c$、$c/20$では、損失の下がり方はどう違うでしょうか。閾値は、小さいほど安全でしょうか。

# %% [markdown] tags=["en"]
# A network whose initial values are too large, so that its gradients tend to explode (64 → 50 → 50 → 50 → 10, deviation 0.5), learns
# the digits. The norms of 100 steps at learning rate 0.001 give the threshold $c$, which a tenth of them exceeds. Then it is
# trained with learning rate 0.1.
#
# **Predict**: how does the loss fall without clipping, with $c$, and with $c/20$? Is a smaller threshold safer?

# %%
images, labels, part = load()
(x_digits,) = standardized(images[part == 0].astype(float))
t_digits = labels[part == 0]


def learn(learning_rate, threshold=np.inf, steps=150):
    # ja: (各ステップの勾配のノルム、損失の推移)
    # en: (the norm of the gradient at each step, the losses)
    network, random = Network((64, 50, 50, 50, 10), "relu", normal(0.5)), np.random.default_rng(0)
    norms, losses = [], []
    for _ in range(steps):
        chosen = random.choice(len(x_digits), 32, replace=False)
        loss, grads = network.gradient(x_digits[chosen], t_digits[chosen])
        norms.append(np.sqrt(sum((g**2).sum() for g in grads.values())))
        losses.append(loss)
        if np.isfinite(threshold):
            grads = clip(grads, threshold)
        for key in network.params:
            network.params[key] -= learning_rate * grads[key]
    return np.array(norms), losses


measured, falls = {}, {}
if done("3_10.clip") and done("3_10.clip_threshold"):
    norms, _ = learn(0.001, steps=100)
    c = float(clip_threshold(norms, 0.1))
    measured = {"η=0.001": norms}
    print(f"ノルム: 中央値 {np.median(norms):.1f}、最大 {norms.max():.1f}  閾値 c = {c:.1f}")  # ja
    print(f"norms: median {np.median(norms):.1f}, largest {norms.max():.1f}; threshold c = {c:.1f}")  # en
    for name, threshold in {"c=∞": np.inf, "c": c, "c/20": c / 20}.items():
        norms, losses = learn(0.1, threshold)
        falls[name] = np.convolve(losses, np.ones(10) / 10, mode="valid")
        print(f"{name:5} 最大のノルム {norms.max():7.1f}   最後の10ステップの損失 {np.mean(losses[-10:]):.2f}")  # ja
        print(f"{name:5} largest norm {norms.max():7.1f}   loss of the last 10 steps {np.mean(losses[-10:]):.2f}")  # en

histograms(measured, columns=1, bins=30, x="‖g‖", title="100ステップで測った勾配のノルム")  # ja
histograms(measured, columns=1, bins=30, x="‖g‖", title="Norms of the gradient, measured over 100 steps")  # en

# %%
curves(falls, x="ステップ", y="損失（10ステップの平均）", title="閾値と損失（η = 0.1）", log=True)  # ja
curves(falls, x="step", y="loss (mean of 10 steps)", title="Threshold and loss (η = 0.1)", log=True)  # en

# %% [markdown] tags=["ja", "result"]
# 測ったノルムの中央値は44.6、最大は122.1で、上位1割が超える閾値は$c = 63.2$です。クリッピングなしでは、ノルムが240.9に達することもあり、
# 最後の10ステップの損失は0.44です。閾値$c$では0.15まで下がりました。
#
# $c/20$では、ふだんの勾配まで縮めてしまうので進みが遅く、150ステップでは0.60です。**閾値は小さいほど安全、というわけではありません**。
# どのステップでも縮めるなら、学習率を下げたのと変わらないからです。

# %% [markdown] tags=["en", "result"]
# The measured norms have a median of 44.6 and a maximum of 122.1; a tenth of them exceeds $c = 63.2$. Without clipping a norm reaches
# 240.9, and the loss over the last 10 steps is 0.44. With the threshold $c$ it is 0.15.
#
# With $c/20$ the usual gradients are shortened, too, and it is slow: 0.60 after 150 steps. *A smaller threshold is not a safer one*: to
# shorten every step is to lower the learning rate.

# %% [markdown] tags=["ja", "slide"]
# ## 4. 長期依存性（6分）
#
# 再帰型のネットワーク$h_t = W h_{t-1}$では、同じ行列を何度も掛けます。勾配$\partial h_T/\partial h_0 = W^T$（$T$乗。$T$は
# 時刻の数です）の大きさは、$W$の固有値の絶対値の最大（スペクトル半径）で決まります。
#
# $W, W^2, \dots, W^T$それぞれの**スペクトルノルム**(`np.linalg.norm(A, 2)`)のリストを返してください。

# %% [markdown] tags=["en", "slide"]
# ## 4. Long-term dependence (6 min)
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

# %% [markdown] tags=["ja"]
# **予想**: スペクトル半径が0.8、1.0、1.2のとき、50時刻さかのぼると、勾配はそれぞれ何倍になるでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: with spectral radius 0.8, 1.0 and 1.2, by what factor has the gradient changed 50 time steps back?

# %% tags=["slide"]
norms = {}
if done("3_10.gradient_norms"):
    W = np.random.default_rng(0).standard_normal((20, 20))
    W = W / np.abs(np.linalg.eigvals(W)).max()
    norms = {f"ρ={radius}": gradient_norms(radius * W, 50) for radius in (0.8, 1.0, 1.2)}
    for name, found in norms.items():
        print(f"{name}: {found[-1]:.2g}")

curves(norms, x="さかのぼる時刻の数", y="勾配のノルム", title="スペクトル半径ρと勾配", log=True)  # ja
curves(norms, x="time steps back", y="norm of the gradient", title="Spectral radius ρ and the gradient", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 半径0.8では10万分の2ほどになり（**勾配消失**）、1.2では1万倍を超えます（**勾配爆発**）。50時刻前の入力の影響（**長期依存性**）は、
# 半径が1に近いときにしか伝わりません。

# %% [markdown] tags=["en", "result", "slide"]
# With radius 0.8 about two parts in 100,000 are left (**vanishing gradient**), with 1.2 it is more than 10,000 times as
# large (**exploding gradient**). An input 50 steps back (**long-term dependence**) makes itself felt only where the radius
# is close to 1.

# %% [markdown] tags=["ja", "slide"]
# ## 5. 局所構造と全体構造: 吸引域の地図（4分）
#
# 非凸な関数では、どの極小点に行き着くかを出発点が決めます。同じ極小点に行き着く出発点の集まりを**吸引域**といいます。
# 終点の配列`ends`(`(n, 2)`)と極小点の配列`minima`(`(k, 2)`)から、各終点に**最も近い極小点の番号**の配列を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 5. Local against global structure: a map of basins (4 min)
#
# On a function that is not convex the start decides which local minimum you reach. All starts that lead to one minimum are
# its **basin of attraction**. From the end points `ends`, `(n, 2)`, and the minima, `(k, 2)`, return for each end the
# *index of the nearest minimum*.

# %% tags=["exercise"] name="nearest"
def nearest(ends, minima):
    ### BEGIN SOLUTION
    distances = ((ends[:, None] - minima[None]) ** 2).sum(axis=2)
    return distances.argmin(axis=1)
    ### END SOLUTION


# %% tags=["check"] name="nearest"
check("3_10.nearest")

# %% [markdown] tags=["ja"]
# Himmelblauの関数には、$f = 0$の極小点が4つあります。81 × 81の格子のすべての点から出発し、行き着く極小点の色で塗ります。
#
# **予想**: 4色の境界は直線でしょうか。SGDとMomentumで、同じ出発点の行き先が違うのは何割でしょうか。

# %% [markdown] tags=["en"]
# Himmelblau's function has four minima with $f = 0$. From every point of a grid of 81 × 81 we descend, and paint the start
# in the colour of the minimum it reaches.
#
# **Predict**: are the borders of the four colours straight? For what share of the starts do SGD and Momentum end in
# different minima?

# %% tags=["slide"]
minima = np.array([[3, 2], [-2.805118, 3.131313], [-3.77931, -3.283186], [3.584428, -1.848127]])
names = ["(3, 2)", "(−2.8, 3.1)", "(−3.8, −3.3)", "(3.6, −1.8)"]


def himmelblau_slope(p):
    x, y = p[:, 0], p[:, 1]
    a, b = x**2 + y - 11, x + y**2 - 7
    return np.stack([4 * x * a + 2 * b, 2 * a + 4 * y * b], axis=1)


side = np.linspace(-5, 5, 81)
starts = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
rules = {
    "SGD": kobai.SGD(learning_rate=0.005),
    "Momentum": kobai.Momentum(learning_rate=0.005),
    "Adam": kobai.Adam(learning_rate=0.1),
}
maps = {}
if done("3_10.nearest"):
    for name, rule in rules.items():
        found = nearest(descend(rule, himmelblau_slope, starts, 300)[-1], minima).astype(int)
        maps[name] = found.reshape(81, 81)
        shares = np.bincount(found, minlength=4) / len(found)
        differ = (maps[name] != maps["SGD"]).mean()
        print(f"{name:9} 4つの割合 {shares.round(2)}   SGDと行き先が違う出発点 {differ:.0%}")  # ja
        print(f"{name:9} shares of the four {shares.round(2)}   starts that end elsewhere than SGD's {differ:.0%}")  # en

regions(maps, (-5, 5), (-5, 5), names, title="どの出発点が、どの極小点に到達するか")  # ja
regions(maps, (-5, 5), (-5, 5), names, title="Which start leads to which minimum")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 4つの極小点に到達する割合は、どの手法でもおよそ4分の1ずつです。ところが、**同じ出発点**を比べると、SGDとMomentumでは24%、
# SGDとAdamでも7%の出発点で行き先が違います。Momentumの地図では境界が入り組み、隣り合う出発点が別々の極小点に到達します。
# どの手法も、見ているのは足元の坂（**局所構造**）だけだからです。

# %% [markdown] tags=["en", "result", "slide"]
# Whatever the method, about a quarter of the starts reach each of the four. But take *one start at a time*: SGD and
# Momentum disagree on 24 % of them, and even SGD and Adam on 7 %. On Momentum's map the borders are tangled, and
# neighbouring starts end in different minima. All methods see nothing but the slope where they stand, the **local
# structure**.

# %% [markdown] tags=["ja"]
# ## 6. 深さの違う極小点
#
# ### 6.1 何回出発すればよいか（4分）
#
# Himmelblauの4つの極小点は同じ深さなので、どれに到達してもかまいません。困るのは、**深さが違う**ときです。
# 1つの出発点から最も低い極小点に到達する確率が`share`だとします。無作為に選んだ出発点から独立に何回か出発し、
# **少なくとも1回は到達する**確率を`confidence`以上にするには、最低何回出発する必要がありますか。その回数を整数で返してください。
#
# 1回も到達しない確率は$(1 - p)^k$です。

# %% [markdown] tags=["en"]
# ## 6. Minima of unequal depth
#
# ### 6.1 How many starts? (4 min)
#
# Himmelblau's four minima are equally deep, so any will do. The trouble begins where depths *differ*. Say a single start
# leads to the lowest minimum with probability `share`. You start from several random points, independently. How many starts
# does it take, at least, until the probability that *at least one* arrives is `confidence` or more? Return that whole number.
#
# The probability that none arrives is $(1 - p)^k$.

# %% tags=["exercise"] name="starts_needed"
def starts_needed(share, confidence):
    ### BEGIN SOLUTION
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - share)))
    ### END SOLUTION


# %% tags=["check"] name="starts_needed"
check("3_10.starts_needed")

# %% [markdown] tags=["ja"]
# お椀に波を重ねた$f = x^2/20 + y^2 + \frac12(1 - \cos 3x)$で試します。全体は原点へ下る坂（**全体構造**）ですが、途中にくぼみが並んでいます。
# まず`kobai.minimize_many`で極小点をすべて探し、次に、無作為に選んだ2,000の出発点から、それぞれの手法で1,000ステップ進みます。
#
# **予想**: 最も低い極小点（$f = 0$）に到達する割合は、SGD、Momentum、Adam（$\eta = 0.1$と1）のどれが大きいでしょうか。

# %% [markdown] tags=["en"]
# Try it on a bowl with waves, $f = x^2/20 + y^2 + \frac12(1 - \cos 3x)$. As a whole it slopes down to the origin (its **global
# structure**), with hollows on the way. First `kobai.minimize_many` looks for all the minima; then every method makes 1,000
# steps from 2,000 random starts.
#
# **Predict**: which reaches the lowest minimum, $f = 0$, most often: SGD, Momentum, or Adam with $\eta = 0.1$ or 1?


# %%
def waves(p):
    return p[..., 0] ** 2 / 20 + p[..., 1] ** 2 + (1 - np.cos(3 * p[..., 0])) / 2


def waves_slope(p):
    return np.stack([p[..., 0] / 10 + 1.5 * np.sin(3 * p[..., 0]), 2 * p[..., 1]], axis=-1)


starts = np.random.default_rng(1).uniform((-10, -5), (10, 5), (2000, 2))
found = kobai.minimize_many(kobai.landscapes.two_level(), starts[:200])
print("極小点 （x, f, 200の出発点から到達した数）")  # ja
print("minima (x, f, how many of 200 starts lead there)")  # en
for each in found.minima:
    print(f"{each.value[0]:+7.2f} {each.objective:6.2f} {len(each.starts):5}")

rules = {
    "SGD η=0.1": kobai.SGD(learning_rate=0.1),
    "Momentum η=0.1": kobai.Momentum(learning_rate=0.1),
    "Adam η=0.1": kobai.Adam(learning_rate=0.1),
    "Adam η=1": kobai.Adam(learning_rate=1.0),
}
ends = {name: waves(descend(rule, waves_slope, starts, 1000)[-1]) for name, rule in rules.items()}
if done("3_10.starts_needed"):
    for name, values in ends.items():
        share = (values < 0.1).mean()
        print(f"{name:15} 最も低い極小点 {share:.1%}   fの平均 {values.mean():.2f}   95%に必要な出発 {starts_needed(share, 0.95)}")  # ja
        print(f"{name:15} lowest minimum {share:.1%}   mean f {values.mean():.2f}   starts for 95 % {starts_needed(share, 0.95)}")  # en

# %% [markdown] tags=["ja", "result"]
# 極小点は$x \approx 0, \pm 2.05, \pm 4.10, \dots$に11個あり、外側ほど浅く（$f$が大きく）なります。最も低い極小点に到達した割合は、
# SGDと$\eta = 0.1$のAdamでは11%、Momentumでは26%です。Momentumは勢いで、いくつかのくぼみを通り抜けます。95%の確率で
# 少なくとも1回は到達するために必要な出発の回数は、26回から11回に減ります。$\eta = 1$のAdamは21%で、$f$の平均は最も小さい0.43です。
# 大きな歩幅が、くぼみを飛び越えるからです。
#
# ネットワークの学習を複数のシードで試すのは、このためでもあります。良い出発点を確実に見つける方法は、まだありません。

# %% [markdown] tags=["en", "result"]
# There are 11 minima, at $x \approx 0, \pm 2.05, \pm 4.10, \dots$, the higher the farther out. SGD, and Adam with $\eta = 0.1$, reach
# the lowest from 11 % of the starts, Momentum from 26 %: its speed carries it through some of the hollows. For a 95 % chance
# of arriving at least once it needs 11 starts instead of 26. Adam with $\eta = 1$ has 21 %, and the
# lowest mean $f$, 0.43: its long steps jump over hollows.
#
# That is one more reason to train with several seeds. Nobody knows how to find a good start for certain.

# %% [markdown] tags=["ja", "slide"]
# ### 6.2 大きなネットワークの極小点
#
# ネットワークの損失は非凸で、極小点がたくさんあります。では、悪い極小点で止まることは、どのくらい問題になるのでしょうか。ノイズのある
# 正弦波40点に、隠れ層が1層のtanhネットワークを当てはめます。毎回すべてのデータを使うので、違うのは**出発点だけ**です。隠れ層のノード数ごとに、
# 30個の出発点からAdamで1,200ステップ学習させます。
#
# **予想**: ノード数を増やすと、30個の最終的な損失のばらつきは、大きくなるでしょうか、小さくなるでしょうか。

# %% [markdown] tags=["en", "slide"]
# ### 6.2 The minima of large networks
#
# The loss of a network has many local minima. How bad is it to end in one that is not the best? Networks with one hidden layer of
# tanh are fitted to 40 points of a noisy sine. All data are used at every step, so that *nothing but the start* differs. For each number
# of hidden nodes Adam makes 1,200 steps from 30 starts.
#
# **Predict**: with more nodes, do the 30 final losses scatter more, or less?


# %%
random = np.random.default_rng(0)
x_sine = np.sort(random.uniform(-1, 1, (40, 1)), axis=0)
t_sine = np.sin(4 * x_sine) + 0.1 * random.standard_normal((40, 1))


def sine_gradient(p):
    # ja: 30個のネットワークの勾配を一度に計算する。先頭の軸が出発点
    # en: the gradients of 30 networks at once; the first axis counts the starts
    h = np.tanh(x_sine * p["W1"] + p["b1"])
    error = h @ p["W2"] + p["b2"] - t_sine
    dy = 2 * error / len(x_sine)
    dh = (dy @ np.swapaxes(p["W2"], 1, 2)) * (1 - h**2)
    sums = {"b1": dh.sum(axis=1, keepdims=True), "b2": dy.sum(axis=1, keepdims=True)}
    grads = {"W1": (x_sine * dh).sum(axis=1, keepdims=True), "W2": np.swapaxes(h, 1, 2) @ dy, **sums}
    return (error**2).mean(axis=(1, 2)), {key: grads[key] for key in p}


sizes, final = (1, 2, 3, 5, 10), []
for nodes in sizes:
    random, scale = np.random.default_rng(0), np.sqrt(2 / (1 + nodes))
    p = {
        "W1": scale * random.standard_normal((30, 1, nodes)),
        "b1": np.zeros((30, 1, nodes)),
        "W2": scale * random.standard_normal((30, nodes, 1)),
        "b2": np.zeros((30, 1, 1)),
    }
    optimizer = InPlace(kobai.Adam(learning_rate=0.02))
    for _ in range(1200):
        losses, grads = sine_gradient(p)
        optimizer.update(p, grads)
    final.append(losses)
    print(f"ノード {nodes:3}: 最良 {losses.min():.4f}  中央値 {np.median(losses):.4f}  最悪 {losses.max():.4f}  最悪/最良 {losses.max() / losses.min():.1f}")  # ja
    print(f"nodes {nodes:3}: best {losses.min():.4f}  median {np.median(losses):.4f}  worst {losses.max():.4f}  worst/best {losses.max() / losses.min():.1f}")  # en

median = {"中央値": np.median(final, axis=1)}  # ja
median = {"median": np.median(final, axis=1)}  # en
against(sizes, median, points=final, across="隠れ層のノード数", up="損失", title="30個の出発点から学習した後の損失", log=True)  # ja
against(sizes, median, points=final, across="hidden nodes", up="loss", title="The loss after training from 30 starts", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 2ノードでは、出発点によって最終的な損失が40倍も違います。ところが3ノード以上では、最悪でも最良の1.3倍ほどで、**どの極小点でもほとんど
# 同じ損失**になりました。大きなネットワークでは、最小点でない極小点に到達しても大きな問題にならない、という報告と同じ傾向です。
# （1ノードでは、ばらつきは小さいものの損失そのものが大きく、正弦波を表しきれていません。）
#
# これは1つの課題での結果です。大きなネットワークでなぜそうなるのかは、今も研究されています。

# %% [markdown] tags=["en", "result", "slide"]
# With two nodes the final loss depends on the start by a factor of 40. From three on the worst is about 1.3 times the best: **whichever
# minimum it is, the loss is nearly the same**, as has been reported of large networks. (With one node they scatter little, but all are
# bad: one node cannot make this sine.)
#
# That is one task. Why it is so for large networks is studied to this day.

# %% [markdown] tags=["ja"]
# ### 6.3 ミニバッチは局所解から抜け出すか
#
# もう1つ、「ミニバッチ学習を行うと局所解に陥りにくい」とよく言われることを確かめます。$y = \sin 4x$の64点に$\sin wx$を当てはめます。
# 正解は$w = 4$ですが、その周りには極小点が並んでいます。まず、全データの損失と、4件だけのミニバッチの損失を描いてみましょう。

# %% [markdown] tags=["en"]
# ### 6.3 Do mini-batches get out of local solutions?
#
# Another thing one hears: "with mini-batches one is less often caught in a local solution". Fit $\sin wx$ to 64 points of
# $y = \sin 4x$. The solution is $w = 4$, among a row of other minima. First, the loss on all data, and on mini-batches of four.

# %%
x_wave = np.random.default_rng(0).uniform(-5, 5, 64)
y_wave = np.sin(4 * x_wave)


def wave_loss(w, chosen):
    return ((np.sin(np.asarray(w)[:, None] * x_wave[chosen]) - y_wave[chosen]) ** 2).mean(axis=1)


grid = np.linspace(-1, 9, 501)
shapes = {"全データ": wave_loss(grid, slice(None))}  # ja
shapes = {"all data": wave_loss(grid, slice(None))}  # en
for i, begin in enumerate((0, 4, 8), start=1):
    shapes[f"ミニバッチ{i}"] = wave_loss(grid, slice(begin, begin + 4))  # ja
    shapes[f"mini-batch {i}"] = wave_loss(grid, slice(begin, begin + 4))  # en
lines(grid, shapes, across="w", up="損失", title="全データの損失と、ミニバッチの損失")  # ja
lines(grid, shapes, across="w", up="loss", title="The loss on all data, and on mini-batches")  # en

# %% [markdown] tags=["ja"]
# 200個の出発点（$-10$から10まで）からSGDで500ステップ進みます。学習率は0.3から始め、最後に0になるように下げていきます。
#
# **予想**: 全データ（64件）のとき、$w = 4$に到達する出発点は何割でしょうか。バッチサイズが1、4、16のときはどうでしょうか。

# %% [markdown] tags=["en"]
# From 200 starts between $-10$ and 10 SGD makes 500 steps. The learning rate begins at 0.3 and falls to 0 in the end.
#
# **Predict**: with all 64 data, what share of the starts reaches $w = 4$? And with a batch size of 1, 4 and 16?

# %%
starts = np.random.default_rng(1).uniform(-10, 10, 200)
batch_sizes, solved = (1, 4, 16, 64), []
for size in batch_sizes:
    random, w = np.random.default_rng(2), starts.copy()
    for step in range(500):
        chosen = random.integers(0, 64, (200, size)) if size < 64 else np.tile(np.arange(64), (200, 1))
        x, y = x_wave[chosen], y_wave[chosen]
        g = (2 * (np.sin(w[:, None] * x) - y) * np.cos(w[:, None] * x) * x).mean(axis=1)
        w = w - 0.3 * (1 + np.cos(np.pi * step / 500)) / 2 * g
    solved.append((wave_loss(w, slice(None)) < 0.25).mean())
    print(f"バッチサイズ {size:2}: w = 4 に到達 {solved[-1]:.0%}")  # ja
    print(f"batch size {size:2}: at w = 4 {solved[-1]:.0%}")  # en

share = {"SGD": solved}
against(batch_sizes, share, across="バッチサイズ", up="w = 4に到達した割合", title="ミニバッチと局所解")  # ja
against(batch_sizes, share, across="batch size", up="share that reached w = 4", title="Mini-batches and local solutions")  # en

# %% [markdown] tags=["ja", "result"]
# 全データでは7%しか到達しないのに、バッチサイズ1では40%、4では42%、16でも18%が$w = 4$に到達します。1つ前の図で見たとおり、ミニバッチ
# ごとに損失の地形が違い、全データの極小点が、ほかのミニバッチにとっては坂の途中にあるからです。バッチが小さいほど地形の違いは大きく、
# 押し出される力も大きくなります。
#
# ただし、これは学習率が適度に大きいときの話です。学習率を0.01まで下げると、どのバッチサイズでも出発点の近くの極小点にとどまります
# （セルの0.3を0.01に変えて試してください）。

# %% [markdown] tags=["en", "result"]
# With all data 7 % arrive; with a batch size of 1 it is 40 %, with 4 it is 42 %, with 16 still 18 %. As the figure before showed, every
# mini-batch has a landscape of its own, and a minimum of all the data is a slope to another batch. The smaller the batch, the more the
# landscapes differ, and the harder it is pushed out.
#
# That holds where the learning rate is large enough. At 0.01 every batch size stays in the minimum next to its start (try it: change 0.3
# into 0.01).

# %% [markdown] tags=["ja", "slide"]
# ## 7. 不正確な勾配
#
# ### 7.1 ノイズのある勾配
#
# お椀$f = x^2/20 + y^2$の勾配に、標準偏差1のノイズを加えます（ミニバッチの代わりです）。$(-7, 2)$からSGDで進み、
# 400回の実行の平均を見ます。対策は2つです。1ステップごとに**16個の勾配を平均する**（バッチを16倍にする）か、
# **学習率を16分の1にする**かです。
#
# **予想**: それぞれの$f$は、最後にどのくらいまで下がりますか。$f < 0.1$になるまでに使う勾配の数は、どちらが少ないでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 7. Inexact gradients
#
# ### 7.1 Gradients with noise
#
# Noise of deviation 1 is added to the gradient of the bowl $f = x^2/20 + y^2$, as mini-batches would. SGD starts at
# $(-7, 2)$, and we look at the mean of 400 runs. There are two remedies: **average 16 gradients** at each step (a batch 16
# times as large), or take **a sixteenth of the learning rate**.
#
# **Predict**: how low does $f$ get in the end, with each? Which of them uses fewer gradients until $f < 0.1$?


# %%
def bowl(p):
    return p[..., 0] ** 2 / 20 + p[..., 1] ** 2


def noisy_slope(count, random):
    # ja: count個のノイズを平均した勾配
    # en: the gradient with the mean of so many draws of noise
    def gradient(p):
        noise = random.standard_normal((count, *p.shape)).mean(axis=0)
        return np.stack([p[..., 0] / 10, 2 * p[..., 1]], axis=-1) + noise

    return gradient


ways = {"η=1/2, n=1": (1 / 2, 1), "η=1/2, n=16": (1 / 2, 16), "η=1/32, n=1": (1 / 32, 1)}
falls = {}
for name, (rate, count) in ways.items():
    random = np.random.default_rng(0)
    path = descend(kobai.SGD(learning_rate=rate), noisy_slope(count, random), np.tile([-7.0, 2.0], (400, 1)), 1200)
    falls[name] = bowl(path).mean(axis=1)
    arrived = first(falls[name], 0.1)
    gradients = arrived if arrived == "–" else arrived * count
    print(f"{name:12} 最後の200ステップのf {falls[name][-200:].mean():.3f}   f<0.1: ステップ {arrived}、勾配 {gradients}")  # ja
    print(f"{name:12} f in the last 200 steps {falls[name][-200:].mean():.3f}   f<0.1: step {arrived}, gradients {gradients}")  # en

curves(falls, x="ステップ", y="f（400回の平均）", title="ノイズのある勾配: 平均するか、学習率を下げるか", log=True)  # ja
curves(falls, x="step", y="f (mean of 400 runs)", title="Noisy gradients: average them, or lower the rate", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 何もしないと、$f$は0.39前後で揺れ続け、0.1を下回りません。16個を平均すると0.024、学習率を16分の1にすると0.019まで下がります。
# 平均すると34ステップで0.1を下回りますが、使った勾配は$34 \times 16 = 544$個です。学習率を下げると540ステップ、つまり540個です。
# **費用を勾配の数で測ると、2つの対策は同じです**。バッチを大きくする利点は、16個を並列に計算できるなら時間が短くて済むことです。
# （通った点の平均をとる方法は、レッスン3-11で学びます。）

# %% [markdown] tags=["en", "result", "slide"]
# Left alone, $f$ goes on trembling around 0.39 and never falls below 0.1. Averaging 16 gradients brings it to 0.024, a
# sixteenth of the learning rate to 0.019. With averaging it is below 0.1 after 34 steps, which took $34 \times 16 = 544$
# gradients; with the lower rate after 540 steps, which took 540. **Counted in gradients the two cost the same.** What larger
# batches gain is time, where 16 gradients can be computed side by side. (Averaging the points passed is for lesson 3-11.)

# %% [markdown] tags=["ja"]
# ### 7.2 階段状の目的関数: 平滑化（6分）
#
# 誤判定率のような階段状の関数では、勾配はほとんどの場所で0です。代理損失関数（レッスン3-8）を使えないときは、**少し離れた点の値**から
# 傾きを推定します。無作為な向き$\boldsymbol u_1, \dots, \boldsymbol u_n$（配列`directions`の各行）と幅$w$を使って、
#
# $$\frac1n\sum_{i=1}^{n} \frac{f(\boldsymbol\theta + w\boldsymbol u_i) - f(\boldsymbol\theta - w\boldsymbol u_i)}{2w}\;\boldsymbol u_i$$
#
# を返してください。$\boldsymbol u_i$が標準正規乱数なら、これは「$f$を幅$w$でぼかした関数」の勾配の推定値です。

# %% [markdown] tags=["en"]
# ### 7.2 An objective like stairs: smoothing (6 min)
#
# The gradient of a staircase, such as an error rate, is 0 almost everywhere. Where no surrogate loss (lesson 3-8) can be
# found, estimate the slope from values *some way off*. With random directions $\boldsymbol u_1, \dots, \boldsymbol u_n$, the
# rows of the array `directions`, and a width $w$, return
#
# $$\frac1n\sum_{i=1}^{n} \frac{f(\boldsymbol\theta + w\boldsymbol u_i) - f(\boldsymbol\theta - w\boldsymbol u_i)}{2w}\;\boldsymbol u_i$$
#
# With standard normal $\boldsymbol u_i$ it estimates the gradient of $f$ *blurred* by the width $w$.

# %% tags=["exercise"] name="smoothed_gradient"
def smoothed_gradient(f, theta, directions, width):
    ### BEGIN SOLUTION
    slopes = [(f(theta + width * u) - f(theta - width * u)) / (2 * width) for u in directions]
    return (np.array(slopes)[:, None] * directions).mean(axis=0)
    ### END SOLUTION


# %% tags=["check"] name="smoothed_gradient"
check("3_10.smoothed_gradient")

# %% [markdown] tags=["ja"]
# お椀を高さ1/4の階段にした$f = \lfloor 4\,(x^2/20 + y^2)\rfloor / 4$で試します。向きは毎回10本、SGDの学習率は0.3、300ステップです。
# 同じことを、6.1の波の上でも試します（学習率は0.1）。
#
# **予想**: 幅$w$を$10^{-4}$（レッスン3-2の数値微分と同じ幅）、0.1、0.3、1にすると、それぞれどこまで下がるでしょうか。

# %% [markdown] tags=["en"]
# Try it on the bowl made into stairs of height 1/4, $f = \lfloor 4\,(x^2/20 + y^2)\rfloor / 4$, with 10 directions a step and
# 300 steps of SGD at learning rate 0.3; and on the waves of section 6.1, at learning rate 0.1.
#
# **Predict**: how far down does it get with a width $w$ of $10^{-4}$ (that of the finite differences of lesson 3-2), 0.1, 0.3
# and 1?


# %%
def stairs(p):
    return np.floor(4 * bowl(p)) / 4


def blurred_descent(objective, width, rate):
    random = np.random.default_rng(0)

    def slope(p):
        return smoothed_gradient(objective, p, random.standard_normal((10, 2)), width)

    return descend(kobai.SGD(learning_rate=rate), slope, (-7, 2), 300)[-1]


objectives = {"階段": stairs, "6.1の波": waves}  # ja
objectives = {"stairs": stairs, "waves of 6.1": waves}  # en
if done("3_10.smoothed_gradient"):
    for name, objective in objectives.items():
        print(name)
        for width in (1e-4, 0.1, 0.3, 1):
            end = blurred_descent(objective, width, 0.3 if objective is stairs else 0.1)
            print(f"  w={width:<7} x={end[0]:+.2f}  x²/20+y²={bowl(end):.2g}")

# %% [markdown] tags=["ja", "result"]
# 階段では、幅$10^{-4}$だと推定値が0ばかりで、一歩も動けません。幅を0.1、0.3、1と広げると、お椀の値は0.34、0.0022、$10^{-7}$ほどまで
# 下がります。隣の段が見えるだけの幅が必要です。6.1の波でも、幅0.3までは途中のくぼみで止まりますが、幅1では波がぼけて消え、原点の
# そばまで下ります。**局所構造を消して、全体構造を見ている**ことになります。費用は1ステップにつき関数の評価20回で、パラメータが増えれば、
# 評価の回数も増やさなければなりません。ネットワークではふつう、滑らかな代理損失関数のほうを選びます。

# %% [markdown] tags=["en", "result"]
# On the stairs a width of $10^{-4}$ estimates nothing but zeros, and it never moves. With 0.1, 0.3 and 1 the bowl's value falls
# to 0.34, 0.0022 and about $10^{-7}$: the next stair must be in sight. On the waves of section 6.1, too, widths up to 0.3 stop
# in a hollow on the way, while with width 1 the waves are blurred away and it gets close to the origin: **it looks past the
# local structure at the global one**. The price is 20 evaluations of the function a step, and they must grow with the number
# of parameters. For networks one usually prefers a smooth surrogate loss.

# %% [markdown] tags=["ja"]
# ## 8. 診断: どこが悪いのか
#
# ここまでの難しさは、実際の学習では名札を付けずに現れます。うまく進んでいない9つの学習A〜Iを、測った値から診断しましょう。
#
# | 学習 | 課題 | 更新則 | 重みの初期値 | ステップ |
# |---|---|---|---|---|
# | A | 曲線（正解にノイズ） | SGD η=1 | xavier | 200 |
# | B | 系列の平均 | Adam η=0.005 | normal:0.02 | 200 |
# | C | 曲線（正解が5だけ高い） | SGD η=0.1 | xavier | 200 |
# | D | 系列の平均 | SGD η=0.2 | normal:1 | 200 |
# | E | 曲線 | SGD η=0.05 | normal:0.0001 | 200 |
# | F | 系列の合計 | SGD η=0.01 | orthogonal | 300 |
# | G | 曲線（正解が5だけ高く、5つに1つは0と誤記されている） | SGD η=1 | xavier | 600 |
# | H | 曲線（目的関数は、誤差が0.25を超えた割合） | Adam η=0.01 | normal:0.01 | 200 |
# | I | 曲線（正解が5だけ高く、10個に3個は別の量$-2.5(x_2+1)$が記録されている） | SGD η=0.5 | xavier | 200 |
#
# - **曲線**: 8つの入力から$\sin x_1$を予測します。隠れ層はtanhの10ノードが1層で、損失はH以外では
#   $1 - e^{-(\text{誤差})^2/2}$です。外れ値に強い代わりに、誤差が大きい所では平らになります。バッチサイズは4です。
# - **系列の平均**、**系列の合計**: 12個の数を順に読み、最後に平均、または合計を答える再帰型のネットワークです（ReLUの12ノード、二乗誤差）。
#
# 次のセルは、`kobai.diagnose`と同じ計測器を付けて9つを学習させ、すべての訓練データでの損失（始め → 終わり）を表示します。
# 図は各ステップのバッチの損失です（20ステップの平均、始めの損失を1とする）。初回は計測器のコンパイルに20秒ほどかかります。
#
# **予想**: 曲線を見ただけで、どれが何の難しさか、いくつ言い当てられるでしょうか。書き留めておいてください。

# %% [markdown] tags=["en"]
# ## 8. Diagnosis: what is wrong?
#
# In real trainings these difficulties come without a label. Here are nine, A to I, that do not get on. Diagnose them from
# what is measured.
#
# | training | task | rule | initial weights | steps |
# |---|---|---|---|---|
# | A | curve (noise on the truth) | SGD η=1 | xavier | 200 |
# | B | mean of a sequence | Adam η=0.005 | normal:0.02 | 200 |
# | C | curve (the truth is 5 higher) | SGD η=0.1 | xavier | 200 |
# | D | mean of a sequence | SGD η=0.2 | normal:1 | 200 |
# | E | curve | SGD η=0.05 | normal:0.0001 | 200 |
# | F | sum of a sequence | SGD η=0.01 | orthogonal | 300 |
# | G | curve (the truth is 5 higher, and every fifth label is 0 by mistake) | SGD η=1 | xavier | 600 |
# | H | curve (the objective is the share of errors above 0.25) | Adam η=0.01 | normal:0.01 | 200 |
# | I | curve (the truth is 5 higher, and three labels in ten hold another quantity, $-2.5(x_2+1)$) | SGD η=0.5 | xavier | 200 |
#
# - **Curve**: $\sin x_1$ from eight inputs, by one hidden layer of 10 tanh nodes. But for H the loss is
#   $1 - e^{-(\text{error})^2/2}$: it does not mind outliers, and is flat where the error is large. Batches of 4.
# - **Mean of a sequence**, **sum of a sequence**: a recurrent network reads 12 numbers one after another, and says their mean,
#   or their sum, in the end (12 nodes of ReLU, squared error).
#
# The next cell trains the nine with the instruments of `kobai.diagnose`, and prints the loss on all training data, at the
# beginning and at the end. The figure has the losses of each step's batch: means over 20 steps, the loss at the beginning as
# 1. The first time the instruments are compiled, which takes about twenty seconds.
#
# **Predict**: how many of the nine can you name from the curves alone? Write them down.

# %%
ward = patients()
shapes = {}
for name, each in ward.items():
    begin, end = each.ends
    smooth = np.convolve(each.loss / begin, np.ones(20) / 20, mode="valid")
    shapes[name] = np.clip(smooth, 0, 2)
    print(f"{name}: {begin:.3g} → {end:.3g}")

curves(shapes, x="ステップ", y="損失（始めを1とする）", title="9つの学習の損失")  # ja
curves(shapes, x="step", y="loss (the beginning is 1)", title="The losses of nine trainings")  # en

# %% [markdown] tags=["ja", "result"]
# Dはすぐに損失が計算できなくなります（nan）。Fは下がったあと、一度跳ね上がります。B、C、E、G、Hはどれもほぼ平らで、
# **曲線だけでは区別がつきません**。AとIは下がっていて、悪いところがあるようには見えません。証拠を測りましょう。

# %% [markdown] tags=["en", "result"]
# The loss of D soon is no number any more (nan). That of F falls, and is thrown up once. B, C, E, G and H are all more or
# less level: **the curve alone does not tell them apart**. A and I fall, and look as if nothing were wrong. So measure evidence.

# %% [markdown] tags=["ja"]
# ### 8.1 勾配の帰り道（5分）
#
# 計測器は、それぞれの場所に届いた勾配の長さを記録しています。配列`gradients`の行は測った時点、列は場所で、**最初の層から最後の層へ**
# （再帰型なら最初の時刻から最後の時刻へ）並んでいます。勾配は最後から最初へ逆伝播します。各時点で「最初の場所に届いた長さ ÷ 最後の場所の長さ」を計算し、
# その**全時点の中央値**を返してください。1の100分の1より小さければ勾配消失、100倍より大きければ勾配爆発と考えます。

# %% [markdown] tags=["en"]
# ### 8.1 The gradient's way back (5 min)
#
# The instruments have recorded the length of the gradient that arrives at each place. A row of the array `gradients` is a
# moment, a column a place, **from the first layer to the last** (of a recurrent network: from the first time to the last).
# Backpropagation goes from the last to the first. Compute "length at the first place ÷ length at the last" for each moment, and return
# *the median over all moments*. Below a hundredth the gradient vanishes, above a hundred it explodes.


# %% tags=["exercise"] name="way_back"
def way_back(gradients):
    ### BEGIN SOLUTION
    return np.median(gradients[:, 0] / gradients[:, -1])
    ### END SOLUTION


# %% tags=["check"] name="way_back"
check("3_10.way_back")

# %% [markdown] tags=["ja"]
# 次のセルは、証拠を表にします。
#
# | 列 | 意味 |
# |---|---|
# | 帰り道 | 8.1の値。B、D、Fでは最初の時刻と最後の時刻、ほかでは最初の層と最後の層の比 |
# | 停滞 | 損失が止まっていた時間の、全ステップに占める割合 |
# | 最小、最大 | 停滞の中ほど（停滞がなければ最後）でのヘッセ行列の最小固有値と最大固有値を、そこの損失で割ったもの。負なら下に、正なら上に曲がる向きがある。±0.1の内側なら、ほとんど曲がっていない |
# | 平均の効果 | 最後の4分の1で通った点を平均すると、損失がどれだけ下がるか（最初の損失に対する割合） |
# | 急増 | 勾配が、それまでで最も長かったものの何倍まで、1ステップで急に長くなったか。最大の値 |
# | ほかの出発 | 同じ設定で8個のシードから出発し、最後の検証損失が最も低かったものの、この学習の値に対する比 |
# | 説明率 | 少し離れた点での損失の変化（7.2の差分）のうち、出発点の勾配で説明できる割合。1なら、勾配は正確 |
#
# `nan`は、計算できなかったことを表します（Hの帰り道は、勾配がどこにも届かないため）。

# %% [markdown] tags=["en"]
# The next cell puts the evidence into a table.
#
# | column | meaning |
# |---|---|
# | way back | from 8.1; of B, D and F the first time over the last, of the others the first layer over the last |
# | standstill | the share of the steps in which the loss stood still |
# | lowest, highest | the Hessian's lowest and highest eigenvalue amid the standstill (without one: at the end), over the loss there. Below 0 a direction curves down, above 0 up; within ±0.1 it hardly curves |
# | averaging | by how much the loss is lower at the mean of the last quarter's points, as a part of the first loss |
# | jump | how many times as long as the longest of all before it a gradient became at a single step, at most |
# | other starts | the lowest final validation loss of eight seeds with the same setting, over that of this training |
# | foretold | how much of the loss's changes a short way off (the differences of 7.2) the gradient at the start foretells; 1: it is exact |
#
# `nan`: it could not be computed (the way back of H, where no gradient arrives at all).

# %%
if done("3_10.way_back"):
    print("     帰り道   停滞      最小      最大 平均の効果     急増 ほかの出発   説明率")  # ja
    print("   way back  standstill  lowest  highest  averaging     jump  other starts  foretold")  # en
    for name, each in ward.items():
        back = way_back(each.gradients) if len(each.gradients) else np.nan
        still, mean, told = each.standstill, each.averaged, each.explained
        print(f"{name} {back:9.2g} {still:6.0%} {each.lowest:9.2f} {each.highest:9.2f} {mean:10.1%} {each.jump:8.3g} {each.starts:10.2f} {told:8.2f}")  # ja
        print(f"{name} {back:9.2g} {still:11.0%} {each.lowest:7.2f} {each.highest:8.2f} {mean:10.1%} {each.jump:8.3g} {each.starts:13.2f} {told:9.2f}")  # en

# %% [markdown] tags=["ja"]
# ### 8.2 病名と場所（8分）
#
# A〜Iのそれぞれについて、何が、どこで起きているかを次から選び、9文字で答えてください（`"abcdefghi"`のように）。使わない選択肢もあります。
#
# - (a) プラトー: 傾きも、下に曲がる向きも、ほとんどない場所にいる
# - (b) 鞍点: 傾きはほとんどないが、はっきり下に曲がる向きがある場所にいる
# - (c) 勾配爆発: 逆伝播するにつれて、勾配が桁違いに大きくなる
# - (d) 長期依存性（勾配消失）: 勾配が、系列の始めまで届かない
# - (e) 不正確な勾配（ノイズ）: 最後に、より低い点のまわりを回り続けている
# - (f) 層のあいだの勾配消失: 勾配が、最初の層まで届かない
# - (g) 局所解: どの向きにも上に曲がる極小点で止まっているが、もっと低い極小点がある
# - (h) 崖: 途中の1ステップだけ勾配が桁違いに長くなり、遠くへ飛ばされた
# - (i) 不正確な勾配（不連続な目的関数）: 少し離れると損失は変わるのに、勾配がそれを伝えない
# - (j) 局所構造と全体構造の不一致: 止まらずに下り続けているが、足元の坂は回り道で、もっと低い所へ到達する出発点がある

# %% [markdown] tags=["en"]
# ### 8.2 The trouble, and where it is (8 min)
#
# What is wrong with each of A to I, and where? Answer with nine letters (like `"abcdefghi"`). Some choices are not needed.
#
# - (a) plateau: where it stands there is hardly a slope, and hardly a direction that curves down
# - (b) saddle: where it stands there is hardly a slope, but a direction that clearly curves down
# - (c) exploding gradient: it grows by orders of magnitude on its way back
# - (d) long-term dependence (vanishing gradient): it does not get to the beginning of the sequence
# - (e) inexact gradients (noise): in the end it goes round and round a lower point
# - (f) vanishing gradient between layers: it does not get to the first layer
# - (g) local solution: it has stopped in a minimum, which curves up all round, and there is a lower one
# - (h) cliff: at a single step on the way the gradient was longer by orders of magnitude, and threw it far away
# - (i) inexact gradients (discontinuous objective): a short way off the loss is another, and the gradient does not say so
# - (j) local against global structure: it goes down and never stops, but the slope leads the long way round, and there are
#   starts that get far lower

# %% tags=["exercise"] name="troubles"
troubles = ""  # trainee
troubles = "edacbhgij"  # answer

# %% tags=["check"] name="troubles"
check("3_10.troubles")

# %% [markdown] tags=["ja"]
# 合っていたら、次のセルで`kobai.diagnose`の診断と比べてください。

# %% [markdown] tags=["en"]
# Once they are right, compare them with what `kobai.diagnose` says.

# %%
if done("3_10.troubles"):
    for name, each in ward.items():
        print(f"{name}: {each.diagnosis}")

# %% [markdown] tags=["ja", "result"]
# `kobai.diagnose`は、Fの崖も勾配爆発と呼びます。GとHは「プラトー」、Iは「学習率が低すぎる」です。**1つの学習の中からは、
# 止まった極小点が最小点かどうかも、下り坂が近道かどうかもわからない**からです。決め手は、ほかの学習や別の測り方にあります。
#
# - **C**の固有値は−0.07と0.01で、どちらも±0.1の内側です。わずかに下に曲がる向きはありますが、±2.52の**E**に比べれば平らです。
# - **G**は最大固有値が0.29で、上に曲がる谷の底にいます。同じ設定のほかの出発は、その0.29倍の損失に到達しています。
#   誤記された2割の正解に合わせた谷から、残りの8割に合わせた谷は見えません。
# - **H**は、少し離れた点では損失が違うのに、勾配がそれをまったく説明しません。プラトーなら、勾配が短いだけで、説明率は1です。
# - **I**は一度も長く止まらず（停滞12%）、損失は下がり続けています。しかし、その坂は誤って記録された3割の正解へ向かう回り道で、
#   ほかの出発は半分の損失に到達しています。止まっているGとは、そこが違います。講義の言う「良い初期点」が要るのは、どちらも同じです。
#
# | 講義の難しさ | 学習 | 決め手になる証拠 | 節 |
# |---|---|---|---|
# | 局所解 | G | 上に曲がる場所で止まり、ほかの出発がはるかに低い所へ到達する | 6 |
# | 鞍点 | E | 止まった場所に、はっきり下に曲がる向きがある | 1 |
# | プラトー | C | 止まった場所が、どの向きにもほとんど曲がっていない | 2 |
# | 崖 | F | ある1歩だけ、勾配が桁違いに長い | 3 |
# | 勾配爆発 | D | 帰り道が桁違いに大きい | 3、4 |
# | 長期依存性 | B | 帰り道が桁違いに小さい | 4 |
# | 不正確な勾配（ノイズ） | A | 平均の効果がある | 7.1 |
# | 不正確な勾配（不連続な目的関数） | H | 勾配が、少し離れた点の損失を説明しない | 7.2 |
# | 局所構造と全体構造の不十分な対応 | I | 止まらずに下っているのに、ほかの出発がずっと低い所へ到達する | 5、6 |

# %% [markdown] tags=["en", "result"]
# `kobai.diagnose` calls the cliff of F an explosion, too. To it G and H are plateaus, and I has too low a rate: **within a single
# training nothing tells whether the minimum in which it has stopped is the lowest, or whether the way down is the short one**.
# Other trainings, and another measurement, decide.
#
# - The eigenvalues of **C** are −0.07 and 0.01, both within ±0.1. There is a direction that curves down a little, but beside
#   **E** with ±2.52 it is level ground.
# - The highest eigenvalue of **G** is 0.29: it stands at the bottom of a valley. Other starts with the same setting get to 0.29
#   times the loss. From the valley that suits the fifth of labels that are wrong, the one that suits the rest is out of sight.
# - The loss of **H** is another one a short way off, and the gradient foretells none of it. On a plateau the gradient is short,
#   but right: 1.
# - **I** never stands still for long (12 % of the steps), and its loss goes on falling. But the slope leads the long way round, by
#   the three labels in ten that are wrong; other starts get to half the loss. That is how it differs from G, which has stopped.
#   What the lecture calls a good initial point is wanted by both.
#
# | difficulty of the lecture | training | the evidence that decides | section |
# |---|---|---|---|
# | local solution | G | it has stopped where it curves up, and other starts get far lower | 6 |
# | saddle | E | where it stands, a direction clearly curves down | 1 |
# | plateau | C | where it stands, it hardly curves in any direction | 2 |
# | cliff | F | at one single step the gradient is longer by orders of magnitude | 3 |
# | exploding gradient | D | the way back is larger by orders of magnitude | 3, 4 |
# | long-term dependence | B | the way back is smaller by orders of magnitude | 4 |
# | inexact gradients (noise) | A | averaging helps | 7.1 |
# | inexact gradients (of a discontinuous objective) | H | the gradient does not foretell the loss a short way off | 7.2 |
# | poor correspondence of local and global structure | I | it goes down without stopping, and other starts get far lower | 5, 6 |

# %% [markdown] tags=["ja"]
# ### 8.3 対策を選び、確かめる（8分）
#
# A〜Iのそれぞれに効く対策を1つずつ選び、9文字で答えてください。次のセルが、**同じ8個のシード**で、対策なしと対策ありを比べます
# （AとG、および対策gは最後の検証損失、Fは検証損失が0.7に、HとIは0.5になるまでのステップ数、ほかは、最良の定数の予測か最初の値の低い方の0.8倍になるまでのステップ数）。
# Dのように異常に大きい損失から、入力を見なくても届く損失まで下がっても、学習したことにはなりません。効かなかった対策が何をしたかも読んでから、確認セルを実行してください。
#
# - (a) 学習率を10倍にする
# - (b) 学習率を10分の1にする
# - (c) 勾配クリッピング（閾値1）
# - (d) 初期値をxavierにする
# - (e) Adam（η = 0.03）に変える
# - (f) 学習率を、最後に0になるように下げていく（cosine）
# - (g) 16個の初期値から出発し、訓練損失が最も低いものを採る（同じ費用になるように、16倍のステップ数で続けた1つの学習と比べる）
# - (h) 目的関数に階段があれば、代理損失関数（二乗誤差）を下げる。評価は、元の目的関数で行う
# - (i) 最終的な値の近くから出発する: 出力のバイアスを、0ではなく正解の中央値から始める

# %% [markdown] tags=["en"]
# ### 8.3 Choose a remedy, and confirm it (8 min)
#
# Choose one remedy that helps for each of A to I, and answer with nine letters. The next cell compares the training with and
# without it *on the same 8 seeds*: of A and G, and for remedy g, the validation loss at the end; of F the steps to a validation
# loss of 0.7, of H and I to 0.5; of the others the steps to 0.8 times what the best constant answer has, or the start, if that is lower: to come down from an
# absurd loss (D) to what can be had without the inputs is no learning. Read what the remedies did that do not help, too, before
# you run the check.
#
# - (a) ten times the learning rate
# - (b) a tenth of the learning rate
# - (c) gradient clipping with threshold 1
# - (d) Xavier's initial values
# - (e) Adam with η = 0.03 in place of the rule
# - (f) let the learning rate fall to 0 in the end (cosine)
# - (g) 16 initial values to start from, of which the one with the lowest training loss is kept (beside a single training that
#   goes on for 16 times as many steps: both cost the same)
# - (h) where the objective has stairs, lower a surrogate loss, the squared error; the objective itself judges as before
# - (i) start near the final values: let the bias of the output begin at the median of the labels, and not at 0

# %% tags=["exercise"] name="remedies"
remedies = ""  # trainee
remedies = "bdeddcghi"  # answer

# %%
for line in treatments(ward, remedies):
    print(line)

# %% tags=["check"] name="remedies"
check("3_10.remedies")

# %% [markdown] tags=["ja"]
# 正解は1つとは限りません。ほかの文字も入れて、何が起きるかを確かめてください。対策gは、GとIの違いを見せてくれます。
# 16倍のステップ数で続けた学習は、Gでは谷にとどまり、Iでは回り道の先の低い所に到達します。自分の学習では、
# `kobai diagnose my_task.py --cure --language ja`が、診断から対策の確認までを行います。

# %% [markdown] tags=["en"]
# There may be more than one right answer: try other letters, and see what they do. Remedy g shows how G and I differ: the
# training that goes on for 16 times as many steps stays in its valley with G, and comes round to the low place with I. For a training of your own,
# `kobai diagnose my_task.py --cure --language en` goes all the way from the diagnosis to the remedy.

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 鞍点とプラトーでは勾配が小さすぎ、崖では大きすぎます。前者には適応的な手法が、後者には勾配クリッピングが効きます。
# - 同じ行列を繰り返し掛けると、勾配は指数関数的に消えるか爆発します。
# - どの極小点に到達するかは、出発点と手法で決まります。深さが違うなら、何回も出発して最も良いものを選びます。
# - 勾配にノイズがあるときは、平均しても、学習率を下げても、揺れは小さくなります。階段状なら、ぼかした関数の勾配を使います。
# - 止まった学習の原因は、損失の曲線だけではわかりません。証拠を測って区別し、対策の効果は同じシードどうしで確かめます。
#
# ### 自己診断
#
# 1. $(3, 4)$を閾値1でクリッピングすると、いくつになりますか。要素ごとなら、どうなりますか。
# 2. 損失が平らになりました。極小点、鞍点、プラトーをどう見分けますか。
# 3. 1つのシードで最良の極小点に到達する確率が2割のとき、5つのシードで少なくとも1つが到達する確率はいくつですか。
#
# <details><summary>答え</summary>
#
# 1. $(0.6, 0.8)$です。要素ごとなら$(1, 1)$で、向きが約8度変わります。
# 2. 勾配のノルムと、ヘッセ行列の固有値の符号を見ます。極小点なら負の固有値がありません。
# 3. $1 - 0.8^5 \approx 0.67$です。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - At saddles and plateaus gradients are too small, at cliffs too large. Adaptive methods help with the former, clipping
#   with the latter.
# - Multiplying by one matrix over and over makes gradients vanish or explode, exponentially.
# - Start and method decide which of the minima you reach. Where depths differ, start several times and keep the best.
# - Averaging gradients with noise calms them, and so does a lower learning rate. On stairs, use the gradient of a blurred
#   function.
# - Why a training stands still no curve of the loss tells. Measure evidence, and confirm a remedy on the same seeds.
#
# ### Test yourself
#
# 1. Clip $(3, 4)$ at threshold 1. And elementwise?
# 2. The loss is level. How do you tell a minimum, a saddle and a plateau apart?
# 3. One seed finds the best minimum with probability 0.2. How likely is it that at least one of five does?
#
# <details><summary>Answers</summary>
#
# 1. $(0.6, 0.8)$; elementwise $(1, 1)$, a direction turned by about 8 degrees.
# 2. By the norm of the gradient, and the signs of the Hessian's eigenvalues: at a minimum none is negative.
# 3. $1 - 0.8^5 \approx 0.67$.
#
# </details>
