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
# # 3-8 機械学習と純粋な最適化の違い
#
# **この時間で身につけること**
#
# - 経験損失と期待損失の違いを、数字で説明できる
# - 訓練損失が最小の点と、学習を止めるべき点が違うことを確かめ、早期終了と正則化を実装できる
# - 目的関数がデータごとの和であることと、最尤法とのつながりを説明できる
#
# | 内容 | 目安 |
# |---|---|
# | 純粋な最適化との対比、早期終了 | 15分 |
# | 正則化 | 11分 |
# | 代理損失関数 | 8分 |
# | 和への分解 | 6分 |
# | 最尤法 | 20分 |

# %% [markdown] tags=["en", "slide"]
# # 3-8 Learning is not pure optimisation
#
# **What you will be able to do**
#
# - explain, with numbers, how the empirical loss differs from the expected loss
# - see that the minimum of the training loss is not where to stop, and implement early stopping and regularization
# - explain why the objective is a sum over examples, and what that has to do with maximum likelihood
#
# | part | time |
# |---|---|
# | pure optimisation for contrast, early stopping | 15 min |
# | regularization | 11 min |
# | surrogate loss functions | 8 min |
# | the objective as a sum | 6 min |
# | maximum likelihood | 20 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves, lines, scatter
from kobai.course.network import InPlace, Network, normal

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 訓練損失の最小点で止めてよいか
#
# 純粋な最適化（資源の配分、車体の形、最短経路など）では、目的関数を小さくすることが、そのまま目標です。極小点が見つかれば計算は終わります
# （kobaiにも例があります。ターミナルで`kobai descend shortest_path --language ja`を実行してみてください）。
# 機械学習で手元にあるのは、観測されたデータの上での損失（**経験損失**）だけです。本当に小さくしたいのは、
# まだ見ていないデータも含めた平均（**期待損失**）のほうです。
#
# 15点の訓練データに、11次の多項式を勾配法で当てはめます。期待損失は、同じ分布から作った2,000点で推定します。
#
# **予想**: 経験損失と期待損失は、ステップとともにどのように動くでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 1. Should you stop at the minimum of the training loss?
#
# In pure optimisation (sharing out resources, the shape of a car, a shortest path) the objective is the goal itself: find
# a minimum, and you are done. (kobai has such examples: try `kobai descend shortest_path --language en` in a terminal.) In learning you only have the loss on the data that were observed, the **empirical loss**.
# What you want small is the mean over all data that may come, the **expected loss**.
#
# A polynomial of degree 11 is fitted to 15 points by gradient descent. The expected loss is estimated on 2,000 points of
# the same distribution.
#
# **Predict**: how do the two losses move?


# %% tags=["slide"]
def sample(count, seed):
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, count)
    return np.polynomial.chebyshev.chebvander(x, 11), np.sin(3 * x) + 0.4 * random.standard_normal(count), x


X_train, t_train, x_train = sample(15, 8)
X_validation, t_validation, _ = sample(40, 101)
X_many, t_many, _ = sample(2000, 102)


def mean_squared(w, X, t):
    return ((X @ w - t) ** 2).mean()


w, training, validation, expected = np.zeros(12), [], [], []
for _ in range(3000):
    w = w - 0.1 * 2 * X_train.T @ (X_train @ w - t_train) / len(t_train)
    training.append(mean_squared(w, X_train, t_train))
    validation.append(mean_squared(w, X_validation, t_validation))
    expected.append(mean_squared(w, X_many, t_many))

losses = {"訓練（経験損失）": training, "検証": validation, "期待損失の推定": expected}  # ja
losses = {"training (empirical)": training, "validation": validation, "expected, estimated": expected}  # en
print(f"最小のステップ: 訓練 {np.argmin(training) + 1}、検証 {np.argmin(validation) + 1}、期待損失 {np.argmin(expected) + 1}")  # ja
print(f"lowest at step: training {np.argmin(training) + 1}, validation {np.argmin(validation) + 1}, expected {np.argmin(expected) + 1}")  # en
marks = {"期待損失が最小": int(np.argmin(expected)) + 1}  # ja
marks = {"expected loss lowest": int(np.argmin(expected)) + 1}  # en
curves(losses, x="ステップ（対数目盛）", y="損失", title="経験損失と期待損失", log=True, log_x=True, marks=marks)  # ja
curves(losses, x="step (logarithmic)", y="loss", title="Empirical and expected loss", log=True, log_x=True, marks=marks)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 訓練損失は3,000ステップ目まで下がり続けますが、期待損失は9ステップ目で最小になり、その後は上がります（過学習）。
# **訓練損失の最小点は、止めるべき点ではありません**。
# 期待損失は実際には計算できないので、代わりに検証データの損失で判断します。

