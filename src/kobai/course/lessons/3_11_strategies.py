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
# # 3-11 更新則のまわりの工夫: バッチ正規化・座標降下法・ポルヤック平均化
#
# **この時間で身につけること**
#
# - バッチ正規化の順伝播を、学習のときと推論のときに分けて実装できる
# - 座標降下法の1巡を実装し、速い場合と遅い場合を見分けられる
# - ポルヤック平均化を実装し、効果のある場面とない場面を説明できる
#
# | 内容 | 目安 |
# |---|---|
# | バッチ正規化 | 32分 |
# | 座標降下法 | 10分 |
# | ポルヤック平均化 | 10分 |

# %% [markdown] tags=["en", "slide"]
# # 3-11 Beside the update rule: batch normalization, coordinate descent, Polyak averaging
#
# **What you will be able to do**
#
# - implement the forward pass of batch normalization, in training and in inference
# - write a sweep of coordinate descent, and tell where it is fast and where slow
# - write Polyak averaging, and explain where it helps and where it does not
#
# | part | time |
# |---|---|
# | batch normalization | 32 min |
# | coordinate descent | 10 min |
# | Polyak averaging | 10 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import contour, curves, heat
from kobai.course.network import Network, NormalizedNetwork, standardized, train
from kobai.networks import layers
from kobai.stabilizers import polyak
from kobai.tasks.digits import load

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. バッチ正規化: 学習のとき（5分）
#
# 各層の出力を、**特徴量ごとに**バッチの平均$\mu$と分散$\sigma^2$（どちらも$m$件で割ったもの）で正規化し、学習で決まる倍率$\gamma$を掛け、
# ずれ$\beta$を足します。
#
# $$y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# `x`の形は`(m, 特徴量)`、`gamma`と`beta`の形は`(特徴量,)`です。$\varepsilon$は、値が変わらない特徴量を0で割らないためのものです。

# %% [markdown] tags=["en", "slide"]
# ## 1. Batch normalization in training (5 min)
#
# The output of a layer is shifted and scaled, **each feature by itself**, by the batch's mean $\mu$ and variance $\sigma^2$
# (both divided by $m$, the number of examples), and then passes through a scale $\gamma$ and a shift $\beta$ that are learned:
#
# $$y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# `x` has the shape `(m, features)`, `gamma` and `beta` have `(features,)`. $\varepsilon$ keeps a feature that never varies from
# being divided by 0.


# %% tags=["exercise"] name="batch_norm"
def batch_norm(x, gamma, beta, epsilon):
    ### BEGIN SOLUTION
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon) + beta
    ### END SOLUTION


# %% tags=["check"] name="batch_norm"
check("3_11.batch_norm")

# %% [markdown] tags=["ja"]
# レッスン3-4では、初期値の標準偏差を少し誤るだけで、5層目の出力が0に集まったり、±1に張り付いたりしました。
# tanhの前にバッチ正規化を入れます（$\gamma = 1$、$\beta = 0$）。
#
# **予想**: 初期値の標準偏差が0.01から10まで変わると、5層目の出力の標準偏差はどれだけ変わるでしょうか。

# %% [markdown] tags=["en"]
# In lesson 3-4 the initial deviation had only to be a little wrong, and the fifth layer's outputs gathered at 0 or stuck to
# ±1. Put batch normalization before tanh ($\gamma = 1$, $\beta = 0$).
#
# **Predict**: let the initial deviation go from 0.01 to 10. How much does the spread of the fifth layer's outputs change?


# %% tags=["slide"]
def fifth_layer(std, normalize):
    random = np.random.default_rng(0)
    h = random.standard_normal((500, 100))
    for _ in range(5):
        h = h @ (std * random.standard_normal((100, 100)))
        h = np.tanh(batch_norm(h, 1.0, 0.0, 1e-5) if normalize else h)
    return h.std()


