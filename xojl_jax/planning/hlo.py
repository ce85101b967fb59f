"""Reads the work, time and traffic of a step off its optimized HLO module.

XLA's own cost analysis counts the body of a loop once, and all our layers are loops. Here every
instruction counts as often as it runs: the lengths of loops are read off their conditions. A loop
whose length depends on data (a decoding loop, the band of a causal mask) counts once and is named.

The grammar of the text: https://openxla.org/xla/operation_semantics. Figures are per device.
"""

import dataclasses
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

_BYTES = {"pred": 1, "s4": 0.5, "u4": 0.5, "bf16": 2, "f16": 2, "c64": 8, "c128": 16}
_KERNELS = ("tpu_custom_call", "__gpu$xla.gpu.triton", "mosaic_gpu_v2")  # as custom calls name them
_COLLECTIVES = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*)$")
# A shape has no blanks but those between the parts of a tuple: the opcode comes after the shape.
_OPCODE = re.compile(r"^((?:\([^=]*?\)|\S+)) ([a-z][\w\-]*)\((.*)$")
_ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\]")
_NAME = re.compile(r"%([\w.\-]+)")
_CALLED = re.compile(
    r"(calls|to_apply|body|condition|branch_computations|called_computations)="
    r"(\{[^}]*\}|%?[\w.\-]+)"
)


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One line: `name = shape opcode(operands), attributes`."""

    name: str
    shape: str
    opcode: str
    rest: str

    @property
    def operands(self) -> list[str]:
        return _NAME.findall(self.rest.split("), ", 1)[0])

    def called(self) -> dict[str, list[str]]:
        """Attribute -> names of the computations that this instruction runs."""
        return {
            kind: [name.strip(" %") for name in names.strip("{}").split(",")]
            for kind, names in _CALLED.findall(self.rest)
        }


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a program does on one device.

    Attributes:
      flops: of matrix products and convolutions; a multiply-add is two.
      cycles: the compiler's own estimate; 0 where it makes none (everywhere but on TPUs).
      traffic: (collective, devices in a group) -> bytes that enter it on one device.
      loops: how many loops were counted once because their length depends on data.
      kernels: calls of hand-written kernels (Pallas), whose work the figures above do not know.
    """

    flops: float = 0.0
    cycles: float = 0.0
    traffic: Counter = dataclasses.field(default_factory=Counter)
    loops: int = 0
    kernels: float = 0.0


class Program:
    """An optimized module, from `compiled.as_text()`."""

    def __init__(self, text: str):
        self.computations: dict[str, dict[str, Instruction]] = {}
        self.entry = ""
        current: dict[str, Instruction] = {}
        for line in re.sub(r"/\*.*?\*/", "", text).splitlines():
            if header := _COMPUTATION.match(line):
                current = self.computations[header[2]] = {}
                self.entry = header[2] if header[1] else self.entry
            elif (found := _INSTRUCTION.match(line)) and (parts := _OPCODE.match(found[2])):
                current[found[1]] = Instruction(found[1], *parts.groups())

    def cost(self, start: str = "") -> Cost:
        """The cost of a computation with all that it calls; of the whole by default."""
        flops = cycles = kernels = 0.0
        traffic: Counter = Counter()
        times, loops = self.times(start or self.entry)
        for computation, count in times.items():
            shapes = self.computations[computation]
            for instruction in shapes.values():
                flops += count * _flops(instruction, shapes)
                cycles += count * _cycles(instruction)
                kernels += count * any(f'"{target}"' in instruction.rest for target in _KERNELS)
                kind = instruction.opcode.removesuffix("-start")
                if kind in _COLLECTIVES:
                    size = sum(_bytes(shapes[name].shape) for name in instruction.operands)
                    traffic[kind, _group_size(instruction.rest)] += count * size
        return Cost(flops, cycles, traffic, len(loops), kernels)

    def times(self, start: str) -> tuple[dict[str, float], list[str]]:
        """Computation -> how often it runs when `start` runs once; and loops of unknown length."""
        times: dict[str, float] = defaultdict(float)
        unknown = []

        def visit(computation: str, count: float) -> None:
            times[computation] += count
            for instruction in self.computations[computation].values():
                called = instruction.called()
                if instruction.opcode == "while":
                    length = self._length(instruction, called["condition"][0])
                    if length is None:
                        unknown.append(called["body"][0])
                    visit(called["body"][0], count * (1 if length is None else length))
                    continue
                for names in called.values():
                    for name in names:
                        visit(name, count)

        visit(start, 1.0)
        return dict(times), unknown

    def _length(self, loop: Instruction, condition: str) -> int | None:
        """Rounds of a counted loop, which starts at 0 and ends below a constant; else None."""
        if known := re.search(r'known_trip_count"?:\{"n":"(\d+)"', loop.rest):
            return int(known[1])
        instructions = self.computations[condition]
        *_, root = instructions.values()
        if root.opcode != "compare" or "direction=LT" not in root.rest:
            return None
        for operand in root.operands:
            if instructions[operand].opcode == "constant":
                return int(instructions[operand].rest.split(")")[0])
        return None


