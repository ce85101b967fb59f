"""The stages of training (X107 to X110): which encoders run, and whether the decoder does.

A stage trains those of `config.heads` whose inputs its encoders compute, so one list of heads
serves all stages. Only the parameters that a stage uses are initialized.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Stage:
    """What runs in a stage.

    Attributes:
      vision, html: whether the encoder runs. Where both do, they are fused.
      decoder: whether the semantic and the detail sequence are trained, and can be predicted.
    """

    vision: bool
    html: bool
    decoder: bool = False

    @property
    def features(self) -> frozenset[str]:
        """The fields of `Features` that this stage computes."""
        found = {"tokens"}
        if self.vision:
            found |= {"patches", "middle_patches", "prefix"}
        if self.html:
            found |= {"html", "html_prefix"}
        if self.fused:
            found |= {"attention"}
        return frozenset(found)

    @property
    def fused(self) -> bool:
        return self.vision and self.html


STAGES = {
    1: Stage(vision=True, html=False),
    2: Stage(vision=False, html=True),
    3: Stage(vision=True, html=True),
    4: Stage(vision=True, html=True, decoder=True),
}
