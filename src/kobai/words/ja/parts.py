"""Stabilizers, strategies and schedules; the tasks that show them."""

WORDS: dict[str, str] = {
    # optimizers
    "optimizer.adamw": "Adam に加えて、更新とは別に重みを縮めます",
    "optimizer.lion": "モーメンタムの符号だけを使い、どの更新も同じ長さです",
    "error.decay.params": "重み減衰はパラメータを縮めますが、update にパラメータが渡されていません。"
    "update(gradient, state, params) と呼んでください",
    # stabilizers and schedules
    "kind.stabilizer": "安定化の手法",
    "kind.schedule": "学習率スケジュール",
    "kind.clip": "勾配クリッピング",
    "kind.average": "平均化",
    "kind.early_stopping": "早期終了",
    "rule.positive": "0より大きい有限の数",
    "rule.percent": "0より大きく100以下の数",
    "rule.count": "1以上の整数",
    "rule.fraction": "0から1までの数",
    "rule.inside": "0より大きく1より小さい数",
    "error.spelling": "{kind} '{value}' は読み取れません。次のように書いてください: {forms}",
    "error.schedule": "スケジュール {name} は各ステップに0以上の係数を1つずつ返す必要がありますが、{value} が返されました",
    "stabilizer.clip_value": "勾配の各要素を一定の範囲に収めます (--clip value:0.5)",
    "stabilizer.clip_norm": "勾配のノルムを一定以下に抑えます (--clip norm:1)",
    "stabilizer.clip_percentile": "最初のノルムの百分位点を上限にします (--clip percentile:90)",
    "stabilizer.polyak": "あるステップ以降の点を平均します (--average polyak:100)",
    "stabilizer.exponential": "古い点を少しずつ忘れながら平均します (--average exponential:0.99)",
    "stabilizer.l1": "損失に |w| を加え、不要な重みを0にします (--l1 0.0001)",
    "stabilizer.l2": "損失に w² を加え、重みを小さく保ちます (--l2 0.0001)",
    "stabilizer.weight_decay": "更新とは別に重みを縮めます (--weight-decay 0.0001)",
    "stabilizer.early_stopping": "改善が止まれば終了し、最良の重みに戻します (--early-stopping patience:10)",
    "schedule.constant": "学習率を変えません (--schedule constant)",
    "schedule.step": "一定のステップごとに学習率を下げます (--schedule step:100:0.5)",
    "schedule.cosine": "余弦の半周期で0まで下げます (--schedule cosine)",
    "schedule.warm_up": "最初だけ直線的に上げます (--schedule warm-up:50, warm-up:50+cosine)",
    "schedule.one_cycle": "初めの3割で上げ、残りで下げます (--schedule one-cycle)",
}
