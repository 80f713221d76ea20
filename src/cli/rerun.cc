#include "cli/rerun.h"

#include "cli/command.h"

namespace attnviz::cli {

Reader& Rerun::reader_for(ModelChoice choice, const RecordedText& text) {
  choice.options = options_;
  if (options_.backend == Backend::automatic) choice.options.backend = read_backend({"record", text.backend});
  const std::string key =
      choice.model + '\0' + name_of(choice.options.backend) + (choice.truncate ? " cut" : "");
  const auto known = readers_.find(key);
  return known != readers_.end() ? known->second : readers_.emplace(key, choose_model(choice)).first->second;
}

Redone Rerun::operator()(const Record& record) {
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
    subject.reader = &reader_for(plan.sources[i].model, text);
    subject.selection = plan.sources[i].select(subject.card());
    if (text.pair && !subject.card().takes_pairs)
      throw Error("--pair: " + subject.card().name + " takes one text");
    subject.prepared =
        prepare(*subject.reader, {.text = text.text, .pair = text.pair, .name = "text"}, timings);
  }
  check_sizes(subjects);
  std::ignore = ready_to_draw(plan, subjects);
  for (Subject& subject : subjects) attend(subject, timings);
  return redone;
}

}  // namespace attnviz::cli
