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
# # 3-6 Heの初期値
#
# **この時間で身につけること**
#
# - ReLUが2乗の平均を半分にすることを、自分の計算で確かめられる
# - Heの初期値$\sigma = \sqrt{2/n_1}$を実装し、どこから2が来るのかを説明できる
# - 活性化関数（sigmoid、tanh、ReLU）と初期値（Xavier、He）の相性を、表にして比べられる
#
# | 内容 | 目安 |
# |---|---|
# | ReLUと分散、実装 | 16分 |
# | 組み合わせの表 | 10分 |
# | 学習で確かめる | 8分 |

# %% [markdown] tags=["en", "slide"]
# # 3-6 He's initial values
#
# **What you will be able to do**
#
# - see by your own computation that ReLU halves the mean square
# - implement He's $\sigma = \sqrt{2/n_1}$, and say where the 2 comes from
# - compare activations {sigmoid, tanh, ReLU} and initial values {Xavier, He} in one table
#
# | part | time |
# |---|---|
# | ReLU and variance, implementing | 16 min |
# | the table of combinations | 10 min |
# | the proof in training | 8 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves, heat, histograms, lines
from kobai.course.network import Network, standardized, train
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. ReLUは何を半分にするのか（4分）
#
# 次の層の分散$\mathrm{Var}(h) = n_1\sigma^2\,\mathrm{E}[a^2]$を決めるのは、活性化の分散ではなく**2乗の平均**$\mathrm{E}[a^2]$です
# （ReLUの出力は平均が0ではないので、この2つは違います）。
#
# 配列`h`を受け取り、**ReLUを通した後の2乗の平均**を、通す前の2乗の平均で割った比を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 1. What does ReLU halve? (4 min)
#
# The variance of the next layer, $\mathrm{Var}(h) = n_1\sigma^2\,\mathrm{E}[a^2]$, is set not by the variance of the
# activations but by their **mean square** $\mathrm{E}[a^2]$ (the outputs of ReLU do not have mean 0, so the two differ).
#
# Given an array `h`, return the mean square *after ReLU*, divided by the mean square before it.


# %% tags=["exercise"] name="relu_factor"
def relu_factor(h):
    ### BEGIN SOLUTION
    return (np.maximum(h, 0) ** 2).mean() / (h**2).mean()
    ### END SOLUTION


# %% tags=["check"] name="relu_factor"
check("3_6.relu_factor")

# %%
if done("3_6.relu_factor"):
    h = np.random.default_rng(0).standard_normal(100_000)
    print(f"{relu_factor(h):.3f}")

# %% [markdown] tags=["ja", "slide"]
# 0を中心に対称な分布なら、半分の要素が0になり、2乗の平均はちょうど半分になります。
# 分散を保つ条件は$n_1\sigma^2 \cdot \tfrac12 = 1$、したがって
#
# $$\sigma = \sqrt{\frac{2}{n_1}}$$
#
# ## 2. 実装する（3分）

# %% [markdown] tags=["en", "slide"]
# For a distribution symmetric around 0 half of the entries become 0, and the mean square is halved exactly. The variance
# stays if $n_1\sigma^2 \cdot \tfrac12 = 1$, hence
#
# $$\sigma = \sqrt{\frac{2}{n_1}}$$
#
# ## 2. Implement it (3 min)


# %% tags=["exercise"] name="he"
def he(n1, n2, random):
    z = random.standard_normal((n1, n2))
    ### BEGIN SOLUTION
    return np.sqrt(2 / n1) * z
    ### END SOLUTION


# %% tags=["check"] name="he"
check("3_6.he")

# %% [markdown] tags=["ja", "slide"]
# ### Xavierとの広がりの違い
#
# Xavierの$\sqrt{2/(n_1+n_2)}$とHeの$\sqrt{2/n_1}$を、実際の重みで比べます。
#
# **予想**: Heの標準偏差は、Xavierの何倍でしょうか。$n_2$が大きくなると、その倍率は増えるでしょうか、減るでしょうか。

# %% [markdown] tags=["en", "slide"]
# ### How much wider than Xavier
#
# Xavier's $\sqrt{2/(n_1+n_2)}$ and He's $\sqrt{2/n_1}$, in real weights.
#
# **Predict**: by what factor is the deviation of He's weights larger? As $n_2$ grows, does that factor grow or fall?

# %% tags=["slide"]
def xavier(n1, n2, random):
    return np.sqrt(2 / (n1 + n2)) * random.standard_normal((n1, n2))


bells, edges = {}, np.linspace(-0.6, 0.6, 61)
if done("3_6.he"):
    for n1, n2 in ((100, 50), (100, 100), (100, 300)):
        both = {"Xavier": xavier, "He": he}
        weights = {name: initial(n1, n2, np.random.default_rng(0)) for name, initial in both.items()}
        wide, narrow = weights["He"].std(), weights["Xavier"].std()
        print(f"n1={n1}, n2={n2}: Xavier {narrow:.3f}  He {wide:.3f}  He/Xavier {wide / narrow:.2f}")
        if n2 == n1:
            bells = {name: np.histogram(w, edges, density=True)[0] for name, w in weights.items()}

