// catalog_files: what the catalog room says of files made in Python, for the comparison with what Python
// knows.
//
//   catalog_files card DIRECTORY     prints the card as JSON
//   catalog_files archive FILE…      prints one line a file: "good", or the fault
//   catalog_files program FILE…      the same, of what the archives' programs are made of
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "attnviz/catalog.h"
#include "attnviz/error.h"

namespace {

void print_card(const char* directory) {
  const attnviz::ModelCard card = attnviz::read_card(directory);
  std::cout << nlohmann::json{{"architecture", card.architecture},
                              {"layers", card.layers},
                              {"heads", card.heads},
                              {"hidden", card.hidden},
                              {"max_tokens", card.max_tokens},
                              {"causal", card.causal},
                              {"pair", card.takes_pairs},
                              {"checkpoint", card.has_checkpoint}}
            << '\n';
}

template <class Check>
void print_verdict(const char* path, Check&& check) {
  try {
    check(path);
    std::cout << "good\n";
  } catch (const attnviz::Error& error) {
    std::cout << error.what() << '\n';
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string command = count > 1 ? arguments[1] : "";
  try {
    if (command == "card" && count == 3) {
      print_card(arguments[2]);
    } else if (command == "archive" && count > 2) {
      for (int i = 2; i < count; ++i) print_verdict(arguments[i], attnviz::check_archive);
    } else if (command == "program" && count > 2) {
      for (int i = 2; i < count; ++i) print_verdict(arguments[i], attnviz::check_program);
    } else {
      std::cerr << "usage: catalog_files card DIRECTORY | archive FILE... | program FILE...\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return 0;
}
