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
# # 3-2 更新則でネットワークを学習させる
#
# **この時間で身につけること**
#
# - アフィン層の順伝播と逆伝播、ソフトマックスと交差エントロピー誤差を、NumPyで書ける
# - 自分の勾配が正しいことを、数値微分で確かめられる
# - 同じネットワークを7つの手法で学習させ、お椀の上での結果と比べられる
#
# | 内容 | 目安 |
# |---|---|
# | アフィン層、損失 | 20分 |
# | 数値微分で確かめる | 10分 |
# | 学習ループ、手法の比較 | 15分 |
# | グループワーク | 15分 + 発表15分 |

# %% [markdown] tags=["en", "slide"]
# # 3-2 Training a network with them
#
# **What you will be able to do**
#
# - write the forward and backward pass of an affine layer, and softmax with cross-entropy, in NumPy
# - make sure with finite differences that your gradients are right
# - train one network with seven rules, and hold the result against what you saw on the bowl
#
# | part | time |
# |---|---|
# | affine layer, loss | 20 min |
# | checking with finite differences | 10 min |
# | training loop, comparison | 15 min |
# | group work | 15 min + 15 min to present |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

images, labels, part = load()
x_train, t_train = images[part == 0].astype(float), labels[part == 0]
x_validation, t_validation = images[part == 1].astype(float), labels[part == 1]
print("訓練:", x_train.shape, " 検証:", x_validation.shape)  # ja
print("training:", x_train.shape, " validation:", x_validation.shape)  # en

# %% [markdown] tags=["ja", "slide"]
# データは手書き数字（8×8画素、0〜1に正規化済み）です。1行が1枚の画像で、`t`は0〜9の正解ラベルです。
#
# ## 1. アフィン層の順伝播（3分）
#
# $$Y = XW + b$$
#
# $X$は`(N, n₁)`、$W$は`(n₁, n₂)`、$b$は`(n₂,)`です。

# %% [markdown] tags=["en", "slide"]
# The data are handwritten digits (8×8 pixels, scaled to 0 … 1): a row is an image, `t` holds the labels 0 … 9.
#
# ## 1. Affine layer, forward (3 min)
#
# $$Y = XW + b$$
#
# $X$ is `(N, n₁)`, $W$ is `(n₁, n₂)`, $b$ is `(n₂,)`.


# %% tags=["exercise"] name="affine_forward"
def affine_forward(x, W, b):
    ### BEGIN SOLUTION
    return x @ W + b
    ### END SOLUTION


# %% tags=["check"] name="affine_forward"
check("3_2.affine_forward")

# %% [markdown] tags=["ja", "slide"]
# ## 2. アフィン層の逆伝播（6分）
#
# 上流から$\partial L/\partial Y$(`dy`)を受け取り、$\partial L/\partial X$、$\partial L/\partial W$、$\partial L/\partial b$を
# この順に返してください。**どれも、微分する変数と同じ形になります**。迷ったら形を合わせることから始めましょう。

# %% [markdown] tags=["en", "slide"]
# ## 2. Affine layer, backward (6 min)
#
# From above comes $\partial L/\partial Y$ (`dy`). Return $\partial L/\partial X$, $\partial L/\partial W$ and
# $\partial L/\partial b$, in this order. **Each has the shape of what you differentiate by**: if in doubt, make the
# shapes fit.


# %% tags=["exercise"] name="affine_backward"
def affine_backward(dy, x, W):
    ### BEGIN SOLUTION
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %% tags=["check"] name="affine_backward"
check("3_2.affine_backward")

