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
# # 3-4 重みの初期値: 乱数
#
# **この時間で身につけること**
#
# - 初期値の標準偏差が大きすぎるとき、小さすぎるときに、層の中で何が起きるかを説明できる
# - 層ごとのヒストグラムと飽和の割合を、自分で測れる
# - 入力を標準化すると、なぜ重みの初期値が選びやすくなるのかを説明できる
#
# | 内容 | 目安 |
# |---|---|
# | 層ごとの活性化とヒストグラム | 15分 |
# | 標準偏差とステップ数 | 10分 |
# | 標準化と、学習後の重み | 15分 |

# %% [markdown] tags=["en", "slide"]
# # 3-4 Initial weights: random
#
# **What you will be able to do**
#
# - explain what happens in the layers when the standard deviation of the initial weights is too large, or too small
# - measure it: histograms layer by layer, the share that is saturated
# - explain why standardised inputs make initial weights easier to choose
#
# | part | time |
# |---|---|
# | activations and histograms, layer by layer | 15 min |
# | standard deviation against steps | 10 min |
# | standardising, and the weights after training | 15 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import against, curves, histograms
from kobai.course.network import Network, normal, train
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 層ごとの活性化（5分）
#
# 重み行列のリスト`weights`と活性化関数`f`を受け取り、各層の活性化
# $a_1 = f(xW_1),\ a_2 = f(a_1W_2),\ \dots$のリストを返してください（バイアスは0とします。入力はリストに入れません）。

# %% [markdown] tags=["en", "slide"]
# ## 1. Activations, layer by layer (5 min)
#
# Given a list of weight matrices `weights` and an activation function `f`, return the list of the activations
# $a_1 = f(xW_1),\ a_2 = f(a_1W_2),\ \dots$ (biases are 0; the inputs are not in the list).


# %% tags=["exercise"] name="layers"
def layers(x, weights, f):
    ### BEGIN SOLUTION
    found = []
    for W in weights:
        x = f(x @ W)
        found.append(x)
    return found
    ### END SOLUTION


# %% tags=["check"] name="layers"
check("3_4.layers")

# %% [markdown] tags=["ja", "slide"]
# ## 2. 飽和の割合（3分）
#
# tanhの出力が$\pm 1$に張り付くと、微分$1 - a^2$がほぼ0になり、そのノードを通る勾配はほとんど消えます。
# 絶対値が`limit`を**超える**要素の割合（0〜1）を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 2. The share that is saturated (3 min)
#
# Where the output of tanh sticks to $\pm 1$, its derivative $1 - a^2$ is nearly 0, and hardly any gradient comes through that
# node. Return the share (0 … 1) of the entries whose absolute value is *above* `limit`.


# %% tags=["exercise"] name="saturated"
def saturated(a, limit=0.95):
    ### BEGIN SOLUTION
    return (np.abs(a) > limit).mean()
    ### END SOLUTION


# %% tags=["check"] name="saturated"
check("3_4.saturated")

# %% [markdown] tags=["ja", "slide"]
# ## 3. ヒストグラムで見る
#
# 100ノードの層を5つ重ね、標準正規分布の入力を1,000件流します。そのあと、5層目に標準偏差1の勾配を入れて、入力までさかのぼります。
#
# **予想**: 標準偏差$\sigma = 1$、$0.1$、$0.01$のそれぞれで、5層目の出力はどんな分布になるでしょうか。勾配の標準偏差は、
# 5層さかのぼると、大きくなるでしょうか、小さくなるでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 3. As histograms
#
# Five layers of 100 nodes each, and 1,000 unit-normal inputs. Then a gradient of deviation 1 enters at the fifth layer and goes
# back to the inputs.
#
# **Predict** the distribution in the fifth layer for standard deviations $\sigma = 1$, $0.1$ and $0.01$. And the spread of the
# gradient, five layers back: is it larger or smaller?

# %% tags=["slide"]
def gradient_std(weights, activations):
    # ja: 5層目に標準偏差1の勾配を入れ、入力までさかのぼったときの標準偏差
    # en: a gradient of deviation 1 enters at the last layer; its deviation at the inputs
    g = np.random.default_rng(1).standard_normal(activations[-1].shape)
    for W, a in zip(reversed(weights), reversed(activations)):
        g = (g * (1 - a**2)) @ W.T
    return g.std()