# %% [markdown] tags=["en", "result", "slide"]
# The training loss falls up to step 3,000; the expected loss is lowest at step 9, and then rises (overfitting). **The minimum of the training loss is
# not where to stop.** The expected loss cannot be computed in practice; validation data stand in for it.

# %% [markdown] tags=["ja", "slide"]
# ## 2. 早期終了（7分）
#
# 検証損失の列`values`を先頭から見ていき、**これまでの最小値を`patience`回続けて更新できなかったら**止めます。
# 最小だったステップと、止めたステップの組`(best, stop)`を返してください。ステップは1から数えます。
# 最後まで止まらなければ、`stop`は最後のステップです。最小値と同じ値は「更新」とみなしません。

# %% [markdown] tags=["en", "slide"]
# ## 2. Early stopping (7 min)
#
# Go through the validation losses `values` and stop **when the lowest so far has not been beaten `patience` times in a
# row**. Return the pair `(best, stop)`: the best step, and the step at which you stopped. Count steps from 1. If you
# never stop, `stop` is the last step. An equal value does not beat the lowest.


# %% tags=["exercise"] name="early_stop"
def early_stop(values, patience):
    ### BEGIN SOLUTION
    best, lowest = 0, np.inf
    for step, value in enumerate(values, start=1):
        if value < lowest:
            best, lowest = step, value
        elif step - best >= patience:
            return best, step
    return best, len(values)
    ### END SOLUTION


# %% tags=["check"] name="early_stop"
check("3_8.early_stop")

# %%
if done("3_8.early_stop"):
    best, stop = early_stop(validation, 50)
    print(f"最良 {best}、停止 {stop}、そのときの期待損失 {expected[best - 1]:.3f}（最後まで続けると {expected[-1]:.3f}）")  # ja
    print(f"best {best}, stopped {stop}; expected loss there {expected[best - 1]:.3f} ({expected[-1]:.3f} at the end)")  # en

# %% [markdown] tags=["ja"]
# 9ステップ目で止めれば期待損失は0.37ですが、最後まで続けると3.77と、およそ10倍になります。

# %% [markdown] tags=["en"]
# Stopped at step 9 the expected loss is 0.37; trained to the end it is 3.77, about ten times as much.

# %% [markdown] tags=["ja", "slide"]
# ## 3. 正則化: 重みを大きくしすぎない（6分）
#
# 過学習を抑えるもう1つの方法が**正則化**です。最もよく使われる**L2正則化**では、重みの2乗和を損失に加えます。
#
# $$L_{\text{L2}} = L + \frac{\lambda}{2}\sum w^2, \qquad
# \frac{\partial L_{\text{L2}}}{\partial w} = \frac{\partial L}{\partial w} + \lambda w$$
#
# 訓練損失を少し下げるために重みを極端に大きくすると、加えた項（罰則項）のほうが大きくなってしまいます。そのため、当てはめた曲線は滑らかになります。
# **バイアスは罰則項に含めません**。バイアスは曲線を上下に動かすだけで、急な折れ曲がりを作らないからです。
#
# $L$の勾配の辞書`grads`、パラメータの辞書`params`、強さ`strength`($\lambda$)を受け取り、$L_{\text{L2}}$の勾配の**新しい辞書**を返してください。
# 名前が`"W"`で始まる配列が重み、`"b"`で始まる配列がバイアスです。

# %% [markdown] tags=["en", "slide"]
# ## 3. Regularization: keep the weights small (6 min)
#
# **Regularization** is the other way to hold overfitting back. Its most common form, **L2**, adds the sum of the squared
# weights to the loss:
#
# $$L_{\text{L2}} = L + \frac{\lambda}{2}\sum w^2, \qquad
# \frac{\partial L_{\text{L2}}}{\partial w} = \frac{\partial L}{\partial w} + \lambda w$$
#
# Extreme weights that lower the training loss by a little cost more than they gain, so the fitted curve stays smooth. *Biases
# pay nothing*: they move a curve up and down, and make no sharp bends.
#
# From the gradients of $L$, the dict `grads`, the dict of parameters `params` and `strength` ($\lambda$), make a *new dict* of
# the gradients of $L_{\text{L2}}$. Names of weights begin with `"W"`, those of biases with `"b"`.