stds, table = [0.01, 0.1, 1, 10], []
if done("3_11.batch_norm"):
    table = [[fifth_layer(std, normalize) for std in stds] for normalize in (False, True)]

rows, title = ["なし", "あり"], "5層目の出力の標準偏差（列: 初期値の標準偏差）"  # ja
rows, title = ["without", "with"], "Spread of the fifth layer's outputs (columns: initial deviation)"  # en
heat(table, rows, [f"σ={std}" for std in stds], title=title)

# %% [markdown] tags=["ja", "result", "slide"]
# 正規化なしでは$10^{-5}$ほどから1まで変わるのに、ありではどれも0.63です。前の層の重みを何倍にしても、正規化した後は
# （$\varepsilon$の影響を除けば）変わらないからです。初期値に神経質にならなくてもよいのは、このためです。

# %% [markdown] tags=["en", "result", "slide"]
# Without normalization it goes from about $10^{-5}$ to 1, with it it is 0.63 throughout: multiply the weights below by any
# factor, and after normalization nothing has changed (but for $\varepsilon$). That is why initial values no longer matter so
# much.

# %% [markdown] tags=["ja", "slide"]
# ## 2. 統計量の移動平均（5分）
#
# 推論では1件ずつ入力されることもあります。1件のバッチでは$x = \mu$なので、出力はいつも$\beta$になってしまいます。
# そこで学習の間に、平均と分散の指数平滑化移動平均を記録しておきます。新しいバッチの重みは$w$です。
#
# $$\text{mean} \leftarrow (1-w)\,\text{mean} + w\,\mu, \qquad
# \text{variance} \leftarrow (1-w)\,\text{variance} + w\,\frac{m}{m-1}\,\sigma^2$$
#
# バッチの分散$\sigma^2$の期待値は、母分散の$(m-1)/m$倍しかありません。そこで、$m-1$で割った分散に直してから混ぜます。
# 新しい組`(mean, variance)`を返してください。

# %% [markdown] tags=["en", "slide"]
# ## 2. Running statistics (5 min)
#
# In inference examples may come one at a time. In a batch of one, $x = \mu$, and the output is always $\beta$. So exponential
# moving averages of mean and variance are kept during training. A new batch has the weight $w$:
#
# $$\text{mean} \leftarrow (1-w)\,\text{mean} + w\,\mu, \qquad
# \text{variance} \leftarrow (1-w)\,\text{variance} + w\,\frac{m}{m-1}\,\sigma^2$$
#
# The batch's $\sigma^2$ is on average $(m-1)/m$ times that of the population, so the variance that divides by $m - 1$ goes into
# the average. Return the new pair `(mean, variance)`.


# %% tags=["exercise"] name="running_statistics"
def running_statistics(mean, variance, x, w):
    ### BEGIN SOLUTION
    return (1 - w) * mean + w * x.mean(axis=0), (1 - w) * variance + w * x.var(axis=0, ddof=1)
    ### END SOLUTION


# %% tags=["check"] name="running_statistics"
check("3_11.running_statistics")

# %% [markdown] tags=["ja"]
# ## 3. バッチ正規化: 推論のとき（3分）
#
# 同じ式で、バッチの統計量の代わりに、学習の間に記録しておいた`mean`と`variance`を使います。

# %% [markdown] tags=["en"]
# ## 3. Batch normalization in inference (3 min)
#
# The same formula, with the `mean` and `variance` kept during training in place of the batch's own.


# %% tags=["exercise"] name="batch_norm_inference"
def batch_norm_inference(x, gamma, beta, mean, variance, epsilon):
    ### BEGIN SOLUTION
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
    ### END SOLUTION


# %% tags=["check"] name="batch_norm_inference"
check("3_11.batch_norm_inference")

# %% [markdown] tags=["ja"]
# 平均3、標準偏差2のデータ（特徴量は1つ）を、32件ずつ100バッチ流します。そのあと$x = 5$の1件を、3通りのバッチに入れます。
#
# **予想**: $x = 5$の出力は、同じバッチに入ったほかのデータによって変わるでしょうか。学習のときと推論のときに分けて答えてください。

