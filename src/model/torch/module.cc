#include "model/module.h"

#include <torch/version.h>

#include "attnviz/error.h"
#include "model/torch/activation.h"
#include "model/torch/architecture.h"
#include "model/torch/backends.h"

namespace attnviz {
namespace {

/// Whether the checkpoint backend implements what the configuration asks for. Throws Error where it can't be
/// read: another backend would be taken for a passing fault.
bool is_implemented(const ModelCard& card) {
  const Config config(card.directory / "config.json");
  try {
    const Architecture read = read_architecture(config);
    return find_activation(read.activation) != nullptr;
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<Model> open_automatic(const ModelCard& card, const ModelOptions& options) {
  if (!card.has_checkpoint && !card.has_torchscript) {
    throw Error(card.directory.string() + ": no model.safetensors and no model.pt",
                "download a checkpoint into it, or make an export with scripts/export_model.py");
  }
  // Without an export, the checkpoint's own refusal is what the user needs to read.
  const bool checkpoint = card.has_checkpoint && (!card.has_torchscript || is_implemented(card));
  return checkpoint ? open_checkpoint(card, options) : open_torchscript(card, options);
}

std::unique_ptr<Model> open(const ModelCard& card, const ModelOptions& options) {
  switch (options.backend) {
    case Backend::checkpoint: {
      if (card.has_checkpoint) return open_checkpoint(card, options);
      throw Error(card.directory.string() + ": no config.json with model.safetensors",
                  "try --backend torchscript");
    }
    case Backend::torchscript: {
      if (card.has_torchscript) return open_torchscript(card, options);
      throw Error(card.directory.string() + ": no model.pt", "make one with scripts/export_model.py");
    }
    default:
      return open_automatic(card, options);
  }
}

std::string version() { return TORCH_VERSION; }

}  // namespace
}  // namespace attnviz

extern "C" const attnviz::ModuleFunctions attnviz_module{attnviz::share_watched_files, attnviz::open,
                                                         attnviz::version};
