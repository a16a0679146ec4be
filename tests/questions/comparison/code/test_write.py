"""What a program says, and what is refused, in each framework."""

import dataclasses
import json

import numpy as np
import optax
import pytest

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.engine.spelling import spell_method
from kobai.questions.comparison.code.write import FRAMEWORKS, code, recommendation_of
from kobai.study.facts import Examples
from kobai.study.recommendation import Recommendation
from kobai.tasks.parametrization import Growth
from programs import CASES, RULES, recommendation

EVERY = list(FRAMEWORKS)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("framework", EVERY)
def test_every_program_is_python_and_no_line_is_long(framework, language):
    with words.language(language):
        for rule, strategy in CASES.values():
            text = code(recommendation(rule, strategy), framework)
            compile(text, framework, "exec")
            assert max(map(len, text.splitlines())) <= 110
            assert text.startswith('"""points: ')
            assert ("最適" in text or "学習" in text) == (language == "ja")


def test_a_framework_that_is_not_known_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no framework 'torhc'; did you mean 'torch'"):
        code(recommendation(RULES["sgd"]), "torhc")


OWN = {"optimizer": "my_rule", "schedule": "halves", "initializer": "thirds"}


@pytest.mark.parametrize("part", OWN)
@pytest.mark.parametrize("framework", EVERY)
def test_a_part_of_the_users_own_is_named_and_nothing_is_trained_without_it(framework, part):
    if framework == "torch":
        pytest.importorskip("torch")
    changes = {part: None} if part != "schedule" else {}
    said = recommendation(RULES["adam"], own={part: OWN[part]}, **changes)
    text = code(said, framework)
    assert f"{OWN[part]} is of your own and cannot be written here" in text
    with pytest.raises(NotImplementedError, match=OWN[part]):
        exec(compile(text.replace("import keras\n", ""), framework, "exec"), stand_ins(framework))


@pytest.mark.parametrize("framework", EVERY)
def test_accumulated_batches_and_widths_are_kept_with_the_answer(framework):
    said = recommendation(RULES["sgd"], batch_size=32, accumulate=4)
    text = code(said, framework)
    assert "BATCH_SIZE, EVALUATE_EVERY = " in text
    assert "ACCUMULATE = 4" in text
    assert "ACCUMULATE" not in code(recommendation(RULES["sgd"], batch_size=32), framework)
    grows = {"0.weights": Growth((6.0, 2.0), (6.0, 5.0), True)}
    said = dataclasses.replace(said, growth=grows, parametrization="mup:2")
    kept = json.loads(json.dumps(dataclasses.asdict(said)))
    assert Recommendation.read(kept) == said
    del kept["accumulate"], kept["growth"]  # as it was written before there were any
    assert (Recommendation.read(kept).accumulate, Recommendation.read(kept).growth) == (1, {})


def stand_ins(framework):
    """Names for what comes before the part; a framework need not be installed."""
    from unittest.mock import MagicMock

    return {"__name__": "program", "keras": MagicMock()} if framework == "keras" else {"__name__": "program"}


def test_an_optimizer_of_optax_is_written_for_optax_and_kobai_alone():
    rule = kobai.from_optax(optax.adabelief, learning_rate=0.01, b1=0.8, eps=0.001)
    said = recommendation(rule)
    assert "optimizer = optax.adabelief(LEARNING_RATE, b1=0.8, eps=0.001)" not in code(said, "torch")
    assert "optax.adabelief(learning_rate=LEARNING_RATE, b1=0.8, eps=0.001)" in code(said, "optax")
    assert "kobai.from_optax(optax.adabelief, learning_rate=0.01, b1=0.8, eps=0.001)" in code(said, "kobai")
    for framework in ("torch", "keras"):
        assert "optax.adabelief is of optax and cannot be written here" in " ".join(
            line.strip("# ") for line in code(said, framework).splitlines()
        )


def test_a_minimizer_is_written_for_kobai_alone():
    said = recommendation(kobai.LBFGS())
    assert "kobai.minimize(loss_of, params, method=method" in code(said, "kobai")
    for framework in ("torch", "optax", "keras"):
        assert "raise NotImplementedError" in code(said, framework)


def test_a_name_of_the_users_ends_no_string():
    said = recommendation(RULES["sgd"], task='"""\nimport os # \\')
    for framework in EVERY:
        compile(code(said, framework), framework, "exec")


@pytest.mark.parametrize(
    ("inputs", "outputs", "labels"), [((8, 8, 1), 4, "classes"), ((3,), 2, "numbers"), ((), 1, "numbers")]
)
@pytest.mark.parametrize("framework", ["optax", "kobai"])
def test_a_network_of_ones_own_is_stood_for_by_one_that_fits_the_data(framework, inputs, outputs, labels):
    said = recommendation(RULES["sgd"], examples=Examples(inputs, outputs, labels), dense=None, steps=3)
    names = {"__name__": "program", "print": lambda *values: None}
    exec(compile(code(said, framework), framework, "exec"), names)
    assert names["model"](names["params"], names["x"]).shape == (1000, outputs)
    assert "in the place of yours" in code(said, framework)


