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
# # 3-8 機械学習と純粋な最適化の違い
#
# **この時間で身につけること**
#
# - 経験損失と期待損失の違いを、数字で説明できる
# - 訓練損失が最小の点と、学習を止めるべき点が違うことを確かめ、早期終了を実装できる
# - 目的関数がデータごとの和であることと、最尤法とのつながりを説明できる
#
# | 内容 | 目安 |
# |---|---|
# | 純粋な最適化との対比、早期終了 | 15分 |
# | 代理損失関数 | 8分 |
# | 和への分解 | 6分 |
# | 最尤法 | 12分 |

# %% [markdown] tags=["en"]
# # 3-8 Learning is not pure optimisation
#
# **What you will be able to do**
#
# - explain, with numbers, how the empirical loss differs from the expected loss
# - see that the minimum of the training loss is not where to stop, and implement early stopping
# - explain why the objective is a sum over examples, and what that has to do with maximum likelihood
#
# | part | time |
# |---|---|
# | pure optimisation for contrast, early stopping | 15 min |
# | surrogate loss functions | 8 min |
# | the objective as a sum | 6 min |
# | maximum likelihood | 12 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import curves, scatter

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja"]
# ## 1. 訓練損失の最小点で止めてよいか
#
# 純粋な最適化(資源の配分、車体の形、最短経路など)では、目的関数そのものが目標です。極小点が見つかれば計算は終わります
# (kobaiにも例があります。ターミナルで `kobai descend shortest_path --language ja` を実行してみてください)。
# 機械学習で手元にあるのは、観測されたデータの上での損失(**経験損失**)だけです。本当に小さくしたいのは、
# まだ見ていないデータも含めた平均(**期待損失**)のほうです。
#
# 15点の訓練データに、11次の多項式を勾配法で当てはめます。期待損失は、同じ分布から作った2,000点で推定します。
#
# **予想**: 経験損失と期待損失は、ステップとともにどのように動くでしょうか。

# %% [markdown] tags=["en"]
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


# %%
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

losses = {"訓練(経験損失)": training, "検証": validation, "期待損失の推定": expected}  # ja
losses = {"training (empirical)": training, "validation": validation, "expected, estimated": expected}  # en
print(f"最小のステップ: 訓練 {np.argmin(training) + 1}、検証 {np.argmin(validation) + 1}、期待損失 {np.argmin(expected) + 1}")  # ja
print(f"lowest at step: training {np.argmin(training) + 1}, validation {np.argmin(validation) + 1}, expected {np.argmin(expected) + 1}")  # en
curves(losses, x="ステップ", y="損失", title="経験損失と期待損失", log=True)  # ja
curves(losses, x="step", y="loss", title="Empirical and expected loss", log=True)  # en

# %% [markdown] tags=["ja"]
# 訓練損失は3,000ステップ目まで下がり続けますが、期待損失は9ステップ目で最小になり、その後は上がります(過学習)。
# **訓練損失の最小点は、止めるべき点ではありません。**
# 期待損失は実際には計算できないので、代わりに検証データの損失で判断します。
#
# ## 2. 早期終了(7分)
#
# 検証損失の列 `values` を先頭から見ていき、**これまでの最小値を `patience` 回続けて更新できなかったら**止めます。
# 最小だったステップと、止めたステップの組 `(best, stop)` を返してください。ステップは1から数えます。
# 最後まで止まらなければ、`stop` は最後のステップです。最小値と同じ値は「更新」とみなしません。

# %% [markdown] tags=["en"]
# The training loss falls up to step 3,000; the expected loss is lowest at step 9, and then rises (overfitting). **The minimum of the training loss is
# not where to stop.** The expected loss cannot be computed in practice; validation data stand in for it.
#
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
    print(f"最良 {best}、停止 {stop}、そのときの期待損失 {expected[best - 1]:.3f}(最後まで続けると {expected[-1]:.3f})")  # ja
    print(f"best {best}, stopped {stop}; expected loss there {expected[best - 1]:.3f} ({expected[-1]:.3f} at the end)")  # en

