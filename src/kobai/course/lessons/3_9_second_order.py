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
# # 3-9 2階微分を使う手法
#
# **この時間で身につけること**
#
# - ニュートン法・共役勾配法・BFGS・L-BFGSの1ステップを、NumPyで書ける
# - これらの手法に学習率が要らない理由と、その代わりに何を犠牲にしているのかを説明できる
# - ニューラルネットワークで、ふつう2次の方法を使わない理由を、数字で説明できる
#
# | 内容 | 目安 |
# |---|---|
# | ニュートン法とヘッセ行列の費用 | 13分 |
# | 共役勾配法 | 10分 |
# | BFGS | 12分 |
# | L-BFGS（余力があれば） | 8分 |
# | ネットワークで比べる | 10分 |

# %% [markdown] tags=["en", "slide"]
# # 3-9 Methods that use second derivatives
#
# **What you will be able to do**
#
# - write one step of Newton's method, conjugate gradients, BFGS and L-BFGS in NumPy
# - explain why these methods need no learning rate, and what they pay for it
# - explain, with numbers, why second-order methods are rarely used on neural networks
#
# | part | time |
# |---|---|
# | Newton's method, and what a Hessian costs | 13 min |
# | conjugate gradients | 10 min |
# | BFGS | 12 min |
# | L-BFGS (if there is time) | 8 min |
# | comparing on a network | 10 min |

# %%
import numpy as np

import kobai
from kobai.course import check, done, hint
from kobai.course.figures import contour, curves

kobai.words.use("ja")  # ja
kobai.words.use("en")  # en

# %% [markdown] tags=["ja", "slide"]
# ## 1. ニュートン法（4分）
#
# 変数が1つなら、ニュートン法は次の式です。**2階微分が学習率の代わりをします**。よく曲がるところでは小さく、平らなところでは
# 大きく進みます。
#
# $$\theta \leftarrow \theta - \frac{1}{f''(\theta)}\,f'(\theta)$$
#
# 変数が複数なら、2階微分は**ヘッセ行列**$H$（2階偏微分を並べた行列）になり、割り算は連立1次方程式になります。
#
# $$H\,\boldsymbol d = -\boldsymbol g, \qquad \boldsymbol\theta \leftarrow \boldsymbol\theta + \boldsymbol d$$
#
# 勾配`g`とヘッセ行列`H`から$\boldsymbol d$を返してください。$H^{-1}$は作りません。方程式を解くほうが速く、正確です。

# %% [markdown] tags=["en", "slide"]
# ## 1. Newton's method (4 min)
#
# For one variable Newton's method is the formula below. **The second derivative stands where the learning rate was.** Where
# the curve bends a lot the step is short, where it is flat the step is long.
#
# $$\theta \leftarrow \theta - \frac{1}{f''(\theta)}\,f'(\theta)$$
#
# For several variables the second derivatives make up the **Hessian** $H$, and the division becomes a system of linear
# equations:
#
# $$H\,\boldsymbol d = -\boldsymbol g, \qquad \boldsymbol\theta \leftarrow \boldsymbol\theta + \boldsymbol d$$
#
# From the gradient `g` and the Hessian `H` return $\boldsymbol d$. Do not make $H^{-1}$: solving is faster, and more
# accurate.


# %% tags=["exercise"] name="newton_step"
def newton_step(g, H):
    ### BEGIN SOLUTION
    return -np.linalg.solve(H, g)
    ### END SOLUTION


# %% tags=["check"] name="newton_step"
check("3_9.newton_step")

# %% [markdown] tags=["ja"]
# Rosenbrock関数$f = 100\,(y - x^2)^2 + (1 - x)^2$には、曲がった細い谷があります。極小点は$(1, 1)$です。
# $(-1.2, 1)$から、ニュートン法をそのまま続けます。
#
# **予想**: 何ステップで$f < 10^{-10}$になるでしょうか。$f$は毎回下がるでしょうか。