def test_the_rule_of_keras_says_how_far_its_epsilon_differs():
    text = code(recommendation(kobai.Adam(0.01, decay_2=0.99)), "keras")
    assert "1e-08 counts 10 times as much" in text
    # By hand: Keras steps by η √(1−ρ₂) m / (1−ρ₁) / (√v + ε), which is η m̂ / (√v̂ + ε/√(1−ρ₂)).
    assert 1 / np.sqrt(1 - 0.99) == pytest.approx(10)


# A comparison, its folder, and what may be wrong with it


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return kobai.compare(
        "digits",
        optimizers=["adam"],
        initializers=["he"],
        learning_rates=[0.01],
        clip=["none", "norm:1"],
        weight_decay=0.1,
        schedule="warm-up:2+cosine",
        steps=20,
        seeds=2,
        tuning_seeds=1,
        target=0.5,
        hidden=[20, 10],
        output=tmp_path_factory.mktemp("comparison") / "run",
        progress=False,
    )


def test_the_recommendation_comes_back_from_its_file(result, tmp_path):
    (tmp_path / "answer.json").write_text(result.to_json(), "utf-8")
    assert recommendation_of(tmp_path) == result.recommendation
    assert result.recommendation.dense.widths == (64, 20, 10, 10)
    assert isinstance(result.recommendation, Recommendation)


def test_the_code_of_a_result_speaks_the_language_of_its_call(result):
    assert "torch.optim.AdamW(groups, lr=LEARNING_RATE" in result.code()
    assert "The network of the task" in result.code("optax")
    with words.language("ja"):
        assert "課題のネットワーク" in code(result.recommendation, "keras")


@pytest.mark.parametrize("framework", ["optax", "kobai"])
def test_the_program_of_digits_runs_as_it_is(result, framework):
    rows = []
    names = {"__name__": "program", "print": lambda *values: rows.append(values)}
    exec(compile(result.code(framework), framework, "exec"), names)
    assert [row[0] for row in rows] == [10, 20]
    assert rows[-1][1] < rows[0][1] < 2.3
    assert rows[-1][2] > 0.2


@pytest.fixture
def folder(result, tmp_path):
    """A folder with the answer alone, of which the command needs no more."""
    (tmp_path / "answer.json").write_text(result.to_json(), "utf-8")
    return tmp_path


def test_the_command_prints_the_program(result, folder, kobai_here):
    for framework in EVERY:
        ran = kobai_here("code", str(folder), "--framework", framework)
        assert (ran.code, ran.out, ran.err) == (0, result.code(framework), "")
    assert kobai_here("code", str(folder)).out == result.code("torch")
    assert "学習率" in kobai_here("code", str(folder), "--language", "ja").out


def test_a_rule_that_is_not_written_is_told_beside_the_program(folder, kobai_here):
    """On stderr, since who puts the program into a file does not see it there; kobai's own program has it."""
    path = folder / "answer.json"
    content = json.loads(path.read_text("utf-8"))
    content["recommendation"]["optimizer"] = spell_method(kobai.SOAP(0.01))
    path.write_text(json.dumps(content), "utf-8")
    ran = kobai_here("code", str(folder))
    assert ran.code == 0
    assert "raise NotImplementedError(" in ran.out
    assert "kobai does not write soap for PyTorch; kobai's own program does" in ran.err
    assert ran.err.count("\n") == 1
    assert kobai_here("code", str(folder), "--framework", "kobai").err == ""


def refusal(ran):
    """The one line of a mistake."""
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("kobai: ")
    assert ran.err.count("\n") == 1
    return ran.err


def test_what_a_folder_lacks_is_told_in_a_line(kobai_here, tmp_path):
    for name in ("interrupted/store", "empty"):
        (tmp_path / name).mkdir(parents=True)
    assert "there is no folder" in refusal(kobai_here("code", str(tmp_path / "nowhere")))
    assert "no answer.json" in refusal(kobai_here("code", str(tmp_path / "empty")))
    assert "an interrupted study" in refusal(kobai_here("code", str(tmp_path / "interrupted")))
    assert "--output" in refusal(kobai_here("code", str(tmp_path / "interrupted")))


def test_an_unknown_framework_is_told_with_the_nearest(folder, kobai_here):
    line = refusal(kobai_here("code", str(folder), "--framework", "kears"))
    assert line == "kobai: there is no framework 'kears'; did you mean 'keras'?\n"


METHODS = (
    {"name": "addam", "fields": {}},
    {"name": "adam"},
    {"name": "adam", "fields": {"decay": 3}},
    {"name": "adam", "fields": {"decay_1": "high"}},
    {"optax": "no_such", "fields": {}},
)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_recommendation_that_cannot_be_read_is_told_in_a_line(method, folder, kobai_here):
    content = json.loads((folder / "answer.json").read_text("utf-8"))
    content["recommendation"]["optimizer"] = method
    (folder / "answer.json").write_text(json.dumps(content), "utf-8")
    refusal(kobai_here("code", str(folder)))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"recommendation": 3}', '{"recommendation": {}}'])
def test_a_file_that_holds_no_recommendation_is_told_in_a_line(text, folder, kobai_here):
    (folder / "answer.json").write_text(text, "utf-8")
    assert "no recommendation that can be read" in refusal(kobai_here("code", str(folder)))