random = np.random.default_rng(0)
inputs = random.standard_normal((1000, 100))
shown = {}
if done("3_4.layers") and done("3_4.saturated"):
    for σ in (1, 0.1, 0.01):
        weights = [σ * random.standard_normal((100, 100)) for _ in range(5)]
        found = layers(inputs, weights, np.tanh)
        shown |= {f"σ={σ}, {i}": a for i, a in enumerate(found, start=1)}
        shares = "  ".join(f"{saturated(a):.1%}" for a in found)
        print(f"σ={σ}: 飽和の割合（1〜5層目） {shares}")  # ja
        print(f"    5層目の標準偏差 {found[-1].std():.4f}、勾配の標準偏差（5層さかのぼった後） {gradient_std(weights, found):.2g}")  # ja
        print(f"σ={σ}: saturated (layers 1-5) {shares}")  # en
        print(f"    spread of layer 5 {found[-1].std():.4f}, of the gradient five layers back {gradient_std(weights, found):.2g}")  # en

histograms(shown, within=(-1, 1), title="tanhの活性化の分布（初期値の標準偏差、層）")  # ja
histograms(shown, within=(-1, 1), title="Distribution of tanh activations (initial std, layer)")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# - $\sigma = 1$: 85%の出力が$\pm 0.95$の外に張り付きます。張り付いたノードの微分は0.1未満で、そこでは勾配が**消えます**。
#   ところが、残り15%のノードを通る勾配には大きな重みが掛かるので、勾配全体は1層ごとに2倍以上になり、5層で70倍ほどに
#   **大きく**なります（**勾配爆発**）。大半のノードは学習できず、ごく一部のノードだけが大きく振り回されます。
# - $\sigma = 0.01$: 出力も勾配も、層を通るたびに10分の1になります。5層目では全ノードの出力がほぼ0、つまり**同じ値**になり、勾配は10万分の1です
#   （**勾配消失**）。レッスン3-3の固定値に近い状態です。
# - $\sigma = 0.1$: どの層も適度にばらつき、勾配も5層で0.37倍と、同じ桁にとどまります。100ノードのとき、$0.1$は$\sqrt{1/100}$です。
#   偶然でしょうか（→ レッスン3-5）。

# %% [markdown] tags=["en", "result", "slide"]
# - $\sigma = 1$: 85 % of the outputs stick beyond $\pm 0.95$. There the derivative is below 0.1, and the gradient through these
#   nodes *vanishes*. Yet what passes through the other 15 % is multiplied by large weights, so that the gradient as a whole
#   more than doubles with each layer: some 70 times as *large* after five (**exploding gradient**). Most nodes cannot learn,
#   and a few are thrown about.
# - $\sigma = 0.01$: outputs and gradients become a tenth with each layer. In the fifth all nodes say nearly 0, *the same*, and
#   a hundred-thousandth of the gradient is left (**vanishing gradient**): close to the fixed values of lesson 3-3.
# - $\sigma = 0.1$: a fair spread in every layer, and gradients of the same order (0.37 times, after five layers). With 100 nodes $0.1$ is
#   $\sqrt{1/100}$. A coincidence? (Lesson 3-5.)

# %% [markdown] tags=["ja", "slide"]
# ## 4. 標準偏差とステップ数
#
# 手書き数字を3層のtanhネットワークに学習させ、損失が0.3を初めて下回るまでのステップ数を数えます（最大200ステップ）。
#
# **予想**: 横軸を$\sigma$にすると、どんな形の曲線になるでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 4. Standard deviation against steps
#
# Now a tanh network of three layers learns the digits. We count the steps until its loss is first below 0.3, 200 at
# most.
#
# **Predict** the shape of the curve over $\sigma$.

# %% tags=["slide"]
images, labels, part = load()
x_train, t_train = images[part == 0].astype(float), labels[part == 0]


def steps_until(losses, target=0.3):
    means = np.convolve(losses, np.ones(5) / 5, mode="valid")
    below = means < target
    return int(below.argmax()) + 5 if below.any() else len(losses)


deviations, table = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3), []
for σ in deviations:
    table.append([])
    for seed in (0, 1):
        network = Network((64, 50, 50, 10), "tanh", normal(σ), seed)
        values = train(network, kobai.SGD(learning_rate=0.3), x_train, t_train, steps=200, seed=seed)
        table[-1].append(steps_until(values))
    print(f"σ={σ:<6} {table[-1]}")

