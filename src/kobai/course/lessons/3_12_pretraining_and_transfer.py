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
# # 3-12 事前学習・再学習・転移学習
#
# **この時間で身につけること**
#
# - 学習済みの重みを引き継ぎ、出力層だけを作り直せる
# - 層ごとに「動かす・ゆっくり動かす・固定する」を使い分けられる
# - 重みの引き継ぎに効果があったかどうかを、公平な条件で測れる
#
# | 内容 | 目安 |
# |---|---|
# | 3つの戦略 | 5分 |
# | 重みの引き継ぎと固定 | 16分 |
# | 節約できたステップ数 | 10分 |
# | 測って確かめる | 12分 |
# | 次回の予習 | 7分 |

# %% [markdown] tags=["en", "slide"]
# # 3-12 Pretraining, fine tuning, transfer
#
# **What you will be able to do**
#
# - take over trained weights and make the last layer new
# - let layers move, move slowly, or not at all
# - measure, on fair terms, whether taking over weights was worth it
#
# | part | time |
# |---|---|
# | three strategies | 5 min |
# | taking over weights, freezing them | 16 min |
# | steps saved | 10 min |
# | measuring it | 12 min |
# | what comes next | 7 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import against, curves, heat
from kobai.course.network import Network, train
from kobai.tasks.pairs import moved

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. 3つの戦略
#
# | 戦略 | 出発点 | 動かす部分 | 比べる相手 |
# |---|---|---|---|
# | 教師あり**事前学習** | 単純な課題で学習した重み | すべて | 最初からの学習（ステップ数に、事前学習の分も**加える**） |
# | **再学習（ファインチューニング）** | すでにある学習済みの重み | すべて | 最初からの学習（ステップ数は、目的の課題の分だけ） |
# | **転移学習** | 学習済みの特徴量と、新しい出力層 | 出力層（特徴量は固定するか、ゆっくり動かす） | 再学習の場合と同じ |
#
# 転移学習が役立つのは、2つの課題に**共通する特徴量**があるときです。
#
# ここでは、元の数字（0〜9）で学習したネットワークを、少し回転させたり位置をずらしたりした「動かした数字」のうち、5〜9の分類
# （5クラス）に使います。目的の課題のデータは**40枚**しかありません。

# %% [markdown] tags=["en", "slide"]
# ## 1. Three strategies
#
# | strategy | starts with | what moves | compare it with |
# |---|---|---|---|
# | supervised **pretraining** | weights trained on a simpler task | everything | training from scratch, for as many steps *in all* |
# | **fine tuning** | trained weights that are there already | everything | training from scratch, counting the steps on the target |
# | **transfer learning** | trained features, a new last layer | the last layer (features frozen or slow) | the same |
#
# Transfer helps if the two tasks *share features*.
#
# Here a network that was trained on all ten digits, upright, is put to use on turned and shifted digits 5 … 9, five
# classes. There are only *40 images* of them.

# %% tags=["slide"]
pair = moved()
x_source, t_source = map(np.asarray, pair.source.train)
x_target, t_target = map(np.asarray, pair.target.train)
x_validation, t_validation = map(np.asarray, pair.target.validation)

source = Network((64, 100, 50, 10))
train(source, kobai.Adam(learning_rate=0.003), x_source, t_source, steps=400, batch=32)
print("元の数字の正解率", round(source.accuracy(*map(np.asarray, pair.source.validation)), 3))  # ja
print("動かした数字の正解率", round(source.accuracy(x_validation, t_validation), 3))  # ja
print("accuracy on upright digits", round(source.accuracy(*map(np.asarray, pair.source.validation)), 3))  # en
print("accuracy on moved digits", round(source.accuracy(x_validation, t_validation), 3))  # en

few = np.flatnonzero(t_target >= 5)[:40]
x, t = x_target[few], t_target[few] - 5
late = t_validation >= 5
x_check, t_check = x_validation[late], t_validation[late] - 5

# %% [markdown] tags=["ja", "slide"]
# ## 2. 重みの引き継ぎ（7分）
#
# `params`は学習済みのパラメータです（`"W1"`、`"b1"`、…、最後の層は`last = len(params) // 2`番目）。
# **新しい辞書**を返してください。
#
# - 最後の層以外: 元の配列の**コピー**（学習を始めても、元のネットワークが変わらないように）
# - 最後の層: 出力数`outputs`の新しい層。重みはHeの初期値$\sqrt{2/n_1}\;\times$ `random.standard_normal((n1, outputs))`、
#   バイアスは0（$n_1$は最後の層の入力の数）

