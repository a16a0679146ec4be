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
# # 3-1 更新則を自分の手で書く
#
# **この時間で身につけること**
#
# - 7つの更新則（SGD、Momentum、Nesterov、AdaGrad、AdaDelta、RMSProp、Adam）を、数式を見てNumPyのクラスとして実装できる
# - どの式のどの部分が、等高線の上のどんな動きを生むのかを説明できる
# - 手法・学習率・係数を変えて、収束までのステップ数を自分で測れる
#
# 進め方は、どの演習も同じです。**説明を読む → セルを埋める → すぐ下の確認セルを実行する**。
# 確認セルは、正解かどうかだけでなく、よくある間違いならどこを見直せばよいかを教えてくれます。
# 行き詰まったら`hint("3_1.sgd")`のように呼んでください。呼ぶたびに1段階ずつ詳しくなり、3段階まであります。
#
# | 内容 | 目安 |
# |---|---|
# | 復習 | 5分 |
# | θ、SGD、10の手法の見取り図 | 12分 |
# | Momentum、Nesterov | 28分 |
# | AdaGrad、AdaDelta、RMSProp、Adam | 25分 |
# | ステップ数を測る、経路を見る | 15分 |
# | グループワーク | 45分 + 発表15分 |

# %% [markdown] tags=["en", "slide"]
# # 3-1 Update rules, written by hand
#
# **What you will be able to do**
#
# - turn the formulas of seven update rules (SGD, Momentum, Nesterov, AdaGrad, AdaDelta, RMSProp, Adam) into NumPy
#   classes
# - say which part of which formula makes which movement on a contour map
# - measure how many steps a method needs as you vary the method, the learning rate and its coefficients
#
# Every exercise goes the same way: **read, fill in the cell, run the check below it.** The check tells you not only
# whether you are right but, for the usual mistakes, where to look again. Stuck? Call `hint("3_1.sgd")`: each call
# says a little more, three times.
#
# | part | time |
# |---|---|
# | review | 5 min |
# | θ, SGD, a map of ten methods | 12 min |
# | Momentum, Nesterov | 28 min |
# | AdaGrad, AdaDelta, RMSProp, Adam | 25 min |
# | counting steps, looking at paths | 15 min |
# | group work | 45 min + 15 min to present |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import contour, curves, steps

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja"]
# ## 0. 復習: ミニバッチ学習と誤差逆伝播法（5分）
#
# 各問の答えを1つずつ選び、下のセルに5文字で書いてください（例: `"abcda"`）。
#
# **問1** 訓練データが1,000件、バッチサイズが50です。1エポックでパラメータは何回更新されますか。
#
# - (a) 1回
# - (b) 20回
# - (c) 50回
# - (d) 1,000回
#
# **問2** 損失をバッチ内の「平均」ではなく「合計」にしました。バッチサイズを2倍にすると、勾配はどうなりますか。
#
# - (a) ほぼ変わらない
# - (b) 約半分になる
# - (c) 約2倍になる
# - (d) 約4倍になる
#
# **問3** 無作為に選んだミニバッチの勾配と、全データの勾配（どちらも平均）の関係として正しいものはどれですか。
#
# - (a) 期待値が等しく、バッチが大きいほどばらつきが小さい
# - (b) 常に等しい
# - (c) バッチが大きいほど勾配の向きが全データからずれる
# - (d) 関係はない
#
# **問4** アフィン層$Y = XW + b$に、上流から$\partial L/\partial Y$が流れてきました。$\partial L/\partial W$はどれですか。
#
# - (a) $\frac{\partial L}{\partial Y} X^\top$
# - (b) $X^\top \frac{\partial L}{\partial Y}$
# - (c) $W^\top \frac{\partial L}{\partial Y}$
# - (d) $\frac{\partial L}{\partial Y} W^\top$
#
# **問5** 誤差逆伝播法のために、順伝播の途中の値を保存しておくのはなぜですか。
#
# - (a) 損失を2回計算しないため
# - (b) 学習率を決めるため
# - (c) パラメータの初期値を覚えておくため
# - (d) 各層の局所的な微分がその値に依存するため

# %% [markdown] tags=["en"]
# ## 0. Review: mini-batches and back-propagation (5 min)
#
# Choose one letter for each question and answer with five letters in the cell below (like `"abcda"`).
#
# **1** There are 1,000 training examples and the batch size is 50. How often are the parameters updated in one epoch?
#
# - (a) once
# - (b) 20 times
# - (c) 50 times
# - (d) 1,000 times
#
# **2** The loss is the *sum* over the batch instead of the mean. You double the batch size. What happens to the
# gradient?
#
# - (a) hardly anything
# - (b) it halves
# - (c) it doubles, roughly
# - (d) it quadruples
#
# **3** How is the gradient of a randomly drawn mini-batch related to that of all the data (means, both)?
#
# - (a) equal in expectation; the larger the batch, the less it scatters
# - (b) always equal
# - (c) the larger the batch, the further its direction is off
# - (d) not at all
#
# **4** Into the affine layer $Y = XW + b$ comes $\partial L/\partial Y$ from above. What is $\partial L/\partial W$?
#
# - (a) $\frac{\partial L}{\partial Y} X^\top$
# - (b) $X^\top \frac{\partial L}{\partial Y}$
# - (c) $W^\top \frac{\partial L}{\partial Y}$
# - (d) $\frac{\partial L}{\partial Y} W^\top$
#
# **5** Why does back-propagation need the values of the forward pass?
#
# - (a) so as not to compute the loss twice
# - (b) to choose the learning rate
# - (c) to remember the initial parameters
# - (d) because the local derivatives of the layers depend on them

# %% tags=["exercise"] name="review"
review = ""  # trainee
review = "bcabd"  # answer

# %% tags=["check"] name="review"
check("3_1.review")

# %% [markdown] tags=["ja"]
# ## 1. 約束ごと: 辞書を「その場で」書き換える
#
# 更新則は、ネットワークで使うときと同じ形にします。
#
# - `params`: 名前 → 配列の辞書（`{"W1": …, "b1": …}`）
# - `grads`: 同じ名前の勾配の辞書
# - `update(params, grads)`: `params`の**配列の中身を書き換える**。何も返さない
#
# 「中身を書き換える」ことが大切です。ネットワークの各層は、同じ配列を自分でも持っています。
# 辞書に新しい配列を入れても、層が持っている配列は古いままです。次のセルで確かめましょう。

# %% [markdown] tags=["en"]
# ## 1. The agreement: dicts, changed in place
#
# Our rules look exactly as a network will need them:
#
# - `params`: a dict from names to arrays (`{"W1": …, "b1": …}`)
# - `grads`: a dict of gradients with the same names
# - `update(params, grads)`: **changes the contents of the arrays** in `params`, and returns nothing
#
# That it changes the *contents* matters. The layers of a network hold the very same arrays. Put a new array into the
# dict, and the layers keep the old one. See for yourself:

# %%
layer = np.array([1.0, 2.0])
params = {"W": layer}

params["W"] = params["W"] - 0.1
print("=  :", params["W"], layer, "別の配列になりました" if params["W"] is not layer else "")  # ja
print("=  :", params["W"], layer, "now they are two arrays" if params["W"] is not layer else "")  # en

params = {"W": layer}
params["W"] -= 0.1
print("-= :", params["W"], layer, "同じ配列のままです" if params["W"] is layer else "")  # ja
print("-= :", params["W"], layer, "still one array" if params["W"] is layer else "")  # en

# %% [markdown] tags=["ja"]
# ### θ: すべてのパラメータを並べた1本のベクトル（4分）
#
# 数式に現れる$\boldsymbol\theta$は、ネットワーク全体の重みとバイアスを**1列に並べたベクトル**です。
# 64 → 50 → 10のネットワークなら、次の3,760個の数になります。
#
# $$\boldsymbol\theta = (\underbrace{w_{11}, w_{12}, \dots}_{W_1:\ 64 \times 50},\ \underbrace{b_1, \dots}_{\boldsymbol b_1:\ 50},\
# \underbrace{w_{11}, \dots}_{W_2:\ 50 \times 10},\ \underbrace{b_1, \dots}_{\boldsymbol b_2:\ 10})$$
#
# 更新則は$\boldsymbol\theta$の要素ごとの計算なので、1本のベクトルのまま計算しても、配列に分けて計算しても、結果は同じです。
# コードでは、辞書の配列ごとに計算します。
#
# `params`を受け取り、$\boldsymbol\theta$（形は`(パラメータの総数,)`）を返す関数を書いてください。配列は**辞書の順**に、
# 各配列の中は行の順（NumPyの既定）に並べます。