# %% tags=["exercise"] name="with_l2"
def with_l2(grads, params, strength):
    ### BEGIN SOLUTION
    return {key: g + strength * params[key] if key.startswith("W") else g for key, g in grads.items()}
    ### END SOLUTION


# %% tags=["check"] name="with_l2"
check("3_8.with_l2")

# %% [markdown] tags=["ja"]
# 訓練データが20点しかないのに、隠れ層が50ノードもあるネットワークを、3通りの方法で学習させます。
#
# - 何もしない（$\lambda = 0$で最後まで）
# - 早期終了（検証損失が最小のステップのパラメータを使う）
# - L2正則化（$\lambda = 0.01$と$\lambda = 0.1$で最後まで）
#
# **予想**: 検証損失が小さい順に並べてください。$\lambda$を10倍にすると、良くなるでしょうか、悪くなるでしょうか。

# %% [markdown] tags=["en"]
# A network with 50 hidden nodes and only 20 training points is trained in three ways:
#
# - as it is ($\lambda = 0$, to the end)
# - with early stopping (the parameters of the step with the lowest validation loss)
# - with L2 ($\lambda = 0.01$ and $\lambda = 0.1$, to the end)
#
# **Predict**: put them in order by their validation loss. Is ten times the $\lambda$ better or worse?


# %%
def noisy_sine(count, seed):
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(-1, 1, (count, 1)), axis=0)
    return x, np.sin(3 * x) + 0.4 * random.standard_normal((count, 1))


few_x, few_t = noisy_sine(20, 3)
check_x, check_t = noisy_sine(200, 100)


def fit(strength, steps=2000):
    # ja: (訓練損失の推移、検証損失の推移、検証損失が最小だったときの当てはめ、最後の当てはめ)
    # en: (training losses, validation losses, the fit where validation was lowest, the last fit)
    network, optimizer = Network((1, 50, 1), "tanh", normal(1.0)), InPlace(kobai.Adam(learning_rate=0.01))
    training, validating, best = [], [], None
    for _ in range(steps):
        loss, grads = network.gradient(few_x, few_t)
        grads = with_l2(grads, network.params, strength)
        training.append(loss)
        validating.append(network.loss(check_x, check_t))
        if validating[-1] == min(validating):
            best = network.scores(check_x)
        optimizer.update(network.params, grads)
    return training, validating, best, network.scores(check_x)


shown, fits = {}, {}
if done("3_8.with_l2"):
    training, validating, best, last = fit(0)
    step = int(np.argmin(validating))
    print(f"λ=0     訓練 {training[-1]:.3f}  検証 {validating[-1]:.3f}")  # ja
    print(f"λ=0     training {training[-1]:.3f}  validation {validating[-1]:.3f}")  # en
    print(f"早期終了  訓練 {training[step]:.3f}  検証 {validating[step]:.3f}（{step + 1}ステップ目）")  # ja
    print(f"early stopping  training {training[step]:.3f}  validation {validating[step]:.3f} (step {step + 1})")  # en
    shown, fits = {"λ=0": validating}, {"λ=0": last}
    fits["早期終了"] = best  # ja
    fits["early stopping"] = best  # en
    for strength in (0.01, 0.1):
        training, validating, _, fits[f"λ={strength}"] = fit(strength)
        shown[f"λ={strength}"] = validating
        print(f"λ={strength:<5} 訓練 {training[-1]:.3f}  検証 {validating[-1]:.3f}")  # ja
        print(f"λ={strength:<5} training {training[-1]:.3f}  validation {validating[-1]:.3f}")  # en

curves(shown, x="ステップ（対数目盛）", y="検証損失", title="20点での学習と検証損失", log=True, log_x=True)  # ja
curves(shown, x="step (logarithmic)", y="validation loss", title="Learning from 20 points: validation loss", log=True, log_x=True)  # en

