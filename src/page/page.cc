#include "attnviz/page.h"

#include "attnviz/error.h"

namespace attnviz {

void write_page(const Record&, const Sink&) { throw Error("pages are not written yet"); }

void write_served_page(const Sink&) { throw Error("pages are not written yet"); }

}  // namespace attnviz
