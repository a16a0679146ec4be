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
# # 3-13 教室から仕事へ
#
# **この時間で身につけること**
#
# - 自分の課題を`kobai.Task`として書ける
# - `kobai.compare`の数字を、自分の手で計算して確かめられる
# - 答えを批判的に読み、最良かもしれないものと、それを選ぶ費用を読み取れる
# - うまく進まない学習を診断し、対策の効果を確かめられる
#
# | 内容 | 目安 |
# |---|---|
# | 自分の課題を定義する | 14分 |
# | 比較の数字を自分で計算する | 22分 |
# | 答えを批判的に読む | 12分 |
# | 同僚の学習を診断する | 20分 |
# | `kobai.diagnose`に尋ねる | 10分 |
# | 自分の課題で | 20分 |

# %% [markdown] tags=["en", "slide"]
# # 3-13 From the classroom to the job
#
# **What you will be able to do**
#
# - write a task of your own as a `kobai.Task`
# - compute the numbers of `kobai.compare` yourself
# - read its answer critically: what may be the best, and what choosing it costs
# - diagnose trainings that do not get on, and confirm a remedy
#
# | part | time |
# |---|---|
# | a task of your own | 14 min |
# | the numbers of a comparison, by hand | 22 min |
# | reading an answer critically | 12 min |
# | diagnosing colleagues' trainings | 20 min |
# | asking `kobai.diagnose` | 10 min |
# | your own data | 20 min |

# %%
import itertools

import jax.numpy as jnp
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.desk import requests
from kobai.course.figures import curves
from kobai.course.job import colleagues
from kobai.course.patient import treatments
from kobai.study import statistics

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 課題を定義する: 損失と指標（6分）
#
# 例として、配達にかかる時間を、距離・荷物の量・雨の強さ（それぞれ−1〜1に変換したもの）から予測します。時間$t$は
# （分 − 20）/8です。仕事で大事なのは「**誤差が2分以内**の予測の割合」です。これは階段状なので、勾配が使えません。
# そこで、**損失**（最小化するもの）は二乗誤差、**指標**（目標に到達したかを決めるもの）はこの割合とします（レッスン3-8の代理損失関数）。
#
# 予測`y`（形は`(N, 1)`）、正解`t`（形は`(N,)`）、許容誤差`tolerance`から、次の組を返してください。
#
# $$\left(\frac1N\sum_i (y_i - t_i)^2, \qquad \frac1N\sum_i\,[\,|y_i - t_i| \le \text{tolerance}\,]\right)$$
#
# kobaiはこの関数をJAXで微分します。`np`ではなく`jnp`を使ってください。**2つの配列の形の違い**に注意しましょう。

# %% [markdown] tags=["en", "slide"]
# ## 1. Defining a task: loss and metric (6 min)
#
# The example: how long does a delivery take, given distance, load and rain, each scaled to −1 … 1? The time $t$ is
# (minutes − 20)/8. What the job asks for is the share of forecasts that are *within 2 minutes*: a staircase, with no use
# for gradients. So the **loss**, which is minimised, is the squared error, and the **metric**, which decides whether the
# target is reached, is that share (a surrogate loss, lesson 3-8).
#
# From forecasts `y` of shape `(N, 1)`, the truth `t` of shape `(N,)`, and `tolerance`, return the pair
#
# $$\left(\frac1N\sum_i (y_i - t_i)^2, \qquad \frac1N\sum_i\,[\,|y_i - t_i| \le \text{tolerance}\,]\right)$$
#
# kobai differentiates this function with JAX: use `jnp`, not `np`. And mind that *the two arrays differ in shape*.


# %% tags=["exercise"] name="loss_and_metric"
def loss_and_metric(y, t, tolerance):
    ### BEGIN SOLUTION
    error = y[:, 0] - t
    return (error**2).mean(), (jnp.abs(error) <= tolerance).mean()
    ### END SOLUTION


# %% tags=["check"] name="loss_and_metric"
check("3_13.loss_and_metric")

# %% [markdown] tags=["ja", "slide"]
# これで課題がそろいます。データは3つに分け、それぞれ1つの役目だけに使います。
#
# | 分け方 | 役目 |
# |---|---|
# | 訓練 | 勾配の計算 |
# | 検証 | 設定の選択と、目標に到達したかの判定 |
# | テスト | 最後に報告する数字だけ |

# %% [markdown] tags=["en", "slide"]
# With that the task is complete. The data are split into three parts, each with one use only:
#
# | part | used for |
# |---|---|
# | training | gradients |
# | validation | choosing settings, and deciding when the target is reached |
# | test | the number reported in the end, nothing else |

# %%
random = np.random.default_rng(13)
x = random.uniform(-1, 1, (600, 3)).astype(np.float32)
distance, load, rain = x.T
minutes = 20 + 8 * distance + 6 * np.maximum(load, 0) * rain + 5 * np.abs(distance + rain) + random.normal(0, 1, 600)
t = ((minutes - 20) / 8).astype(np.float32)
TOLERANCE = 2 / 8

