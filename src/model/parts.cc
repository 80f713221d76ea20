#include "attnviz/model.h"

namespace attnviz {

int layers_of(const ModelCard& card, AttentionPart part) {
  return part == AttentionPart::encoder ? card.layers : card.decoder_layers;
}

int heads_of(const ModelCard& card, AttentionPart part) {
  return part == AttentionPart::encoder ? card.heads : card.decoder_heads;
}

}  // namespace attnviz
