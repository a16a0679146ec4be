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
# # 3-3 重みの初期値: 固定値
#
# このノートブックに穴埋めはありません。**予想する → 実行する → 説明する**の順で進めます（20分）。
# 予想は、必ず実行する前に紙に書いてください。外れた予想からこそ、多くを学べます。
#
# **問い**: 重みの初期値をすべて同じ値にすると、何が起きるでしょうか。

# %% [markdown] tags=["en", "slide"]
# # 3-3 Initial weights: all equal
#
# Nothing to fill in here: **predict, run, explain** (20 min). Write each prediction on paper before you run the cell.
# You learn most from the predictions that fail.
#
# **Question**: what happens when all initial weights have the same value?

# %%
import numpy as np

import kobai
from kobai.course.figures import curves, heat
from kobai.course.network import Network, constant, normal, standardized, train
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

images, labels, part = load()
x_train, x_validation = standardized(images[part == 0].astype(float), images[part == 1].astype(float))
t_train, t_validation = labels[part == 0], labels[part == 1]

# %% [markdown] tags=["ja", "slide"]
# ## 実験1: 順伝播（5分）
#
# 隠れ層が5ノードのtanhネットワーク（64 → 5 → 10）を、すべての重みを0.1にして作ります。
#
# **予想**: 1枚の画像を入れたとき、5つのノードの出力はどうなりますか。

# %% [markdown] tags=["en", "slide"]
# ## Experiment 1: forward (5 min)
#
# A tanh network with 5 hidden nodes (64 → 5 → 10), every weight 0.1.
#
# **Predict**: you put in one image. What are the outputs of the five nodes?

# %% tags=["slide"]
equal = Network((64, 5, 10), "tanh", constant(0.1))
mixed = Network((64, 5, 10), "tanh", normal(0.1))
rows = [network.activations(x_train[:1])[1][0] for network in (equal, mixed)]
nodes = [f"{i}" for i in range(1, 6)]
heat(rows, ["すべて0.1", "正規分布σ=0.1"], nodes, title="1枚の画像に対する、隠れ層の5ノードの出力")  # ja
heat(rows, ["all 0.1", "normal σ=0.1"], nodes, title="Outputs of the five hidden nodes for one image")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# すべて0.1なら、5つのノードの出力はどれも同じです。重みが等しいので、どのノードも同じ計算をするからです。乱数なら、ノードごとに違います。

# %% [markdown] tags=["en", "result", "slide"]
# With all weights 0.1 the five outputs are equal, for every node computes the same. With random weights each says something else.

# %% [markdown] tags=["ja", "slide"]
# ## 実験2: 逆伝播（5分）
#
# **予想**: では、勾配はどうでしょうか。10ステップ学習させた後で、$\partial L/\partial W_1$の5つの列
# （5つのノードへの重み）は、互いに異なりますか。重みがすべて**0**のときはどうですか。

# %% [markdown] tags=["en", "slide"]
# ## Experiment 2: backward (5 min)
#
# **Predict**: and the gradients? After ten steps of training, do the five columns of $\partial L/\partial W_1$, the
# weights into the five nodes, differ? And when every weight was **0** at the start?

# %% tags=["slide"]
zero = Network((64, 5, 10), "tanh", constant(0.0))
print("max |∂L/∂W1|          列どうしの差の最大値")  # ja
print("max |∂L/∂W1|          largest difference between columns")  # en
for name, network in {"0": zero, "0.1": equal, "σ=0.1": mixed}.items():
    train(network, kobai.SGD(learning_rate=0.1), x_train, t_train, steps=10)
    _, grads = network.gradient(x_train[:128], t_train[:128])
    g = grads["W1"]
    print(f"{name:6} {np.abs(g).max():12.6f} {np.abs(g - g[:, :1]).max():12.6f}")

# %% [markdown] tags=["ja", "result", "slide"]
# - すべて0.1: 列がどれも同じです（違いは丸め誤差だけです）。同じ重みに同じ勾配が来れば、更新した後もやはり同じです。
# - すべて0: $W_1$の勾配そのものが0です。上流の勾配は$W_2^\top = 0$を通って戻り、その$W_2$の勾配も、
#   隠れ層の出力が0なので0です。動くのは出力層のバイアスだけです。

# %% [markdown] tags=["en", "result", "slide"]
# - All 0.1: the columns are alike, but for rounding. Equal weights with equal gradients stay equal after the update.
# - All 0: the gradient of $W_1$ itself is zero, for it comes back through $W_2^\top = 0$; and so is that of $W_2$, for
#   the hidden layer says 0. Only the biases of the last layer move.

# %% [markdown] tags=["ja", "slide"]
# ## 実験3: 学習させる（5分）
#
# **予想**: 300ステップ学習させた後、隠れ層のノードは何種類になっているでしょうか。正解率はどのくらいでしょうか。
# 隠れ層を5ノードから100ノードに増やすと、正解率は上がりますか。

# %% [markdown] tags=["en", "slide"]
# ## Experiment 3: training (5 min)
#
# **Predict**: after 300 steps, how many different hidden nodes are there? How good is the network? Does it get better
# with 100 hidden nodes instead of 5?