# %% [markdown] tags=["en"]
# A hundred batches of 32 go through, of one feature with mean 3 and deviation 2. Then the example $x = 5$ comes, in three
# different companies.
#
# **Predict**: does the output for $x = 5$ depend on its company? In training, and in inference?

# %%
random = np.random.default_rng(2)
gamma, beta, epsilon = np.ones(1), np.zeros(1), 1e-5
mean, variance = np.zeros(1), np.ones(1)
if done("3_11.batch_norm") and done("3_11.running_statistics") and done("3_11.batch_norm_inference"):
    theirs = layers.batch_norm_state(1)
    for _ in range(100):
        x = 3 + 2 * random.standard_normal((32, 1))
        mean, variance = running_statistics(mean, variance, x, 0.1)
        _, theirs = layers.batch_norm({"scale": gamma, "shift": beta}, theirs, x, training=True)
    print(f"mean {mean[0]:.4f}, variance {variance[0]:.4f}")
    print(f"kobai.networks.layers: mean {theirs['mean'][0]:.4f}, variance {theirs['variance'][0]:.4f}")
    for company in ([], [1.0, 2.0, 3.0], [6.0, 8.0, 9.0]):
        x = np.array([5.0, *company])[:, None]
        training, inference = batch_norm(x, gamma, beta, epsilon), batch_norm_inference(x, gamma, beta, mean, variance, epsilon)
        print(f"{company}: 学習 {training[0, 0]:+.3f}、推論 {inference[0, 0]:+.3f}")  # ja
        print(f"{company}: training {training[0, 0]:+.3f}, inference {inference[0, 0]:+.3f}")  # en

# %% [markdown] tags=["ja", "result"]
# $x = 5$の出力は、学習のときはバッチによって0、1.52、−1.27と変わり、推論のときはいつも0.96です。推論に切り替えるのを忘れると、
# 予測が、たまたま同じバッチに入ったデータに左右されます。1件ずつ入力すれば、どんな$x$でも$\beta$（ここでは0）しか返りません。

# %% [markdown] tags=["en", "result"]
# For $x = 5$ the output in training is 0, 1.52 or −1.27, depending on its company; in inference it is always 0.96. Forget to
# switch to inference, and a forecast depends on whichever examples happen to share its batch. With one example at a time it is
# $\beta$, here 0, for every $x$.

# %% [markdown] tags=["ja"]
# 本当に速く学習できるのかは、測れば分かります。**予想を書いてから**、ターミナルで実行してください（約30秒）。
#
#     kobai compare digits --optimizers sgd --initializers he,normal:0.01 --batch-norm off,on --language ja
#
# - バッチ正規化なしでは、何倍のステップが必要ですか。最良の学習率は、レッスン3-2のSGD($\eta = 0.3$)と比べてどうですか。
# - 初期値`he`と`normal:0.01`の差は、何倍ですか。

# %% [markdown] tags=["en"]
# Whether training gets faster can be measured. **Write down a prediction**, then run this in a terminal (about 30 seconds):
#
#     kobai compare digits --optimizers sgd --initializers he,normal:0.01 --batch-norm off,on --language en
#
# - How many times the steps does it take without batch normalization? What is the best learning rate now? (Lesson 3-2 had
#   $\eta = 0.3$ for SGD.)
# - By what factor do the initial values `he` and `normal:0.01` differ?

# %% [markdown] tags=["ja", "slide"]
# ### 過学習は減るか
#
# バッチ正規化は過学習を抑える、とも言われます。手書き数字を64 → 100 → 100 → 10のネットワークに学習させ、訓練損失と検証損失の差を
# 測ります。訓練データをすべて（1,097枚）使う場合と、100枚だけの場合を比べます。
#
# **予想**: バッチ正規化で検証損失が下がるのは、データが多いときでしょうか、少ないときでしょうか。それとも、どちらでもでしょうか。

