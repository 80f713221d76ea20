#include <ostream>

#include "attnviz/cli.h"

namespace attnviz::cli {

int run(std::span<const std::string>, const Streams& streams) {
  streams.err << "attnviz: no command yet\n";
  return 2;
}

}  // namespace attnviz::cli