# %% [markdown] tags=["en"]
# Rosenbrock's function $f = 100\,(y - x^2)^2 + (1 - x)^2$ has a narrow valley that bends. Its minimum is at $(1, 1)$. Start
# at $(-1.2, 1)$ and take Newton's steps as they are.
#
# **Predict**: how many steps until $f < 10^{-10}$? Does $f$ fall at each?


# %% tags=["slide"]
def rosenbrock(x, y):
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


def slope(p):
    x, y = p
    return np.array([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)])


def hessian(p):
    x, y = p
    return np.array([[1200 * x**2 - 400 * y + 2, -400 * x], [-400 * x, 200.0]])


start = np.array([-1.2, 1.0])
if done("3_9.newton_step"):
    p = start
    for step in range(1, 8):
        p = p + newton_step(slope(p), hessian(p))
        print(f"{step}: f = {rosenbrock(*p):9.3g}   |g| = {np.linalg.norm(slope(p)):9.3g}")

# %% [markdown] tags=["ja", "result", "slide"]
# 5ステップで到達します。途中で$f$は2度**上がります**（1度目は1,000以上に）が、極小点の近くでは、正しい桁数が1ステップごとに
# およそ2倍になります（2次収束）。

# %% [markdown] tags=["en", "result", "slide"]
# Five steps are enough. On the way $f$ *rises* twice, the first time above 1,000; near the minimum the number of right digits
# about doubles at each step (quadratic convergence).

# %% [markdown] tags=["ja"]
# ### 鞍点の近くでは
#
# $f = x^2 - y^2 + y^4/4$の極小点は$(0, \pm\sqrt2)$、原点は鞍点です。$(1, 0.5)$から出発します。
#
# **予想**: ニュートン法は、どの点に到達するでしょうか。

# %% [markdown] tags=["en"]
# ### Near a saddle
#
# $f = x^2 - y^2 + y^4/4$ has its minima at $(0, \pm\sqrt2)$, and a saddle at the origin. Start at $(1, 0.5)$.
#
# **Predict**: where does Newton's method end?


# %%
def saddle(p):
    return p[0] ** 2 - p[1] ** 2 + p[1] ** 4 / 4


if done("3_9.newton_step"):
    p = np.array([1.0, 0.5])
    for _ in range(10):
        x, y = p
        p = p + newton_step(np.array([2 * x, -2 * y + y**3]), np.diag([2.0, -2 + 3 * y**2]))
    print("newton_step :", p.round(6))
print("kobai.Newton:", kobai.minimize(saddle, [1.0, 0.5], method=kobai.Newton()).value.round(6))

# %% [markdown] tags=["ja", "result"]
# ニュートン法が探すのは**勾配が0の点**です。負の曲率で割ると進む向きが逆になり、鞍点へ引き寄せられます。
# `kobai.Newton`は2次の近似を信頼できる範囲（信頼領域）の中でだけ使い、負の曲率の向きへは下ります。

# %% [markdown] tags=["en", "result"]
# Newton's method looks for a point where the **gradient is zero**. Dividing by a negative curvature turns the step round,
# and a saddle attracts it. `kobai.Newton` uses the quadratic model only as far as it is trusted (a trust region), and goes
# down where the curvature is negative.

# %% [markdown] tags=["ja", "slide"]
# ### ヘッセ行列の費用
#
# ヘッセ行列には$n^2$個の数が並びます。方程式を解く計算はおよそ$n^3/3$回の積和で、それが**毎ステップ**必要です。
#
# **予想**: レッスン3-2のネットワーク（64 → 50 → 10）のヘッセ行列は、何メガバイトでしょうか。

# %% [markdown] tags=["en", "slide"]
# ### What a Hessian costs
#
# The Hessian is $n^2$ numbers. Solving takes about $n^3/3$ multiplications, and that at *every step*.
#
# **Predict**: how many megabytes is the Hessian of the network of lesson 3-2 (64 → 50 → 10)?