# %% [markdown] tags=["en"]
# ### θ: all parameters in one vector (4 min)
#
# The $\boldsymbol\theta$ of the formulas is *one vector* in which all weights and biases of the network stand one after
# the other. For a network 64 → 50 → 10 these are 3,760 numbers:
#
# $$\boldsymbol\theta = (\underbrace{w_{11}, w_{12}, \dots}_{W_1:\ 64 \times 50},\ \underbrace{b_1, \dots}_{\boldsymbol b_1:\ 50},\
# \underbrace{w_{11}, \dots}_{W_2:\ 50 \times 10},\ \underbrace{b_1, \dots}_{\boldsymbol b_2:\ 10})$$
#
# An update rule treats each entry of $\boldsymbol\theta$ alike, so it makes no difference whether one computes with the
# one vector or array by array. Our code goes through the arrays of the dict.
#
# Write a function that takes `params` and returns $\boldsymbol\theta$, of shape `(number of parameters,)`: the arrays in
# *the order of the dict*, each row by row (as NumPy does by default).


# %% tags=["exercise"] name="theta"
def as_vector(params):
    ### BEGIN SOLUTION
    return np.concatenate([array.ravel() for array in params.values()])
    ### END SOLUTION


# %% tags=["check"] name="theta"
check("3_1.theta")

# %%
shapes = {"W1": (64, 50), "b1": (50,), "W2": (50, 10), "b2": (10,)}
if done("3_1.theta"):
    theta = as_vector({name: np.zeros(shape) for name, shape in shapes.items()})
    print("θ:", theta.shape)

# %% [markdown] tags=["ja", "slide"]
# ## 2. SGD（3分）
#
# $$\boldsymbol\theta_{t+1} = \boldsymbol\theta_t - \eta\,\frac{\partial L}{\partial\boldsymbol\theta_t}$$
#
# $\eta$は学習率、$t$は時点です。以下では勾配を$\boldsymbol g = \partial L/\partial\boldsymbol\theta$と書き、時点の添字を省いて、
# $\boldsymbol\theta \leftarrow \boldsymbol\theta - \eta\,\boldsymbol g$のようにも表します。
#
# **確率的**勾配降下法（SGD）は、無作為に選んだデータで計算した勾配を使います。ミニバッチを無作為に選んで更新していく
# ミニバッチ学習は、SGDそのものです。

# %% [markdown] tags=["en", "slide"]
# ## 2. SGD (3 min)
#
# $$\boldsymbol\theta_{t+1} = \boldsymbol\theta_t - \eta\,\frac{\partial L}{\partial\boldsymbol\theta_t}$$
#
# $\eta$ is the learning rate, $t$ counts the steps. From here on $\boldsymbol g = \partial L/\partial\boldsymbol\theta$ stands
# for the gradient, and we leave out the index $t$ where we can: $\boldsymbol\theta \leftarrow \boldsymbol\theta - \eta\,\boldsymbol g$.
#
# *Stochastic* gradient descent, SGD, takes the gradient on randomly chosen data. To learn from random mini-batches *is*
# SGD.


# %% tags=["exercise"] name="sgd"
class SGD:
    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            params[key] -= self.learning_rate * grads[key]
        ### END SOLUTION


# %% tags=["check"] name="sgd"
check("3_1.sgd")

# %% [markdown] tags=["ja"]
# ### 本によって違う書き方
#
# Goodfellowらの『深層学習』では、同じSGDが次のように書かれています。記号が違うだけで、内容は上の式と同じです。
#
# $$\boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\epsilon}{m}\,\nabla_{\boldsymbol\theta} \sum_{i=1}^{m}
# L\left(f(\boldsymbol x^{(i)}; \boldsymbol\theta),\ \boldsymbol y^{(i)}\right)$$
#
# | 意味 | この講座 | Goodfellowら |
# |---|---|---|
# | 学習率 | $\eta$ | $\epsilon$（この講座の$\varepsilon$とは別のもの） |
# | 勾配 | $\partial L/\partial\boldsymbol\theta$ | $\nabla_{\boldsymbol\theta}$ |
# | 損失 | $L$はミニバッチの**平均** | $L$はデータ**1件分**。足し合わせ、件数$m$で割って平均にする |
# | 予測と正解 | ネットワークの出力と教師データ | $f(\boldsymbol x^{(i)}; \boldsymbol\theta)$と$\boldsymbol y^{(i)}$ |
#
# ### ミニバッチの勾配を見る
#
# 直線$y = ax + b$を100個の点に当てはめます。パラメータは$\boldsymbol\theta = (a, b)$の2つです。ある$\boldsymbol\theta$で、
# 10件のミニバッチを20通り選び、それぞれの勾配の逆向き$-\boldsymbol g$に進んでみます。
#
# **予想**: 20本の矢印は、全データの矢印の周りにどのように散らばるでしょうか。

# %% [markdown] tags=["en"]
# ### How another book writes it
#
# In *Deep Learning* by Goodfellow and others the same SGD is written as below. Only the letters differ.
#
# $$\boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\epsilon}{m}\,\nabla_{\boldsymbol\theta} \sum_{i=1}^{m}
# L\left(f(\boldsymbol x^{(i)}; \boldsymbol\theta),\ \boldsymbol y^{(i)}\right)$$
#
# | meaning | here | Goodfellow |
# |---|---|---|
# | learning rate | $\eta$ | $\epsilon$ (not the $\varepsilon$ of our adaptive methods) |
# | gradient | $\partial L/\partial\boldsymbol\theta$ | $\nabla_{\boldsymbol\theta}$ |
# | loss | $L$ is the *mean* of the mini-batch | $L$ is the loss of *one* example; a sum, divided by their number $m$ |
# | prediction and truth | output of the network, and labels | $f(\boldsymbol x^{(i)}; \boldsymbol\theta)$ and $\boldsymbol y^{(i)}$ |
#
# ### The gradients of mini-batches
#
# Fit a line $y = ax + b$ to 100 points: $\boldsymbol\theta = (a, b)$ has two entries. At one $\boldsymbol\theta$ we draw 20
# mini-batches of 10 and go against the gradient of each, along $-\boldsymbol g$.
#
# **Predict**: how will the 20 arrows lie around that of all the data?

# %%
random = np.random.default_rng(0)
x_data = random.uniform(-1, 2, 100)
y_data = 0.5 * x_data + 1 + 0.5 * random.standard_normal(100)


def line_gradient(theta, chosen):
    error = theta[0] * x_data[chosen] + theta[1] - y_data[chosen]
    return 2 * np.array([(error * x_data[chosen]).mean(), error.mean()])


def line_loss(a, b):
    return sum((a * x + b - y) ** 2 for x, y in zip(x_data, y_data)) / 100


theta = np.array([-0.7, -0.6])
batches = [random.choice(100, 10, replace=False) for _ in range(20)]
full = line_gradient(theta, slice(None))
gradients = np.array([line_gradient(theta, batch) for batch in batches])
print("全データの勾配", full.round(2), " 20通りの平均", gradients.mean(axis=0).round(2), " 標準偏差", gradients.std(axis=0).round(2))  # ja
print("all data", full.round(2), " mean of the 20", gradients.mean(axis=0).round(2), " standard deviation", gradients.std(axis=0).round(2))  # en
# ja: どの矢印もθから出る。θに戻ってから次の矢印を描く
# en: every arrow leaves θ, and the next begins at θ again
star = [point for g in gradients for point in (theta, theta - 0.3 * g)]
arrows = {"ミニバッチ": star, "全データ": [theta, theta - 0.3 * full]}  # ja
arrows = {"mini-batches": star, "all data": [theta, theta - 0.3 * full]}  # en
contour(line_loss, x=(-1.5, 2), y=(-1, 2.2), paths=arrows, title="20通りのミニバッチと全データの−η∂L/∂θ(η = 0.3)")  # ja
contour(line_loss, x=(-1.5, 2), y=(-1, 2.2), paths=arrows, title="−η∂L/∂θ of 20 mini-batches and of all data (η = 0.3)")  # en

