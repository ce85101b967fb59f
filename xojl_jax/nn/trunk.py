"""The part of a model that every task shares: the vision encoder, the decoder, and for
documents the encoder of words and patches together."""

from flax import linen as nn

from xojl_jax.nn.config import TrunkConfig
from xojl_jax.nn.decoder import Decoder
from xojl_jax.nn.multiway import MultiwayEncoder
from xojl_jax.nn.vision import VisionEncoder


class Trunk(nn.Module):
    """`vision`, `decoder` and `multiway`, under these names in the parameters. A task calls them
    itself, and initializes only the parameters of those that it calls."""

    config: TrunkConfig

    def setup(self) -> None:
        self.vision = VisionEncoder(self.config.vision)
        self.decoder = Decoder(self.config.decoder)
        if self.config.multiway is not None:
            self.multiway = MultiwayEncoder(self.config.multiway)