# ja: 意味があるのは形だけ。重みの値は、比べる初期値で決まる
# en: only the shapes matter: weights get their values from the initial values that are compared
parameters = {
    "W1": np.zeros((3, 20), np.float32),
    "b1": np.zeros(20, np.float32),
    "W2": np.zeros((20, 1), np.float32),
    "b2": np.zeros(1, np.float32),
}


def predict(p, x):
    return jnp.tanh(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]


def loss(p, batch):
    x, t = batch
    return loss_and_metric(predict(p, x), t, TOLERANCE)[0]


def within_two_minutes(p, data):
    x, t = data
    return loss_and_metric(predict(p, x), t, TOLERANCE)[1]


delivery = kobai.Task(
    name="delivery",
    parameters=parameters,
    loss=loss,
    metric=within_two_minutes,
    maximize=True,
    metric_range=(0, 1),
    target=0.7,
    train=(x[:400], t[:400]),
    validation=(x[400:500], t[400:500]),
    test=(x[500:], t[500:]),
)

# %% [markdown] tags=["ja"]
# **予想**: SGD、Momentum、Adamのうち、「2分以内が70%」に最も速く到達するのはどれでしょうか。8シードで、差を確かめられるでしょうか。

# %% [markdown] tags=["en"]
# **Predict**: which of SGD, Momentum and Adam is first at "70 % within 2 minutes"? Will 8 seeds be enough to say which is the best?

# %% tags=["slide"]
result = None
if done("3_13.loss_and_metric"):
    result = kobai.compare(
        delivery,
        optimizers=["sgd", "momentum", "adam"],
        initializers=["xavier", "normal:0.01"],
        steps=300,
        tuning_seeds=1,
        seeds=8,
        progress=False,
    )
    print(result)

# %% [markdown] tags=["ja", "result", "slide"]
# 先頭はAdamの53ステップで、Momentumは58ステップ、SGDは136ステップです。SGDは最良ではありませんが、Momentumは**同じくらいよいかも
# しれません**。それでも、Adamを選んで余計にかかるステップは、最大でも52%です。数値は、計算機によって少し変わることがあります。

# %% [markdown] tags=["en", "result", "slide"]
# Adam is first with 53 steps; Momentum takes 58, SGD 136. SGD is not the best; Momentum *may be as good*. Still, whichever is truly
# the best, Adam costs at most 52 % more steps. The numbers may differ a little on another machine.

# %% [markdown] tags=["ja", "slide"]
# ## 2. 制限付き平均ステップ数（4分）
#
# 表の「目標までのステップ」のもとになる数を自分で計算します。`times`は各シードが目標に到達したステップです。未到達は`np.inf`、記録がないものは
# `np.nan`です。**到達しなかった実行を除くと、失敗の多い手法ほど良く見えます**。そこで、予算`budget`までに到達しなかった実行を
# **予算ちょうどで到達したとみなして**平均します。kobaiの表は、同じ数の**幾何平均**（対数の平均）です。半分と2倍を同じ重さで
# 見るためです。下のセルは両方を表示します。

# %% [markdown] tags=["en", "slide"]
# ## 2. Restricted mean steps (4 min)
#
# Now compute what stands behind the table's `steps to target`. `times` are the steps at which each seed reached the target,
# `np.inf` where it did not, `np.nan` where nothing was recorded. *Leave the misses out, and the methods that fail most look
# best.* So every run that did not arrive within `budget` counts as the budget. Return the mean. (The table has the *geometric*
# mean of the same numbers, that of their logarithms: half the steps weigh as much as twice the steps. The cell below shows both.)


# %% tags=["exercise"] name="restricted_mean"
def restricted_mean(times, budget):
    ### BEGIN SOLUTION
    return np.where(times <= budget, times, budget).mean()
    ### END SOLUTION


# %% tags=["check"] name="restricted_mean"
check("3_13.restricted_mean")

# %%
def arrivals(result):
    # ja: 手法 → 各シードが目標に到達したステップ(確認用の新しいシード。未到達はinf)
    # en: optimizer → the step at which each fresh seed reached the target, inf where it did not
    found, fresh = {}, result.cells.filter(phase="confirmation")
    for row in result.answer.rows:
        runs = fresh.filter(
            optimizer=row.optimizer, initializer=row.initializer, learning_rate=row.learning_rate
        ).sort("seed")
        steps = []
        for metric, at, diverged in runs.select("validation_metric", "evaluated_at", "diverged_at").iter_rows():
            met = np.array(metric, float) >= np.float32(result.answer.target)
            steps.append(at[met.argmax()] if met.any() and diverged is None else np.inf)
        found[row.optimizer] = np.array(steps, float)
    return found


times, fast = {}, ""
if result is not None and done("3_13.restricted_mean"):
    times, fast = arrivals(result), result.answer.optimizer.choice
    for name, steps in times.items():
        geometric = np.exp(np.log(np.fmin(steps, 300)).mean())
        print(f"{name:9} {restricted_mean(steps, 300):6.1f}  幾何平均 {geometric:6.1f}  {steps}")  # ja
        print(f"{name:9} {restricted_mean(steps, 300):6.1f}  geometric {geometric:6.1f}  {steps}")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 3. 符号反転検定（8分）
