#include "cli/analyze_report.h"

#include "cli/json.h"
#include "cli/values.h"

namespace attnviz::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Thresholds& t) {
  return {{"global", t.global},
          {"local", t.local},
          {"special_token", t.special_token},
          {"positional", t.positional},
          {"delimiter", t.delimiter},
          {"explorer_local", t.explorer_local},
          {"explorer_global", t.explorer_global},
          {"connection", t.connection}};
}

Json json_of(const HeadMetrics& m, const Report& report) {
  return {{"layer", m.layer},
          {"head", m.head},
          {"depth", depth_of(m.layer, report.card.layers)},
          {"entropy", m.entropy},
          {"locality", m.locality},
          {"first_token", m.first_token},
          {"diagonal", m.diagonal},
          {"last_row_entropy", m.last_row_entropy},
          {"distance_score", m.distance_score},
          {"punctuation", m.punctuation},
          {"distance_score_per_row", m.distance_score_per_row},
          {"previous", m.previous},
          {"next", m.next},
          {"special", m.special},
          {"mean_distance", m.mean_distance},
          {"labels", labels_of(m, report.thresholds)}};
}

Json json_of(const Connection& c, const Report& report) {
  const Json head = report.connection_head ? Json(*report.connection_head) : Json("mean");
  return {{"layer", report.connection_layer},
          {"head", head},
          {"from", c.from},
          {"to", c.to},
          {"weight", c.weight},
          {"kind", name_of(c.kind)}};
}

/// A row of a file of comma-separated values.
std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) row += ',';
    if (field.find_first_of(",\"\r\n") == std::string::npos) {
      row += field;
      continue;
    }
    row += '"';
    for (const char character : field) row += character == '"' ? "\"\"" : std::string(1, character);
    row += '"';
  }
  return row + "\n";
}

std::string number(double value) {
  constexpr int kDigits = 9;
  return show_general(value, kDigits);
}

using Fields = std::vector<std::string>;

Fields headings(Part part) {
  switch (part) {
    case Part::heads:
      return {"layer",
              "head",
              "depth",
              "entropy",
              "locality",
              "first_token",
              "diagonal",
              "last_row_entropy",
              "distance_score",
              "punctuation",
              "distance_score_per_row",
              "previous",
              "next",
              "special",
              "mean_distance",
              "labels"};
    case Part::connections:
      return {"layer", "head", "from", "to", "from_token", "to_token", "weight", "kind"};
    case Part::layers:
      return {"layer", "mean_weight", "entropy"};
    case Part::received:
      break;
  }
  return {"position", "token", "received"};
}

Fields fields_of(const HeadMetrics& m, const Report& report) {
  return {std::to_string(m.layer),
          std::to_string(m.head),
          depth_of(m.layer, report.card.layers),
          number(m.entropy),
          number(m.locality),
          number(m.first_token),
          number(m.diagonal),
          number(m.last_row_entropy),
          number(m.distance_score),
          number(m.punctuation),
          number(m.distance_score_per_row),
          number(m.previous),
          number(m.next),
          number(m.special),
          number(m.mean_distance),
          labels_line(m, report.thresholds)};
}

Fields fields_of(const Connection& c, const Report& report) {
  return {std::to_string(report.connection_layer),
          report.connection_head ? std::to_string(*report.connection_head) : "mean",
          std::to_string(c.from),
          std::to_string(c.to),
          report.tokens[c.from],
          report.tokens[c.to],
          number(c.weight),
          name_of(c.kind)};
}

std::vector<Fields> rows_of(const Report& report, Part part) {
  std::vector<Fields> rows;
  if (part == Part::heads) {
    for (const HeadMetrics& metrics : report.heads) rows.push_back(fields_of(metrics, report));
  } else if (part == Part::connections) {
    for (const Connection& connection : report.connections) rows.push_back(fields_of(connection, report));
  } else if (part == Part::layers) {
    for (const LayerMetrics& m : report.layers) {
      rows.push_back({std::to_string(m.layer), number(m.mean_weight), number(m.entropy)});
    }
  } else {
    for (std::size_t i = 0; i < report.received.size(); ++i) {
      rows.push_back({std::to_string(i), report.tokens[i], number(report.received[i])});
    }
  }
  return rows;
}

std::string with_index(const std::string& index, Fields fields) {
  fields.insert(fields.begin(), index);
  return csv_row(fields);
}

}  // namespace

std::string depth_of(int layer, int layers) {
  const int index = layer - 1;
  if (index < layers / 3) return "early";
  return index > 2 * layers / 3 ? "late" : "middle";
}

std::string labels_line(const HeadMetrics& metrics, const Thresholds& thresholds) {
  std::string line;
  for (const std::string& label : labels_of(metrics, thresholds)) line += (line.empty() ? "" : " ") + label;
  return line;
}

std::string as_json(const Report& report) {
  Json object;
  object["index"] = report.sentence.index;
  object["text"] = report.sentence.text;
  if (report.sentence.pair) object["pair"] = *report.sentence.pair;
  object["model"] = report.card.name;
  object["causal"] = report.causal;
  if (!report.notes.empty()) object["notes"] = report.notes;
  for (const auto& [label, value] : report.recorded.predicted)
    object["predicted"].push_back({{"label", label}, {"value", value}});
  object["tokens"] = report.tokens;
  object["uniform_entropy"] = report.uniform_entropy;
  object["thresholds"] = json_of(report.thresholds);
  Json& heads = object["heads"] = Json::array();
  for (const HeadMetrics& metrics : report.heads) heads.push_back(json_of(metrics, report));
  Json& layers = object["layers"] = Json::array();
  for (const LayerMetrics& m : report.layers) {
    layers.push_back({{"layer", m.layer}, {"mean_weight", m.mean_weight}, {"entropy", m.entropy}});
  }
  object["received"] = report.received;
  Json& found = object["connections"] = Json::array();
  for (const Connection& connection : report.connections) found.push_back(json_of(connection, report));
  return one_line(object) + "\n";
}

std::string as_csv(const Report& report, Part part) {
  std::string text = csv_row(headings(part));
  for (const Fields& row : rows_of(report, part)) text += csv_row(row);
  return text;
}

std::string csv_headings_of_many(Part part) { return with_index("index", headings(part)); }

std::string as_csv_of_many(const Report& report, Part part) {
  std::string text;
  for (const Fields& row : rows_of(report, part))
    text += with_index(std::to_string(report.sentence.index), row);
  return text;
}

}  // namespace attnviz::cli