means = {"2シードの平均": np.mean(table, axis=1)}  # ja
means = {"mean of 2 seeds": np.mean(table, axis=1)}  # en
against(deviations, means, points=table, across="σ", up="ステップ", title="損失が0.3を下回るまで（200は未到達）")  # ja
against(deviations, means, points=table, across="σ", up="steps", title="Until the loss is below 0.3 (200: not reached)")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 谷の形をしています。$\sigma = 0.3$が最も速く（50ステップほど）、0.1と1では2倍近いステップ数になり、0.03以下と3では200ステップでも
# 到達しません。ちょうどよい範囲の幅は、1桁ほどしかありません。

# %% [markdown] tags=["en", "result", "slide"]
# A valley: fastest with $\sigma = 0.3$ (about 50 steps), up to twice as slow with 0.1 and 1, and with 0.03 and below, or 3, 200
# steps are not enough. The good range is about one decade wide.

# %% [markdown] tags=["ja", "slide"]
# ## 5. 入力の標準化（5分）
#
# 特徴量ごとに、**訓練データの**平均を引き、**訓練データの**標準偏差で割ります。同じ変換を`others`（検証データなど）にも
# 使い、変換した2つの配列`(train, others)`を返してください。
#
# - 標準偏差は$n$で割るほう（`np.std`の既定）を使います
# - 値が変わらない特徴量（画像の隅など）は標準偏差が0です。0で割らず、結果が0になるようにしてください

# %% [markdown] tags=["en", "slide"]
# ## 5. Standardising the inputs (5 min)
#
# For each feature subtract the mean *of the training data* and divide by the standard deviation *of the training data*.
# Do the same to `others` (say, validation data). Return both: `(train, others)`.
#
# - take the standard deviation that divides by $n$ (the default of `np.std`)
# - features that never vary (corners of the images) have deviation 0: do not divide by 0; the result should be 0


# %% tags=["exercise"] name="standardize"
def standardize(train, others):
    ### BEGIN SOLUTION
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.where(std == 0, 1, std)
    return (train - mean) / std, (others - mean) / std
    ### END SOLUTION


# %% tags=["check"] name="standardize"
check("3_4.standardize")

# %% [markdown] tags=["ja"]
# ## 6. 学習後の重みはどこにあるか
#
# 「最終的な重みが0付近に分布するなら、0付近から始めるのが近道だ」というのは本当でしょうか。単位がまちまちなデータで確かめます。
# 特徴量の半分を0.1倍、残りを10倍にしたデータで、そのまま学習させた場合と、標準化してから学習させた場合について、
# 学習後の1層目の重みを比べます。
#
# **予想**: ×0.1の特徴量の重みと×10の特徴量の重みは、学習後にそれぞれどのくらいの大きさになるでしょうか。

# %% [markdown] tags=["en"]
# ## 6. Where do the weights end up?
#
# "If the final weights lie around 0, start around 0, and the way is short." Is that so? Take data in mixed units: half of
# the features scaled by 0.1, the others by 10. Train on them as they are, and standardised, and compare the weights of the first
# layer after training.
#
# **Predict**: how large are the weights of the ×0.1 features, and of the ×10 features, after training?

# %%
units = np.where(np.arange(64) % 2 == 0, 0.1, 10)
raw = x_train * units
finals, losses = {}, {}
if done("3_4.standardize") and done("3_4.saturated"):
    standard, _ = standardize(raw, raw)
    inputs = {"標準化なし": raw, "標準化あり": standard}  # ja
    inputs = {"raw": raw, "standardised": standard}  # en
    for name, x in inputs.items():
        network = Network((64, 50, 10), "tanh", normal(0.1))
        share = saturated(network.activations(x)[1])
        print(f"{name}: 学習前に飽和している割合 {share:.0%}")  # ja
        print(f"{name}: saturated before training {share:.0%}")  # en
        losses[name] = train(network, kobai.SGD(learning_rate=0.1), x, t_train, steps=600)
        for kind, rows in {"×0.1": units == 0.1, "×10": units == 10}.items():
            weights = network.params["W1"][rows]
            finals[f"{name} {kind}"] = weights
            print(f"    {kind:5} 学習後の重み: 標準偏差 {weights.std():.3f}、最大 {np.abs(weights).max():.2f}")  # ja
            print(f"    {kind:5} weights after training: std {weights.std():.3f}, largest {np.abs(weights).max():.2f}")  # en

