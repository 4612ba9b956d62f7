"""Run by test_mlx.py with a Python that has mlx.

  mlx_check.py numbers DIR WIDE   every module of DIR, dequantised by mlx, equals
                                  the float32 tensor of the same name in WIDE
  mlx_check.py quantise DIR OUT   writes OUT: the bf16 checkpoint DIR with its
                                  modules quantised by mlx, every mode in turn
  mlx_check.py plain DIR OUT      the same recipe everywhere: affine BITS GROUP
"""
import glob
import json
import os
import shutil
import sys

import mlx.core as mx

MODES = [("affine", bits, group) for bits in (2, 3, 4, 5, 6, 8)
         for group in (32, 64, 128)] + [("mxfp4", 4, 32), ("mxfp8", 8, 32)]


def load(directory):
    arrays = {}
    for path in sorted(glob.glob(os.path.join(directory, "model*.safetensors"))):
        arrays.update(mx.load(path))
    return arrays


def dequantized(arrays, module, plan):
    scales = arrays[module + ".scales"]
    biases = arrays.get(module + ".biases")
    if biases is not None:
        scales = scales.astype(mx.float32)
        biases = biases.astype(mx.float32)
        return mx.dequantize(arrays[module + ".weight"], scales, biases,
                             plan["group_size"], plan["bits"])
    return mx.dequantize(arrays[module + ".weight"], scales, None,
                         plan["group_size"], plan["bits"],
                         mode=plan["mode"], dtype=mx.float32)


def numbers(directory, wide_directory):
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    plan = config.get("quantization", {})
    assert plan == config.get("quantization_config", {})
    arrays = load(directory)
    wide = load(wide_directory)
    modules = [n[:-len(".scales")] for n in arrays if n.endswith(".scales")]
    assert sorted(modules) == sorted(k for k, v in plan.items()
                                     if isinstance(v, dict)), "the plan's modules"
    for module in modules:
        ours = wide[module + ".weight"]
        theirs = dequantized(arrays, module, plan[module])
        assert ours.dtype == theirs.dtype == mx.float32, module
        assert mx.array_equal(ours, theirs).item(), module
    rest = [n for n in arrays
            if n.rsplit(".", 1)[0] not in modules]
    for name in rest:
        assert mx.array_equal(arrays[name].astype(mx.float32),
                              wide[name].astype(mx.float32)).item(), name
    print(len(modules), len(rest))


def quantise(directory, out, mode_of):
    os.makedirs(out)
    arrays = load(directory)
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    plan = {"group_size": 64, "bits": 4, "mode": "affine"}
    keep = ("norm", "ffn.gate.", "_hc", "hc_head", "ape", "sink", "tid2eid",
            "e_score")
    result = {}
    for number, (name, array) in enumerate(sorted(arrays.items())):
        module = name[:-len(".weight")]
        if not name.endswith(".weight") or any(k in name for k in keep):
            result[name] = array
            continue
        mode, bits, group = mode_of(number)
        parts = mx.quantize(array, group_size=group, bits=bits, mode=mode)
        for part, value in zip((".weight", ".scales", ".biases"), parts):
            result[module + part] = value
        plan[module] = {"group_size": group, "bits": bits, "mode": mode}
    mx.save_safetensors(os.path.join(out, "model.safetensors"), result,
                        {"format": "mlx"})
    config["quantization"] = config["quantization_config"] = plan
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump(config, file)
    for path in glob.glob(os.path.join(directory, "tokenizer*")):
        shutil.copy(path, out)


def main():
    verb, first, second, *rest = sys.argv[1:]
    if verb == "numbers":
        numbers(first, second)
    elif verb == "quantise":
        quantise(first, second, lambda number: MODES[number % len(MODES)])
    else:
        bits, group = map(int, rest)
        quantise(first, second, lambda number: ("affine", bits, group))


main()