# %% [markdown] tags=["ja", "slide"]
# ## 3. ソフトマックスと交差エントロピー誤差（8分）
#
# 出力層のスコア$s$(`(N, クラス数)`)を確率に変換し、正解ラベルの確率の対数をとります。
#
# $$p_{ik} = \frac{e^{s_{ik}}}{\sum_j e^{s_{ij}}}, \qquad
# L = -\frac{1}{N}\sum_{i} \log p_{i,t_i}, \qquad
# \frac{\partial L}{\partial s_{ik}} = \frac{1}{N}\left(p_{ik} - [k = t_i]\right)$$
#
# 損失`L`と勾配`ds`の組を返してください。注意することが2つあります。
#
# - スコアが大きいと`np.exp`がオーバーフローします。行ごとの最大値を引いても、確率は変わりません。
# - $1/N$は損失にも勾配にも必要です。

# %% [markdown] tags=["en", "slide"]
# ## 3. Softmax with cross-entropy (8 min)
#
# Turn the scores $s$ of the last layer, `(N, classes)`, into probabilities, and take the logarithm of that of the right
# label:
#
# $$p_{ik} = \frac{e^{s_{ik}}}{\sum_j e^{s_{ij}}}, \qquad
# L = -\frac{1}{N}\sum_{i} \log p_{i,t_i}, \qquad
# \frac{\partial L}{\partial s_{ik}} = \frac{1}{N}\left(p_{ik} - [k = t_i]\right)$$
#
# Return the pair of the loss `L` and the gradient `ds`. Mind two things:
#
# - for large scores `np.exp` overflows; subtracting the largest of each row changes no probability
# - $1/N$ belongs to the loss and to the gradient


# %% tags=["exercise"] name="softmax_loss"
def softmax_loss(scores, t):
    ### BEGIN SOLUTION
    count = len(scores)
    shifted = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    right = (np.arange(count), t)
    loss = -np.log(p[right]).mean()
    ds = p.copy()
    ds[right] -= 1
    return loss, ds / count
    ### END SOLUTION


# %% tags=["check"] name="softmax_loss"
check("3_2.softmax_loss")

# %% [markdown] tags=["ja", "slide"]
# ## 4. 数値微分（6分）
#
# 逆伝播のコードは、間違っていても動いてしまいます。そこで、微分の定義に近い計算で確かめます。
# 配列`x`の要素を1つずつ前後に$h$だけ動かし、**中心差分**
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}$$
#
# を`x`と同じ形の配列にして返してください。`f`は配列を受け取って1つの数を返す関数です。
# `x`は何次元でもかまいません（ヒント: `np.ndindex(x.shape)`）。**動かした要素は、元に戻してください**。

# %% [markdown] tags=["en", "slide"]
# ## 4. Finite differences (6 min)
#
# Code for back-propagation runs happily when it is wrong. So check it against something close to the definition of a
# derivative: move one entry of the array `x` at a time by $h$ to either side, and return the **central differences**
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}$$
#
# as an array of the shape of `x`. `f` takes an array and gives a number. `x` may have any number of dimensions (try
# `np.ndindex(x.shape)`). **Put every entry back where it was.**


# %% tags=["exercise"] name="numerical_gradient"
def numerical_gradient(f, x, h=1e-4):
    ### BEGIN SOLUTION
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        below = f(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient
    ### END SOLUTION


# %% tags=["check"] name="numerical_gradient"
check("3_2.numerical_gradient")

# %% [markdown] tags=["ja"]
# ## 5. 部品を組み立てる
#
# 2層のネットワークを組み立てます。順伝播も逆伝播も、あなたの関数だけでできています。活性化関数はReLU、
# 重みの初期値はレッスン3-6で学ぶHeの初期値です。続けて、全パラメータの勾配を数値微分と比べます。

# %% [markdown] tags=["en"]
# ## 5. Putting it together
#
# A network of two layers, forward and backward made of your functions and nothing else. The activation is ReLU, the
# initial weights are He's, of lesson 3-6. Then all its gradients are compared with finite differences.


# %%
class Network:
    def __init__(self, widths=(64, 50, 10), seed=0):
        random = np.random.default_rng(seed)
        n0, n1, n2 = widths
        self.params = {
            "W1": random.normal(size=(n0, n1)) * np.sqrt(2 / n0),
            "b1": np.zeros(n1),
            "W2": random.normal(size=(n1, n2)) * np.sqrt(2 / n1),
            "b2": np.zeros(n2),
        }

    def scores(self, x):
        p = self.params
        return affine_forward(np.maximum(affine_forward(x, p["W1"], p["b1"]), 0), p["W2"], p["b2"])

    def gradient(self, x, t):
        # ja: (損失, 名前 → 勾配)
        # en: (loss, name -> gradient)
        p = self.params
        h = affine_forward(x, p["W1"], p["b1"])
        a = np.maximum(h, 0)
        loss, ds = softmax_loss(affine_forward(a, p["W2"], p["b2"]), t)
        da, dW2, db2 = affine_backward(ds, a, p["W2"])
        _, dW1, db1 = affine_backward(da * (h > 0), x, p["W1"])
        return loss, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}

    def accuracy(self, x, t):
        return (self.scores(x).argmax(axis=1) == t).mean()


