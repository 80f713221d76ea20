#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "attnviz/cli.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = attnviz::cli::run(arguments, {std::cin, std::cout, std::cerr, /*own_process=*/true});
  // Everything is flushed and closed: leaving at once saves the 0.08 s that libtorch's destructors take.
  _exit(status);
}
