#include "cli/kept_models.h"

#include <algorithm>
#include <tuple>

namespace attnviz::cli {
namespace {

/// A directory may hold a TorchScript file, which is a program: a page must not choose it.
void check_name(const std::string& name) {
  const std::vector<ModelCard> cards = list_models();
  const auto has_name = [&](const ModelCard& card) { return card.name == name; };
  if (std::any_of(cards.begin(), cards.end(), has_name)) return;
  const bool is_plain =
      !name.starts_with('.') && name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  if (is_plain) std::ignore = read_card(find_model(name));
  throw Error("model " + shown_value(name) + ": not a name that attnviz models lists");
}

}  // namespace

Reader& KeptModel::opened() {
  if (!reader) reader = choose_model(choice);
  std::ignore = cli::opened(*reader);
  return *reader;
}

std::shared_ptr<KeptModel> KeptModels::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(models_.begin(), models_.end(),
                                  [&](const auto& kept) { return kept->choice.model == name; });
  if (found != models_.end()) {
    models_.splice(models_.begin(), models_, found);
    return models_.front();
  }
  check_name(name);
  models_.push_front(std::make_shared<KeptModel>());
  models_.front()->choice = choice_;
  models_.front()->choice.model = name;
  if (models_.size() > most_) models_.pop_back();
  return models_.front();
}

}  // namespace attnviz::cli
