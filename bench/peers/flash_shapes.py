"""The shapes of DeepSeek-V4 Flash, cut to some layers and experts.

The same cut as `hadal bench --synthetic flash:layers=N,experts=E`: the real
sizes of every matrix of a layer, fewer layers, fewer experts to choose from
(each token still takes six), and a vocabulary of which every program reads the
same head.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Flash:
    layers: int = 8
    experts: int = 32
    vocabulary: int = 129280

    hidden: int = 4096
    heads: int = 64
    head_dim: int = 512
    rotary: int = 64
    q_rank: int = 1024
    o_groups: int = 8
    o_rank: int = 1024
    inner: int = 2048
    experts_per_token: int = 6
    streams: int = 4
    index_heads: int = 64
    index_dim: int = 128
    top_k: int = 512
    window: int = 128
    hash_layers: int = 3

    @classmethod
    def parse(cls, text):
        """`layers=8,experts=32,vocabulary=4096`; all optional."""
        fields = {f.name for f in dataclasses.fields(cls)}
        values = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition("=")
            if name not in fields:
                raise SystemExit(f"no such size: {name}")
            values[name] = int(value)
        return cls(**values)

    def ratio(self, layer):
        """0, 0, 4, 128, 4, 128 ... as in config.json."""
        return 0 if layer < 2 else 4 if layer % 2 == 0 else 128

    def dense_matrices(self, layer):
        """(name, outputs, inputs) of the matrices that every token reads."""
        yield "wq_a", self.q_rank, self.hidden
        yield "wq_b", self.heads * self.head_dim, self.q_rank
        yield "wkv", self.head_dim, self.hidden
        # One block a group: the heads of a group meet only its own rows.
        yield ("wo_a", self.o_groups * self.o_rank,
               self.heads * self.head_dim // self.o_groups)
        yield "wo_b", self.hidden, self.o_groups * self.o_rank
        yield "shared_gate", self.inner, self.hidden
        yield "shared_up", self.inner, self.hidden
        yield "shared_down", self.hidden, self.inner
        ratio = self.ratio(layer)
        if ratio:
            width = self.head_dim * (2 if ratio == 4 else 1)
            yield "compressor_kv", width, self.hidden
            yield "compressor_gate", width, self.hidden
        if ratio == 4:
            yield "index_q", self.index_heads * self.index_dim, self.q_rank
            yield "index_kv", 2 * self.index_dim, self.hidden
            yield "index_gate", 2 * self.index_dim, self.hidden
            yield "index_proj", self.index_heads, self.hidden

    def weights_read(self):
        """(dense, expert) weights that one token reads."""
        dense = self.vocabulary * self.hidden
        for layer in range(self.layers):
            dense += sum(o * i for _, o, i in self.dense_matrices(layer))
        expert = (self.layers * self.experts_per_token * 3 * self.inner *
                  self.hidden)
        return dense, expert
