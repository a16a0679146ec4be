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
# # 3-5 Xavierの初期値
#
# **この時間で身につけること**
#
# - 「層を通っても分散が変わらない」という条件から、標準偏差$\sqrt{2/(n_1+n_2)}$を導ける
# - Xavierの初期値を実装し、$n_1 \ne n_2$の層で確かめられる
#
# | 内容 | 目安 |
# |---|---|
# | 分散の伝わり方 | 10分 |
# | 実装 | 8分 |
# | 順伝播と逆伝播で確かめる | 12分 |

# %% [markdown] tags=["en", "slide"]
# # 3-5 Xavier's initial values
#
# **What you will be able to do**
#
# - derive the standard deviation $\sqrt{2/(n_1+n_2)}$ from one demand: layers should not change the variance
# - implement it, and test it on layers with $n_1 \ne n_2$
#
# | part | time |
# |---|---|
# | how variance travels | 10 min |
# | implementing it | 8 min |
# | testing it forward and backward | 12 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 1つのノードの分散（4分）
#
# 線形の層$h = xW$で、入力$x_i$は互いに独立で平均0・分散$\mathrm{Var}(x)$、重み$w_{ij}$は平均0・標準偏差$\sigma$とします。
# 1つのノードは$n_1$個の積の和なので、
#
# $$\mathrm{Var}(h_j) = \sum_{i=1}^{n_1} \mathrm{Var}(x_i w_{ij}) = \ ?$$
#
# $n_1$と$\sigma$を受け取って、**分散が1層で何倍になるか**$\mathrm{Var}(h)/\mathrm{Var}(x)$を返す関数を書いてください。
# （平均0の独立な2つの数では、積の分散は分散の積です。）

# %% [markdown] tags=["en", "slide"]
# ## 1. The variance of one node (4 min)
#
# A linear layer $h = xW$. The inputs $x_i$ are independent, of mean 0 and variance $\mathrm{Var}(x)$; the weights
# $w_{ij}$ have mean 0 and standard deviation $\sigma$. A node is a sum of $n_1$ products, so
#
# $$\mathrm{Var}(h_j) = \sum_{i=1}^{n_1} \mathrm{Var}(x_i w_{ij}) = \ ?$$
#
# Write a function that takes $n_1$ and $\sigma$ and returns the factor by which one layer changes the variance,
# $\mathrm{Var}(h)/\mathrm{Var}(x)$. (For two independent numbers of mean 0 the variance of the product is the product of
# the variances.)


# %% tags=["exercise"] name="variance_factor"
def variance_factor(n1, std):
    ### BEGIN SOLUTION
    return n1 * std**2
    ### END SOLUTION


# %% tags=["check"] name="variance_factor"
check("3_5.variance_factor")

# %%
random = np.random.default_rng(0)
if done("3_5.variance_factor"):
    for n1, std in ((100, 0.1), (100, 0.05), (400, 0.1)):
        x, W = random.standard_normal((2000, n1)), std * random.standard_normal((n1, 50))
        print(f"n1={n1}, σ={std}: 理論 {variance_factor(n1, std):.2f}  実測 {(x @ W).var():.2f}")  # ja
        print(f"n1={n1}, σ={std}: theory {variance_factor(n1, std):.2f}  measured {(x @ W).var():.2f}")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 2. 2つの条件と、1つの妥協
#
# - **順伝播**で分散を保つ条件は、$n_1\sigma^2 = 1$です。
# - **逆伝播**では、勾配は$\partial L/\partial x = (\partial L/\partial h) W^\top$、つまり$n_2$個の和です。
#   分散を保つ条件は、$n_2\sigma^2 = 1$です。
#
# $n_1 \ne n_2$なら、両方は満たせません。Glorotらの提案は、2つの条件を足して2で割ることでした。
#
# $$\frac{n_1 + n_2}{2}\,\sigma^2 = 1 \quad\Longrightarrow\quad \sigma = \sqrt{\frac{2}{n_1 + n_2}}$$
#
# ## 3. 実装する（4分）
#
# 形`(n1, n2)`の標準正規乱数`z`は用意してあります。これを使って、Xavierの初期値の重み行列を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 2. Two demands and a compromise
#
# - **Forward** the variance stays if $n_1\sigma^2 = 1$.
# - **Backward** the gradient is $\partial L/\partial x = (\partial L/\partial h) W^\top$, a sum of $n_2$ terms. Its
#   variance stays if $n_2\sigma^2 = 1$.
#
# With $n_1 \ne n_2$ you cannot have both. Glorot and Bengio proposed the mean of the two demands:
#
# $$\frac{n_1 + n_2}{2}\,\sigma^2 = 1 \quad\Longrightarrow\quad \sigma = \sqrt{\frac{2}{n_1 + n_2}}$$
#
# ## 3. Implement it (4 min)
#
# Standard normal numbers `z` of shape `(n1, n2)` are given. Make of them the matrix of Xavier's initial weights.


