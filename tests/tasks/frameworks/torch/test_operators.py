"""Every operator by itself, against torch: its value and its derivative, many in one graph."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from kobai.tasks.frameworks.torch import network_of  # noqa: E402

POINTWISE = [
    lambda x, y: torch.abs(x) + torch.sqrt(torch.abs(x)) + torch.rsqrt(y * y + 1),
    lambda x, y: torch.add(x, y, alpha=2) - torch.sub(y, x, alpha=0.5) + torch.rsub(x, 3),
    lambda x, y: torch.div(x, y, rounding_mode="floor") + torch.div(x, y, rounding_mode="trunc") * x,
    lambda x, y: x.detach() // 2 + x % 0.7 + torch.fmod(x, 0.7) + torch.remainder(y, -0.3),
    lambda x, y: x**2 + x**3.0 + torch.abs(x) ** 0.5 + torch.abs(y) ** x + 2.0**x,
    lambda x, y: torch.exp(x) + torch.exp2(x) + torch.expm1(x) + torch.log(y.abs()) + torch.log1p(y.abs()),
    lambda x, y: torch.log2(y.abs()) + torch.log10(y.abs()) + torch.logaddexp(x, y) + torch.xlogy(x, y.abs()),
    lambda x, y: (
        torch.sin(x) + torch.cos(x) + torch.tan(x / 4) + torch.sinh(x) + torch.cosh(x) + torch.tanh(x)
    ),
    lambda x, y: torch.asin(x / 5) + torch.acos(x / 5) + torch.atan(x) + torch.atan2(x, y) + torch.asinh(x),
    lambda x, y: torch.erf(x) + torch.erfc(x) + torch.erfinv(torch.tanh(x) / 2) + torch.lgamma(y.abs() + 1),
    lambda x, y: torch.maximum(x, y) * torch.minimum(x, y) + torch.hypot(x, y) + torch.fmax(x, y),
    lambda x, y: torch.clamp(x, -0.5, 0.5) + torch.clamp_min(y, 0.1) + torch.clamp(x, max=y) + x.clip(0),
    lambda x, y: torch.where(x > y, x, y * 2) + torch.where(x > 0, 1.0, y) + (x > y).float() * (x <= y).to(x),
    lambda x, y: torch.lerp(x, y, 0.3) + torch.addcmul(x, x, y, value=2) + torch.addcdiv(x, x, y.abs() + 1),
    lambda x, y: (
        torch.floor(x) + torch.ceil(x) + torch.round(x) + torch.trunc(x) + torch.frac(x) + torch.sign(x)
    ),
    lambda x, y: (x.bool() & (y > 0)).int() + torch.logical_xor(x > 0, y > 0).int() + (~(x > 0)).int(),
    lambda x, y: torch.sigmoid(x) + torch.logit(torch.sigmoid(y)) + torch.special.expit(x),
    lambda x, y: torch.nan_to_num(torch.where(y > 0, x, torch.nan)) + torch.isnan(x) + torch.isfinite(x),
    lambda x, y: (
        F.relu(x) + F.relu6(4 * x) + F.leaky_relu(x, 0.2) + F.elu(x, 0.7) + F.selu(x) + F.celu(x, 2.0)
    ),
    lambda x, y: F.gelu(x) + F.gelu(x, approximate="tanh") + F.silu(x) + F.mish(x) + F.softplus(x, 2, 1.0),
    lambda x, y: (
        F.hardtanh(x) + F.hardsigmoid(2 * x) + F.hardswish(2 * x) + F.hardshrink(x) + F.softshrink(x)
    ),
    lambda x, y: F.logsigmoid(x) + F.tanhshrink(x) + F.softsign(x) + F.threshold(x, 0.1, 2.0) + F.rrelu(x),
    lambda x, y: F.glu(torch.cat([x, y], -1)) + F.prelu(x, torch.tensor([0.3])),
    lambda x, y: x.double().float() + x.int() + torch.tensor([1, 2, 3, 4]) * x + (x.half().float() > 9),
    lambda x, y: x.clone().add_(y).mul_(2).clamp_(-1, 1) + x.detach() * y + torch.square(x) + (-x).neg(),
]

SHAPES = [
    lambda x, y: x.view(2, 3, 4).transpose(1, 2).reshape(-1, 3) @ torch.ones(3, 2),
    lambda x, y: x.flatten() + torch.ravel(y) + x.unflatten(0, (2, 3)).flatten(1).permute(1, 0).reshape(-1),
    lambda x, y: (
        x.unsqueeze(1).expand(-1, 3, -1).squeeze() + x.unsqueeze(1).squeeze(1)[:, None].expand(6, 3, 4)
    ),
    lambda x, y: x[1:5:2] + x[-2:] + x[..., 1:3].sum(1, keepdim=True)[:2] + x.narrow(0, 2, 2) + x[0],
    lambda x, y: torch.cat([x, y[:, :2]], dim=1) * 2 + torch.stack([x, y], -1).flatten(1)[:, :6],
    lambda x, y: (
        torch.hstack([x, y]) + torch.tile(x, (1, 2)) + x.repeat(1, 2) + torch.cat([y, x], 1).roll(1, 1)
    ),
    lambda x, y: torch.vstack([x, y]) + x.repeat_interleave(2, 0) + torch.roll(torch.vstack([x, y]), 3),
    lambda x, y: (
        sum(part.sum() for part in x.split([1, 2, 3])) + sum(p.prod() for p in x.chunk(4)) + x.split(4)[1]
    ),
    lambda x, y: sum(x.unbind(1)) + torch.tensor_split(x, 3)[1].sum() + x.t()[0] + x.T[1] + x.mT[2],
    lambda x, y: x.flip(0) + torch.rot90(x.view(2, 3, 4), 2, (0, 1)).reshape(6, 4) + torch.fliplr(x),
    lambda x, y: (
        torch.tril(x) + torch.triu(y, 1) + torch.diag_embed(x[:4, 0], 0)[0] + torch.diagonal(x).sum()
    ),
    lambda x, y: torch.diag(x[:4, 0], 1)[:4, :4] + torch.diag(x[:4]) + torch.diag_embed(x[:3, 0], -1),
    lambda x, y: x[:, [0, 2, 1]] + x[torch.tensor([5, 4, 3, 2, 1, 0])][:, :3] + x[torch.tensor([0]), 1],
    lambda x, y: x.index_select(1, torch.tensor([3, 3])) + torch.take(x, torch.tensor([0, 7])),
    lambda x, y: (
        torch.gather(x, 1, torch.tensor([[0, 3], [1, 1]]))
        + torch.take_along_dim(x, torch.tensor([[1]]), 1)[:2]
    ),
    lambda x, y: (
        torch.scatter(x, 1, torch.tensor([[0], [3]]), y[:2, :1])
        + torch.scatter(x, 0, torch.tensor([[1, 2]]), 5.0)
    ),
    lambda x, y: torch.scatter_add(x, 1, torch.tensor([[0, 0, 1, 0]] * 6), y),
    lambda x, y: (
        x.scatter_reduce(0, torch.tensor([[0, 1, 2, 3]] * 6), y, "amax")
        + x.index_add(0, torch.tensor([1, 1]), y[:2])
    ),
    lambda x, y: x.scatter_reduce(1, torch.tensor([[0, 0, 1, 0]] * 6), y, "mean", include_self=False),
    lambda x, y: x.index_fill(1, torch.tensor([2]), 3.0) + x.index_copy(0, torch.tensor([4]), y[:1]),
    lambda x, y: (
        x.masked_fill(y > 0, -1.0)
        + torch.where(y > 0, x, torch.zeros_like(x))
        + x.index_put((torch.tensor([1]),), y[0])
    ),
    lambda x, y: (
        F.one_hot((x > 0).long(), 3).flatten(1)[:, :4] * y + torch.bucketize(x, torch.tensor([-1.0, 0, 1]))
    ),
    lambda x, y: F.pad(x, (1, 2), value=0.5) + F.pad(x, (-1, 4)) + F.pad(x[:, None], (2, 1), "reflect")[:, 0],
    lambda x, y: (
        F.pad(x[:, None], (2, 1), "replicate")[:, 0] + F.pad(x[:, None], (1, 2), mode="circular")[:, 0]
    ),
    lambda x, y: (
        F.pixel_shuffle(x.view(1, 4, 2, 3), 2).flatten() + F.pixel_unshuffle(y.view(1, 1, 4, 6), 2).flatten()
    ),
    lambda x, y: (
        F.channel_shuffle(x.view(1, 4, 2, 3), 2).flatten()
        + torch.meshgrid(x[0], y[0], indexing="ij")[1].sum()
    ),
    lambda x, y: x.unfold(1, 2, 1).sum(-1) + F.unfold(x.view(1, 1, 6, 4), (2, 2), stride=2).sum(1)[:, :3],
    lambda x, y: (
        torch.broadcast_tensors(x, y[0])[1] + x.movedim(0, 1).reshape(6, 4) + x.new_zeros(4) + torch.ones(4)
    ),
    lambda x, y: torch.arange(4) * x + torch.arange(0, 2, 0.5) + torch.linspace(0, 1, 4) + torch.eye(4)[1],
    lambda x, y: (
        x * torch.full((4,), 2.0) + torch.zeros_like(x) + torch.full_like(x, 3) + torch.empty_like(x).fill_(1)
    ),
    lambda x, y: torch.atleast_2d(x[0]) + x.view_as(y) + x.expand_as(y) + x.contiguous(),
    lambda x, y: torch.block_diag(x, y).sum(0) + torch.cartesian_prod(x[0], y[0]).sum(),
]


def written(x, y):
    x, y = x * 1, y * 1
    x[:, 1] = y[:, 0] * 2
    x[2:4, :2] += 1
    rows = x.t()
    rows[0].mul_(3)
    x.view(-1)[5] = y.sum()
    x[x > 1] = 0.5
    first, second = x[:, :2], x.narrow(1, 2, 2)
    first.copy_(second)
    y.zero_()
    y.add_(x).diagonal().fill_(7.0)
    return x + y + rows.sum()


SHAPES.append(written)

REDUCTIONS = [
    lambda x, y: (
        x.sum() + x.sum(1).sum() + x.mean(0, keepdim=True) + x.prod(1, keepdim=True) + x.mean((0, 1))
    ),
    lambda x, y: x.max() + x.min() + x.max(1)[0].sum() + x.min(0).values + x.max(1)[1].sum() + x.amax((0, 1)),
    lambda x, y: x.argmax() + x.argmin(1).sum() + x.argmax(0) + torch.aminmax(x, dim=0)[1] + x.amin(0),
    lambda x, y: (
        x.var() + x.std(0) + x.var(1, unbiased=False).sum() + torch.var_mean(x, 0)[1] + torch.std_mean(x)[0]
    ),
    lambda x, y: x.var((0, 1), correction=2) + (x * 0).std(0) + x.std(1, False).sum(),
    lambda x, y: x.norm() + x.norm(dim=0) + x.norm(1) + torch.linalg.vector_norm(x, 3) + (x * 0).norm(),
    lambda x, y: (
        x.norm(p=float("inf"), dim=0) + torch.linalg.norm(x) + F.normalize(x, dim=0) + F.normalize(x * 0)
    ),
    lambda x, y: (
        torch.softmax(x, 0) + F.log_softmax(x, -1) + F.softmin(x, 1) + torch.logsumexp(x, 1, keepdim=True)
    ),
    lambda x, y: x.cumsum(1) + x.cumprod(0) + torch.logcumsumexp(x, 0) + torch.diff(x, prepend=y[:, :1]),
    lambda x, y: x.sort(0)[0] + x.sort(1, descending=True)[0] + x.sort(1)[1] + x.argsort(0, descending=True),
    lambda x, y: (
        x.topk(2)[0] + x.topk(2, largest=False)[0] + x.topk(2, 1)[1] + x.median() + x.median(1)[0][:, None]
    ),
    lambda x, y: (
        (x > 0).any()
        + (x > 0).all(1, keepdim=True)
        + (x > 0).sum()
        + torch.count_nonzero(x > 0, 1)[:, None] * x
    ),
    lambda x, y: F.cosine_similarity(x, y) + F.pairwise_distance(x, y) + torch.cdist(x, y[:2]).sum(1),
    lambda x, y: (
        torch.nansum(torch.where(y > 0, x, torch.nan), 1) + torch.dist(x, y) + x.square().sum(1).sqrt()
    ),
]

PRODUCTS = [
    lambda x, y: (
        x @ y.T + torch.matmul(x, y.t()) + torch.mm(x, y.T) + F.linear(x, y) + F.linear(x, y, y[:, 0])
    ),
    lambda x, y: (
        torch.bmm(x.view(2, 3, 4), y.view(2, 4, 3))
        + torch.baddbmm(x[0, 0], x.view(2, 3, 4), y.view(2, 4, 3), alpha=2)
    ),
    lambda x, y: (
        torch.addmm(x[:4, 0], x, y[:4].T, beta=0.5, alpha=2)
        + torch.mv(x, y[0])[:, None]
        + torch.dot(x[0], y[0])
    ),
    lambda x, y: torch.einsum("bi,oi->bo", x, y) + torch.outer(x[:, 0], y[:, 0]) + torch.inner(x, y),
    lambda x, y: torch.tensordot(x, y, ([1], [1])) + torch.kron(x[:2, :2], y[:3, :3]) + torch.trace(x),
    lambda x, y: (
        torch.linalg.inv(x[:4] + 4 * torch.eye(4))
        + torch.linalg.det(x[:4])
        + torch.linalg.multi_dot([x[:4], y[:4], x[:4]])
    ),
    lambda x, y: (
        torch.linalg.solve(x[:4] + 4 * torch.eye(4), y[:4])
        + torch.linalg.cholesky(x[:4] @ x[:4].T + torch.eye(4))
    ),
    lambda x, y: (
        F.bilinear(x, y, torch.ones(2, 4, 4), torch.ones(2)) + F.embedding(torch.tensor([0, 1, 1]), x).sum()
    ),
    lambda x, y: (
        F.scaled_dot_product_attention(x[None], y[None], x[None])
        + F.scaled_dot_product_attention(x[None], y[None], y[None], is_causal=True)
    ),
    lambda x, y: F.scaled_dot_product_attention(
        x[None], y[None], x[None], torch.tril(torch.ones(6, 6)).bool(), scale=0.3
    ),
    lambda x, y: F.scaled_dot_product_attention(
        x[None], y[None], x[None], torch.zeros(6, 6, dtype=torch.bool)
    ),
    lambda x, y: F.scaled_dot_product_attention(
        x.view(1, 2, 3, 4),
        y.view(1, 2, 3, 4)[:, :1],
        y.view(1, 2, 3, 4)[:, 1:],
        torch.ones(3, 3),
        enable_gqa=True,
    ),
]

IMAGES = [
    lambda x, y: F.conv2d(x, y) + F.conv2d(x, y, y[:, 0, 0, 0], padding=1, stride=2, dilation=2).sum(),
    lambda x, y: F.conv2d(x[0], y, padding="same") * F.conv2d(x, y[:, :1], groups=2, padding=(1, 1)).mean(0),
    lambda x, y: (
        F.conv_transpose2d(x, y, stride=2, padding=1, output_padding=1) + F.conv_transpose2d(x[0], y).mean()
    ),
    lambda x, y: (
        F.conv3d(x[:, :, None], y[:, :, None], padding=1).sum(2)
        + F.conv_transpose1d(x[0], y[:, :, 0].repeat(3, 1, 1)).mean()
    ),
    lambda x, y: (
        F.max_pool2d(x, 2) + F.max_pool2d(x, 3, 2, 1)[..., :3] + F.max_pool2d(x, 2, ceil_mode=True)[..., :3]
    ),
    lambda x, y: (
        sum(F.max_pool2d(x.detach().round() + (x - x.detach()), 2, s)[..., :3, :3] for s in (2, 1))
        + F.max_pool2d(x[0], 3, dilation=2)[:, :1, :3].mean()
    ),
    lambda x, y: (
        F.avg_pool2d(x, 2)
        + F.avg_pool2d(x, 3, 2, 1)[..., :3]
        + F.avg_pool2d(x, (2, 3), count_include_pad=False).mean()
    ),
    lambda x, y: (
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)
        + F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
    ),
    lambda x, y: (
        F.avg_pool1d(x[0], 2)
        + F.avg_pool2d(x, 2, divisor_override=3).mean()
        + F.lp_pool2d(x.abs(), 2, 2).mean()
    ),
    lambda x, y: (
        F.adaptive_avg_pool2d(x, (2, 3))
        + F.adaptive_avg_pool2d(x, (4, None))[:, :, :2, :3]
        + F.adaptive_avg_pool2d(x, 1)
    ),
    lambda x, y: F.adaptive_max_pool2d(x, (2, 3)) + F.adaptive_max_pool1d(x[0], 4).mean(),
    lambda x, y: F.interpolate(x, scale_factor=2) + F.interpolate(x, (12, 14), mode="nearest").sum(),
    lambda x, y: (
        F.interpolate(x, (9, 4), mode="bilinear")
        + F.interpolate(x, (9, 4), mode="bilinear", align_corners=True)
    ),
    lambda x, y: (
        F.interpolate(x[0], scale_factor=1.5, mode="linear")
        + F.interpolate(x[0], 9).mean()
        + F.interpolate(x, (3, 3), mode="area").mean()
    ),
    lambda x, y: (
        F.interpolate(x[:, :, None], (2, 6, 7), mode="trilinear").mean()
        + F.interpolate(x, (3, 3), mode="bicubic")
    ),
    lambda x, y: (
        F.group_norm(x, 2, y[:2, 0, 0, 0], y[:2, 1, 0, 0])
        + F.instance_norm(x)
        + F.layer_norm(x, [7], eps=1e-3)
    ),
    lambda x, y: (
        F.batch_norm(x, None, None, training=True) + F.local_response_norm(x, 2) + F.rms_norm(x, [6, 7])
    ),
    lambda x, y: (
        F.relu(F.conv2d(x, y)).mean((2, 3))
        + torch.cat([F.conv2d(x, y), F.conv2d(x, y)], 1)[:, 1:3].amax((2, 3))
    ),
    lambda x, y: (
        torch.sigmoid(F.conv2d(x, y)) * F.adaptive_avg_pool2d(F.conv2d(x, y), 1)
        + F.conv2d(x, y).abs_()
        - torch.ones(2, 1, 1)
    ),
    lambda x, y: (
        F.fold(F.unfold(x, 2), (6, 7), 2) + F.conv2d(x, y, padding=1).transpose(2, 3).contiguous().sum()
    ),
]

LOSSES = [
    lambda x, y: (
        F.mse_loss(x, y)
        + F.l1_loss(x, y, reduction="sum")
        + F.smooth_l1_loss(x, y, beta=0.3)
        + F.huber_loss(x, y)
    ),
    lambda x, y: (
        F.mse_loss(x, y, reduction="none")
        + F.kl_div(x, y.softmax(1), reduction="batchmean")
        + F.soft_margin_loss(x, y.sign().detach())
    ),
    lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid(), pos_weight=torch.ones(4) * 2),
    lambda x, y: F.binary_cross_entropy(x.sigmoid(), (y > 0).float(), reduction="none"),
    lambda x, y: F.cross_entropy(x, torch.tensor([0, 1, 2, 3, 0, -100]), torch.tensor([1.0, 2, 3, 4])),
    lambda x, y: F.cross_entropy(x, torch.tensor([0, 1, 2, 3, 0, 1]), label_smoothing=0.1, reduction="none"),
    lambda x, y: F.cross_entropy(
        x, torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([1.0, 2, 3, 4]), label_smoothing=0.1
    ),
    lambda x, y: (
        F.cross_entropy(x, y.softmax(1), label_smoothing=0.2)
        + F.nll_loss(x, torch.tensor([0, 1, 2, 3, 0, 1]))
    ),
    lambda x, y: F.cross_entropy(x.view(2, 4, 3), torch.tensor([[0, 1, 3], [1, 2, 0]])),
    lambda x, y: (
        F.triplet_margin_loss(x, y, x.flip(0))
        + F.cosine_embedding_loss(x, y, torch.ones(6))
        + F.hinge_embedding_loss(x, y.sign().detach())
    ),
    lambda x, y: (
        F.poisson_nll_loss(x, y.abs())
        + F.margin_ranking_loss(x[:, 0], y[:, 0], torch.ones(6))
        + F.multi_margin_loss(x, torch.arange(6) % 4)
    ),
]

GROUPS = {
    "pointwise": (POINTWISE, (6, 4), (6, 4)),
    "shapes": (SHAPES, (6, 4), (6, 4)),
    "reductions": (REDUCTIONS, (6, 4), (6, 4)),
    "products": (PRODUCTS, (6, 4), (6, 4)),
    "images": (IMAGES, (3, 2, 6, 7), (2, 2, 3, 3)),
    "losses": (LOSSES, (6, 4), (6, 4)),
}


class Several(nn.Module):
    """Several functions, each of two parameters of its own, and their values side by side."""

    def __init__(self, functions, x, y):
        super().__init__()
        self.functions = functions
        self.xs = nn.ParameterList(x.clone() for _ in functions)
        self.ys = nn.ParameterList(y.clone() for _ in functions)

    def forward(self, one):
        return [f(x * one, y * one) for f, x, y in zip(self.functions, self.xs, self.ys, strict=True)]


@pytest.mark.filterwarnings("ignore")  # torch's own, about what it deprecates
@pytest.mark.parametrize("group", GROUPS)
def test_values_and_derivatives_are_those_of_torch(group, quickly):
    functions, *shapes = GROUPS[group]
    torch.manual_seed(0)
    module = Several(functions, *(torch.randn(shape) for shape in shapes)).eval()
    network = network_of(module, np.ones((), np.float32))
    outputs = module(torch.ones(()))
    generator = np.random.default_rng(0)
    factors = [generator.standard_normal(output.shape).astype(np.float32) for output in outputs]
    sum((output * torch.tensor(f)).sum() for output, f in zip(outputs, factors, strict=True)).backward()

    def weighted(parameters):
        values = network.apply(parameters, np.ones((), np.float32), None, False)[0]
        return sum(jnp.sum(value * f) for value, f in zip(values, factors, strict=True)), values

    gradients, values = quickly(jax.grad(weighted, has_aux=True))(network.parameters)
    wrong = []
    for i, function in enumerate(functions):
        name = f"{i}: {inspect.getsource(function).strip()[:100]}"
        theirs = outputs[i].detach().numpy()
        if not np.allclose(values[i], theirs, rtol=2e-5, atol=2e-5):
            wrong.append(f"value of {name}: {np.abs(values[i] - theirs).max()}")
        for letter, parameters in (("x", module.xs), ("y", module.ys)):
            ours, gradient = gradients[f"{letter}s.{i}"], parameters[i].grad
            theirs = np.zeros(1) if gradient is None else gradient.numpy()
            if not np.allclose(ours, theirs, rtol=1e-4, atol=1e-4 * max(1, np.abs(theirs).max())):
                wrong.append(f"derivative of {name} by {letter}: {np.abs(ours - theirs).max()}")
    assert not wrong, "\n".join(wrong)
