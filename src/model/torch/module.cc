#include "model/module.h"

#include <torch/version.h>

#include "attnviz/error.h"

namespace attnviz {
namespace {

std::unique_ptr<Model> open(const ModelCard& card, const ModelOptions&) {
  throw Error(card.name + ": no backend yet");
}

std::string version() { return TORCH_VERSION; }

}  // namespace
}  // namespace attnviz

extern "C" const attnviz::ModuleFunctions attnviz_module{attnviz::open, attnviz::version};