# %% [markdown] tags=["ja", "result"]
# どの矢印もおおよそ谷底を向きますが、向きも長さも少しずつ違います。平均すると、全データの矢印とほぼ一致します。
# ミニバッチの勾配は、**全データの勾配にノイズが加わったもの**と考えられます。これが「確率的」の意味です。

# %% [markdown] tags=["en", "result"]
# All arrows point down the valley, roughly, and all differ in direction and length. Their mean is nearly the arrow of all
# the data. A mini-batch gives **the gradient of all the data with noise added**: that is what *stochastic* means.

# %% [markdown] tags=["ja", "slide"]
# ### 10の手法の見取り図
#
# SGDの学習をより速く、より安定して進める方法は、使う微分によって2つに分かれます。
#
# - **1次の方法**は勾配（1階微分）だけを使います。学習率は人が決めます。ネットワークの学習では、ふつうこちらを使います。
# - **2次の方法**は2階微分の情報も使います。2階微分が学習率の役目を果たすので、学習率を決めておく必要がありません。その代わり、
#   ヘッセ行列（2階微分を並べた行列）やその近似を扱う計算が重くなります。
#
# | | 手法 | SGDに加えるもの | レッスン |
# |---|---|---|---|
# | 1次 | Momentum | 直前の移動を引き継ぎ、物体のように勢いをつける | 3-1 |
# | 1次 | Nesterov | 勢いで進んだ先の勾配を使い、行き過ぎを抑える | 3-1 |
# | 1次 | AdaGrad | 勾配の2乗をためて、パラメータごとに歩幅を縮める | 3-1 |
# | 1次 | AdaDelta | 古い勾配を忘れ、歩幅を最近の更新量から決める | 3-1 |
# | 1次 | RMSProp | 古い勾配を忘れる。AdaDeltaを簡単にした形 | 3-1 |
# | 1次 | Adam | Momentumの向きと、RMSPropの歩幅を組み合わせる | 3-1 |
# | 2次 | ニュートン法 | ヘッセ行列の逆行列を掛け、2次関数で近似した谷の底へ一気に進む | 3-9 |
# | 2次 | 共役勾配法 | ヘッセ行列の逆行列を作らず、前の成果を壊さない方向を選ぶ | 3-9 |
# | 2次 | BFGS | 勾配の変化から、ヘッセ行列の逆行列を少しずつ推定する | 3-9 |
# | 2次 | L-BFGS | 最近の数ステップだけを覚えて、BFGSのメモリーを節約する | 3-9 |

# %% [markdown] tags=["en", "slide"]
# ### A map of ten methods
#
# Two families make SGD faster or steadier. They differ in the derivatives they use.
#
# - **First-order methods** use the gradient alone, and somebody has to choose a learning rate. Networks are mostly trained
#   with these.
# - **Second-order methods** use second derivatives as well, which do the work of the learning rate, so that none has to
#   be chosen. The price is the Hessian, the matrix of second derivatives, or an approximation to it.
#
# | | method | what it adds to SGD | lesson |
# |---|---|---|---|
# | first | Momentum | carries the last move on, as a body gathers speed | 3-1 |
# | first | Nesterov | takes the gradient where the momentum leads, and overshoots less | 3-1 |
# | first | AdaGrad | adds up squared gradients, and shortens the steps of each parameter accordingly | 3-1 |
# | first | AdaDelta | forgets old gradients; recent updates set the length of a step | 3-1 |
# | first | RMSProp | forgets old gradients and no more: AdaDelta made simple | 3-1 |
# | first | Adam | the direction of Momentum with the step lengths of RMSProp | 3-1 |
# | second | Newton | divides by the Hessian: straight to the bottom of the quadratic model | 3-9 |
# | second | conjugate gradients | never makes the inverse; picks directions that spoil nothing achieved before | 3-9 |
# | second | BFGS | learns the inverse of the Hessian from the changes of the gradient | 3-9 |
# | second | L-BFGS | remembers a few recent steps only, which saves the memory of BFGS | 3-9 |

# %% [markdown] tags=["ja", "slide"]
# ## 3. Momentum（5分）
#
# $$\boldsymbol v \leftarrow \alpha\boldsymbol v - \eta\boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta + \boldsymbol v$$
#
# $\boldsymbol v$は速度、$\alpha$($0 \le \alpha < 1$)はモーメンタム係数です。直前の移動を$\alpha$倍して引き継ぐので、
# 勾配の向きがそろう方向では加速し、向きが毎回変わる方向では打ち消し合います。
#
# 速度は配列ごとに必要です。最初の`update`が呼ばれるまで形が分からないので、そのときにゼロで初期化します。

# %% [markdown] tags=["en", "slide"]
# ## 3. Momentum (5 min)
#
# $$\boldsymbol v \leftarrow \alpha\boldsymbol v - \eta\boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta + \boldsymbol v$$
#
# $\boldsymbol v$ is the velocity, $\alpha$ ($0 \le \alpha < 1$) the momentum coefficient. A share $\alpha$ of the last
# move is made again: where gradients agree the steps grow, where they keep turning round they cancel.
#
# Every array needs a velocity of its own. Its shape is unknown before the first `update`, so make it then, of zeros.


# %% tags=["exercise"] name="momentum"
class Momentum:
    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.learning_rate = learning_rate
        self.momentum = momentum
        # ja: 名前 → 速度の配列
        # en: name -> array of velocities
        self.v = {}

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            if key not in self.v:
                self.v[key] = np.zeros_like(params[key])
            self.v[key] = self.momentum * self.v[key] - self.learning_rate * grads[key]
            params[key] += self.v[key]
        ### END SOLUTION


# %% tags=["check"] name="momentum"
check("3_1.momentum")

# %% [markdown] tags=["ja", "slide"]
# ## 4. Nesterovの加速勾配法
#
# ### 4.1 定義どおりに書く（8分）
#
# $$\boldsymbol v_{t+1} = \alpha\boldsymbol v_t - \eta\,\boldsymbol g(\boldsymbol\theta_t + \alpha\boldsymbol v_t), \qquad
# \boldsymbol\theta_{t+1} = \boldsymbol\theta_t + \boldsymbol v_{t+1}$$
#
# Momentumとの違いはただ1つ、勾配を測る場所です。勢いだけで進んだ先$\boldsymbol\theta_t + \alpha\boldsymbol v_t$
# の傾きを使うので、行き過ぎに早く気づきます。
#
# ここでは辞書を使わず、関数`gradient(theta)`を受け取って経路を返す関数にします。
# $\boldsymbol\theta_1, \dots$を並べた配列と$\boldsymbol v_1, \dots$を並べた配列（どちらも形は`(steps, 次元)`）を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 4. Nesterov's accelerated gradient
#
# ### 4.1 As it is defined (8 min)
#
# $$\boldsymbol v_{t+1} = \alpha\boldsymbol v_t - \eta\,\boldsymbol g(\boldsymbol\theta_t + \alpha\boldsymbol v_t), \qquad
# \boldsymbol\theta_{t+1} = \boldsymbol\theta_t + \boldsymbol v_{t+1}$$
#
# One thing differs from Momentum: where the gradient is taken. It looks at the slope at
# $\boldsymbol\theta_t + \alpha\boldsymbol v_t$, where the momentum alone would lead, and so notices earlier that it is
# about to overshoot.
#
# No dicts here: write a function that takes another one, `gradient(theta)`, and returns the path. Return the array of
# $\boldsymbol\theta_1, \dots$ and the array of $\boldsymbol v_1, \dots$, both of shape `(steps, dimensions)`.


# %% tags=["exercise"] name="nesterov_path"
def nesterov_path(gradient, start, learning_rate, momentum, steps):
    ### BEGIN SOLUTION
    theta, v = start.copy(), np.zeros_like(start)
    path, velocities = [], []
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(theta + momentum * v)
        theta = theta + v
        path.append(theta)
        velocities.append(v)
    return np.array(path), np.array(velocities)
    ### END SOLUTION


# %% tags=["check"] name="nesterov_path"
check("3_1.nesterov_path")