def _arrays(shape: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for dtype, sizes in _ARRAY.findall(shape):
        yield dtype, tuple(int(size) for size in sizes.split(",") if size)


def _bytes(shape: str) -> float:
    return sum(np.prod(sizes) * _item_bytes(dtype) for dtype, sizes in _arrays(shape))


def _item_bytes(dtype: str) -> float:
    if dtype in _BYTES:
        return _BYTES[dtype]
    digits = re.match(r"[a-z]+(\d+)", dtype)
    return int(digits[1]) / 8 if digits else 0


def _cycles(instruction: Instruction) -> float:
    found = re.search(r'"estimated_cycles":"(\d+)"', instruction.rest)
    # The largest integer means "not estimated".
    return float(found[1]) if found and int(found[1]) < 2**62 else 0.0


def _group_size(rest: str) -> int:
    """Devices in one group of a collective; 0 if unknown. It is written in one of three ways:
    {{0,1},{2,3}}, [groups,size]<=[…], mesh['x'=2,'y'=4] {'y'}."""
    if "source_target_pairs=" in rest:
        return 2
    if found := re.search(r"replica_groups=\[\d+,(\d+)\]", rest):
        return int(found[1])
    if found := re.search(r"replica_groups=\{\{([\d,]*)\}", rest):
        return len(found[1].split(","))
    if found := re.search(r"replica_groups=mesh\[([^\]]*)\].*? \{([^}]*)\}", rest):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", found[1]))
        # 'y':(1)2 is a part of an axis: the two in its middle
        axes = re.findall(r"'(\w+)'(?::\(\d+\)(\d+))?", found[2])
        return math.prod(int(part or sizes[axis]) for axis, part in axes)
    return 0


def _flops(instruction: Instruction, shapes: dict[str, Instruction]) -> float:
    if instruction.opcode == "dot":
        left = next(_arrays(shapes[instruction.operands[0]].shape))[1]
        contracted = _numbers(instruction.rest, r"lhs_contracting_dims=\{([\d,]*)\}")
        output = next(_arrays(instruction.shape))[1]
        return 2.0 * float(np.prod(output)) * float(np.prod([left[axis] for axis in contracted]))
    if instruction.opcode == "convolution":
        return _convolution_flops(instruction, shapes)
    return 0.0


def _convolution_flops(instruction: Instruction, shapes: dict[str, Instruction]) -> float:
    """2 x output rows x output features x input features x positions where window meets input.

    TPUs compile every matrix product to one, with batch dimensions as windows that are mostly in
    the padding: those positions are no work.
    """
    labels = re.search(r"dim_labels=(\w+)_(\w+)->(\w+)", instruction.rest)
    left, right = (next(_arrays(shapes[name].shape))[1] for name in instruction.operands[:2])
    output = next(_arrays(instruction.shape))[1]
    work = 2.0 * output[labels[3].index("b")] * output[labels[3].index("f")]
    work *= right[labels[2].index("i")]
    window = re.search(r"window=\{([^}]*)\}", instruction.rest)
    fields = dict(re.findall(r"(\w+)=([\w\-]+)", window[1])) if window else {}
    for axis in (label for label in labels[1] if label.isdigit()):
        place = int(axis)

        def field(name: str, default: str, place: int = place) -> str:
            return fields[name].split("x")[place] if name in fields else default

        work *= _meetings(
            output=output[labels[3].index(axis)],
            input=left[labels[1].index(axis)],
            window=right[labels[2].index(axis)],
            stride=int(field("stride", "1")),
            low=int(field("pad", "0_0").split("_")[0]),
            input_dilation=int(field("lhs_dilate", "1")),
            window_dilation=int(field("rhs_dilate", "1")),
        )
    groups = _numbers(instruction.rest, r"batch_group_count=(\d+)") or [1]
    return work / groups[0]


def _meetings(
    *,
    output: int,
    input: int,
    window: int,
    stride: int,
    low: int,
    input_dilation: int,
    window_dilation: int,
) -> int:
    """Pairs of an output position and a window position that read a real input element."""
    places = np.arange(output)[:, None] * stride + np.arange(window) * window_dilation - low
    inside = (places >= 0) & (places <= (input - 1) * input_dilation)
    return int((inside & (places % input_dilation == 0)).sum())


def _numbers(text: str, pattern: str) -> list[int]:
    found = re.search(pattern, text)
    return [int(number) for number in found[1].split(",") if number] if found else []
