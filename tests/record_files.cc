/// Writes a figure that carries a record, as a PNG, an SVG and a PDF, for record_parity.py.
#include <fstream>
#include <iostream>
#include <string>

#include "attnviz/file.h"
#include "attnviz/render.h"

int main(int count, char** arguments) {
  try {
    if (count != 3) {
      std::cerr << "usage: record_files RECORD DIRECTORY\n";
      return 2;
    }
    const std::string directory = arguments[2];
    const attnviz::Figure figure{.width = 90,
                                 .height = 30,
                                 .items = {attnviz::Text{.x = 9, .y = 15, .text = "bank"}},
                                 .title = "A title",
                                 .record = attnviz::read_file(arguments[1])};
    std::ofstream png(directory + "/a.png"), svg(directory + "/a.svg"), pdf(directory + "/a.pdf");
    write_png(figure, 72, [&png](std::string_view piece) { png << piece; });
    write_svg(figure, [&svg](std::string_view piece) { svg << piece; });
    write_pdf(figure, [&pdf](std::string_view piece) { pdf << piece; });
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