# %%
for n in (2, 64 * 50 + 50 + 50 * 10 + 10, 1_000_000):
    megabytes = 8 * np.array([n, 2 * 10 * n, n**2]) / 1e6
    print("n = {:9,}   g: {:.3g} MB   L-BFGS: {:.3g} MB   H: {:.3g} MB   n³/3: {:.1e}".format(n, *megabytes, n**3 / 3))

# %% [markdown] tags=["ja", "result", "slide"]
# パラメータが3,760個なら113メガバイト、100万個なら8テラバイトです。ここからは、ヘッセ行列を**作らずに**2階微分を使う手法を見ていきます。

# %% [markdown] tags=["en", "result", "slide"]
# With 3,760 parameters it is 113 MB, with a million 8 terabytes. So from here on: methods that use second derivatives *without making* the
# Hessian.

# %% [markdown] tags=["ja", "slide"]
# ## 2. 共役勾配法（7分）
#
# 2次関数$f = \frac12\boldsymbol x^\top A\boldsymbol x - \boldsymbol b^\top\boldsymbol x$の勾配は$\boldsymbol g = A\boldsymbol x - \boldsymbol b$です。
# 最急降下法は、直線上で最も低い点まで進んでも、次の一歩で前の一歩の成果を一部壊してしまいます。共役勾配法は、
# **直前の方向を$\beta$倍して足す**ことで、これを防ぎます（$\boldsymbol d$どうしが$A$について共役、つまり
# $\boldsymbol d_i^\top A\,\boldsymbol d_j = 0$になります）。
#
# $$\alpha = \frac{\boldsymbol g^\top\boldsymbol g}{\boldsymbol d^\top A\,\boldsymbol d}, \quad
# \boldsymbol x_+ = \boldsymbol x + \alpha\boldsymbol d, \quad
# \boldsymbol g_+ = \boldsymbol g + \alpha A\boldsymbol d, \quad
# \beta = \frac{\boldsymbol g_+^\top\boldsymbol g_+}{\boldsymbol g^\top\boldsymbol g}, \quad
# \boldsymbol d_+ = -\boldsymbol g_+ + \beta\boldsymbol d$$
#
# `A`と、今の`x, g, d`から、新しい組$(\boldsymbol x_+, \boldsymbol g_+, \boldsymbol d_+)$を返してください。渡された配列は書き換えません。

# %% [markdown] tags=["en", "slide"]
# ## 2. Conjugate gradients (7 min)
#
# The quadratic $f = \frac12\boldsymbol x^\top A\boldsymbol x - \boldsymbol b^\top\boldsymbol x$ has the gradient $\boldsymbol g =
# A\boldsymbol x - \boldsymbol b$. Steepest descent, even if it goes to the lowest point along its line, spoils with each step a
# part of what the last one achieved. Conjugate gradients avoid that by **adding $\beta$ times the last direction** (then the
# directions are conjugate: $\boldsymbol d_i^\top A\,\boldsymbol d_j = 0$).
#
# $$\alpha = \frac{\boldsymbol g^\top\boldsymbol g}{\boldsymbol d^\top A\,\boldsymbol d}, \quad
# \boldsymbol x_+ = \boldsymbol x + \alpha\boldsymbol d, \quad
# \boldsymbol g_+ = \boldsymbol g + \alpha A\boldsymbol d, \quad
# \beta = \frac{\boldsymbol g_+^\top\boldsymbol g_+}{\boldsymbol g^\top\boldsymbol g}, \quad
# \boldsymbol d_+ = -\boldsymbol g_+ + \beta\boldsymbol d$$
#
# From `A` and the present `x, g, d` return the new $(\boldsymbol x_+, \boldsymbol g_+, \boldsymbol d_+)$. Leave the arrays you
# are given as they are.


