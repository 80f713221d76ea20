/// look: how a command's figures look, from its flags.
#pragma once

#include "attnviz/figure.h"
#include "cli/flags.h"

namespace attnviz::cli {

struct LookOptions {
  Look look;
  bool color_map_given = false;
  double dpi = 150;  ///< of a PNG

  /// The look with its colour map: the one given, else the figure's own.
  [[nodiscard]] Look with_default(const std::string& color_map) const;
};

void add_look_flags(Flags& flags, LookOptions& options);

}  // namespace attnviz::cli
