"""Configurations nobody tuned for, and the base that they change.

A preset is {"config": overrides of config.json, "weights": knobs of the random
weights (make_checkpoint.py), "prompts": {case name: tokens}, "transformers":
false where only spec_model.py can say what is right}. Vocabulary 4224
fits the tokenizer of the bundled model; the two `tiny` presets have no
tokenizer and are small enough for the repository.
"""

BASE = {
    "architectures": ["DeepseekV4ForCausalLM"],
    "model_type": "deepseek_v4",
    "torch_dtype": "bfloat16",
    "vocab_size": 4224,
    "hidden_size": 256,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 128,
    "qk_rope_head_dim": 64,
    "q_lora_rank": 128,
    "o_groups": 2,
    "o_lora_rank": 128,
    "sliding_window": 128,
    "compress_ratios": [0, 0, 4, 128, 4, 0],
    "rope_theta": 10000.0,
    "compress_rope_theta": 160000.0,
    "rope_scaling": {
        "type": "yarn",
        "factor": 16.0,
        "original_max_position_embeddings": 65536,
        "beta_fast": 32,
        "beta_slow": 1,
    },
    "max_position_embeddings": 1048576,
    "index_n_heads": 16,
    "index_head_dim": 64,
    "index_topk": 32,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "moe_intermediate_size": 128,
    "num_hash_layers": 2,
    "scoring_func": "sqrtsoftplus",
    "topk_method": "noaux_tc",
    "norm_topk_prob": True,
    "routed_scaling_factor": 1.5,
    "swiglu_limit": 10.0,
    "hidden_act": "silu",
    "hc_mult": 4,
    "hc_sinkhorn_iters": 20,
    "hc_eps": 1e-06,
    "rms_norm_eps": 1e-06,
    "num_nextn_predict_layers": 1,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "initializer_range": 0.02,
    "expert_dtype": "fp4",
    "use_cache": True,
    "quantization_config": {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "scale_fmt": "ue8m0",
        "weight_block_size": [128, 128],
    },
}

# Lengths at which windows, the ring and the rows begin or end.
PROMPTS = {"one": 1, "five": 5, "edge": 126, "mid": 387, "long": 1500}