# %% [markdown] tags=["en", "slide"]
# ## 2. Taking over weights (7 min)
#
# `params` are trained parameters (`"W1"`, `"b1"`, …; the last layer is number `last = len(params) // 2`). Return a *new
# dict* with
#
# - every layer but the last: *copies* of the arrays, so that training leaves the source network as it is
# - the last layer: a new one with `outputs` outputs. Its weights have He's initial values
#   $\sqrt{2/n_1}\;\times$ `random.standard_normal((n1, outputs))`, its biases are 0 ($n_1$: how many values enter the last layer)


# %% tags=["exercise"] name="reuse"
def reuse(params, outputs, random):
    ### BEGIN SOLUTION
    last = len(params) // 2
    new = {key: array.copy() for key, array in params.items()}
    n1 = len(params[f"W{last}"])
    new[f"W{last}"] = np.sqrt(2 / n1) * random.standard_normal((n1, outputs))
    new[f"b{last}"] = np.zeros(outputs)
    return new
    ### END SOLUTION


# %% tags=["check"] name="reuse"
check("3_12.reuse")

# %% [markdown] tags=["ja", "slide"]
# ## 3. 固定する、ゆっくり動かす（5分）
#
# 配列ごとの倍率`factors`を掛けて、SGDの更新を1ステップ実行してください。
#
# $$\theta_k \leftarrow \theta_k - f_k\,\eta\,g_k$$
#
# `factors`は名前 → 倍率の辞書です。0なら固定、0.1ならゆっくり、**辞書にない配列の倍率は1**です。
# レッスン3-1と同じく、`params`の配列の中身を書き換えます（何も返しません）。

# %% [markdown] tags=["en", "slide"]
# ## 3. Frozen, or slow (5 min)
#
# Do one step of SGD in which every array has a factor of its own:
#
# $$\theta_k \leftarrow \theta_k - f_k\,\eta\,g_k$$
#
# `factors` is a dict, name → factor: 0 freezes an array, 0.1 slows it, and *an array that is not in the dict has factor 1*.
# As in lesson 3-1, change the contents of the arrays in `params`, and return nothing.


# %% tags=["exercise"] name="update"
def update(params, grads, learning_rate, factors):
    ### BEGIN SOLUTION
    for key in params:
        params[key] -= factors.get(key, 1.0) * learning_rate * grads[key]
    ### END SOLUTION


# %% tags=["check"] name="update"
check("3_12.update")

# %% [markdown] tags=["ja"]
# **予想**: 40枚で100ステップ学習させます。検証データの正解率が先に上がるのはどれでしょうか。100ステップ後に最も高いのは
# どれでしょうか。順位を書いてください。
#
# | | 最初から | すべて動かす | 特徴量は0.1倍 | 特徴量は固定 |
# |---|---|---|---|---|
# | 10ステップ後の順位 | | | | |
# | 100ステップ後の順位 | | | | |

# %% [markdown] tags=["en"]
# **Predict**: 100 steps with 40 images. Which accuracy on the validation data rises first, and which is highest in the end?
#
# | | scratch | all move | features × 0.1 | features frozen |
# |---|---|---|---|---|
# | rank after 10 steps | | | | |
# | rank after 100 steps | | | | |

# %% tags=["slide"]
features = ("W1", "b1", "W2", "b2")


def accuracies(kept, factor, seeds=3, steps=100, every=10):
    # ja: 検証データの正解率(0、10、20、…ステップ後、シードの平均)
    # en: accuracy on the validation data after 0, 10, 20, … steps, mean over the seeds
    found = []
    for seed in range(seeds):
        network = Network((64, 100, 50, 5), seed=seed)
        if kept:
            network.params = reuse(source.params, 5, np.random.default_rng(seed))
        found.append([network.accuracy(x_check, t_check)])
        for step in range(1, steps + 1):
            _, grads = network.gradient(x, t)
            update(network.params, grads, 0.2, dict.fromkeys(features, factor))
            if step % every == 0:
                found[-1].append(network.accuracy(x_check, t_check))
    return np.mean(found, axis=0)