#
# 同じシードの2つの手法は、同じ初期値・同じミニバッチで学習しました（**対**になっています）。対ごとの差$d_i$（ステップ数の
# 対数の差）を見ます。もし2つの手法に差がないなら、対の中で入れ替えても同じはずなので、**どの$d_i$も、正と負が半々の確率で現れます**。
#
# $2^n$通りの符号のつけ方をすべて試し、和の絶対値$|\sum \pm d_i|$が、実際の$|\sum d_i|$以上になる割合を返してください。
# これが両側のp値です。丸め誤差で同点を逃さないように、比べる値から`1e-9`を引いておきます。
# `itertools.product([1, -1], repeat=n)`が符号をすべて作ります。

# %% [markdown] tags=["en", "slide"]
# ## 3. The sign-flip test (8 min)
#
# With one seed, two methods had the same initial draw and the same batches: they are *paired*. Take the difference $d_i$ of
# each pair (of the logarithms of the steps). If the methods were alike, swapping the two of a pair would change nothing, so
# *each $d_i$ could as well have the other sign*.
#
# Try all $2^n$ choices of signs, and return the share for which $|\sum \pm d_i|$ is *at least* the observed $|\sum d_i|$:
# the two-sided p-value. Subtract `1e-9` from the observed one, so that rounding loses no tie.
# `itertools.product([1, -1], repeat=n)` makes all the signs.


# %% tags=["exercise"] name="sign_flip_p"
def sign_flip_p(differences):
    ### BEGIN SOLUTION
    signs = np.array(list(itertools.product([1, -1], repeat=len(differences))))
    return (np.abs(signs @ differences) >= np.abs(differences.sum()) - 1e-9).mean()
    ### END SOLUTION


# %% tags=["check"] name="sign_flip_p"
check("3_13.sign_flip_p")

# %% [markdown] tags=["ja"]
# $n$組で得られる最小のp値は$2/2^n$です（すべて同じ向きのとき）。**3シードでは、どんなデータでも0.25より小さくなりません**。
#
# ## 4. Holmの補正（6分）
#
# 比較を6つすると、本当は差がなくても、偶然「有意」になる機会が6回あります。Holmの補正は、**1つでも誤って主張する確率**を5%に抑えます。
#
# 1. $m$個のp値を小さい順に並べる
# 2. $i$番目（1から）に$m - i + 1$を掛ける（最小のものは$m$倍、最大のものは1倍）
# 3. 前のものより小さくなったら、前の値にそろえる。1を超えたら1にする
#
# 補正したp値を、**もとの順番**の配列で返してください。

# %% [markdown] tags=["en"]
# The smallest p that $n$ pairs can give is $2/2^n$, if all point the same way. *With 3 seeds it is .25, whatever the data.*
#
# ## 4. Holm's correction (6 min)
#
# With six comparisons there are six chances that one is "significant", though nothing differs. Holm's correction holds the
# chance of *any* false claim at 5 %:
#
# 1. sort the $m$ p-values, smallest first
# 2. multiply the $i$-th (from 1) by $m - i + 1$: the smallest by $m$, the largest by 1
# 3. none may be smaller than the one before it, and none exceeds 1
#
# Return the corrected p-values as an array, *in the original order*.


# %% tags=["exercise"] name="holm"
def holm(p):
    ### BEGIN SOLUTION
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1)
    return corrected
    ### END SOLUTION


# %% tags=["check"] name="holm"
check("3_13.holm")

# %%
if times and done("3_13.sign_flip_p") and done("3_13.holm"):
    others = [name for name in times if name != fast]
    logs = {name: np.log(np.fmin(steps, 300)) for name, steps in times.items()}
    mine = holm(np.array([sign_flip_p(logs[name] - logs[fast]) for name in others]))
    theirs = {each.name: each.corrected_p for each in result.answer.optimizer.alternatives}
    for name, p in zip(others, mine):
        print(f"{name:9} 自分で計算したp {p:.4f}   kobaiの答え {theirs[name]:.4f}")  # ja
        print(f"{name:9} p by hand {p:.4f}   kobai's answer {theirs[name]:.4f}")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 5. なぜ新しいシードで確かめるのか
#
# **たくさん試した中の最良は、実力より良く見えます**。24通りの設定がまったく同じ実力（平均100ステップ、シードによるばらつき15）
# だったとします。1シードで調整し、$k$通りの中で最良のものを選ぶと、何ステップに見えるでしょうか。
#
# **予想**: $k = 24$のとき、最良の設定は何ステップに見えるでしょうか。

# %% [markdown] tags=["en", "slide"]
# ## 5. Why confirm on fresh seeds?
#
# *The best of many looks better than it is.* Say 24 settings are all equally good: 100 steps on average, 15 of scatter
# between seeds. Tune on one seed, take the best of $k$. How good does it look?
#
# **Predict**: with $k = 24$, how many steps does the best seem to take?