PRESETS = {
    # The nano layer mix with other numbers.
    "plain": {},
    # Pro's order: ratio 128 first, no pure window layer, six experts of many.
    "pro_order": {
        "config": {
            "num_hidden_layers": 7, "compress_ratios": [128, 128, 4, 128, 4, 128, 4, 0],
            "num_attention_heads": 12, "head_dim": 192, "o_groups": 4, "q_lora_rank": 192,
            "n_routed_experts": 24, "num_experts_per_tok": 6, "num_hash_layers": 3,
            "routed_scaling_factor": 2.5, "index_topk": 48,
        },
        # Seven layers with 24 experts amplify noise more than five with 8.
        "weights": {"embed_std": 12.0},
    },
    # Window only: one head, one group, no hash layer.
    "all_window": {
        "config": {
            "num_hidden_layers": 4, "compress_ratios": [0] * 5, "num_attention_heads": 1,
            "o_groups": 1, "num_hash_layers": 0,
        },
        "prompts": {"one": 1, "edge": 127, "full": 128, "over": 129, "twice": 257,
                    "long": 900},
    },
    # Ratio 4 everywhere with a tiny top-k.
    "all_csa": {
        "config": {"num_hidden_layers": 4, "compress_ratios": [4, 4, 4, 4, 0],
                   "index_topk": 7, "num_hash_layers": 1},
        "prompts": {"one": 1, "three": 3, "four": 4, "seven": 7, "mid": 130, "long": 1203},
    },
    # Ratio 128 everywhere.
    "all_hca": {
        "config": {"num_hidden_layers": 3, "compress_ratios": [128, 128, 128, 0],
                   "num_attention_heads": 6, "o_groups": 3, "num_hash_layers": 0},
        "prompts": {"one": 1, "edge": 127, "full": 128, "twice": 255, "mid": 640,
                    "long": 1408},
    },
    # Top-k far above the number of rows: the selection is always "all".
    "topk_above": {
        "config": {"index_topk": 2048, "compress_ratios": [4, 0, 4, 128, 4, 0]},
    },
    # Top-k 1: the score decides everything.
    "topk_one": {
        "config": {"index_topk": 1, "compress_ratios": [4, 0, 128, 4, 0, 0],
                   "index_n_heads": 10, "index_head_dim": 128},
    },
    # Two index heads: about a quarter of the rows score exactly +0 or -0, often at
    # the cut. The lower row wins here; torch.topk promises nothing, so
    # transformers is left out.
    "topk_ties": {
        "config": {"index_topk": 20, "index_n_heads": 2,
                   "compress_ratios": [4, 0, 4, 4, 128, 0]},
        "transformers": False,
    },
    # No dimension is a multiple of 128: FP8 blocks are cut at both edges.
    "ragged": {
        "config": {
            "hidden_size": 416, "q_lora_rank": 160, "o_lora_rank": 96,
            "moe_intermediate_size": 96, "num_attention_heads": 6, "head_dim": 192,
            "o_groups": 3, "index_n_heads": 13, "n_routed_experts": 9,
            "num_experts_per_tok": 4, "compress_ratios": [0, 128, 4, 4, 128, 0],
        },
    },
    # The true head sizes of Flash.
    "flash_heads": {
        "config": {
            "head_dim": 512, "num_attention_heads": 8, "o_groups": 2, "index_n_heads": 64,
            "index_head_dim": 128, "num_hidden_layers": 4, "index_topk": 100,
            "compress_ratios": [0, 4, 128, 4, 0], "num_hash_layers": 3,
            "n_routed_experts": 16, "num_experts_per_tok": 6,
        },
        "weights": {"embed_std": 12.0},
    },
    # Two residual streams and few Sinkhorn rounds.
    "streams_two": {
        "config": {"hc_mult": 2, "hc_sinkhorn_iters": 3},
    },
    # Three streams and large epsilons: shows where each epsilon belongs.
    "streams_three": {
        "config": {"hc_mult": 3, "hc_sinkhorn_iters": 2, "hc_eps": 0.02,
                   "rms_norm_eps": 0.05, "routed_scaling_factor": 1.0},
    },
    # Every layer hash-routed, one expert a token.
    "hash_all": {
        "config": {"num_hash_layers": 5, "num_experts_per_tok": 1, "n_routed_experts": 12},
    },
    # All experts active in every token (the gate only weighs).
    "experts_all": {
        "config": {"num_experts_per_tok": 6, "n_routed_experts": 6, "num_hash_layers": 0,
                   "routed_scaling_factor": 2.5},
    },
    # Many thin experts, eight active.
    "experts_many": {
        "config": {"n_routed_experts": 96, "num_experts_per_tok": 8,
                   "moe_intermediate_size": 32, "num_hash_layers": 1,
                   "compress_ratios": [128, 4, 0, 4, 0, 0]},
    },
    # The SwiGLU limit cuts about half of all values; large sinks of both signs.
    "clamped": {
        "config": {"swiglu_limit": 0.75, "routed_scaling_factor": 2.5},
        "weights": {"expert_gain": 2.5, "sink": 9.0},
    },
    # Channels of a row span a factor of about 500: many E4M3 subnormals.
    "kv_range": {
        "config": {"head_dim": 256, "num_hidden_layers": 4,
                   "compress_ratios": [0, 4, 128, 4, 0], "index_topk": 16},
        "weights": {"kv_spread": 3.0},
    },
    # The -Base format: FP8 experts, scales stored as F32 (here no powers of two).
    "base_format": {
        "config": {"expert_dtype": "fp8", "moe_intermediate_size": 160,
                   "hidden_size": 288, "num_hidden_layers": 3,
                   "compress_ratios": [4, 128, 0, 0]},
        "weights": {"f32_scales": True},
    },
    # The YaRN ramp lies elsewhere, and other base frequencies.
    "rope_short": {
        "config": {
            "rope_theta": 700.0, "compress_rope_theta": 3000.0,
            "rope_scaling": {"type": "yarn", "factor": 40.0,
                             "original_max_position_embeddings": 512,
                             "beta_fast": 16, "beta_slow": 2},
            "compress_ratios": [4, 128, 0, 4, 0, 0],
        },
    },
    # 32 rotary channels, index heads that are all rotary.
    "rope_narrow": {
        "config": {"qk_rope_head_dim": 32, "head_dim": 96, "index_head_dim": 32,
                   "index_n_heads": 24, "o_lora_rank": 64,
                   "compress_ratios": [0, 4, 4, 128, 0, 0]},
    },
    # Another window: 128 is a field of the file, not a law.
    "window_small": {
        "config": {"sliding_window": 40},
        "prompts": {"one": 1, "edge": 39, "full": 40, "over": 41, "mid": 387, "long": 1100},
    },
    # For the repository: every layer kind, in 1.3 MB; no tokenizer.
    "tiny": {
        "config": {
            "vocab_size": 192, "hidden_size": 96, "num_hidden_layers": 4,
            "num_attention_heads": 3, "head_dim": 128, "q_lora_rank": 64, "o_groups": 3,
            "o_lora_rank": 32, "compress_ratios": [0, 4, 128, 4, 0], "index_n_heads": 9,
            "index_topk": 5, "n_routed_experts": 4, "num_experts_per_tok": 2,
            "moe_intermediate_size": 32, "num_hash_layers": 1,
        },
        "prompts": {"one": 1, "five": 5, "edge": 126, "mid": 300},
    },
    # For the repository: ratio 128 first, two streams, all hash but the last.
    "tiny_hca": {
        "config": {
            "vocab_size": 160, "hidden_size": 64, "num_hidden_layers": 3,
            "num_attention_heads": 4, "head_dim": 192, "q_lora_rank": 96, "o_groups": 2,
            "o_lora_rank": 64, "compress_ratios": [128, 128, 4, 0], "index_n_heads": 3,
            "index_topk": 600, "n_routed_experts": 6, "num_experts_per_tok": 3,
            "moe_intermediate_size": 64, "num_hash_layers": 2, "hc_mult": 2,
            "hc_sinkhorn_iters": 5, "routed_scaling_factor": 2.5, "swiglu_limit": 1.0,
        },
        "prompts": {"two": 2, "full": 128, "mid": 261},
    },
}


def config_of(name):
    return {**BASE, **PRESETS[name].get("config", {})}


def prompts_of(name):
    return PRESETS[name].get("prompts", PROMPTS)
