"""Write the golden folders of the tests of `kobai judge`, with the programs that write such folders.

    pip install tensorboard wandb mlflow-skinny
    python tools/make_runs.py tests/questions/judgement/readers/golden

Two arms on two seeds, measured at three steps; each folder holds the same numbers.
"""

import os
import re
import shutil
import sys
from pathlib import Path

ARMS, SEEDS, STEPS = ("main", "new"), (0, 1), (0, 100, 200)


def loss(arm, seed, step):
    return 3 - (0.004 if arm == "new" else 0.002) * step + 0.25 * seed


def tensorboard(folder):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for arm in ARMS:
        for seed in SEEDS:
            writer = EventFileWriter(str(folder / arm / f"version_{seed}"))
            for step in STEPS:
                values = [Summary.Value(tag="val_loss", simple_value=loss(arm, seed, step))]
                values.append(Summary.Value(tag="train_loss", simple_value=1.0))
                writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=values)))
            writer.close()
    for path in folder.rglob("events*"):
        path.rename(path.with_name("events.out.tfevents.1.host"))


def wandb(folder):
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    import wandb

    quiet = wandb.Settings(
        x_disable_meta=True, x_disable_stats=True, console="off", host="host", disable_git=True
    )
    for arm in ARMS:
        for seed in SEEDS:
            config = {"seed": seed, "lr": 0.1 if arm == "main" else 0.2}
            name = f"{arm}-{seed}"
            run = wandb.init(project="p", dir=folder, name=name, group=arm, config=config, settings=quiet)
            for step in STEPS:
                run.log({"val_loss": loss(arm, seed, step), "train_loss": 1.0}, step=step)
            run.finish()
    for path in sorted(folder.rglob("*.wandb")):
        place = folder / path.parent.name.split("-")[-1]
        place.mkdir()
        path.rename(place / path.name)
    shutil.rmtree(folder / "wandb")


def mlflow(folder):
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import mlflow

    mlflow.set_tracking_uri(folder.resolve().as_uri())
    mlflow.create_experiment("p", artifact_location="nowhere")
    mlflow.set_experiment("p")
    for arm in ARMS:
        for seed in SEEDS:
            with mlflow.start_run(run_name=f"{arm}-{seed}"):
                mlflow.log_params({"seed": seed, "method": arm})
                for step in STEPS:
                    mlflow.log_metric("val_loss", loss(arm, seed, step), step=step)
    for path in folder.rglob("mlflow.*"):  # who made it, and where, is nobody's business
        if path.name != "mlflow.runName":
            path.unlink()
    for path in folder.rglob("meta.yaml"):
        text = re.sub(r"^(artifact_\w+|user_id): .*$", r"\1: nowhere", path.read_text("utf-8"), flags=re.M)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    golden = Path(sys.argv[1])
    writers = [write for write in (tensorboard, wandb, mlflow) if write.__name__ in sys.argv[2:]]
    for write in writers or (tensorboard, wandb, mlflow):
        folder = golden / write.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write(folder)
