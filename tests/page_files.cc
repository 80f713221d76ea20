/// Writes the page of a record, or the served page, for view_browser_test.py.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "attnviz/page.h"

int main(int count, char** arguments) {
  try {
    if (count != 2) {
      std::cerr << "usage: page_files PAGE < RECORD    (no record: the served page)\n";
      return 2;
    }
    const std::string json((std::istreambuf_iterator<char>(std::cin)), {});
    std::ofstream page(arguments[1], std::ios::binary);
    const attnviz::Sink sink = [&page](std::string_view piece) { page << piece; };
    if (json.empty())
      attnviz::write_served_page(sink);
    else
      attnviz::write_page(attnviz::StoredRecord(json, "the record").record(), sink);
    return page.flush() ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