# %% [markdown] tags=["ja", "slide"]
# ### 1ステップを矢印で見る
#
# これから繰り返し使うお椀形の関数$f(x, y) = x^2/20 + y^2$（以下「お椀」）の上を、Momentumで$(-7, 2)$から進みます。
# 図の矢印は、時点$t$の$\boldsymbol\theta_t$と$\boldsymbol v_t$から次の点が決まる様子を表します。左のMomentumは$\boldsymbol\theta_t$で、
# 右のNesterovは勢いだけで進んだ先の点$\boldsymbol\theta_t + \alpha\boldsymbol v_t$で、勾配を測ります。
#
# **予想**: 谷底（$y = 0$）を越える直前の点で、2つの$\boldsymbol v_{t+1}$はどのように違うでしょうか。
# 下の**スライダーを動かすと**、点が経路の上を進みます。

# %% [markdown] tags=["en", "slide"]
# ### One step in arrows
#
# Momentum goes from $(-7, 2)$ over the bowl $f(x, y) = x^2/20 + y^2$, which we use from here on. The
# arrows show how the next point comes about from $\boldsymbol\theta_t$ and $\boldsymbol v_t$. Momentum, on the left, takes the
# gradient at $\boldsymbol\theta_t$; Nesterov, on the right, at the point ahead, $\boldsymbol\theta_t + \alpha\boldsymbol v_t$.
#
# **Predict**: just before the bottom of the valley, $y = 0$, how do the two $\boldsymbol v_{t+1}$ differ? *Drag the slider*
# and the point moves along its path.


# %% tags=["slide"]
def f(x, y):
    return x**2 / 20 + y**2


def gradient(theta):
    x, y = theta
    return np.array([x / 10, 2 * y])


def three_arrows(theta, v, ahead, learning_rate=0.2, momentum=0.9):
    # ja: (引き継ぐ移動、勾配の項、新しい速度)。それぞれ(始点、終点)
    # en: (the move carried on, the term of the gradient, the new velocity), each from and to
    carried = momentum * v
    g = gradient(theta + carried if ahead else theta)
    new = carried - learning_rate * g
    return (theta, theta + carried), (theta + carried, theta + new), (theta, theta + new)


theta, v, moments = np.array([-7.0, 2.0]), np.zeros(2), []
for _ in range(10):
    moments.append((theta, v))
    v = 0.9 * v - 0.2 * gradient(theta)
    theta = theta + v
names = ["αv(t)", "−ηg", "v(t+1)"]
panels = {}
for name, ahead in {"Momentum: g(θ)": False, "Nesterov: g(θ + αv)": True}.items():
    arrows = np.array([three_arrows(theta, v, ahead) for theta, v in moments])
    panels[name] = {arrow: arrows[:, i] for i, arrow in enumerate(names)}

steps(f, x=(-7.5, -2.5), y=(-2.2, 2.2), panels=panels, step="t =", begin=1, title="引き継いだ移動と勾配の項を足すと、次の一歩になる")  # ja
steps(f, x=(-7.5, -2.5), y=(-2.2, 2.2), panels=panels, step="t =", begin=1, title="The move carried on, plus the term of the gradient: the next step")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 先の点は、谷底のそばか、谷底の向こう側にあります。そこでの勾配は、$\boldsymbol\theta_t$での勾配より小さいか、手前へ戻す向きです。そのため、
# Nesterovの$\boldsymbol v_{t+1}$はMomentumより短くなります。谷底を越えた後（$t = 7$など）では、違いがさらにはっきりします。

# %% [markdown] tags=["en", "result", "slide"]
# The point ahead lies close to the bottom, or beyond it. The slope there is gentler than at $\boldsymbol\theta_t$, or points back, so
# Nesterov's $\boldsymbol v_{t+1}$ is the shorter one. Past the bottom (at $t = 7$, say) the difference is plainer still.

# %% [markdown] tags=["ja"]
# ### 4.2 実装形（5分）
#
# 普通の学習ループでは、いまのパラメータの勾配しか計算できません。そこで、先の点$\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$の
# ほうを「パラメータ」とみなし、これを更新していきます。定義式を$\boldsymbol\Theta$についての式に直すと、次のようになります（導出は4.3で行います）。
#
# $$\boldsymbol v \leftarrow \alpha\boldsymbol v - \eta\boldsymbol g(\boldsymbol\Theta), \qquad
# \boldsymbol\Theta \leftarrow \boldsymbol\Theta + \alpha\boldsymbol v - \eta\boldsymbol g(\boldsymbol\Theta)$$
#
# 2つ目の式の$\boldsymbol v$は、更新した後の速度です。

# %% [markdown] tags=["en"]
# ### 4.2 The form that is implemented (5 min)
#
# An ordinary training loop computes gradients at the current parameters and nowhere else. So carry the point ahead,
# $\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$, as *the parameters*. Rewritten for $\boldsymbol\Theta$ the method is
# as follows (section 4.3 derives it):
#
# $$\boldsymbol v \leftarrow \alpha\boldsymbol v - \eta\boldsymbol g(\boldsymbol\Theta), \qquad
# \boldsymbol\Theta \leftarrow \boldsymbol\Theta + \alpha\boldsymbol v - \eta\boldsymbol g(\boldsymbol\Theta)$$
#
# The $\boldsymbol v$ in the second formula is the new velocity.


# %% tags=["exercise"] name="nesterov"
class Nesterov:
    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.v = {}

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            if key not in self.v:
                self.v[key] = np.zeros_like(params[key])
            self.v[key] = self.momentum * self.v[key] - self.learning_rate * grads[key]
            params[key] += self.momentum * self.v[key] - self.learning_rate * grads[key]
        ### END SOLUTION


# %% tags=["check"] name="nesterov"
check("3_1.nesterov")

# %% [markdown] tags=["ja"]
# ### 4.3 実装形を導く（6分）
#
# 定義式から実装形まで、1行ずつ変形します。5つの空欄に入るものを（a）〜（f）から選び、5文字で答えてください（同じものを2回選んでもかまいません）。
#
# $$\begin{aligned}
# \boldsymbol\Theta_{t+1} &= \boldsymbol\theta_{t+1} + \alpha\boldsymbol v_{t+1} \\
# &= \fbox{1} + \alpha\boldsymbol v_{t+1} \\
# &= \fbox{2} + \boldsymbol v_{t+1} + \alpha\boldsymbol v_{t+1} \\
# &= \boldsymbol\Theta_t - \alpha\boldsymbol v_t + (1 + \alpha)\left(\,\fbox{3}\,\right) \\
# &= \boldsymbol\Theta_t + \alpha\,\fbox{4} - (1 + \alpha)\,\eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) - \eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha\,\fbox{5} - \eta\boldsymbol g(\boldsymbol\Theta_t)
# \end{aligned}$$
#
# - (a) $\boldsymbol\theta_t + \boldsymbol v_{t+1}$
# - (b) $\boldsymbol\Theta_t - \alpha\boldsymbol v_t$
# - (c) $\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)$
# - (d) $\boldsymbol v_{t+1}$
# - (e) $\boldsymbol\theta_t + \alpha\boldsymbol v_t$
# - (f) $\alpha\boldsymbol v_t$

# %% [markdown] tags=["en"]
# ### 4.3 Deriving it (6 min)
#
# From the definition to the form that is implemented, line by line. For each of the five boxes choose one of (a) to (f), and
# answer with five letters (one may be chosen twice).
#
# $$\begin{aligned}
# \boldsymbol\Theta_{t+1} &= \boldsymbol\theta_{t+1} + \alpha\boldsymbol v_{t+1} \\
# &= \fbox{1} + \alpha\boldsymbol v_{t+1} \\
# &= \fbox{2} + \boldsymbol v_{t+1} + \alpha\boldsymbol v_{t+1} \\
# &= \boldsymbol\Theta_t - \alpha\boldsymbol v_t + (1 + \alpha)\left(\,\fbox{3}\,\right) \\
# &= \boldsymbol\Theta_t + \alpha\,\fbox{4} - (1 + \alpha)\,\eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) - \eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha\,\fbox{5} - \eta\boldsymbol g(\boldsymbol\Theta_t)
# \end{aligned}$$
#
# - (a) $\boldsymbol\theta_t + \boldsymbol v_{t+1}$
# - (b) $\boldsymbol\Theta_t - \alpha\boldsymbol v_t$
# - (c) $\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)$
# - (d) $\boldsymbol v_{t+1}$
# - (e) $\boldsymbol\theta_t + \alpha\boldsymbol v_t$
# - (f) $\alpha\boldsymbol v_t$