# %% tags=["exercise"] name="xavier"
def xavier(n1, n2, random):
    z = random.standard_normal((n1, n2))
    ### BEGIN SOLUTION
    return np.sqrt(2 / (n1 + n2)) * z
    ### END SOLUTION


# %% tags=["check"] name="xavier"
check("3_5.xavier")

# %% [markdown] tags=["ja", "slide"]
# ## 4. 層ごとの標準偏差を測る（4分）
#
# レッスン3-4の`layers`と同じ計算をしながら、各層の活性化の**標準偏差**のリストを返してください。

# %% [markdown] tags=["en", "slide"]
# ## 4. The deviation in each layer (4 min)
#
# Compute as in `layers` of lesson 3-4, and return the list of the *standard deviations* of the layers' activations.


# %% tags=["exercise"] name="layer_stds"
def layer_stds(x, weights, f):
    ### BEGIN SOLUTION
    found = []
    for W in weights:
        x = f(x @ W)
        found.append(x.std())
    return found
    ### END SOLUTION


# %% tags=["check"] name="layer_stds"
check("3_5.layer_stds")

# %% [markdown] tags=["ja"]
# **予想**: tanhの10層ネットワークで、$\sigma = 0.01$、$\sigma = 1$、Xavierのとき、標準偏差は層とともにどう変わりますか。

# %% [markdown] tags=["en"]
# **Predict**: ten tanh layers with $\sigma = 0.01$, with $\sigma = 1$, with Xavier. How does the deviation change from
# layer to layer?

# %% tags=["slide"]
widths = [100, 200, 50, 100, 200, 50, 100, 200, 50, 100, 100]
x = np.random.default_rng(1).standard_normal((1000, 100))


def deep(initial, seed=2):
    random = np.random.default_rng(seed)
    return [initial(n1, n2, random) for n1, n2 in zip(widths, widths[1:])]


stds = {}
if done("3_5.xavier") and done("3_5.layer_stds"):
    stds = {
        "σ=0.01": layer_stds(x, deep(lambda n1, n2, r: 0.01 * r.standard_normal((n1, n2))), np.tanh),
        "σ=1": layer_stds(x, deep(lambda n1, n2, r: r.standard_normal((n1, n2))), np.tanh),
        "Xavier": layer_stds(x, deep(xavier), np.tanh),
    }