# %% tags=["exercise"] name="cg_step"
def cg_step(A, x, g, d):
    ### BEGIN SOLUTION
    Ad = A @ d
    alpha = g @ g / (d @ Ad)
    new = g + alpha * Ad
    beta = new @ new / (g @ g)
    return x + alpha * d, new, -new + beta * d
    ### END SOLUTION


# %% tags=["check"] name="cg_step"
check("3_9.cg_step")

# %% [markdown] tags=["ja"]
# お椀$f = x^2/20 + y^2$で、最急降下法（毎回$\boldsymbol d = -\boldsymbol g$に戻すもの）と比べます。
#
# **予想**: 変数が2つのとき、共役勾配法は何ステップで到達するでしょうか。100個なら、どうでしょうか。

# %% [markdown] tags=["en"]
# Compare it with steepest descent (which goes back to $\boldsymbol d = -\boldsymbol g$ at each step) on the bowl $f = x^2/20 +
# y^2$.
#
# **Predict**: with two variables, how many steps do conjugate gradients take? With a hundred?


# %% tags=["slide"]
def conjugate(A, b, x, steps, keep):
    # ja: 経路と、各ステップの後の勾配のノルム。keep=Falseなら最急降下法
    # en: the path, and the gradient's norm after each step; steepest descent with keep=False
    g = A @ x - b
    d, path, norms = -g, [x], []
    while len(norms) < steps and np.linalg.norm(g) > 1e-12:
        x, g, d = cg_step(A, x, g, d if keep else -g)
        path.append(x)
        norms.append(np.linalg.norm(g))
    return np.array(path), norms


names = {"共役勾配法": True, "最急降下法": False}  # ja
names = {"conjugate gradients": True, "steepest descent": False}  # en
paths, norms = {}, {}
if done("3_9.cg_step"):
    bowl = np.diag([0.1, 2.0])
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((100, 100)))
    large = Q @ np.diag(np.linspace(1, 100, 100)) @ Q.T
    for name, keep in names.items():
        paths[name], _ = conjugate(bowl, np.zeros(2), np.array([-7.0, 0.5]), 15, keep)
        _, norms[name] = conjugate(large, np.ones(100), np.zeros(100), 200, keep)
        print(f"{name}: n=2 {len(paths[name]) - 1}, n=100 {len(norms[name])}")

contour(lambda x, y: x**2 / 20 + y**2, (-8, 1), (-1, 1), paths, title="お椀の上の経路")  # ja
contour(lambda x, y: x**2 / 20 + y**2, (-8, 1), (-1, 1), paths, title="Paths on the bowl")  # en

# %%
curves(norms, x="ステップ", y="勾配のノルム", title="変数100個の2次関数", log=True)  # ja
curves(norms, x="step", y="norm of the gradient", title="A quadratic of 100 variables", log=True)  # en

# %% [markdown] tags=["ja", "result", "slide"]
# $n$変数の2次関数なら、共役勾配法は（丸め誤差がなければ）**$n$ステップ以内**に終わります。保持するのはベクトルが数本だけです。
# 2次関数でない$f$では、$\alpha$を直線探索で決め、$\beta$は勾配だけから計算します（`kobai.ConjugateGradient`）。

# %% [markdown] tags=["en", "result", "slide"]
# On a quadratic of $n$ variables conjugate gradients end within **$n$ steps**, but for rounding, and remember only a few
# vectors. Where $f$ is not quadratic, a line search finds $\alpha$, and $\beta$ is computed from gradients alone
# (`kobai.ConjugateGradient`).