def loss_with(network, key, value, x, t):
    # ja: パラメータkeyだけをvalueに置き換えたときの損失
    # en: the loss with the parameter of that name replaced by value
    kept, network.params[key] = network.params[key], value
    loss, _ = network.gradient(x, t)
    network.params[key] = kept
    return loss


def parts_done():
    return done("3_2.affine_forward") and done("3_2.affine_backward") and done("3_2.softmax_loss")


if parts_done() and done("3_2.numerical_gradient"):
    small = Network((5, 4, 3), seed=1)
    x, t = np.random.default_rng(2).normal(size=(6, 5)), np.array([0, 1, 2, 2, 1, 0])
    _, grads = small.gradient(x, t)
    for key, array in small.params.items():
        numerical = numerical_gradient(lambda value, key=key: loss_with(small, key, value, x, t), array)
        print(f"{key}: max |Δ| = {np.abs(grads[key] - numerical).max():.1e}")

# %% [markdown] tags=["ja", "slide"]
# ## 6. 学習ループ（6分）
#
# `batches`は添字の配列の列です。1つのバッチにつき、損失と勾配を計算し、`optimizer`でパラメータを更新します。
# **更新する前の**バッチの損失を順に並べたリストを返してください。
#
# - `network.gradient(x, t)`は`(損失, 勾配の辞書)`を返します
# - `optimizer.update(network.params, grads)`はレッスン3-1で作った形です

# %% [markdown] tags=["en", "slide"]
# ## 6. The training loop (6 min)
#
# `batches` is a sequence of index arrays. For each batch compute loss and gradients, and let `optimizer` update the
# parameters. Return the list of the batches' losses, each as it was *before* the update.
#
# - `network.gradient(x, t)` returns `(loss, dict of gradients)`
# - `optimizer.update(network.params, grads)` is what you wrote in lesson 3-1


# %% tags=["exercise"] name="train"
def train(network, optimizer, x, t, batches):
    ### BEGIN SOLUTION
    losses = []
    for batch in batches:
        loss, grads = network.gradient(x[batch], t[batch])
        optimizer.update(network.params, grads)
        losses.append(loss)
    return losses
    ### END SOLUTION


# %% tags=["check"] name="train"
check("3_2.train")

# %% [markdown] tags=["ja", "slide"]
# ## 7. 7つの手法で学習させる
#
# 下の`InPlace`は、kobaiの更新則をレッスン3-1の`update(params, grads)`の形に合わせるものです。
# レッスン3-1で書いた自分のクラスを貼り付けて、入れ替えてもかまいません（同じ結果になるはずです）。
#
# **予想**: お椀の上で最も速かった手法は、ここでも最も速いでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 7. Seven methods
#
# `InPlace` gives kobai's update rules the form of lesson 3-1, `update(params, grads)`. You may paste your own classes
# and use them instead: the results should be the same.
#
# **Predict**: will the fastest on the bowl be the fastest here?


