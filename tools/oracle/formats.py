"""The number formats of a release checkpoint and the safetensors container.

Numpy only. Everything here follows the published formats: E8M0 scales, E4M3
"fn" codes in 128x128 blocks, packed E2M1 codes in groups of 32, BF16. It
shares no code with the C++ engine: the two are to be compared.
"""

import json
import struct

import numpy as np

FP8_BLOCK = 128
FP4_GROUP = 32

ITEM_BYTES = {
    "F8_E4M3": 1, "F8_E8M0": 1, "I8": 1, "U8": 1, "BOOL": 1, "BF16": 2,
    "F16": 2, "F32": 4, "I32": 4, "U32": 4, "F64": 8, "I64": 8,
}
NUMPY_TYPES = {
    "F8_E4M3": np.uint8, "F8_E8M0": np.uint8, "I8": np.uint8, "U8": np.uint8,
    "BOOL": np.uint8, "BF16": np.uint16, "F16": np.float16, "F32": np.float32,
    "I32": np.int32, "U32": np.uint32, "F64": np.float64, "I64": np.int64,
}


class Tensor:
    """Raw bits of one tensor: `dtype` is the safetensors name, `data` a numpy
    array of the storage type (codes for the 8- and 16-bit formats)."""

    def __init__(self, dtype, data):
        self.dtype = dtype
        self.data = np.ascontiguousarray(data, dtype=NUMPY_TYPES[dtype])

    @property
    def shape(self):
        return list(self.data.shape)