# %% [markdown] tags=["ja", "slide"]
# ## 3. BFGS（8分）
#
# ヘッセ行列の逆行列の近似$H$を、通ってきた点の勾配だけから少しずつ作り上げます（ここからの$H$は**逆行列のほう**です）。1ステップの
# 移動$\boldsymbol s = \boldsymbol x_+ - \boldsymbol x$と勾配の変化$\boldsymbol y = \boldsymbol g_+ - \boldsymbol g$には、曲率の情報が入っています。
#
# $$H \leftarrow (I - \rho\,\boldsymbol s\boldsymbol y^\top)\,H\,(I - \rho\,\boldsymbol y\boldsymbol s^\top) + \rho\,\boldsymbol s\boldsymbol s^\top,
# \qquad \rho = \frac{1}{\boldsymbol y^\top\boldsymbol s}$$
#
# 更新すると$H\boldsymbol y = \boldsymbol s$が成り立ちます。ただし$\boldsymbol y^\top\boldsymbol s \le 0$、つまり関数がその方向に下へ曲がっているときは、
# 更新すると$H$が正定値でなくなり、$-H\boldsymbol g$が下り坂とは限らなくなります。その場合は$H$を**そのまま**返してください。

# %% [markdown] tags=["en", "slide"]
# ## 3. BFGS (8 min)
#
# Grow an approximation $H$ of the *inverse* of the Hessian (from here on $H$ is the inverse) from nothing but the gradients
# met on the way. The move $\boldsymbol s = \boldsymbol x_+ - \boldsymbol x$ and the change of the gradient $\boldsymbol y =
# \boldsymbol g_+ - \boldsymbol g$ hold information about the curvature:
#
# $$H \leftarrow (I - \rho\,\boldsymbol s\boldsymbol y^\top)\,H\,(I - \rho\,\boldsymbol y\boldsymbol s^\top) + \rho\,\boldsymbol s\boldsymbol s^\top,
# \qquad \rho = \frac{1}{\boldsymbol y^\top\boldsymbol s}$$
#
# Afterwards $H\boldsymbol y = \boldsymbol s$. But where $\boldsymbol y^\top\boldsymbol s \le 0$ the function bends downwards along the
# step; an update would leave $H$ not positive definite, and $-H\boldsymbol g$ might not go downhill. In that case **return $H$
# as it is**.


# %% tags=["exercise"] name="bfgs_update"
def bfgs_update(H, s, y):
    ### BEGIN SOLUTION
    if y @ s <= 0:
        return H
    rho = 1 / (y @ s)
    left = np.eye(len(s)) - rho * np.outer(s, y)
    return left @ H @ left.T + rho * np.outer(s, s)
    ### END SOLUTION


# %% tags=["check"] name="bfgs_update"
check("3_9.bfgs_update")

# %% [markdown] tags=["ja"]
# 歩幅は、1から始めて、$f$が十分に下がるまで半分にします（**直線探索**）。学習率を人が決める必要はありません。
#
# **予想**: 同じRosenbrock関数で、BFGSは何ステップかかるでしょうか。終わったとき、$H$は本当のヘッセ行列の逆行列に近いでしょうか。

# %% [markdown] tags=["en"]
# The step begins at 1 and is halved until $f$ falls enough (a **line search**). Nobody has to choose a learning rate.
#
# **Predict**: how many steps does BFGS take on the same Rosenbrock function? Is $H$ close to the true inverse in the end?


# %%
def bfgs(f, gradient, x, steps=100):
    H, g, path = np.eye(len(x)), gradient(x), [x]
    while len(path) <= steps and np.abs(g).max() > 1e-8:
        d, alpha = -H @ g, 1.0
        while f(*(x + alpha * d)) > f(*x) + 1e-4 * alpha * (g @ d):
            alpha /= 2
        s = alpha * d
        y = gradient(x + s) - g
        x, g, H = x + s, g + y, bfgs_update(H, s, y)
        path.append(x)
    return np.array(path), H