rising = {}
if done("3_12.reuse") and done("3_12.update"):
    ways = {"最初から": (False, 1), "すべて動かす": (True, 1), "特徴量×0.1": (True, 0.1), "固定": (True, 0)}  # ja
    ways = {"scratch": (False, 1), "all move": (True, 1), "features × 0.1": (True, 0.1), "frozen": (True, 0)}  # en
    rising = {name: accuracies(*way) for name, way in ways.items()}
    for name, values in rising.items():
        print(f"{name:15}", values[[0, 1, 3, 10]].round(2))

shown = {name: values[1:] for name, values in rising.items()}
curves(shown, x="ステップ", y="正解率", title="40枚からの学習（検証データ、3シードの平均）", every=10)  # ja
curves(shown, x="step", y="accuracy", title="Learning from 40 images (validation data, 3 seeds)", every=10)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# 10ステップ後は、「すべて動かす」が0.52でリードします。100ステップ後は0.55で、「最初から」の0.54とほぼ同じです。特徴量を固定すると、
# 0.47までしか上がりません。ただし、3シードの平均に0.01の差があっても、そこから言えることはありません。

# %% [markdown] tags=["en", "result", "slide"]
# After 10 steps "all move" is ahead with 0.52; after 100 it has 0.55, next to the 0.54 from scratch. With frozen features it
# does not get beyond 0.47. But a difference of 0.01 between means of three seeds says nothing.

# %% [markdown] tags=["ja", "slide"]
# ## 4. 節約できたステップ数（6分）
#
# 2つの正解率の列`scratch`（最初から）と`reused`（引き継ぎ）は、0, `every`, 2·`every`, … ステップ後の値です。
# 正解率が**初めて**`target`以上になったステップを比べ、引き継ぎで節約できたステップ数を返してください。
#
# $$\text{節約} = T_{\text{scratch}} - (\text{spent} + T_{\text{reused}})$$
#
# - `spent`は、その前に元の課題で使ったステップ数です。事前学習では、これも費用に数えます。再学習では、重みがすでにあるので0です。
# - 一度も到達しなければ（未到達）、最後に測ったステップ（予算）で到達したとみなします。
# - 引き継いだほうが遅ければ、負の値になります。

# %% [markdown] tags=["en", "slide"]
# ## 4. Steps saved (6 min)
#
# The accuracies `scratch` and `reused` were measured after 0, `every`, 2·`every`, … steps. Compare the steps at which
# they are `target` or more for the *first* time, and return how many steps were saved:
#
# $$\text{saved} = T_{\text{scratch}} - (\text{spent} + T_{\text{reused}})$$
#
# - `spent`: steps paid for on the source. Pretraining pays for them, fine tuning does not (the weights are there already).
# - Never arrived (not reached) counts as the last step measured, the budget.
# - A loss of time is a negative number.


# %% tags=["exercise"] name="steps_saved"
def steps_saved(scratch, reused, target, every, spent):
    ### BEGIN SOLUTION
    def arrival(values):
        for i, value in enumerate(values):
            if value >= target:
                return i * every
        return (len(values) - 1) * every

    return arrival(scratch) - (spent + arrival(reused))
    ### END SOLUTION


# %% tags=["check"] name="steps_saved"
check("3_12.steps_saved")

# %%
if done("3_12.steps_saved") and rising:
    from_scratch, *others = rising
    target = 0.9 * rising[from_scratch][-1]
    for name in others:
        saved = [float(steps_saved(rising[from_scratch], rising[name], target, 10, spent)) for spent in (0, 400)]
        print(f"{name:15} 再学習として {saved[0]:+.0f}、事前学習として {saved[1]:+.0f}ステップ")  # ja
        print(f"{name:15} as fine tuning {saved[0]:+.0f}, as pretraining {saved[1]:+.0f} steps")  # en

# %% [markdown] tags=["ja", "slide"]
# 同じ曲線でも、再学習と考えれば「すべて動かす」は10ステップの得、事前学習と考えれば390ステップの損です（元の学習に
# 400ステップ使いました）。**元の学習の分を数えるかどうか**で、結論が逆になります。事前学習が割に合うのは、1回の事前学習を
# いくつもの課題で使い回すときや、最初からの学習では届かない目標を達成できるときです。
#
# ## 5. 測って確かめる
#
# 学習率が1通り、シードが3つだけでは、何も結論できません。`kobai.transfer`は、戦略とデータの量ごとに学習率を選び、
# 新しいシードで、同じシードどうしを対にして比べます。
#
# **予想**: 固定した特徴量は、データが20枚のときと200枚のとき、それぞれ得でしょうか、損でしょうか。
# 元の課題が**ノイズ**の画像（ラベルは無作為）の分類だったら、どうでしょうか。

