#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>

#include "attnviz/http.h"
#include "attnviz/page.h"
#include "attnviz/record.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/kept_models.h"
#include "cli/view_parts.h"

namespace attnviz::cli {
namespace {

constexpr std::size_t kMostModels = 4;

struct ServeOptions {
  HttpOptions http;
  ModelChoice model;
};

/// What a page asks to be shown.
struct Wish {
  std::string model;
  Sentence sentence{.name = "text", .pair_name = "pair"};
};

std::chrono::milliseconds read_seconds(const Given& given) {
  constexpr double kMost = 3600, kMilliseconds = 1000;
  const double seconds = read_number(given);
  if (seconds <= 0 || seconds > kMost) refuse(given, "seconds, more than 0 and up to 3600");
  return std::chrono::milliseconds(static_cast<long>(std::ceil(seconds * kMilliseconds)));
}

Flags serve_flags(ServeOptions& options) {
  constexpr int kLastPort = 65535;
  Flags flags({"serve",
               "Serves BertViz's three views as a page with a form for texts and models. It listens at this "
               "machine's own address, 127.0.0.1, serves that page and what it asks for but no file, and "
               "ends with Ctrl-C. Prints the page's address.",
               {"attnviz serve", "attnviz serve --port 0 --threads 2"}});
  flags.group("Serving");
  flags.value("--port", "N", "the port to listen at; 0 takes any that is free (default: 8000)",
              [&](const Given& given) {
                options.http.port = static_cast<std::uint16_t>(read_integer(given, 0, kLastPort));
              });
  flags.value("--host", "ADDRESS",
              "the address to listen at (default: 127.0.0.1); at another, such as 0.0.0.0, whoever can reach "
              "this machine can have texts run, without a password",
              [&](const Given& given) { options.http.host = given.value; });
  flags.value("--read-timeout", "SECONDS", "how long a request may take to arrive (default: 10)",
              [&](const Given& given) { options.http.read_timeout = read_seconds(given); });
  flags.flag("--truncate", "cut a text that is too long for its model, and say so", options.model.truncate);
  add_device_flags(flags, options.model.options, options.model.sandbox);
  return flags;
}

std::string string_member(const nlohmann::json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) throw Error(name + ": missing, expected a string");
  if (!found->is_string()) throw Error(name + ": expected a string");
  auto text = found->get<std::string>();
  if (text.empty()) throw Error(name + ": empty, expected a " + (name == "model" ? "name" : "text"));
  return text;
}

Wish read_wish(const std::string& body) {
  const std::vector<std::string> names = {"model", "text", "pair"};
  const std::size_t wrong = find_invalid_utf8(body);
  if (wrong != std::string::npos) throw Error("body: not UTF-8 at byte " + std::to_string(wrong));
  const nlohmann::json object = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) throw Error("body: not a JSON object", R"({"model": "minilm", "text": "…"})");
  for (const auto& [name, ignored] : object.items()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string near = nearest(name, names);
    throw Error("body: " + shown_value(name) + ": expected model, text or pair",
                near.empty() ? "" : "did you mean " + near + "?");
  }
  Wish wish{string_member(object, "model")};
  wish.sentence.text = string_member(object, "text");
  if (object.contains("pair")) wish.sentence.pair = string_member(object, "pair");
  return wish;
}

/// The wish's text, read by the model.
Subject attended(KeptModel& kept, const Wish& wish) {
  const std::lock_guard alone(kept.alone);
  Timings timings;
  Reader& reader = kept.opened();
  check_pair(reader.card, {.pair = wish.sentence.pair});
  Subject subject{.reader = &reader};
  subject.selection.with_query_key = reader.model->backend() == Backend::checkpoint;
  subject.prepared = prepare(reader, wish.sentence, timings);
  check_size(reader, subject.prepared, subject.selection);
  subject.choose({});
  attend(subject, timings);
  return subject;
}

Content view_content(KeptModels& models, const std::string& body) {
  const Wish wish = read_wish(body);
  const std::shared_ptr<KeptModel> kept = models.find(wish.model);
  Subject subject = attended(*kept, wish);
  const std::string left_out = keep_what_fits({&subject, 1}, std::nullopt).front();
  Record record;
  record.program = "attnviz " ATTNVIZ_VERSION;
  record.arguments = {"view", "head", "--layers", "auto", "--model", wish.model};
  if (subject.reader->choice.truncate) record.arguments.emplace_back("--truncate");
  if (subject.selection.with_query_key) record.arguments.emplace_back("--with-qk");
  record.texts = {recorded(subject)};
  View view = view_of(subject, View::Kind::head);
  if (!left_out.empty()) view.notes.push_back(left_out);
  record.drawn = view;
  return {"application/json", to_json(record, Packing::uint16)};
}

/// Those that can be opened. What a model's files don't say is 0, as attnviz models --json has it.
Content models_content() {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const ModelCard& card : list_models()) {
    if (!card.has_checkpoint && !card.has_torchscript) continue;
    list.push_back({{"name", card.name},
                    {"layers", card.layers},
                    {"heads", card.heads},
                    {"pairs", card.takes_pairs},
                    {"vectors", card.has_checkpoint}});
  }
  return {"application/json", one_line(list)};
}

std::vector<Route> routes(KeptModels& models) {
  std::string page;
  write_served_page([&](std::string_view piece) { page += piece; });
  return {{"GET", "/",
           [page](const std::string&) {
             return Content{"text/html; charset=utf-8", page};
           }},
          {"GET", "/models", [](const std::string&) { return models_content(); }},
          {"POST", "/view", [&models](const std::string& body) { return view_content(models, body); }}};
}

/// A server, with what it answers from.
struct Serving {
  explicit Serving(const ServeOptions& options)
      : models(options.model, kMostModels), server(options.http, routes(models)) {}

  KeptModels models;
  HttpServer server;
};

/// It listens before it gives up the right to.
Task serve_task(const ServeOptions& options, const Streams& streams) {
  const auto serving = std::make_shared<Serving>(options);
  return {{.sandbox = options.model.sandbox}, [serving, host = options.http.host, &streams](Outputs&) {
            if (serving->server.is_open_to_others()) {
              streams.err << "attnviz: note: " << host
                          << ": whoever can reach this address can have texts run, without a password\n";
            }
            print(streams.out, serving->server.url() + "\n");
            flush(streams.out);
            serving->server.run();
            return 0;
          }};
}

}  // namespace

Command serve_command() {
  return {"serve", "serve the views as a page that takes texts",
          read_command<ServeOptions, serve_flags, serve_task>};
}

}  // namespace attnviz::cli