paths = {}
if done("3_9.bfgs_update"):
    paths["BFGS"], H = bfgs(rosenbrock, slope, start)
    print(f"{len(paths['BFGS']) - 1}ステップ、f = {rosenbrock(*paths['BFGS'][-1]):.3g}")  # ja
    print(f"{len(paths['BFGS']) - 1} steps, f = {rosenbrock(*paths['BFGS'][-1]):.3g}")  # en
    print("H       =", H.round(4).tolist())
    print("(∇²f)⁻¹ =", np.linalg.inv(hessian(np.array([1.0, 1.0]))).round(4).tolist())

# %% [markdown] tags=["ja", "result", "slide"]
# 35ステップで到達します。ニュートン法の5ステップより多いものの、ヘッセ行列は一度も計算していません。終わったときの$H$は、本当の逆行列と
# 3桁まで一致します。

# %% [markdown] tags=["en", "result", "slide"]
# 35 steps: more than the 5 of Newton's method, but without computing a Hessian even once. In the end $H$ agrees with the true inverse
# to three digits.

# %% [markdown] tags=["ja"]
# kobaiの手法とも比べましょう。SGDとAdamの学習率は、前もって21通りから選んだ最良のものです。`kobai.BFGS`などには、
# 選ぶものがありません。「評価回数」の列は、関数と勾配を計算した点の数で、直線探索で試した点も含みます。

# %% [markdown] tags=["en"]
# Now kobai's methods. The learning rates of SGD and Adam are the best of 21, found beforehand; for `kobai.BFGS` there was
# nothing to choose. The column of evaluations counts the points at which the function and its gradient were computed, the
# trials of the line search included.

# %%
methods = [kobai.SGD(0.00178), kobai.Adam(0.1), kobai.BFGS(), kobai.Newton()]
found = kobai.descend("rosenbrock", methods, start=(-1.2, 1.0), steps=2000)
found

# %% tags=["slide"]
paths |= {f"kobai {row.method}": row.path.points for row in found.outcome.rows if row.method in ("sgd", "newton")}
contour(rosenbrock, (-1.6, 1.4), (-0.6, 1.7), paths, title="曲がった谷を下りる")  # ja
contour(rosenbrock, (-1.6, 1.4), (-0.6, 1.7), paths, title="Down a valley that bends")  # en

# %% [markdown] tags=["ja", "slide"]
# $f < 10^{-3}$までの評価回数は、BFGSが39回、ニュートン法が66回、Adamが715回です。SGDは2,000回でも到達しません。
#
# ## 4. L-BFGS（8分、余力があれば）
#
# BFGSの$H$にも$n^2$個の数が必要です。L-BFGSは$H$を作らず、**最近の$m$組**$(\boldsymbol s_i, \boldsymbol y_i)$だけを覚えておき、
# 積$H\boldsymbol g$を2つのループで計算します。$\rho_i = 1/\boldsymbol y_i^\top\boldsymbol s_i$です。
#
# 1. $\boldsymbol q = \boldsymbol g$
# 2. **新しい組から古い組へ**: $a_i = \rho_i\,\boldsymbol s_i^\top\boldsymbol q$、$\boldsymbol q \leftarrow \boldsymbol q - a_i\boldsymbol y_i$
# 3. 最新の組で$\boldsymbol q \leftarrow \gamma\boldsymbol q$、$\gamma = \boldsymbol s^\top\boldsymbol y\,/\,\boldsymbol y^\top\boldsymbol y$
# 4. **古い組から新しい組へ**: $\boldsymbol q \leftarrow \boldsymbol q + (a_i - \rho_i\,\boldsymbol y_i^\top\boldsymbol q)\,\boldsymbol s_i$
#
# `S`と`Y`は形`(m, n)`の配列で、最も古い組が先頭です。最後の$\boldsymbol q$、つまり$H\boldsymbol g$を返してください。