# %% tags=["slide"]
trials = np.random.default_rng(0).normal(100, 15, (4000, 24))
best = np.minimum.accumulate(trials, axis=1).mean(axis=0)
print("最良に見えるステップ数:", {k: round(float(best[k - 1]), 1) for k in (1, 2, 4, 16, 24)}, " 新しいシードでは: 100")  # ja
print("how good the best looks:", {k: round(float(best[k - 1]), 1) for k in (1, 2, 4, 16, 24)}, " on a fresh seed: 100")  # en
luck = {"調整での最良": best, "新しいシード": np.full(24, 100.0)}  # ja
luck = {"best in tuning": best, "on fresh seeds": np.full(24, 100.0)}  # en
curves(luck, x="試した設定の数k", y="ステップ", title="実力が同じ設定から最良を選ぶ")  # ja
curves(luck, x="settings tried, k", y="steps", title="The best of k settings that are all alike")  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 24通りから選ぶと、本当は100ステップなのに71ステップに見えます。だからkobaiは、調整に使わなかったシードで確認します。
# 手法ごとに**試す回数**をそろえるのも、同じ理由です。

# %% [markdown] tags=["en", "result", "slide"]
# The best of 24 looks like 71 steps, though it takes 100. That is why kobai confirms on seeds that took no part in tuning, and
# why the *number of trials* should be equal.

# %% [markdown] tags=["ja"]
# ## 6. 答えを批判的に読む（6分）
#
# 同僚がadamを基準と決めてから、同じ課題で次の比較をし、1組ずつの比と補正したp値を表にしました。表の手法名の後ろのかっこは、調整で試した設定の数です。
#
# ```text
# 新しいシード4個、300ステップ
# 手法           学習率   到達   目標までのステップ   対adam比            補正p
# adam (16)      0.1      4/4     50 [37–63]          基準
# momentum (4)   0.01▸    1/4    290 [258–300]        5.85 [4.37–7.83]    .250
# sgd (2)        0.01     0/4   >300                  ≥ 6.06              .250
#
# 重みの初期値: xavier。normal:0.01は1.07× [0.59–1.94]
# ```
#
# 5つの問いに、5文字で答えてください（`"abcda"`のように）。
#
# **問1** 「AdamはMomentumより速いと立証された」と報告できますか。
#
# - (a) できる。区間が1を含まない
# - (b) できない。補正したpが0.05以上
# - (c) できる。5倍以上の差がある
# - (d) できない。Momentumも1回は到達した
#
# **問2** 0.01の後ろの▸は何を意味しますか。
#
# - (a) 試した中で最大の学習率が最良だったので、もっと大きい値を試すべき
# - (b) この学習率で発散した
# - (c) 学習率を途中で上げた
# - (d) 0.01が最適だと立証された
#
# **問3** 16、4、2という数の違いは、どう影響しますか。
#
# - (a) しない。確認のシードは同じ
# - (b) 試した数の少ないSGDに有利
# - (c) 試した数の多いAdamに有利
# - (d) 検定が補正している
#
# **問4** 4シードで2つの手法を基準と比べるとき、補正したpがとりうる最小の値はいくつですか（上の2つの式から計算できます）。
#
# - (a) 0.05
# - (b) 0.0625
# - (c) 0.125
# - (d) 0.25
#
# **問5** normal:0.01の1.07× [0.59–1.94]から、何が言えますか。
#
# - (a) Xavierと同じである
# - (b) このシード数では決まらない。4割速い可能性も、倍近く遅い可能性も残る
# - (c) Xavierより7%遅い
# - (d) 初期値は重要でない

# %% [markdown] tags=["en"]
# ## 6. Reading an answer critically (6 min)
#
# A colleague fixed adam as the reference and then made the following comparison for the same task, pair by pair. In parentheses: how many settings were tried in tuning.
#
# ```text
# 4 fresh seeds, 300 steps
# optimizer      learning rate   reached   steps to target     × adam              corr. p
# adam (16)      0.1             4/4        50 [37–63]         reference
# momentum (4)   0.01▸           1/4       290 [258–300]       5.85 [4.37–7.83]    .250
# sgd (2)        0.01            0/4      >300                 ≥ 6.06              .250
#
# initial weights: xavier; normal:0.01 is 1.07× [0.59–1.94]
# ```
#
# Answer five questions with five letters (like `"abcda"`).
#
# **Question 1** May one report "it is established that Adam is faster than Momentum"?
#
# - (a) yes, the interval excludes 1
# - (b) no, the corrected p is not below .05
# - (c) yes, it is more than 5 times
# - (d) no, for 1/4 arrived
#
# **Question 2** What does ▸ after 0.01 mean?
#
# - (a) the largest rate tried was the best: larger ones should be tried
# - (b) it diverged at this rate
# - (c) the rate was raised on the way
# - (d) 0.01 is established as the best
#
# **Question 3** What do the numbers 16, 4 and 2 do?
#
# - (a) nothing, for the fresh seeds are the same
# - (b) they favour SGD, with few trials
# - (c) they favour Adam, with many
# - (d) the test corrects for them
#
# **Question 4** With 4 seeds and 2 methods compared with the reference: what is the smallest corrected p that can occur at
# all? (The two formulas above tell.)
#
# - (a) .05
# - (b) .0625
# - (c) .125
# - (d) .25
#
# **Question 5** What does 1.07× [0.59–1.94] say about normal:0.01?
#
# - (a) it equals Xavier
# - (b) these seeds do not decide: it may be 40 % faster, or almost twice as slow
# - (c) it is 7 % slower than Xavier
# - (d) initial values do not matter