# %% tags=["slide"]
scatter(check_x, check_t, fits, across="x", up="t", title="検証データと、20点から学習した曲線") if fits else None  # ja
scatter(check_x, check_t, fits, across="x", up="t", title="Validation data, and the curves learned from 20 points") if fits else None  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 何もしないと、検証損失は134ステップ目の0.222から、2,000ステップ目の0.272へ上がります。訓練損失は下がり続けているので、過学習です。
# 早期終了はその最小点を選びます。$\lambda = 0.01$のL2正則化は、最後まで学習しても0.220で、早期終了と同じくらい良くなりました。
# 曲線を見ると、何もしないときだけが、一つ一つの点を追いかけて曲がっています。
#
# ただし、$\lambda = 0.1$では0.358と、何もしないより**悪く**なります。訓練損失も0.297と高く、今度は重みが小さすぎて、
# データに合わせられなくなったためです（学習不足）。$\lambda$は、学習率と同じように、検証データで選びます。

# %% [markdown] tags=["en", "result", "slide"]
# Left alone, the validation loss rises from 0.222 at step 134 to 0.272 at step 2,000, while the training loss goes on falling:
# overfitting. Early stopping takes the lowest point. L2 with $\lambda = 0.01$ is at 0.220 in the end, as good as early stopping. In the
# second figure only the curve that was left alone bends after single points.
#
# But $\lambda = 0.1$ ends at 0.358, *worse* than nothing at all. Its training loss is high, too, 0.297: the weights are now too small to
# follow the data (underfitting). Choose $\lambda$ on validation data, as you choose a learning rate.

# %% [markdown] tags=["ja", "slide"]
# ## 4. 代理損失関数（6分）
#
# 2クラス分類で本当に減らしたいのは**誤判定率**です。スコア$s_i = x_i + b$の符号で判定し、正解$y_i$は$\pm 1$とします
# （話を簡単にするために、動かすのはバイアス$b$だけにします）。誤判定率は$b$について階段状で、勾配はほとんどの場所で0です。
# そこで、滑らかな**代理損失関数**を最小化します。
#
# $$\text{誤判定率} = \frac1N\sum_i [\,y_i s_i \le 0\,], \qquad
# \text{ロジスティック損失} = \frac1N\sum_i \log\left(1 + e^{-y_i s_i}\right)$$
#
# スコア`s`と正解`y`から、この2つの組を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 4. Surrogate loss functions (6 min)
#
# With two classes, what you want to reduce is the **error rate**. The sign of the score $s_i = x_i + b$ decides; the label
# $y_i$ is $\pm 1$. (To keep it simple, only the bias $b$ is to be found.) As a function of $b$ the error rate is a staircase,
# and its gradient is zero almost everywhere. So a smooth **surrogate loss** is minimised in its place.
#
# $$\text{error rate} = \frac1N\sum_i [\,y_i s_i \le 0\,], \qquad
# \text{logistic loss} = \frac1N\sum_i \log\left(1 + e^{-y_i s_i}\right)$$
#
# From scores `s` and labels `y`, return the pair of the two.


# %% tags=["exercise"] name="two_losses"
def two_losses(s, y):
    ### BEGIN SOLUTION
    return (y * s <= 0).mean(), np.log(1 + np.exp(-y * s)).mean()
    ### END SOLUTION


# %% tags=["check"] name="two_losses"
check("3_8.two_losses")

# %% [markdown] tags=["ja"]
# **予想**: $b$を−3から3まで動かすと、2つの損失はそれぞれどんな形になるでしょうか。最小になる$b$は一致するでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: let $b$ go from −3 to 3. Which shapes do the two losses have? Are they lowest at the same $b$?

# %%
random = np.random.default_rng(5)
y = np.where(np.arange(20) < 10, 1.0, -1.0)
x = 0.8 * y + random.standard_normal(20)
biases = np.linspace(-3, 3, 301)
pairs = None
if done("3_8.two_losses"):
    # ja: bを動かす。点が誤判定率、線が代理損失
    # en: b moves; dots: the error rate, line: its surrogate
    pairs = np.array([two_losses(x + b, y) for b in biases])
    lowest = biases[pairs[:, 0] == pairs[:, 0].min()]
    best = biases[pairs[:, 1].argmin()]
    print(f"誤判定率の最小 {pairs[:, 0].min():.2f}: b = {lowest.min():.2f}から{lowest.max():.2f}")  # ja
    print(f"ロジスティック損失の最小 {pairs[:, 1].min():.2f}: b = {best:.2f}")  # ja
    print(f"lowest error rate {pairs[:, 0].min():.2f}: b = {lowest.min():.2f} to {lowest.max():.2f}")  # en
    print(f"lowest logistic loss {pairs[:, 1].min():.2f}: b = {best:.2f}")  # en