# %% tags=["slide"]
class InPlace:
    def __init__(self, rule):
        self.rule, self.state = rule, None

    def update(self, params, grads):
        self.state = self.rule.init(params) if self.state is None else self.state
        updates, self.state = self.rule.update(grads, self.state, params)
        for key in params:
            params[key] += updates[key]


def batches(steps=300, size=64, seed=0):
    random = np.random.default_rng(seed)
    return [random.choice(len(x_train), size, replace=False) for _ in range(steps)]


rules = {
    "SGD η=0.3": kobai.SGD(learning_rate=0.3),
    "Momentum η=0.05": kobai.Momentum(learning_rate=0.05),
    "Nesterov η=0.05": kobai.Nesterov(learning_rate=0.05),
    "AdaGrad η=0.05": kobai.AdaGrad(learning_rate=0.05),
    "AdaDelta": kobai.AdaDelta(),
    "RMSProp η=0.003": kobai.RMSProp(learning_rate=0.003),
    "Adam η=0.01": kobai.Adam(learning_rate=0.01),
}

losses = {}
if parts_done() and done("3_2.train"):
    for name, rule in rules.items():
        network, start = Network(), Network()
        losses[name] = train(network, InPlace(rule), x_train, t_train, batches())
        accuracy = network.accuracy(x_validation, t_validation)
        moved = np.abs(network.params["W1"] - start.params["W1"])
        print(f"{name:16} 検証データの正解率 {accuracy:.3f}   W1の動き: 平均 {moved.mean():.2f}、最大 {moved.max():.2f}")  # ja
        print(f"{name:16} validation accuracy {accuracy:.3f}   W1 moved {moved.mean():.2f} on average, {moved.max():.2f} at most")  # en


def smooth(values, width=10):
    return np.convolve(values, np.ones(width) / width, mode="valid")


