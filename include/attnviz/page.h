/// page: a view becomes one HTML file that shows it interactively, from disk and without a network. Behind
/// it: the page's script and style.
#pragma once

#include "attnviz/file.h"
#include "attnviz/record.h"

namespace attnviz {

/// `record.drawn` is a View, which the page opens with in sight as it is. All that the page needs is in it;
/// its Content-Security-Policy lets it load nothing. The record is the text of its <script
/// type="application/json" id="attnviz">, with its numbers in 16 bits (see Packing).
void write_page(const Record& record, const Sink& sink);

/// The page of `attnviz serve`: the same without a record, but with a form. It asks the server that it came
/// from, and no other: GET models, POST view.
void write_served_page(const Sink& sink);

}  // namespace attnviz