title = "誤判定率（点）とロジスティック損失（線）"  # ja
title = "Error rate (dots) and logistic loss (line)"  # en
line = {} if pairs is None else {"log(1 + exp(−ys))": pairs[:, 1]}
scatter(biases, pairs[:, 0], line, across="b", title=title) if line else None

# %% [markdown] tags=["ja", "result", "slide"]
# 誤判定率は階段状で、$b$が0.02から0.58の間ではどこでも最小の0.10です。どの段の上でも勾配は0なので、隣の段がどちらにあるかも
# 分かりません。ロジスティック損失は滑らかで、どこでも下る向きが分かり、その最小点$b = 0.22$では、誤判定率も最小です。

# %% [markdown] tags=["en", "result", "slide"]
# The error rate has stairs, and is lowest, 0.10, anywhere between $b = 0.02$ and 0.58. On every stair the gradient is 0, and does
# not even tell on which side the next one is. The logistic loss is smooth, shows the way down everywhere, and at its minimum,
# $b = 0.22$, the error rate is lowest as well.

# %% [markdown] tags=["ja"]
# ## 5. 目的関数は和に分かれる（4分）
#
# 損失がデータごとの平均なら、**同じ大きさの**ミニバッチに分けたときの勾配の平均は、全データの勾配と一致します。
# ミニバッチ学習が成り立つのは、このためです。純粋な最適化の目的関数（車体の抵抗など）は、ふつうこのようには分かれません。
#
# `gradient(x, t)`はデータの平均損失の勾配を返す関数です。データを先頭から`size`件ずつに分け（割り切れるものとします）、
# ミニバッチの勾配の平均を返してください。

# %% [markdown] tags=["en"]
# ## 5. The objective is a sum (4 min)
#
# If the loss is a mean over examples, then the mean of the gradients over mini-batches *of equal size* is the gradient of
# all the data. That is what learning with mini-batches rests on. The objectives of pure optimisation, the drag of a car
# say, rarely come apart like this.
#
# `gradient(x, t)` returns the gradient of the mean loss. Split the data into batches of `size`, in order (it divides
# evenly), and return the mean of the batches' gradients.


# %% tags=["exercise"] name="mean_gradient"
def mean_gradient(gradient, x, t, size):
    ### BEGIN SOLUTION
    starts = range(0, len(x), size)
    return np.mean([gradient(x[i : i + size], t[i : i + size]) for i in starts], axis=0)
    ### END SOLUTION


# %% tags=["check"] name="mean_gradient"
check("3_8.mean_gradient")

# %% [markdown] tags=["ja", "slide"]
# ## 6. 最尤法
#
# ### 6.1 どちらの正規分布がデータに合うか（5分）
#
# 5つのデータ1、2、3、4、10が観測されました。正規分布A（$\mu = 4$、$\sigma = 3$）とB（$\mu = 7$、$\sigma = 2$）では、どちらがよく当てはまって
# いるでしょうか。各データの位置での密度$p(x_i)$を読み取り、すべて掛け合わせたものが**尤度**です。尤度の大きいほうを選びます。
# 件数が増えると積は0になってしまう（アンダーフロー）ので、対数をとって和にします。これが**対数尤度**です。
#
# $$\log\prod_{i=1}^{m} p(x_i) = \sum_{i=1}^{m}\log p(x_i) = \sum_{i=1}^{m}\left(-\frac{(x_i - \mu)^2}{2\sigma^2} - \log\sigma - \frac12\log 2\pi\right)$$
#
# 対数尤度を返す関数を書いてください。