def read_safetensors(path):
    """Returns {name: Tensor}. The arrays are views of a read-only map."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
    blob = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + header_bytes)
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = blob[begin:end].view(NUMPY_TYPES[entry["dtype"]])
        tensors[name] = Tensor(entry["dtype"], raw.reshape(entry["shape"]))
    return tensors


def write_safetensors(path, tensors, metadata=None):
    """Writes {name: Tensor}, the widest element types first, so that every
    tensor is aligned to its own element size."""
    order = sorted(tensors, key=lambda n: (-ITEM_BYTES[tensors[n].dtype], n))
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name in order:
        size = tensors[name].data.nbytes
        header[name] = {
            "dtype": tensors[name].dtype,
            "shape": tensors[name].shape,
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            file.write(tensors[name].data.tobytes())
    return offset


# --- BF16 -------------------------------------------------------------------


def bf16_encode(x):
    """float32 -> bf16 bits, round to nearest even (finite values)."""
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits >> np.uint32(16)).astype(np.uint16)


def bf16_decode(bits):
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


# --- E8M0, E4M3, E2M1 -------------------------------------------------------


def e8m0_decode(codes):
    """2^(code - 127), built from the exponent; 255 is NaN."""
    value = np.ldexp(np.float32(1), codes.astype(np.int32) - 127)
    return np.where(codes == 255, np.float32(np.nan), value)


def e8m0_encode(exponents):
    return (np.asarray(exponents, dtype=np.int32) + 127).astype(np.uint8)


def scale_tensor(scales, power_of_two=True):
    """Float scales as stored: E8M0 when they are powers of two, else F32."""
    if power_of_two:
        return Tensor("F8_E8M0", e8m0_encode(ceil_log2(scales)))
    return Tensor("F32", scales)


def _minifloat(code, exponent_bits, mantissa_bits, bias):
    exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = code & ((1 << mantissa_bits) - 1)
    scale = 2.0**-mantissa_bits
    if exponent == 0:
        return mantissa * scale * 2.0 ** (1 - bias)
    return (1 + mantissa * scale) * 2.0 ** (exponent - bias)


_E4M3_POSITIVE = np.array([_minifloat(c, 4, 3, 7) for c in range(127)], np.float32)
_E2M1_POSITIVE = np.array([_minifloat(c, 2, 1, 1) for c in range(8)], np.float32)
_E4M3_TABLE = np.concatenate(
    [_E4M3_POSITIVE, [np.nan], -_E4M3_POSITIVE, [np.nan]]
).astype(np.float32)
_E2M1_TABLE = np.concatenate([_E2M1_POSITIVE, -_E2M1_POSITIVE]).astype(np.float32)


def _round_to_grid(x, mantissa_bits, smallest_exponent, largest):
    """Nearest value with `mantissa_bits` bits after the leading one, ties to
    the even mantissa, saturating at `largest`."""
    magnitude = np.abs(x)
    exponent = np.frexp(magnitude)[1] - 1
    exponent = np.maximum(exponent, smallest_exponent) - mantissa_bits
    rounded = np.ldexp(np.rint(np.ldexp(magnitude, -exponent)), exponent)
    return np.copysign(np.minimum(rounded, largest), x)


def e4m3_round(x):
    return _round_to_grid(x, 3, -6, 448.0)


def e2m1_round(x):
    return _round_to_grid(x, 1, 0, 6.0)


def e4m3_decode(codes):
    return _E4M3_TABLE[codes]


def e4m3_encode(x):
    """Codes of values that already lie on the E4M3 grid."""
    code = np.searchsorted(_E4M3_POSITIVE, np.abs(x).astype(np.float32))
    return (code + np.where(np.signbit(x), 128, 0)).astype(np.uint8)


def e2m1_encode(x):
    """4-bit codes of values that already lie on the E2M1 grid."""
    code = np.searchsorted(_E2M1_POSITIVE, np.abs(x).astype(np.float32))
    return (code + np.where(np.signbit(x), 8, 0)).astype(np.uint8)


def ceil_log2(x):
    """Smallest integer e with 2^e >= x, exact."""
    mantissa, exponent = np.frexp(x)
    return np.where(mantissa == 0.5, exponent - 1, exponent)


# --- weights ----------------------------------------------------------------


def fp8_quantise(weight, power_of_two=True):
    """[o, i] float -> (E4M3 codes [o, i], scale float32 [ceil(o/128), ceil(i/128)]).

    The blocks at the lower and right edge may be smaller than 128."""
    rows, columns = weight.shape
    scales = np.zeros((-(-rows // FP8_BLOCK), -(-columns // FP8_BLOCK)), np.float32)
    codes = np.zeros((rows, columns), np.uint8)
    for r in range(scales.shape[0]):
        for c in range(scales.shape[1]):
            area = (slice(r * FP8_BLOCK, (r + 1) * FP8_BLOCK),
                    slice(c * FP8_BLOCK, (c + 1) * FP8_BLOCK))
            block = weight[area].astype(np.float64)
            scale = max(np.abs(block).max(), 1e-4) / 448.0
            scales[r, c] = np.exp2(ceil_log2(scale)) if power_of_two else scale
            codes[area] = e4m3_encode(e4m3_round(block / scales[r, c]))
    return codes, scales


def fp8_dequantise(codes, scale):
    """`scale` is float [ceil(o/128), ceil(i/128)]."""
    rows, columns = codes.shape
    full = np.repeat(np.repeat(scale, FP8_BLOCK, 0), FP8_BLOCK, 1)
    return e4m3_decode(codes) * full[:rows, :columns].astype(np.float32)


def fp4_quantise(weight):
    """[o, i] float -> (packed codes [o, i/2], E8M0 codes [o, i/32]).

    The low nibble holds the even column, the high nibble the odd one."""
    rows, columns = weight.shape
    groups = weight.astype(np.float64).reshape(rows, columns // FP4_GROUP, FP4_GROUP)
    amax = np.maximum(np.abs(groups).max(-1), 6 * 2.0**-120)
    exponents = ceil_log2(amax / 6.0)
    grid = e2m1_round(np.ldexp(groups, -exponents[..., None]))
    codes = e2m1_encode(grid).reshape(rows, columns)
    packed = codes[:, 0::2] | (codes[:, 1::2] << 4)
    return packed, e8m0_encode(exponents)


def fp4_dequantise(packed, scale):
    """`scale` is float [o, i/32]."""
    rows = packed.shape[0]
    codes = np.empty((rows, packed.shape[1] * 2), np.uint8)
    codes[:, 0::2] = packed & 15
    codes[:, 1::2] = packed >> 4
    groups = _E2M1_TABLE[codes].reshape(rows, -1, FP4_GROUP)
    return (groups * scale[..., None].astype(np.float32)).reshape(rows, -1)


def to_float32(tensors, name):
    """The float32 values of a checkpoint tensor, given its full name
    ("....weight"); a quantised one needs its "....scale" beside it."""
    tensor = tensors[name]
    if tensor.dtype in ("F8_E4M3", "I8"):
        scale = tensors[name.removesuffix(".weight") + ".scale"]
        factor = e8m0_decode(scale.data) if scale.dtype == "F8_E8M0" else scale.data
        if tensor.dtype == "I8":
            return fp4_dequantise(tensor.data, factor)
        return fp8_dequantise(tensor.data, factor)
    if tensor.dtype == "BF16":
        return bf16_decode(tensor.data)
    if tensor.dtype == "F32":
        return np.array(tensor.data)
    raise ValueError(f"{name}: no float values in dtype {tensor.dtype}")