# %% tags=["exercise"] name="derivation"
derivation = ""  # trainee
derivation = "abcfd"  # answer

# %% tags=["check"] name="derivation"
check("3_1.derivation")

# %% [markdown] tags=["ja"]
# <details><summary>導出（答えてから開いてください）</summary>
#
# 先の点の定義は$\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$、つまり$\boldsymbol\theta_t = \boldsymbol\Theta_t - \alpha\boldsymbol v_t$です。
#
# $$\begin{aligned}
# \boldsymbol\Theta_{t+1} &= \boldsymbol\theta_{t+1} + \alpha\boldsymbol v_{t+1} && \text{先の点の定義(時点} t+1 \text{)} \\
# &= (\boldsymbol\theta_t + \boldsymbol v_{t+1}) + \alpha\boldsymbol v_{t+1} && \text{定義式: } \boldsymbol\theta_{t+1} = \boldsymbol\theta_t + \boldsymbol v_{t+1} \\
# &= (\boldsymbol\Theta_t - \alpha\boldsymbol v_t) + \boldsymbol v_{t+1} + \alpha\boldsymbol v_{t+1} && \text{先の点の定義(時点} t \text{)} \\
# &= \boldsymbol\Theta_t - \alpha\boldsymbol v_t + (1 + \alpha)\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) && \text{定義式: } \boldsymbol v_{t+1} = \alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha(\alpha\boldsymbol v_t) - (1 + \alpha)\,\eta\boldsymbol g(\boldsymbol\Theta_t) && \text{展開する。} -\alpha\boldsymbol v_t + (1+\alpha)\alpha\boldsymbol v_t = \alpha^2\boldsymbol v_t \\
# &= \boldsymbol\Theta_t + \alpha\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) - \eta\boldsymbol g(\boldsymbol\Theta_t) && \alpha \text{でくくる} \\
# &= \boldsymbol\Theta_t + \alpha\boldsymbol v_{t+1} - \eta\boldsymbol g(\boldsymbol\Theta_t) && \text{かっこの中は} \boldsymbol v_{t+1}
# \end{aligned}$$
#
# 最後の行に残った勾配は$\boldsymbol g(\boldsymbol\Theta_t)$だけです。**いま手元にあるパラメータの勾配だけで**、先の点の勾配を使う計算ができます。
#
# </details>

# %% [markdown] tags=["en"]
# <details><summary>The derivation (open it when you have answered)</summary>
#
# The point ahead is $\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$, so $\boldsymbol\theta_t = \boldsymbol\Theta_t - \alpha\boldsymbol v_t$.
#
# $$\begin{aligned}
# \boldsymbol\Theta_{t+1} &= \boldsymbol\theta_{t+1} + \alpha\boldsymbol v_{t+1} && \text{the point ahead, at } t+1 \\
# &= (\boldsymbol\theta_t + \boldsymbol v_{t+1}) + \alpha\boldsymbol v_{t+1} && \text{by definition } \boldsymbol\theta_{t+1} = \boldsymbol\theta_t + \boldsymbol v_{t+1} \\
# &= (\boldsymbol\Theta_t - \alpha\boldsymbol v_t) + \boldsymbol v_{t+1} + \alpha\boldsymbol v_{t+1} && \text{the point ahead, at } t \\
# &= \boldsymbol\Theta_t - \alpha\boldsymbol v_t + (1 + \alpha)\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) && \text{by definition } \boldsymbol v_{t+1} = \alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t) \\
# &= \boldsymbol\Theta_t + \alpha(\alpha\boldsymbol v_t) - (1 + \alpha)\,\eta\boldsymbol g(\boldsymbol\Theta_t) && \text{multiplied out: } -\alpha\boldsymbol v_t + (1+\alpha)\alpha\boldsymbol v_t = \alpha^2\boldsymbol v_t \\
# &= \boldsymbol\Theta_t + \alpha\left(\alpha\boldsymbol v_t - \eta\boldsymbol g(\boldsymbol\Theta_t)\right) - \eta\boldsymbol g(\boldsymbol\Theta_t) && \alpha \text{ taken out} \\
# &= \boldsymbol\Theta_t + \alpha\boldsymbol v_{t+1} - \eta\boldsymbol g(\boldsymbol\Theta_t) && \text{in parentheses stands } \boldsymbol v_{t+1}
# \end{aligned}$$
#
# The one gradient left in the last line is $\boldsymbol g(\boldsymbol\Theta_t)$, *at the parameters that we have*: with it the
# gradient of the point ahead is used.
#
# </details>

# %% [markdown] tags=["ja"]
# ### 4.4 2つの形は本当に同じでしょうか
#
# お椀の上で、$\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$を数値で確かめます。出発点は$(-7, 2)$です。

# %% [markdown] tags=["en"]
# ### 4.4 Are the two forms really one method?
#
# Verify $\boldsymbol\Theta_t = \boldsymbol\theta_t + \alpha\boldsymbol v_t$ in numbers, on the bowl, from $(-7, 2)$.


# %%
def descend(optimizer, steps=100):
    # ja: 出発点からsteps回更新した経路。形は (steps + 1, 2)
    # en: the path of so many updates from the start, of shape (steps + 1, 2)
    params = {"theta": np.array([-7.0, 2.0])}
    path = [params["theta"].copy()]
    for _ in range(steps):
        optimizer.update(params, {"theta": gradient(params["theta"])})
        path.append(params["theta"].copy())
    return np.array(path)


if done("3_1.nesterov_path") and done("3_1.nesterov"):
    theta, v = nesterov_path(gradient, np.array([-7.0, 2.0]), 0.1, 0.9, steps=100)
    ahead = descend(Nesterov(learning_rate=0.1, momentum=0.9))[1:]
    print("max |Θ − (θ + αv)| =", np.abs(ahead - (theta + 0.9 * v)).max())

# %% [markdown] tags=["ja"]
# 差は$10^{-15}$程度、つまり丸め誤差だけです。$\boldsymbol v_0 = \boldsymbol 0$なので$\boldsymbol\Theta_0 = \boldsymbol\theta_0$となり、出発点は共通です。
# 学習率を途中で変えても、2つの形は一致します（`kobai.Nesterov`も実装形で計算しています）。

# %% [markdown] tags=["en"]
# The difference is about $10^{-15}$: rounding, and nothing else. Only the start needs a word: $\boldsymbol v_0 = 0$, so
# $\boldsymbol\Theta_0 = \boldsymbol\theta_0$. The two forms agree even when the learning rate changes on the way
# (`kobai.Nesterov` has this form, too).

# %% [markdown] tags=["ja", "slide"]
# ## 5. AdaGrad（5分）
#
# $$\boldsymbol h \leftarrow \boldsymbol h + \boldsymbol g \odot \boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\varepsilon + \sqrt{\boldsymbol h}} \odot \boldsymbol g$$
#
# ここからは、**見かけの学習率**$\eta/(\varepsilon + \sqrt{\boldsymbol h})$がパラメータごとに変わります。
# 大きな勾配を受けてきたパラメータほど歩幅が小さくなります。$\boldsymbol h$は増える一方なので、
# 見かけの学習率は下がる一方です。$\varepsilon$は根号の**外**にあります（手法によって違うので注意しましょう）。

# %% [markdown] tags=["en", "slide"]
# ## 5. AdaGrad (5 min)
#
# $$\boldsymbol h \leftarrow \boldsymbol h + \boldsymbol g \odot \boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\varepsilon + \sqrt{\boldsymbol h}} \odot \boldsymbol g$$
#
# From here on every parameter has an **effective learning rate** of its own, $\eta/(\varepsilon + \sqrt{\boldsymbol
# h})$: the larger the gradients it has had, the smaller its steps. $\boldsymbol h$ only grows, so the effective rate
# only falls. $\varepsilon$ stands *outside* the root here; the methods differ in this.


# %% tags=["exercise"] name="adagrad"
class AdaGrad:
    def __init__(self, learning_rate=0.01, epsilon=1e-10):
        self.learning_rate = learning_rate
        self.epsilon = epsilon
        self.h = {}

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            if key not in self.h:
                self.h[key] = np.zeros_like(params[key])
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.learning_rate / (self.epsilon + np.sqrt(self.h[key])) * grads[key]
        ### END SOLUTION