# %% [markdown] tags=["ja"]
# 9ステップ目で止めれば期待損失は0.37ですが、最後まで続けると3.77と、およそ10倍になります。
#
# ## 3. 代理損失関数(6分)
#
# 2クラス分類で本当に減らしたいのは**誤判定率**です。スコア $s_i = x_i + b$ の符号で判定し、正解 $y_i$ は $\pm 1$ とします
# (話を簡単にするために、動かすのはバイアス $b$ だけにします)。誤判定率は $b$ について階段状で、勾配はほとんどの場所で0です。
# そこで、滑らかな**代理損失関数**を最小化します。
#
# $$\text{誤判定率} = \frac1N\sum_i [\,y_i s_i \le 0\,], \qquad
# \text{ロジスティック損失} = \frac1N\sum_i \log\left(1 + e^{-y_i s_i}\right)$$
#
# スコア `s` と正解 `y` から、この2つの組を返してください。

# %% [markdown] tags=["en"]
# Stopped at step 9 the expected loss is 0.37; trained to the end it is 3.77, about ten times as much.
#
# ## 3. Surrogate loss functions (6 min)
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
# **予想**: $b$ を −3から3まで動かすと、2つの損失はそれぞれどんな形になるでしょうか。最小になる $b$ は一致するでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: let $b$ go from −3 to 3. Which shapes do the two losses have? Are they lowest at the same $b$?

# %%
random = np.random.default_rng(5)
y = np.where(np.arange(20) < 10, 1.0, -1.0)
x = 0.8 * y + random.standard_normal(20)
biases = np.linspace(-3, 3, 301)
pairs = None
if done("3_8.two_losses"):
    # ja: b を動かす。点が誤判定率、線が代理損失
    # en: b moves; dots: the error rate, line: its surrogate
    pairs = np.array([two_losses(x + b, y) for b in biases])
    lowest = biases[pairs[:, 0] == pairs[:, 0].min()]
    best = biases[pairs[:, 1].argmin()]
    print(f"誤判定率の最小 {pairs[:, 0].min():.2f}: b = {lowest.min():.2f} から {lowest.max():.2f}")  # ja
    print(f"ロジスティック損失の最小 {pairs[:, 1].min():.2f}: b = {best:.2f}")  # ja
    print(f"lowest error rate {pairs[:, 0].min():.2f}: b = {lowest.min():.2f} to {lowest.max():.2f}")  # en
    print(f"lowest logistic loss {pairs[:, 1].min():.2f}: b = {best:.2f}")  # en

title = "誤判定率(点)とロジスティック損失(線)"  # ja
title = "Error rate (dots) and logistic loss (line)"  # en
line = {} if pairs is None else {"log(1 + exp(−ys))": pairs[:, 1]}
scatter(biases, pairs[:, 0], line, across="b", title=title) if line else None

# %% [markdown] tags=["ja"]
# 誤判定率は段になっていて、$b$ が0.02から0.58の間ではどこでも最小の0.10です。どの段の上でも勾配は0なので、隣の段がどちらにあるかも
# 分かりません。ロジスティック損失は滑らかで、どこでも下る向きが分かり、その最小点 $b = 0.22$ では、誤判定率も最小です。
#
# ## 4. 目的関数は和に分かれる(4分)
#
# 損失がデータごとの平均なら、**同じ大きさの**ミニバッチに分けたときの勾配の平均は、全データの勾配と一致します。
# ミニバッチ学習が成り立つのは、このおかげです。純粋な最適化の目的関数(車体の抵抗など)は、ふつうこのようには分かれません。
#
# `gradient(x, t)` はデータの平均損失の勾配を返す関数です。データを先頭から `size` 件ずつに分け(割り切れるものとします)、
# ミニバッチの勾配の平均を返してください。

# %% [markdown] tags=["en"]
# The error rate has stairs, and is lowest, 0.10, anywhere between $b = 0.02$ and 0.58. On every stair the gradient is 0, and does
# not even tell on which side the next one is. The logistic loss is smooth, shows the way down everywhere, and at its minimum,
# $b = 0.22$, the error rate is lowest as well.
#
# ## 4. The objective is a sum (4 min)
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

# %% [markdown] tags=["ja"]
# ## 5. 最尤法: 対数尤度(5分)
#
# データ $x_1, \dots, x_m$ に正規分布 $N(\mu, \sigma^2)$ がどれだけよく当てはまるかを、**尤度** $\prod_i p(x_i)$ で測ります。
# **最尤法**は、尤度が最大になるパラメータを選ぶ方法です。件数が増えると積は0になってしまう(アンダーフロー)ので、
# 対数をとって和にします。次の**対数尤度**を返してください。
#
# $$\log L(\mu, \sigma) = \sum_{i=1}^{m}\left(-\frac{(x_i - \mu)^2}{2\sigma^2} - \log\sigma - \frac12\log 2\pi\right)$$

