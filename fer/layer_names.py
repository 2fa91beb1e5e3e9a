"""Names of the networks' layers, in Keras and in the stored weights.

VGG16's convolutions keep the names that `keras.applications` gives them.
"""

from __future__ import annotations

# Blocks 1-3: frozen in all scenarios, stored once and run once.
TRUNK_BLOCKS = ("block1", "block2", "block3")
TRUNK_END = "block3_pool"
# The layer that Grad-CAM explains.
LAST_CONVOLUTION = "block5_conv3"
# The layers of the head, from first to last.
SQUEEZE_EXCITE = "squeeze_excite"
POOL = "pool"
NORM = "norm"
HIDDEN = "hidden"
LOGITS = "logits"