# %% [markdown] tags=["en", "slide"]
# The same curves lead to opposite conclusions: as fine tuning, "all move" gains 10 steps; as pretraining it loses 390, for
# the source took 400. It depends on *whether the source is paid for*. Pretraining pays off when one source serves many
# targets, or when it reaches what training from scratch does not.
#
# ## 5. Measuring it
#
# One learning rate and three seeds show nothing. `kobai.transfer` chooses a learning rate for every strategy and every
# amount of data, and compares on fresh seeds, in pairs.
#
# **Predict**: do frozen features help or harm with 20 images, and with 200? And if the source was *noise*
# with random labels?

# %%
settings = {
    "protocol": ["fine-tuning", "transfer"],
    "amounts": [20, 200],
    "seeds": 8,
    "tuning_seeds": 1,
    "steps": 150,
    "source_steps": 300,
    "learning_rates": [0.00316, 0.01],
    "source_learning_rate": 0.00316,
}
found = kobai.transfer("moved", **settings)
print(found)

names = {"再学習": "fine-tuning", "転移学習（特徴量は固定）": "transfer"}  # ja
names = {"fine tuning": "fine-tuning", "transfer (features frozen)": "transfer"}  # en
tables = {name: found.table.filter(protocol=protocol) for name, protocol in names.items()}
lines = {name: table["metric"] for name, table in tables.items()}
lines["最初から"] = found.table.filter(protocol="transfer")["metric_scratch"]  # ja
lines["scratch"] = found.table.filter(protocol="transfer")["metric_scratch"]  # en
against([20, 200], lines, across="画像の枚数", up="正解率", title="動かした数字: データの量と、重みの引き継ぎ")  # ja
against([20, 200], lines, across="images", up="accuracy", title="Moved digits: how many there are, and what is taken over")  # en

# %%
print(kobai.transfer("unrelated", **settings))

# %% [markdown] tags=["ja", "result", "slide"]
# - **20枚**: 最初からの学習の正解率0.31に対して、再学習は0.46、固定した特徴量は0.43です。20枚だけでは、良い特徴量を学べません。
# - **200枚**: 最初からの学習の0.60に対して、再学習は0.61です。正解率の差は確かめられませんが、目標までのステップ数は0.59倍で済みます。
#   固定した特徴量は0.51で、固定はかえって**損**です。データが少ないときに助けになったものが、データが増えると足かせになります。
# - **ノイズから**: 固定すると、20枚で0.18、200枚で0.15の損です。すべて動かせば、正解率にもステップ数にも差は見られません
#   （ステップ数は20枚で0.96倍、200枚で1.1倍ですが、補正したpはどちらも1です）。ノイズからは、役に立つ特徴量を学べないからです。

# %% [markdown] tags=["en", "result", "slide"]
# - **20 images**: fine tuning has an accuracy of 0.46 and frozen features 0.43, from scratch it is 0.31: so few data make no
#   features.
# - **200 images**: fine tuning 0.61, from scratch 0.60: no difference in accuracy is established, but fine tuning takes 0.59 times the
#   steps. With frozen features it is 0.51: they *harm*. What helps with few data holds back with many.
# - **From noise**: frozen, it loses 0.18 with 20 images and 0.15 with 200. If everything may move, no difference is to be seen, in
#   accuracy or in steps (0.96 times with 20 images, 1.1 times with 200, but the corrected p is 1 for both): noise teaches no useful
#   features.

# %% [markdown] tags=["ja"]
# **自分で試す**: `kobai.transfer("halves", **settings)`（0〜4の数字から5〜9の数字へ）の結果を予想してから、実行しましょう。
# 「似た課題なら必ず役立つ」と言えるでしょうか。
#
# ## 6. 次回の予習（7分）
#
# 最初のセルを思い出してください。正解率は、元の数字では96%でしたが、動かした数字では41%に下がりました。
#
# **予想**: たった1画素ずらすだけなら、正解率はどうなるでしょうか。

# %% [markdown] tags=["en"]
# **Your turn**: predict `kobai.transfer("halves", **settings)`, digits 0 … 4, then 5 … 9, and run it. Do similar tasks
# always help?
#
# ## 6. What comes next (7 min)
#
# Remember the first cell: a network that is right on 96 % of the upright digits is right on 41 % of the moved ones.
#
# **Predict**: what does a shift by a single pixel do?

