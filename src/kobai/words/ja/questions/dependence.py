"""`long_term_dependence`: long-term dependence in a recurrent network."""

WORDS: dict[str, str] = {
    "error.dependence.radius": "long_term_dependence: スペクトル半径は0以上の有限の数でなければなりませんが、{value}が渡されました",
    "dependence.title": "{cell}の‖∂h_T/∂h_t‖（{activation}、ノード数{nodes}、{length}ステップ）",
    "dependence.steps_back": "さかのぼるステップ数",
    "dependence.note": "ρ: スペクトル半径。ノルムが1よりはるかに小さければ消失、大きければ爆発です",
    "report.norms.title": "時間をさかのぼる勾配の大きさ",
    "report.norms.caption": "最後の状態を、何ステップか前の状態で微分したときのノルムです。縦軸は対数で、スペクトル半径ρごとに1本の線があります。",
}