# %% [markdown] tags=["en", "slide"]
# ### Less overfitting?
#
# Batch normalization is also said to hold overfitting back. A network 64 → 100 → 100 → 10 learns the digits, and we measure the
# difference between training and validation loss: with all 1,097 images, and with only 100.
#
# **Predict**: where does batch normalization lower the validation loss: with many data, with few, or with both?

# %% tags=["slide"]
images, labels, part = load()
x_train, x_check = standardized(images[part == 0].astype(float), images[part == 1].astype(float))
t_train, t_check = labels[part == 0], labels[part == 1]
kinds = {"なし": Network, "あり": NormalizedNetwork}  # ja
kinds = {"without": Network, "with": NormalizedNetwork}  # en
rows, table = [], []
for count in (1097, 100):
    for name, kind in kinds.items():
        found = []
        for seed in range(4):
            few = np.random.default_rng(seed).choice(len(x_train), count, replace=False)
            network = kind((64, 100, 100, 10), seed=seed)
            train(network, kobai.SGD(learning_rate=0.2), x_train[few], t_train[few], steps=300, batch=32, seed=seed)
            losses = network.loss(x_train[few], t_train[few]), network.loss(x_check, t_check)
            found.append([*losses, losses[1] - losses[0], network.accuracy(x_check, t_check)])
        rows.append(f"{count}枚、{name}")  # ja
        rows.append(f"{count}, {name}")  # en
        table.append(np.mean(found, axis=0))

columns = ["訓練損失", "検証損失", "その差", "検証の正解率"]  # ja
columns = ["training loss", "validation loss", "difference", "validation accuracy"]  # en
heat(table, rows, columns, title="画像の枚数とバッチ正規化（4シードの平均）")  # ja
heat(table, rows, columns, title="Images, and batch normalization (mean of 4 seeds)")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 1,097枚では、訓練損失はどちらもほぼ0なのに、検証損失はバッチ正規化で0.207から0.175に下がり、訓練損失との差も0.198から0.160に縮みました。
# バッチごとに統計量が少しずつ違うため、各層の出力に小さなノイズが加わり、訓練データの細部を覚えにくくなるからだと考えられています。
#
# 100枚では、検証損失は0.578から0.638に**上がりました**。バッチ正規化だけでは、データ不足は補えません。
#
# 4シードの平均なので、これだけで「立証された」とは言えません。シードを増やした比較は、ターミナルでできます（約1分）。
#
#     kobai compare digits --optimizers sgd --hidden 50,50,50 --batch-norm off,on --wide --language ja

# %% [markdown] tags=["en", "result", "slide"]
# With 1,097 images the training loss is nearly 0 in either case, but batch normalization lowers the validation loss from 0.207 to 0.175,
# and the difference from 0.198 to 0.160. The statistics differ a little from batch to batch, which adds some noise to every layer, and
# details of the training data are not so easily learned by heart: that is the usual explanation.
#
# With 100 images the validation loss *rises*, from 0.578 to 0.638. Batch normalization does not make up for missing data.
#
# These are means of four seeds, and establish nothing yet. For more seeds, in a terminal (about a minute):
#
#     kobai compare digits --optimizers sgd --hidden 50,50,50 --batch-norm off,on --wide --language en

# %% [markdown] tags=["ja", "slide"]
# ## 4. 座標降下法（6分）
#
# 変数を**1つずつ**、ほかを固定して最小化します。2次関数$f = \frac12\boldsymbol x^\top A\boldsymbol x - \boldsymbol b^\top\boldsymbol x$なら、
# $x_i$だけについての最小点は式で書けるので、学習率は必要ありません。
#
# $$x_i \leftarrow x_i - \frac{(A\boldsymbol x - \boldsymbol b)_i}{A_{ii}}$$
#
# $i = 0, 1, \dots$の順に全座標を1回ずつ更新した**新しい配列**を返してください。後の座標を更新するときは、すでに更新した座標の新しい値を使います。

