#include <algorithm>
#include <cmath>

#include "cli/analyze_report.h"
#include "cli/table.h"
#include "cli/values.h"

namespace attnviz::cli {
namespace {

constexpr ConnectionKind kKinds[] = {ConnectionKind::positional, ConnectionKind::special,
                                     ConnectionKind::syntactic, ConnectionKind::semantic};

std::string two(double value) { return show_fixed(value, 2); }
std::string three(double value) { return show_fixed(value, 3); }
std::string short_number(double value) { return show_general(value, 6); }

/// "“bank” (2)"
std::string token_of(const Report& report, std::size_t position) {
  return "“" + report.labels[position].whole() + "” (" + std::to_string(position) + ")";
}

std::string header(const Report& report) {
  const std::size_t tokens = report.labels.size();
  Table table({"Model", visible(report.card.name) + ", " + std::to_string(report.card.layers) + " layers × " +
                            std::to_string(report.card.heads) + " heads" +
                            (report.causal ? ", causal: a token sees itself and what came before" : "")});
  table.add({"Tokens", std::to_string(tokens)});
  for (const std::string& note : report.notes) table.add({"Note", visible(note)});
  table.add({"Baseline", "attention spread evenly has an entropy of " + three(report.uniform_entropy) +
                             " nats" + (report.causal ? " (the mean of log 1 to log " : " (log ") +
                             std::to_string(tokens) + ")"});
  return table.set();
}

/// One label or metric at a glance: how many heads have it, and which has most of it.
struct Highlight {
  std::string name;
  double HeadMetrics::*metric;
  std::optional<double> threshold;
};

std::string highlights(const Report& report) {
  const Thresholds& t = report.thresholds;
  Table table({"label or metric", ">heads", ">above", ">most", "in"});
  for (const Highlight& highlight : {Highlight{"global", &HeadMetrics::entropy, t.global},
                                     {"local", &HeadMetrics::locality, t.local},
                                     {"special_token", &HeadMetrics::first_token, t.special_token},
                                     {"positional", &HeadMetrics::distance_score, t.positional},
                                     {"delimiter", &HeadMetrics::punctuation, t.delimiter},
                                     {"previous", &HeadMetrics::previous, {}},
                                     {"next", &HeadMetrics::next, {}},
                                     {"special", &HeadMetrics::special, {}}}) {
    const auto value = [&](const HeadMetrics& m) { return m.*highlight.metric; };
    const auto most =
        std::max_element(report.heads.begin(), report.heads.end(),
                         [&](const HeadMetrics& a, const HeadMetrics& b) {
                           return !std::isnan(value(b)) && !(value(a) >= value(b));
                         });
    const auto count = std::count_if(report.heads.begin(), report.heads.end(), [&](const HeadMetrics& m) {
      return highlight.threshold && value(m) > *highlight.threshold;
    });
    table.add({highlight.name, highlight.threshold ? std::to_string(count) : "-",
               highlight.threshold ? short_number(*highlight.threshold) : "-", two(value(*most)),
               value(*most) == 0
                   ? "-"
                   : "layer " + std::to_string(most->layer) + " head " + std::to_string(most->head)});
  }
  return "\nAt a glance: how many of " + std::to_string(report.heads.size()) +
         " heads have each label, and the head with most of it\n\n" + table.set();
}

std::string course_table(const Report& report) {
  const Thresholds& t = report.thresholds;
  Table table(
      {">layer", ">head", ">entropy", ">local", ">1st", ">diag", ">last", ">dist", ">punc", "labels"});
  for (const HeadMetrics& m : report.heads) {
    table.add({std::to_string(m.layer), std::to_string(m.head), two(m.entropy), two(m.locality),
               two(m.first_token), two(m.diagonal), two(m.last_row_entropy), two(m.distance_score),
               two(m.punctuation), labels_line(m, t)});
  }
  return "\nHeads, by heuristics of course material\n\n" + table.set() +
         "\n  entropy  mean over the rows, in nats; above " + short_number(t.global) +
         ": global"
         "\n  local    share of the weight within two tokens; above " +
         short_number(t.local) +
         ": local"
         "\n  1st      mean weight on the first token; above " +
         short_number(t.special_token) +
         ": special_token"
         "\n  diag     sum of the tokens' weights on themselves" +
         (report.causal ? "" : "; spread evenly, 1") +
         "\n  last     entropy of the last row, in nats"
         "\n  dist     sum of weight / (distance + 1), divided by tokens²; above " +
         short_number(t.positional) +
         ": positional;"
         "\n           fades with the length, so that only a handful of tokens can reach that"
         "\n  punc     mean weight on a token of . , ! ? ; : (0 without any); above " +
         short_number(t.delimiter) + ": delimiter\n";
}

std::string literature_table(const Report& report) {
  Table table({">layer", ">head", ">previous", ">next", ">special", ">distance", ">dist per row"});
  for (const HeadMetrics& m : report.heads) {
    table.add({std::to_string(m.layer), std::to_string(m.head), two(m.previous), two(m.next), two(m.special),
               two(m.mean_distance), two(m.distance_score_per_row)});
  }
  return "\nHeads, by the literature's metrics (Clark et al. 2019)\n\n" + table.set() +
         "\n  previous, next  mean weight on the token before and behind"
         "\n  special         share of the weight on special tokens such as [CLS] and [SEP]"
         "\n  distance        mean distance of what a token attends to, in tokens"
         "\n  dist per row    dist of the first table times the number of tokens, which does not fade\n";
}

/// "layers 1 to 2", "layer 6", or nothing.
std::string layers_at(const std::string& depth, int layers) {
  int first = 0, last = 0;
  for (int layer = 1; layer <= layers; ++layer) {
    if (depth_of(layer, layers) != depth) continue;
    first = first ? first : layer;
    last = layer;
  }
  if (!first) return {};
  if (first == last) return "layer " + std::to_string(first);
  return "layers " + std::to_string(first) + (first + 1 == last ? " and " : " to ") + std::to_string(last);
}

std::string depths(const Report& report) {
  std::string called;
  for (const std::string depth : {"early", "late"}) {
    const std::string layers = layers_at(depth, report.card.layers);
    if (!layers.empty()) called += (called.empty() ? "" : ", and ") + layers + " " + depth;
  }
  return called.empty() ? "" : "\nBy depth, course material calls " + called + ".\n";
}

std::size_t heads_listed(const Report& report) { return report.heads.size() / report.layers.size(); }

/// "6 layers × 12 heads"
std::string scope(const Report& report) {
  return std::to_string(report.layers.size()) + " layers × " + std::to_string(heads_listed(report)) +
         " heads";
}

std::string layers_table(const Report& report) {
  Table table({">layer", ">mean weight", ">entropy", ">of the baseline"});
  for (const LayerMetrics& m : report.layers) {
    const bool any = report.uniform_entropy > 0;
    table.add({std::to_string(m.layer), show_fixed(m.mean_weight, 4), three(m.entropy),
               any ? show_fixed(100 * m.entropy / report.uniform_entropy, 0) + " %" : "-"});
  }
  return "\nLayers: means over " + std::to_string(heads_listed(report)) + " heads; entropy in nats\n\n" +
         table.set();
}

std::string received_table(const Report& report) {
  constexpr double kBar = 40;
  const double most = *std::max_element(report.received.begin(), report.received.end());
  Table table({">position", ">received", "", "token"});
  for (std::size_t i = 0; i < report.received.size(); ++i) {
    std::string bar;
    const double length = most > 0 ? std::round(kBar * report.received[i] / most) : 0;
    for (int step = 0; step < length; ++step) bar += "▪";
    table.add({std::to_string(i), two(report.received[i]), bar, report.labels[i].whole()});
  }
  return "\nAttention that each token receives: its column's sum, mean over " + scope(report) +
         (report.causal ? "" : ";\nspread evenly, each token receives 1") + "\n\n" + table.set();
}

std::string connections_table(const Report& report, std::size_t top) {
  const std::vector<Connection>& all = report.connections;
  const std::string head = report.connection_head ? "head " + std::to_string(*report.connection_head)
                                                  : "mean of " + std::to_string(report.card.heads) + " heads";
  std::string text = "\nConnections of layer " + std::to_string(report.connection_layer) + ", " + head +
                     ": different tokens with a weight above " + short_number(report.thresholds.connection) +
                     "\n";
  if (all.empty()) return text + "\n  none\n";
  Table kinds({"kind", ">count", "strongest"});
  for (const ConnectionKind kind : kKinds) {
    const auto is = [&](const Connection& c) { return c.kind == kind; };
    const auto first = std::find_if(all.begin(), all.end(), is);
    kinds.add({name_of(kind), std::to_string(std::count_if(all.begin(), all.end(), is)),
               first == all.end() ? "-"
                                  : two(first->weight) + "  " + token_of(report, first->from) + " → " +
                                        token_of(report, first->to)});
  }
  Table strongest({">weight", "kind", "from → to"});
  for (std::size_t i = 0; i < std::min(top, all.size()); ++i) {
    strongest.add({two(all[i].weight), name_of(all[i].kind),
                   token_of(report, all[i].from) + " → " + token_of(report, all[i].to)});
  }
  text += "\n" + strongest.set();
  if (all.size() > top) text += "  and " + std::to_string(all.size() - top) + " more (--top lists them)\n";
  return text + "\n" + kinds.set() +
         "\n  positional: neighbours; special: an end is a special token; syntactic: from the, a or an;\n"
         "  semantic: any other. The first that fits; course material's heuristic.\n";
}

}  // namespace

std::string as_tables(const Report& report, std::optional<Part> part, std::size_t top) {
  std::string text = header(report);
  const auto wanted = [&](Part one) { return !part || *part == one; };
  if (wanted(Part::heads)) {
    text += highlights(report) + course_table(report) + literature_table(report) + depths(report);
  }
  if (wanted(Part::layers)) text += layers_table(report);
  if (wanted(Part::received)) text += received_table(report);
  if (wanted(Part::connections)) text += connections_table(report, top);
  return text;
}

}  // namespace attnviz::cli