# %% [markdown] tags=["en", "slide"]
# Until $f < 10^{-3}$ BFGS takes 39 evaluations, Newton's method 66, Adam 715; SGD is not there after 2,000.
#
# ## 4. L-BFGS (8 min, if there is time)
#
# The $H$ of BFGS is $n^2$ numbers, too. L-BFGS never makes it: it remembers the **last $m$ pairs** $(\boldsymbol s_i,
# \boldsymbol y_i)$ and computes the product $H\boldsymbol g$ by two loops, with $\rho_i = 1/\boldsymbol y_i^\top\boldsymbol s_i$:
#
# 1. $\boldsymbol q = \boldsymbol g$
# 2. from the **newest pair to the oldest**: $a_i = \rho_i\,\boldsymbol s_i^\top\boldsymbol q$, then $\boldsymbol q \leftarrow
#    \boldsymbol q - a_i\boldsymbol y_i$
# 3. with the newest pair $\boldsymbol q \leftarrow \gamma\boldsymbol q$, $\gamma = \boldsymbol s^\top\boldsymbol y\,/\,\boldsymbol
#    y^\top\boldsymbol y$
# 4. from the **oldest to the newest**: $\boldsymbol q \leftarrow \boldsymbol q + (a_i - \rho_i\,\boldsymbol y_i^\top\boldsymbol
#    q)\,\boldsymbol s_i$
#
# `S` and `Y` are arrays of shape `(m, n)`, the oldest pair first. Return the last $\boldsymbol q$, which is $H\boldsymbol g$.


# %% tags=["exercise"] name="two_loops"
def two_loops(g, S, Y):
    ### BEGIN SOLUTION
    q, a = g.copy(), np.zeros(len(S))
    for i in reversed(range(len(S))):
        a[i] = S[i] @ q / (Y[i] @ S[i])
        q = q - a[i] * Y[i]
    q = q * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for i in range(len(S)):
        q = q + (a[i] - Y[i] @ q / (Y[i] @ S[i])) * S[i]
    return q
    ### END SOLUTION


# %% tags=["check"] name="two_loops"
check("3_9.two_loops")

# %% [markdown] tags=["ja"]
# $\gamma I$から始め、同じ組でBFGSの更新を繰り返した行列$H$を使っても、積$H\boldsymbol g$は一致するはずです。

# %% [markdown] tags=["en"]
# The product should be that with the matrix of BFGS, begun at $\gamma I$ and updated with the same pairs.

# %%
if done("3_9.bfgs_update") and done("3_9.two_loops"):
    random = np.random.default_rng(1)
    S, g = random.standard_normal((5, 20)), random.standard_normal(20)
    Y = S * np.linspace(1, 10, 20)
    H = np.eye(20) * (S[-1] @ Y[-1]) / (Y[-1] @ Y[-1])
    for s, y in zip(S, Y):
        H = bfgs_update(H, s, y)
    print("max |H g − two_loops| =", np.abs(H @ g - two_loops(g, S, Y)).max())
    print("保持する数: H", H.size, "  S, Y", S.size + Y.size)  # ja
    print("numbers kept: H", H.size, "  S, Y", S.size + Y.size)  # en

# %% [markdown] tags=["ja"]
# ## 5. ネットワークで比べる
#
# Rosenbrock関数では、BFGSはAdamの約18分の1の評価回数で到達しました。ネットワークでも、そうでしょうか。パラメータが多いので、BFGSの代わりに
# L-BFGSを使います。L-BFGSには毎回同じ目的関数が必要なので、**1回の評価で全データを見ます**。公平に比べるため、費用はステップではなくエポック（見たデータの件数）で数えます。
#
# **予想を書いてから**、ターミナルで実行してください（約1分）。
#
#     kobai compare digits --optimizers lbfgs,adam --language ja
#
# - どちらが少ないエポックで目標に到達しましたか。到達率は何回中何回ですか。
# - 何倍の差ですか。その95%区間は1を含みますか。
# - `sine`（訓練データ400件の回帰）でも試しましょう。差は大きくなりますか、小さくなりますか。

