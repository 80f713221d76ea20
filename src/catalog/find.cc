#include <algorithm>
#include <cstdlib>
#include <set>

#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "catalog/files.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNamesInHint = 8;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

std::vector<fs::path> listed_places() {
  std::vector<fs::path> places;
  const std::string list = environment("ATTNVIZ_MODELS");
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(':', begin), list.size());
    if (end > begin) places.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return places;
}

std::vector<fs::path> places_beside_program() {
  std::error_code fault;
  const fs::path program = fs::read_symlink("/proc/self/exe", fault).parent_path();
  if (program.empty()) return {};
  const fs::path above = program.parent_path();
  std::vector<fs::path> places = {program / "models", above / "models", above / "share/attnviz/models"};
  // A build tree is <checkout>/build/<preset>.
  if (above.filename() == "build") places.push_back(above.parent_path() / "models");
  return places;
}

std::vector<fs::path> user_places() {
  const fs::path data = environment("XDG_DATA_HOME");
  // XDG base directories that are not absolute are to be ignored.
  if (data.is_absolute()) return {data / "attnviz/models"};
  const fs::path home = environment("HOME");
  if (home.is_absolute()) return {home / ".local/share/attnviz/models"};
  return {};
}

std::vector<fs::path> directories_in(const fs::path& place) {
  std::vector<fs::path> found;
  std::error_code fault;
  for (fs::directory_iterator entry(place, fault), end; !fault && entry != end; entry.increment(fault)) {
    if (entry->is_directory(fault)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct NamedModel {
  std::string name;
  fs::path directory;
};

/// `name` or, as the hub writes them, `owner/name`; the first of a name only.
std::vector<NamedModel> named_models() {
  std::vector<NamedModel> models;
  std::set<std::string> names;
  const auto add = [&](const std::string& name, const fs::path& directory) {
    if (names.insert(name).second) models.push_back({name, directory});
  };
  for (const fs::path& place : model_path()) {
    for (const fs::path& directory : directories_in(place)) {
      const std::string name = directory.filename().string();
      if (holds_model(directory)) {
        add(name, directory);
        continue;
      }
      for (const fs::path& inner : directories_in(directory)) {
        if (holds_model(inner)) add(name + "/" + inner.filename().string(), inner);
      }
    }
  }
  std::sort(models.begin(), models.end(),
            [](const NamedModel& a, const NamedModel& b) { return a.name < b.name; });
  return models;
}

std::string joined(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > most ? text + ", …" : text;
}

Error no_such_model(const std::string& model) {
  std::vector<std::string> places;
  for (const fs::path& place : model_path()) places.push_back(place.string());
  std::vector<std::string> names;
  for (const NamedModel& known : named_models()) names.push_back(known.name);
  const std::string meant = nearest(model, names);
  std::string hint;
  if (is_directory_there(model)) {
    hint = "for the directory here, give ./" + model + "; ";
  } else if (!meant.empty()) {
    hint = "did you mean " + meant + "? ";
  } else if (!names.empty()) {
    hint = "there are " + joined(names, kMostNamesInHint) + "; ";
  }
  return Error(
      model + ": no such model in " + joined(places, places.size()),
      hint + "`hf download " + model + " --local-dir models/" + model + "` puts a checkpoint in place");
}

}  // namespace

bool is_plain_name(std::string_view name) {
  const bool harmless = std::none_of(name.begin(), name.end(), [](unsigned char byte) {
    return byte < 0x20 || byte == 0x7F || byte == '/' || byte == '\\';
  });
  return harmless && !name.empty() && name != "." && name != "..";
}

fs::path weights_file(const fs::path& directory) {
  return directory / (is_there(directory / kWeights) ? kWeights : kShards);
}

std::vector<fs::path> model_path() {
  std::vector<fs::path> path;
  for (const auto& places : {listed_places(), places_beside_program(), user_places()}) {
    for (const fs::path& place : places) {
      if (std::find(path.begin(), path.end(), place) == path.end()) path.push_back(place);
    }
  }
  return path;
}

fs::path find_model(std::string_view model) {
  const std::string name(model);
  if (name.empty()) throw Error("model: its name is empty", "name a model or its directory");
  const bool is_path = name.front() == '.' || name.find('/') != std::string::npos;
  if (is_path && is_directory_there(name)) return name;
  if (is_path && is_there(name)) {
    throw Error(name + ": expected a model's directory, got a file",
                "give " + (fs::path(name).has_parent_path() ? fs::path(name).parent_path() : ".").string());
  }
  if (name.front() != '.' && name.front() != '/') {
    std::optional<fs::path> incomplete;
    for (const fs::path& place : model_path()) {
      if (holds_model(place / name)) return place / name;
      if (!incomplete && is_directory_there(place / name)) incomplete = place / name;
    }
    // Its card says what it lacks.
    if (incomplete) return *incomplete;
    throw no_such_model(name);
  }
  throw Error(name + ": no such directory", "check the path, or give the name of a model");
}

std::vector<ModelCard> list_models() {
  std::vector<ModelCard> cards;
  for (const NamedModel& model : named_models()) {
    ModelCard card;
    try {
      card = read_card(model.directory);
    } catch (const Error&) {
      // One damaged model must not hide the others; reading its card alone says what is wrong.
      card.directory = model.directory;
    }
    card.name = model.name;
    cards.push_back(std::move(card));
  }
  return cards;
}

}  // namespace attnviz