# %% [markdown] tags=["en", "slide"]
# ## 6. Maximum likelihood
#
# ### 6.1 Which of two normal distributions fits the data? (5 min)
#
# Five numbers were observed: 1, 2, 3, 4 and 10. Does the normal distribution A ($\mu = 4$, $\sigma = 3$) or B ($\mu = 7$,
# $\sigma = 2$) fit them better? Read off the density $p(x_i)$ at every one and multiply them all: that is the **likelihood**,
# and the larger one wins. With many data the product becomes 0 (underflow), so take the logarithm, and it is a sum, the
# **log-likelihood**:
#
# $$\log\prod_{i=1}^{m} p(x_i) = \sum_{i=1}^{m}\log p(x_i) = \sum_{i=1}^{m}\left(-\frac{(x_i - \mu)^2}{2\sigma^2} - \log\sigma - \frac12\log 2\pi\right)$$
#
# Write the function that returns the log-likelihood.


# %% tags=["exercise"] name="log_likelihood"
def log_likelihood(x, mean, std):
    ### BEGIN SOLUTION
    return (-((x - mean) ** 2) / (2 * std**2) - np.log(std) - np.log(2 * np.pi) / 2).sum()
    ### END SOLUTION


# %% tags=["check"] name="log_likelihood"
check("3_8.log_likelihood")

# %% [markdown] tags=["ja"]
# **予想**: AとBでは、どちらの尤度が大きいでしょうか。何倍くらい違うでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: which of A and B has the larger likelihood, and by what factor?

# %% tags=["slide"]
data = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
grid = np.linspace(-6, 15, 301)


def density(x, mean, std):
    return np.exp(-((x - mean) ** 2) / (2 * std**2)) / (std * np.sqrt(2 * np.pi))


two = {"A: μ=4, σ=3": (4.0, 3.0), "B: μ=7, σ=2": (7.0, 2.0)}
for name, setting in two.items():
    print(f"{name}: p = {density(data, *setting).round(4)}   ∏p = {density(data, *setting).prod():.3g}")
    if done("3_8.log_likelihood"):
        print(f"             Σ log p = {log_likelihood(data, *setting):.3f}")
stems = {name: (data, density(data, *setting)) for name, setting in two.items()}
bells = {name: density(grid, *setting) for name, setting in two.items()}

lines(grid, bells, stems=stems, points=data, across="x", up="p(x)", title="5つのデータと、2つの正規分布の密度")  # ja
lines(grid, bells, stems=stems, points=data, across="x", up="p(x)", title="Five data, and the densities of two normal distributions")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# Aの尤度はBのおよそ1,200倍です。Bは10に高い密度を与えますが、1に与える密度が0.002しかありません。積では、**小さい密度が1つあるだけで**
# 全体が小さくなります。対数尤度は−12.9と−19.9で、大小の順は尤度と同じです。

# %% [markdown] tags=["en", "result", "slide"]
# The likelihood of A is some 1,200 times that of B. B has a high density at 10, but one of 0.002 at 1, and in a product *a single
# small density* makes the whole small. The log-likelihoods, −12.9 and −19.9, are in the same order.

# %% [markdown] tags=["ja", "slide"]
# ### 6.2 尤度が最大の正規分布（3分）
#
# 2つを比べるのではなく、すべての$\mu$と$\sigma$の中で尤度が最大のものを選ぶのが**最尤法**です。対数尤度を$\mu$と$\sigma$で微分して
# 0とおくと、最大の点は式で書けます。**紙の上で導いて**、平均と**分散**の組$(\mu, \sigma^2)$を返してください。

# %% [markdown] tags=["en", "slide"]
# ### 6.2 The most likely normal distribution (3 min)
#
# **Maximum likelihood** does not choose between two, but among all $\mu$ and $\sigma$. Set the derivatives of the
# log-likelihood by $\mu$ and $\sigma$ to zero, and the maximum can be written down. **Derive it on paper**, and return the
# pair of mean and *variance* $(\mu, \sigma^2)$.


# %% tags=["exercise"] name="fit_normal"
def fit_normal(x):
    ### BEGIN SOLUTION
    mean = x.mean()
    return mean, ((x - mean) ** 2).mean()
    ### END SOLUTION


# %% tags=["check"] name="fit_normal"
check("3_8.fit_normal")

# %%
if done("3_8.log_likelihood") and done("3_8.fit_normal"):
    mean, variance = fit_normal(data)
    print(f"μ={mean:g}, σ²={variance:g}: log L = {log_likelihood(data, mean, np.sqrt(variance)):.3f}")
    print(f"μ=3, σ²=10: log L = {log_likelihood(data, 3, np.sqrt(10)):.3f}")