# %% [markdown] tags=["en"]
# ## 5. Comparing on a network
#
# On a function, BFGS took about an eighteenth of Adam's evaluations. On a network, too? With so many parameters L-BFGS takes the
# place of BFGS. It needs the same objective at each call, so **every evaluation looks at all the data**. To be fair, costs are counted not in steps but in epochs, the examples looked
# at.
#
# **Write down a prediction**, then run this in a terminal (about a minute):
#
#     kobai compare digits --optimizers lbfgs,adam --language en
#
# - Which of them needed fewer epochs to the target? In how many runs of how many did each reach it?
# - By what factor do they differ? Does the interval contain 1?
# - Try `sine` (regression, 400 training examples), too. Does the difference grow or shrink?

# %% [markdown] tags=["ja", "slide"]
# L-BFGSが1,097件を見て一歩進む間に、128件ずつ使うAdamは約9歩進みます。はじめのうちは、勾配がおおよそ合っていれば十分なので、
# 歩数の多いほうが有利です。データが少なく、解を高い精度で求めたいとき（小さな回帰、物理の計算など）は、2次の方法が有利になります。
#
# ## まとめ
#
# - 2階微分が学習率の代わりをします。残る歩幅の調整は、直線探索か信頼領域が受け持ちます。
# - 保持する数と1ステップの計算量は、ニュートン法が$n^2$と$n^3$、BFGSが$n^2$と$n^2$、L-BFGSがどちらも$2mn$ほど、
#   共役勾配法がベクトル数本分です。
# - 2次の方法には正確な勾配が必要です。ミニバッチの勾配では、差$\boldsymbol y$に曲率よりもノイズが大きく現れます。
#
# ### 自己診断
#
# 1. $f$を100倍にすると、ニュートン法の経路とSGDの経路はどう変わりますか。
# 2. ニュートン法は、2次関数のどこから出発しても1ステップで終わりますか。
# 3. 固有値が5種類しかない1,000変数の2次関数で、共役勾配法は何ステップかかりますか。
#
# <details><summary>答え</summary>
#
# 1. ニュートン法は変わりません（$H$も$\boldsymbol g$も100倍になり、打ち消し合います）。SGDは歩幅が100倍になり、おそらく発散します。
# 2. 終わりますが、到達するのは勾配が0の点です。負の固有値があれば、それは極小点ではなく鞍点です。
# 3. 5ステップです（丸め誤差がなければ）。
#
# </details>

# %% [markdown] tags=["en", "slide"]
# While L-BFGS makes one step from 1,097 examples, Adam with 128 at a time makes about nine for the same cost, and early on a
# gradient that is roughly right will do. Second-order methods gain where data are few and the solution is wanted to many
# digits: small regressions, computations in physics.
#
# ## Summary
#
# - Second derivatives stand in for the learning rate. What is left of the step's length is settled by a line search or a
#   trust region.
# - Newton's method takes $n^2$ numbers and $n^3$ work, BFGS $n^2$ and $n^2$, L-BFGS $2mn$, conjugate gradients a few vectors.
# - Second-order methods want exact gradients. From mini-batches the difference $\boldsymbol y$ measures noise rather than
#   curvature.
#
# ### Test yourself
#
# 1. Multiply $f$ by 100. What becomes of the path of Newton's method, and of SGD's?
# 2. Does Newton's method end in one step from anywhere on a quadratic?
# 3. A quadratic of 1,000 variables has only 5 different eigenvalues. How many steps do conjugate gradients take?
#
# <details><summary>Answers</summary>
#
# 1. Newton's stays the same ($H$ and $\boldsymbol g$ both grow by 100, which cancels). SGD's steps are 100 times as long, and
#    it probably diverges.
# 2. Yes, at a point where the gradient is zero. If an eigenvalue is negative, that is a saddle, no minimum.
# 3. Five, but for rounding.
#
# </details>