# %% [markdown] tags=["en"]
# ## 5. Maximum likelihood: the log-likelihood (5 min)
#
# How well does a normal distribution $N(\mu, \sigma^2)$ fit the data $x_1, \dots, x_m$? Measure it by the **likelihood**
# $\prod_i p(x_i)$; **maximum likelihood** chooses the parameters for which it is largest. With many data the product becomes 0
# (underflow), so take the logarithm, and it is a sum. Return this **log-likelihood**:
#
# $$\log L(\mu, \sigma) = \sum_{i=1}^{m}\left(-\frac{(x_i - \mu)^2}{2\sigma^2} - \log\sigma - \frac12\log 2\pi\right)$$


# %% tags=["exercise"] name="log_likelihood"
def log_likelihood(x, mean, std):
    ### BEGIN SOLUTION
    return (-((x - mean) ** 2) / (2 * std**2) - np.log(std) - np.log(2 * np.pi) / 2).sum()
    ### END SOLUTION


# %% tags=["check"] name="log_likelihood"
check("3_8.log_likelihood")

# %% [markdown] tags=["ja"]
# ## 6. 尤度が最大の正規分布(3分)
#
# 対数尤度を $\mu$ と $\sigma$ で微分して0とおくと、最大の点は式で書けます。**紙の上で導いて**、
# 平均と**分散**の組 $(\mu, \sigma^2)$ を返してください。

# %% [markdown] tags=["en"]
# ## 6. The most likely normal distribution (3 min)
#
# Set the derivatives of the log-likelihood by $\mu$ and $\sigma$ to zero, and the maximum can be written down. **Derive it
# on paper**, and return the pair of mean and *variance* $(\mu, \sigma^2)$.


# %% tags=["exercise"] name="fit_normal"
def fit_normal(x):
    ### BEGIN SOLUTION
    mean = x.mean()
    return mean, ((x - mean) ** 2).mean()
    ### END SOLUTION


# %% tags=["check"] name="fit_normal"
check("3_8.fit_normal")

# %%
data = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
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
# データの平均と分散(4と10)の正規分布の対数尤度は−12.85で、$\mu = 3$ のときの−13.10より大きく、よりよく当てはまっています。
# 尤度のままでは、$0.3^{100}$ のような積が単精度で0になってしまいますが、対数の和なら−120.4と正しく計算できます。
#
# ## まとめ
#
# - 最小化するのは経験損失、本当の目標は期待損失です。だから訓練損失の極小点は、最善の点とは限りません。
# - 本当の目標(誤判定率)が階段状なら、滑らかな代理損失関数を最小化します。
# - 対数尤度はデータごとの和です。損失を「負の対数尤度の平均」と見ると、交差エントロピー誤差(分類)の最小化も、二乗誤差
#   (誤差が正規分布に従う回帰)の最小化も、最尤法です。
#
# ### 自己診断
#
# 1. 早期終了に使った検証データで、最終的な性能を報告してよいでしょうか。
# 2. バッチの大きさが不揃いなとき、ミニバッチの勾配の平均は全データの勾配と一致しますか。
# 3. 最尤法の分散は $n$ で割ります。期待損失の立場から、この推定はどちらにずれますか。
#
# <details><summary>答え</summary>
#
# 1. いけません。検証データに合わせて選んだので、楽観的になります。別のテストデータで測ります。
# 2. しません。件数で重みをつけた平均なら一致します。
# 3. 小さいほうにずれます(平均を同じデータから求めたためで、$(n-1)/n$ 倍になります)。
#
# </details>

# %% [markdown] tags=["en"]
# The normal distribution with the data's mean and variance, 4 and 10, has a log-likelihood of −12.85, above the −13.10 with
# $\mu = 3$: it fits better. As a product, something like $0.3^{100}$ is 0 in single precision; as a sum of logarithms it is
# −120.4, and right.
#
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
# 3. Maximum likelihood divides the variance by $n$. To which side is that estimate off?
#
# <details><summary>Answers</summary>
#
# 1. No: they were used to choose, so they flatter. Measure on test data kept aside.
# 2. No, unless the mean is weighted by the sizes.
# 3. It is too small, by the factor $(n-1)/n$, for the mean came from the same data.
#
# </details>