smoothed = {name: smooth(values) for name, values in losses.items()}
curves(smoothed, x="ステップ", y="損失（10ステップの平均）", title="訓練の損失", log=True)  # ja
curves(smoothed, x="step", y="loss (mean of 10 steps)", title="Training loss", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# - 学習率は手法ごとに選んであります。**同じ学習率で比べると、手法ではなく学習率を比べることになります**。
# - どの曲線も細かく揺れています。ミニバッチごとに損失の地形が少しずつ違うためです。
# - AdaDeltaは、お椀の上ほどには遅くありません。最初の一歩は同じく0.004程度ですが、お椀では$x$が7動かなければならないのに
#   対して、このネットワークで$W_1$の重みが動いた距離は、平均0.08、最大でも0.79だからです。

# %% [markdown] tags=["en", "result", "slide"]
# - Each method has a learning rate chosen for it. **With one rate for all you would compare rates, not methods.**
# - Every curve trembles: each mini-batch is a slightly different landscape.
# - AdaDelta is not as slow as on the bowl. Its first step is 0.004 again, but there $x$ has to travel 7, while here its weights
#   of $W_1$ travelled 0.08 on average, and 0.79 at most.

# %% [markdown] tags=["ja"]
# ## グループワーク（15分 + 発表15分）
#
# **2〜3人で**。役割（操作係・記録係・進行係）はレッスン3-1のときと交代してください。
#
# **問い**: 手法を変えると、結果はどう変わるでしょうか。それは**どこまで確か**でしょうか。
#
# 1. （3分）実行する前に予想します。「シードを変えても順位は変わらない? 変わる?」
# 2. （9分）表を埋めます。下の`measure`が、3つのシードの値を一度に測ります。
# 3. （3分）1枚のスライドにまとめます（主張・図・根拠・意外だったこと）。
#
# | 手法 | 学習率 | 係数 | 予想（順位） | 到達 | 目標までのステップ | 以後維持 | 発散 |
# |---|---|---|---|---|---|---|---|
# | SGD | 0.3 | – | | /3 | | | |
# | SGD | | – | | /3 | | | |
# | Momentum | 0.05 | α=0.9 | | /3 | | | |
# | Momentum | | α= | | /3 | | | |
# | RMSProp | 0.003 | ρ=0.9 | | /3 | | | |
# | Adam | 0.01 | ρ₁=0.9, ρ₂=0.999 | | /3 | | | |
# | | | | | | | | |
#
# 目標は、**検証データの正解率が0.95以上**になることです。正解率は10ステップごとに、200ステップまで測ります。
# 「目標までのステップ」は3シードの平均で、未到達の実行は200と数えます。「発散」は、損失がNaNや無限大になった実行の数です。
#
# **スライドのひな形**（1枚、3分で話します）
#
# - **主張**: （1文で。例「このネットワークでは〇〇と△△の差は、シードによる差より小さい」）
# - **図**: （損失の推移を1枚）
# - **根拠**: （表から数字を2つ）
# - **意外だったこと**: （予想と違った点と、その理由の仮説）

# %% [markdown] tags=["en"]
# ## Group work (15 min + 15 min to present)
#
# **Two or three people.** Swap the roles of lesson 3-1 (pilot, recorder, host).
#
# **Question**: how does the result change with the method, and *how sure* can you be of it?
#
# 1. (3 min) Predict: with another seed, does the ranking stay?
# 2. (9 min) Fill in the table. `measure`, below, takes three seeds at once.
# 3. (3 min) Make one slide (claim, figure, evidence, surprise).
#
# | method | learning rate | coefficient | predicted rank | met | steps to target | stays from | diverged |
# |---|---|---|---|---|---|---|---|
# | SGD | 0.3 | – | | /3 | | | |
# | SGD | | – | | /3 | | | |
# | Momentum | 0.05 | α=0.9 | | /3 | | | |
# | Momentum | | α= | | /3 | | | |
# | RMSProp | 0.003 | ρ=0.9 | | /3 | | | |
# | Adam | 0.01 | ρ₁=0.9, ρ₂=0.999 | | /3 | | | |
# | | | | | | | | |
#
# The target is **a validation accuracy of 0.95 or more**, measured every 10 steps, up to 200. *Steps to target* is the mean
# over the three seeds; a run that does not reach it counts as 200. *Diverged* counts the runs whose loss is no number any more.
#
# **Template for the slide** (one slide, three minutes)
#
# - **Claim**: (one sentence, such as "on this network … and … differ less than two seeds do")
# - **Figure**: (the losses)
# - **Evidence**: (two numbers from the table)
# - **Surprise**: (where you had predicted something else, and why you think it came out so)


# %%
def measure(rule, target=0.95, steps=200, every=10):
    # ja: 表の1行分: 到達、目標までのステップ(シードごとと平均)、以後維持、発散
    # en: a row of the table: reached, steps to target (by seed, and the mean), stays from, diverged
    firsts, stays, diverged = [], [], 0
    for seed in (0, 1, 2):
        network, optimizer, plan = Network(seed=seed), InPlace(rule), batches(steps, seed=seed)
        met = []
        with np.errstate(all="ignore"):
            for begin in range(0, steps, every):
                losses = train(network, optimizer, x_train, t_train, plan[begin : begin + every])
                met.append(network.accuracy(x_validation, t_validation) >= target)
        diverged += not np.isfinite(losses).all()
        missed = np.flatnonzero(~np.array(met))
        firsts.append(every * (met.index(True) + 1) if any(met) else np.inf)
        stays.append(every * int(missed[-1] + 2 if len(missed) else 1) if met[-1] else np.inf)
    reached, mean = int(np.isfinite(firsts).sum()), np.minimum(firsts, steps).mean()
    first, stay = (", ".join("–" if np.isinf(n) else str(n) for n in each) for each in (firsts, stays))
    print(f"到達 {reached}/3  目標までのステップ {mean:.0f}（シードごとに {first}）  以後維持 {stay}  発散 {diverged}")  # ja
    print(f"reached {reached}/3  steps to target {mean:.0f} (by seed {first})  stays from {stay}  diverged {diverged}")  # en


if parts_done() and done("3_2.train"):
    measure(kobai.Momentum(learning_rate=0.05))
    measure(kobai.Adam(learning_rate=0.01))

# %% [markdown] tags=["ja"]
# 表が埋まったら、kobaiに同じ問いを出してみましょう（ターミナルで、数十秒）。隠れ層のノード数もバッチサイズも、目標も予算も同じです。
# 学習率は、手法ごとに同じ回数だけ試して選びます。
#
# ```
# kobai compare digits --quick --hidden 50 --batch-size 64 --initializers he --target 0.95 --language ja
# ```
#
# 「到達」「目標までのステップ」の列を、自分の表と見比べてください。kobaiの表は幾何平均で、95%区間と「増加の上限」もあります。
# 「同じくらいよいかもしれません」（●）とされた手法は、いくつありますか。

# %% [markdown] tags=["en"]
# With the table filled in, ask kobai the same question (in a terminal, well under a minute): the same hidden nodes, batch size,
# target and budget. It chooses each method's learning rate, with equal numbers of trials.
#
# ```
# kobai compare digits --quick --hidden 50 --batch-size 64 --initializers he --target 0.95 --language en
# ```
#
# Hold its columns *met* (the runs that reached the target) and *steps to target* against your table. Its means are geometric, and
# it has a 95 % interval, too, and what each method costs at most. How many methods may be the best (●)?

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 逆伝播は「上流の勾配 × 局所的な微分」の繰り返しです。式を忘れても、形を合わせれば思い出せます。
# - 勾配は必ず数値微分で確かめます。コードが動くことと、正しいことは別です。
# - 更新則が見るのは、名前と配列の辞書だけで、ネットワークの構造ではありません。だから、自由に入れ替えられます。
# - 手法の比較には、手法ごとの学習率の調整と、複数のシードが必要です。
#
# ### 自己診断
#
# 1. `softmax_loss`の勾配で$1/N$を忘れ、バッチサイズが64だとすると、SGDの学習率は実質何倍になりますか。
# 2. 中心差分の誤差は$h$を10分の1にするとどうなりますか。$h$を$10^{-12}$まで小さくしないのはなぜですか。
# 3. 1つのシードで0.5%の差がつきました。「手法Aが優れている」と言えますか。
#
# <details><summary>答え</summary>
#
# 1. 64倍です。勾配が64倍になるので、発散しやすくなります。
# 2. 約100分の1になります（$h^2$に比例）。小さすぎると、近い数どうしの引き算で桁落ちし、丸め誤差が$1/h$倍されます。
# 3. 言えません。350枚の0.5%は2枚分にすぎず、シードによる差のほうが大きいのが普通です。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - Back-propagation repeats one thing: gradient from above × local derivative. Matching shapes recalls the formula.
# - Check gradients with finite differences, always. That code runs does not make it right.
# - An update rule knows nothing of the network: it sees a dict of arrays. That is why rules can be exchanged.
# - To compare methods you need a tuned learning rate for each, and several seeds.
#
# ### Test yourself
#
# 1. You forget $1/N$ in the gradient of `softmax_loss`, with batches of 64. By what factor has the learning rate of SGD
#    grown, in effect?
# 2. What becomes of the error of central differences when $h$ is a tenth? Why not take $h = 10^{-12}$?
# 3. On one seed method A is ahead by 0.5 %. Is A better?
#
# <details><summary>Answers</summary>
#
# 1. By 64, as the gradient has: it may well diverge.
# 2. About a hundredth (it goes with $h^2$). Too small an $h$ subtracts nearly equal numbers, and the rounding error is
#    multiplied by $1/h$.
# 3. Nobody knows: 0.5 % of 350 images are two images, and seeds usually differ by more.
#
# </details>