curves(stds, x="層", y="標準偏差", title="tanhの活性化の標準偏差", log=True)  # ja
curves(stds, x="layer", y="standard deviation", title="Spread of tanh activations", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# $\sigma = 0.01$では層を通るたびに10分の1ほどになり、$\sigma = 1$では±1に張り付いたままです。Xavierでも、原点を離れるとtanhの傾きは1より
# 小さいので、層とともにゆっくり下がりますが、桁が変わることはありません。

# %% [markdown] tags=["en", "result", "slide"]
# With $\sigma = 0.01$ about a tenth is left after each layer; with $\sigma = 1$ the outputs stick to ±1. Even with Xavier the spread falls
# slowly, for tanh has a slope below 1 away from the origin, but it stays within the same order of magnitude.

# %% [markdown] tags=["ja"]
# 逆伝播でも確かめます。出力側に標準偏差1の勾配を入れます。
#
# **予想**: **勾配**の標準偏差は、出力側から入力側へ、どう変わるでしょうか。飽和する$\sigma = 1$ではどうでしょうか。

# %% [markdown] tags=["en"]
# Now backward: gradients of deviation 1 enter at the output.
#
# **Predict**: how does the spread of the *gradients* change from the output to the inputs? And with $\sigma = 1$, which
# saturates?


# %% tags=["slide"]
def backward_stds(x, weights):
    # ja: 出力に標準正規の勾配を入れ、各層の入力の勾配の標準偏差を、出力側から順に返します
    # en: unit-normal gradients enter at the output; the deviations of the layers' gradients, from the output on
    a = [x]
    for W in weights:
        a.append(np.tanh(a[-1] @ W))
    g, found = np.random.default_rng(3).standard_normal(a[-1].shape), []
    for W, out in zip(reversed(weights), reversed(a)):
        g = (g * (1 - out**2)) @ W.T
        found.append(g.std())
    return found


stds = {}
if done("3_5.xavier"):
    stds = {
        "σ=0.01": backward_stds(x, deep(lambda n1, n2, r: 0.01 * r.standard_normal((n1, n2)))),
        "σ=1": backward_stds(x, deep(lambda n1, n2, r: r.standard_normal((n1, n2)))),
        "√(1/n₁)": backward_stds(x, deep(lambda n1, n2, r: r.standard_normal((n1, n2)) / np.sqrt(n1))),
        "Xavier": backward_stds(x, deep(xavier)),
    }

curves(stds, x="出力からの層の数", y="標準偏差", title="勾配の標準偏差", log=True)  # ja
curves(stds, x="layers from the output", y="standard deviation", title="Spread of the gradients", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# - $\sigma = 0.01$では、10層で勾配がほぼ消えます（**勾配消失**）。$\sigma = 1$では、大半のノードが飽和しているのに、勾配全体は
#   層をさかのぼるほど大きくなります（**勾配爆発**）。レッスン3-4と同じで、飽和したノードでは勾配が消える一方、飽和していない
#   わずかなノードを通る勾配には、大きな重みが何度も掛かるためです。
# - $\sqrt{1/n_1}$は、順伝播の条件だけを満たす選び方です。図ではXavierとほとんど重なります。幅が100 → 200 → 50 → 100と元に戻るので、
#   広がる層と狭まる層の効果が打ち消し合うためです。1層だけを見ると、200 → 50の層で勾配の分散は、$\sqrt{1/n_1}$なら
#   $n_2\sigma^2 = 0.25$倍、Xavierなら0.4倍です。
# - $n_1 = n_2$の層では、この2つは同じです。そのような層だけで試すと、2つを取り違えていても気づけません。**必ず$n_1 \ne n_2$の層でも試しましょう**。

# %% [markdown] tags=["en", "result", "slide"]
# - With $\sigma = 0.01$ the gradient is all but gone after ten layers (**vanishing gradient**). With $\sigma = 1$ most nodes are
#   saturated, and yet the gradient as a whole grows from layer to layer (**exploding gradient**). As in lesson 3-4: it
#   vanishes in the saturated nodes, but what passes through the few others is multiplied by large weights again and again.
# - $\sqrt{1/n_1}$ meets the demand of the forward pass alone. In the figure it almost coincides with Xavier, for the widths
#   100 → 200 → 50 → 100 come back to where they were: what widening layers do, narrowing ones undo. In a single layer 200 → 50
#   the variance of the gradient is multiplied by $n_2\sigma^2 = 0.25$ with $\sqrt{1/n_1}$, by 0.4 with Xavier.
# - In a square layer the two are equal, so tests on square layers cannot see them confused. **Always test with $n_1 \ne n_2$.**

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 分散は1層で$n_1\sigma^2$倍（順伝播）、$n_2\sigma^2$倍（逆伝播）になります。
# - Xavierの$\sigma = \sqrt{2/(n_1+n_2)}$は両者の妥協です。原点付近で線形とみなせるsigmoidやtanhに向いています。
# - 100 → 50の層なら$\sigma = \sqrt{2/150} \approx 0.115$です。
#
# ### 自己診断
#
# 1. 全層が同じ幅$n$のとき、Xavierの$\sigma$はいくつですか。レッスン3-4の$\sigma = 0.1$とは、どのような関係にありますか。
# 2. 分散を$[-a, a]$の一様分布で実現するには、$a$をいくつにしますか。
# 3. バイアスの初期値が0でよいのはなぜですか。
#
# <details><summary>答え</summary>
#
# 1. $\sqrt{1/n}$です。$n = 100$では0.1で、偶然ではありませんでした。
# 2. 一様分布の分散は$a^2/3$なので、$a = \sqrt{6/(n_1+n_2)}$です。
# 3. 対称性は重みの乱数が破るからです（レッスン3-3）。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - A layer multiplies the variance by $n_1\sigma^2$ going forward, by $n_2\sigma^2$ going backward.
# - Xavier's $\sigma = \sqrt{2/(n_1+n_2)}$ is a compromise, for activations that are nearly linear around the origin:
#   sigmoid, tanh.
# - For a layer 100 → 50 it is $\sqrt{2/150} \approx 0.115$.
#
# ### Test yourself
#
# 1. All layers have the same width $n$. What is Xavier's $\sigma$, and how is it related to $\sigma = 0.1$ of 3-4?
# 2. You want that variance from a uniform distribution on $[-a, a]$. What is $a$?
# 3. Why may biases start at 0?
#
# <details><summary>Answers</summary>
#
# 1. $\sqrt{1/n}$: 0.1 for $n = 100$. It was no coincidence.
# 2. A uniform distribution has the variance $a^2/3$, so $a = \sqrt{6/(n_1+n_2)}$.
# 3. The random weights break the symmetry (lesson 3-3).
#
# </details>