# %% [markdown] tags=["en", "slide"]
# ## 4. Coordinate descent (6 min)
#
# Minimise over **one variable at a time**, and hold the others. For the quadratic $f = \frac12\boldsymbol x^\top
# A\boldsymbol x - \boldsymbol b^\top\boldsymbol x$ the lowest point along $x_i$ is a formula, without a learning rate:
#
# $$x_i \leftarrow x_i - \frac{(A\boldsymbol x - \boldsymbol b)_i}{A_{ii}}$$
#
# Go through all coordinates once, $i = 0, 1, \dots$, and return a **new array**. Later coordinates see the values that are
# renewed already.


# %% tags=["exercise"] name="sweep"
def sweep(A, b, x):
    ### BEGIN SOLUTION
    x = x.copy()
    for i in range(len(x)):
        x[i] -= (A[i] @ x - b[i]) / A[i, i]
    return x
    ### END SOLUTION


# %% tags=["check"] name="sweep"
check("3_11.sweep")

# %% [markdown] tags=["ja"]
# 変数どうしが絡まないお椀$f = x^2/20 + y^2$と、谷が斜めを向いた$f = \frac12(x^2 + 1.8\,xy + y^2)$で試します。
#
# **予想**: $(-7, 2)$から、それぞれ何巡で$f < 10^{-6}$になるでしょうか。

# %% [markdown] tags=["en"]
# Try the bowl $f = x^2/20 + y^2$, whose variables have nothing to do with each other, and $f = \frac12(x^2 + 1.8\,xy + y^2)$,
# whose valley runs askew.
#
# **Predict**: from $(-7, 2)$, how many sweeps does each take until $f < 10^{-6}$?


# %% tags=["slide"]
def tilted(x, y):
    return (x**2 + 1.8 * x * y + y**2) / 2


matrices = {"x²/20 + y²": np.diag([0.1, 2.0]), "(x² + 1.8xy + y²)/2": np.array([[1.0, 0.9], [0.9, 1.0]])}
paths = {}
if done("3_11.sweep"):
    for name, A in matrices.items():
        x, sweeps = np.array([-7.0, 2.0]), [np.array([-7.0, 2.0])]
        while x @ A @ x / 2 >= 1e-6 and len(sweeps) <= 100:
            x = sweep(A, np.zeros(2), x)
            sweeps.append(x)
        print(f"{name}: {len(sweeps) - 1}")
    # ja: 1巡の途中の点(xだけ動いた点)も描く
    # en: with the points in the middle of each sweep, where only x has moved
    corners = [np.array([after[0], before[1]]) for before, after in zip(sweeps, sweeps[1:])]
    paths["sweep"] = np.stack([sweeps[:-1], corners], axis=1).reshape(-1, 2)
    found = kobai.minimize(lambda p: tilted(p[0], p[1]), [-7.0, 2.0], method=kobai.CoordinateDescent(), keep_path=True)
    print("max |kobai.CoordinateDescent − sweep| =", np.abs(found.history.path[:40] - paths["sweep"][:40]).max())

contour(tilted, (-8, 4), (-4, 8), paths, title="座標降下法: 軸に沿った階段")  # ja
contour(tilted, (-8, 4), (-4, 8), paths, title="Coordinate descent: stairs along the axes")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 変数どうしが絡まなければ1巡で終わり、絡みが強い斜めの谷では31巡かかります。1変数の更新を安く計算できる問題（L1正則化つきの
# 線形回帰など）では、今もよく使われます。

# %% [markdown] tags=["en", "result", "slide"]
# Where variables are not coupled one sweep is enough; in the tilted valley, with its strong coupling, it takes 31. Where
# renewing one variable is cheap, as in linear regression with an L1 penalty, it is much used to this day.