# %%
x_upright, t_upright = map(np.asarray, pair.source.validation)
images = x_upright.reshape(-1, 8, 8)
table = [
    [source.accuracy(np.roll(images, (down, right), axis=(1, 2)).reshape(-1, 64), t_upright) for right in (-1, 0, 1)]
    for down in (-1, 0, 1)
]
heat(table, ["↑ 1", "0", "↓ 1"], ["← 1", "0", "→ 1"], title="1画素ずらした数字の正解率")  # ja
heat(table, ["↑ 1", "0", "↓ 1"], ["← 1", "0", "→ 1"], title="Accuracy on digits shifted by one pixel")  # en

# %% [markdown] tags=["ja", "result"]
# 上下左右のどれか1方向に1画素ずらすだけで、正解率は96%から46〜53%に下がります。全結合層は、画素の位置ごとに別々の重みを
# 持つからです。ある位置で覚えた線も、1画素ずれると別のものに見えます。次回は、この無駄をなくす構造を学びます。

# %% [markdown] tags=["en", "result"]
# One pixel up, down, left or right, and the accuracy falls from 96 % to between 46 and 53 %. A dense layer has weights of its
# own for each place: a stroke that it knows here it does not know one pixel further. What comes next are layers that waste
# less.

# %% [markdown] tags=["ja", "slide"]
# | 次の話題 | 考え方 | 今日までの内容とのつながり |
# |---|---|---|
# | 畳み込み層 | 画像の**どの場所でも**同じ重みを使う | 特徴量がほかの課題でも使いやすく、学習済みモデルの転移学習によく使われる |
# | 再帰型の層 | **どの時刻でも**同じ重みを使う | 勾配消失・勾配爆発、勾配クリッピング（レッスン3-10） |
# | 正則化 | 過学習を抑える | 早期終了（レッスン3-8）もその1つ |
#
# ## まとめ
#
# - 出力層だけを作り直し、ほかの層はコピーして引き継ぎます。固定する、ゆっくり動かす、すべて動かすの違いは、配列ごとの倍率だけです。
# - データが少ないときは引き継ぎが役立ち、多くなると、固定は足かせになります。
# - 事前学習では、元の課題のステップ数も費用に数えます。何と比べるかは、測る前に決めておきます。
#
# ### 自己診断
#
# 1. 新しい出力層の重みを0にすると、特徴量の層は最初の1ステップで動きますか。
# 2. Momentumで学習している途中から配列を固定したいとき、その勾配を0にするだけで十分ですか。
# 3. 「学習済みモデルを使ったら10倍速くなった」という報告を受けたら、まず何を尋ねますか。
#
# <details><summary>答え</summary>
#
# 1. 動きません。特徴量の層に届く勾配には出力層の重みが掛かるので、0になります。2ステップ目からは動きます。
# 2. 十分ではありません。それまでの速度が残っていて、動き続けるからです。更新量そのものに倍率を掛けます。
# 3. 元の学習の時間も数えたか、最初からの学習でも学習率を調整したか、何シードで測ったかです。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# | next | the idea | what of today it needs |
# |---|---|---|
# | convolution | the same weights at *every place* of an image | its features serve other tasks, too: transfer from trained models is common here |
# | recurrent layers | the same weights at *every time* | vanishing and exploding gradients, clipping (lesson 3-10) |
# | regularization | against overfitting | early stopping (lesson 3-8) is one kind |
#
# ## Summary
#
# - Make the last layer new, copy the rest. Frozen, slow, or free: only a factor for each array differs.
# - The fewer data, the more reuse helps; the more data, the more frozen features hold back.
# - Pretraining pays for the steps on the source, too. Decide before measuring what to compare with.
#
# ### Test yourself
#
# 1. The weights of the new last layer are 0. Do the features move in the first step?
# 2. To freeze an array under Momentum, is it enough to set its gradient to 0?
# 3. "With a pretrained model we were ten times faster." What do you ask first?
#
# <details><summary>Answers</summary>
#
# 1. No: their gradient comes through these weights and is 0. From the second step on they do.
# 2. Not if you freeze it midway: a velocity that is left goes on moving it. Put the factor on the update itself.
# 3. Was the training of the source counted? Did training from scratch get a learning rate of its own? How many seeds?
#
# </details>
