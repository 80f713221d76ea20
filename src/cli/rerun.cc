#include "cli/rerun.h"

#include <filesystem>

#include "attnviz/file.h"
#include "cli/command.h"
#include "cli/diff_figures.h"
#include "cli/target.h"

namespace attnviz::cli {

namespace {

/// The files' own, in place of what the manifest says of them; but for the weights of the other backend.
void take_digests(ModelCard& card, Backend backend) {
  for (auto& [file, digest] : card.sha256) {
    const bool other =
        backend == Backend::checkpoint ? file.ends_with(".pt") : file.ends_with(".safetensors");
    if (!other && std::filesystem::exists(card.directory / file))
      digest = sha256_of_file(card.directory / file);
  }
}

}  // namespace

Reader& Rerun::reader_for(const Source& source, const RecordedText& text) {
  ModelChoice choice = source.model;
  const Precision recorded = choice.options.precision;
  const bool allow_non_finite = choice.options.allow_non_finite;
  choice.options = options_;
  choice.options.precision = recorded;
  choice.options.allow_non_finite = allow_non_finite;
  if (options_.backend == Backend::automatic) choice.options.backend = read_backend({"record", text.backend});
  const std::string key =
      choice.model + '\0' + name_of(choice.options.backend) + name_of(recorded) +
      (allow_non_finite ? " or not finite" : "") + (choice.truncate ? " cut" : "") +
      (choice.window ? " window " + std::to_string(*choice.window) : "") +
      (choice.predict ? " predict " + std::to_string(*choice.predict) : "") + " without " +
      show_places(choice.ablated) + (choice.part ? " " + name_of(*choice.part) : "") +
      (choice.all_parts ? " of all" : "") + (text.target ? " target" : "");
  const auto known = readers_.find(key);
  if (known != readers_.end()) return known->second;
  Reader& reader = readers_.emplace(key, choose_model(choice)).first->second;
  take_digests(reader.card, opened(reader).backend());
  look_at(reader,
          part_of(choice, reader.card, {.given = text.target.has_value(), .taken = source.takes_targets}));
  return reader;
}

Redone Rerun::operator()(const Record& record) {
  if (is_of_figures(record)) {
    throw Error("record: the figure was made from saved figures, which no model gives",
                "compare it with --baseline");
  }
  Redone redone{plan_of(record.arguments), {}};
  const FigurePlan& plan = redone.plan;
  if (record.texts.size() != plan.sources.size()) {
    throw Error("record: " + std::to_string(record.texts.size()) + " texts, expected " +
                std::to_string(plan.sources.size()));
  }
  Timings timings;
  std::vector<Subject>& subjects = redone.subjects;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const RecordedText& text = record.texts[i];
    Subject& subject = subjects.emplace_back();
    check_flags(plan.sources[i], text.pair.has_value());
    subject.reader = &reader_for(plan.sources[i], text);
    subject.selection = selection_of(plan.sources[i], *subject.reader);
    if (text.pair && !subject.card().takes_pairs)
      throw Error("--pair: " + subject.card().name + " takes one text");
    subject.prepared =
        prepare(*subject.reader,
                {.text = text.text, .pair = text.pair, .target = text.target, .name = "text"}, timings);
  }
  check_sizes(subjects);
  std::ignore = ready_to_draw(plan, subjects);
  for (Subject& subject : subjects) attend(subject, timings);
  return redone;
}

}  // namespace attnviz::cli