# %% [markdown] tags=["ja", "slide"]
# ## 5. ポルヤック平均化（6分）
#
# 更新が谷底のまわりを行き来して到達しないなら、**通った点の平均**は谷底の近くにあるはずです。学習は$\boldsymbol\theta_t$のまま続け、
# 平均は別に計算するだけで、学習には使いません。ステップ$k$(`start`)から後の点だけを平均します。
#
# $$\bar{\boldsymbol\theta}_t = \frac{1}{t - k + 1}\sum_{i=k}^{t}\boldsymbol\theta_i$$
#
# `iterates`は$\boldsymbol\theta_1, \boldsymbol\theta_2, \dots$を並べた配列（`(T, n)`）です。各ステップの平均を並べた、同じ形の配列を返してください。
# $t < k$の行には$\boldsymbol\theta_t$自身を入れます。

# %% [markdown] tags=["en", "slide"]
# ## 5. Polyak averaging (6 min)
#
# If updates go to and fro around the bottom of a valley and never arrive, the **mean of the points passed** should be near the
# bottom. The training goes on with $\boldsymbol\theta_t$; the mean is only computed beside it. Average the points from step
# $k$ (`start`) on:
#
# $$\bar{\boldsymbol\theta}_t = \frac{1}{t - k + 1}\sum_{i=k}^{t}\boldsymbol\theta_i$$
#
# `iterates` is the array of $\boldsymbol\theta_1, \boldsymbol\theta_2, \dots$, `(T, n)`. Return the array, of the same shape, of
# the means at each step. Rows with $t < k$ hold $\boldsymbol\theta_t$ itself.


# %% tags=["exercise"] name="averages"
def averages(iterates, start):
    ### BEGIN SOLUTION
    mean, found = iterates[0], []
    for t, theta in enumerate(iterates, start=1):
        mean = theta if t <= start else mean + (theta - mean) / (t - start + 1)
        found.append(mean)
    return np.array(found)
    ### END SOLUTION


# %% tags=["check"] name="averages"
check("3_11.averages")

# %% [markdown] tags=["ja"]
# お椀$f = x^2/20 + y^2$の勾配に、標準偏差1のノイズを加えます（ミニバッチの代わりです）。$(-7, 2)$から、SGD($\eta = 0.5$)で500ステップ進みます。
#
# **予想**: 最初から平均した点、101ステップから平均した点、平均しない点で、$f$はどのように動くでしょうか。

# %% [markdown] tags=["en"]
# Noise of deviation 1 is added to the gradient of the bowl $f = x^2/20 + y^2$, as mini-batches would. SGD with $\eta = 0.5$
# makes 500 steps from $(-7, 2)$.
#
# **Predict**: how does $f$ move at the mean from the first step on, at the mean from step 101 on, and without averaging?


# %%
def noisy_path(learning_rate, noise, steps=500):
    random = np.random.default_rng(3)
    theta, path = np.array([-7.0, 2.0]), []
    for _ in range(steps):
        g = np.array([theta[0] / 10, 2 * theta[1]]) + noise * random.standard_normal(2)
        theta = theta - learning_rate * g
        path.append(theta)
    return np.array(path)


heights = {}
if done("3_11.averages"):
    path = noisy_path(0.5, 1.0)
    means = {"θ": path, "k=1": averages(path, 1), "k=101": averages(path, 101)}
    heights = {name: points[:, 0] ** 2 / 20 + points[:, 1] ** 2 for name, points in means.items()}
    for name, values in heights.items():
        print(f"{name:6} 最後の100ステップのfの平均 {values[-100:].mean():.2g}")  # ja
        print(f"{name:6} mean f over the last 100 steps {values[-100:].mean():.2g}")  # en
    rule = polyak(101)
    state = rule.init(path[0])
    for theta in path:
        state = rule.update(theta, state)
    print("max |polyak(101) − averages| =", np.abs(state.mean - means["k=101"][-1]).max())
    x, y = averages(noisy_path(1.0, 0.0, 200), 101)[-1]
    print(f"η = 1, ノイズなし: f(θ) = 4、f(平均) = {x**2 / 20 + y**2:.2g}")  # ja
    print(f"η = 1, without noise: f(θ) = 4, f(mean) = {x**2 / 20 + y**2:.2g}")  # en

