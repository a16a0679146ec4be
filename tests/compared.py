"""A small study, and its page as a parser sees it."""

import json
from html.parser import HTMLParser

import jax.numpy as jnp
import numpy as np
import optax

import kobai
from arrivals import Quiet
from kobai import initializers
from kobai.study.protocol import run
from kobai.study.study import Study

COMMAND = "kobai compare 'my task.py' --output \"a & b\" # <c>"


NAMES = ["costs", "curves", "learning_rates", "map", "reached", "tuning"]


STEPS, EVERY = 40, 5


def points(name="points", **changes):
    """Two classes of points around (±1, ±1), a network 2-8-2."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    x = (random.normal(size=(120, 2)) * 0.5 + 2 * y[:, None] - 1).astype(np.float32)

    def logits(parameters, x):
        return jnp.maximum(x @ parameters["first"], 0) @ parameters["second"]

    def loss(parameters, batch):
        return optax.softmax_cross_entropy_with_integer_labels(logits(parameters, batch[0]), batch[1]).mean()

    def accuracy(parameters, data):
        return jnp.mean(jnp.argmax(logits(parameters, data[0]), axis=1) == data[1])

    parts = {"train": (x[:60], y[:60]), "validation": (x[60:90], y[60:90]), "test": (x[90:], y[90:])}
    parameters = {"first": np.zeros((2, 8), np.float32), "second": np.zeros((8, 2), np.float32)}
    values = {
        "metric": accuracy,
        "maximize": True,
        "target": (0.95, 0.9, 0.98),
        "batch_size": 10,
        **parts,
        **changes,
    }
    roles = {"first": "weight", "second": "weight"}
    return kobai.Task(name=name, parameters=parameters, loss=loss, roles=roles, **values)


def studied(task, tried, seeds=4, tuning_seeds=2, initial=("he", "xavier")):
    return run(
        Study(
            task=task,
            candidates=tried,
            initializers=[initializers.parse(name) for name in initial],
            steps=STEPS,
            evaluate_every=EVERY,
            seeds=seeds,
            tuning_seeds=tuning_seeds,
        ),
        Quiet(),
    )


class Page(HTMLParser):
    """Collects what a page has; `check` refuses what no report may have."""

    VOID = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self, content):
        super().__init__()
        self.content, self.tags, self.unclosed, self.pieces, self.scripts = content, [], [], [], []
        self.feed(content)
        self.close()
        self.text = " ".join(self.pieces)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.unclosed.append(tag)
        if tag in ("script", "style"):
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        if self.unclosed and self.unclosed[-1] in ("script", "style"):
            self.scripts[-1] += data
        elif data.strip():
            self.pieces.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def figures(self):
        return json.loads(self.scripts[1])

    def check(self, names=NAMES):
        """One closed page of known elements and figures that loads nothing from anywhere."""
        assert not self.unclosed
        assert len(self.all("script")) == 3
        assert not self.all("img")
        assert not self.all("iframe")
        for _, attributes in self.tags:
            assert not any(name.startswith("on") for name in attributes)
            for name in ("src", "href", "srcset", "action", "data"):
                assert attributes.get(name, "data:").startswith("data:")
        assert "@import" not in self.scripts[0]
        assert "url(" not in self.scripts[0]
        assert "default-src 'none'" in self.all("meta")[3]["content"]
        assert list(self.figures) == list(names)
        assert len(self.all("figure")) == len(self.all("figcaption")) == len(names)
        return self


def wait_until(page, condition):
    """Wait until a JavaScript expression is true in a page.

    Playwright's own way evaluates the text again in a later turn, which a page's security policy forbids, so
    that it fails where the condition is not true at once.
    """
    look = f"const look = () => ({condition}) ? done(true) : setTimeout(look, 20)"
    late = "setTimeout(() => done(false), 300_000)"  # on a machine that has much else to do
    assert page.evaluate(f"new Promise(done => {{ {look}; {late}; look(); }})")