# %% tags=["exercise"] name="reading"
reading = ""  # trainee
reading = "bacdb"  # answer

# %% tags=["check"] name="reading"
check("3_13.reading")

# %%
if done("3_13.reading"):
    for comparisons in (1, 2, 6):
        print(f"比較{comparisons}個に必要なシード: {statistics.seeds_needed(comparisons)}")  # ja
        print(f"comparisons: {comparisons}, seeds needed: {statistics.seeds_needed(comparisons)}")  # en

# %% [markdown] tags=["ja"]
# 同じ課題を、試す回数をそろえて8シードで比べた結果が、第1節の答えです。**見比べてください**。Momentumは学習率0.01では遅かったのに、
# 学習率の範囲を広げると、Adamと区別がつかなくなりました。「5.85倍」の大部分は、手法の差ではなく、探し方の差だったのです。

# %% [markdown] tags=["en"]
# Section 1 has the answer for the same task with equal trials and 8 seeds. *Compare the two.* Momentum, slow at 0.01, may be as
# good as Adam once its grid is wide enough. "5.85 times" was mostly a difference between
# searches, not between methods.

# %% [markdown] tags=["ja", "slide"]
# ## 7. 同僚の学習を診断する
#
# 6人の同僚が、配達の時間を予測するネットワーク（3つの入力、tanhの20ノード、二乗誤差）を学習させていますが、うまくいきません。
#
# | 学習 | 更新則 | 重みの初期値 | ステップ | 同僚の話 |
# |---|---|---|---|---|
# | A | Adam η=0.0001 | xavier | 200 | 「前の仕事でうまくいった設定です」 |
# | B | Adam η=0.03 | xavier | 200 | 「データは何度も見直しました」 |
# | C | Adam η=0.03 | constant:0.5 | 200 | 「プログラムにはテストもあります」 |
# | D | Adam η=0.1 | xavier | 400 | 「時間をかけて学習させました」 |
# | E | SGD η=2 | xavier | 200 | 「シードを変えても同じです」 |
# | F | Adam η=0.01 | normal:5 | 200 | 「設定は引き継いだものです」 |
#
# 話は手がかりになりません。**測った値で**決めます。

# %% [markdown] tags=["en", "slide"]
# ## 7. Diagnosing colleagues' trainings
#
# Six colleagues train a network (3 inputs, 20 nodes of tanh, squared error) to forecast the time of a delivery, and do not get on.
#
# | training | rule | initial weights | steps | what they say |
# |---|---|---|---|---|
# | A | Adam η=0.0001 | xavier | 200 | "the settings did well in my last job" |
# | B | Adam η=0.03 | xavier | 200 | "I have looked through the data again and again" |
# | C | Adam η=0.03 | constant:0.5 | 200 | "the program has tests, too" |
# | D | Adam η=0.1 | xavier | 400 | "I gave it plenty of time" |
# | E | SGD η=2 | xavier | 200 | "other seeds do the same" |
# | F | Adam η=0.01 | normal:5 | 200 | "the settings were handed on to me" |
#
# What they say is no hint. *What is measured* decides.

# %% [markdown] tags=["ja"]
# ### 7.1 更新と重みの比（5分）
#
# 学習率が適切かどうかは、更新の長さを重みの長さと比べるとわかります。`updates[s, i]`はステップ$s$での配列$i$（$W_1$、$b_1$など）の更新の長さ、
# `weights[s, i]`は更新前のその配列の長さです。ステップごとに、**全配列をまとめた**更新の長さを、全配列をまとめた重みの長さで割り、
# **全ステップの中央値**を返してください。
#
# $$\operatorname{median}_s \frac{\lVert\Delta\boldsymbol\theta_s\rVert}{\lVert\boldsymbol\theta_s\rVert}$$

# %% [markdown] tags=["en"]
# ### 7.1 Updates beside weights (5 min)
#
# Whether a learning rate suits shows in the length of the updates beside that of the weights. `updates[s, i]` is the length of
# the update of array $i$ ($W_1$, $b_1$, …) at step $s$, `weights[s, i]` the length of that array before it. For each step divide
# the length of the update, *over all arrays*, by that of the weights, over all arrays, and return *the median over the steps*.
#
# $$\operatorname{median}_s \frac{\lVert\Delta\boldsymbol\theta_s\rVert}{\lVert\boldsymbol\theta_s\rVert}$$