# %% tags=["check"] name="adagrad"
check("3_1.adagrad")

# %% [markdown] tags=["ja", "slide"]
# ## 6. AdaDelta（8分）
#
# $$\boldsymbol h \leftarrow \rho\boldsymbol h + (1-\rho)\,\boldsymbol g \odot \boldsymbol g, \qquad
# \Delta\boldsymbol\theta = -\frac{\sqrt{\varepsilon + \boldsymbol r}}{\sqrt{\varepsilon + \boldsymbol h}} \odot \boldsymbol g$$
# $$\boldsymbol\theta \leftarrow \boldsymbol\theta + \Delta\boldsymbol\theta, \qquad
# \boldsymbol r \leftarrow \rho\boldsymbol r + (1-\rho)\,\Delta\boldsymbol\theta \odot \Delta\boldsymbol\theta$$
#
# $\boldsymbol h$も$\boldsymbol r$も**指数平滑化移動平均**です。減衰率$\rho$で古い情報を忘れていくので、
# AdaGradのように止まってしまいません。学習率がない代わりに、最近の更新量$\boldsymbol r$が歩幅を決めます。
# 計算の順番に気をつけてください。更新量には、**更新する前の**$\boldsymbol r$を使います。
#
# （式に学習率はありませんが、kobaiなど多くのライブラリーの`AdaDelta`には`learning_rate`があります。これは$\Delta\boldsymbol\theta$の全体に掛ける
# **倍率**で、式のとおりなら1です。ほかの手法の学習率と同じように変えて試せるよう、設けてあります。`kobai descend`や`kobai compare`の
# 表では「学習率」の列に、×を付けて表示されます。）

# %% [markdown] tags=["en", "slide"]
# ## 6. AdaDelta (8 min)
#
# $$\boldsymbol h \leftarrow \rho\boldsymbol h + (1-\rho)\,\boldsymbol g \odot \boldsymbol g, \qquad
# \Delta\boldsymbol\theta = -\frac{\sqrt{\varepsilon + \boldsymbol r}}{\sqrt{\varepsilon + \boldsymbol h}} \odot \boldsymbol g$$
# $$\boldsymbol\theta \leftarrow \boldsymbol\theta + \Delta\boldsymbol\theta, \qquad
# \boldsymbol r \leftarrow \rho\boldsymbol r + (1-\rho)\,\Delta\boldsymbol\theta \odot \Delta\boldsymbol\theta$$
#
# Both $\boldsymbol h$ and $\boldsymbol r$ are **exponential moving averages**: with the decay rate $\rho$ they forget
# what is old, so the method does not come to a halt as AdaGrad does. There is no learning rate; the recent updates
# $\boldsymbol r$ set the length of a step. Mind the order: the update uses $\boldsymbol r$ *before* it is renewed.
#
# (Though the formula has no learning rate, the `AdaDelta` of kobai and of most libraries has a `learning_rate`. It is a
# *factor* on the whole of $\Delta\boldsymbol\theta$, 1 for the method as it stands here, so that it can be varied as the
# rates of the other methods are. In the tables of `kobai descend` and `kobai compare` it stands in the column of learning rates, with ×.)


# %% tags=["exercise"] name="adadelta"
class AdaDelta:
    def __init__(self, decay=0.95, epsilon=1e-6):
        self.decay = decay
        self.epsilon = epsilon
        self.h = {}
        self.r = {}

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            if key not in self.h:
                self.h[key] = np.zeros_like(params[key])
                self.r[key] = np.zeros_like(params[key])
            g = grads[key]
            self.h[key] = self.decay * self.h[key] + (1 - self.decay) * g * g
            delta = -np.sqrt(self.epsilon + self.r[key]) / np.sqrt(self.epsilon + self.h[key]) * g
            params[key] += delta
            self.r[key] = self.decay * self.r[key] + (1 - self.decay) * delta * delta
        ### END SOLUTION


# %% tags=["check"] name="adadelta"
check("3_1.adadelta")

# %% [markdown] tags=["ja", "slide"]
# ## 7. RMSProp（4分）
#
# $$\boldsymbol h \leftarrow \rho\boldsymbol h + (1-\rho)\,\boldsymbol g \odot \boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\sqrt{\varepsilon + \boldsymbol h}} \odot \boldsymbol g$$
#
# AdaDeltaから$\boldsymbol r$を取り除き、学習率$\eta$を戻した形です。今度の$\varepsilon$は根号の**中**です。

# %% [markdown] tags=["en", "slide"]
# ## 7. RMSProp (4 min)
#
# $$\boldsymbol h \leftarrow \rho\boldsymbol h + (1-\rho)\,\boldsymbol g \odot \boldsymbol g, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\sqrt{\varepsilon + \boldsymbol h}} \odot \boldsymbol g$$
#
# AdaDelta without $\boldsymbol r$: the learning rate $\eta$ is back. This time $\varepsilon$ stands *inside* the root.


# %% tags=["exercise"] name="rmsprop"
class RMSProp:
    def __init__(self, learning_rate=0.001, decay=0.9, epsilon=1e-8):
        self.learning_rate = learning_rate
        self.decay = decay
        self.epsilon = epsilon
        self.h = {}

    def update(self, params, grads):
        ### BEGIN SOLUTION
        for key in params:
            if key not in self.h:
                self.h[key] = np.zeros_like(params[key])
            self.h[key] = self.decay * self.h[key] + (1 - self.decay) * grads[key] ** 2
            params[key] -= self.learning_rate / np.sqrt(self.epsilon + self.h[key]) * grads[key]
        ### END SOLUTION


# %% tags=["check"] name="rmsprop"
check("3_1.rmsprop")

# %% [markdown] tags=["ja", "slide"]
# ## 8. Adam（8分）
#
# $$\boldsymbol m \leftarrow \rho_1\boldsymbol m + (1-\rho_1)\,\boldsymbol g, \qquad
# \boldsymbol v \leftarrow \rho_2\boldsymbol v + (1-\rho_2)\,\boldsymbol g \odot \boldsymbol g$$
# $$\hat{\boldsymbol m} = \frac{\boldsymbol m}{1-\rho_1^t}, \qquad
# \hat{\boldsymbol v} = \frac{\boldsymbol v}{1-\rho_2^t}, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\sqrt{\hat{\boldsymbol v}} + \varepsilon} \odot \hat{\boldsymbol m}$$
#
# $\boldsymbol m$はMomentumに、$\boldsymbol v$はRMSPropに似ています。どちらも0から始まるので、はじめのうちは小さすぎます。
# それを補うのがバイアス修正です。**$t$は1から数えます**。0から数えると$1-\rho^0 = 0$で割ることになります。
# $\varepsilon$は根号の外です。

# %% [markdown] tags=["en", "slide"]
# ## 8. Adam (8 min)
#
# $$\boldsymbol m \leftarrow \rho_1\boldsymbol m + (1-\rho_1)\,\boldsymbol g, \qquad
# \boldsymbol v \leftarrow \rho_2\boldsymbol v + (1-\rho_2)\,\boldsymbol g \odot \boldsymbol g$$
# $$\hat{\boldsymbol m} = \frac{\boldsymbol m}{1-\rho_1^t}, \qquad
# \hat{\boldsymbol v} = \frac{\boldsymbol v}{1-\rho_2^t}, \qquad
# \boldsymbol\theta \leftarrow \boldsymbol\theta - \frac{\eta}{\sqrt{\hat{\boldsymbol v}} + \varepsilon} \odot \hat{\boldsymbol m}$$
#
# $\boldsymbol m$ resembles Momentum, $\boldsymbol v$ RMSProp. Both start at zero, so at first they are too small; the
# bias correction makes up for it. **$t$ counts from 1**: from 0 you would divide by $1-\rho^0 = 0$. $\varepsilon$ stands
# outside the root.