print(
    "0.3¹⁰⁰ (float32) =",
    np.prod(np.full(100, 0.3, np.float32)),
    "  100 log 0.3 =",
    round(100 * np.log(0.3), 2),
)

# %% [markdown] tags=["ja"]
# 尤度が最大になるのは、データの平均と分散（4と10）の正規分布です。対数尤度は−12.851で、Aの−12.866も、$\mu = 3$のときの−13.101も上回ります。
# 尤度のままでは、$0.3^{100}$のような積が単精度で0になってしまいますが、対数の和なら−120.4と正しく計算できます。
#
# ### 6.3 回帰の最尤法（6分）
#
# 回帰では、入力$x^{(i)}$のもとで正解$y^{(i)}$が観測される確率（密度）を考えます。尤度が最大になるパラメータは
#
# $$\boldsymbol\theta_{\mathrm{ML}} = \underset{\boldsymbol\theta}{\arg\max}\ \sum_{i=1}^{m}\log p\left(y^{(i)} \mid x^{(i)}; \boldsymbol\theta\right)$$
#
# です（過学習のことは、ここでは考えません）。直線の回帰$\boldsymbol\theta = (a, b)$で、誤差が標準偏差$\sigma$の正規分布に従うとすると、
#
# $$p(y \mid x; \boldsymbol\theta) = \frac{1}{\sqrt{2\pi}\,\sigma}\exp\left(-\frac{(y - (ax + b))^2}{2\sigma^2}\right)$$
#
# です。配列`theta`(`[a, b]`)、データ`x`と`y`、`std`($\sigma$)から、対数尤度の和を返してください。

# %% [markdown] tags=["en"]
# The likelihood is largest for the normal distribution with the data's mean and variance, 4 and 10: its logarithm is
# −12.851, above the −12.866 of A and the −13.101 with $\mu = 3$. As a product, something like $0.3^{100}$ is 0 in single precision; as a sum of
# logarithms it is −120.4, and right.
#
# ### 6.3 Maximum likelihood in regression (6 min)
#
# A prediction asks for the probability (density) of the truth $y^{(i)}$, given the input $x^{(i)}$. The most likely parameters are
#
# $$\boldsymbol\theta_{\mathrm{ML}} = \underset{\boldsymbol\theta}{\arg\max}\ \sum_{i=1}^{m}\log p\left(y^{(i)} \mid x^{(i)}; \boldsymbol\theta\right)$$
#
# (never mind overfitting here). For a straight line, $\boldsymbol\theta = (a, b)$, with normal errors of standard deviation $\sigma$,
#
# $$p(y \mid x; \boldsymbol\theta) = \frac{1}{\sqrt{2\pi}\,\sigma}\exp\left(-\frac{(y - (ax + b))^2}{2\sigma^2}\right)$$
#
# From the array `theta`, `[a, b]`, the data `x` and `y`, and `std` ($\sigma$), return the sum of the log-likelihoods.


# %% tags=["exercise"] name="regression_likelihood"
def regression_likelihood(theta, x, y, std):
    ### BEGIN SOLUTION
    error = y - (theta[0] * x + theta[1])
    return (-(error**2) / (2 * std**2) - np.log(std) - np.log(2 * np.pi) / 2).sum()
    ### END SOLUTION


# %% tags=["check"] name="regression_likelihood"
check("3_8.regression_likelihood")

# %% [markdown] tags=["ja"]
# **予想**: $b$を固定して$a$だけを動かします。対数尤度が最大になる$a$と、二乗誤差が最小になる$a$は、一致するでしょうか。
# $\sigma$を2倍にすると、最大になる$a$は動くでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: hold $b$ and move $a$. Is the log-likelihood largest at the same $a$ at which the squared error is smallest? Does
# that $a$ move when $\sigma$ is doubled?

# %%
random = np.random.default_rng(7)
x_line = np.sort(random.uniform(-1, 2, 30))
y_line = 0.8 * x_line + 1 + 0.4 * random.standard_normal(30)
slopes = np.linspace(0, 1.6, 161)
heights = {}
if done("3_8.regression_likelihood"):
    errors = [((y_line - (a * x_line + 1)) ** 2).mean() for a in slopes]
    for std in (0.4, 0.8):
        heights[f"Σ log p, σ={std}"] = [regression_likelihood(np.array([a, 1.0]), x_line, y_line, std) for a in slopes]
        print(f"σ={std}: 対数尤度が最大の a = {slopes[np.argmax(heights[f'Σ log p, σ={std}'])]:.2f}")  # ja
        print(f"σ={std}: log-likelihood largest at a = {slopes[np.argmax(heights[f'Σ log p, σ={std}'])]:.2f}")  # en
    print(f"二乗誤差が最小の a = {slopes[np.argmin(errors)]:.2f}")  # ja
    print(f"squared error smallest at a = {slopes[np.argmin(errors)]:.2f}")  # en