# %% tags=["exercise"] name="update_ratio"
def update_ratio(updates, weights):
    ### BEGIN SOLUTION
    whole_update = np.sqrt((updates**2).sum(axis=1))
    whole_weight = np.sqrt((weights**2).sum(axis=1))
    return np.median(whole_update / whole_weight)
    ### END SOLUTION


# %% tags=["check"] name="update_ratio"
check("3_13.update_ratio")

# %% [markdown] tags=["ja"]
# 次のセルは、`kobai.diagnose`と同じ計測器を付けて6つを学習させ、証拠を表にします（初回はコンパイルに数秒かかります）。
#
# | 列 | 意味 |
# |---|---|
# | 更新/重み | 7.1の値。目安は$10^{-3}$から$10^{-2}$ほど |
# | 広がりの比 | 最も広く散らばる入力の列と、普通の列の、標準偏差の比 |
# | 同じノード | 最初から最後まで、ほかのノードと同じ重みを持つノードの割合 |
# | 飽和 | 隠れ層の値のうち、tanhの両端（±0.95の外）にある割合。最初 → 最後 |
# | 再上昇 | 検証損失の再上昇: 最小から再び上がった量の、下がった量に対する割合 |

# %% [markdown] tags=["en"]
# The next cell trains the six with the instruments of `kobai.diagnose`, and makes a table of the evidence (the first time they
# are compiled, which takes some seconds).
#
# | column | meaning |
# |---|---|
# | update/weights | from 7.1; usual values are about $10^{-3}$ to $10^{-2}$ |
# | spreads | the standard deviation of the widest input column over that of the usual one |
# | alike | the share of nodes that have the weights of another from the beginning to the end |
# | saturated | the share of hidden values at the ends of tanh (beyond ±0.95), beginning → end |
# | rise | how far the validation loss has risen again from its lowest, beside its way down |

# %%
six = {}
if done("3_13.update_ratio"):
    six = colleagues()
    print("   更新/重み  広がりの比  同じノード         飽和    再上昇")  # ja
    print("   update/weights  spreads  alike     saturated     rise")  # en
for name, each in six.items():
    ratio = update_ratio(each.updates, each.weights)
    first, last = each.saturated
    print(f"{name} {ratio:10.1e} {each.apart:10.0f} {each.alike:10.0%} {first:5.0%} → {last:4.0%} {each.forgotten:10.0%}")  # ja
    print(f"{name} {ratio:15.1e} {each.apart:8.0f} {each.alike:6.0%} {first:6.0%} → {last:4.0%} {each.forgotten:8.0%}")  # en

# %% [markdown] tags=["ja", "slide"]
# ### 7.2 どこが悪いのか（8分）
#
# A〜Fのそれぞれの原因を1つずつ選び、6文字で答えてください。
#
# - (a) 学習率が高すぎる
# - (b) 学習率が低すぎる
# - (c) 入力の尺度が合わない（1つの列だけが大きい）
# - (d) 対称性: 隠れ層のノードがどれも同じ
# - (e) 飽和: 重みの初期値が大きすぎて、最初からtanhの両端にある
# - (f) 過学習

# %% [markdown] tags=["en", "slide"]
# ### 7.2 What is wrong? (8 min)
#
# Choose a cause for each of A to F, and answer with six letters.
#
# - (a) the learning rate is too high
# - (b) the learning rate is too low
# - (c) the inputs are not scaled: one column is too large
# - (d) symmetry: all hidden nodes are alike
# - (e) saturation: the initial weights are too large, and the nodes at the ends of tanh from the beginning
# - (f) overfitting

# %% tags=["exercise"] name="troubles"
troubles = ""  # trainee
troubles = "bcdfae"  # answer

# %% tags=["check"] name="troubles"
check("3_13.troubles")

# %% [markdown] tags=["ja"]
# 合っていたら、次のセルで`kobai.diagnose`の診断と比べてください。

# %% [markdown] tags=["en"]
# Once they are right, compare them with what `kobai.diagnose` says.

# %%
if done("3_13.troubles"):
    for name, each in six.items():
        print(f"{name}: {each.diagnosis}")

# %% [markdown] tags=["ja"]
# ### 7.3 対策を選び、確かめる（5分）
#
# A〜Fのそれぞれに効く対策を1つずつ選び、6文字で答えてください。次のセルが、**同じ8個のシード**で対策なしと対策ありを比べます
# （Dは最後のテスト損失、ほかは検証損失が0.1になるまでのステップ数）。効かなかった対策が何をしたかも読んでから、確認セルを実行してください。
#
# - (a) 学習率を100倍にする
# - (b) 学習率を10分の1にする
# - (c) 入力を標準化する
# - (d) 初期値をxavierにする
# - (e) 早期終了