curves(heights, x="ステップ", y="f", title="ノイズのあるSGDと、通った点の平均", log=True)  # ja
curves(heights, x="step", y="f", title="SGD with noise, and the mean of the points passed", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 平均をとると、行ったり来たりする動きが打ち消し合います。最後の100ステップの$f$の平均は、平均しないと0.44、最初から平均すると0.0067、
# 101ステップから平均すると0.0011です。レッスン3-1でいつまでも$f = 4$のままだった$\eta = 1$のSGDでも、平均は谷底にあります。
# ただし、まだ**移動している途中**の点まで平均に入れると、その分だけ遅れが残ります（$k = 1$）。ネットワークでも効果があるかどうかは、
# 測ってみなければ分かりません。
#
#     kobai compare digits --optimizers sgd,adam --initializers he --average none,polyak:100 --target 0.97 --language ja

# %% [markdown] tags=["en", "result", "slide"]
# The mean cancels the to and fro. Over the last 100 steps $f$ is 0.44 on average without it, 0.0067 at the mean from
# the first step on, 0.0011 at that from step 101 on. Even SGD with $\eta = 1$, which in lesson 3-1 keeps $f = 4$ for ever, has
# its mean at the bottom. But let points into the mean that are still *on their way*, and it lags behind ($k = 1$). Whether it
# helps on a network has to be measured:
#
#     kobai compare digits --optimizers sgd,adam --initializers he --average none,polyak:100 --target 0.97 --language en

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - バッチ正規化は、特徴量ごとに、バッチの統計量を使って正規化します。推論では、学習の間に記録しておいた統計量を使います。
# - 座標降下法は学習率なしで1変数ずつ最小化します。変数が絡むと遅くなります。
# - ポルヤック平均化は、谷底のまわりを行き来する点を平均します。到達するまでの速さは変わりません。
#
# ### 自己診断
#
# 1. バッチ正規化のすぐ前の層に、バイアスは必要ですか。
# 2. $f = |x - y| + 0.1\,(x + y)^2$を$(1, 1)$から座標降下法で最小化すると、どうなりますか。
# 3. 学習率を下げていく代わりに平均をとることの利点は、何でしょうか。
#
# <details><summary>答え</summary>
#
# 1. 必要ありません。平均を引くときに消え、その役目は$\beta$が果たします。
# 2. 動けません。どちらの軸に沿って動いても、$0.1\,(x+y)^2$が減るより速く$|x - y|$が増えるからです。極小点は$(0, 0)$です（滑らかでない関数の落とし穴です）。
# 3. 大きな学習率のまま速く進み続けられ、下げる時期を決めなくて済みます。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - Batch normalization shifts and scales each feature by the batch's statistics; in inference, by those kept during training.
# - Coordinate descent minimises over one variable at a time, without a learning rate. Coupled variables make it slow.
# - Polyak averaging takes the mean of points that go to and fro around the bottom. It does not make them get there sooner.
#
# ### Test yourself
#
# 1. Does the layer just before batch normalization need a bias?
# 2. Coordinate descent on $f = |x - y| + 0.1\,(x + y)^2$ from $(1, 1)$: what happens?
# 3. What speaks for averaging, in place of lowering the learning rate?
#
# <details><summary>Answers</summary>
#
# 1. No: it is taken away with the mean, and $\beta$ does its work.
# 2. It cannot move: along either axis $|x - y|$ grows faster than $0.1\,(x+y)^2$ falls. The minimum is at $(0, 0)$: a trap of
#    functions that are not smooth.
# 3. One goes on fast, at a large learning rate, and need not decide when to lower it.
#
# </details>