# %% tags=["exercise"] name="adam"
class Adam:
    def __init__(self, learning_rate=0.001, decay_1=0.9, decay_2=0.999, epsilon=1e-8):
        self.learning_rate = learning_rate
        self.decay_1 = decay_1
        self.decay_2 = decay_2
        self.epsilon = epsilon
        self.m = {}
        self.v = {}
        self.t = 0

    def update(self, params, grads):
        ### BEGIN SOLUTION
        self.t += 1
        for key in params:
            if key not in self.m:
                self.m[key] = np.zeros_like(params[key])
                self.v[key] = np.zeros_like(params[key])
            g = grads[key]
            self.m[key] = self.decay_1 * self.m[key] + (1 - self.decay_1) * g
            self.v[key] = self.decay_2 * self.v[key] + (1 - self.decay_2) * g * g
            m_hat = self.m[key] / (1 - self.decay_1**self.t)
            v_hat = self.v[key] / (1 - self.decay_2**self.t)
            params[key] -= self.learning_rate / (np.sqrt(v_hat) + self.epsilon) * m_hat
        ### END SOLUTION


# %% tags=["check"] name="adam"
check("3_1.adam")

# %% [markdown] tags=["ja"]
# ## 9. 何ステップで到達したか（6分）
#
# 手法を比べるには、何をもって「到達した」とみなすかを、数で決めておく必要があります。損失の列`values`の先頭を1ステップ目として、
# 次の2つのステップの組`(first, stays)`を返してください。
#
# - **初めて到達**: 初めて`tolerance`を下回ったステップ
# - **以後維持**: それ以降ずっと`tolerance`を下回り続ける、最初のステップ
#
# どちらも、該当するステップがなければ無限大（`np.inf`）です。
# Momentumのように、一度到達してから行き過ぎる手法では、2つの値が違ってきます。

# %% [markdown] tags=["en"]
# ## 9. In how many steps? (6 min)
#
# To compare methods, first fix what *arrived* means. Counting the first entry of the losses `values` as step 1, return
# the pair `(first, stays)` of
#
# - **first there**: the first step at which the loss is below `tolerance`
# - **stays from**: the first step from which on it is below `tolerance` for good
#
# either of them infinite (`np.inf`) where there is none. For a method like Momentum, which arrives and shoots out
# again, the two numbers differ.


# %% tags=["exercise"] name="arrival"
def arrival(values, tolerance):
    ### BEGIN SOLUTION
    below = np.asarray(values) < tolerance
    if not below.any():
        return np.inf, np.inf
    first = np.argmax(below) + 1
    if not below[-1]:
        return first, np.inf
    above = np.flatnonzero(~below)
    stays = above[-1] + 2 if len(above) else 1
    return first, stays
    ### END SOLUTION


# %% tags=["check"] name="arrival"
check("3_1.arrival")

# %% [markdown] tags=["ja", "slide"]
# ## 10. 等高線の上で見る
#
# 完成した手法だけが描かれます。
#
# **予想**: 実行する前に、次の2つを予想してください。
#
# - 谷底に沿ってまっすぐ進むのはどれでしょうか。行ったり来たりするのはどれでしょうか。
# - 最初の一歩では、$x$と$y$のどちらに大きく動くでしょうか。適応的な手法（AdaGrad以降）ではどうでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 10. On the contour map
#
# Whatever you have finished is drawn.
#
# **Predict** before you look:
#
# - Which goes straight along the valley, which goes to and fro?
# - Does it move more in $x$ or in $y$ at the very start? And the adaptive ones (from AdaGrad on)?

# %% tags=["slide"]
paths = {}
if done("3_1.sgd"):
    paths["SGD η=0.95"] = descend(SGD(learning_rate=0.95))
if done("3_1.momentum"):
    paths["Momentum η=0.1"] = descend(Momentum(learning_rate=0.1, momentum=0.9))
if done("3_1.nesterov"):
    paths["Nesterov η=0.1"] = descend(Nesterov(learning_rate=0.1, momentum=0.9))
if done("3_1.adagrad"):
    paths["AdaGrad η=1.5"] = descend(AdaGrad(learning_rate=1.5))
if done("3_1.adadelta"):
    paths["AdaDelta"] = descend(AdaDelta(), steps=2000)
if done("3_1.rmsprop"):
    paths["RMSProp η=0.3"] = descend(RMSProp(learning_rate=0.3))
if done("3_1.adam"):
    paths["Adam η=0.3"] = descend(Adam(learning_rate=0.3))

contour(f, x=(-8, 5), y=(-3, 3), paths=paths, title="お椀の上の経路")  # ja
contour(f, x=(-8, 5), y=(-3, 3), paths=paths, title="Paths on the bowl")  # en

# %% [markdown] tags=["ja"]
# 凡例をクリックすると、手法ごとに表示と非表示を切り替えられます（ダブルクリックすると、その手法だけになります）。
# 損失の下がり方も並べてみましょう。

# %% [markdown] tags=["en"]
# Press a name in the legend to hide or show a method, twice to see it alone. And this is how the losses fall:

# %%
losses = {name: f(path[1:101, 0], path[1:101, 1]) for name, path in paths.items()}
curves(losses, x="ステップ", y="f", title="損失の推移（最初の100ステップ）", log=True)  # ja
curves(losses, x="step", y="f", title="Loss over the first 100 steps", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# - SGDは、急な$y$方向で上下に振れながら、緩やかな$x$方向に少しずつ進みます。学習率の上限を決めるのは、急な方向です。
# - Momentumは加速しますが、勢い余って谷底を通り過ぎます。Nesterovは先の点の勾配を使うので、行き過ぎが小さくなります。
# - AdaGrad、RMSProp、Adamは、$x$方向にも$y$方向にも、最初から同じくらい動きます。$g/\sqrt{h}$が勾配の大きさを打ち消すためです。
# - AdaDeltaの最初の一歩は、勾配の大きさによらず$\sqrt{\varepsilon/(1-\rho)} \approx 0.004$しかなく、加速するまでに時間がかかります。
# - RMSPropは、$\eta$が一定の限り、谷底で$\eta$ほどの幅で振動し続けます。$\eta = 0.3$では
#   到達しても維持できません。$\eta$を小さくすると維持できますが、到達は遅くなります。

# %% [markdown] tags=["en", "result", "slide"]
# - SGD swings across the steep $y$ direction while it creeps along the gentle $x$ direction. The steep one limits the
#   learning rate.
# - Momentum gathers speed, and overshoots. Nesterov sees the slope ahead and overshoots less.
# - AdaGrad, RMSProp and Adam start equally far in $x$ and in $y$: $g/\sqrt{h}$ cancels the size of the gradient.
# - AdaDelta's first step is $\sqrt{\varepsilon/(1-\rho)} \approx 0.004$ whatever the gradient, and it takes long to gather
#   speed.
# - RMSProp goes on trembling at the bottom, by about $\eta$, as long as $\eta$ is constant: at $\eta = 0.3$ it never stays;
#   with a smaller $\eta$ it does, but arrives later.

# %% [markdown] tags=["ja"]
# ## グループワーク（45分 + 発表15分）
#
# **2〜3人で**。役割を決めてください（3人目がいなければ、記録係が進行係も兼ねます）。
#
# | 役割 | すること |
# |---|---|
# | 操作係 | セルを実行する |
# | 記録係 | 予想と結果を表に書く |
# | 進行係 | 時間を見る。「なぜ?」を必ず一度は尋ねる |
#
# **問い**: 学習率$\eta$とモーメンタム係数$\alpha$（減衰率$\rho$）を変えると、収束までのステップ数はどう変わるでしょうか。
#
# **進め方**
#
# 1. （5分）実行する**前に**、各自が予想を紙に書きます。「Momentumの$\alpha$を0.9から0.99にすると、ステップ数は増える? 減る?」
#    「SGDが発散し始める$\eta$は?」
# 2. （30分）表を埋めます。1つの手法につき学習率を3つ以上、10倍刻みから始めて、良さそうなところを細かく調べます。
# 3. （10分）1枚のスライドにまとめます。
#
# | 手法 | 学習率 | 係数 | 予想 | 初めて到達 | 以後維持 | 発散 |
# |---|---|---|---|---|---|---|
# | SGD | 0.1 | – | | | | |
# | SGD | 0.95 | – | | | | |
# | SGD | | – | | | | |
# | Momentum | 0.1 | α=0.9 | | | | |
# | Momentum | 0.1 | α= | | | | |
# | Nesterov | 0.1 | α=0.9 | | | | |
# | AdaGrad | 1.5 | – | | | | |
# | AdaDelta | – | ρ=0.95 | | | | |
# | RMSProp | 0.3 | ρ=0.9 | | | | |
# | Adam | 0.3 | ρ₁=0.9, ρ₂=0.999 | | | | |
# | | | | | | | |
#
# 到達は$f < 10^{-3}$、発散は$f$が出発点の値の100万倍を超えることとし、1,000ステップまで（AdaDeltaは3,000ステップまで）調べます。
# 下の`measure`で、1行分を測れます。
#
# **スライドのひな形**（1枚、3分で話します）
#
# - **主張**: （1文で。例「このお椀では〇〇が最も速いが、学習率の選び方に敏感だ」）
# - **図**: （等高線または損失の推移を1枚）
# - **根拠**: （表から数字を2つ）
# - **意外だったこと**: （予想と違った点と、その理由の仮説）

# %% [markdown] tags=["en"]
# ## Group work (45 min + 15 min to present)
#
# **Two or three people.** Choose your roles (with two, the recorder also keeps the time).
#
# | role | does |
# |---|---|
# | pilot | runs the cells |
# | recorder | writes predictions and results into the table |
# | host | watches the clock, and asks "why?" at least once |
#
# **Question**: how does the number of steps change with the learning rate $\eta$ and the momentum coefficient $\alpha$
# (or the decay rate $\rho$)?
#
# 1. (5 min) *Before* running anything, everybody writes predictions on paper. From $\alpha = 0.9$ to $0.99$: more
#    steps or fewer? At which $\eta$ does SGD begin to diverge?
# 2. (30 min) Fill in the table. At least three learning rates for each method: begin with factors of ten, then look
#    closer where it is good.
# 3. (10 min) Make one slide.
#
# | method | learning rate | coefficient | prediction | first there | stays from | diverged |
# |---|---|---|---|---|---|---|
# | SGD | 0.1 | – | | | | |
# | SGD | 0.95 | – | | | | |
# | SGD | | – | | | | |
# | Momentum | 0.1 | α=0.9 | | | | |
# | Momentum | 0.1 | α= | | | | |
# | Nesterov | 0.1 | α=0.9 | | | | |
# | AdaGrad | 1.5 | – | | | | |
# | AdaDelta | – | ρ=0.95 | | | | |
# | RMSProp | 0.3 | ρ=0.9 | | | | |
# | Adam | 0.3 | ρ₁=0.9, ρ₂=0.999 | | | | |
# | | | | | | | |
#
# *There* means $f < 10^{-3}$, *diverged* that $f$ is more than a million times its value at the start. The limit is 1,000
# steps, for AdaDelta 3,000. `measure`, below, makes one row.
#
# **Template for the slide** (one slide, three minutes)
#
# - **Claim**: (one sentence, such as "on this bowl … is fastest, but sensitive to its learning rate")
# - **Figure**: (one contour map, or the losses)
# - **Evidence**: (two numbers from the table)
# - **Surprise**: (where you had predicted something else, and why you think it came out so)


# %%
def measure(optimizer, steps=1000, tolerance=1e-3):
    # ja: 表の1行分: 初めて到達、以後維持、発散したステップ
    # en: a row of the table: first there, stays from, and the step of divergence
    with np.errstate(over="ignore", invalid="ignore"):
        path = descend(optimizer, steps)
        values = f(path[1:, 0], path[1:, 1])
    first, stays = arrival(values, tolerance)
    diverged, _ = arrival(-values, -1e6 * f(*path[0]))
    first, stays, diverged = ("–" if np.isinf(n) else int(n) for n in (first, stays, diverged))
    print(f"初めて到達 {first}  以後維持 {stays}  発散 {diverged}")  # ja
    print(f"first there {first}  stays from {stays}  diverged {diverged}")  # en


if done("3_1.arrival") and done("3_1.sgd"):
    measure(SGD(learning_rate=0.95))
    measure(SGD(learning_rate=1.01))
if done("3_1.arrival") and done("3_1.momentum"):
    measure(Momentum(learning_rate=0.1, momentum=0.9))

# %% [markdown] tags=["ja"]
# 表が埋まったら、kobaiの答えと比べてみましょう。同じお椀、同じ基準で、表を一度に作ります（ターミナルで実行します）。
# 1つ目は7つの手法を上の表の学習率で（BFGSはレッスン3-9の手法です）、2つ目はSGDとMomentumの学習率と係数を変えて比べます。
#
# ```
# kobai descend bowl --steps 3000 --language ja
# kobai descend bowl --methods sgd,momentum --learning-rates 0.1,0.95,1.01 --set momentum.momentum=0.5,0.9,0.99 --language ja
# ```
#
# 「初めて到達」「以後維持」の列が、自分の表と一致するはずです。発散は「結果」の列にあります。たとえば$\eta = 1.01$のSGDは
# 「361で発散」で、上のセルの値と同じです。

# %% [markdown] tags=["en"]
# With the table filled in, compare it with kobai's answer: the same bowl, the same criteria, the table at once (in a
# terminal). The first command takes the seven methods with the rates of the table (BFGS belongs to lesson 3-9), the second
# varies the rate and the coefficient of SGD and Momentum.
#
# ```
# kobai descend bowl --steps 3000 --language en
# kobai descend bowl --methods sgd,momentum --learning-rates 0.1,0.95,1.01 --set momentum.momentum=0.5,0.9,0.99 --language en
# ```
#
# Its columns *first there* and *stays from* should agree with yours. Divergence stands in the column *outcome*: for SGD with
# $\eta = 1.01$ it says "diverged at 361", as the cell above.

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 更新則は、勾配・内部状態（速度や移動平均）・係数から更新量を作る短い式です。内部状態は配列ごと、インスタンスごとに持ちます。
# - Momentumは**向き**の履歴を、AdaGrad・RMSPropは**大きさ**の履歴を使います。Adamは両方を使い、初期のバイアスを修正します。
# - 学習率の上限は最も急な方向で決まります。$f = x^2/20 + y^2$ではSGDは$\eta < 1$、$\alpha = 0.9$のMomentumは$\eta < 1.9$です。
# - 「速い」は、基準を決めてから測るものです。初めて到達することと、到達した状態を維持することは違います。
#
# ### 自己診断
#
# 1. Momentumで$\alpha = 0$とすると、どの手法になりますか。
# 2. 勾配がずっと同じ値$g$のとき、Momentumの速度はどこに近づきますか。$\alpha = 0.9$では、SGDの何倍の歩幅でしょうか。
# 3. バイアス修正のないAdamは、1ステップ目にどのくらい動きますか（$\rho_1=0.9$, $\rho_2=0.999$）。
#
# <details><summary>答え</summary>
#
# 1. SGDです。$v = -\eta g$となり、そのまま足されます。
# 2. $v = \alpha v - \eta g$を解くと$v = -\eta g/(1-\alpha)$となります。$\alpha = 0.9$では10倍です。
# 3. $m = 0.1g$、$\sqrt v = \sqrt{0.001}\,|g| \approx 0.032|g|$なので約$3.2\eta$動きます。修正があればちょうど$\eta$です。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - An update rule is a short formula that makes a step of the gradient, a memory (velocities, moving averages) and
#   coefficients. There is one memory for each array, and for each instance.
# - Momentum uses the history of *directions*, AdaGrad and RMSProp that of *sizes*. Adam uses both, and corrects the
#   bias of the start.
# - The steepest direction limits the learning rate. On $f = x^2/20 + y^2$ SGD needs $\eta < 1$, Momentum with
#   $\alpha = 0.9$ needs $\eta < 1.9$.
# - *Fast* must be agreed on before it is measured: to arrive is not to stay.
#
# ### Test yourself
#
# 1. What does Momentum with $\alpha = 0$ become?
# 2. The gradient is the same $g$ for ever. What does the velocity of Momentum approach? With $\alpha = 0.9$, how many
#    times a step of SGD is that?
# 3. How far does Adam without bias correction move in its first step ($\rho_1=0.9$, $\rho_2=0.999$)?
#
# <details><summary>Answers</summary>
#
# 1. SGD: $v = -\eta g$ is added as it is.
# 2. Solve $v = \alpha v - \eta g$: $v = -\eta g/(1-\alpha)$, ten times for $\alpha = 0.9$.
# 3. $m = 0.1g$ and $\sqrt v = \sqrt{0.001}\,|g| \approx 0.032|g|$, so about $3.2\eta$. With the correction, exactly $\eta$.
#
# </details>