# %% [markdown] tags=["en"]
# ### 7.3 Choose a remedy, and confirm it (5 min)
#
# Choose one remedy that helps for each of A to F, and answer with six letters. The next cell compares the training with and
# without it *on the same 8 seeds* (of D the test loss at the end, of the others the steps to a validation loss of 0.1). Read
# what the remedies did that do not help, too, before you run the check.
#
# - (a) a hundred times the learning rate
# - (b) a tenth of the learning rate
# - (c) standardized inputs
# - (d) Xavier's initial values
# - (e) early stopping

# %% tags=["exercise"] name="remedies"
remedies = ""  # trainee
remedies = "acdebd"  # answer

# %%
for line in treatments(six, remedies):
    print(line)

# %% tags=["check"] name="remedies"
check("3_13.remedies")

# %% [markdown] tags=["ja"]
# ## 8. `kobai.diagnose`に尋ねる
#
# 仕事では、証拠を測ることを`kobai.diagnose`に任せられます。手書き数字の読み取り（隠れ層20ノード）について、5つの学習が
# 持ち込まれました。依頼者が添えたのは、検証データの正解率だけです。次のセルは5つを診断し、まず正解率だけを表示します（初回は20秒ほどかかります）。

# %% [markdown] tags=["en"]
# ## 8. Asking `kobai.diagnose`
#
# On the job `kobai.diagnose` can measure the evidence for you. Five trainings that read handwritten digits (20 hidden nodes)
# have come to your desk, each with nothing but its accuracy on validation data. The next cell diagnoses the five, and shows these
# accuracies alone (about twenty seconds the first time).

# %%
answers = {}
for name, (task, optimizer) in requests().items():
    answers[name] = kobai.diagnose(task, optimizer=optimizer, steps=100, progress=False)
    accuracy = answers[name].diagnosis.case.records[0].validation[-1, 1]
    print(f"{name}  検証データの正解率 {accuracy:.0%}")  # ja
    print(f"{name}  accuracy on validation data {accuracy:.0%}")  # en

# %% [markdown] tags=["ja"]
# ### 8.1 最初にすること（6分）
#
# **予想**: 手当てが要らないのは、どれでしょうか。正解率だけを見て、書き留めてください。
#
# 次に、診断を読みます。病名は原因として強い順に並び、後ろのものは、前のものの結果かもしれません。

# %% [markdown] tags=["en"]
# ### 8.1 What to do first (6 min)
#
# **Predict**: which of them needs no treatment? Decide by the accuracy, and write it down.
#
# Now read what it says. The strongest cause comes first; what stands further down may be its consequence.

# %%
for name, answer in answers.items():
    print(f"――― {name} ―――\n{str(answer).partition('測った値')[0]}")  # ja
    print(f"--- {name} ---\n{str(answer).partition('Measured')[0]}")  # en

# %% [markdown] tags=["ja"]
# A〜Eのそれぞれについて、最初にすることを1つずつ選び、5文字で答えてください。使わない選択肢もあります。
#
# - (a) 学習率を10倍にする
# - (b) ネットワークを大きくする
# - (c) 重みの減衰を弱める
# - (d) 何も変えない
# - (e) 画像とラベルの対応を、データの持ち主と調べ直す
# - (f) クラスごとの正解率も見て、どのクラスも同じ割合で取り出して学習させる
# - (g) バッチ正規化の移動平均が、新しいバッチをもっと重く取り込むようにする

# %% [markdown] tags=["en"]
# For each of A to E choose what to do first, and answer with five letters. Some choices are not needed.
#
# - (a) ten times the learning rate
# - (b) a larger network
# - (c) less weight decay
# - (d) change nothing
# - (e) go through images and labels with the owner of the data: do they belong together?
# - (f) look at the accuracy of each class, too, and draw the classes equally often in training
# - (g) let the running statistics of batch normalization take in more of each new batch

# %% tags=["exercise"] name="first_steps"
first_steps = ""  # trainee
first_steps = "fcedg"  # answer

# %% tags=["check"] name="first_steps"
check("3_13.first_steps")

# %% [markdown] tags=["ja", "result"]
# **正解率は、診断の代わりになりません**。正解率が最も高いAに手当てが要り、次のDには要りません。Aではラベルの92%が同じクラスなので、
# 画像を見ずにいつもそのクラスと答えても、正解率はほとんど変わりません。
#
# Cの低い正解率は、学習の設定では直りません。ラベルがほかの画像のものだからです。BとCには「学習率が低すぎる」も並びますが、最初の原因を
# 残したままでは、学習率を変えても役に立ちません。Eは、同じデータでも、バッチの統計量を使う学習中と、移動平均を使う推論とで損失が違います（レッスン3-11）。
#
# 対策の効果まで確かめるには、`kobai.diagnose(…, cure=True)`とします。

# %% [markdown] tags=["en", "result"]
# **Accuracy is no diagnosis.** A has the highest and needs treatment; D, the next, needs none. Of the labels of A 92 % are of one
# class: to name it always, without a look at the image, is hardly less accurate.
#
# No setting mends the low accuracy of C: its labels are those of other images. Of B and C it is also said that the rate is too low,
# but as long as the first cause is there, another rate is no help. The loss of E on the same data differs between training, with
# the statistics of a batch, and inference, with the running ones (lesson 3-11).
#
# With `kobai.diagnose(…, cure=True)` the remedies are tried, too.