histograms(finals, columns=4, within=(-0.6, 0.6), title="学習後の1層目の重み（特徴量の単位ごと）")  # ja
histograms(finals, columns=4, within=(-0.6, 0.6), title="First-layer weights after training, by unit")  # en

# %%
falls = {name: np.convolve(values, np.ones(20) / 20, mode="valid") for name, values in losses.items()}
for name, values in losses.items():
    print(f"{name}: 最後の50ステップの損失 {np.mean(values[-50:]):.3f}")  # ja
    print(f"{name}: loss of the last 50 steps {np.mean(values[-50:]):.3f}")  # en
curves(falls, x="ステップ", y="損失（20ステップの平均）", title="標準化の有無と訓練の損失", log=True)  # ja
curves(falls, x="step", y="loss (mean of 20 steps)", title="Training loss with and without standardising", log=True)  # en

# %% [markdown] tags=["ja", "result"]
# - 標準化しないと、×10の特徴量のために、1層目の半分が学習の前から飽和しています。×0.1の特徴量の重みはほとんど動きません
#   （標準偏差は初期値と同じ0.1のままです。勾配が、×10の特徴量の100分の1しかないためです）。ちょうどよい重みの大きさは
#   特徴量の単位によって違うのに、初期値は同じだからです。
# - 標準化すると、どの特徴量の重みも、0を中心に同じくらいのばらつきに収まります。だから**1つの標準偏差**で足ります。
# - 損失の曲線も、標準化したほうが下にあります。最後の50ステップの平均は、標準化なしの0.089に対して、標準化ありでは0.055です。
#   飽和した半分のノードは、学習が進んでもなかなか動かないからです。

# %% [markdown] tags=["en", "result"]
# - As they are, the ×10 features saturate half of the first layer before training has begun. The weights of the ×0.1 features
#   hardly move: their spread is still 0.1, as at the start, for their gradients are a hundredth of the others'. The two need
#   weights of different sizes, and start with the same.
# - Standardised, the weights of all features lie around 0 with a similar spread. That is why *one* standard deviation
#   will do.
# - The curve of the loss is lower, too, with standardised inputs: 0.055 over the last 50 steps, against 0.089. The half of the
#   nodes that is saturated hardly moves while the others learn.

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 良い初期値とは、層を通っても、値のばらつきと勾配のばらつきが保たれるような初期値です。
# - 大きすぎると、大半のノードが飽和して学習できず、残りのノードの勾配が爆発します。小さすぎると、ノードの多様性が失われ、勾配が消失します。
# - 入力の標準化は、初期値の理論が成り立つための前提です。統計量は訓練データだけから計算します。
#
# ### 自己診断
#
# 1. 1層通るごとに標準偏差が0.1倍になるとき、10層目ではどのくらいですか。
# 2. 検証データを検証データ自身の平均と標準偏差で標準化すると、何が問題ですか。
# 3. ReLUには飽和がありません。では$\sigma$が大きすぎても問題ないでしょうか。
#
# <details><summary>答え</summary>
#
# 1. $10^{-10}$です。勾配も同じように縮みます。
# 2. 学習時と違う変換になり、同じ画像が違う入力になります。1件ずつ予測するときには計算すらできません。
# 3. 問題です。層を通るたびに値が大きくなり、出力も勾配も爆発します（勾配爆発）。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - Good initial values keep the spread of values and of gradients from layer to layer.
# - Too large: most nodes are saturated and cannot learn, and the gradients of the others explode. Too small: the nodes lose
#   their variety, and gradients vanish.
# - The theory of initial values takes standardised inputs for granted. Take the statistics from the training data alone.
#
# ### Test yourself
#
# 1. Each layer multiplies the deviation by 0.1. What is left after ten?
# 2. What is wrong with standardising the validation data by their own mean and deviation?
# 3. ReLU does not saturate. Is a large $\sigma$ harmless, then?
#
# <details><summary>Answers</summary>
#
# 1. $10^{-10}$, and gradients shrink likewise.
# 2. It is another transformation than in training, so one image becomes two different inputs; and for a single example
#    it cannot be computed at all.
# 3. No: values grow from layer to layer, and outputs and gradients explode (exploding gradient).
#
# </details>
