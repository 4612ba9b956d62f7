"""Release names and their transformers spelling (spec 7.3), experts apart."""

TOP_NAMES = {
    "embed.weight": "model.embed_tokens.weight",
    "head.weight": "lm_head.weight",
    "norm.weight": "model.norm.weight",
    "hc_head_fn": "model.hc_head.hc_fn",
    "hc_head_base": "model.hc_head.hc_base",
    "hc_head_scale": "model.hc_head.hc_scale",
}
LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "attn.attn_sink": "self_attn.sinks",
    "attn.wq_a.weight": "self_attn.q_a_proj.weight",
    "attn.q_norm.weight": "self_attn.q_a_norm.weight",
    "attn.wq_b.weight": "self_attn.q_b_proj.weight",
    "attn.wkv.weight": "self_attn.kv_proj.weight",
    "attn.kv_norm.weight": "self_attn.kv_norm.weight",
    "attn.wo_a.weight": "self_attn.o_a_proj.weight",
    "attn.wo_b.weight": "self_attn.o_b_proj.weight",
    "attn.indexer.wq_b.weight": "self_attn.compressor.indexer.q_b_proj.weight",
    "attn.indexer.weights_proj.weight":
        "self_attn.compressor.indexer.scorer.weights_proj.weight",
    "ffn.gate.weight": "mlp.gate.weight",
    "ffn.gate.bias": "mlp.gate.e_score_correction_bias",
    "ffn.gate.tid2eid": "mlp.gate.tid2eid",
    "ffn.shared_experts.w1.weight": "mlp.shared_experts.gate_proj.weight",
    "ffn.shared_experts.w2.weight": "mlp.shared_experts.down_proj.weight",
    "ffn.shared_experts.w3.weight": "mlp.shared_experts.up_proj.weight",
}
for half in ("attn", "ffn"):
    for leaf in ("fn", "base", "scale"):
        LAYER_NAMES[f"hc_{half}_{leaf}"] = f"{half}_hc.{leaf}"
for ours, theirs in (("attn.compressor", "self_attn.compressor"),
                     ("attn.indexer.compressor", "self_attn.compressor.indexer")):
    LAYER_NAMES[f"{ours}.wkv.weight"] = f"{theirs}.kv_proj.weight"
    LAYER_NAMES[f"{ours}.wgate.weight"] = f"{theirs}.gate_proj.weight"
    LAYER_NAMES[f"{ours}.ape"] = f"{theirs}.position_bias"
    LAYER_NAMES[f"{ours}.norm.weight"] = f"{theirs}.kv_norm.weight"