# %% tags=["slide"]
losses = {}
print("初期値         ノード  種類  検証データの正解率")  # ja
print("initial value  nodes  kinds  validation accuracy")  # en
for name, initial in {"0": constant(0.0), "0.1": constant(0.1), "σ=0.1": normal(0.1)}.items():
    for hidden in (5, 100):
        network = Network((64, hidden, 10), "tanh", initial)
        values = train(network, kobai.SGD(learning_rate=0.1), x_train, t_train)
        losses[f"{name}, {hidden}"] = values
        kinds = len(np.unique(network.params["W1"].round(6), axis=1).T)
        print(f"{name:14} {hidden:5} {kinds:6} {network.accuracy(x_validation, t_validation):8.3f}")

curves(losses, x="ステップ", y="損失", title="訓練の損失（初期値、隠れ層のノード数）")  # ja
curves(losses, x="step", y="loss", title="Training loss (initial value, hidden nodes)")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# すべて0.1では、隠れ層のノードは300ステップ後も1種類のままで、正解率は5ノードで22%、100ノードで13%です。すべて0では10%で、
# でたらめに答えるのと変わりません。乱数なら、5ノードで約86%、100ノードで約95%になります。

# %% [markdown] tags=["en", "result", "slide"]
# With all weights 0.1 there is one kind of hidden node after 300 steps, too, and an accuracy of 22 % with 5 nodes, 13 % with 100. All
# 0 gives 10 %, as guessing would. Random weights reach about 86 % with 5 nodes, 95 % with 100.

# %% [markdown] tags=["ja"]
# ## 説明する（5分）
#
# 隣の人に、次の3つを自分の言葉で説明してください。
#
# 1. 初期値がすべて0.1のとき、100ノードのネットワークは、本当は何ノードのネットワークと同じでしょうか。
# 2. 5ノードと100ノードとで結果が少し違うのはなぜでしょうか（同じノードが100個あると、何が変わりますか）。
# 3. 最適化手法をAdamに替えれば解決するでしょうか。まず予想してから、`train`の引数を替えて確かめてください。
#
# <details><summary>考え方</summary>
#
# 1. 1ノードです。列がずっと等しいので、隠れ層の出力は1種類しかありません。10クラスを1つの数で見分けることになります。
# 2. 出力は同じノードの和なので、ノード数が増えると、同じ変化が何倍にもなって効きます。実質的な学習率が変わるからです。
# 3. 解決しません。等しい重みに等しい勾配が来れば、どの更新則でも（内部状態も等しいので）等しい更新になります。
#    **対称性を破れるのは初期値だけです**（ドロップアウトのような乱数を別にすれば）。
#
# </details>

# %% [markdown] tags=["en"]
# ## Explain (5 min)
#
# Explain to your neighbour, in your own words:
#
# 1. With all weights 0.1 at the start, how many nodes does the network of 100 nodes really have?
# 2. Why do 5 and 100 nodes differ a little all the same? What changes when there are 100 copies of one node?
# 3. Would Adam solve it? Predict first; then change the argument of `train` and see.
#
# <details><summary>One way to see it</summary>
#
# 1. One: the columns stay equal, so the hidden layer says one thing only. One number must tell ten classes apart.
# 2. The scores are sums over equal nodes, so with more of them the same change counts several times: in effect the
#    learning rate is another.
# 3. No. Equal weights with equal gradients have equal memories and get equal updates, whatever the rule. **Only the
#    initial values can break the symmetry** (or randomness such as dropout).
#
# </details>

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - すべての重みを同じ値にすると、同じ層のノードはいつまでも互いのコピーのままで、層全体でも1ノード分の働きしかしません。
# - 0にすると、出力層のバイアスしか学習できません。
# - バイアスは0で始めてかまいません。対称性は重みが破ってくれるからです。
#
# ### 自己診断
#
# 1. $W_1$だけを乱数にし、$W_2$をすべて0にすると、学習は進みますか。
# 2. 同じ列を持つ層の重み行列のランクはいくつですか。
# 3. 2つのノードの初期値がほんのわずか（$10^{-6}$）違うだけなら、どうなるでしょうか。
#
# <details><summary>答え</summary>
#
# 1. 進みます。最初の1ステップで$W_1$の勾配は0ですが、$W_2$はノードごとに異なる勾配を受けて動き、次から$W_1$も動きます。
# 2. 1です。
# 3. 違いは少しずつ広がりますが、しばらくは1ノードのようにふるまいます。「適度なばらつき」が必要なのは、そのためです。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - With all weights equal the nodes of a layer stay copies of one another for ever, and the layer does the work of one.
# - With all weights zero only the biases of the last layer learn.
# - Biases may start at zero: the weights break the symmetry.
#
# ### Test yourself
#
# 1. Only $W_1$ is random, $W_2$ all zero. Does it learn?
# 2. What is the rank of a weight matrix with equal columns?
# 3. Two nodes start with a tiny difference, $10^{-6}$. What happens?
#
# <details><summary>Answers</summary>
#
# 1. Yes. In the first step the gradient of $W_1$ is zero, but $W_2$ gets gradients that differ from node to node; from
#    then on $W_1$ moves as well.
# 2. One.
# 3. The difference grows, but for a while the two act as one. That is why initial values need a *fair* spread.
#
# </details>