middles = (edges[1:] + edges[:-1]) / 2
lines(middles, bells, across="w", up="密度", title="100 → 100の層の初期値の分布")  # ja
lines(middles, bells, across="w", up="density", title="The initial weights of a layer 100 → 100")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# Heの初期値は、Xavierより**広がりのある**分布です。倍率は$\sqrt{(n_1+n_2)/n_1}$で、$n_2 = 50$なら1.22倍、$n_2 = 100$なら1.41倍、
# $n_2 = 300$なら2.00倍です。広げた分が、ReLUで失われる分散を補います。

# %% [markdown] tags=["en", "result", "slide"]
# He's initial values are **wider**, by the factor $\sqrt{(n_1+n_2)/n_1}$: 1.22 with $n_2 = 50$, 1.41 with $n_2 = 100$, 2.00 with
# $n_2 = 300$. The additional width makes up for what ReLU takes away.

# %% [markdown] tags=["ja", "slide"]
# ## 3. 組み合わせを測る（6分）
#
# 幅のリスト`widths`（入力の次元から）、活性化関数`f`、初期値の関数`initial(n1, n2, random)`を受け取り、
# **最後の層**の活性化の標準偏差を返してください。重みは、同じ`random`から前の層の順に作ります。

# %% [markdown] tags=["en", "slide"]
# ## 3. Measure a combination (6 min)
#
# Given the list `widths` (beginning with the inputs), an activation `f` and a function `initial(n1, n2, random)`, return
# the standard deviation of the activations in the *last* layer. Make the weights from the one `random`, first layer
# first.


# %% tags=["exercise"] name="spread"
def spread(x, widths, f, initial, random):
    ### BEGIN SOLUTION
    for n1, n2 in zip(widths, widths[1:]):
        x = f(x @ initial(n1, n2, random))
    return x.std()
    ### END SOLUTION


# %% tags=["check"] name="spread"
check("3_6.spread")

# %% [markdown] tags=["ja", "slide"]
# 100ノードの層を5つ重ね、10個のシードの平均を表にします。
#
# **予想**: 3つの活性化関数それぞれで、標準偏差が適度に（0.1〜1程度）保たれるのはXavierとHeのどちらでしょうか。

# %% [markdown] tags=["en", "slide"]
# Five layers of 100 nodes, the mean over 10 seeds, as a table.
#
# **Predict**: for each activation, which of Xavier and He keeps a fair spread (about 0.1 to 1)?


# %% tags=["slide"]
functions = {
    "sigmoid": lambda h: 1 / (1 + np.exp(-h)),
    "tanh": np.tanh,
    "ReLU": lambda h: np.maximum(h, 0),
}
x = np.random.default_rng(0).standard_normal((300, 100))
table = []
if done("3_6.he") and done("3_6.spread"):
    for f in functions.values():
        seeds = [
            [spread(x, [100] * 6, f, i, np.random.default_rng(s)) for s in range(10)] for i in (xavier, he)
        ]
        table.append([np.mean(values) for values in seeds])

title = "5層目の活性化の標準偏差"  # ja
title = "Standard deviation of the activations in layer 5"  # en
heat(table, list(functions), ["Xavier", "He"], title=title)

# %% [markdown] tags=["ja", "result", "slide"]
# - **ReLU**: Heなら0.86に保たれます。Xavierでは1層ごとに$1/\sqrt2$倍になり、5層でおよそ6分の1の0.15に縮みます。
# - **tanh**: Xavierで0.32、Heで0.57と、どちらも適度な範囲に収まります。5層なら、違いは大きな問題になりません。
# - **sigmoid**: どちらでも標準偏差は小さくなります（0.12と0.17）。出力の中心が0ではなく0.5で、傾きも最大0.25しかないからです。
#   「Xavierはsigmoidとtanhのためのもの」とよく言われますが、深いsigmoidのネットワークは初期値だけでは救えません。

# %% [markdown] tags=["en", "result", "slide"]
# - **ReLU**: with He 0.86 is kept. With Xavier every layer multiplies by $1/\sqrt2$: after five about a sixth is left, 0.15.
# - **tanh**: 0.32 with Xavier, 0.57 with He: both are fair. In five layers the difference does little harm.
# - **sigmoid**: the spread gets small with either (0.12 and 0.17), for its outputs centre on 0.5, not 0, and its slope is 0.25 at most.
#   "Xavier is for sigmoid and tanh", one reads; but a deep network of sigmoids cannot be saved by initial values alone.

# %% [markdown] tags=["ja", "slide"]
# ## 4. 分布で見る

# %% [markdown] tags=["en", "slide"]
# ## 4. As distributions

