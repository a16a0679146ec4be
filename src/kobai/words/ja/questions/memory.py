"""`memory`: long-term dependence in a recurrent network."""

WORDS: dict[str, str] = {
    "error.memory.radius": "memory: スペクトル半径は0以上の有限の数でなければなりませんが、{value} が渡されました",
    "memory.title": "{cell} の ‖∂h_T/∂h_t‖ ({activation}、ノード数 {nodes}、{length} ステップ)",
    "memory.steps_back": "遡るステップ数",
    "memory.note": "ρ: スペクトル半径。ノルムが1よりはるかに小さければ消失、大きければ爆発です",
}