# %% [markdown] tags=["ja"]
# ## 9. 自分の課題で（20分）
#
# 次の順に、自分の仕事の課題を書いてみましょう。手元にデータがなければ、上の`delivery`を変えるところから始めます
# （たとえば、遅れる予測が早すぎる予測の3倍困るなら、損失と指標をどう変えますか）。
#
# | 決めること | 自分の課題では |
# |---|---|
# | 仕事の本当の目標（指標）と、到達したとみなす値 | |
# | 勾配で下げる損失 | |
# | 訓練・検証・テストの分け方（時刻順? 顧客ごと?） | |
# | 比べる手法、学習率の範囲、試す回数（そろえる） | |
# | 予算（ステップ数）とシード数（`seeds_needed`で） | |
#
# 課題を`my_task.py`に書けば、`kobai compare my_task.py --output study --language ja`で報告書ができます。
#
# **報告書のひな形**（1枚）
#
# - 問い
# - 条件（課題、予算、目標、試した範囲）
# - 何を採用し、その費用は最大でどれだけか。同じくらいよいかもしれないのはどれか
# - **最良ではないものと、決まっていないこと**
# - 次に何をするか

# %% [markdown] tags=["en"]
# ## 9. Your own data (20 min)
#
# Write down a task of your work, in this order. Without data at hand, begin by changing `delivery` above: say a delivery
# that is later than forecast is three times as bad as one that is early. What becomes of loss and metric?
#
# | to be decided | in my task |
# |---|---|
# | what the job really asks for (the metric), and the value that counts as arriving | |
# | the loss that gradients lower | |
# | the split into training, validation, test (by time? by customer?) | |
# | methods, ranges of learning rates, trials (equal numbers) | |
# | budget in steps; seeds (from `seeds_needed`) | |
#
# With the task in `my_task.py`, `kobai compare my_task.py --output study --language en` writes the report.
#
# **A report in one page**
#
# - the question
# - the conditions (task, budget, target, grids)
# - what you take, and what that costs at most; what may be as good
# - *what is not the best, and what is undecided*
# - what to do next

# %% [markdown] tags=["ja", "slide"]
# ## まとめ
#
# - 課題は、パラメータの形、損失、指標、3つに分けたデータ、目標で決まります。損失と指標は同じでなくてかまいません。
# - 未到達は予算ちょうどで到達したと数えます。同じシードどうしを対にして比べ、比較の数に応じてp値を補正します。
# - 「同じくらいよいかもしれない」は「同じ」ではありません。「最良ではない」も、この課題・この予算・この範囲での話です。
#
# ### 自己診断
#
# 1. `y`の形が`(N, 1)`、`t`の形が`(N,)`のとき、`y - t`の形は何ですか。なぜ危険なのですか。
# 2. 20回に1回失敗する手法を10シードで試すと、失敗が1回も現れない確率はいくつですか。
# 3. 確認のシードで、調整とは別の手法が1位になりました。kobaiはどちらを挙げますか。その手法について、1組ずつのp値を信じてよいですか。
#
# <details><summary>答え</summary>
#
# 1. `(N, N)`です。エラーにならずに損失が計算され、すべての予測が平均に近づくように学習が進んでしまいます。
# 2. $0.95^{10} \approx 0.60$です。だから、10回中10回到達しても、到達率の95%区間の下限は72%です。
# 3. 1位になったほうです。費用の上限と最良かもしれないものの集合は、どれを挙げても成り立つように作ってあります。1組ずつのp値は
#    そうではありません。同じシードで選んで同じシードで判定すると、誤った主張が増えます。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# ## Summary
#
# - A task is the shapes of its parameters, a loss, a metric, data in three parts, and a target. Loss and metric may differ.
# - Misses count as the budget, runs of one seed are compared in pairs, and p-values are corrected for the number of
#   comparisons.
# - "May be as good" is not "equal"; and what is not the best is so for this task, this budget, these grids.
#
# ### Test yourself
#
# 1. `y` has shape `(N, 1)`, `t` has `(N,)`. Which shape has `y - t`, and why is that dangerous?
# 2. A method fails once in 20 runs. How likely is it that 10 seeds show no failure?
# 3. On the fresh seeds another method comes first than in tuning. Which one does kobai name, and may the p of a pair be believed?
#
# <details><summary>Answers</summary>
#
# 1. `(N, N)`: no error, a loss is computed, and training draws every forecast towards the mean.
# 2. $0.95^{10} \approx 0.60$. That is why a reach rate of 10/10 has a 95 % interval that begins at 72 %.
# 3. The one that comes first: the bound on its cost and the set of those that may be the best hold for whichever is named. The p
#    of a pair does not: chosen and judged on the same seeds, false claims become more frequent.
#
# </details>