# %% tags=["slide"]
shown = {}
if done("3_6.he"):
    for name, initial in {"Xavier": xavier, "He": he}.items():
        random, a = np.random.default_rng(0), x
        for layer in range(1, 6):
            a = np.maximum(a @ initial(100, 100, random), 0)
            shown[f"{name}, {layer}"] = a[a > 0]

title = "ReLUの活性化の分布（0より大きいものだけ。初期値、層）"  # ja
title = "Distribution of ReLU activations above 0 (initial value, layer)"  # en
histograms(shown, within=(0, 4), title=title)

# %% [markdown] tags=["ja", "slide"]
# Xavierでは、層を通るたびに分布が0のほうへ縮んでいきます。Heでは、広がりがほとんど変わりません。
#
# ## 5. 学習で確かめる
#
# 64 → 50 → 50 → 50 → 50 → 50 → 10のReLUネットワークに、手書き数字を学習させます。
#
# **予想**: $\sigma = 0.01$、Xavier、Heで、損失が1を下回るまでのステップ数は、どのくらい違うでしょうか。

# %% [markdown] tags=["en", "slide"]
# With Xavier the distribution shrinks towards 0 from layer to layer. With He its spread hardly changes.
#
# ## 5. The proof in training
#
# A ReLU network 64 → 50 → 50 → 50 → 50 → 50 → 10 learns the digits.
#
# **Predict**: with $\sigma = 0.01$, Xavier and He, how many steps are there until the loss is below 1?

# %%
images, labels, part = load()
(x_train,) = standardized(images[part == 0].astype(float))
losses = {}
if done("3_6.he"):
    small = lambda n1, n2, random: 0.01 * random.standard_normal((n1, n2))
    for name, initial in {"σ=0.01": small, "Xavier": xavier, "He": he}.items():
        network = Network((64, 50, 50, 50, 50, 50, 10), "relu", initial)
        values = train(network, kobai.SGD(learning_rate=0.05), x_train, labels[part == 0], steps=250)
        losses[name] = np.convolve(values, np.ones(10) / 10, mode="valid")
        below = losses[name] < 1
        print(f"{name:7} {int(below.argmax()) + 10 if below.any() else '–'}")

curves(losses, x="ステップ", y="損失（10ステップの平均）", title="6層のReLUネットワーク")  # ja
curves(losses, x="step", y="loss (mean of 10 steps)", title="A ReLU network of six layers")  # en

# %% [markdown] tags=["ja", "result"]
# 損失が1を下回るまでに、Heは35ステップ、Xavierは89ステップかかります。$\sigma = 0.01$では、250ステップたっても損失がほとんど下がりません。

# %% [markdown] tags=["en", "result"]
# Until the loss is below 1 He takes 35 steps, Xavier 89. With $\sigma = 0.01$ it has not stirred after 250.

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - ReLUは2乗の平均を半分にします。Heの$\sqrt{2/n_1}$の2は、それを補うためのものです。
# - 初期値は活性化関数とセットで選びます。選び方を誤った影響は、層を重ねるごとに掛け算で大きくなります。
# - kobaiでも同じことを測れます: `kobai.probe("he", activation="relu")`
#
# ### 自己診断
#
# 1. ReLUの20層ネットワークにXavierを使うと（$n_1 = n_2$）、標準偏差は何倍になりますか。
# 2. Heの式に$n_2$が現れないのはなぜでしょうか。
# 3. 負の側の傾きが0.1のLeaky ReLUなら、$\sigma$はどうすればよいですか。
#
# <details><summary>答え</summary>
#
# 1. $(1/\sqrt2)^{20} \approx 1/1000$です。
# 2. 順伝播の条件だけを満たすように決めているからです（逆伝播だけを考えて$\sqrt{2/n_2}$としても、実用上は問題ありません）。
# 3. 2乗の平均は$(1 + 0.1^2)/2$倍になるので、$\sigma = \sqrt{2/(1.01\,n_1)}$です。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - ReLU halves the mean square. The 2 in He's $\sqrt{2/n_1}$ makes up for it.
# - Initial values are chosen together with the activation. The deeper the network, the more a wrong choice costs: layer
#   by layer it multiplies.
# - kobai measures the same: `kobai.probe("he", activation="relu")`
#
# ### Test yourself
#
# 1. A ReLU network of 20 layers with Xavier ($n_1 = n_2$): by what factor does the spread change?
# 2. Why is there no $n_2$ in He's formula?
# 3. A leaky ReLU has slope 0.1 on the negative side. What should $\sigma$ be?
#
# <details><summary>Answers</summary>
#
# 1. $(1/\sqrt2)^{20} \approx 1/1000$.
# 2. It meets the demand of the forward pass alone. (The backward one alone, $\sqrt{2/n_2}$, works in practice, too.)
# 3. The mean square is multiplied by $(1 + 0.1^2)/2$, so $\sigma = \sqrt{2/(1.01\,n_1)}$.
#
# </details>