lines(slopes, heights, across="a", up="対数尤度", title="傾きaと対数尤度（b = 1）")  # ja
lines(slopes, heights, across="a", up="log-likelihood", title="The slope a and the log-likelihood (b = 1)")  # en

# %%
a, b = np.polyfit(x_line, y_line, 1)
bands = {"θ_ML": a * x_line + b, "θ_ML + σ": a * x_line + b + 0.4, "θ_ML − σ": a * x_line + b - 0.4}
scatter(x_line, y_line, bands, across="x", up="y", title="30個のデータと、最尤法の直線（±σ）")  # ja
scatter(x_line, y_line, bands, across="x", up="y", title="30 data, and the line of maximum likelihood (±σ)")  # en

# %% [markdown] tags=["ja", "result"]
# 対数尤度が最大の$a$も、二乗誤差が最小の$a$も0.90で、$\sigma$を変えても動きません。$\log p$の中で$\boldsymbol\theta$を含むのは
# $-(y - (ax + b))^2/(2\sigma^2)$だけなので、対数尤度を最大にすることは、**二乗誤差の和を最小にすること**と同じです。
#
# そして、対数尤度はデータごとの**和**です。レッスン3-1のSGDが使えるのも、ミニバッチで学習できるのも、目的関数が和に分かれるからです。

# %% [markdown] tags=["en", "result"]
# Both are at $a = 0.90$, whatever $\sigma$ is. Of all that is in $\log p$ only $-(y - (ax + b))^2/(2\sigma^2)$ contains
# $\boldsymbol\theta$, so the largest log-likelihood *is* the smallest sum of squared errors.
#
# And the log-likelihood is a *sum* over the examples. That is why SGD of lesson 3-1 and learning from mini-batches work.

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 最小化するのは経験損失、本当の目標は期待損失です。だから訓練損失の極小点は、最善の点とは限りません。
# - 本当の目標（誤判定率）が階段状なら、滑らかな代理損失関数を最小化します。
# - 対数尤度はデータごとの和です。損失を「負の対数尤度の平均」と見ると、交差エントロピー誤差（分類）の最小化も、二乗誤差
#   （誤差が正規分布に従う回帰）の最小化も、最尤法です。
#
# ### 自己診断
#
# 1. 早期終了に使った検証データで、最終的な性能を報告してよいでしょうか。
# 2. バッチの大きさが不揃いなとき、ミニバッチの勾配の平均は全データの勾配と一致しますか。
# 3. 最尤法の分散は$n$で割ります。この推定値は、真の分散より大きいほうと小さいほうの、どちらにずれますか。
#
# <details><summary>答え</summary>
#
# 1. いけません。検証データに合わせて選んだので、性能を実際より高く見積もってしまいます。別のテストデータで測ります。
# 2. しません。件数で重みをつけた平均なら一致します。
# 3. 小さいほうにずれます（平均を同じデータから求めたためで、$(n-1)/n$倍になります）。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - You minimise the empirical loss; the goal is the expected loss. So the minimum of the training loss need not be best.
# - Where the goal, the error rate, is a staircase, a smooth surrogate loss is minimised.
# - The log-likelihood is a sum over examples. See the loss as a mean negative log-likelihood, and both cross-entropy
#   (classification) and squared error (regression with normal noise) are maximum likelihood.
#
# ### Test yourself
#
# 1. May you report the final quality on the validation data that early stopping used?
# 2. With batches of unequal size, is the mean of their gradients the gradient of all the data?
# 3. Maximum likelihood divides the variance by $n$. Is that estimate too large or too small, on average?
#
# <details><summary>Answers</summary>
#
# 1. No: they were used to choose, so they flatter. Measure on test data kept aside.
# 2. No, unless the mean is weighted by the sizes.
# 3. It is too small, by the factor $(n-1)/n$, for the mean came from the same data.
#
# </details>
